import Telemetry

extension SQLitePrimaryStore {
    package func push(_ pushes: [Push]) -> [Result<PushReceipt, StoreError>] {
        pushes.isEmpty ? [] : writeEach(Self.bodies(pushes))
    }

    package func push(_ pushes: [Push]) async -> [Result<PushReceipt, StoreError>] {
        pushes.isEmpty ? [] : await writeEach(Self.bodies(pushes))
    }

    private static func bodies(_ pushes: [Push]) -> [Writes<PushReceipt>.Body] {
        pushes.map { push in
            let fence = Fence(push.slot, epoch: push.epoch, device: push.key.device)
            return { writer in try PushTransaction.apply(push, fence, in: writer) }
        }
    }
}
