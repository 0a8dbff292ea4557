import Foundation
import Glibc
import Synchronization

/// A process of the program; it is killed with its owner.
///
/// The write end of a pipe is open in the process alone, so that its end can be waited for with `poll`.
final class Child: Sendable {
    let processID: pid_t
    private let pipeEnd: Int32
    /// How it ended: the exit status, or the signal's number below zero; nil before that has been asked for.
    private let status = Mutex<Int32?>(nil)

    init(
        _ arguments: [String], environment: [String: String] = [:], input: String = "/dev/null", output: String,
        errors: String
    ) throws {
        guard let program = Program.path else { throw Obstacle("the program is not built") }
        var ends: [Int32] = [0, 0]
        // A pair of sockets is a pipe that can be marked to be closed in other processes from the beginning.
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw Obstacle("socketpair: \(errno)") }
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // A descriptor that is put on itself only loses its mark to be closed.
        posix_spawn_file_actions_adddup2(&actions, ends[1], ends[1])
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, input, O_RDONLY, 0)
        let flags = O_WRONLY | O_CREAT | O_TRUNC
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, flags, 0o600)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors, flags, 0o600)
        let settings = Self.inherited.merging(environment) { $1 }.map { "\($0)=\($1)" }
        var pid: pid_t = 0
        let code = Self.withCStrings([program] + arguments) { words in
            Self.withCStrings(settings) { posix_spawn(&pid, program, &actions, nil, words, $0) }
        }
        guard code == 0 else {
            close(ends[0])
            throw Obstacle("\(program): \(String(cString: strerror(code)))")
        }
        processID = pid
        pipeEnd = ends[0]
    }

    deinit {
        signal(SIGKILL)
        reap()
        close(pipeEnd)
    }

    /// The environment of the tests without what would set the program.
    private static var inherited: [String: String] {
        ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("ODOGRAPH_") }
    }

    private static func withCStrings<Result>(
        _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }

    /// Sends a signal, unless it is known to have ended.
    func signal(_ number: Int32) {
        status.withLock { if $0 == nil { _ = Glibc.kill(processID, number) } }
    }

    /// Waits until it ends, or a time has passed; whether it has ended.
    func ends(within milliseconds: Int) async -> Bool {
        let descriptor = pipeEnd
        return await offPool {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            return poll(&entry, 1, Int32(clamping: milliseconds)) > 0
        }
    }

    /// Waits for its end and gives its status, or the signal's number below zero.
    func end(within seconds: Double) async throws -> Int32 {
        guard await ends(within: Int(seconds * 1_000)) else {
            throw Obstacle("process \(processID) has not ended within \(seconds) s")
        }
        return reap()
    }

    /// Takes the status of a process that is ending.
    @discardableResult
    private func reap() -> Int32 {
        status.withLock { status in
            if let status { return status }
            var code: Int32 = 0
            while waitpid(processID, &code, 0) < 0, errno == EINTR {}
            let result = code & 0x7f == 0 ? (code >> 8) & 0xff : -(code & 0x7f)
            status = result
            return result
        }
    }
}

/// Does what blocks on a thread of its own, so that other tests go on.
func offPool<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: body()) }
    }
}
