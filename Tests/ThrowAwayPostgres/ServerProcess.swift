import Glibc

/// A running server, held by a shell that stops it when our end of a pipe is closed: by us, or by the system when this
/// process is gone.
struct ServerProcess {
    /// The shell is the parent of the server, which therefore keeps its number until the shell has waited for it. Only
    /// the server holds the shell's output, as its file 3, so that its end can be waited for.
    private static let script = """
        folder=$1; shift; cd /
        "$@" 3>&1 >>"$folder/log" 2>&1 </dev/null &
        server=$!
        exec >/dev/null 2>&1
        word=
        read -r word
        [ "$word" = wait ] || kill -QUIT "$server"
        wait "$server"
        [ "$word" = wait ] || [ "$word" = keep ] || rm -rf "$folder"
        """

    /// What the shell does when it is told to end.
    enum Ending: String {
        /// Waits until the server, which has its orders, has ended.
        case wait
        /// Stops the server at once; the data stay.
        case keep
        case delete
    }

    private let shell: pid_t
    private let orders: Int32
    private let life: Int32
    /// The number of the postmaster's process, once it is known.
    var processID: Int32?

    init(folder: String, arguments: [String]) throws {
        let (input, output) = (try Command.pair(), try Command.pair())
        defer {
            close(input.theirs)
            close(output.theirs)
        }
        (orders, life) = (input.ours, output.ours)
        let server = ServerProgram.prefix + [(ServerProgram.folder ?? "") + "/postgres"] + arguments
        do {
            shell = try Command.start(
                ["sh", "-c", Self.script, "sh", folder] + server, input: input.theirs, output: output.theirs)
        } catch {
            close(orders)
            close(life)
            throw error
        }
    }

    func signal(_ signal: Int32) { if let processID { kill(processID, signal) } }

    /// Whether the server and all processes that it made have ended, waited for so long.
    func hasEnded(withinMilliseconds limit: Int32) -> Bool {
        var descriptor = pollfd(fd: life, events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, limit) > 0
    }

    func end(_ ending: Ending) {
        let word = ending.rawValue + "\n"
        _ = word.withCString { send(orders, $0, word.utf8.count, Int32(MSG_NOSIGNAL)) }
        close(orders)
        Command.wait(for: shell)
        close(life)
    }
}
