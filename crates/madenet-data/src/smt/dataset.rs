//! The data set: boards drawn when they are asked for.

mod difference;

use madenet_image::Image;
use madenet_rng::Stream;

use self::difference::{closing_radius, difference, same};
use super::camera;
use super::canvas::Canvas;
use super::lots::Lots;
use super::nuisance::{Disturbance, Happening, Kind};
use super::scene::Scene;
use super::{Component, Defect, SmtConfig};
use crate::{Dataset, Error, Label, Result, Sample, Split};

/// Drawn photographs of one component on many boards, with exact masks. See the [module](super).
///
/// A stand-in: nobody photographed these boards, and results on them say nothing about results on photographs or on
/// ManuDefect-21.
///
/// First come the normal boards, then the anomalous ones, which cycle through
/// [`SmtConfig::defects`], so that the counts of any two types differ by at most one. Ids are
/// `CATEGORY/part/type/number`, the number with at least four digits, so ids sort as they count up to 9,999 boards of a type.
///
/// The id, the seed, the size, the number of designs and the nuisances decide every pixel, together with
/// [`SmtConfig::defects`] where a normal board has [nuisances](super::Nuisances); on one platform, that is, and of one build of this crate,
/// since mathematical functions differ in their last digit between others. Neither the counts nor the thread matter: a
/// larger set begins with the boards of a smaller one.
///
/// A defect that changes nothing one can see is drawn again with other random numbers, up to 8 times;
/// [`get`](Dataset::get) and [`good_twin`](Self::good_twin) give [`Error::SmtInvisible`] where it still does not show.
#[derive(Clone, Debug)]
pub struct SmtBoards {
    config: SmtConfig,
    split: Split,
}

impl SmtBoards {
    /// One part of the data set.
    ///
    /// ```
    /// use madenet_data::smt::{Component, Defect, SmtBoards, SmtConfig};
    /// use madenet_data::{Dataset, Split};
    ///
    /// let defects = [Defect::Missing, Defect::Bridge].into();
    /// let config = SmtConfig { normal: 2, anomalous: 3, defects, ..SmtConfig::new(Component::Soic) };
    /// let boards = SmtBoards::new(config, Split::Test)?;
    /// let ids: Vec<String> = (0..5).map(|i| boards.id(i)).collect::<Result<_, _>>()?;
    /// assert_eq!(ids, [
    ///     "SOIC/test/good/0000",
    ///     "SOIC/test/good/0001",
    ///     "SOIC/test/missing/0000",
    ///     "SOIC/test/bridge/0000",
    ///     "SOIC/test/missing/0001",
    /// ]);
    /// # Ok::<(), madenet_data::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`SmtConfig::validate`].
    pub fn new(config: SmtConfig, split: Split) -> Result<Self> {
        config.validate()?;
        Ok(SmtBoards { config, split })
    }

    /// What the set was made from.
    #[must_use]
    pub fn config(&self) -> &SmtConfig {
        &self.config
    }

    /// The part of the data set.
    #[must_use]
    pub fn split(&self) -> Split {
        self.split
    }

    /// Sample `index` as it would look without its defect: the same board, light, camera and noise. Outside of
    /// the sample's mask the two are equal to the byte; inside, the pictures without noise differ by more
    /// than 3 of 255 codes in some channel, or by less between such pixels. For a normal sample it is the sample's own picture.
    ///
    /// # Errors
    /// [`Error::NoSuchSample`] beyond the end, [`Error::SmtInvisible`] for a defect that does not show.
    pub fn good_twin(&self, index: usize) -> Result<Image> {
        let board = self.board(index)?;
        let Twins { mut good, disturbance, .. } = self.twins(&board)?;
        disturbance.apply(&mut good);
        board.photograph(&good)
    }

    /// What the lens makes of the board, without and with its defect, and what stands in the way.
    fn twins(&self, board: &Board) -> Result<Twins> {
        let SmtConfig { component, width, height, defects, nuisances, .. } = self.config;
        let nuisance_stream = |kind, attempt| board.stream(Purpose::of(kind), attempt);
        let happening = Happening::draw_lots(&nuisances, nuisance_stream);
        // Nuisances are drawn beside a defect in any case, so that they do not tell which boards have one.
        let phantom = || defects.iter().nth(board.stream(Purpose::Phantom, 0).below(defects.len()));
        let beside = board.defect.or_else(|| if happening.any() { phantom() } else { None });
        let scene = board.scene();
        let bare = scene.draw_board(width, height);
        let Some(defect) = beside else {
            let good = scene.expose(scene.draw_on(bare));
            return Ok(Twins { disturbance: Disturbance::none(&good), good, bad: None });
        };
        let drawn = scene.draw_on(bare.clone());
        let good = scene.expose(drawn.clone());
        let bad = board.spoil(defect, bare, &drawn, &good);
        drop(drawn);
        if bad.is_none() && board.defect.is_some() {
            return Err(Error::SmtInvisible { component, defect, width, height });
        }
        let disturbance =
            Disturbance::draw_lots(happening, nuisance_stream, &good, bad.as_ref().unwrap_or(&good));
        Ok(Twins { good, bad: bad.filter(|_| board.defect.is_some()), disturbance })
    }

    /// The [`id`](Sample::id) of sample `index`, without drawing it.
    ///
    /// # Errors
    /// [`Error::NoSuchSample`] beyond the end.
    pub fn id(&self, index: usize) -> Result<String> {
        let board = self.board(index)?;
        Ok(format!("{}/{:04}", board.class, board.number))
    }

    fn board(&self, index: usize) -> Result<Board> {
        let SmtConfig { component, normal, defects, seed, .. } = self.config;
        if index >= self.len() {
            return Err(Error::NoSuchSample { index, len: self.len() });
        }
        let (defect, number) = match index.checked_sub(normal) {
            None => (None, index),
            Some(i) => (defects.iter().nth(i % defects.len()), i / defects.len()),
        };
        let class = defect.map_or("good", Defect::name);
        let class = format!("{}/{}/{class}", component.name(), self.split.folder());
        Ok(Board { component, seed, class, number, designs: self.config.designs, defect })
    }
}

impl Dataset for SmtBoards {
    fn len(&self) -> usize {
        self.config.normal + self.config.anomalous
    }

    fn get(&self, index: usize) -> Result<Sample> {
        let board = self.board(index)?;
        let Twins { mut good, bad, disturbance } = self.twins(&board)?;
        disturbance.apply(&mut good);
        let (picture, mask) = match bad {
            None => (good, None),
            Some(mut bad) => {
                disturbance.apply(&mut bad);
                let mask = difference(&good, &mut bad, closing_radius(&good))?;
                (bad, Some(mask))
            }
        };
        Ok(Sample {
            id: self.id(index)?,
            category: board.component.name().to_owned(),
            image: board.photograph(&picture)?.into(),
            label: if mask.is_some() { Label::Anomalous } else { Label::Normal },
            defect_type: board.defect.map(|defect| defect.name().to_owned()),
            mask,
        })
    }
}

/// Pictures without noise of one board.
struct Twins {
    good: Canvas,
    bad: Option<Canvas>,
    disturbance: Disturbance,
}

/// What names a board, and with it all of its random numbers.
struct Board {
    component: Component,
    seed: u64,
    class: String,
    number: usize,
    designs: usize,
    defect: Option<Defect>,
}

/// What random numbers are for, so that a defect changes none of the board's or the sensor's.
#[derive(Clone, Copy)]
enum Purpose {
    Scene,
    Defect,
    Noise,
    Contrast,
    Occlusion,
    Reflection,
    Design,
    /// The defect of a normal board that is not shown.
    Phantom,
}

impl Purpose {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Contrast => Purpose::Contrast,
            Kind::Occlusion => Purpose::Occlusion,
            Kind::Reflection => Purpose::Reflection,
        }
    }
}

/// How often a defect is drawn before it counts as one that does not show.
const ATTEMPTS: usize = 8;

impl Board {
    /// Random numbers of their own for each purpose and attempt.
    fn stream(&self, purpose: Purpose, attempt: usize) -> Stream {
        let name = format!("smt/{}", self.class);
        Stream::new(self.seed, &name, self.number as u64, purpose as u64 | (attempt as u64) << 8)
    }

    /// Which design it is of. By lot, not in turns: else a type of few boards would have some designs only.
    fn design(&self) -> usize {
        self.stream(Purpose::Design, 0).below(self.designs)
    }

    /// The board before anything is wrong with it.
    fn scene(&self) -> Scene {
        let name = format!("smt/{}/design", self.component.name());
        let design = Stream::new(self.seed, &name, self.design() as u64, 0);
        Scene::draw_lots(self.component, &mut Lots { design, board: self.stream(Purpose::Scene, 0) })
    }

    /// The board with a defect that can be seen: `bare` without component and solder, `drawn` with them before the lens and
    /// `good` behind it. None where no attempt shows.
    fn spoil(&self, defect: Defect, bare: Canvas, drawn: &Canvas, good: &Canvas) -> Option<Canvas> {
        let (width, height) = (bare.width(), bare.height());
        let mut bare = Some(bare);
        (0..ATTEMPTS).find_map(|attempt| {
            let mut scene = self.scene();
            defect.apply(&mut scene, &mut self.stream(Purpose::Defect, attempt));
            // Seldom drawn again, rather than always kept.
            let bare = bare.take().unwrap_or_else(|| scene.draw_board(width, height));
            let bad = scene.expose_like(scene.draw_on(bare), drawn, good);
            (!same(good, &bad)).then_some(bad)
        })
    }

    fn photograph(&self, canvas: &Canvas) -> Result<Image> {
        camera::image(canvas, camera::record(canvas.pixels(), &mut self.stream(Purpose::Noise, 0)))
    }
}

#[cfg(test)]
mod tests;
