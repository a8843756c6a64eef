use super::super::channel_sums::RUN;
use super::super::parts::{Part, Partial, reduce};
use super::super::passes::{ReadTile, load_tile, read_tiles};
use super::super::rows::{load, rows_of_span, store};
use super::super::{Block, Blocked, LANES};
use crate::simd::{Simd, Task};
use crate::{Isa, Result, check};

/// Mean and variance (divisor: the number of values) of every channel over batch and plane; NaN for a batch of none. One pass over
/// memory.
///
/// Sums are taken in f32 over runs of 256 pixels, of differences to the mean of the pixels before; runs are brought together in
/// f64, by the formulas of Chan, Golub and LeVeque ("Algorithms for computing the sample variance", 1983). So a mean far above
/// the deviation costs no digits.
///
/// # Errors
///
/// [`Error::Length`](crate::Error::Length) if there is not one mean and one variance for each channel.
///
/// ```
/// use madenet_kernels::{Isa, Shape};
/// use madenet_kernels::blocked::{Block, Blocked, Layout, moments};
///
/// let (x, mut mean, mut var) = ([1.0, 2.0, 6.0].map(|x| Block([x; 16])), [0.0], [0.0]);
/// moments(Isa::best(), Blocked::new(Layout::new(Shape::new(1, 1, 3)), 1, &x)?, &mut mean, &mut var)?;
/// assert!((mean[0] - 3.0).abs() < 1e-6 && (var[0] - 14.0 / 3.0).abs() < 1e-6);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn moments(isa: Isa, x: Blocked<'_>, mean: &mut [f64], var: &mut [f64]) -> Result<()> {
    let channels = x.layout().shape.c;
    check::length("moments: mean", channels, mean.len())?;
    check::length("moments: var", channels, var.len())?;
    let of_part = |part| isa.run(OfPart { x, part });
    reduce(x.layout(), x.batch(), of_part, |block, whole: Moments| {
        for lane in 0..LANES.min(channels - block * LANES) {
            let none = whole.count == 0.0;
            mean[block * LANES + lane] = if none { f64::NAN } else { whole.mean[lane] };
            var[block * LANES + lane] = whole.squares[lane] / whole.count;
        }
    });
    Ok(())
}

/// Of the channels of a block.
#[derive(Default)]
struct Moments {
    /// Number of values.
    count: f64,
    mean: [f64; LANES],
    /// Sums of the squared differences to the mean.
    squares: [f64; LANES],
}

impl Partial for Moments {
    #[inline(always)]
    fn merge(&mut self, next: &Self) {
        let count = self.count + next.count;
        if next.count == 0.0 {
            return;
        }
        let (to_mean, to_squares) = (next.count / count, self.count * next.count / count);
        for lane in 0..LANES {
            let difference = next.mean[lane] - self.mean[lane];
            self.mean[lane] += difference * to_mean;
            self.squares[lane] += next.squares[lane] + difference * difference * to_squares;
        }
        self.count = count;
    }
}

impl Moments {
    /// Adds the pixels of a run.
    #[inline(always)]
    fn add<S: Simd>(&mut self, simd: S, run: &[Block]) {
        let Some(first) = run.first() else { return };
        let mut centre = first.0;
        if self.count > 0.0 {
            for (centre, mean) in centre.iter_mut().zip(self.mean) {
                *centre = mean as f32;
            }
        }
        let zero = [simd.splat(0.0); WIDE];
        let mut sums = Differences { centre: load(simd, &centre), sums: zero, squares: zero };
        read_tiles(simd, &mut sums, [run]);
        let (sums, squares) = (total(simd, sums.sums), total(simd, sums.squares));
        let mut of_run = Moments { count: run.len() as f64, ..Moments::default() };
        let per_pixel = 1.0 / of_run.count;
        for lane in 0..LANES {
            let sum = f64::from(sums[lane]);
            of_run.mean[lane] = f64::from(centre[lane]) + sum * per_pixel;
            of_run.squares[lane] = f64::from(squares[lane]) - sum * sum * per_pixel;
        }
        self.merge(&of_run);
    }
}

#[inline(always)]
fn total<S: Simd>(simd: S, [a, b, c, d]: [S::V; WIDE]) -> [f32; LANES] {
    let mut total = [0.0; LANES];
    store(simd, simd.add(simd.add(a, b), simd.add(c, d)), &mut total);
    total
}

/// Sums in flight at once.
const WIDE: usize = 4;

/// Sums of differences to a centre and of their squares.
struct Differences<V> {
    centre: V,
    sums: [V; WIDE],
    squares: [V; WIDE],
}

impl<S: Simd> ReadTile<S, 1> for Differences<S::V> {
    #[inline(always)]
    fn tile<const P: usize>(&mut self, simd: S, [x]: [&[Block; P]; 1]) {
        for (index, value) in load_tile(simd, x).into_iter().enumerate() {
            let difference = simd.sub(value, self.centre);
            let (sum, squares) = (&mut self.sums[index % WIDE], &mut self.squares[index % WIDE]);
            *sum = simd.add(*sum, difference);
            *squares = simd.mul_add(difference, difference, *squares);
        }
    }
}

struct OfPart<'a> {
    x: Blocked<'a>,
    part: Part,
}

impl Task for OfPart<'_> {
    type Output = Moments;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Moments {
        let (block, mut moments) = (self.part.block(), Moments::default());
        for (sample, rows) in self.part {
            let at_once = rows_of_span(self.x.is_joined(), rows.len());
            for y in rows.step_by(at_once) {
                for run in self.x.span(block, sample, y, at_once).chunks(RUN) {
                    moments.add(simd, run);
                }
            }
        }
        moments
    }
}
