//! The data set: boards drawn when they are asked for.

use madenet_image::{Image, Mask};
use madenet_rng::Stream;

use super::camera::{self, differ, visible};
use super::canvas::Canvas;
use super::colour::Rgb;
use super::lots::Lots;
use super::nuisance::{Disturbance, Streams};
use super::scene::Scene;
use super::{Component, Defect, SmtConfig};
use crate::{Dataset, Error, Label, Result, Sample, Split};

/// Drawn photographs of one component on many boards, with exact masks. See the [module](super).
///
/// First come the normal boards, then the anomalous ones, which cycle through
/// [`SmtConfig::defects`], so that the counts of any two types differ by at most one. Ids are
/// `CATEGORY/part/type/number`; the id, the seed, the size, the number of designs and the nuisances decide every pixel.
/// Neither the counts nor the thread matter: a larger set begins with the boards of a smaller one.
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
    /// [`Error::NoSuchSample`] beyond the end.
    pub fn good_twin(&self, index: usize) -> Result<Image> {
        let board = self.board(index)?;
        let Twins { mut good, disturbance, .. } = self.twins(&board);
        disturbance.apply(&mut good);
        board.photograph(&good)
    }

    /// What the lens makes of the board, without and with its defect, and what stands in the way.
    fn twins(&self, board: &Board) -> Twins {
        let mut scene = board.scene();
        let bare = scene.draw_board(self.config.width, self.config.height);
        let (nuisances, streams) = (&self.config.nuisances, board.nuisances());
        let Some(defect) = board.defect else {
            let good = scene.expose(scene.draw_on(bare));
            let disturbance = Disturbance::draw_lots(nuisances, streams, &good);
            return Twins { good, bad: None, disturbance };
        };
        let drawn = scene.draw_on(bare.clone());
        let good = scene.expose(drawn.clone());
        defect.apply(&mut scene, &mut board.stream(Purpose::Defect));
        let bad = scene.expose_like(scene.draw_on(bare), &drawn, &good);
        let disturbance = Disturbance::draw_beside(nuisances, streams, &good, &bad);
        Twins { good, bad: Some(bad), disturbance }
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
        let SmtConfig { component, designs, normal, defects, seed, .. } = self.config;
        if index >= self.len() {
            return Err(Error::NoSuchSample { index, len: self.len() });
        }
        let (defect, number) = match index.checked_sub(normal) {
            None => (None, index),
            Some(i) => (defects.iter().nth(i % defects.len()), i / defects.len()),
        };
        let class = defect.map_or("good", Defect::name);
        let class = format!("{}/{}/{class}", component.name(), self.split.folder());
        Ok(Board { component, seed, class, number, design: number % designs, defect })
    }
}

impl Dataset for SmtBoards {
    fn len(&self) -> usize {
        self.config.normal + self.config.anomalous
    }

    fn get(&self, index: usize) -> Result<Sample> {
        let board = self.board(index)?;
        let Twins { mut good, bad, disturbance } = self.twins(&board);
        disturbance.apply(&mut good);
        let (picture, mask) = match bad {
            None => (good, None),
            Some(mut bad) => {
                disturbance.apply(&mut bad);
                let mask = difference(&good, &mut bad)?;
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
    design: usize,
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
}

impl Board {
    fn stream(&self, purpose: Purpose) -> Stream {
        Stream::new(self.seed, &format!("smt/{}", self.class), self.number as u64, purpose as u64)
    }

    /// The board before anything is wrong with it.
    fn scene(&self) -> Scene {
        let name = format!("smt/{}/design", self.component.name());
        let design = Stream::new(self.seed, &name, self.design as u64, 0);
        Scene::draw_lots(self.component, &mut Lots { design, board: self.stream(Purpose::Scene) })
    }

    fn nuisances(&self) -> Streams {
        Streams {
            contrast: self.stream(Purpose::Contrast),
            occlusion: self.stream(Purpose::Occlusion),
            reflection: self.stream(Purpose::Reflection),
        }
    }

    fn photograph(&self, canvas: &Canvas) -> Result<Image> {
        camera::image(canvas, camera::record(canvas.pixels(), &mut self.stream(Purpose::Noise)))
    }
}

/// How far apart, in pixels, visible changes may be for the faint ones between them to belong to the same region. Of a dark
/// body that has moved every pixel is another one, but a third of them differ by less than one sees: without this its mask
/// is hundreds of specks, and each would count as a region of its own.
const GAP: usize = 4;

/// Where the two pictures differ visibly, and where they differ at all between places that do. Elsewhere the bad one becomes
/// the good one, so that no anomaly, however faint, lies outside of the mask.
fn difference(good: &Canvas, bad: &mut Canvas) -> Result<Mask> {
    let (width, height) = (good.width(), good.height());
    let visible = |(bad, good): (&Rgb, &Rgb)| visible(*good, *bad);
    let strong = Mask::new(width, height, bad.pixels().iter().zip(good.pixels()).map(visible).collect())?;
    let filled = strong.close(GAP / 2);
    let mut mask = Vec::with_capacity(width * height);
    let pixels = bad.pixels_mut().iter_mut().zip(good.pixels());
    for ((bad, good), (&strong, &filled)) in pixels.zip(strong.data().iter().zip(filled.data())) {
        let differs = strong || (filled && differ(*bad, *good));
        if !differs {
            *bad = *good;
        }
        mask.push(differs);
    }
    Ok(Mask::new(width, height, mask)?)
}
