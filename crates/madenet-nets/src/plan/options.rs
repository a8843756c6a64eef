use madenet_kernels::Isa;

/// What a [`Plan`](crate::Plan) is made for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PlanOptions {
    /// The instruction set, by default the fastest there is.
    pub isa: Isa,
    /// How much memory speed may cost.
    pub memory: Memory,
}

/// How much memory speed may cost: Winograd's methods for 3x3 convolutions have weights 1.8 or 4 times as large as the
/// network's own.
///
/// Every convolution starts with the definition. Methods with a lower estimate of time
/// ([`MethodCost`](madenet_kernels::blocked::MethodCost)) then replace it, those first that save most time per byte that their
/// weights are larger, as long as the setting allows. Estimates come from the sizes of layers, and from whether all weights
/// together are more than a third-level cache of 32 MB holds; so the choice is the same on every processor.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Memory {
    /// As much as the fastest methods take.
    Speed,
    /// Packed weights of at most twice the network's own and [32 MB](Self::ALLOWANCE), spent where a byte saves most time.
    #[default]
    Balanced,
    /// Nothing: packed weights are as large as the network's own, up to lanes that channels do not fill.
    Low,
}

impl Memory {
    /// Bytes that [`Memory::Balanced`] allows beside twice the weights, so that small networks have no limit: with it, the
    /// peak of every network of `benches/peers/networks.py` stays below that of the runtimes compared there.
    pub const ALLOWANCE: usize = 32 << 20;
}
