import Foundation

/// A place on the globe, in degrees.
struct Position: Equatable {
    var latitude: Double
    var longitude: Double

    init(latitude: Double, longitude: Double) {
        self.latitude = latitude
        self.longitude = longitude
    }

    /// The valid position of a message: numeric latitude and longitude, and `position.valid` not false.
    init?(_ message: RefMessage) {
        guard case .number(let latitude)? = message.values["position.latitude"],
            case .number(let longitude)? = message.values["position.longitude"],
            message.values["position.valid"] != .boolean(false)
        else { return nil }
        self.init(latitude: latitude, longitude: longitude)
    }

    /// The great-circle distance by the haversine formula.
    func kilometres(to other: Position) -> Double {
        let radians = Double.pi / 180
        let latitudeChange = (other.latitude - latitude) * radians
        let longitudeChange = (other.longitude - longitude) * radians
        let a =
            pow(sin(latitudeChange / 2), 2)
            + cos(latitude * radians) * cos(other.latitude * radians) * pow(sin(longitudeChange / 2), 2)
        return 2 * 6371.0088 * asin(min(1, a.squareRoot()))
    }

    /// The distance by the formula that a calculator names.
    func kilometres(to other: Position, by formula: MileageFormula) -> Double {
        switch formula {
        case .haversine: kilometres(to: other)
        case .geodesic: geodesicKilometres(to: other)
        }
    }

    func metres(to other: Position, by formula: MileageFormula) -> Double {
        kilometres(to: other, by: formula) * 1_000
    }

    /// Google's encoded polyline with five decimals.
    static func polyline(_ positions: [Position]) -> String {
        var text = ""
        var last = (latitude: 0, longitude: 0)
        for position in positions {
            let next = (
                latitude: Int((position.latitude * 1e5).rounded()), longitude: Int((position.longitude * 1e5).rounded())
            )
            text += encoded(next.latitude - last.latitude) + encoded(next.longitude - last.longitude)
            last = next
        }
        return text
    }

    private static func encoded(_ change: Int) -> String {
        var rest = change < 0 ? ~(change << 1) : change << 1
        var text = String.UnicodeScalarView()
        repeat {
            let part = rest & 31
            rest >>= 5
            text.append(Unicode.Scalar(UInt8(part + (rest > 0 ? 32 : 0) + 63)))
        } while rest > 0
        return String(text)
    }
}
