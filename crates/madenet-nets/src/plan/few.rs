//! Slices of a handful of values without an allocation.

/// Values up to which none is made; the widest of the backbones, an HRNet, joins four.
const FEW: usize = 8;

/// What `run` gives for the `items`, or the first error among them.
pub(super) fn with_few<T: Copy, R, E>(
    mut items: impl Iterator<Item = Result<T, E>>,
    run: impl FnOnce(&[T]) -> Result<R, E>,
) -> Result<R, E> {
    let Some(first) = items.next().transpose()? else { return run(&[]) };
    let (mut few, mut len) = ([first; FEW], 1);
    for item in items.by_ref().take(FEW - 1) {
        few[len] = item?;
        len += 1;
    }
    match items.next() {
        None => run(&few[..len]),
        Some(next) => {
            let rest = std::iter::once(next).chain(items);
            run(&few.into_iter().map(Ok).chain(rest).collect::<Result<Vec<T>, E>>()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_items_arrives_in_order() {
        for n in 0..2 * FEW + 2 {
            let items: Vec<usize> = (0..n).collect();
            let got = with_few(items.iter().map(|&i| Ok::<_, usize>(i)), |few| Ok(few.to_vec()));
            assert_eq!(got, Ok(items.clone()));
            for bad in 0..n {
                let items = items.iter().map(|&i| if i >= bad { Err(i) } else { Ok(i) });
                assert_eq!(with_few(items, |_| Ok(())), Err(bad), "the first error of {n}");
            }
        }
    }
}
