import CalcProcess
import PrimaryStore
import Telemetry
import Testing

@testable import HTTPAPI

@Suite("Verification")
struct VerifyAPITests {
    static let path = "/gw/calcs/1/devices/all/verify"
    static let key = AssignmentKey(calculator: CalculatorID(1), device: DeviceID(1))

    @Test("What is stored as it is calculated is alike, and each assignment says so")
    func alike() async throws {
        try await TestHouse.open { house in
            try await house.calculated(devices: 2)
            let response = try await house.send("POST", Self.path)
            #expect(
                response.result.map(\.text)
                    == [1, 2].map { device in
                        """
                        {"calc_id":1,"device_id":\(device),"is_alike":true,"missing":0,"extra":0,"different":0,\
                        "corrupt":0,"failure":0,"pending":0,"findings":[]}
                        """
                    }, "\(response)")
            #expect(response.headers["x-odograph-synced"] == "true")
        }
    }

    @Test("An interval that is stored otherwise is told with its field, and nothing is changed")
    func different() async throws {
        try await TestHouse.open { house in
            try await house.calculated(devices: 1)
            try await house.alter(id: 1, "\"max\":5", "\"max\":50")
            let stored = try await house.send("GET", "/gw/calcs/1/devices/1/intervals/all").body
            let response = try await house.send("POST", Self.path)
            let item = try #require(response.result.first, "\(response)")
            #expect(item["is_alike"] == .boolean(false) && item["different"] == .number(1))
            let start = OnDemandTests.start
            #expect(
                item["findings"]?.text == """
                    [{"kind":"different","calc_id":1,"device_id":1,"id":1,"begin":\(start + 60),"end":\(start + 120),\
                    "fields":[{"name":"max","stored":50,"calculated":5}]}]
                    """, "\(item.text)")
            #expect(try await house.send("GET", "/gw/calcs/1/devices/1/intervals/all").body == stored)
        }
    }

    @Test("What waits to be calculated is pending, not different")
    func pending() async throws {
        try await TestHouse.open { house in
            try await house.calculated(devices: 1)
            try await house.alter(id: 1, "\"max\":5", "\"max\":50")
            let now = house.clock.now
            house.calculation.set(
                Self.key, AssignmentStatus(sync: .synced, appliedPosition: 1, pendingSince: now))
            let item = try #require(try await house.send("POST", Self.path).result.first)
            #expect(item["pending"] == .number(1) && item["different"] == .number(0), "\(item.text)")
            house.calculation.set(Self.key, AssignmentStatus(sync: .synced, appliedPosition: 1))
            _ = try await house.send("PATCH", "/gw/calcs/1", "{\"timezone\":\"Europe/Paris\"}")
            let changed = try #require(try await house.send("POST", Self.path).result.first)
            #expect(changed["pending"] == .number(1), "\(changed.text)")
        }
    }

    @Test("A limit that is reached refuses the request and says what to do")
    func limit() async throws {
        var limits = APILimits()
        limits.answerBytesMax = 64 << 20
        try await TestHouse.open(limits: limits) { house in
            try await house.calculated(devices: 1)
            #expect(try await house.send("POST", Self.path, "{}").status == 200)
            let response = try await house.send("POST", Self.path, "{\"from\":1}")
            #expect(response.status == 400 && response.reasons.contains("takes no fields"), "\(response)")
            let missing = try await house.send("POST", "/gw/calcs/1/devices/9/verify")
            #expect(missing.status == 404, "\(missing)")
        }
    }
}

extension TestHouse {
    /// Has the owner of the slot write another text over an interval, whatever its messages say.
    fileprivate func alter(id: Int64, _ old: String, _ new: String) async throws {
        let key = VerifyAPITests.key
        let slot = Slot(device: key.device)
        let lease = try store.slotLeases().first { $0.slot == slot }
        let stored = try #require(try store.intervals(key, IntervalQuery(ids: [id])).first)
        let text = String(decoding: stored.json, as: UTF8.self)
        let tail = try #require(text.firstRange(of: ",\"max\""))
        let write = IntervalWrite(
            id: id, firstOn: stored.firstOn, begin: stored.begin, end: stored.end, isActive: stored.isActive,
            head: Array(stored.json.prefix(stored.headCount)),
            tail: Array(text[tail.lowerBound...].replacing(old, with: new).utf8), digest: stored.digest &+ 1)
        let marks = AssignmentMarks(logPosition: 1, calculatorRevision: 1)
        let push = Push(
            slot: slot, epoch: lease?.epoch ?? 0, key: key, calculatorRevision: 1, upserts: [write], marks: marks,
            timestamp: clock.now)
        for result in await store.push([push]) { _ = try result.get() }
    }
}
