import Expressions
import Telemetry

extension MessageCounter {
    /// Reads a counter of type `message`.
    init?(message fields: inout FieldReader, _ scope: inout CounterScope) {
        let word = fields.choice("method", Method.allCases.map(\.rawValue))
        let extremum = Self.extremum(&fields, &scope)
        let method = word.flatMap(Method.init) ?? .first
        if word == nil, extremum == nil, fields.problems.isEmpty {
            fields.fail("method", "is missing: first, last, each or aggregate_by_field")
        }
        let parts = Self.fields(&fields, &scope)
        if method == .aggregateByField, parts.isEmpty {
            fields.fail("fields", "is missing: its first entry names what the messages are grouped by")
        }
        guard fields.problems.isEmpty else { return nil }
        self.init(
            method: method, fields: parts, extremum: extremum,
            wholeMessage: parts.isEmpty ? scope.layout.slot(Self.wholeMessageName) : nil)
    }

    /// Reads a counter of type `dataset`.
    init?(dataset fields: inout FieldReader, _ scope: inout CounterScope) {
        let allowsUnknown = fields.boolean("allow_unknown")
        let items = fields.items("fields") ?? []
        if items.isEmpty, fields.problems.isEmpty {
            fields.fail("fields", "is missing: objects with a name and a value, which is an expression")
        }
        Self.limit(items.count, &fields)
        let parts = items.prefix(Self.fieldsMax).compactMap { path, value -> Field? in
            var inner = FieldReader(value, path: path)
            defer { fields.problems += inner.problems }
            let name = inner.requiredName()
            let program = inner.required("value", variables: scope.variables, layout: &scope.layout)
            inner.refuseUnknown("a field of a dataset")
            return program.map { Field(name: name, program: $0, aggregate: .first) }
        }
        guard fields.problems.isEmpty else { return nil }
        self.init(
            method: .each, fields: parts, extremum: nil,
            unknown: allowsUnknown ? .leavesFieldOut : .passesMessageOver, wholeMessage: nil)
    }

    private static func limit(_ count: Int, _ fields: inout FieldReader) {
        if count > fieldsMax { fields.fail("fields", "must have at most \(fieldsMax) items, not \(count)") }
    }

    private static func extremum(_ fields: inout FieldReader, _ scope: inout CounterScope) -> Extremum? {
        guard let value = fields.value("extremum"), value != .null else { return nil }
        var inner = FieldReader(value, path: fields.path(of: "extremum"))
        defer { fields.problems += inner.problems }
        let type = inner.choice("type", ["minimum", "maximum", "min", "max"])
        if type == nil, inner.problems.isEmpty { inner.fail("type", "is missing: minimum or maximum") }
        let program = inner.required("expression", variables: scope.variables, layout: &scope.layout)
        inner.refuseUnknown("extremum")
        guard let program else { return nil }
        return Extremum(isMaximum: type?.hasPrefix("max") ?? true, program: program)
    }

    private static func fields(_ fields: inout FieldReader, _ scope: inout CounterScope) -> [Field] {
        let items = fields.items("fields") ?? []
        limit(items.count, &fields)
        return items.prefix(fieldsMax).compactMap { path, value in
            if let name = value.stringValue {
                let program = Program(parameter: name, variables: scope.variables, layout: &scope.layout)
                return Field(name: name, program: program, aggregate: .first)
            }
            var inner = FieldReader(value, path: path)
            defer { fields.problems += inner.problems }
            let name = inner.requiredName()
            let program = inner.required("expression", variables: scope.variables, layout: &scope.layout)
            let aggregate = inner.aggregate() ?? .first
            inner.refuseUnknown("a field")
            return program.map { Field(name: name, program: $0, aggregate: aggregate) }
        }
    }
}

extension VariableCounter {
    init?(_ name: String, _ fields: inout FieldReader, _ scope: inout CounterScope) {
        scope.variables.insert(name)
        let program = fields.required("expression", variables: scope.variables, layout: &scope.layout)
        guard let program else { return nil }
        self.init(
            name: name, program: program, slot: scope.layout.slot(Self.slotName(name)),
            readsItself: program.variableNames.contains(name))
    }
}

extension SourceCounter {
    init?(_ fields: inout FieldReader) {
        let source = SourceReference(&fields)
        let word = fields.choice("method", Method.allCases.map(\.rawValue))
        if word == nil, fields.isMissing("method") {
            fields.fail("method", "is missing: \(Method.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        allowsStartBefore = fields.boolean("allow_start_before")
        allowsFinishAfter = fields.boolean("allow_finish_after")
        var layout = source?.layout ?? ColumnLayout()
        self.fields = Self.fields(&fields, &layout)
        let method = word.flatMap(Method.init) ?? .each
        if word != nil, method == .aggregate || method == .aggregateByField, self.fields.isEmpty {
            let what = method == .aggregate ? "says what is aggregated" : "its first entry names what is grouped by"
            if fields.isMissing("fields") { fields.fail("fields", "is missing: \(what)") }
        }
        guard var source, fields.problems.isEmpty else { return nil }
        source.layout = layout
        self.source = source
        self.method = method
    }

    private static func fields(_ fields: inout FieldReader, _ layout: inout ColumnLayout) -> [Field] {
        let items = fields.items("fields") ?? []
        if items.count > MessageCounter.fieldsMax {
            fields.fail("fields", "must have at most \(MessageCounter.fieldsMax) items, not \(items.count)")
        }
        return items.prefix(MessageCounter.fieldsMax).compactMap { path, value in
            if let name = value.stringValue {
                return Field(name: name, program: Program(parameter: name, layout: &layout), aggregate: nil)
            }
            var inner = FieldReader(value, path: path)
            defer { fields.problems += inner.problems }
            let name = inner.requiredName()
            let program = inner.required("expression", scope: .source, layout: &layout)
            let aggregate = inner.aggregate()
            inner.refuseUnknown("a field")
            return program.map { Field(name: name, program: $0, aggregate: aggregate) }
        }
    }
}

extension AccumulatorCounter {
    init?(_ fields: inout FieldReader, _ scope: inout CounterScope) {
        let counter = fields.string("counter")
        let unit = fields.choice("reset_interval", CalendarUnit.allCases.map(\.rawValue)).flatMap(CalendarUnit.init)
        let reset = fields.program("reset_expression", scope: .interval, layout: &scope.intervalLayout)
        guard let counter else {
            if fields.isMissing("counter") {
                fields.fail("counter", "is missing: the name of the counter whose values are added up")
            }
            return nil
        }
        guard scope.names.contains(counter) else {
            let meant = nearestName(to: counter, among: scope.names).map { "; did you mean \"\($0)\"?" } ?? ""
            fields.fail("counter", "no counter before this one is named \"\(counter)\"\(meant)")
            return nil
        }
        self.init(counter: counter, resetUnit: unit, reset: reset)
    }
}

extension FieldReader {
    /// The method by which the values of a field become one; nil where none is given.
    fileprivate mutating func aggregate() -> Method? {
        let words = Method.words.filter { $0 != Method.duration.rawValue }
        return choice("aggregate", words).flatMap(Method.init(word:))
    }

    fileprivate mutating func requiredName() -> String {
        let name = string("name") ?? ""
        if name.isEmpty, problems.isEmpty { fail("name", "is missing: the result needs a name") }
        return name
    }
}
