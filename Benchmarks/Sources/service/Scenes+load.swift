import Fleet
import Foundation
import Telemetry

extension Scenes {
    /// Load as of a real fleet for some time: each device a message a second, five calculators, a reader, edits.
    func load() throws {
        let devices = options.devices ?? 2_000
        try createDevices(devices)
        for calculator in 0..<LoadPlan.calculatorCount {
            try createCalculator(LoadPlan.definition(calculator: calculator, edits: 0), on: "all")
        }
        for calculator in 1...LoadPlan.calculatorCount { try settle(calculator: calculator) }
        let plan = LoadPlan(
            devices: devices, seconds: options.minutes * 60, readsPerSecond: options.reads,
            editInterval: options.editInterval, start: Int(LoadThreads.now) + 3)
        let record = LoadRecord()
        let threads = LoadThreads(plan: plan, port: server.port, token: server.token, record: record)
        let senders = (0..<LoadPlan.senders).map { sender in
            LoadThreads.start(record) { try threads.send(sender) }
        }
        let others = [
            LoadThreads.start(record) { try threads.read() }, LoadThreads.start(record) { try threads.watch() },
            LoadThreads.start(record) { try threads.edit() },
        ]
        var sampler = LoadSampler(server: server, record: record, start: plan.start)
        while senders.contains(where: { !$0.isFinished }) { sampler.sample() }
        let ended = LoadThreads.now
        for calculator in 1...LoadPlan.calculatorCount { try settle(calculator: calculator, seconds: 1_200) }
        let settled = LoadThreads.now - ended
        sampler.sample()
        record.end()
        while others.contains(where: { !$0.isFinished }) { usleep(50_000) }
        var report = sampler.report(plan, ended: ended, settled: settled)
        (report.stored, report.devicesThatDiffer) = try stored(plan)
        server.stop()
        (report.verifyStatus, report.verifySummary) = try verify()
        try write(report)
    }

    /// How many messages are stored, and of how many devices they are not exactly those that were sent.
    private func stored(_ plan: LoadPlan) throws -> (Int, Int) {
        let wanted = (plan.start..<plan.start + plan.seconds).map { #"{"timestamp":\#($0)}"# }.joined(separator: ",")
        let bytes = Array(#"{"result":[\#(wanted)]}"#.utf8)
        var count = 0
        var differing = 0
        for device in 1...plan.devices {
            let answer = try connection.get("/gw/devices/\(device)/messages?fields=timestamp&count=100000")
            if answer.body == bytes {
                count += plan.seconds
            } else {
                differing += 1
                count += try JSONValue(parsing: answer.body)["result"]?.arrayValue?.count ?? 0
            }
        }
        return (count, differing)
    }

    /// Runs `odograph verify` over what the server left.
    private func verify() throws -> (Int32, String) {
        let (status, output) = try server.run(["verify", "--data", server.folder + "/data"])
        return (status, String(output.split(separator: "\n").last ?? ""))
    }

    private func write(_ report: LoadReport) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let path = options.out ?? server.folder + "/load.json"
        try encoder.encode(report).write(to: URL(fileURLWithPath: path))
        func milliseconds(_ seconds: Double?) -> String { ((seconds ?? .nan) * 1e3).text(1) + " ms" }
        print("acknowledged", report.acknowledged, "stored", report.stored, "differing", report.devicesThatDiffer)
        print(
            "held", report.held.text(0), "of", report.planned.text(0), "messages/s:", report.isHeld ? "yes" : "no",
            "– refused for the moment:", report.tooMany, "– failures:", report.failures.count)
        print(
            "message to interval: p50", milliseconds(report.interval.p50), "p99", milliseconds(report.interval.p99),
            "of", report.interval.count)
        print("read: p50", milliseconds(report.read.p50), "p99", milliseconds(report.read.p99))
        print(
            "settled in", report.settled.text(1), "s – memory at most",
            (Double(report.residentBytesMost) / 1e6).text(0),
            "MB – verify:", report.verifyStatus, report.verifySummary)
        print("the series:", path)
    }
}

/// Takes what the threads saw every ten seconds, with the state of the server.
struct LoadSampler {
    private let server: ServerProcess
    private let record: LoadRecord
    private let start: Int
    private var samples: [LoadSample] = []
    private var failures: [String] = []
    private var latencies: [Double] = []
    private var reads: [Double] = []
    private var next: Double
    private var processorTime: Double
    private var taken: Double

    init(server: ServerProcess, record: LoadRecord, start: Int) {
        self.server = server
        self.record = record
        self.start = start
        next = Double(start)
        processorTime = server.processorTime
        taken = LoadThreads.now
    }

    /// Waits until the next ten seconds are over and takes them.
    mutating func sample() {
        next += 10
        LoadThreads.sleep(until: next)
        let window = record.take()
        let (now, spent) = (LoadThreads.now, server.processorTime)
        samples.append(
            LoadSample(
                at: now - Double(start), acknowledged: window.acknowledged, tooMany: window.tooMany,
                failures: window.failures.count, behind: window.behind, interval: LoadLatency(window.latencies),
                post: LoadLatency(window.posts), read: LoadLatency(window.reads),
                processors: (spent - processorTime) / (now - taken), residentBytes: server.residentBytes,
                files: LoadFiles(server)))
        (processorTime, taken) = (spent, now)
        failures += window.failures
        latencies += window.latencies
        reads += window.reads
        guard let last = samples.last else { return }
        print(
            last.at.text(0), "s:", last.acknowledged, "acknowledged,", (last.interval.p50 ?? .nan).text(2), "and",
            (last.interval.p99 ?? .nan).text(2), "s to the interval,", last.processors.text(2), "processors,",
            last.residentBytes / 1_000_000, "MB, behind", last.behind.text(2), "s,", failures.last ?? "")
        fflush(nil)
    }

    func report(_ plan: LoadPlan, ended: Double, settled: Double) -> LoadReport {
        let acknowledged = samples.reduce(0) { $0 + $1.acknowledged }
        let held = Double(acknowledged) / (ended - Double(start))
        return LoadReport(
            devices: plan.devices, seconds: plan.seconds, calculators: LoadPlan.calculatorCount,
            readsPerSecond: plan.readsPerSecond, planned: Double(plan.devices), held: held,
            isHeld: held > 0.99 * Double(plan.devices), acknowledged: acknowledged, stored: 0, devicesThatDiffer: 0,
            tooMany: samples.reduce(0) { $0 + $1.tooMany }, failures: failures, interval: LoadLatency(latencies),
            read: LoadLatency(reads), settled: settled,
            residentBytesMost: samples.map(\.residentBytes).max() ?? 0, verifyStatus: -1, verifySummary: "",
            edits: record.edits.map {
                .init(calculator: $0.calculator, at: $0.at, seconds: $0.seconds, messages: $0.messages)
            },
            samples: samples)
    }
}
