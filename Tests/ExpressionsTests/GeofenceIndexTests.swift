import Expressions
import Telemetry
import Testing

@Suite("The index of geofences")
struct GeofenceIndexTests {
    @Test("finds what looking at each geofence finds, anywhere on the globe", arguments: 0..<28)
    func agreement(_ seed: UInt64) {
        var random = RandomGeofences(seed: seed)
        let count = [0, 1, 5, 16, 17, 40, 300][Int(seed % 7)]
        let size = [0.01, 0.5, 5, 60][Int(seed / 7 % 4)]
        let centers = (0..<max(1, count / 3)).map { _ in random.place() }
        let geofences = (0..<count).map { index in
            random.geofence(index, around: centers[index % centers.count], size: size)
        }
        let set = GeofenceSet(geofences)
        for trial in 0..<120 {
            let center = centers[trial % centers.count]
            let position = trial % 5 == 0 ? random.place() : random.near(center, size)
            let expected = geofences.indices
                .filter { geofences[$0].contains(latitude: position.latitude, longitude: position.longitude) }
                .sorted { (geofences[$1].priority, $0) < (geofences[$0].priority, $1) }
            let found = set.containing(latitude: position.latitude, longitude: position.longitude)
            #expect(found == expected, "seed \(seed): \(position)")
            #expect(set.first(latitude: position.latitude, longitude: position.longitude) == expected.first)
            guard trial % 3 == 0 else { continue }
            let end = random.near(position, size * 2)
            let crossed = geofences.indices.filter { geofences[$0].isCrossed(from: position, to: end) }
                .sorted { (geofences[$1].priority, $0) < (geofences[$0].priority, $1) }
            #expect(set.crossed(from: position, to: end) == crossed, "seed \(seed): \(position) to \(end)")
        }
    }
}
