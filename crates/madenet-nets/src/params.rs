//! Weights by name.

use std::collections::BTreeMap;

use madenet_rng::Stream;

use crate::net::{Init, Net, ParamSpec};
use crate::{Error, Result};

/// One tensor of weights: sizes of its axes and values in row-major order.
#[derive(Clone, PartialEq, Debug)]
pub struct Param {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Param {
    /// Sizes of the axes.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values, as many as the product of the sizes.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The values without the shape.
    #[must_use]
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }
}

/// Weights by name, in the order of the names: the only truth about them, which interpreters import and export.
///
/// ```
/// use madenet_nets::{Builder, Params, Shape, conv};
/// let mut b = Builder::new();
/// let x = b.input("x", Shape::new(3, 8, 8));
/// b.conv2d("stem", x, conv(16, 3, 1, 1))?;
/// let params = Params::init(&b.finish(), 42);
/// assert_eq!(params.get("stem.weight").map(|p| p.shape().to_vec()), Some(vec![16, 3, 3, 3]));
/// # Ok::<(), madenet_nets::Error>(())
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Params(BTreeMap<String, Param>);

impl Params {
    /// No weights.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Fresh weights for `net`, as its specifications say. A value depends on `seed`, the parameter's name and its place
    /// only, so that a network that shares names with another starts with the same values.
    #[must_use]
    pub fn init(net: &Net, seed: u64) -> Self {
        Params(net.params().iter().map(|(name, spec)| (name.clone(), initial(spec, name, seed))).collect())
    }

    /// Adds or replaces a tensor.
    ///
    /// # Errors
    /// [`Error::ParamShape`] if the number of values is not the product of the sizes.
    pub fn insert(&mut self, name: impl Into<String>, shape: Vec<usize>, values: Vec<f32>) -> Result<()> {
        let name = name.into();
        let len = shape.iter().try_fold(1_usize, |n, &size| n.checked_mul(size));
        if len != Some(values.len()) {
            return Err(Error::ParamShape { name, expected: shape, got: vec![values.len()] });
        }
        self.0.insert(name, Param { shape, values });
        Ok(())
    }

    /// The tensor called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Param> {
        self.0.get(name)
    }

    /// Takes the tensor called `name` out.
    pub fn remove(&mut self, name: &str) -> Option<Param> {
        self.0.remove(name)
    }

    /// The tensors in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Param)> {
        self.0.iter().map(|(name, param)| (name.as_str(), param))
    }

    /// Number of tensors.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds all tensors of `other`, replacing those of the same name.
    pub fn extend(&mut self, other: Params) {
        self.0.extend(other.0);
    }

    /// The same tensors under `scope`: `layer1.0.conv1.weight` becomes `scope.layer1.0.conv1.weight`.
    #[must_use]
    pub fn under(self, scope: &str) -> Self {
        Params(self.0.into_iter().map(|(name, param)| (format!("{scope}.{name}"), param)).collect())
    }

    /// Takes the tensors out that are under `scope`, without it in their names: the way back from
    /// [`under`](Self::under).
    ///
    /// ```
    /// let mut all = madenet_nets::Params::new();
    /// all.insert("head.fc.bias", vec![1], vec![2.0])?;
    /// all.insert("header.bias", vec![1], vec![3.0])?;
    /// let head = all.take_under("head");
    /// assert_eq!(head.get("fc.bias").map(|p| p.values()[0]), Some(2.0));
    /// assert_eq!((head.len(), all.len()), (1, 1));
    /// # Ok::<(), madenet_nets::Error>(())
    /// ```
    #[must_use]
    pub fn take_under(&mut self, scope: &str) -> Self {
        // The byte after '.' ends the range of names that begin with "scope.".
        let mut under = self.0.split_off(&format!("{scope}."));
        self.0.append(&mut under.split_off(&format!("{scope}/")));
        let name = |name: &str| name[scope.len() + 1..].to_string();
        Params(under.into_iter().map(|(path, param)| (name(&path), param)).collect())
    }

    /// The tensors that `net` uses, with its shapes: what is to be stored for it.
    ///
    /// # Errors
    /// As [`values_for`](Self::values_for).
    pub fn select(&self, net: &Net) -> Result<Self> {
        let values = self.values_for(net)?;
        let shaped = |(name, spec): &(String, ParamSpec), values: &[f32]| {
            (name.clone(), Param { shape: spec.shape.clone(), values: values.to_vec() })
        };
        Ok(Params(net.params().iter().zip(values).map(|(p, v)| shaped(p, v)).collect()))
    }

    /// The values of every parameter of `net`, in its order.
    ///
    /// A linear layer's `[out, in]` serves where the network has a 1x1 convolution's `[out, in, 1, 1]`.
    ///
    /// # Errors
    /// [`Error::MissingParam`], [`Error::ParamShape`] and [`Error::NonFinite`].
    pub fn values_for(&self, net: &Net) -> Result<Vec<&[f32]>> {
        net.params().iter().map(|(name, spec)| self.checked(name, spec)).collect()
    }

    /// The values of every parameter of `net`, in its order, and nothing else of these weights. All are checked before any
    /// is taken.
    ///
    /// # Errors
    /// Those of [`values_for`](Self::values_for).
    pub(crate) fn into_values_for(mut self, net: &Net) -> Result<Vec<Vec<f32>>> {
        self.values_for(net)?;
        Ok(net
            .params()
            .iter()
            .map(|(name, _)| self.remove(name).map(|p| p.values).unwrap_or_default())
            .collect())
    }

    /// Checks that `net` uses all of these tensors: a file with more is not the network's.
    ///
    /// # Errors
    /// [`Error::UnusedParam`].
    pub fn all_used_by(&self, net: &Net) -> Result<()> {
        match self.0.keys().find(|name| !net.param_ids.contains_key(*name)) {
            Some(name) => Err(Error::UnusedParam { name: name.clone() }),
            None => Ok(()),
        }
    }

    fn checked(&self, name: &str, spec: &ParamSpec) -> Result<&[f32]> {
        let Some(param) = self.get(name) else {
            return Err(Error::MissingParam { name: name.to_string(), expected: spec.shape.clone() });
        };
        let is_linear = spec.shape.len() == 4 && spec.shape[2..] == [1, 1] && param.shape == spec.shape[..2];
        if param.shape != spec.shape && !is_linear {
            return Err(Error::ParamShape {
                name: name.to_string(),
                expected: spec.shape.clone(),
                got: param.shape.clone(),
            });
        }
        match param.values.iter().position(|v| !v.is_finite()) {
            Some(index) => {
                Err(Error::NonFinite { name: name.to_string(), index, value: param.values[index] })
            }
            None => Ok(&param.values),
        }
    }
}

fn initial(spec: &ParamSpec, name: &str, seed: u64) -> Param {
    let mut stream = Stream::new(seed, name, 0, 0);
    let field: usize = spec.shape.iter().skip(2).product();
    let fan = |axis: usize| (spec.shape.get(axis).copied().unwrap_or(1) * field) as f32;
    let mut normal = |mean: f32, std: f32| (0..spec.len()).map(|_| mean + std * stream.normal()).collect();
    let values = match spec.init {
        Init::KaimingNormalFanOut => normal(0.0, (2.0 / fan(0)).sqrt()),
        Init::XavierNormal => normal(0.0, (2.0 / (fan(0) + fan(1))).sqrt()),
        Init::Normal { mean, std } => normal(mean, std),
        Init::Constant(value) => vec![value; spec.len()],
    };
    Param { shape: spec.shape.clone(), values }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Builder, Shape, conv};

    fn net() -> Result<Net> {
        let mut b = Builder::new();
        let x = b.input("x", Shape::new(8, 4, 4));
        let y = b.conv2d("a", x, conv(64, 3, 1, 1))?;
        let y = b.batch_norm("bn", y)?;
        let y = b.conv2d("head", y, conv(32, 1, 1, 0).with_bias().init(Init::XavierNormal))?;
        b.output("y", y)?;
        Ok(b.finish())
    }

    #[test]
    fn starts_have_the_variance_of_their_fans() -> Result<()> {
        let params = Params::init(&net()?, 1);
        let variance = |name: &str| {
            let values = params.get(name).map(Param::values).unwrap_or_default();
            values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32
        };
        // 4608 and 2048 values: standard error of a variance is sqrt(2 / n) of it, 2 and 3 percent.
        assert!((variance("a.weight") / (2.0 / (64.0 * 9.0)) - 1.0).abs() < 0.1);
        assert!((variance("head.weight") / (2.0 / (64.0 + 32.0)) - 1.0).abs() < 0.15);
        assert_eq!(variance("bn.running_var"), 1.0);
        assert_eq!(variance("head.bias"), 0.0);
        assert_eq!(params, Params::init(&net()?, 1));
        assert_ne!(params.get("a.weight"), Params::init(&net()?, 2).get("a.weight"));
        Ok(())
    }

    #[test]
    fn unfit_weights_are_named() -> Result<()> {
        let net = net()?;
        let mut params = Params::init(&net, 1);
        params.insert("head.weight", vec![32, 64], vec![0.5; 2048])?;
        assert!(params.values_for(&net).is_ok(), "a linear layer's weight serves a 1x1 convolution");
        assert_eq!(
            params.select(&net)?.get("head.weight").map(|p| p.shape.clone()),
            Some(vec![32, 64, 1, 1])
        );

        params.insert("bn.weight", vec![63], vec![1.0; 63])?;
        assert!(
            matches!(params.values_for(&net), Err(Error::ParamShape { name, .. }) if name == "bn.weight")
        );
        params.insert("bn.weight", vec![64], vec![f32::NAN; 64])?;
        assert!(matches!(params.values_for(&net), Err(Error::NonFinite { index: 0, .. })));
        params.all_used_by(&net)?;
        params.insert("stray", vec![], vec![0.0])?;
        assert!(matches!(params.all_used_by(&net), Err(Error::UnusedParam { name }) if name == "stray"));
        params.remove("bn.weight");
        assert!(
            matches!(params.values_for(&net), Err(Error::MissingParam { name, .. }) if name == "bn.weight")
        );
        assert!(matches!(params.insert("x", vec![2, usize::MAX], vec![0.0]), Err(Error::ParamShape { .. })));
        Ok(())
    }
}
