// swift-tools-version: 6.3
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let core = Target.Dependency.product(name: "OdographCore", package: "odograph")
let workbench = Target.Dependency.product(name: "OdographWorkbench", package: "odograph")

/// Programs that measure Odograph; a package of their own, so that neither the build nor the tests pay for them.
let package = Package(
    name: "benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "odograph", path: "..")],
    targets: [
        .target(name: "Fleet", dependencies: [core], swiftSettings: settings),
        .target(
            name: "Limit", cSettings: [.unsafeFlags(["-O3", "-march=native", "-fno-math-errno", "-ffp-contract=off"])]),
        .executableTarget(name: "chunks", dependencies: [core, "Fleet"], swiftSettings: settings),
        .executableTarget(name: "replay", dependencies: [core, "Fleet", "Limit"], swiftSettings: settings),
        .target(name: "Counting"),
        .executableTarget(
            name: "parts", dependencies: [core, workbench, "Fleet", "Counting"], swiftSettings: settings),
        .executableTarget(name: "fleet", dependencies: ["Fleet"], swiftSettings: settings),
        .executableTarget(name: "limits", linkerSettings: [.linkedLibrary("sqlite3")]),
        .executableTarget(name: "service", dependencies: [core, "Fleet"], swiftSettings: settings),
    ]
)
