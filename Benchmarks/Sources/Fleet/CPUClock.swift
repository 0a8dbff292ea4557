import Glibc

/// Processor time: what a shared machine tells most truly.
public enum CPUClock {
    /// Seconds of processor time that this process has used.
    public static var process: Double { seconds(CLOCK_PROCESS_CPUTIME_ID) }

    /// Seconds of a clock that never goes back.
    public static var wall: Double { seconds(CLOCK_MONOTONIC) }

    private static func seconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

extension Array where Element == Double {
    /// The value below which a share of all lies.
    public func quantile(_ share: Double) -> Double {
        let sorted = self.sorted()
        guard !sorted.isEmpty else { return .nan }
        return sorted[Swift.min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }

    public var median: Double { quantile(0.5) }
}

extension Double {
    /// Rounded to some decimals, for people.
    public func text(_ decimals: Int) -> String {
        let power = pow(10, Double(decimals))
        let scaled = (self * power).rounded()
        guard scaled.isFinite, scaled.magnitude < 1e15 else { return "–" }
        guard decimals > 0 else { return "\(Int(scaled))" }
        let whole = Int(scaled.magnitude)
        let unit = Int(power)
        let digits = String(whole % unit)
        let fraction = String(repeating: "0", count: decimals - digits.count) + digits
        return "\(scaled < 0 ? "-" : "")\(whole / unit).\(fraction)"
    }
}
