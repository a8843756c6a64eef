//! Materials that more than one part is made of. Colours were chosen to look right.

use super::colour::Rgb;
use super::light::Material;

/// Tin, plated matt: the ends of chips.
pub(crate) const PLATED_TIN: Material = Material::metal(Rgb([0.76, 0.75, 0.73]), 0.17);
/// Tin on copper, formed in a press, which smooths it: leads.
pub(crate) const PRESSED_TIN: Material = Material::metal(Rgb([0.74, 0.73, 0.71]), 0.14);
/// Tin on stamped terminals.
pub(crate) const STAMPED_TIN: Material = Material::metal(Rgb([0.75, 0.74, 0.71]), 0.15);
/// Tin on bare copper of the board, blown smooth by hot air.
pub(crate) const LEVELLED_TIN: Material = Material::metal(Rgb([0.74, 0.72, 0.68]), 0.2);
pub(crate) const SOLDER: Material = Material::metal(Rgb([0.80, 0.79, 0.76]), 0.07);
/// Gold over nickel, as pads are delivered; slightly matt.
pub(crate) const GOLD: Material = Material::metal(Rgb([0.78, 0.58, 0.27]), 0.22);
/// Gold over nickel on the laminate of components.
pub(crate) const COMPONENT_GOLD: Material = Material::metal(Rgb([0.72, 0.54, 0.26]), 0.2);
/// Black epoxy, eroded matt by the mould.
pub(crate) const EPOXY: Material = Material::dull(Rgb([0.021, 0.021, 0.023]), 0.22);
/// Epoxy is filled with quartz, which shows pale where it breaks.
pub(crate) const BROKEN_EPOXY: Material = Material::dull(Rgb([0.17, 0.165, 0.16]), 0.3);
/// What a laser leaves of epoxy: grey ash, and that on packages without leads.
pub(crate) const ASH: Rgb = Rgb([0.115, 0.115, 0.11]);
pub(crate) const PALE_ASH: Rgb = Rgb([0.125, 0.125, 0.12]);
