import Foundation

/// What a scene found, figure by figure: printed for people, and written as JSON for `compare`.
public final class Measures {
    struct Measure: Encodable {
        var name: String
        var unit: String
        var median: Double
        var p99: Double
        var least: Double
        var count: Int
    }

    private var list: [Measure] = []

    public init() {}

    /// Notes figures of one kind, or a single one.
    public func add(_ name: String, _ unit: String, _ values: [Double]) {
        let measure = Measure(
            name: name, unit: unit, median: values.median, p99: values.quantile(0.99), least: values.quantile(0),
            count: values.count)
        guard !values.isEmpty else { return }
        list.append(measure)
        let rest =
            values.count > 1
            ? ", p99 \(measure.p99.text(2)), least \(measure.least.text(2)), of \(measure.count)" : ""
        print("\(name): \(measure.median.text(2)) \(unit)\(rest)")
        fflush(nil)
    }

    public func add(_ name: String, _ unit: String, _ value: Double) { add(name, unit, [value]) }

    /// Seconds, noted as microseconds.
    public func add(seconds: [Double], _ name: String) { add(name, "µs", seconds.map { $0 * 1e6 }) }

    public func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        try encoder.encode(list).write(to: URL(fileURLWithPath: path))
    }
}
