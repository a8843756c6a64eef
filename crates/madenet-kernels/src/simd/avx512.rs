//! AVX-512F: a vector is one register, of which there are 32.

use std::arch::x86_64::{
    __m512, _CMP_EQ_OQ, _CMP_LT_OQ, _CMP_ORD_Q, _MM_HINT_T1, _mm_prefetch, _mm512_add_ps, _mm512_castpd_ps,
    _mm512_castps_pd, _mm512_cmp_ps_mask, _mm512_div_ps, _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_loadu_ps,
    _mm512_mask_blend_ps, _mm512_mask_max_ps, _mm512_max_ps, _mm512_mul_ps, _mm512_scalef_ps, _mm512_set1_ps,
    _mm512_setzero_ps, _mm512_shuffle_f32x4, _mm512_storeu_ps, _mm512_sub_ps, _mm512_unpackhi_pd,
    _mm512_unpackhi_ps, _mm512_unpacklo_pd, _mm512_unpacklo_ps,
};

use super::{Simd, Task};

/// The token: made by [`detect`](Self::detect) only.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Avx512(());

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        std::arch::is_x86_feature_detected!("avx512f").then_some(Avx512(()))
    }
}

/// Every method is one instruction, which the processor has because the token exists.
macro_rules! instruction {
    ($intrinsic:ident($($argument:expr),*)) => {
        // SAFETY: the token exists, so the processor has AVX-512F.
        unsafe { $intrinsic($($argument),*) }
    };
}

impl Simd for Avx512 {
    type V = __m512;

    const ACCUMULATORS: usize = 24;

    fn call<T: Task>(self, task: T) -> T::Output {
        #[target_feature(enable = "avx512f")]
        fn inner<T: Task>(simd: Avx512, task: T) -> T::Output {
            task.run(simd)
        }
        // SAFETY: the token exists, so the processor has AVX-512F.
        unsafe { inner(self, task) }
    }

    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> __m512 {
        // SAFETY: as the caller promises; the token for the instruction.
        unsafe { _mm512_loadu_ps(p) }
    }

    #[inline(always)]
    unsafe fn store(self, v: __m512, p: *mut f32) {
        // SAFETY: as the caller promises; the token for the instruction.
        unsafe { _mm512_storeu_ps(p, v) }
    }

    #[inline(always)]
    fn prefetch(self, p: *const f32) {
        // SAFETY: a hint that faults nowhere; every x86-64 has it.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(p.cast()) };
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        instruction!(_mm512_set1_ps(x))
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        instruction!(_mm512_add_ps(a, b))
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        instruction!(_mm512_sub_ps(a, b))
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        instruction!(_mm512_mul_ps(a, b))
    }

    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        instruction!(_mm512_div_ps(a, b))
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        instruction!(_mm512_fmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn neg_mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        instruction!(_mm512_fnmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        instruction!(_mm512_max_ps(a, b))
    }

    /// The maximum is its second operand where either is NaN, and is not taken where the first is.
    #[inline(always)]
    fn max_or_nan(self, a: __m512, b: __m512) -> __m512 {
        instruction!(_mm512_mask_max_ps(b, _mm512_cmp_ps_mask::<_CMP_ORD_Q>(b, b), b, a))
    }

    #[inline(always)]
    fn select_negative(self, x: __m512, a: __m512, b: __m512) -> __m512 {
        // SAFETY: the token exists, so the processor has AVX-512F.
        unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(x, _mm512_setzero_ps()), b, a) }
    }

    #[inline(always)]
    fn select_equal(self, x: __m512, y: __m512, a: __m512, b: __m512) -> __m512 {
        instruction!(_mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(x, y), b, a))
    }

    #[inline(always)]
    fn pow2(self, n: __m512) -> __m512 {
        instruction!(_mm512_scalef_ps(_mm512_set1_ps(1.0), n))
    }

    #[inline(always)]
    fn transpose(self, rows: [__m512; 16]) -> [__m512; 16] {
        let mut pairs = rows;
        let mut fours = rows;
        let mut columns = rows;
        // SAFETY: the token exists, so the processor has AVX-512F.
        unsafe {
            let low = |a, b| _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
            let high = |a, b| _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
            for i in 0..8 {
                pairs[2 * i] = _mm512_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
                pairs[2 * i + 1] = _mm512_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
            }
            // In quarter q of `fours[4 i + k]`, column 4 q + k of the rows 4 i to 4 i + 3.
            for i in [0, 4, 8, 12] {
                fours[i] = low(pairs[i], pairs[i + 2]);
                fours[i + 1] = high(pairs[i], pairs[i + 2]);
                fours[i + 2] = low(pairs[i + 1], pairs[i + 3]);
                fours[i + 3] = high(pairs[i + 1], pairs[i + 3]);
            }
            // The even and the odd quarters of two vectors, then of two such pairs.
            for k in 0..4 {
                let even_upper = _mm512_shuffle_f32x4::<0b10_00_10_00>(fours[k], fours[4 + k]);
                let even_lower = _mm512_shuffle_f32x4::<0b10_00_10_00>(fours[8 + k], fours[12 + k]);
                let odd_upper = _mm512_shuffle_f32x4::<0b11_01_11_01>(fours[k], fours[4 + k]);
                let odd_lower = _mm512_shuffle_f32x4::<0b11_01_11_01>(fours[8 + k], fours[12 + k]);
                columns[k] = _mm512_shuffle_f32x4::<0b10_00_10_00>(even_upper, even_lower);
                columns[4 + k] = _mm512_shuffle_f32x4::<0b10_00_10_00>(odd_upper, odd_lower);
                columns[8 + k] = _mm512_shuffle_f32x4::<0b11_01_11_01>(even_upper, even_lower);
                columns[12 + k] = _mm512_shuffle_f32x4::<0b11_01_11_01>(odd_upper, odd_lower);
            }
        }
        columns
    }
}
