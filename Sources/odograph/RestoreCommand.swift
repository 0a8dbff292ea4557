import ArgumentParser
import PrimaryStore

/// `odograph restore`: a data folder from a backup.
struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Put a backup into a data folder that no server uses.",
        discussion: """
            The file is checked before anything is replaced. Caches are deleted; the next start builds them anew. \
            Tokens are those of the backup: while no server runs, `odograph token create --master` makes another.
            """)

    @Option(help: "The file that `odograph backup` has written.") var from: String
    @Option(help: "The data folder.") var data = Settings.dataDefault
    @Flag(help: "Replace what is in the folder; it is lost.") var force = false

    func run() throws {
        let start = ContinuousClock.now
        var progress = ProgressBar(from)
        defer { progress.finish() }
        do throws(StoreError) {
            let restored = try Backup.restore(from, to: data, isReplacing: force) { done, total in
                progress.update(done: done, total: total, unit: "pages")
            }
            progress.finish()
            print(restored.summary(ContinuousClock.now - start))
        } catch { throw CommandFailure(reason: Self.reason(error, data, force)) }
    }

    private static func reason(_ error: StoreError, _ folder: String, _ force: Bool) -> String {
        switch error {
        case .locked: "\(folder) is in use by a running server: stop it first"
        case .invalid(let reason) where !force && reason == "\(folder) is not empty":
            "\(reason): give --force to replace what is there"
        default: "\(error)"
        }
    }
}
