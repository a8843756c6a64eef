//! What makes boards hard to see: contrast, occlusion and reflections.

mod contrast;
mod glare;
mod occluder;
mod view;

use madenet_rng::Stream;

use self::contrast::Contrast;
use self::glare::Glare;
use self::occluder::Occluder;
use self::view::View;
use super::camera::visible;
use super::canvas::Canvas;
use super::colour::Rgb;
use super::geometry::Point;
use crate::{Error, Result};

/// How often something disturbs the view of a board, each the probability that one board has it, 0 to 1. The default is 0
/// for each. A board's other random numbers do not depend on them.
///
/// Normal and defective boards are disturbed alike. A defective board's nuisances are drawn together, and drawn anew until
/// at least a quarter of the mask that the board has without them stays visible, up to 24 times; after that the board has
/// none. A normal board's are drawn in the same way beside a defect of its own, one of
/// [`SmtConfig::defects`](super::SmtConfig::defects) by lot, which is then not shown. So the good twin, the nuisances and
/// where they lie are distributed equally in both kinds of boards, as long as the anomalous ones have every type equally
/// often. What a defective board shows of its defect is less by what covers it, and its mask is what remains.
///
/// ```
/// use madenet_data::smt::Nuisances;
///
/// assert_eq!(Nuisances::default(), Nuisances { contrast: 0.0, occlusion: 0.0, reflection: 0.0 });
/// let often = Nuisances { contrast: 1.5, ..Nuisances::default() };
/// assert_eq!(
///     often.validate().unwrap_err().to_string(),
///     "the probability of the nuisance 'contrast' must lie in 0 to 1, got 1.5"
/// );
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Nuisances {
    /// Another exposure, gain, gamma or stray light, as stations differ: too dark, washed out, or flat.
    pub contrast: f32,
    /// Something out of focus between camera and board, over 5 to 20 % of the picture: a gripper or fixture, a cable,
    /// tape, a label.
    pub occlusion: f32,
    /// The lamp mirrored in lacquer and flux: soft spots, streaks and arcs, some of them saturated.
    pub reflection: f32,
}

impl Nuisances {
    /// Whether all are probabilities.
    ///
    /// # Errors
    /// [`Error::SmtNuisance`].
    pub fn validate(&self) -> Result<()> {
        let Nuisances { contrast, occlusion, reflection } = *self;
        let all = [("contrast", contrast), ("occlusion", occlusion), ("reflection", reflection)];
        match all.into_iter().find(|(_, probability)| !(0.0..=1.0).contains(probability)) {
            Some((name, got)) => Err(Error::SmtNuisance { name, got }),
            None => Ok(()),
        }
    }
}

/// What a stream of random numbers is for. A board has one for each kind and attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Contrast,
    Occlusion,
    Reflection,
}

/// Which nuisances one board has. Drawn from the first number of each stream, so that more boards have one the greater
/// its probability is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Happening {
    contrast: bool,
    occlusion: bool,
    reflection: bool,
}

impl Happening {
    /// `stream` makes the stream of a kind and an attempt.
    pub(crate) fn draw_lots(nuisances: &Nuisances, stream: impl Fn(Kind, usize) -> Stream) -> Self {
        let happens = |kind, probability| stream(kind, 0).uniform() < probability;
        Happening {
            contrast: happens(Kind::Contrast, nuisances.contrast),
            occlusion: happens(Kind::Occlusion, nuisances.occlusion),
            reflection: happens(Kind::Reflection, nuisances.reflection),
        }
    }

    pub(crate) fn any(self) -> bool {
        self.contrast || self.occlusion || self.reflection
    }
}

/// What stands between one board and the sensor: a function of the place in the picture and the light that arrives
/// there. Both twins have the same.
#[derive(Clone, Debug)]
pub(crate) struct Disturbance {
    view: View,
    contrast: Option<Contrast>,
    occluder: Option<Occluder>,
    glare: Option<Glare>,
}

/// How often nuisances are drawn before the board has none. Where even seven of eight draws hide too much, 1 board of 25
/// comes so far.
const TRIES: usize = 24;
/// The part of a defect that stays visible, as a divisor.
const LEAST_SEEN: usize = 4;

impl Disturbance {
    /// Nothing, before a picture like `canvas`.
    pub(crate) fn none(canvas: &Canvas) -> Self {
        let view = View::new(canvas.width(), canvas.height());
        Disturbance { view, contrast: None, occluder: None, glare: None }
    }

    /// What happens to a board that looks `good` without a defect and `bad` with one, whichever of them is shown.
    pub(crate) fn draw_lots(
        happening: Happening,
        stream: impl Fn(Kind, usize) -> Stream,
        good: &Canvas,
        bad: &Canvas,
    ) -> Self {
        let none = Disturbance::none(good);
        if !happening.any() {
            return none;
        }
        let defect = Spots::differing(good, bad, none.view);
        (0..TRIES)
            .map(|attempt| Disturbance::attempt(happening, none.view, |kind| stream(kind, attempt)))
            .find(|drawn| LEAST_SEEN * drawn.seen(&defect) >= defect.0.len())
            .unwrap_or(none)
    }

    fn attempt(happening: Happening, view: View, stream: impl Fn(Kind) -> Stream) -> Self {
        let stream = |kind| {
            // The first number has told whether it happens.
            let mut stream = stream(kind);
            stream.uniform();
            stream
        };
        let Happening { contrast, occlusion, reflection } = happening;
        Disturbance {
            view,
            contrast: contrast.then(|| Contrast::draw_lots(&mut stream(Kind::Contrast))),
            occluder: occlusion.then(|| Occluder::draw_lots(view, &mut stream(Kind::Occlusion))),
            glare: reflection.then(|| Glare::draw_lots(view, &mut stream(Kind::Reflection))),
        }
    }

    /// How many of the pixels still differ visibly.
    fn seen(&self, defect: &Spots) -> usize {
        let differ = |spot: &&Spot| visible(self.light(spot.at, spot.good), self.light(spot.at, spot.bad));
        defect.0.iter().filter(differ).count()
    }

    /// What the sensor gets at a point where `light` comes from the board.
    fn light(&self, at: Point, light: Rgb) -> Rgb {
        let lit = self.glare.as_ref().map_or(light, |glare| light + glare.at(at));
        let seen = self.occluder.as_ref().map_or(lit, |occluder| occluder.over(at, lit));
        self.contrast.as_ref().map_or(seen, |contrast| contrast.of(seen))
    }

    /// Changes a picture before its noise.
    pub(crate) fn apply(&self, canvas: &mut Canvas) {
        if self.contrast.is_none() && self.occluder.is_none() && self.glare.is_none() {
            return;
        }
        for (pixel, at) in canvas.pixels_mut().iter_mut().zip(self.view.points()) {
            *pixel = self.light(at, *pixel);
        }
    }
}

/// A pixel in which the twins differ.
struct Spot {
    at: Point,
    good: Rgb,
    bad: Rgb,
}

/// Pixels of a defect: all, or an even choice of a large one.
struct Spots(Vec<Spot>);

/// Pixels of a defect that are looked at, at most: enough to know the visible share within 1 %, in 256 KB.
const SPOTS: usize = 8192;

impl Spots {
    fn differing(good: &Canvas, bad: &Canvas, view: View) -> Self {
        let twins = || good.pixels().iter().zip(bad.pixels()).enumerate();
        let differing = || twins().filter(|(_, (good, bad))| visible(**good, **bad));
        let step = differing().count().div_ceil(SPOTS).max(1);
        let spot =
            |(index, (&good, &bad)): (usize, (&Rgb, &Rgb))| Spot { at: view.point_of(index), good, bad };
        Spots(differing().step_by(step).map(spot).collect())
    }
}

#[cfg(test)]
impl Disturbance {
    /// What a detector could tell kinds of boards apart by.
    pub(crate) fn statistics(&self) -> [(&'static str, f64); 9] {
        let present = |there: bool| f64::from(u8::from(there));
        let grey = |light: f32| self.contrast.as_ref().map_or(light, |c| c.of(Rgb::grey(light)).0[1]);
        let mean = |value: &dyn Fn(Point) -> f64, reach: f32| {
            let inside: Vec<Point> =
                self.view.grid().filter(|p| p.x.abs() < reach && p.y.abs() < reach).collect();
            inside.iter().map(|&p| value(p)).sum::<f64>() / inside.len() as f64
        };
        let covered = |p: Point| present(self.occluder.as_ref().is_some_and(|occluder| occluder.covers(p)));
        let glare = |p: Point| f64::from(self.glare.as_ref().map_or(0.0, |glare| glare.at(p).0[1].min(1.0)));
        [
            ("contrast", present(self.contrast.is_some())),
            ("occlusion", present(self.occluder.is_some())),
            ("reflection", present(self.glare.is_some())),
            ("shadow", f64::from(grey(0.02))),
            ("highlight", f64::from(grey(0.6))),
            ("covered", mean(&covered, 1.0)),
            ("covered in the middle", mean(&covered, 0.2)),
            ("mirrored", mean(&glare, 1.0)),
            ("mirrored in the middle", mean(&glare, 0.2)),
        ]
    }
}
