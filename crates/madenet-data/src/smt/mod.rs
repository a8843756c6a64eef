//! Drawn photographs of soldered components, with exact masks: data for examples and tests that needs no
//! download.
//!
//! **A stand-in.** The categories, the defects and their names imitate what a line camera sees over
//! surface-mounted boards. They are not ManuDefect-21, whose pictures and list of types are not public, and
//! results on them say nothing about results on it.
//!
//! ```
//! use madenet_data::smt::{Component, SmtBoards, SmtConfig};
//! use madenet_data::{Dataset, Split};
//!
//! let defaults = SmtConfig::new(Component::Resistor);
//! let config = SmtConfig { width: 64, height: 64, normal: 4, anomalous: 5, ..defaults };
//! let test = SmtBoards::new(config, Split::Test)?;
//! assert_eq!(test.len(), 9);
//!
//! let sample = test.get(4)?;
//! assert_eq!(sample.id, "RESISTOR/test/missing/0000");
//! let missing = sample.mask.map_or(0, |mask| mask.count());
//! assert!((600..2000).contains(&missing), "{missing} of 4096 pixels");
//! # Ok::<(), madenet_data::Error>(())
//! ```
//!
//! # How a picture is made
//!
//! Boards are of a design ([`SmtConfig::designs`]), which settles the tracks, vias and silkscreen and the
//! marks of the component. The rest is drawn by lot for each board: how the lamp and the camera stand, the
//! solder of each joint, the print's and the placement's errors, grain and dust. Surfaces are heights and
//! materials under a ring lamp with coaxial light, so that solder and leads shine as their slopes make them;
//! shapes are signed distances, which gives each pixel its share of their rims. All of it is linear light.
//! The lens blurs and darkens the corners, the sensor adds the noise of photons and of reading, and the
//! result is coded as sRGB.
//!
//! A defective board is drawn twice from the same random numbers, with and without the defect. The mask is where
//! the two differ by more than 3 of 255 codes before noise, and where they differ at all between such pixels at most 1/64
//! of the shorter side apart (4 pixels in a picture of 256, but at least 2); everywhere else the published picture is the
//! good twin's, noise included ([`SmtBoards::good_twin`] shows it).
//!
//! [`Nuisances`] make some boards hard to see: another contrast, things between camera and board, reflections. They lie
//! over both twins alike, and the mask is what they leave visible of the defect. Normal boards are disturbed just as
//! defective ones are; see there for what holds exactly.
//!
//! [`ManuDefect21Like`] has as many boards as ManuDefect-21 has photographs, and [`write_boards`] makes files
//! of them.
//!
//! Training and test boards share designs and nothing else: the part is in the name of every board's streams.

mod bead;
mod block;
mod board;
mod camera;
mod canvas;
mod colour;
mod component;
mod config;
mod dataset;
mod debris;
mod defect;
mod defect_set;
mod defects;
mod fault;
mod film;
mod footprint;
mod geometry;
mod light;
mod lots;
mod marks;
mod materials;
mod noise;
mod nuisance;
mod part;
mod parts;
mod preset;
mod scene;
mod sdf;
mod shadow;
mod skin;
mod solder;
mod tarnish;
mod write;

pub use component::Component;
pub use config::SmtConfig;
pub use dataset::SmtBoards;
pub use defect::{Defect, DefectGroup};
pub use defect_set::DefectSet;
pub use nuisance::Nuisances;
pub use preset::{Category, ManuDefect21Like, SmtSet};
pub use write::{Written, write_boards};
