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
/// With weights given to [`Plan::consuming`](crate::Plan::consuming), a process that reads them, plans and runs an image of
/// 256x256 peaks, on an x86-64 machine with two threads, at 289 MB in `Balanced` and 137 MB in `Low` for HRNet-W32 (118 MB of
/// weights), at 248 MB and 116 MB for a WideResNet-50-2 up to its third layer (100 MB).
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
