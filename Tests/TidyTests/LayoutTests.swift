import Testing

/// Where files lie.
struct LayoutTests {
    static let topLevel: Set = [
        "Package.swift", "Sources", "Tests", "calculators", "Benchmarks", "docs", "README.md", "LICENSE",
    ]

    @Test(
        "the top level holds nothing but what belongs there",
        .enabled(if: Project.trackedPaths != nil, "git does not know this folder"))
    func topLevelIsClosed() {
        for path in Project.trackedPaths ?? [] {
            let first = path.prefix { $0 != "/" }
            if first.hasPrefix(".") || Self.topLevel.contains(String(first)) { continue }
            let places = Self.topLevel.sorted().joined(separator: ", ")
            report([
                Violation(path: path, line: 1, reason: "the top level has no place for \(first): it is for \(places)")
            ])
        }
    }

    @Test("every folder of Tests with Swift files is a target, so that its tests run")
    func testFoldersAreTargets() {
        let targets = Set(Project.manifest.targets.map(\.path))
        let folders = Dictionary(grouping: Project.tests) { "Tests/\($0.module)" }
        for (folder, files) in folders.sorted(by: { $0.key < $1.key })
        where !targets.contains(where: { $0 == folder || $0.hasPrefix(folder + "/") }) {
            report(
                files.prefix(1).map {
                    $0.violation(line: 0, "\(folder) is no target of Package.swift, so nothing in it runs")
                })
        }
    }

    @Test("every folder of Sources is a module of Package.swift")
    func sourceFoldersAreTargets() {
        let targets = Set(Project.manifest.targets.map(\.path))
        let folders = Dictionary(grouping: Project.sources) { "Sources/\($0.module)" }
        for (folder, files) in folders.sorted(by: { $0.key < $1.key }) where !targets.contains(folder) {
            report(
                files.prefix(1).map {
                    $0.violation(line: 0, "\(folder) is no target of Package.swift, so it is not built")
                })
        }
    }
}
