import Telemetry

extension Function {
    static let moments: [Function] = [
        component("dayofyear", "the day of the year, 1 to 366") { $0.dayOfYear },
        component("week", "the week of ISO 8601, 1 to 53") { $0.isoWeek.week },
        Function(
            "strftime(format[, t])", "the local time as text: %Y-%m-%d %H:%M:%S and so on", 1...2, role: .moment
        ) { arguments in
            guard let format = arguments.string(0), let moment = moment(arguments, 1) else { return nil }
            return .string(TimeFormat(format).text(moment, in: arguments.environment.timeZone))
        },
        beginning("daystart", "when the local day begins, in seconds") {
            CivilTime(year: $0.year, month: $0.month, day: $0.day)
        },
        beginning("weekstart", "when the local week begins, on Monday, in seconds") {
            CivilTime(year: $0.year, month: $0.month, day: $0.day - ($0.weekday + 6) % 7)
        },
        beginning("monthstart", "when the local month begins, in seconds") {
            CivilTime(year: $0.year, month: $0.month)
        },
        beginning("yearstart", "when the local year begins, in seconds") { CivilTime(year: $0.year) },
        Function("timeofday([t])", "seconds that the local clock shows since midnight", 0...1, role: .moment) {
            arguments in
            guard let moment = moment(arguments, 0) else { return nil }
            let time = CivilTime(moment, in: arguments.environment.timeZone)
            return .number(Double(time.hour * 3600 + time.minute * 60 + time.second) + Double(time.microsecond) / 1e6)
        },
        Function(
            "mktime(year, month, day[, hour, minute, second])", "the seconds of a local time; its parts carry over",
            3...6
        ) { arguments in
            let parts = arguments.values.indices.compactMap { arguments.number($0) }
            guard parts.count == arguments.values.count, parts.allSatisfy({ abs($0) < 1e9 }) else { return nil }
            let whole = parts.map { Int($0.rounded(.down)) } + [0, 0, 0]
            let time = CivilTime(
                year: whole[0], month: whole[1], day: whole[2], hour: whole[3], minute: whole[4], second: whole[5])
            return seconds(arguments.environment.timeZone.moment(local: time))
        },
    ]

    /// A function that finds the local time at which something began.
    private static func beginning(
        _ name: String, _ summary: String, _ begin: @escaping @Sendable (CivilTime) -> CivilTime
    ) -> Function {
        Function("\(name)([t])", summary, 0...1, role: .moment) { arguments in
            guard let moment = moment(arguments, 0) else { return nil }
            let zone = arguments.environment.timeZone
            return seconds(zone.moment(local: begin(CivilTime(moment, in: zone))))
        }
    }

    /// An argument as a moment; nil where it is none, or thousands of years away.
    private static func moment(_ arguments: Arguments, _ index: Int) -> Timestamp? {
        guard let seconds = arguments.number(index), abs(seconds) < 1e11 else { return nil }
        return Timestamp(seconds: seconds)
    }

    private static func seconds(_ moment: Timestamp) -> Value? {
        abs(moment.seconds) < 1e11 ? .number(moment.seconds) : nil
    }
}
