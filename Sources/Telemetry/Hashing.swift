/// MurmurHash3's 64-bit finaliser: spreads every bit of its argument over the whole result.
@inlinable
public func mix64(_ value: UInt64) -> UInt64 {
    var x = value
    x = (x ^ (x >> 33)) &* 0xff51_afd7_ed55_8ccd
    x = (x ^ (x >> 33)) &* 0xc4ce_b9fe_1a85_ec53
    return x ^ (x >> 33)
}

/// A stable 64-bit hash of bytes (FNV-1a, then `mix64`).
@inlinable
public func hash64(_ bytes: some Sequence<UInt8>) -> UInt64 {
    var state: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    return mix64(state)
}

/// One of 256 groups of devices: the unit of ownership.
public struct Slot: Hashable, Comparable, Sendable {
    public static let count = 256

    public var rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The slot of a device: the upper 8 of the lower 12 bits of its mixed id.
    public init(device: DeviceID) {
        rawValue = UInt8((mix64(UInt64(bitPattern: device.rawValue)) & 4095) >> 4)
    }

    public static func < (left: Slot, right: Slot) -> Bool { left.rawValue < right.rawValue }
}

/// The number of a device.
public struct DeviceID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var rawValue: Int64
    public init(_ rawValue: Int64) { self.rawValue = rawValue }
    public static func < (left: DeviceID, right: DeviceID) -> Bool { left.rawValue < right.rawValue }
    public var description: String { String(rawValue) }
}

/// The number of a calculator.
public struct CalculatorID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var rawValue: Int64
    public init(_ rawValue: Int64) { self.rawValue = rawValue }
    public static func < (left: CalculatorID, right: CalculatorID) -> Bool { left.rawValue < right.rawValue }
    public var description: String { String(rawValue) }
}

/// One calculator on one device: the key of a history of intervals.
public struct AssignmentKey: Hashable, Comparable, Sendable {
    public var calculator: CalculatorID
    public var device: DeviceID

    public init(calculator: CalculatorID, device: DeviceID) {
        self.calculator = calculator
        self.device = device
    }

    public static func < (left: AssignmentKey, right: AssignmentKey) -> Bool {
        (left.device, left.calculator) < (right.device, right.calculator)
    }
}
