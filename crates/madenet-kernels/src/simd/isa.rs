use std::fmt;
use std::sync::OnceLock;

use super::{Simd, Task, portable::Portable};
#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512};

/// An instruction set that this processor has.
///
/// [`Isa::best`] is what kernels should be built for. The others are for tests and comparisons.
///
/// ```
/// use madenet_kernels::Isa;
///
/// assert!(Isa::available().contains(&Isa::best()));
/// assert_eq!(Isa::from_name("portable").map(Isa::name), Some("portable"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Isa(Set);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    Portable,
}

impl Isa {
    /// The environment variable that makes [`best`](Self::best) another instruction set than the fastest.
    pub const VARIABLE: &str = "MADENET_ISA";

    /// All that this processor has, the fastest first: `avx512` (AVX-512F), `avx2` (AVX2 and FMA), `portable`.
    #[must_use]
    pub fn available() -> Vec<Isa> {
        #[cfg(target_arch = "x86_64")]
        let sets = [Avx512::detect().map(Set::Avx512), Avx2::detect().map(Set::Avx2), Some(Set::Portable)];
        #[cfg(not(target_arch = "x86_64"))]
        let sets = [Some(Set::Portable)];
        sets.into_iter().flatten().map(Isa).collect()
    }

    /// The fastest that this processor has, or the one that the environment variable `MADENET_ISA` names, if it has that. Looked
    /// up once in a process.
    #[must_use]
    pub fn best() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| {
            let wanted = std::env::var(Self::VARIABLE).ok().and_then(|name| Self::from_name(&name));
            wanted.or_else(|| Self::available().first().copied()).unwrap_or(Isa(Set::Portable))
        })
    }

    /// The instruction set of this name, if this processor has it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::available().into_iter().find(|isa| isa.name() == name)
    }

    /// `"avx512"`, `"avx2"` or `"portable"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2(_) => "avx2",
            Set::Portable => "portable",
        }
    }

    /// Vectors that the accumulators of a tile may take.
    pub(crate) fn accumulators(self) -> usize {
        struct Accumulators;
        impl Task for Accumulators {
            type Output = usize;

            #[inline(always)]
            fn run<S: Simd>(self, _: S) -> usize {
                S::ACCUMULATORS
            }
        }
        self.run(Accumulators)
    }

    /// Runs a task with this instruction set.
    pub(crate) fn run<T: Task>(self, task: T) -> T::Output {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512(simd) => simd.call(task),
            #[cfg(target_arch = "x86_64")]
            Set::Avx2(simd) => simd.call(task),
            Set::Portable => Portable.call(task),
        }
    }
}

impl Default for Isa {
    fn default() -> Self {
        Self::best()
    }
}

impl fmt::Debug for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
