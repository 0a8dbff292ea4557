import ReferenceEvaluator
import SeededRandom

/// How often happens what only some lives know: pauses of replays, outages, damage of the store, a blown fuse.
///
/// They are drawn from a stream of their own, so that the seeds without them live as they always did.
struct TroubleRates {
    /// Weights of the events between the calls.
    var replays = 0
    var outages = 0
    var damages = 0
    /// Whether there is a device whose late messages make most of what is calculated vanish.
    var hasDrives = false
    /// Seconds between two looks for damage.
    var scrubSeconds = 600.0
    /// Whether chosen parts are verified at each rest.
    var verifiesParts = false
    /// Whether something of the store is damaged after all else, which a verification must tell.
    var isDamagedAtLast = false

    init(seed: UInt64) {
        var random = SeededGenerator(seed: seed &* 0xd6e8_feb8_6659_fd93 &+ 0x29)
        guard random.among(2) else { return }
        replays = random.pick([0, 0, 2, 5])
        outages = random.pick([0, 0, 1, 4])
        damages = random.pick([0, 0, 1, 3])
        hasDrives = random.among(3)
        // What is damaged is found in the time of a rest.
        scrubSeconds = damages > 0 ? 10 : random.pick([10, 60, 600])
        verifiesParts = random.among(3)
        isDamagedAtLast = random.among(5)
    }
}
