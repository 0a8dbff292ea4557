/// Where the scenarios, the configurations and the shipped calculators lie, found from this file.
enum Folders {
    static let scenarios = tests + "/Scenarios"
    static let configurations = parent(of: #filePath) + "/Configurations"
    static let calculators = root + "/calculators"

    private static let tests = parent(of: parent(of: #filePath))
    private static let root = parent(of: tests)

    private static func parent(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}
