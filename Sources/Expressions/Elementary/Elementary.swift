/// Exponentials, logarithms and angles, made of `+ - * /`, square roots and bits only.
///
/// Stored results depend on them, so they must be the same on every processor: the C library's differ from one to the
/// next, and so does a multiplication fused with an addition. Within about one unit in the last place of the truth.
///
/// The methods and coefficients are those of fdlibm, which asks for this notice to be kept:
/// Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved. Developed at SunPro, a Sun Microsystems, Inc.
/// business. Permission to use, copy, modify, and distribute this software is freely granted, provided that this
/// notice is preserved.
public enum Elementary {}

extension Double {
    /// The number with the lower half of its bits cut off, so that its square is exact.
    @inline(__always)
    var upperHalf: Double { Double(bitPattern: bitPattern & 0xffff_ffff_0000_0000) }

    /// The number times a power of two, in two steps where one would leave the range.
    func scaled(by power: Int) -> Double {
        if power > 1023 { return self * 0x1p1023 * Self.power(min(power, 2046) - 1023) }
        // To subnormal numbers in one rounding, from a number that is still normal.
        if power < -1022 { return self * Self.power(max(power, -1900) + 1000) * 0x1p-1000 }
        return self * Self.power(power)
    }

    /// A power of two that is a normal number.
    private static func power(_ exponent: Int) -> Double { Double(bitPattern: UInt64(exponent + 1023) << 52) }
}
