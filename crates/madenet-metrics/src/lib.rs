//! Anomaly detection metrics of image scores and anomaly maps, exact or with a stated error.
//!
//! - One figure for all thresholds: AUROC, average precision, the area under the precision-recall curve by
//!   trapezoids, the best F1 score, and of pixels also AUPRO and [AUPIMO](Aupimo); the three [curves](Curve).
//! - One threshold: its [counts](ConfusionMatrix), and the thresholds of a wanted false positive rate or recall.
//! - Rows per [defect type](PixelScores::of_defect_type), [means](Mean) over categories that tell what they leave
//!   out, and [intervals](Bootstrap) by the paired bootstrap.
//! - [Connected regions](components()) of masks.
//! - With the feature `frechet`: the Fréchet distance of two sets of features (`frechet_distance`).
//!
//! ```
//! use madenet_metrics::{AUPRO_FPR_LIMIT, PixelMetrics, auroc, average_precision, f1_max};
//!
//! // Image level: one score and one label (true = anomalous) per image.
//! let scores = [0.1, 0.4, 0.35, 0.8];
//! let labels = [false, false, true, true];
//! assert_eq!(auroc(&scores, &labels)?, Some(0.75));
//! assert!((average_precision(&scores, &labels)?.unwrap() - 5.0 / 6.0).abs() < 1e-12);
//! assert_eq!(f1_max(&scores, &labels)?.map(|best| (best.f1, best.threshold)), Some((0.8, 0.35)));
//!
//! // Pixel level: one anomaly map and one mask per image, normal images included.
//! let mut pixels = PixelMetrics::new();
//! pixels.push(&[0.9, 0.2, 0.1, 0.1], &[true, false, false, false], 2, 2)?;
//! pixels.push(&[0.1, 0.1, 0.1, 0.3], &[false; 4], 2, 2)?;
//! assert_eq!(pixels.finish().aupro(AUPRO_FPR_LIMIT)?, Some(1.0));
//! # Ok::<(), madenet_metrics::Error>(())
//! ```
//!
//! # Conventions
//!
//! - Scores are `f32`, higher = more anomalous; labels and masks are `true` where anomalous.
//! - Equal scores are one threshold, whatever their order in the input; `-0.0` equals `0.0`.
//! - NaN and infinite scores are errors. They have no place in a ranking, so they are never silently sorted.
//! - A metric with only one class present is undefined: `Ok(None)`, never 0 or 0.5. Means over categories
//!   leave it out and report how many figures they hold.
//!
//! # Design
//!
//! Every metric here, the Fréchet distance aside, depends on the scores through their order alone. So scores become
//! order-preserving integers, the normal and the anomalous ones are sorted apart, once ([`Ranking`] for images,
//! [`PixelMetrics`] for pixels), and each metric is one descending sweep over the distinct anomalous scores. Between
//! two of them there are only false positives, and these are counted by a search, not one by one: a sweep costs what
//! the anomalous scores cost, a few per cent of all pixels. Counts are integers; the AUROC is a ratio of two exact
//! integers.
//!
//! Pixels come one image at a time, in one of two modes:
//!
//! | | exact | histogram |
//! |---|---|---|
//! | used for | up to [`EXACT_PIXELS`], or a limit of your choice | more pixels, by itself |
//! | memory per normal pixel | 4 bytes | none |
//! | memory per anomalous pixel | 8 bytes | none |
//! | memory besides | 20 bytes per region | per power of two: 64 KB for normal scores, 256 KB for each defect type |
//! | while growing and sorting | up to three times that | |
//! | error of a figure | 0, but for the rounding of `f64` | stated for the data: [`PixelScores::auroc_error`] .. |
//!
//! In both modes parts that were collected apart can be [merged](PixelMetrics::merge), in any order, and give the
//! bits that one pass gives: all sums over pixels are sums of integers, the shares of regions included.

mod aupimo;
mod aupro;
mod auroc;
mod average_precision;
mod binned;
mod bootstrap;
mod collected;
mod components;
mod confusion_matrix;
mod curve;
mod defect_types;
mod error;
mod f1_max;
#[cfg(feature = "frechet")]
mod frechet;
mod histogram;
mod input;
mod key;
mod label;
mod mean;
mod pixel;
mod pixel_scores;
mod radix;
mod ranked;
mod ranking;
mod scores;
mod share;
mod sorted;
mod threshold;

pub use aupimo::{AUPIMO_FPR_BOUNDS, Aupimo, AupimoFigures, AupimoScores};
pub use aupro::{AUPRO_FPR_LIMIT, AUPRO_FPR_LIMIT_STRICT};
pub use auroc::auroc;
pub use average_precision::average_precision;
pub use bootstrap::{Bootstrap, Difference, Interval, Resample};
pub use components::{Components, Connectivity, components};
pub use confusion_matrix::ConfusionMatrix;
pub use curve::{Curve, CurvePoint};
pub use error::{Error, Result};
pub use f1_max::{F1Max, f1_max};
#[cfg(feature = "frechet")]
pub use frechet::{GaussianStats, MAX_FEATURE_DIM, frechet_distance};
pub use label::Label;
pub use mean::Mean;
pub use pixel::{EXACT_PIXELS, PixelMetrics};
pub use pixel_scores::PixelScores;
pub use ranking::Ranking;
