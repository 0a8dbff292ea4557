import Glibc

/// Starts other programs.
enum Command {
    /// Runs a program to its end; what it said is in the error if it failed.
    static func run(_ arguments: [String]) throws {
        let ends = try pair()
        defer { close(ends.ours) }
        // The folder a test runs in may be closed to another user.
        let inRoot = ["sh", "-c", "cd / && exec \"$@\"", "sh"]
        let started = Result { try start(inRoot + arguments, input: nil, output: ends.theirs) }
        close(ends.theirs)
        let process = try started.get()
        let words = drain(ends.ours)
        guard wait(for: process) == 0 else {
            throw StartFailure(reason: arguments.joined(separator: " ") + ": " + words)
        }
    }

    /// Two sockets joined to each other, which no other program that this process starts can inherit.
    static func pair() throws -> (ours: Int32, theirs: Int32) {
        var ends: [Int32] = [0, 0]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw StartFailure(reason: "no pair of sockets") }
        return (ends[0], ends[1])
    }

    /// Starts a program in a group of its own, so that an interrupt from the keyboard is left to us.
    static func start(_ arguments: [String], input: Int32?, output: Int32?) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        for stream: Int32 in [1, 2] {
            if let output {
                posix_spawn_file_actions_adddup2(&actions, output, stream)
            } else {
                posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_WRONLY, 0)
            }
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A thread of the pool blocks signals, and would pass that on: the shell would wait for its child for ever.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
        var process: pid_t = 0
        var list = arguments.map { strdup($0) } + [nil]
        defer { for text in list { free(text) } }
        let code = posix_spawnp(&process, arguments[0], &actions, &attributes, &list, environ)
        guard code == 0 else { throw StartFailure(reason: "\(arguments[0]): error \(code)") }
        return process
    }

    /// The exit code, or -1 for a signal.
    @discardableResult
    static func wait(for process: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 { if errno != EINTR { return -1 } }
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : -1
    }

    private static func drain(_ file: Int32) -> String {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(file, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += piece[..<count]
        }
    }
}
