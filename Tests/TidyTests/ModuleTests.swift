import Testing

/// `docs/modules.md`, `Package.swift` and the imports of the sources say the same.
struct ModuleTests {
    private let table = Project.moduleTable
    private let manifest = Project.manifest

    @Test("the module table has every target of Sources, and no other, with what it depends on")
    func tableEqualsManifest() {
        let targets = manifest.targets.filter { $0.path.hasPrefix("Sources/") }
        #expect(targets.count > 15)
        for target in targets where !table.rows.contains(where: { $0.module == target.name }) {
            report([Violation(path: ModuleTable.path, line: 1, reason: "the table has no row for \(target.name)")])
        }
        for row in table.rows {
            guard let target = targets.first(where: { $0.name == row.module }) else {
                report([violation(row, "Package.swift has no module \(row.module)")])
                continue
            }
            let (missing, extra) = (
                Set(target.dependencies).subtracting(row.imports), row.imports.subtracting(target.dependencies)
            )
            if !missing.isEmpty {
                report([violation(row, "Package.swift lets \(row.module) import \(list(missing)) too")])
            }
            if !extra.isEmpty {
                report([violation(row, "Package.swift does not let \(row.module) import \(list(extra))")])
            }
        }
    }

    @Test("a module imports only what stands above it in the table")
    func importsPointUp() {
        let names = Set(table.rows.map(\.module))
        var above: Set<String> = []
        for row in table.rows {
            let below = row.imports.intersection(names).subtracting(above)
            if !below.isEmpty {
                report([violation(row, "\(row.module) imports \(list(below)), which must stand above it: no circles")])
            }
            above.insert(row.module)
        }
    }

    @Test("a source file imports only what its module's row says")
    func sourcesFollowTable() {
        for file in Project.sources {
            guard let row = table.rows.first(where: { $0.module == file.module }) else { continue }
            for (module, line) in file.imports where !row.imports.contains(module) && !Self.toolchain.contains(module) {
                report([
                    file.violation(
                        line: line, "\(file.module) may not import \(module): \(ModuleTable.path):\(row.line)")
                ])
            }
        }
    }

    @Test("the core and the chunk format do without Foundation")
    func coreHasNoFoundation() {
        let core = ModuleTable.core.union(["MessageChunks"])
        for file in Project.sources where core.contains(file.module) {
            for (module, line) in file.imports where module.hasPrefix("Foundation") {
                report([file.violation(line: line, "\(file.module) is pure, so it imports no \(module)")])
            }
        }
    }

    @Test("the whole of Foundation is imported only where the page on modules says why")
    func foundationIsNamed() {
        for file in Project.sources where !table.foundationFiles.contains(file.path) {
            for (_, line) in file.imports.filter({ $0.module == "Foundation" }) {
                let mend = "import FoundationEssentials, or name the file in \(ModuleTable.path)"
                report([file.violation(line: line, "Foundation costs size and start-up: \(mend)")])
            }
        }
    }

    /// What comes with the compiler.
    private static let toolchain: Set = [
        "Swift", "Glibc", "Dispatch", "Synchronization", "Foundation", "FoundationEssentials",
    ]

    private func violation(_ row: ModuleTable.Row, _ reason: String) -> Violation {
        Violation(path: ModuleTable.path, line: row.line, reason: reason)
    }

    private func list(_ names: Set<String>) -> String { names.sorted().joined(separator: ", ") }
}
