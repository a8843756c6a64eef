//! The data set: boards drawn when they are asked for.

use madenet_image::{Image, Mask};
use madenet_rng::Stream;

use super::camera;
use super::canvas::Canvas;
use super::lots::Lots;
use super::scene::Scene;
use super::{Component, Defect, SmtConfig};
use crate::{Dataset, Error, Label, Result, Sample, Split};

/// Drawn photographs of one component on many boards, with exact masks. See the [module](super).
///
/// First come the normal boards, then the anomalous ones, which cycle through
/// [`Component::defects`], so that the counts of any two types differ by at most one. Ids are
/// `CATEGORY/part/type/number`; the id, the seed and the size decide every pixel. Neither the counts nor the
/// thread matter: a larger set begins with the boards of a smaller one.
#[derive(Clone, Debug)]
pub struct SmtBoards {
    config: SmtConfig,
    split: Split,
}

/// Two pictures of one board without noise differ visibly where a channel differs by more codes than this: about
/// twice the standard deviation of the sensor's noise. A limit of 0 would make masks of soft light and shadow
/// that neither a person nor a camera sees.
const VISIBLE: u8 = 3;

impl SmtBoards {
    /// One part of the data set.
    ///
    /// ```
    /// use madenet_data::smt::{Component, SmtBoards, SmtConfig};
    /// use madenet_data::{Dataset, Split};
    ///
    /// let config = SmtConfig { normal: 2, anomalous: 6, ..SmtConfig::new(Component::Soic) };
    /// let boards = SmtBoards::new(config, Split::Test)?;
    /// let ids: Vec<String> = (0..8).map(|i| boards.get(i).map(|sample| sample.id)).collect::<Result<_, _>>()?;
    /// assert_eq!(ids, [
    ///     "SOIC/test/good/0000",
    ///     "SOIC/test/good/0001",
    ///     "SOIC/test/missing/0000",
    ///     "SOIC/test/shift/0000",
    ///     "SOIC/test/body_damage/0000",
    ///     "SOIC/test/insufficient_solder/0000",
    ///     "SOIC/test/bridge/0000",
    ///     "SOIC/test/foreign_object/0000",
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

    /// Sample `index` as it would look without its defect: the same board, light, camera and noise. Outside of
    /// the sample's mask the two are equal to the byte; inside, the pictures without noise differ by more
    /// than 3 of 255 codes in some channel. For a normal sample it is the sample's own picture.
    ///
    /// # Errors
    /// [`Error::NoSuchSample`] beyond the end.
    pub fn good_twin(&self, index: usize) -> Result<Image> {
        let board = self.board(index)?;
        let scene = board.scene();
        board.photograph(&scene.draw_on(scene.draw_board(self.config.width, self.config.height)))
    }

    fn board(&self, index: usize) -> Result<Board> {
        let SmtConfig { component, designs, normal, seed, .. } = self.config;
        if index >= self.len() {
            return Err(Error::NoSuchSample { index, len: self.len() });
        }
        let defects = component.defects();
        let (defect, number) = match index.checked_sub(normal) {
            None => (None, index),
            Some(i) => (Some(defects[i % defects.len()]), i / defects.len()),
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
        let mut scene = board.scene();
        let bare = scene.draw_board(self.config.width, self.config.height);
        let id = format!("{}/{:04}", board.class, board.number);
        let category = board.component.name().to_owned();
        let Some(defect) = board.defect else {
            let image = board.photograph(&scene.draw_on(bare))?.into();
            return Ok(Sample { id, category, image, label: Label::Normal, defect_type: None, mask: None });
        };
        let good = scene.draw_on(bare.clone());
        defect.apply(&mut scene, &mut board.stream(Purpose::Defect));
        let mut bad = scene.draw_on(bare);
        let mask = difference(&good, &mut bad)?;
        let image = board.photograph(&bad)?.into();
        let defect_type = Some(defect.name().to_owned());
        Ok(Sample { id, category, image, label: Label::Anomalous, defect_type, mask: Some(mask) })
    }
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

    fn photograph(&self, canvas: &Canvas) -> Result<Image> {
        camera::image(canvas, camera::record(canvas.pixels(), &mut self.stream(Purpose::Noise)))
    }
}

/// Where the two pictures differ visibly. Elsewhere the bad one becomes the good one, so that no anomaly, however
/// faint, lies outside of the mask.
fn difference(good: &Canvas, bad: &mut Canvas) -> Result<Mask> {
    let (before, after) = (camera::codes(good), camera::codes(bad));
    let visible: Vec<bool> = before
        .chunks_exact(3)
        .zip(after.chunks_exact(3))
        .map(|(before, after)| before.iter().zip(after).any(|(a, b)| a.abs_diff(*b) > VISIBLE))
        .collect();
    let pixels = bad.pixels_mut().iter_mut().zip(good.pixels());
    for ((bad, good), _) in pixels.zip(&visible).filter(|(_, visible)| !**visible) {
        *bad = *good;
    }
    Ok(Mask::new(good.width(), good.height(), visible)?)
}
