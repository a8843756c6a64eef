//! The reference network as an engine: gradients come from candle, and are kept on the host.

use candle_core::Tensor;
use madenet_nets::{Net, ParamSpec, Params};

use crate::candle_net::{CandleNet, Weight, values_of};
use crate::{Engine, Result, StepKey};

impl Engine for CandleNet {
    fn net(&self) -> &Net {
        &self.net
    }

    fn forward(&mut self, inputs: &[Tensor], key: StepKey) -> Result<Vec<Tensor>> {
        self.train(inputs, key)
    }

    fn backward(&mut self, loss: &Tensor) -> Result<()> {
        let store = loss.backward()?;
        let new = self.vars().map(|(_, var)| store.get(var).map(values_of).transpose());
        let new = new.collect::<Result<Vec<_>>>()?;
        for (sum, new) in self.gradients.iter_mut().zip(new) {
            sum.iter_mut().zip(new.unwrap_or_default()).for_each(|(sum, new)| *sum += new);
        }
        Ok(())
    }

    fn for_each(&self, f: &mut dyn FnMut(&str, &[f32], &[f32]) -> Result<()>) -> Result<()> {
        self.vars().zip(&self.gradients).try_for_each(|((name, var), g)| f(name, &values_of(var)?, g))
    }

    fn update(&mut self, f: &mut dyn FnMut(&str, &mut [f32], &[f32]) -> Result<()>) -> Result<()> {
        for ((name, var), gradient) in self.vars().zip(&self.gradients) {
            let mut weight = values_of(var)?;
            f(name, &mut weight, gradient)?;
            var.set(&Tensor::from_vec(weight, var.shape(), var.device())?)?;
        }
        Ok(())
    }

    fn clear_gradients(&mut self) {
        self.gradients.iter_mut().for_each(|gradient| gradient.fill(0.0));
    }

    fn export(&self) -> Result<Params> {
        CandleNet::export(self)
    }

    fn import(&mut self, params: &Params) -> Result<()> {
        let values = params.values_for(&self.net)?;
        let tensor = |(values, (_, spec)): (&[f32], &(String, ParamSpec))| {
            Tensor::from_slice(values, spec.shape.as_slice(), &self.device)
        };
        let tensors = values.into_iter().zip(self.net.params()).map(tensor);
        let tensors = tensors.collect::<candle_core::Result<Vec<_>>>()?;
        for (weight, tensor) in self.weights.iter_mut().zip(tensors) {
            match weight {
                Weight::Trained(var) => var.set(&tensor)?,
                Weight::Fixed(fixed) => *fixed = tensor,
            }
        }
        Ok(())
    }

    fn bytes(&self, _batch: usize) -> Option<usize> {
        None
    }

    fn for_each_statistic(&self, f: &mut dyn FnMut(&str, &[f32]) -> Result<()>) -> Result<()> {
        for (weight, (name, spec)) in self.weights.iter().zip(self.net.params()) {
            if !spec.role.is_trained() {
                f(name, &values_of(weight.tensor())?)?;
            }
        }
        Ok(())
    }

    fn settings(&self) -> String {
        format!("CandleNet {:?}", self.treatments)
    }
}
