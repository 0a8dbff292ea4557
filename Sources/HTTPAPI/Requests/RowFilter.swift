import Expressions
import Telemetry

/// An expression that keeps or drops rows, each by itself: the `filter` of a query and `{expression}` in a path.
struct RowFilter: Sendable {
    /// The parameters, or the dotted paths of members, that a row has to give.
    let layout: ColumnLayout
    private let program: Program

    /// - Throws: if the source is too long, is no expression, or looks at rows before its own.
    init(_ source: String, named name: String, limits: APILimits) throws(APIFailure) {
        guard source.utf8.count <= limits.expressionBytesMax else {
            throw APIFailure(.badRequest, "\(name) is over \(limits.expressionBytesMax) bytes", path: name)
        }
        var layout = ColumnLayout()
        do throws(ExpressionError) {
            program = try Program(source, layout: &layout)
        } catch { throw APIFailure(error, in: name) }
        guard !program.looksBack else {
            throw APIFailure(
                .badRequest, "\(name) looks back, but each item is judged by itself",
                hint: "leave out '#', previous(), mileage() and duration()", path: name)
        }
        self.layout = layout
    }

    /// The filter of a query; nil where it has none, or an empty one.
    static func given(_ source: String?, limits: APILimits) throws(APIFailure) -> RowFilter? {
        guard let source, !source.isEmpty else { return nil }
        return try RowFilter(source, named: "filter", limits: limits)
    }

    /// Whether each row of a block is kept.
    func truth(of block: ExpressionBlock) -> [Bool] {
        var memory = ProgramMemory(for: program)
        return program.evaluate(block, memory: &memory, environment: ExpressionEnvironment()).truth()
    }

    /// The items that are kept, by their JSON, in their order.
    func kept<Item>(_ items: [Item], _ json: (Item) -> JSONValue) -> [Item] {
        let objects = items.map(json)
        let columns = layout.names.map { name in
            var column = ValueColumn()
            let path = name.split(separator: ".").map(String.init)
            for object in objects { column.append(object.value(at: path)?.value) }
            return column
        }
        let block = ExpressionBlock(timestamps: [Int64](repeating: 0, count: items.count), columns: columns)
        return zip(items, truth(of: block)).filter(\.1).map(\.0)
    }
}
