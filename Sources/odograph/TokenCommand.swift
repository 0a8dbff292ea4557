import ArgumentParser
import PrimaryStore
import Telemetry

/// `odograph token`: keys to the API, without a running server.
struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Make, list and revoke API tokens of a data folder.",
        discussion: "While a server runs on the folder, use its API instead: /platform/tokens.",
        subcommands: [Create.self, List.self, Revoke.self])

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a token and print it; it is never shown again.")
        @Option(help: "The data folder.") var data = Settings.dataDefault
        @Option(help: "What it is for.") var name = "token"
        @Flag(help: "It may manage tokens too.") var master = false
        @Option(help: "Days until it expires; 0 = never.") var days = 0

        func run() throws {
            try TokenCommand.withStore(data) { store in
                let now = Server.clock()
                let expires = days > 0 ? now.advanced(bySeconds: Double(days) * 86_400) : nil
                let token = try store.createToken(
                    name: name, kind: master ? .master : .standard, expires: expires, at: now)
                print(token.secret)
            }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List tokens without their secrets.")
        @Option(help: "The data folder.") var data = Settings.dataDefault

        func run() throws {
            do throws(StoreError) {
                let store = try SQLitePrimaryStore(folder: data, mode: .readOnly)
                for token in try store.tokens() {
                    let state = token.isRevoked ? "revoked" : token.isValid(at: Server.clock()) ? "valid" : "expired"
                    print("\(token.id)\t\(token.prefix)…\t\(token.kind.rawValue)\t\(state)\t\(token.name)")
                }
            } catch { throw CommandFailure(reason: "\(data): \(error)") }
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a token useless.")
        @Option(help: "The data folder.") var data = Settings.dataDefault
        @Argument(help: "The number that `token list` shows.") var id: Int64

        func run() throws { try TokenCommand.withStore(data) { try $0.revokeToken(id) } }
    }

    /// Opens a folder for writing; refused while another process holds it.
    private static func withStore(_ folder: String, _ body: (SQLitePrimaryStore) throws -> Void) throws {
        do {
            let lock = try DataFolderLock(folder: folder)
            let store = try SQLitePrimaryStore(folder: folder)
            try body(store)
            store.close()
            _ = consume lock
        } catch StoreError.locked {
            throw CommandFailure(reason: "\(folder) is in use by a running server: use its API, POST /platform/tokens")
        } catch let error as StoreError { throw CommandFailure(reason: "\(folder): \(error)") }
    }
}
