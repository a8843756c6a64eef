//! Where in a picture the product is.

use std::path::{Path, PathBuf};

use madenet_image::{Image, Mask, Plane, decode_mask, otsu};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Gaps that no square of side `2 * 2 + 1 = 5` fits into are closed.
const CLOSING_RADIUS: usize = 2;
/// Foregrounds that cover less or more of a picture are not trusted: the product fills the frame, or has no contrast.
const SHARE: std::ops::RangeInclusive<f64> = 0.05..=0.95;

/// How the foreground of a picture is found, where anomalies may lie.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Foreground {
    /// The whole picture: for surfaces, and for boards that fill the frame.
    None,
    /// By [`foreground`].
    #[default]
    Otsu,
    /// From files, one for each picture, as GLASS (Chen et al. 2024) has them.
    Files {
        /// The folder of the masks: `NAME.png` for a picture whose id ends in `NAME` with any extension. Not black is
        /// foreground. A mask of another size than its picture is resized (nearest).
        dir: PathBuf,
    },
}

impl Foreground {
    /// The foreground of a picture, as large as it; `None` where it is all of it. Worth keeping where a picture is used
    /// more than once.
    ///
    /// `id` is the picture's path or id, of which only the name of the file counts, and only for [`Files`](Self::Files).
    ///
    /// # Errors
    /// [`Error::ForegroundName`] or [`Error::ForegroundFile`].
    pub fn mask(&self, image: &Image, id: &str) -> Result<Option<Mask>> {
        match self {
            Foreground::None => Ok(None),
            Foreground::Otsu => Ok(Some(foreground(image))),
            Foreground::Files { dir } => {
                // Its name alone, so that no id leads out of the folder.
                let name =
                    Path::new(id).file_stem().ok_or_else(|| Error::ForegroundName { id: id.to_owned() })?;
                let mut file = name.to_owned();
                file.push(".png");
                let path = dir.join(file);
                let mask = decode_mask(&path).map_err(|source| Error::ForegroundFile { path, source })?;
                Ok(Some(mask.resize_nearest(image.width(), image.height())?))
            }
        }
    }
}

/// The product in a picture, told from its background by brightness.
///
/// Otsu's threshold on luma splits the picture into two classes; background is the one that has the most pixels of the
/// picture's border. What remains is closed with a square of 5x5 pixels, and holes are filled. Where that is less than 5 %
/// or more than 95 % of the picture, everything is foreground.
///
/// ```
/// use madenet_image::{Image, Mask};
/// use madenet_synth::foreground;
///
/// // A dark part on a bright table.
/// let part = |x: usize, y: usize| (4..7).contains(&x) && (3..6).contains(&y);
/// let pixels = (0..11 * 9).flat_map(|i| [if part(i % 11, i / 11) { 40 } else { 200 }; 3]).collect();
/// assert_eq!(foreground(&Image::new(11, 9, pixels)?), Mask::from_ascii("
///     ...........
///     ...........
///     ...........
///     ....***....
///     ....***....
///     ....***....
///     ...........
///     ...........
///     ...........
/// ")?);
/// # Ok::<(), madenet_image::Error>(())
/// ```
#[must_use]
pub fn foreground(image: &Image) -> Mask {
    let luma = Plane::luma(&image.as_view());
    let bright = luma.above(otsu(&luma));
    let product = if bright_border(&bright) { bright.invert() } else { bright };
    let product = product.close(CLOSING_RADIUS).fill_holes();
    let share = product.count() as f64 / product.data().len() as f64;
    // Above minus infinity is every pixel.
    if SHARE.contains(&share) { product } else { luma.above(f32::NEG_INFINITY) }
}

/// Whether most pixels of the outermost rows and columns are set.
fn bright_border(mask: &Mask) -> bool {
    let (width, height) = (mask.width(), mask.height());
    let on_border = |i: usize| {
        let (x, y) = (i % width, i / width);
        x == 0 || y == 0 || x + 1 == width || y + 1 == height
    };
    let (mut set, mut all) = (0, 0);
    for (_, &bright) in mask.data().iter().enumerate().filter(|&(i, _)| on_border(i)) {
        all += 1;
        set += usize::from(bright);
    }
    2 * set > all
}
