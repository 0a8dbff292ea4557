import SeededRandom

/// Makes random calculators and message streams of which the rules decide every result.
///
/// What the rules leave open is avoided: null results of `change`, NaN, wild numeric strings, `validate_message` beside
/// `max_messages_time_diff` in one selector. Results that go through sines, powers and logarithms stay out of
/// comparisons, texts and JSON; counters that hold them have names with the prefix `near.`.
public struct Generator {
    var random: SeededGenerator
    /// The usual time between messages, in seconds.
    let stepSeconds: Int
    let zone: String
    let hasGeofences: Bool

    /// Around the places where vehicles begin, with borders that no coordinate of six decimals meets.
    static let geofences = #"""
        [{"id":1,"name":"yard","priority":10,\#
        "geometry":{"type":"circle","center":{"lat":48.85,"lon":2.35},"radius":1.2345},\#
        "metadata":{"kind":"load"}},\#
        {"id":2,"name":"town","priority":5,\#
        "geometry":{"type":"circle","center":{"lat":48.85,"lon":2.36},"radius":6.7891},\#
        "metadata":{"kind":"city"}},\#
        {"id":3,"name":"east","priority":1,"geometry":{"type":"polygon","path":[{"lat":48.80000011,"lon":2.38000013},\#
        {"lat":48.90000017,"lon":2.40000019},{"lat":48.85000023,"lon":2.70000029}]},"metadata":{"kind":"dump"}}]
        """#

    private init(seed: UInt64, hasGeofences: Bool) {
        self.hasGeofences = hasGeofences
        random = SeededGenerator(seed: seed)
        stepSeconds = random.pick([1, 5, 10, 10, 30, 60, 60, 300, 600, 3_600, 14_400, 86_400])
        zone = random.pick(["Europe/Paris", "America/New_York", "Europe/Paris", "UTC", "Africa/Nairobi"])
    }

    /// The case of a seed, drawn from the whole language: nested calculators and geofences included.
    public static func wholeCase(seed: UInt64) -> GeneratedCase {
        var generator = WholeGenerator(seed: seed)
        return generator.made(seed)
    }

    /// The case of a seed, of one calculator, with geofence selectors and functions or without.
    public static func generatedCase(seed: UInt64, hasGeofences: Bool = true) -> GeneratedCase {
        var generator = Generator(seed: seed, hasGeofences: hasGeofences)
        let calculator = generator.calculator()
        let messages = generator.messages()
        let last = messages.last?.timestampMicroseconds ?? 1_700_000_000_000_000
        let wait = generator.random.pick([0, 1, generator.stepSeconds * 2, generator.stepSeconds * 12, 10_000_000])
        return GeneratedCase(
            seed: seed, calculatorJSON: calculator.text, timeZoneIdentifier: generator.zone,
            constants: [
                "ident": .string("352093081452251"), "device.id": .number(7), "device.name": .string("van 7"),
            ],
            metadataJSON: #"{"limit":50,"depot":{"name":"north","rate":1.25},"tags":["a","b"]}"#,
            geofencesJSON: hasGeofences ? Self.geofences : "[]", messages: messages, rawMessages: messages,
            nowMicroseconds: last + Int64(wait) * 1_000_000)
    }
}
