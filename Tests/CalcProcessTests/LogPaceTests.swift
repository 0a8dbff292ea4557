import Telemetry
import Testing

@testable import CalcProcess

/// How long the log gathers before a busy worker takes it.
struct LogPaceTests {
    private static let start = Timestamp(seconds: 1_700_000_000)

    private static func pace(_ updateIntervals: [Double], secondsMax: Double = 0.1) -> LogPace {
        var pace = LogPace(secondsMax: secondsMax)
        pace.follow(updateIntervals: updateIntervals)
        pace.take(at: start, isMore: false)
        return pace
    }

    @Test(
        "the log gathers for a hundredth of the shortest update interval, within a limit, and not at all without one",
        arguments: [([10, 60], 0.1), ([10, 2], 0.02), ([3600], 0.1), ([], 0.1), ([10, 0], 0)] as [([Double], Double)])
    func share(updateIntervals: [Double], seconds: Double) {
        let pace = Self.pace(updateIntervals)
        let due = Self.start.advanced(bySeconds: seconds)
        #expect(pace.moment(after: Self.start) == (seconds > 0 ? due : nil))
        #expect(pace.moment(after: due) == nil)
        #expect(Self.pace(updateIntervals, secondsMax: 0).moment(after: Self.start) == nil)
    }

    @Test(
        "what comes after a rest, the rest of a page that was cut, and what a clock put back would hold up do not wait")
    func atOnce() {
        var pace = LogPace(secondsMax: 0.1)
        pace.follow(updateIntervals: [10])
        #expect(pace.moment(after: Self.start) == nil)
        pace.take(at: Self.start, isMore: true)
        #expect(pace.moment(after: Self.start) == nil)
        pace.take(at: Self.start, isMore: false)
        #expect(pace.moment(after: Self.start) != nil)
        #expect(pace.moment(after: Self.start.advanced(bySeconds: -1)) == nil)
    }

    @Test("a worker lets the log gather, wakes in time for it, and calculates the same")
    func worker() throws {
        let rig = try FuseRig(driveCount: 4)
        let worker = rig.nest.worker
        worker.logPace.secondsMax = 0.1
        worker.logPace.follow(updateIntervals: [10])
        try rig.send(drive: 4)
        #expect(try worker.round([]))
        let taken = worker.position
        try rig.send(drive: 5)
        while try worker.round([]) {}
        #expect(worker.position == taken)
        #expect(worker.secondsToWait() <= 0.1)
        rig.nest.rig.now = rig.nest.rig.now.advanced(bySeconds: 0.1)
        #expect(try worker.round([]))
        #expect(worker.position > taken)
        try rig.nest.settle()
        #expect(try rig.intervalCount() == 6)
    }
}
