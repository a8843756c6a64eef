//! The transforms of Winograd's minimal filtering for 3x3 windows (Lavin and Gray 2016): F(2x2, 3x3) and F(4x4, 3x3), at the
//! points 0, 1, -1, infinity and 0, 1, -1, 2, -2, infinity.

use crate::simd::Simd;

/// A tile of `M` x `M` outputs from `T` x `T` inputs, `T = M + 2`.
pub(super) trait Tile<const M: usize, const T: usize> {
    /// What a row of [`filter`](Self::filter)'s points is scaled by.
    const SCALES: [f64; T];

    /// `G g` of a row or column of a filter, but for the scales: sums only, so that products of the scales are rounded once.
    fn filter<S: Simd>(simd: S, g: [S::V; 3]) -> [S::V; T];

    /// `B^T d`.
    fn input<S: Simd>(simd: S, d: [S::V; T]) -> [S::V; T];

    /// `A^T m`.
    fn output<S: Simd>(simd: S, m: [S::V; T]) -> [S::V; M];
}

/// F(2x2, 3x3): 16 products for 4 outputs, 2.25 times fewer than the definition.
pub(super) struct F2;

impl Tile<2, 4> for F2 {
    const SCALES: [f64; 4] = [1.0, 0.5, 0.5, 1.0];

    #[inline(always)]
    fn filter<S: Simd>(simd: S, g: [S::V; 3]) -> [S::V; 4] {
        let even = simd.add(g[0], g[2]);
        [g[0], simd.add(even, g[1]), simd.sub(even, g[1]), g[2]]
    }

    #[inline(always)]
    fn input<S: Simd>(simd: S, d: [S::V; 4]) -> [S::V; 4] {
        [simd.sub(d[0], d[2]), simd.add(d[1], d[2]), simd.sub(d[2], d[1]), simd.sub(d[1], d[3])]
    }

    #[inline(always)]
    fn output<S: Simd>(simd: S, m: [S::V; 4]) -> [S::V; 2] {
        [simd.add(simd.add(m[0], m[1]), m[2]), simd.sub(simd.sub(m[1], m[2]), m[3])]
    }
}

/// F(4x4, 3x3): 36 products for 16 outputs, 4 times fewer than the definition.
pub(super) struct F4;

impl Tile<4, 6> for F4 {
    const SCALES: [f64; 6] = [1.0 / 4.0, -1.0 / 6.0, -1.0 / 6.0, 1.0 / 24.0, 1.0 / 24.0, 1.0];

    #[inline(always)]
    fn filter<S: Simd>(simd: S, g: [S::V; 3]) -> [S::V; 6] {
        let even = simd.add(g[0], g[2]);
        let even2 = simd.mul_add(simd.splat(4.0), g[2], g[0]);
        let odd2 = simd.add(g[1], g[1]);
        [g[0], simd.add(even, g[1]), simd.sub(even, g[1]), simd.add(even2, odd2), simd.sub(even2, odd2), g[2]]
    }

    #[inline(always)]
    fn input<S: Simd>(simd: S, d: [S::V; 6]) -> [S::V; 6] {
        let (two, four, five) = (simd.splat(2.0), simd.splat(4.0), simd.splat(5.0));
        let even = simd.neg_mul_add(four, d[2], d[4]);
        let odd = simd.neg_mul_add(four, d[1], d[3]);
        let even2 = simd.sub(d[4], d[2]);
        let odd2 = simd.mul(two, simd.sub(d[3], d[1]));
        [
            simd.mul_add(four, d[0], simd.neg_mul_add(five, d[2], d[4])),
            simd.add(even, odd),
            simd.sub(even, odd),
            simd.add(even2, odd2),
            simd.sub(even2, odd2),
            simd.mul_add(four, d[1], simd.neg_mul_add(five, d[3], d[5])),
        ]
    }

    #[inline(always)]
    fn output<S: Simd>(simd: S, m: [S::V; 6]) -> [S::V; 4] {
        let (two, four, eight) = (simd.splat(2.0), simd.splat(4.0), simd.splat(8.0));
        let (sum, difference) = (simd.add(m[1], m[2]), simd.sub(m[1], m[2]));
        let (sum2, difference2) = (simd.add(m[3], m[4]), simd.sub(m[3], m[4]));
        [
            simd.add(simd.add(m[0], sum), sum2),
            simd.mul_add(two, difference2, difference),
            simd.mul_add(four, sum2, sum),
            simd.mul_add(eight, difference2, simd.add(difference, m[5])),
        ]
    }
}

/// `G g G^T` of a filter `[row][column]`.
#[expect(clippy::needless_range_loop, reason = "rows and columns of a tile")]
#[inline(always)]
pub(super) fn filter<S: Simd, F: Tile<M, T>, const M: usize, const T: usize>(
    simd: S,
    g: [[S::V; 3]; 3],
) -> [[S::V; T]; T] {
    let mut columns = [[simd.splat(0.0); T]; 3];
    for x in 0..3 {
        columns[x] = F::filter(simd, [g[0][x], g[1][x], g[2][x]]);
    }
    let mut points = [[simd.splat(0.0); T]; T];
    for y in 0..T {
        points[y] = F::filter(simd, [columns[0][y], columns[1][y], columns[2][y]]);
        for x in 0..T {
            let scale = simd.splat((F::SCALES[y] * F::SCALES[x]) as f32);
            points[y][x] = simd.mul(scale, points[y][x]);
        }
    }
    points
}
