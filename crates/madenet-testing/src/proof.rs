//! The proof networks with everything that a fixture was made from.

use madenet_nets::{Net, Params};

use crate::{fixture, formula_input, formula_params, formula_values, nets};

/// A small network with a fixture: outputs, gradients and running statistics by PyTorch, in `tests/fixtures`.
#[derive(Clone, Debug)]
pub struct Proof {
    /// Name of the network and of its fixture.
    pub name: &'static str,
    /// The network.
    pub net: Net,
    /// Samples of the fixture's batch.
    pub batch: usize,
}

/// One input of a proof network for the fixture's whole batch.
#[derive(Clone, PartialEq, Debug)]
pub struct ProofInput {
    /// Name of the input.
    pub name: String,
    /// Sample, channel, row, column.
    pub shape: [usize; 4],
    /// The values in that order.
    pub values: Vec<f32>,
}

/// All proof networks. Every interpreter is run on every one of them.
#[must_use]
pub fn proofs() -> Vec<Proof> {
    vec![
        Proof { name: "toy_resnet", net: nets::toy_resnet(), batch: 3 },
        Proof { name: "hrnet_fusion", net: nets::hrnet_fusion(), batch: 2 },
        Proof { name: "unet6", net: nets::unet6(), batch: 2 },
        Proof { name: "mbconv", net: nets::mbconv(), batch: 2 },
        Proof { name: "discriminator", net: nets::discriminator(), batch: 5 },
    ]
}

impl Proof {
    /// Seed of the fixture's training step.
    pub const SEED: u64 = 7;

    /// Number of the fixture's training step.
    pub const STEP: u64 = 3;

    /// The parameters before the step.
    #[must_use]
    pub fn params(&self) -> Params {
        formula_params(&self.net)
    }

    /// The inputs in the network's order.
    #[must_use]
    pub fn inputs(&self) -> Vec<ProofInput> {
        let input = |(name, node): &(String, usize)| {
            let shape = self.net.nodes()[*node].shape;
            ProofInput {
                name: name.clone(),
                shape: [self.batch, shape.c, shape.h, shape.w],
                values: formula_input(name, self.batch * shape.len()),
            }
        };
        self.net.inputs().iter().map(input).collect()
    }

    /// For every output in the network's order, its gradient in the fixture's loss, `sum(output * weights)`.
    #[must_use]
    pub fn loss_weights(&self) -> Vec<Vec<f32>> {
        let weights = |(name, node): &(String, usize)| {
            let node = &self.net.nodes()[*node];
            let samples = self.batch * node.copies;
            formula_values(&format!("loss:{name}"), &[samples, node.shape.c, node.shape.h, node.shape.w])
        };
        self.net.outputs().iter().map(weights).collect()
    }

    /// The results by PyTorch.
    ///
    /// # Panics
    /// If the fixture cannot be read.
    #[must_use]
    pub fn fixture(&self) -> Params {
        fixture(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both languages must have written the same network, else comparing results explains nothing.
    #[test]
    fn fixtures_have_the_shapes_of_the_networks() {
        for proof in proofs() {
            let results = proof.fixture();
            let mut names = Vec::new();
            let mut check = |name: String, shape: &[usize]| {
                assert_eq!(results.get(&name).map(|p| p.shape()), Some(shape), "{} {name}", proof.name);
                names.push(name);
            };
            for (name, id) in proof.net.outputs() {
                let node = &proof.net.nodes()[*id];
                let shape = [proof.batch * node.copies, node.shape.c, node.shape.h, node.shape.w];
                check(format!("eval.{name}"), &shape);
                check(format!("train.{name}"), &shape);
            }
            for (name, spec) in proof.net.params() {
                let group = if spec.role.is_trained() { "grad" } else { "running" };
                check(format!("{group}.{name}"), &spec.shape);
            }
            for input in proof.inputs() {
                check(format!("grad_input.{}", input.name), &input.shape);
                assert_eq!(input.values.len(), input.shape.iter().product::<usize>());
            }
            assert_eq!(
                names.len(),
                results.len(),
                "{}: the fixture holds what the network does not",
                proof.name
            );
        }
    }

    #[test]
    fn the_loss_weights_all_outputs() {
        for proof in proofs() {
            let results = proof.fixture();
            let sizes: Vec<usize> = proof.loss_weights().iter().map(Vec::len).collect();
            let size = |name: &String| results.get(&format!("eval.{name}")).map_or(0, |p| p.values().len());
            assert_eq!(sizes, proof.net.outputs().iter().map(|(name, _)| size(name)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn parameters_stay_small() {
        for proof in proofs() {
            let values: usize = proof.net.params().iter().map(|(_, spec)| spec.len()).sum();
            assert!(values < 12_000, "{}: {values}", proof.name);
        }
    }
}
