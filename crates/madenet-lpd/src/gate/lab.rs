//! CIELAB.

/// L*a*b* (CIE 1976, white D65) of a colour of sRGB primaries in linear light, 0 to 1.
pub(super) fn lab([red, green, blue]: [f64; 3]) -> [f64; 3] {
    // IEC 61966-2-1's matrix, each row over the white point.
    let x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505;
    let y = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    let z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089;
    let [x, y, z] = [x, y, z].map(|t| {
        // Below (6/29)^3 a straight line.
        if t > 216.0 / 24_389.0 { t.cbrt() } else { t * 841.0 / 108.0 + 4.0 / 29.0 }
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// The linear light of a code of sRGB (IEC 61966-2-1).
pub(super) fn linear(code: u8) -> f64 {
    let value = f64::from(code) / 255.0;
    if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primaries_are_where_the_standard_has_them() {
        let cases = [
            ([255, 255, 255], [100.0, 0.0, 0.0]),
            ([0, 0, 0], [0.0, 0.0, 0.0]),
            ([255, 0, 0], [53.24, 80.09, 67.20]),
            ([0, 255, 0], [87.73, -86.18, 83.18]),
            ([0, 0, 255], [32.30, 79.19, -107.86]),
            ([119, 119, 119], [50.03, 0.0, 0.0]),
        ];
        for (codes, expected) in cases {
            let got = lab(codes.map(linear));
            let near = got.iter().zip(expected).all(|(a, b): (&f64, f64)| (a - b).abs() < 0.05);
            assert!(near, "{codes:?}: {got:?}");
        }
    }
}
