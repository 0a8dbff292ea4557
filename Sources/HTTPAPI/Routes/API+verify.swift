import CalcProcess
import HTTPTypes
import PrimaryStore
import Telemetry

extension API {
    /// Differences of one assignment that are told one by one.
    static let verifiedDifferencesMax = 100

    /// Recalculates assignments from their messages and compares with what is stored.
    func verifyAssignments(_ call: Call) async throws(APIFailure) -> Answer {
        if let body = call.body.isEmpty ? nil : try call.json(), body.members?.isEmpty != true {
            throw APIFailure(.badRequest, "a verification takes no fields")
        }
        let selection = try assignments(call)
        let keys = selection.items.map(\.key).sorted { ($0.device, $0.calculator) < ($1.device, $1.calculator) }
        let result = try await verified(keys)
        var answer = Answer(result: result, errors: selection.errors)
        answer.headers.append(contentsOf: Freshness(calculation.statuses(of: keys)).fields)
        return answer
    }

    /// What is found of assignments in the order of devices, looked at where it may block.
    private func verified(_ keys: [AssignmentKey]) async throws(APIFailure) -> [JSONValue] {
        guard !keys.isEmpty else { return [] }
        let (moment, calculation, limits) = (now(), calculation, limits.onDemand)
        return try await pool.run { [store, timeZones] () throws(APIFailure) in
            var budget = OnDemandBudget(limits)
            var result: [JSONValue] = []
            do throws(StoreError) {
                var verification = try Verification(timeZones: timeZones, now: moment) { store }
                verification.isPending = { calculation.status(of: $0).pendingSince != nil }
                verification.mayGoOn = { count in
                    budget.take(messages: count)
                    return budget.excess == nil
                }
                var rest = keys[...]
                while let device = rest.first?.device, budget.excess == nil {
                    let own = Array(rest.prefix { $0.device == device })
                    rest = rest.dropFirst(own.count)
                    var report = VerifyReport(own, differencesMax: Self.verifiedDifferencesMax)
                    try verification.verify(device, own.map(\.calculator)) { report.add($0) }
                    result += report.items
                }
            } catch { throw APIFailure(error) }
            try budget.check()
            return result
        }
    }
}

/// What a verification says of some assignments of a device.
private struct VerifyReport {
    private struct Item {
        var counts: [VerificationFinding.Kind: Int] = [:]
        var shown: [JSONValue] = []
    }

    private let keys: [AssignmentKey]
    private let differencesMax: Int
    private var found: [AssignmentKey: Item] = [:]

    init(_ keys: [AssignmentKey], differencesMax: Int) {
        self.keys = keys
        self.differencesMax = differencesMax
    }

    /// What concerns the messages of the device concerns all of its assignments.
    mutating func add(_ finding: VerificationFinding) {
        for key in finding.key.map({ [$0] }) ?? keys {
            found[key, default: Item()].counts[finding.kind, default: 0] += finding.count ?? 1
            guard found[key, default: Item()].shown.count < differencesMax else { continue }
            found[key, default: Item()].shown.append(finding.json)
        }
    }

    var items: [JSONValue] {
        keys.map { key in
            let item = found[key] ?? Item()
            let isAlike = item.counts.isEmpty
            return .object(
                key.members + [.init("is_alike", .boolean(isAlike))]
                    + [VerificationFinding.Kind.missing, .extra, .different, .corrupt, .failure, .pending].map {
                        .init($0.rawValue, .number(Double(item.counts[$0] ?? 0)))
                    } + [.init("findings", .array(item.shown))])
        }
    }
}
