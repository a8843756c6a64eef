//! To be drawn.

use super::Assembly;
use crate::smt::lots::Lots;

pub(crate) fn qfn(lots: &mut Lots) -> Assembly {
    super::soic(lots)
}
