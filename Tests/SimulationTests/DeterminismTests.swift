import Foundation
import Testing

/// A seed gives the same life, step by step, each time: else a failing one could not be looked at.
struct DeterminismTests {
    private static let seeds: ClosedRange<UInt64> = 1...6
    private static let variable = "ODOGRAPH_TELL_TRACES"
    private static let isAsked = ProcessInfo.processInfo.environment[variable] != nil

    @Test("a seed gives the same trace in two processes, whose hash tables differ", .enabled(if: !isAsked))
    func tracesAreAlike() throws {
        let child = Process()
        child.executableURL = URL(fileURLWithPath: "/proc/self/exe")
        child.arguments = ["--testing-library", "swift-testing", "--filter", "DeterminismTests"]
        child.environment = ProcessInfo.processInfo.environment.merging([Self.variable: "1"]) { $1 }
        let output = Pipe()
        child.standardOutput = output
        child.standardError = FileHandle.nullDevice
        try child.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        child.waitUntilExit()
        let told = text.split(separator: "\n").filter { $0.hasPrefix("trace ") }.map(String.init)
        #expect(try told == Self.traces())
    }

    @Test("the traces are told to the process that asks", .enabled(if: isAsked))
    func tellTraces() throws {
        let traces = try Self.traces()
        #expect(traces.count == Self.seeds.count)
        for trace in traces { print(trace) }
    }

    private static func traces() throws -> [String] {
        try seeds.map { seed in
            let simulation = try Simulation(seed: seed)
            let failure = try simulation.run()
            return "trace \(seed) \(simulation.trace.eventCount) \(simulation.trace.hash) \(failure ?? "")"
        }
    }
}
