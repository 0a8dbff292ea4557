/// The result of one calculator over one stretch of a device's messages, before it has an id.
public struct Interval: Hashable, Sendable {
    /// The first and the last message that count, those merged before and after included.
    public var begin: Timestamp
    public var end: Timestamp
    /// The first message that the selectors themselves chose: what the interval is recognised by.
    public var firstOn: Timestamp
    /// Whether the stretch is still open.
    public var isActive: Bool
    /// Whether it began before the messages that are kept, and was gone on with from a saved state or cut.
    public var isContinued = false
    /// The counters' values as the calculator orders them; a counter without a value is left out.
    public var counters: [Counter]

    public struct Counter: Hashable, Sendable {
        public var name: String
        public var value: Value

        public init(name: String, value: Value) {
            self.name = name
            self.value = value
        }
    }

    public init(begin: Timestamp, end: Timestamp, firstOn: Timestamp, isActive: Bool, counters: [Counter]) {
        self.begin = begin
        self.end = end
        self.firstOn = firstOn
        self.isActive = isActive
        self.counters = counters
    }

    /// Seconds from begin to end.
    public var duration: Double { Double(end.microseconds - begin.microseconds) / 1e6 }

    /// The JSON text before `id`: begin, end and duration, with the opening brace.
    public var head: [UInt8] {
        var writer = JSONWriter(capacity: 64)
        writer.write(literal: "{\"begin\":")
        writer.write(begin)
        writer.write(literal: ",\"end\":")
        writer.write(end)
        writer.write(literal: ",\"duration\":")
        writer.write(Timestamp(microseconds: end.microseconds - begin.microseconds))
        return writer.bytes
    }

    /// The JSON text after `timestamp`: the counters and what marks it as continued, each preceded by a comma, with the
    /// closing brace.
    public var tail: [UInt8] {
        var writer = JSONWriter(capacity: 256)
        for counter in counters {
            writer.write(literal: ",")
            writer.write(string: counter.name)
            writer.write(literal: ":")
            writer.write(counter.value)
        }
        if isContinued { writer.write(literal: ",\"continued\":true") }
        writer.write(literal: "}")
        return writer.bytes
    }
}

/// What happened to an interval; the order of the cases is the order in which one push reports them.
public enum ChangeOperation: String, CaseIterable, Sendable {
    case deleted, created, updated, activated, deactivated
}
