// swift-tools-version: 6.3
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// The modules from the core outwards; a module may import only what stands above it (docs/modules.md).
let core: [Target.Dependency] = ["Telemetry", "Expressions", "Calculators", "Evaluation"]

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioHTTPTypesHTTP1 = Target.Dependency.product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")

let package = Package(
    name: "odograph",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "odograph", targets: ["odograph"]),
        .library(
            name: "OdographCore", targets: ["Telemetry", "Expressions", "Calculators", "Evaluation", "MessageChunks"]),
        .library(name: "OdographWorkbench", targets: ["Workbench"]),
    ],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CSQLite", path: "Sources/System/CSQLite", pkgConfig: "sqlite3",
            providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(
            name: "CCrypto", path: "Sources/System/CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(
            name: "CCurl", path: "Sources/System/CCurl", pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(
            name: "CPostgres", path: "Sources/System/CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(
            name: "CZlib", path: "Sources/System/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(
            name: "CZstd", path: "Sources/System/CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .target(name: "CChecksum", path: "Sources/System/CChecksum"),
        .target(name: "CMemory", path: "Sources/System/CMemory"),
        .target(name: "Shims", dependencies: ["CCurl", "CSQLite"], path: "Sources/System/Shims"),
        module("Telemetry"),
        module("TimeZones", ["Telemetry"]),
        module("Expressions", ["Telemetry"]),
        module("Calculators", ["Telemetry", "Expressions"]),
        module("Evaluation", ["Telemetry", "Expressions", "Calculators"]),
        module("MessageChunks", ["Telemetry", "CChecksum", "CZstd"]),
        module("SQLiteClient", ["CSQLite", "Shims"]),
        module("HTTPClient", ["CCurl", "Shims"]),
        module("PostgresClient", ["CPostgres"]),
        .target(name: "FleetSchema", exclude: ["SQL"]),
        module("Threads"),
        module("PrimaryStore", ["Telemetry", "MessageChunks", "SQLiteClient", "CCrypto"]),
        module("LocalCache", ["Telemetry", "MessageChunks", "SQLiteClient"]),
        module("Recalculation", core + ["LocalCache"]),
        module(
            "CalcProcess",
            core + [
                "TimeZones", "Threads", "MessageChunks", "PrimaryStore", "LocalCache", "Recalculation", logging,
                lifecycle,
            ]),
        module("Ingest", ["Telemetry"]),
        module(
            "Publishing",
            [
                "Telemetry", "Calculators", "MessageChunks", "PrimaryStore", "PostgresClient", "FleetSchema", "Threads",
                "CCrypto", logging, lifecycle,
            ]),
        module(
            "HTTPAPI",
            core + [
                "TimeZones", "CZlib", "MessageChunks", "PrimaryStore", "LocalCache", "Recalculation", "CalcProcess",
                "Ingest", "Publishing", hummingbird, hummingbirdCore, httpTypes, nioCore, nioHTTP1, nioHTTPTypes,
                nioHTTPTypesHTTP1, logging,
            ]),
        .executableTarget(
            name: "odograph",
            dependencies: core + [
                "TimeZones", "Threads", "PrimaryStore", "CalcProcess", "Ingest", "PostgresClient", "Publishing",
                "HTTPAPI", "HTTPClient", "CMemory", hummingbird, arguments, logging, lifecycle, signals,
            ],
            swiftSettings: settings),
        module(
            "Workbench", ["Telemetry", "TimeZones", "PrimaryStore", "CalcProcess", "Ingest", logging]),
        module("TestSupport", core + ["TimeZones", "Ingest"]),
        .target(name: "CFaultDisk", dependencies: ["CSQLite"], path: "Tests/FaultDisk/C"),
        .target(
            name: "FaultDisk", dependencies: ["CFaultDisk", "CSQLite"], path: "Tests/FaultDisk/Swift",
            swiftSettings: settings),
        .target(
            name: "StoreSupport", dependencies: ["Telemetry", "PrimaryStore"], path: "Tests/StoreSupport",
            swiftSettings: settings),
        .target(name: "SeededRandom", path: "Tests/SeededRandom", swiftSettings: settings),
        .target(
            name: "ReferenceEvaluator", dependencies: ["SeededRandom"], path: "Tests/ReferenceEvaluator",
            swiftSettings: settings),
        .target(
            name: "ReferenceBridge", dependencies: core + ["ReferenceEvaluator"], path: "Tests/ReferenceBridge",
            swiftSettings: settings),
        tests("ReferenceEvaluatorTests", ["SeededRandom", "ReferenceEvaluator"]),
        tests("EvaluationTests", core + ["TimeZones", "ReferenceEvaluator", "ReferenceBridge", "SeededRandom"]),
        tests("MessageChunksTests", ["Telemetry", "MessageChunks", "SeededRandom"]),
        tests("SQLiteClientTests", ["SQLiteClient"]),
        .target(
            name: "ThrowAwayPostgres", dependencies: ["PostgresClient"], path: "Tests/ThrowAwayPostgres",
            swiftSettings: settings),
        tests("PostgresClientTests", ["PostgresClient", "ThrowAwayPostgres"]),
        tests("PrimaryStoreTests", ["Telemetry", "MessageChunks", "SQLiteClient", "PrimaryStore", "SeededRandom"]),
        tests(
            "FaultDiskTests",
            ["FaultDisk", "Telemetry", "MessageChunks", "SQLiteClient", "PrimaryStore", "SeededRandom"]),
        tests(
            "CalcProcessTests",
            core + [
                "TimeZones", "MessageChunks", "SQLiteClient", "PrimaryStore", "LocalCache", "CalcProcess",
                "ReferenceEvaluator", "ReferenceBridge", "StoreSupport", logging, "SeededRandom",
            ]),
        tests(
            "SimulationTests",
            core + [
                "TimeZones", "MessageChunks", "PrimaryStore", "LocalCache", "Recalculation", "CalcProcess",
                "ReferenceEvaluator", "ReferenceBridge", "StoreSupport", "FaultDisk", logging, "SeededRandom",
            ]),
        tests(
            "ScenarioTests", core + ["TestSupport", "TimeZones", "Ingest", "SeededRandom"], exclude: ["Configurations"]),
        tests(
            "HTTPAPITests",
            core + [
                "TimeZones", "CZlib", "MessageChunks", "PrimaryStore", "Recalculation", "CalcProcess", "Ingest",
                "Publishing", "HTTPAPI", hummingbird, hummingbirdCore, httpTypes, nioCore, logging, lifecycle,
                "SeededRandom",
            ]),
        tests(
            "PublishingTests",
            [
                "Telemetry", "MessageChunks", "PrimaryStore", "PostgresClient", "FleetSchema", "Threads", "Publishing",
                "StoreSupport", "ThrowAwayPostgres", logging, lifecycle, "SeededRandom",
            ]),
        tests(
            "FleetTests",
            core + [
                "TimeZones", "Threads", "PrimaryStore", "CalcProcess", "Ingest", "PostgresClient", "Publishing",
                "HTTPAPI", "ThrowAwayPostgres", logging, lifecycle,
            ]),
        tests("IngestTests", ["Telemetry", "TimeZones", "Ingest"]),
        tests("TelemetryTests", ["Telemetry", "SeededRandom"]),
        tests("ExpressionsTests", ["Telemetry", "Expressions", "SeededRandom"]),
        tests("CalculatorsTests", ["Telemetry", "Expressions", "Calculators"], exclude: ["Mistakes"]),
        tests("RecalculationTests", core + ["MessageChunks", "LocalCache", "Recalculation", "SeededRandom"]),
        tests("LocalCacheTests", ["Telemetry", "MessageChunks", "SQLiteClient", "LocalCache", "SeededRandom"]),
        tests("ServerTests", ["Telemetry", "odograph", "SeededRandom"]),
        tests("TidyTests", []),
        tests("TimeZonesTests", ["Telemetry", "TimeZones", "SeededRandom"]),
    ]
)
