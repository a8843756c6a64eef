//! The checks that every operation makes before it touches a slice, so that none can panic on its input.

use crate::{Error, Result, Shape};

/// Largest height, width, kernel side, step or padding: products of two such numbers and sums of a few of these products
/// cannot overflow, which the formulas of the output sizes rely on.
const MAX_SIDE: usize = 1 << (usize::BITS / 2 - 2);

/// Refuses sizes whose products could overflow.
pub(crate) fn sides(what: &'static str, sides: &[usize]) -> Result<()> {
    match sides.iter().find(|&&side| side > MAX_SIDE) {
        Some(side) => Err(geometry(what, format!("a size of {side} is above {MAX_SIDE}"))),
        None => Ok(()),
    }
}

/// Values of a sample of this shape, at least 1.
pub(crate) fn shape(what: &'static str, shape: Shape) -> Result<usize> {
    sides(what, &[shape.h, shape.w])?;
    if shape.c == 0 || shape.h == 0 || shape.w == 0 {
        return Err(geometry(what, format!("the shape {shape} has no values")));
    }
    product(what, &[shape.c, shape.h, shape.w])
}

/// The product of sizes, or an error where it overflows.
pub(crate) fn product(what: &'static str, sizes: &[usize]) -> Result<usize> {
    sizes
        .iter()
        .try_fold(1_usize, |product, &size| product.checked_mul(size))
        .ok_or_else(|| geometry(what, format!("the product of {sizes:?} overflows")))
}

/// A slice of exactly the expected length.
pub(crate) fn length(what: &'static str, expected: usize, got: usize) -> Result<()> {
    if got == expected { Ok(()) } else { Err(Error::Length { what, expected, got }) }
}

/// Samples of `sample` values in a slice of `got`; what is expected otherwise is the next whole number of samples.
pub(crate) fn batch(what: &'static str, sample: usize, got: usize) -> Result<usize> {
    if got.is_multiple_of(sample) {
        return Ok(got / sample);
    }
    Err(Error::Length { what, expected: got.next_multiple_of(sample), got })
}

/// Channels that split into groups: channels of one group.
pub(crate) fn grouped(
    what: &'static str,
    side: &'static str,
    channels: usize,
    groups: usize,
) -> Result<usize> {
    if groups == 0 || channels == 0 || !channels.is_multiple_of(groups) {
        return Err(geometry(what, format!("{channels} {side} channels do not split into {groups} groups")));
    }
    Ok(channels / groups)
}

/// The error of a geometry that does not fit.
pub(crate) fn geometry(what: &'static str, reason: String) -> Error {
    Error::Geometry { what, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn huge_sizes_are_refused_and_not_multiplied() {
        assert!(shape("test", Shape::new(usize::MAX, 2, 2)).is_err());
        assert!(shape("test", Shape::new(1, usize::MAX, 1)).is_err());
        assert!(product("test", &[usize::MAX, 2]).is_err());
        assert_eq!(shape("test", Shape::new(2, 3, 4)), Ok(24));
    }

    #[test]
    fn a_batch_is_a_whole_number_of_samples() {
        assert_eq!(batch("test", 4, 0), Ok(0));
        assert_eq!(batch("test", 4, 12), Ok(3));
        assert_eq!(batch("test", 4, 7), Err(Error::Length { what: "test", expected: 8, got: 7 }));
    }
}
