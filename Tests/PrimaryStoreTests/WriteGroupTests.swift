import SQLiteClient
import SeededRandom
import Telemetry
import Testing

@testable import PrimaryStore

/// Parts of a group run without savepoints until one fails; nobody may tell.
@Suite("Groups of writes")
struct WriteGroupTests {
    @Test(
        "writes in groups, failing ones among them, leave what they leave one by one",
        arguments: 1...12 as ClosedRange<UInt64>)
    func oneByOne(seed: UInt64) throws {
        let (grouped, single) = (try GroupedStore(), try GroupedStore())
        var random = SeededGenerator(seed: seed)
        for round in 0..<25 {
            let count = Int.random(in: 2...8, using: &random)
            // Most groups are free of failures, some are full of them.
            let failures = [0, 0, 15, 60].randomElement(using: &random) ?? 0
            let writes = (0..<count).map { _ in GroupedWrite(failures: failures, &random) }
            let together = grouped.run(writes)
            let apart = writes.flatMap { single.run([$0]) }
            let name: Comment = "seed \(seed), round \(round), \(writes)"
            #expect(together == apart, name)
            #expect(try grouped.contents() == single.contents(), name)
        }
        let pages = try [grouped, single].map { try $0.test.store.readLog(after: 0, slots: .all) }
        #expect(pages[0].entries.map(\.position) == pages[1].entries.map(\.position))
        #expect(try grouped.pending() == single.pending())
        for store in [grouped, single] {
            try store.test.reopen()
            #expect(try store.test.store.audit(slots: .all).isEmpty)
        }
    }
}

/// A write that may fail, half way too.
private enum GroupedWrite: Sendable {
    case append(device: Int, isSecondUnknown: Bool)
    case push(device: Int, id: Int64?, begin: Int64, isFenced: Bool)
    case trim(device: Int, upTo: Int64)
    case create(ident: Int)

    init(failures: Int, _ random: inout SeededGenerator) {
        let fails = Int.random(in: 0..<100, using: &random) < failures
        let device = Int.random(in: 0..<3, using: &random)
        switch Int.random(in: 0..<7, using: &random) {
        case 0, 1: self = .append(device: device, isSecondUnknown: fails)
        case 2, 3:
            self = .push(
                device: device, id: fails ? Int64.random(in: 1...9, using: &random) : nil,
                begin: Int64.random(in: 1...40, using: &random) * 10, isFenced: false)
        case 4: self = .push(device: device, id: nil, begin: Int64.random(in: 1...40, using: &random), isFenced: fails)
        case 5: self = .trim(device: device, upTo: Int64.random(in: 0...40, using: &random))
        default: self = .create(ident: Int.random(in: 0..<(fails ? 3 : 1_000_000), using: &random))
        }
    }
}

/// A store with three devices to write to.
private final class GroupedStore {
    let test: TestStore
    private let assignments: [TestAssignment]
    private let rows: [[LogRow]]

    init() throws {
        let test = try TestStore()
        self.test = test
        let calculator = try test.calculator()
        let devices = try (0..<3).map { try test.device("d\($0)") }
        let keys = devices.map { AssignmentKey(calculator: calculator, device: $0) }
        _ = try test.store.assign(keys, isEnabled: true, isAutoCreated: false)
        let epochs = try test.store.claimAllSlots(owner: "worker", at: .zero)
        assignments = keys.map { key in
            let slot = Slot(device: key.device)
            return TestAssignment(key: key, slot: slot, epoch: epochs[slot] ?? 0)
        }
        rows = try (devices + [DeviceID(99)]).map {
            try LogRow.encode([LogAppend(device: $0, batch: batch(test.store.parameters, [1, 2, 3]))])
        }
    }

    /// What became of each write.
    func run(_ writes: [GroupedWrite]) -> [String] {
        test.store.writeEach(writes.map(body)).map { result in
            switch result {
            case .success(let text): text
            case .failure(let error): "\(error)"
            }
        }
    }

    private func body(_ write: GroupedWrite) -> Writes<String>.Body {
        switch write {
        case .append(let device, let isSecondUnknown):
            let rows = rows[device] + (isSecondUnknown ? rows[3] : [])
            return { "\(try $0.append(rows))" }
        case .push(let device, let id, let begin, let isFenced):
            let assignment = assignments[device]
            // The first interval is written before the second fails.
            let new = IntervalWrite.make(nil, begin, begin + 5, value: Int(begin % 7))
            var push = assignment.push(id.map { [new, .make($0, 1_000, 1_001)] } ?? [new])
            if isFenced { push.epoch += 1 }
            let fence = Fence(push.slot, epoch: push.epoch, device: push.key.device)
            return { [push] in "\(try PushTransaction.apply(push, fence, in: $0))" }
        case .trim(let device, let upTo):
            let id = assignments[device].key.device
            return { writer in
                try writer.trimLog(id, upTo: min(upTo, writer.state.lastPosition))
                return "trimmed"
            }
        case .create(let ident):
            return { "\(try $0.createDevice(ident: "d\(ident)", name: "", json: "{}"))" }
        }
    }

    /// The rows of every table that these writes touch.
    func contents() throws -> [String] {
        let store = test.store
        var all = ["\(store.lastPosition)"]
        let tables = [
            "log", "log_totals", "slots", "devices", "assignments", "intervals", "feed", "parameters", "totals",
        ]
        for table in tables {
            // What is counted of the table `meta` differs, as every store has a number of its own.
            let condition = table == "totals" ? " WHERE name <> 'meta'" : ""
            all += try store.read { connection in
                let columns =
                    try connection.statement("SELECT group_concat(quote(name), '||') FROM pragma_table_info(?)", table)
                    .first { $0.text(0) } ?? ""
                let names = columns.replacing("'", with: "").split(separator: "||")
                let list = names.map { "quote(\"\($0)\")" }.joined(separator: " || ',' || ")
                var rows: [String] = []
                try connection.statement("SELECT \(list) FROM \(table)\(condition)").forEachRow {
                    rows.append("\(table) \($0.text(0))")
                }
                return rows.sorted()
            }
        }
        return all
    }

    /// What the log index says.
    func pending() throws -> [String] {
        try test.store.pendingLog(slots: .all).map {
            "\($0.device) \($0.entryCount) \($0.messageCount) \($0.firstPosition) \($0.lastPosition)"
        }
    }
}
