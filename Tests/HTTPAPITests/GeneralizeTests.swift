import PrimaryStore
import SeededRandom
import Telemetry
import Testing

@testable import HTTPAPI

@Suite("Generalized messages")
struct GeneralizeTests {
    /// Messages every 10 seconds from a full minute on, of two devices' worth of shapes.
    static let start = 1_699_990_020

    static let body = """
        [{"timestamp":\(start),"position.speed":2,"din":1,"driver":"a"},\
        {"timestamp":\(start + 10),"position.speed":4,"ignition":true},\
        {"timestamp":\(start + 50),"position.speed":9,"driver":"b","ignition":false},\
        {"timestamp":\(start + 60),"position.speed":7},\
        {"timestamp":\(start + 185),"din":3,"driver":null}]
        """

    @Test(
        "One message a bucket: numbers by the method, anything else as it was last",
        arguments: [
            ("", 5.0), ("&method=average", 5), ("&method=minimum", 2), ("&method=min", 2), ("&method=maximum", 9),
            ("&method=first", 2), ("&method=last", 9), ("&method=summary", 15),
        ])
    func methods(query: String, speed: Double) async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a")
            _ = try await house.send("POST", "/gw/devices/1/messages", Self.body)
            let path = "/gw/devices/1/messages?generalize=60" + query
            let result = try await house.send("GET", path).result
            #expect(
                result.map { $0["timestamp"]?.integerValue } == [0, 60, 180].map { Int64(Self.start + $0) }, "\(result)"
            )
            let first = try #require(result.first)
            #expect(first["position.speed"] == .number(speed), "\(first)")
            #expect(first["din"] == .number(1) && first["driver"] == .string("b"))
            #expect(first["ignition"] == .boolean(false) && first["ident"] == .string("a"))
            #expect(first["server.timestamp"] == .number(1_700_000_000))
            #expect(result[1]["driver"] == nil && result[2]["driver"] == .null && result[2]["din"] == .number(3))
            let reversed = try await house.send("GET", path + "&reverse=true").result
            #expect(reversed == result.reversed())
        }
    }

    @Test("count counts the buckets, filter and range choose the messages in them, fields the parameters")
    func combined() async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a")
            _ = try await house.send("POST", "/gw/devices/1/messages", Self.body)
            let path = "/gw/devices/1/messages?generalize=60&fields=timestamp,position.speed"
            func body(_ query: String) async throws -> String { try await house.send("GET", path + query).body }
            #expect(
                try await body("&count=1") == "{\"result\":[{\"timestamp\":\(Self.start),\"position.speed\":5}]}")
            #expect(
                try await body("&count=1&filter=\("position.speed>3".inURL)")
                    == "{\"result\":[{\"timestamp\":\(Self.start),\"position.speed\":6.5}]}")
            #expect(
                try await body("&from=\(Self.start + 10)&to=\(Self.start + 10)")
                    == "{\"result\":[{\"timestamp\":\(Self.start),\"position.speed\":4}]}")
            #expect(
                try await body("&count=1&reverse=1") == "{\"result\":[{\"timestamp\":\(Self.start + 180)}]}")
        }
    }

    @Test("Each device has buckets of its own, and an answer that was cut says so")
    func severalDevices() async throws {
        var limits = APILimits()
        limits.messagesDefault = 4
        try await TestHouse.open(limits: limits) { house in
            for ident in ["a", "b"] {
                let id = try await house.device(ident)
                _ = try await house.send("POST", "/gw/devices/\(id)/messages", Self.body)
            }
            let cut = try await house.send("GET", "/gw/devices/all/messages?generalize=60")
            #expect(cut.result.map { $0["ident"]?.stringValue } == ["a", "a", "a", "b"], "\(cut)")
            #expect(cut.json["truncated"] == .boolean(true))
            let whole = try await house.send("GET", "/gw/devices/all/messages?generalize=3600")
            #expect(whole.result.count == 2 && whole.json["truncated"] == nil, "\(whole)")
        }
    }

    @Test(
        "A wrong way to generalize is refused",
        arguments: [
            ("generalize=0", "whole number from 1"), ("generalize=1.5", "whole number from 1"),
            ("generalize=60&method=averge", "did you mean \"average\"?"), ("method=average", "generalize is missing"),
        ])
    func refused(query: String, reason: String) async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a")
            let response = try await house.send("GET", "/gw/devices/1/messages?" + query)
            #expect(response.status == 400 && response.reasons.contains(reason), "\(response)")
        }
    }

    @Test("Buckets do not depend on how the messages are cut into blocks, forwards or backwards")
    func anyCut() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        for round in 0..<200 {
            let batch = Self.batch(&random)
            let width = Int64.random(in: 1...40, using: &random)
            for method in [Generalization.Method.average, .first, .last, .minimum, .summary] {
                let generalization = Generalization(seconds: width, method)
                let buckets = generalization.buckets(batch, rows: Array(0..<batch.count))
                let whole = Self.cells(generalization.batch(buckets))
                for isReversed in [false, true] {
                    let cut = Self.cells(Self.cut(batch, generalization, isReversed, &random))
                    #expect(cut == whole, "seed \(seed), round \(round), \(method), reversed \(isReversed)")
                }
            }
        }
    }

    private static func batch(_ random: inout SeededGenerator) -> MessageBatch {
        let count = Int.random(in: 1...60, using: &random)
        var moment = Int64.random(in: -50...50, using: &random)
        let moments = (0..<count).map { _ in
            moment += Int64.random(in: 1...15, using: &random)
            return moment * 1_000_000
        }
        let columns = (1...3).map { parameter in
            var column = ValueColumn()
            for _ in 0..<count {
                let values: [Value?] = [nil, .null, .string("x"), .boolean(true)]
                let isNumber = Bool.random(using: &random)
                column.append(
                    isNumber
                        ? .number(Double(Int.random(in: -9...9, using: &random)))
                        : values[Int.random(in: 0..<4, using: &random)])
            }
            return MessageColumn(parameter: ParameterID(rawValue: UInt32(parameter)), values: column)
        }
        return MessageBatch(
            timestamps: moments, acceptances: moments, hashes: [UInt64](repeating: 0, count: count), columns: columns)
    }

    /// Moment, parameter and value of every cell that holds one.
    private static func cells(_ batch: MessageBatch) -> [String] {
        (0..<batch.count).map { row in
            let values = batch.columns.map { column in
                column.values[row].map { "\(column.parameter.rawValue)=\($0)" } ?? ""
            }
            return "\(batch.timestamps[row]) \(batch.acceptances[row]) \(values.filter { !$0.isEmpty })"
        }
    }

    private static func cut(
        _ batch: MessageBatch, _ generalization: Generalization, _ isReversed: Bool, _ random: inout SeededGenerator
    ) -> MessageBatch {
        var borders = [0, batch.count]
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            borders.append(Int.random(in: 0...batch.count, using: &random))
        }
        borders.sort()
        var blocks = zip(borders, borders.dropFirst()).map { batch.slice($0..<$1) }
        if isReversed { blocks.reverse() }
        var generalizer = MessageGeneralizer(generalization, isReversed: isReversed)
        var parts = blocks.map { generalizer.take($0, rows: Array(0..<$0.count)) }
        parts.append(generalizer.finish())
        return MessageBatch.joined(isReversed ? parts.reversed() : parts)
    }
}
