import Telemetry

/// A unit that a column may be in, and how its numbers become the dictionary's.
struct ParameterUnit: Equatable {
    enum Dimension: String {
        case speed, length, temperature, pressure, volume, time, mass, voltage, ratio, acceleration, angle
    }

    var dimension: Dimension
    /// A number in the dimension's base unit is `number * factor + offset`.
    var factor: Double
    var offset = 0.0

    /// The unit of a name such as `mph` or `F`; nil if it is none.
    init?(_ name: String) {
        guard let unit = Self.named[name.lowercased()] else { return nil }
        self = unit
    }

    private init(_ dimension: Dimension, _ factor: Double, _ offset: Double = 0) {
        self.dimension = dimension
        self.factor = factor
        self.offset = offset
    }

    /// The names of all units, for messages.
    static var names: [String] { named.keys.sorted() }

    private static let named: [String: ParameterUnit] = [
        "km/h": .init(.speed, 1), "kmh": .init(.speed, 1), "kph": .init(.speed, 1), "mph": .init(.speed, 1.609344),
        "kn": .init(.speed, 1.852), "kt": .init(.speed, 1.852), "knots": .init(.speed, 1.852),
        "m/s": .init(.speed, 3.6), "mps": .init(.speed, 3.6), "ft/s": .init(.speed, 1.09728),
        "m": .init(.length, 1), "km": .init(.length, 1000), "cm": .init(.length, 0.01), "ft": .init(.length, 0.3048),
        "yd": .init(.length, 0.9144), "mi": .init(.length, 1609.344), "nmi": .init(.length, 1852),
        "c": .init(.temperature, 1), "f": .init(.temperature, 5.0 / 9, -160.0 / 9),
        "k": .init(.temperature, 1, -273.15),
        "kpa": .init(.pressure, 1), "psi": .init(.pressure, 6.894757293168361),
        "bar": .init(.pressure, 100), "mbar": .init(.pressure, 0.1), "hpa": .init(.pressure, 0.1),
        "l": .init(.volume, 1), "ml": .init(.volume, 0.001), "gal": .init(.volume, 3.785411784),
        "ukgal": .init(.volume, 4.54609), "m3": .init(.volume, 1000),
        "s": .init(.time, 1), "ms": .init(.time, 0.001), "us": .init(.time, 1e-6), "min": .init(.time, 60),
        "h": .init(.time, 3600), "kg": .init(.mass, 1), "lb": .init(.mass, 0.45359237), "t": .init(.mass, 1000),
        "v": .init(.voltage, 1), "mv": .init(.voltage, 0.001), "%": .init(.ratio, 1), "fraction": .init(.ratio, 100),
        "g": .init(.acceleration, 1), "mg": .init(.acceleration, 0.001), "m/s2": .init(.acceleration, 1 / 9.80665),
        "deg": .init(.angle, 1), "rad": .init(.angle, 57.295779513082323),
    ]

    /// The dictionary's units by the names it gives them, as multiples of the base units.
    private static let dictionary: [String: ParameterUnit] = [
        "km/h": .init(.speed, 1), "meters": .init(.length, 1), "km": .init(.length, 1000),
        "celsius": .init(.temperature, 1), "liters": .init(.volume, 1), "seconds": .init(.time, 1),
        "hours": .init(.time, 3600), "kg": .init(.mass, 1), "volts": .init(.voltage, 1),
        "percentage": .init(.ratio, 1), "g": .init(.acceleration, 1), "degrees": .init(.angle, 1),
    ]

    /// How numbers of this unit become those of a parameter: `number * factor + offset`.
    ///
    /// A parameter that the dictionary does not list takes the base unit: km/h, m, °C, kPa, l, s, kg, V, %, g, °.
    func conversion(to parameter: String) throws(ImportError) -> (factor: Double, offset: Double) {
        guard let unit = ParameterDictionary.entries[parameter]?.unit, unit != "–" else { return (factor, offset) }
        guard let target = Self.dictionary[unit], target.dimension == dimension else {
            throw .wrongUse("\(parameter) is in \(unit): a column of \(dimension.rawValue) cannot become that")
        }
        return (factor / target.factor, offset / target.factor)
    }
}
