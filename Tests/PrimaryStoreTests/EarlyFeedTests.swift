import Foundation
import PrimaryStore
import Synchronization
import Telemetry
import Testing

#if DEBUG
    @Suite("The bug of telling the feed before it is durable")
    struct EarlyFeedTests {
        @Test(
            "a revision that was told is lost in a crash with the bug, and never without it", arguments: [true, false])
        func crash(isOn: Bool) throws {
            let test = try TestStore()
            let a = try test.assignment()
            _ = try test.store.push([a.push([.make(nil, 1, 2)])])[0].get()
            let (folder, place) = (test.folder, Int(a.slot.rawValue))
            let told = Mutex<[Int64]>([])
            test.store.addCommitObserver { [weak store = test.store] _ in
                told.withLock { told in
                    guard let store, let revision = try? store.slotRevisions()[place] else { return }
                    let rows = try? store.changes(slot: a.slot, after: 1, countMax: 9, withBodies: true)
                    told.append(rows?.last?.revision == revision ? revision : 0)
                    // What the file is at this moment is what a crash would leave.
                    let copy = "\(folder)/crash-\(told.count)"
                    try? FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
                    for name in ["/primary.db", "/primary.db-wal"] {
                        try? FileManager.default.copyItem(atPath: folder + name, toPath: copy + name)
                    }
                }
            }
            SeededBug.$active.withValue(isOn ? .feedBeforeDurable : nil) {
                _ = test.store.push([a.push([.make(nil, 5, 6)])])
            }
            #expect(told.withLock { $0 } == (isOn ? [2, 2] : [2]))
            let crashed = try SQLitePrimaryStore(folder: folder + "/crash-1")
            defer { crashed.close() }
            #expect(try crashed.slotRevisions()[place] == (isOn ? 1 : 2))
        }
    }
#endif
