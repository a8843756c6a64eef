//! To be drawn.

use super::Assembly;
use crate::smt::lots::Lots;

pub(crate) fn sot(lots: &mut Lots) -> Assembly {
    super::soic(lots)
}
