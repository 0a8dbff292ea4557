import SeededRandom

/// Draws a case from the whole language, what the rules leave open excepted.
///
/// Left out, because no rule decides it: null results of `change` and `change` inverted; `validate_message` beside
/// `max_messages_time_diff` in one selector, or beside a calculator's `update_period` where it looks back; NaN and
/// infinity; wild numeric strings; numbers in texts and JSON that need an exponent; null keys and null fields of
/// objects; objects without any field; groups that no row is in; sums of fractions over groups, except in counters
/// with the prefix `near.`; the counter `geofence` where the first geofence selector may not see the message; legs
/// that only graze a geofence; parts of one message that contradict each other.
///
/// Results that go through sines, powers and logarithms stay out of close comparisons, texts and exact JSON; counters
/// that hold them have names with the prefix `near.`.
struct WholeGenerator {
    /// A calculator that is made, and what others may read of its intervals.
    struct Made {
        var calculator: GeneratedCalculator
        /// Counters that are exact and always there.
        var numbers: [String] = []
        /// Exact counters, or null where absent, as `$name`.
        var optionalNumbers: [String] = []
        var nears: [String] = []
        var texts: [String] = []
        /// It has counters with the names of the device's parameters, so that its intervals may stand for messages.
        var isMirror = false
        /// How many calculators lie below it.
        var depth = 0
    }

    var random: SeededGenerator
    /// The usual time between messages, in seconds.
    let stepSeconds: Int
    /// Where the device begins, and around which the geofences lie.
    let origin: Position
    let zones: [String]
    /// Whether all stamps are whole seconds.
    let isWhole: Bool
    var made: [Made] = []
    /// The time between messages of the calculator being made, which may read intervals in their place.
    var pace = 1
    /// The geofences assigned to the calculator being made.
    var assigned: [JSONTree] = []
    /// Names that the calculator being made already gives.
    var names: Set<String> = []

    static let origins = [
        Position(latitude: 48.85, longitude: 2.35), Position(latitude: 48.85, longitude: 2.35),
        Position(latitude: -1.29, longitude: 36.82), Position(latitude: -12.05, longitude: -77.04),
        Position(latitude: 47.56, longitude: -52.71), Position(latitude: 64.15, longitude: -21.94),
    ]

    static let zoneNames = [
        "UTC", "UTC", "UTC", "Europe/Paris", "Europe/Paris", "America/New_York", "America/New_York", "America/St_Johns",
        "America/Sao_Paulo", "Africa/Nairobi", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Marquesas",
    ]

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed ^ 0x0d06_4a9f)
        stepSeconds = random.pick([1, 5, 10, 10, 30, 60, 60, 60, 300, 600, 600, 3_600, 3_600, 14_400, 86_400])
        origin = random.pick(Self.origins)
        let zone = random.pick(Self.zoneNames)
        zones = random.chance(80) ? [zone] : [zone, random.pick(Self.zoneNames)]
        isWhole = random.chance(35)
        pace = stepSeconds
    }

    mutating func made(_ seed: UInt64) -> GeneratedCase {
        makeCalculators()
        var messages = messages()
        // A position taken out for one calculator makes another leg for the next.
        for _ in 0..<3 { for calculator in made { steerClear(of: calculator.calculator, &messages) } }
        let last = messages.last?.timestampMicroseconds ?? 1_700_000_000_000_000
        let wait = random.pick([0, 1, stepSeconds * 2, stepSeconds * 12, 10_000_000])
        let tested = made[made.count - 1].calculator
        return GeneratedCase(
            seed: seed, sources: made.dropLast().map(\.calculator), calculatorID: tested.id,
            calculatorJSON: tested.json, timeZoneIdentifier: tested.timeZoneIdentifier, constants: Self.constants,
            metadataJSON: Self.metadata, geofencesJSON: tested.geofencesJSON, messages: messages,
            rawMessages: parts(of: messages), nowMicroseconds: last + Int64(wait) * 1_000_000)
    }

    static let constants: [String: RefValue] = [
        "ident": .string("352093081452251"), "device.id": .number(7), "device.name": .string("van 7"),
    ]
    static let metadata = #"{"limit":50,"depot":{"name":"north","rate":1.25},"tags":["a","b"]}"#

    /// A chain of up to four calculators, sometimes with one more beside it.
    private mutating func makeCalculators() {
        let depth = random.pick([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3])
        if depth > 0, random.chance(25) { makeCalculator(reading: [], isLast: false) }
        for level in 0...depth {
            var sources = level == 0 ? [] : [made.count - 1]
            if level > 0, made.count > 1, random.chance(35) { sources.append(random.integer(0...made.count - 2)) }
            makeCalculator(reading: sources, isLast: level == depth)
        }
    }

    private mutating func makeCalculator(reading sources: [Int], isLast: Bool) {
        names = []
        let id = made.count + 1
        var new = Made(
            calculator: GeneratedCalculator(
                id: id, json: "", timeZoneIdentifier: random.pick(zones), geofencesJSON: "[]"))
        new.depth = sources.map { made[$0].depth + 1 }.max() ?? 0
        assigned = random.chance(60) ? geofences(random.integer(1...6), areAssigned: true) : []
        new.calculator.geofencesJSON = JSONTree.array(assigned).text
        var members = [member("name", .string("random \(id)"))]
        members.append(member("timezone", .string(new.calculator.timeZoneIdentifier)))
        let readers = readers(sources)
        let feeder = readers.feeder
        pace = feeder == nil ? stepSeconds : stepSeconds * 12
        if let feeder {
            let (kind, key) = random.pick([("calc", "calc_id"), ("calc", "calc_id"), ("calculator", "calculator_id")])
            let source = [member("source", .string(kind)), member(key, .number(Double(feeder + 1)))]
            members.append(member("messages_source", .object(source)))
        } else if random.chance(20) {
            members.append(member("messages_source", .object([member("source", .string("device"))])))
        }
        new.isMirror = random.chance(isLast ? 15 : 65)
        let selectors = selectors(readers.selector, isFed: feeder != nil, isMirror: new.isMirror)
        members.append(member("selectors", .array(selectors)))
        let mayName = Self.mayNameGeofence(selectors)
        members.append(member("counters", .array(counters(&new, readers.counters, mayNameGeofence: mayName))))
        members += options(new)
        new.calculator.json = JSONTree.object(members).text
        made.append(new)
    }

    /// Who reads the sources: a selector, counters, or the calculator in place of messages; at least one of them.
    private mutating func readers(_ sources: [Int]) -> (feeder: Int?, selector: Int?, counters: [Int]) {
        guard let first = sources.first else { return (nil, nil, []) }
        let mirrors = sources.filter { made[$0].isMirror }
        let feeder = !mirrors.isEmpty && random.chance(34) ? random.pick(mirrors) : nil
        let selector = random.chance(feeder == nil ? 50 : 15) ? random.pick(sources) : nil
        var counters = sources.filter { _ in random.chance(60) }
        if feeder == nil, selector == nil, counters.isEmpty { counters = [first] }
        return (feeder, selector, counters)
    }

    /// A message that the first geofence selector does not see has a position of its own only.
    private static func mayNameGeofence(_ selectors: [JSONTree]) -> Bool {
        guard let first = selectors.first(where: { $0.string("type") == "geofence" }) else { return true }
        return selectors.count == 1 || first["validate_message"] == nil
    }

    /// The calculator's own options.
    private mutating func options(_ new: Made) -> [JSONTree.Member] {
        var members: [JSONTree.Member] = []
        let hasPeriod = random.chance(20)
        if hasPeriod { members.append(member("update_period", .number(Double(stepSeconds * 20)))) }
        if random.chance(22) {
            let back = "timestamp - #timestamp < \(pace * 20)"
            let text = hasPeriod || random.chance(75) ? random.pick(Self.validations) : back
            members.append(member("validate_message", .string(text)))
        }
        if random.chance(new.isMirror ? 10 : 22) {
            members.append(member("validate_interval", .string(intervalTruth(new))))
        }
        if random.chance(20) {
            members.append(member("mileage_outlier_speed", .number(random.pick([0, 151.3, 250.7]))))
        }
        if random.chance(25) {
            members.append(member("mileage_formula", .string(random.pick(["haversine", "geodesic", "geodesic"]))))
        }
        if random.chance(12) {
            let key = random.pick(["update_delay", "update_interval"])
            members.append(member(key, .number(Double(random.pick([1, 5, 30])))))
        }
        if random.chance(8) { members.append(member("update_onchange", .boolean(true))) }
        if random.chance(8) { members.append(member("metadata", .object([member("team", .string("north"))]))) }
        return members
    }

    private static let validations = [
        "exists('position.speed')", "$position.valid != false", "not(custom.code == 'x')", "$fuel.level < 99",
        "!(custom.code ~ 'sou*')", "$din != 13", "exists('position.latitude') || $din < 30",
    ]

    func member(_ key: String, _ value: JSONTree) -> JSONTree.Member { JSONTree.Member(key: key, value: value) }

    /// Whole multiples of the pace, so that regular streams hit the limits exactly.
    mutating func seconds(_ steps: ClosedRange<Int>) -> JSONTree {
        .number(Double(random.integer(steps) * pace + (random.chance(25) ? 1 : 0)))
    }
}
