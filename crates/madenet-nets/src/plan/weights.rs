//! The weights of a network, while they are packed.

use std::borrow::Cow;

use crate::Result;
use crate::net::{Net, ParamId};
use crate::params::Params;

/// The values of a network's parameters, each handed out as often as the network reads it. Owned ones go with their last
/// reader, so that they take no memory when it is done.
#[derive(Debug)]
pub(super) struct Weights<'a> {
    values: Vec<Cow<'a, [f32]>>,
    /// Readers to come of every parameter.
    readers: Vec<usize>,
}

impl<'a> Weights<'a> {
    /// The weights that `params` keeps.
    ///
    /// # Errors
    /// Those of [`Params::values_for`].
    pub(super) fn borrowed(net: &Net, params: &'a Params) -> Result<Self> {
        let values = params.values_for(net)?.into_iter().map(Cow::Borrowed).collect();
        Ok(Weights { values, readers: readers(net) })
    }

    /// The weights out of `params`; what `net` does not read is dropped.
    ///
    /// # Errors
    /// Those of [`Params::values_for`].
    pub(super) fn owned(net: &Net, params: Params) -> Result<Self> {
        let values = params.into_values_for(net)?.into_iter().map(Cow::Owned).collect();
        Ok(Weights { values, readers: readers(net) })
    }

    /// The values of parameter `id`, for one of its readers.
    pub(super) fn take(&mut self, id: ParamId) -> Cow<'a, [f32]> {
        self.readers[id] = self.readers[id].saturating_sub(1);
        if self.readers[id] == 0 { std::mem::take(&mut self.values[id]) } else { self.values[id].clone() }
    }
}

/// How many operations read each parameter.
fn readers(net: &Net) -> Vec<usize> {
    let mut readers = vec![0; net.params().len()];
    for id in net.nodes().iter().flat_map(|node| node.op.params()) {
        readers[id] += 1;
    }
    readers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Builder, Shape, conv};

    /// Two readers of one weight, and one of another.
    fn net() -> Result<Net> {
        let mut b = Builder::new();
        let x = b.input("x", Shape::new(4, 3, 3));
        let y = b.conv2d("shared", x, conv(4, 3, 1, 1).with_bias())?;
        let y = b.conv2d("shared", y, conv(4, 3, 1, 1).with_bias())?;
        let y = b.batch_norm("bn", y)?;
        b.output("y", y)?;
        Ok(b.finish())
    }

    #[test]
    fn owned_values_go_with_their_last_reader() -> Result<()> {
        let net = net()?;
        let mut params = Params::init(&net, 1);
        let values = params.get("shared.weight").map(|p| p.values().to_vec()).unwrap_or_default();
        params.insert("stray", vec![1], vec![f32::NAN])?;
        let mut weights = Weights::owned(&net, params.clone())?;
        let id = net.param_ids["shared.weight"];
        for left in [144, 0] {
            assert_eq!(*weights.take(id), values);
            assert_eq!(weights.values[id].len(), left);
        }
        let mut weights = Weights::borrowed(&net, &params)?;
        assert!(matches!(weights.take(id), Cow::Borrowed(_)));
        assert!(matches!(weights.take(id), Cow::Borrowed(_)));

        params.remove("bn.bias");
        assert!(Weights::owned(&net, params).is_err());
        Ok(())
    }
}
