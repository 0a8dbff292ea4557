import PrimaryStore
import SeededRandom
import Telemetry
import Testing

@Suite("Asset intervals")
struct AssetIntervalTests {
    @Test("a later interval cuts what it covers, device 0 leaves a gap, and an open end lasts until it is cut")
    func overlay() throws {
        let test = try TestStore()
        let (asset, a, b) = (try test.entity(.asset), try test.device("a"), try test.device("b"))
        _ = try test.store.overlayAssetIntervals(asset, [.make(asset, 10, nil, a)])
        let split = try test.store.overlayAssetIntervals(asset, [.make(asset, 20, 30, b), .make(asset, 24, 26)])
        let expected: [AssetInterval] = [
            .make(asset, 10, 20, a), .make(asset, 20, 24, b), .make(asset, 26, 30, b), .make(asset, 30, nil, a),
        ]
        #expect(split == expected)
        #expect(try test.store.registry().assetIntervals == expected)
        let revision = test.store.registryRevision
        #expect(try test.store.overlayAssetIntervals(asset, [.make(asset, 24, 26)]) == expected)
        #expect(test.store.registryRevision == revision)
        try test.store.deleteDevice(b, at: .zero)
        #expect(try test.store.registry().assetIntervals == [expected[0], expected[3]])
        try test.store.deleteEntity(.asset, asset, at: .zero)
        #expect(try test.store.registry().assetIntervals.isEmpty)
    }

    @Test("an interval of another asset, without length, too long or with an unknown device refuses the whole call")
    func refusals() throws {
        let test = try TestStore()
        let (asset, device) = (try test.entity(.asset), try test.device())
        let good = AssetInterval.make(asset, 1, 2, device)
        let long = String(repeating: " ", count: AssetInterval.jsonBytesMax + 1)
        let bad: [AssetInterval] = [
            .make(asset + 1, 1, 2, device), .make(asset, 2, 2, device), .make(asset, 1, 2, DeviceID(99)),
            .make(asset, 1, 2, DeviceID(asset: asset)), .make(asset, 1, 2, device, json: long),
        ]
        for interval in bad {
            #expect(throws: StoreError.self) { try test.store.overlayAssetIntervals(asset, [good, interval]) }
        }
        #expect(throws: StoreError.notFound("asset 5")) { try test.store.overlayAssetIntervals(5, []) }
        #expect(try test.store.registry().assetIntervals.isEmpty)
    }

    @Test(
        "any overlays give second by second what a slow reference says, without overlaps",
        arguments: 1...6 as ClosedRange<UInt64>)
    func reference(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let test = try TestStore()
        let (asset, other) = (try test.entity(.asset), try test.entity(.asset))
        let devices = [DeviceID(0), try test.device("a"), try test.device("b")]
        let untouched = try test.store.overlayAssetIntervals(other, [.make(other, 0, nil, devices[1])])
        var seconds = [String?](repeating: nil, count: 61)
        for step in 0..<60 {
            let overlays = (0..<Int.random(in: 1...3, using: &random)).map { index in
                let begin = Int64.random(in: 0..<59, using: &random)
                let end =
                    Int.random(in: 0..<6, using: &random) == 0
                    ? nil : Int64.random(in: begin + 1...60, using: &random)
                return AssetInterval.make(
                    asset, begin, end, devices.randomElement(using: &random) ?? devices[0], json: "\(step).\(index)")
            }
            for overlay in overlays {
                for second in seconds.indices where overlay.covers(second) {
                    seconds[second] = overlay.device.rawValue == 0 ? nil : overlay.json
                }
            }
            let result = try test.store.overlayAssetIntervals(asset, overlays)
            let found = seconds.indices.map { second in result.filter { $0.covers(second) }.map(\.json) }
            #expect(found == seconds.map { $0.map { [$0] } ?? [] }, "seed \(seed), step \(step)")
            #expect(result == result.sorted { $0.begin < $1.begin } && result.allSatisfy { $0.device.rawValue != 0 })
            #expect(try test.store.registry().assetIntervals == result + untouched, "seed \(seed), step \(step)")
        }
    }
}

extension AssetInterval {
    fileprivate func covers(_ second: Int) -> Bool {
        let moment = Timestamp(microseconds: Int64(second) * 1_000_000)
        return begin <= moment && moment < end ?? .distantFuture
    }
}
