//! To be drawn.

use super::Assembly;
use crate::smt::lots::Lots;

pub(crate) fn aluminum_capacitor(lots: &mut Lots) -> Assembly {
    super::resistor(lots)
}
