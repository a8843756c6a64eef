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
use super::geometry::{Point, point};
use crate::{Error, Result};

/// How often something disturbs the view of a board, each the probability that one board has it, 0 to 1.
///
/// They hit normal and defective boards alike, and a board's other random numbers do not depend on them. The default
/// is 0 for each.
///
/// At least half of a defect stays visible: on a defective board, places of things and reflections are drawn again until
/// they leave half of the mask that the board has without them, up to 24 times; then they go to the far side of the
/// picture. A contrast that hides more than half of the mask is softened. Good boards have the first draw, so places over
/// the middle, where large defects are, are a little more frequent there.
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

/// The random numbers of one board's nuisances: one stream for each, so that none changes another.
pub(crate) struct Streams {
    pub(crate) contrast: Stream,
    pub(crate) occlusion: Stream,
    pub(crate) reflection: Stream,
}

impl Streams {
    /// Which of them the board has. The first number of each stream, so that more boards have one the greater its
    /// probability is, and the same ones look the same.
    fn happen(&mut self, nuisances: &Nuisances) -> [bool; 3] {
        [
            self.contrast.uniform() < nuisances.contrast,
            self.occlusion.uniform() < nuisances.occlusion,
            self.reflection.uniform() < nuisances.reflection,
        ]
    }
}

/// What stands between one board and the sensor: a function of the place in the picture and the light that arrives
/// there. Both twins have the same.
pub(crate) struct Disturbance {
    view: View,
    contrast: Option<Contrast>,
    occluder: Option<Occluder>,
    glare: Option<Glare>,
}

/// How often another place is drawn before the far side is taken.
const TRIES: usize = 24;
/// How often the contrast is softened before it is left out.
const SOFTER: usize = 4;

impl Disturbance {
    /// For a board without a defect, in the picture `good`.
    pub(crate) fn draw_lots(nuisances: &Nuisances, mut streams: Streams, good: &Canvas) -> Self {
        let view = View::new(good.width(), good.height());
        let [contrast, occlusion, reflection] = streams.happen(nuisances);
        Disturbance {
            view,
            contrast: contrast.then(|| Contrast::draw_lots(&mut streams.contrast)),
            occluder: occlusion.then(|| Occluder::draw_lots(view, &mut streams.occlusion)),
            glare: reflection.then(|| Glare::draw_lots(view, &mut streams.reflection)),
        }
    }

    /// For a board with a defect: as for a good one, but what would hide the defect goes elsewhere.
    pub(crate) fn draw_beside(
        nuisances: &Nuisances,
        mut streams: Streams,
        good: &Canvas,
        bad: &Canvas,
    ) -> Self {
        let view = View::new(good.width(), good.height());
        let mut this = Disturbance { view, contrast: None, occluder: None, glare: None };
        let [contrast, occlusion, reflection] = streams.happen(nuisances);
        if !(contrast || occlusion || reflection) {
            return this;
        }
        let defect = Spots::differing(good, bad, view);
        if contrast {
            this.set_contrast(&defect, &mut streams.contrast);
        }
        // Places are judged by what the contrast alone leaves visible.
        let least = this.seen(&defect).div_ceil(2);
        if occlusion {
            this.set_occluder(&defect, least, &mut streams.occlusion);
        }
        if reflection {
            this.set_glare(&defect, least, &mut streams.reflection);
        }
        this
    }

    fn set_contrast(&mut self, defect: &Spots, random: &mut Stream) {
        let mut contrast = Contrast::draw_lots(random);
        for _ in 0..SOFTER {
            self.contrast = Some(contrast);
            if 2 * self.seen(defect) >= defect.0.len() {
                return;
            }
            contrast = contrast.softened();
        }
        self.contrast = None;
    }

    fn set_occluder(&mut self, defect: &Spots, least: usize, random: &mut Stream) {
        for _ in 0..TRIES {
            self.occluder = Some(Occluder::draw_lots(self.view, random));
            if self.seen(defect) >= least {
                return;
            }
        }
        self.occluder = Some(Occluder::away_from(defect.centre(), self.view, random));
    }

    fn set_glare(&mut self, defect: &Spots, least: usize, random: &mut Stream) {
        for _ in 0..TRIES {
            self.glare = Some(Glare::draw_lots(self.view, random));
            if self.seen(defect) >= least {
                return;
            }
        }
        self.glare = Some(Glare::away_from(defect.centre(), self.view, random));
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

/// The pixels of a defect.
struct Spots(Vec<Spot>);

impl Spots {
    fn differing(good: &Canvas, bad: &Canvas, view: View) -> Self {
        let twins = good.pixels().iter().zip(bad.pixels()).enumerate();
        let differing = twins.filter(|(_, (good, bad))| visible(**good, **bad));
        let spot =
            |(index, (&good, &bad)): (usize, (&Rgb, &Rgb))| Spot { at: view.point_of(index), good, bad };
        Spots(differing.map(spot).collect())
    }

    fn centre(&self) -> Point {
        let sum = self.0.iter().fold(point(0.0, 0.0), |sum, spot| sum + spot.at);
        sum * (1.0 / self.0.len().max(1) as f32)
    }
}
