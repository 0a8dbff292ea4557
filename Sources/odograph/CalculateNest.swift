import ArgumentParser
import Calculators
import Expressions
import Ingest
import Telemetry
import TimeZones

/// A calculator that another reads, as the command line names it: `7=trips.json`.
struct CalculateSource: ExpressibleByArgument {
    var id: CalculatorID
    var file: String

    init?(argument: String) {
        guard let mark = argument.firstIndex(of: "="), let id = Int64(argument[..<mark]), id > 0 else { return nil }
        self.id = CalculatorID(id)
        file = String(argument[argument.index(after: mark)...])
    }
}

/// The calculators that `odograph calculate` evaluates, in their order.
struct CalculateNest {
    struct Member {
        /// nil for the one that is asked for.
        var id: CalculatorID?
        var calculator: Calculator
        var zone: TimeZoneTable
    }

    /// A reason why the calculators cannot be evaluated.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    let members: [Member]

    /// Puts calculators that are read before those that read them.
    init(_ asked: Member, sources: [Member]) throws {
        var waiting = sources
        var known: Set<CalculatorID> = []
        var ordered: [Member] = []
        while let place = waiting.firstIndex(where: { $0.calculator.sources.isSubset(of: known) }) {
            let next = waiting.remove(at: place)
            if let id = next.id { known.insert(id) }
            ordered.append(next)
        }
        for member in waiting + [asked] {
            guard let missing = member.calculator.sources.subtracting(known).sorted().first else { continue }
            throw Failure(
                description:
                    "calculator \(missing) is read and not given, or reads itself: give it by --source \(missing)=FILE")
        }
        members = ordered + [asked]
    }
}

/// Reads what expressions may ask for beside messages.
enum CalculateSurroundings {
    /// The geofences of a file with an array of them.
    static func geofences(_ file: String?) throws -> GeofenceSet {
        guard let file else { return .empty }
        let value = try json(file)
        guard let items = value.arrayValue else { throw failure(file, "must be an array of geofences") }
        return GeofenceSet(
            try items.enumerated().map { index, item in
                do throws(GeofenceError) {
                    return try Geofence(item, id: item["id"]?.integerValue ?? Int64(index) + 1)
                } catch {
                    throw failure(file, "[\(index)].\(error.path): \(error.reason)")
                }
            })
    }

    /// The metadata of a file with an object.
    static func metadata(_ file: String?) throws -> JSONValue {
        guard let file else { return .object([]) }
        let value = try json(file)
        guard value.members != nil else { throw failure(file, "must be an object, not \(value.typeName)") }
        return value
    }

    private static func json(_ file: String) throws -> JSONValue {
        let bytes = try CheckedFile.contents(of: file)
        do throws(JSONError) {
            return try JSONValue(parsing: bytes)
        } catch {
            let place = JSONLocator.position(of: error.offset, in: bytes)
            throw failure("\(file):\(place.line):\(place.column)", error.reason)
        }
    }

    private static func failure(_ place: String, _ reason: String) -> CalculateNest.Failure {
        CalculateNest.Failure(description: "\(place): \(reason)")
    }
}
