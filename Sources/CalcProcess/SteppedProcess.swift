import Logging
import PrimaryStore
import Telemetry
import TimeZones

/// A calc process of one worker and without threads: whoever has it does the rounds. It is for measuring, where what is
/// counted must not depend on when threads run.
package final class SteppedProcess {
    private let node: CalcNode

    package init(
        store: any PrimaryStore, timeZones: TimeZoneDatabase, cachePath: String,
        now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        let template = Worker.Setup(
            index: 0, slots: SlotSet(), epochs: [:], store: store,
            mirror: RegistryMirror(store: store, timeZones: timeZones), board: StatusBoard(), cachePath: cachePath,
            sealSeconds: 60, sealCount: 4_096, now: now, logger: logger)
        let terms = SlotOwnership.Terms(owner: "stepped", leaseSeconds: 10, isAlone: true)
        node = CalcNode(template, terms: terms) { _ in cachePath }
    }

    /// Does everything that is due.
    package func settle() throws {
        while try node.step() {}
    }
}
