//! Synthetic anomalies with exact masks, from normal photographs alone.
//!
//! ```
//! use madenet_image::Image;
//! use madenet_synth::{Synthesizer, SynthesisConfig, Textures, foreground};
//!
//! let normal = Image::new(64, 64, (0..64 * 64 * 3).map(|i| (i % 251) as u8).collect())?;
//! let textures = Textures::procedural(4, 96, 96, 0)?;
//! let config = SynthesisConfig { normal_share: 0.0, ..SynthesisConfig::default() };
//! let synthesizer = Synthesizer::new(config, textures)?;
//!
//! // Seed 42, epoch 0, sample 7: the same bytes on any thread.
//! let product = foreground(&normal); // Once per picture.
//! let sample = synthesizer.synthesize(&normal, Some(&product), 42, 0, 7)?;
//! assert_eq!(sample.label.is_anomalous(), sample.mask.count() > 0);
//! let pixels = sample.image.pixels().chunks(3).zip(normal.pixels().chunks(3)).zip(sample.mask.data());
//! assert!(pixels.filter(|&(_, &anomalous)| !anomalous).all(|((a, b), _)| a == b));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The method
//!
//! That of DRAEM (Zavrtanik, Kristan, Skočaj, "DRAEM: a discriminatively trained reconstruction embedding for surface anomaly
//! detection", ICCV 2021) and MemSeg (Yang, Wu, Feng, "MemSeg: a semi-supervised method for image surface defect detection using
//! differences and commonalities", 2023), as MADE-Net puts them together:
//!
//! ```text
//! M_a = M_p AND M_f                               Perlin mask, within the foreground
//! I_s = T(texture) or shuffle(T(I_n))             an anomaly's source; T: three of ten operators
//! I_a = (1 - M_a) I_n + M_a ((1 - b) I_n + b I_s)  b: opacity
//! ```
//!
//! - M_p: the peaks of [`PerlinNoise`] (Perlin 2002) on a random grid, rotated.
//! - M_f: [`foreground`], or a file, or everywhere ([`Foreground`]).
//! - Textures: photographs of DTD (Cimpoi et al., "Describing textures in the wild", CVPR 2014) or procedural ones
//!   ([`Textures`]); T: [`Augmentation`].
//! - Structural anomalies: [`shuffle_cells`].
//!
//! [`SynthesisConfig`] has the ranges of all that is drawn, [`Drawn`] what was drawn for a sample. Everything works on 8-bit
//! RGB at the size of a network's input. All numbers are uniform ones of keyed streams (`madenet-rng`), hence no other crate of
//! distributions.

mod augment;
mod config;
mod drawn;
mod error;
mod foreground;
mod perlin;
mod procedural;
mod rotation;
mod structural;
mod synthesizer;
mod synthetic;
mod texture;

pub use augment::Augmentation;
pub use config::SynthesisConfig;
pub use drawn::{Drawn, DrawnAnomaly, Source};
pub use error::{Error, Result};
pub use foreground::{Foreground, foreground};
pub use perlin::{DrawnPerlin, PerlinNoise};
pub use structural::shuffle_cells;
pub use synthesizer::Synthesizer;
pub use synthetic::Synthetic;
pub use texture::Textures;
