//! Which methods the convolutions of a network are computed with, within its memory setting.

use madenet_kernels::blocked::{Conv2dKernel, ConvMethod, MethodCost, WeightSource};

use super::options::Memory;
use crate::net::{Net, Op};

/// Bytes of weights that a third-level cache holds beside activations: 32 MB on current desktops and per core complex of
/// servers.
const CACHED: usize = 32 << 20;

/// The method of every node, where it has a choice.
pub(super) fn methods(net: &Net, memory: Memory) -> Vec<Option<ConvMethod>> {
    let own: usize = net.params().iter().map(|(_, spec)| spec.len() * size_of::<f32>()).sum();
    let budget = match memory {
        Memory::Speed => usize::MAX,
        Memory::Balanced => own + Memory::ALLOWANCE,
        Memory::Low => 0,
    };
    let choices: Vec<(usize, Vec<MethodCost>)> = choices(net).collect();
    let (chosen, extra) = spend(net.nodes().len(), &choices, budget, WeightSource::Cache);
    if own + extra <= CACHED {
        return chosen;
    }
    spend(net.nodes().len(), &choices, budget, WeightSource::Memory).0
}

/// The methods of `nodes` nodes within a budget of bytes beyond those of the definition, and what of it is spent.
fn spend(
    nodes: usize,
    choices: &[(usize, Vec<MethodCost>)],
    budget: usize,
    weights: WeightSource,
) -> (Vec<Option<ConvMethod>>, usize) {
    let mut chosen = vec![None; nodes];
    let mut upgrades: Vec<Upgrade> = Vec::new();
    for (node, costs) in choices {
        chosen[*node] = Some(ConvMethod::Direct);
        let Some((direct, others)) = costs.split_first() else { continue };
        upgrades.extend(others.iter().map(|to| Upgrade {
            node: *node,
            method: to.method,
            time: to.time(weights),
            gain: (direct.time(weights) - to.time(weights)) / (to.bytes - direct.bytes).max(1) as f64,
            extra: to.bytes - direct.bytes,
        }));
    }
    upgrades.retain(|upgrade| upgrade.gain > 0.0);
    // The most time per byte first; a second upgrade of a node replaces the first where it is faster still.
    upgrades.sort_by(|a, b| b.gain.total_cmp(&a.gain));
    let mut spent: usize = 0;
    let mut taken: Vec<Option<(f64, usize)>> = vec![None; nodes];
    for upgrade in upgrades {
        let (time, extra) = taken[upgrade.node].unwrap_or((f64::INFINITY, 0));
        let after = spent - extra + upgrade.extra;
        if upgrade.time < time && after <= budget {
            spent = after;
            taken[upgrade.node] = Some((upgrade.time, upgrade.extra));
            chosen[upgrade.node] = Some(upgrade.method);
        }
    }
    (chosen, spent)
}

/// A faster method for a node.
struct Upgrade {
    node: usize,
    method: ConvMethod,
    time: f64,
    /// Time saved per byte.
    gain: f64,
    /// Bytes beyond those of the definition.
    extra: usize,
}

/// The dense convolutions and what their methods cost.
fn choices(net: &Net) -> impl Iterator<Item = (usize, Vec<MethodCost>)> {
    net.nodes().iter().enumerate().filter_map(|(i, node)| match node.op {
        Op::Conv2d { geometry, .. } => {
            let input = net.nodes()[node.args[0]].shape;
            Some((i, Conv2dKernel::costs(geometry, input, node.shape.c)))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Builder, Result, Shape, conv};

    fn net() -> Result<Net> {
        let mut b = Builder::new();
        let mut x = b.input("x", Shape::new(64, 64, 64));
        for (i, (channels, stride)) in [(64, 1), (512, 4), (512, 1), (512, 1)].into_iter().enumerate() {
            x = b.conv2d(&i.to_string(), x, conv(channels, 3, stride, 1))?;
        }
        b.output("y", x)?;
        Ok(b.finish())
    }

    #[test]
    fn memory_is_spent_where_it_saves_most_time() -> Result<()> {
        use ConvMethod::{Direct, Winograd2, Winograd4};
        let net = net()?;
        let of = |memory| methods(&net, memory)[1..].iter().map(|m| m.unwrap_or(Direct)).collect::<Vec<_>>();
        assert_eq!(of(Memory::Speed), [Winograd4, Direct, Winograd2, Winograd2]);
        assert_eq!(of(Memory::Low), [Direct; 4]);
        // 20 MB of own weights, and 32: the last two want 7 MB each.
        assert_eq!(of(Memory::Balanced), of(Memory::Speed));
        let costs: Vec<_> = choices(&net).collect();
        // Room for the first and one of the last.
        let (tight, spent) = spend(net.nodes().len(), &costs, 9 << 20, WeightSource::Memory);
        assert_eq!(tight.iter().flatten().filter(|m| **m == Winograd2).count(), 1);
        assert!(tight.contains(&Some(Winograd4)) && spent <= 9 << 20, "{tight:?} {spent}");
        Ok(())
    }
}
