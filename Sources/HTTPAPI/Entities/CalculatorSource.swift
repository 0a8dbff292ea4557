import Calculators
import Telemetry

/// A calculator that another one reads, and where its definition says so.
struct CalculatorSource: Sendable {
    /// The JSON path of the id, such as `selectors[0].calc_id`.
    var path: String
    var calculator: CalculatorID

    /// The two spellings of the key.
    static let keys = ["calc_id", "calculator_id"]
    /// How many calculators a hint names.
    static let hintCountMax = 3
}

extension Calculator {
    /// What it reads of other calculators, with the places in its definition.
    func sources(in definition: JSONValue) -> [CalculatorSource] {
        let selected = selectors.enumerated().compactMap { index, selector -> CalculatorSource? in
            guard case .source(let source) = selector.kind else { return nil }
            return Self.source(source.calculator, "selectors[\(index)]", definition)
        }
        let counted = counters.enumerated().compactMap { index, counter -> CalculatorSource? in
            guard case .source(let source) = counter.kind else { return nil }
            return Self.source(source.source.calculator, "counters[\(index)]", definition)
        }
        let read = messagesSource.map { Self.source($0, "messages_source", definition) }
        return (read.map { [$0] } ?? []) + selected + counted
    }

    private static func source(_ id: CalculatorID, _ path: String, _ definition: JSONValue) -> CalculatorSource {
        let place = definition.value(atProblem: path)
        let key = CalculatorSource.keys.first { (place?[$0] ?? .null) != .null }
        return CalculatorSource(path: "\(path).\(key ?? CalculatorSource.keys[0])", calculator: id)
    }
}

extension EntityCatalog.Contents {
    /// Refuses sources that are not there, and calculators that would read themselves, were it by way of others.
    func check(_ sources: [CalculatorSource], of id: CalculatorID?) throws(APIFailure) {
        let problems = sources.compactMap { problem(with: $0, of: id) }
        if !problems.isEmpty { throw APIFailure(problems) }
    }

    /// Refuses to take a calculator away that others read.
    func checkUnread(_ id: CalculatorID) throws(APIFailure) {
        let readers = calculatorIDs.filter { sourcesOfCalculator[$0]?.contains(id) ?? false }
        guard !readers.isEmpty else { return }
        throw APIFailure(
            .conflict, "calculator \(id) is read by \(list(readers))",
            hint: "delete those too, or repeat the request with ?force=true")
    }

    /// The same calculators, each behind those that read it: in this order they can go.
    func readersFirst(_ selected: [CalculatorEntity]) -> [CalculatorEntity] {
        var readerCounts = Dictionary(selected.map { ($0.id, 0) }) { first, _ in first }
        for id in readerCounts.keys {
            for source in sourcesOfCalculator[id] ?? [] { readerCounts[source]? += 1 }
        }
        var order = selected.map(\.id).filter { readerCounts[$0] == 0 }
        var place = 0
        while place < order.count {
            for source in (sourcesOfCalculator[order[place]] ?? []).sorted() {
                readerCounts[source]? -= 1
                if readerCounts[source] == 0 { order.append(source) }
            }
            place += 1
        }
        let ranks = Dictionary(order.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
        return selected.sorted { (ranks[$0.id] ?? 0) < (ranks[$1.id] ?? 0) }
    }

    private func problem(with source: CalculatorSource, of id: CalculatorID?) -> ErrorItem? {
        guard calculators[source.calculator] != nil else {
            return ErrorItem(
                .badRequest, "\(source.path): there is no calculator \(source.calculator)",
                hint: nearest(to: source.calculator), path: source.path)
        }
        guard let id, let chain = chain(from: source.calculator, to: id) else { return nil }
        if chain.count == 1 {
            return ErrorItem(.badRequest, "\(source.path): a calculator cannot read itself", path: source.path)
        }
        let circle = ([id] + chain).map(\.description).joined(separator: " → ")
        return ErrorItem(
            .badRequest, "\(source.path): calculators would read each other in a circle: \(circle)", path: source.path)
    }

    /// The way along which one calculator reads another, both included; nil if it does not.
    private func chain(from start: CalculatorID, to end: CalculatorID) -> [CalculatorID]? {
        var cameFrom: [CalculatorID: CalculatorID] = [:]
        var seen: Set<CalculatorID> = [start]
        var waiting = [start]
        while let next = waiting.popLast() {
            if next == end {
                var chain = [next]
                while let before = cameFrom[chain[0]] { chain.insert(before, at: 0) }
                return chain
            }
            for source in (sourcesOfCalculator[next] ?? []).sorted() where seen.insert(source).inserted {
                cameFrom[source] = next
                waiting.append(source)
            }
        }
        return nil
    }

    /// The calculators with the nearest ids.
    private func nearest(to id: CalculatorID) -> String {
        let ranked = calculatorIDs.sorted { distance($0, id) < distance($1, id) }
        guard !ranked.isEmpty else { return "there are no calculators yet" }
        return "the nearest are \(list(ranked.prefix(CalculatorSource.hintCountMax).sorted()))"
    }

    private func distance(_ left: CalculatorID, _ right: CalculatorID) -> UInt64 {
        (left.rawValue.subtractingReportingOverflow(right.rawValue).partialValue).magnitude
    }

    private func list(_ ids: [CalculatorID]) -> String {
        ids.map { "\($0) \"\(calculators[$0]?.name ?? "")\"" }.joined(separator: ", ")
    }
}

extension JSONValue {
    /// The value at the path of a problem, such as `selectors[0].calc_id`.
    func value(atProblem path: String) -> JSONValue? {
        var place: JSONValue? = self
        for part in path.split(whereSeparator: { $0 == "." || $0 == "[" || $0 == "]" }) {
            if let items = place?.arrayValue {
                place = Int(part).flatMap { items.indices.contains($0) ? items[$0] : nil }
            } else {
                place = place?[String(part)]
            }
        }
        return place
    }
}
