import Telemetry

/// What happened in a simulation, in order: a hash over all of it, and the last events in words.
struct Trace {
    /// More events than this are not remembered in words.
    static let eventCountMax = 60

    private(set) var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    private(set) var eventCount = 0
    private var events: [String] = []
    /// Whether it is printed as it comes.
    var isPrinting = false
    /// The same for what goes into the hash only.
    var isPrintingAll = false

    mutating func note(_ event: String) {
        if isPrinting { print(event) }
        eventCount += 1
        mix(hash64(event.utf8))
        events.append(event)
        if events.count >= Self.eventCountMax * 2 { events.removeFirst(Self.eventCountMax) }
    }

    /// Adds to the hash; told in words only where everything is.
    mutating func mix(_ value: UInt64, _ what: @autoclosure () -> String = "") {
        if isPrintingAll { print("    \(what()) \(value)") }
        hash = (hash ^ value) &* 0x0000_0100_0000_01b3
    }

    func last(_ count: Int) -> [String] { Array(events.suffix(count)) }
}
