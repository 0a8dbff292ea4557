import PrimaryStore
import Telemetry
import Testing

@Suite("Drivers of devices")
struct DriverTests {
    private static func entity(_ driver: String) -> String { #"{"metadata":{"driver_name":\#(driver)}}"# }

    private static func replace(
        _ test: TestStore, _ device: DeviceID, _ driver: String, at seconds: Double
    ) throws {
        _ = try test.store.replaceDevice(
            device, ident: "van", name: "van", json: entity(driver), expecting: nil, at: Timestamp(seconds: seconds))
    }

    private static func names(_ test: TestStore, _ device: DeviceID) throws -> [String] {
        try test.store.deviceDrivers(device).map { driver in
            let from = driver.from == .distantPast ? "ever" : "\(driver.from.microseconds / 1_000_000)"
            return "\(from) \(driver.name ?? "nobody")"
        }
    }

    @Test("the first name counts for the time before, a later one from its moment on, and blank is nobody")
    func changes() throws {
        let test = try TestStore()
        let device = try test.device("van")
        try Self.replace(test, device, "null", at: 5)
        #expect(try Self.names(test, device).isEmpty)
        for (driver, second) in [(#"" Ann ""#, 10.0), (#""Ann""#, 20), (#""Bob""#, 30), (#""  ""#, 40), ("null", 50)] {
            try Self.replace(test, device, driver, at: second)
        }
        let expected = ["ever Ann", "30 Bob", "40 nobody"]
        #expect(try Self.names(test, device) == expected)
        try Self.replace(test, device, "7", at: 35)
        #expect(try Self.names(test, device) == ["ever Ann", "30 Bob", "40 7"], "the clock went back")
        try test.reopen()
        #expect(try Self.names(test, device).count == 3 && test.store.audit(slots: .all) == [])
    }

    @Test("a device has the driver that it was made with, and its drivers go with it")
    func created() throws {
        let test = try TestStore()
        let made = test.store.createDevices(
            ["a", "b", "c"].map { NewDevice(ident: $0, name: $0, json: $0 == "c" ? "{}" : Self.entity("\"\($0)\"")) })
        let devices = try made.map { try $0.get().id }
        #expect(try test.store.deviceDrivers(nil).map(\.name) == ["a", "b"])
        #expect(try Self.names(test, devices[1]) == ["ever b"])
        try test.store.deleteDevice(devices[0], at: .zero)
        #expect(try test.store.deviceDrivers(nil).map(\.device) == [devices[1]])
        #expect(try test.store.audit(slots: .all) == [])
    }

    @Test("a change that is refused leaves the drivers as they were")
    func refused() throws {
        let test = try TestStore()
        let device = try test.device("van")
        #expect(throws: StoreError.self) {
            try test.store.replaceDevice(
                device, ident: "van", name: "van", json: Self.entity(#""Ann""#), expecting: 9, at: .zero)
        }
        #expect(try test.store.deviceDrivers(nil).isEmpty)
    }
}
