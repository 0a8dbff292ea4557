import ArgumentParser
import PrimaryStore

/// `odograph backup`: a copy of everything in one file.
struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy the store of a data folder into one file, beside a running server.",
        discussion: """
            The file appears under its name once it is whole, checked and on disk. It holds everything there is but \
            the caches, which are built anew, and the keys of tokens, of which the store keeps hashes only.
            """)

    @Option(help: "The data folder.") var data = Settings.dataDefault
    @Option(help: "The file to write.") var to: String
    @Flag(help: "Replace the file if it is there.") var force = false

    func run() throws {
        let start = ContinuousClock.now
        var progress = ProgressBar(to)
        defer { progress.finish() }
        do throws(StoreError) {
            let backup = try Backup.write(folder: data, to: to, isReplacing: force) { done, total in
                progress.update(done: done, total: total, unit: "pages")
            }
            progress.finish()
            print(backup.summary(ContinuousClock.now - start))
        } catch {
            if case .invalid(let reason) = error, !force, reason.hasSuffix("exists") {
                throw CommandFailure(reason: "\(reason): give --force to replace it")
            }
            throw CommandFailure(reason: "\(error)")
        }
    }
}

extension Backup {
    /// What is in it, a fact on each line.
    func summary(_ duration: Duration) -> String {
        let rows: [(String, String)] = [
            ("file", path), ("bytes", "\(byteCount)"), ("schema", "\(schema)"), ("log position", "\(logPosition)"),
            ("registry revision", "\(registryRevision)"), ("devices", "\(counts.devices)"),
            ("calculators", "\(counts.calculators)"), ("assignments", "\(counts.assignments)"),
            ("messages", "\(counts.messages)"), ("intervals", "\(counts.intervals)"), ("check", "ok"),
            ("seconds", Self.seconds(duration)),
        ]
        return rows.map { "\($0): \($1)" }.joined(separator: "\n")
    }

    private static func seconds(_ duration: Duration) -> String {
        let milliseconds = Int(duration / .milliseconds(1))
        return "\(Double(milliseconds) / 1_000)"
    }
}
