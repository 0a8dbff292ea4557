/// Finds the decimals of numbers that have few of them, as almost all that is measured has.
///
/// The text that they make is the shortest that reads back to the same double, found without the general search for it.
enum DecimalNumber {
    private static let billion = 1e9
    /// Adding and taking off rounds a double below 2^51 to the nearest integer.
    private static let rounder: Double = 6_755_399_441_055_744
    /// 2^50: an integer below has neighbours so far apart in doubles that no other text of as many digits is as near.
    private static let limit: Double = 1_125_899_906_842_624

    /// The whole part of the magnitude and what is left in billionths; nil where nine decimals do not give the number,
    /// or it is so small that it is written with an exponent.
    static func parts(_ number: Double) -> (whole: Int64, decimals: UInt32)? {
        let magnitude = number.magnitude
        let product = magnitude * billion
        guard magnitude >= 0.001, product < limit else { return nil }
        let rounded = (product + rounder) - rounder
        // The quotient of two integers is the double nearest to the decimal number.
        guard rounded / billion == magnitude else { return nil }
        let (whole, rest) = UInt64(rounded).quotientAndRemainder(dividingBy: 1_000_000_000)
        return rest == 0 ? nil : (Int64(whole), UInt32(rest))
    }
}
