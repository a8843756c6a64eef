//! Which methods the convolutions of a network are computed with, within its memory setting.

use madenet_kernels::blocked::{Conv2dKernel, ConvMethod, MethodCost};

use super::options::Memory;
use crate::net::{Net, Op};

/// The method of every node, where it has a choice.
pub(super) fn methods(net: &Net, memory: Memory) -> Vec<Option<ConvMethod>> {
    let mut chosen = vec![None; net.nodes().len()];
    let own: usize = net.params().iter().map(|(_, spec)| spec.len() * size_of::<f32>()).sum();
    let budget = match memory {
        Memory::Speed => usize::MAX,
        Memory::Balanced => own + Memory::ALLOWANCE,
        Memory::Low => 0,
    };
    let mut upgrades: Vec<Upgrade> = Vec::new();
    for (node, costs) in choices(net) {
        chosen[node] = Some(ConvMethod::Direct);
        let Some((direct, others)) = costs.split_first() else { continue };
        upgrades.extend(others.iter().filter(|to| to.time < direct.time).map(|&to| Upgrade {
            node,
            to,
            gain: (direct.time - to.time) / (to.bytes - direct.bytes).max(1) as f64,
            extra: to.bytes - direct.bytes,
            time: to.time,
        }));
    }
    // The most time per byte first; a second upgrade of a node replaces the first where it is faster still.
    upgrades.sort_by(|a, b| b.gain.total_cmp(&a.gain));
    let mut spent: usize = 0;
    let mut taken: Vec<Option<(f64, usize)>> = vec![None; net.nodes().len()];
    for upgrade in upgrades {
        let (time, extra) = taken[upgrade.node].unwrap_or((f64::INFINITY, 0));
        let after = spent - extra + upgrade.extra;
        if upgrade.time < time && after <= budget {
            spent = after;
            taken[upgrade.node] = Some((upgrade.time, upgrade.extra));
            chosen[upgrade.node] = Some(upgrade.to.method);
        }
    }
    chosen
}

/// A faster method for a node.
struct Upgrade {
    node: usize,
    to: MethodCost,
    /// Time saved per byte.
    gain: f64,
    /// Bytes beyond those of the definition.
    extra: usize,
    time: f64,
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
        assert_eq!(of(Memory::Speed), [Winograd4, Direct, Winograd4, Winograd4]);
        assert_eq!(of(Memory::Low), [Direct; 4]);
        // 20 MB of own weights: a budget of 53 MB, of which F(4x4) would take 28 for each of the last two.
        let balanced = of(Memory::Balanced);
        assert_eq!(balanced[..2], [Winograd4, Direct]);
        assert!(
            balanced[2..].iter().all(|m| *m != Direct) && balanced[2..].contains(&Winograd2),
            "{balanced:?}"
        );
        Ok(())
    }
}
