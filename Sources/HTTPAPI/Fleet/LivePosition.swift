import Publishing
import Telemetry

/// The last that is known of a vehicle: its newest fix, and of every other value the newest there is.
///
/// Batches may come in any order and more than once: the result is the same. Of equal times the greater value holds,
/// of fixes that of the greater hash.
struct LivePosition: Sendable {
    struct Fix: Sendable {
        var moment: Timestamp
        var hash: UInt64
        var place: PathPoint
        var speed: Double?
        var direction: Double?
        var satellites: Int64?
        var kind: String
    }

    /// A value and when it was said.
    struct Latest<Value: Sendable>: Sendable {
        var moment: Timestamp
        var value: Value
    }

    private(set) var fix: Fix?
    /// The time of the newest message, whatever it says.
    private(set) var contact: Timestamp?
    private(set) var ignition: Latest<Bool>?
    private(set) var mileage: Latest<Double>?
    private(set) var address: Latest<String>?

    /// Takes the messages of a batch that are not after a moment.
    mutating func take(_ batch: MessageBatch, _ parameters: FixParameters, upTo latest: Timestamp) {
        let columns = FixColumns(batch, parameters)
        for row in 0..<batch.count where batch.timestamps[row] <= latest.microseconds {
            let moment = Timestamp(microseconds: batch.timestamps[row])
            if contact.map({ $0 < moment }) ?? true { contact = moment }
            take(fixAt: row, moment, batch.hashes[row], columns)
            take(valuesAt: row, moment, columns)
        }
    }

    private mutating func take(fixAt row: Int, _ moment: Timestamp, _ hash: UInt64, _ columns: FixColumns) {
        if let fix, (moment, hash) <= (fix.moment, fix.hash) { return }
        guard let place = columns.place(row) else { return }
        fix = Fix(
            moment: moment, hash: hash, place: place, speed: columns.speed(row), direction: columns.direction(row),
            satellites: columns.satellites(row), kind: columns.kind(row))
    }

    private mutating func take(valuesAt row: Int, _ moment: Timestamp, _ columns: FixColumns) {
        if isWanted(ignition, moment), let isOn = columns.isIgnitionOn(row),
            isNewer(moment, ignition, { !$0 && isOn })
        {
            ignition = Latest(moment: moment, value: isOn)
        }
        if isWanted(mileage, moment), let value = columns.mileage(row), isNewer(moment, mileage, { $0 < value }) {
            mileage = Latest(moment: moment, value: value)
        }
        if isWanted(address, moment), let text = columns.address(row),
            isNewer(moment, address, { $0.comesBefore(text) })
        {
            address = Latest(moment: moment, value: text)
        }
    }

    private func isWanted<Value>(_ latest: Latest<Value>?, _ moment: Timestamp) -> Bool {
        latest.map { $0.moment <= moment } ?? true
    }

    private func isNewer<Value>(
        _ moment: Timestamp, _ latest: Latest<Value>?, _ isLess: (Value) -> Bool
    ) -> Bool {
        guard let latest else { return true }
        return latest.moment == moment ? isLess(latest.value) : latest.moment < moment
    }

    /// Whether messages before a moment cannot alter it: everything that any message has told is known of later ones.
    func isSettled(before moment: Timestamp, _ parameters: FixParameters) -> Bool {
        func isKnown(_ time: Timestamp?, _ wanted: [ParameterID?]) -> Bool {
            wanted.allSatisfy { $0 == nil } || time.map { $0 >= moment } ?? false
        }
        return isKnown(contact, [parameters.latitude]) && isKnown(fix?.moment, [parameters.latitude])
            && isKnown(ignition?.moment, [parameters.ignition])
            && isKnown(mileage?.moment, [parameters.busMileage, parameters.mileage])
            && isKnown(address?.moment, [parameters.address])
    }
}
