//! AVX2 with FMA: a vector is two of sixteen registers.

use std::arch::x86_64::{
    __m256, _CMP_EQ_OQ, _CMP_LT_OQ, _CMP_UNORD_Q, _MM_HINT_T1, _mm_prefetch, _mm256_add_epi32, _mm256_add_ps,
    _mm256_blendv_ps, _mm256_castsi256_ps, _mm256_cmp_ps, _mm256_cvtps_epi32, _mm256_div_ps, _mm256_fmadd_ps,
    _mm256_fnmadd_ps, _mm256_loadu_ps, _mm256_max_ps, _mm256_mul_ps, _mm256_or_ps, _mm256_permute2f128_ps,
    _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps, _mm256_shuffle_ps, _mm256_slli_epi32,
    _mm256_storeu_ps, _mm256_sub_ps, _mm256_unpackhi_ps, _mm256_unpacklo_ps,
};

use super::{Simd, Task};

/// The token: made by [`detect`](Self::detect) only.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Avx2(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        let has = std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma");
        has.then_some(Avx2(()))
    }
}

/// One instruction for each half, which the processor has because the token exists.
macro_rules! halves {
    ($intrinsic:ident($($argument:ident),*)) => {
        // SAFETY: the token exists, so the processor has AVX2 and FMA.
        unsafe { [$intrinsic($($argument[0]),*), $intrinsic($($argument[1]),*)] }
    };
}

impl Avx2 {
    /// The transpose of eight vectors of eight.
    #[inline(always)]
    fn transpose8(self, rows: [__m256; 8]) -> [__m256; 8] {
        let mut pairs = rows;
        let mut fours = rows;
        let mut columns = rows;
        // SAFETY: the token exists, so the processor has AVX2.
        unsafe {
            for i in 0..4 {
                pairs[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
                pairs[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
            }
            // In `fours[4 i + k]`, columns k and 4 + k of the rows 4 i to 4 i + 3, one in each half.
            for i in [0, 4] {
                fours[i] = _mm256_shuffle_ps::<0b01_00_01_00>(pairs[i], pairs[i + 2]);
                fours[i + 1] = _mm256_shuffle_ps::<0b11_10_11_10>(pairs[i], pairs[i + 2]);
                fours[i + 2] = _mm256_shuffle_ps::<0b01_00_01_00>(pairs[i + 1], pairs[i + 3]);
                fours[i + 3] = _mm256_shuffle_ps::<0b11_10_11_10>(pairs[i + 1], pairs[i + 3]);
            }
            for k in 0..4 {
                columns[k] = _mm256_permute2f128_ps::<0x20>(fours[k], fours[4 + k]);
                columns[4 + k] = _mm256_permute2f128_ps::<0x31>(fours[k], fours[4 + k]);
            }
        }
        columns
    }
}

impl Simd for Avx2 {
    type V = [__m256; 2];

    /// Twelve registers; weights take two and an input one.
    const ACCUMULATORS: usize = 6;

    fn call<T: Task>(self, task: T) -> T::Output {
        #[target_feature(enable = "avx2,fma")]
        fn inner<T: Task>(simd: Avx2, task: T) -> T::Output {
            task.run(simd)
        }
        // SAFETY: the token exists, so the processor has AVX2 and FMA.
        unsafe { inner(self, task) }
    }

    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> Self::V {
        // SAFETY: as the caller promises; the token for the instructions.
        unsafe { [_mm256_loadu_ps(p), _mm256_loadu_ps(p.add(8))] }
    }

    #[inline(always)]
    unsafe fn store(self, v: Self::V, p: *mut f32) {
        // SAFETY: as the caller promises; the token for the instructions.
        unsafe {
            _mm256_storeu_ps(p, v[0]);
            _mm256_storeu_ps(p.add(8), v[1]);
        }
    }

    #[inline(always)]
    fn prefetch(self, p: *const f32) {
        // SAFETY: a hint that faults nowhere; every x86-64 has it.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(p.cast()) };
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        // SAFETY: the token exists, so the processor has AVX2.
        unsafe { [_mm256_set1_ps(x); 2] }
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        halves!(_mm256_add_ps(a, b))
    }

    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        halves!(_mm256_sub_ps(a, b))
    }

    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        halves!(_mm256_mul_ps(a, b))
    }

    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        halves!(_mm256_div_ps(a, b))
    }

    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        halves!(_mm256_fmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn neg_mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        halves!(_mm256_fnmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        halves!(_mm256_max_ps(a, b))
    }

    /// The maximum is its second operand where either is NaN; all bits set are a NaN too.
    #[inline(always)]
    fn max_or_nan(self, a: Self::V, b: Self::V) -> Self::V {
        halves!(nan_or_max_ps(b, a))
    }

    #[inline(always)]
    fn select_negative(self, x: Self::V, a: Self::V, b: Self::V) -> Self::V {
        halves!(select_negative_ps(x, a, b))
    }

    #[inline(always)]
    fn select_equal(self, x: Self::V, y: Self::V, a: Self::V, b: Self::V) -> Self::V {
        halves!(select_equal_ps(x, y, a, b))
    }

    #[inline(always)]
    fn transpose(self, rows: [Self::V; 16]) -> [Self::V; 16] {
        let mut columns = rows;
        // Eight rows and eight columns at a time, which go to the other side of the diagonal.
        for (down, right) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let mut tile = [rows[0][0]; 8];
            for i in 0..8 {
                tile[i] = rows[8 * down + i][right];
            }
            let tile = self.transpose8(tile);
            for i in 0..8 {
                columns[8 * right + i][down] = tile[i];
            }
        }
        columns
    }

    #[inline(always)]
    fn pow2(self, n: Self::V) -> Self::V {
        halves!(pow2_ps(n))
    }
}

// One half of what takes several instructions. Functions and not closures, which are compiled without the instruction set unless
// they happen to be inlined.

/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn nan_or_max_ps(x: __m256, y: __m256) -> __m256 {
    // SAFETY: as the caller promises.
    unsafe { _mm256_or_ps(_mm256_max_ps(x, y), _mm256_cmp_ps::<_CMP_UNORD_Q>(x, x)) }
}

/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn select_negative_ps(x: __m256, a: __m256, b: __m256) -> __m256 {
    // SAFETY: as the caller promises.
    unsafe { _mm256_blendv_ps(b, a, _mm256_cmp_ps::<_CMP_LT_OQ>(x, _mm256_setzero_ps())) }
}

/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn select_equal_ps(x: __m256, y: __m256, a: __m256, b: __m256) -> __m256 {
    // SAFETY: as the caller promises.
    unsafe { _mm256_blendv_ps(b, a, _mm256_cmp_ps::<_CMP_EQ_OQ>(x, y)) }
}

/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn pow2_ps(n: __m256) -> __m256 {
    // SAFETY: as the caller promises. The bias of the exponent is 127, its place bit 23.
    unsafe {
        let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
        _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent))
    }
}
