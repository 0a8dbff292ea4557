import Glibc

/// Where the server's programs are, and as whom they run.
enum ServerProgram {
    /// Debian's folders, the newest version first, and what is on the path.
    private static let folders: [String] = {
        let versions = stride(from: 18, through: 15, by: -1).map { "/usr/lib/postgresql/\($0)/bin" }
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        return versions + path.split(separator: ":").map(String.init)
    }()

    static let folder = folders.first { access($0 + "/postgres", X_OK) == 0 && access($0 + "/initdb", X_OK) == 0 }

    /// The server refuses to run as root: then another user is taken.
    struct Account {
        let name: String
        let userID: uid_t
        let groupID: gid_t
    }

    static let account: Account? = geteuid() == 0 ? ["postgres", "nobody"].lazy.compactMap(find).first : nil

    static let missing: String? = {
        if folder == nil { return "no PostgreSQL server is installed (Debian: postgresql-15)" }
        if geteuid() == 0, account == nil { return "PostgreSQL does not run as root, and there is no other user" }
        if geteuid() == 0, access("/usr/bin/setpriv", X_OK) != 0 { return "there is no setpriv to become another user" }
        return nil
    }()

    /// What is put before a command so that it does not run as root.
    static var prefix: [String] {
        guard let account else { return [] }
        return [
            "/usr/bin/setpriv", "--reuid=\(account.userID)", "--regid=\(account.groupID)", "--clear-groups", "--",
        ]
    }

    private static func find(_ name: String) -> Account? {
        var (entry, found) = (passwd(), UnsafeMutablePointer<passwd>(nil))
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { space in
            guard let start = space.baseAddress, getpwnam_r(name, &entry, start, space.count, &found) == 0, found != nil
            else { return nil }
            return Account(name: name, userID: entry.pw_uid, groupID: entry.pw_gid)
        }
    }
}
