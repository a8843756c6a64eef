//! From fused nodes to jobs: which kernel runs on which values, in which layout.
//!
//! Values are blocked by channels wherever a blocked kernel exists, planar at the network's inputs and outputs and around the
//! few operations that have none. A value gets its other form by a job of its own, once. What border of zeros a blocked value
//! stores is what its readers need most.

use madenet_kernels::blocked::{ConvMethod, Layout, Tuning};
use madenet_kernels::{Padding, Shape};

use super::fuse::{Fused, fuse, source};
use super::kernel::Kernel;
use super::methods::methods;
use super::options::PlanOptions;
use super::weights::Weights;
use crate::net::{Net, NodeId, Op};
use crate::{Error, Result};

/// Place of a value in [`Draft::values`].
pub(super) type ValueId = usize;

/// How a value's samples lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// Sample, channel, row, column.
    Planar,
    /// By blocks of channels, with a border.
    Blocked,
}

/// Where a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Home {
    /// In the caller's memory: input of this place.
    Input(usize),
    /// In memory of its own.
    Own,
    /// Within another value, from this block of channels on.
    Part(ValueId, usize),
}

/// A result between two jobs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    pub(super) layout: Layout,
    /// Samples of it per sample of the network's batch.
    pub(super) copies: usize,
    pub(super) form: Form,
    pub(super) home: Home,
}

/// A kernel with what it reads and writes.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) kernel: Kernel,
    pub(super) args: Vec<ValueId>,
    pub(super) out: ValueId,
    pub(super) path: String,
}

/// Jobs in order, and the values they share.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) jobs: Vec<Job>,
    pub(super) values: Vec<Value>,
    /// The planar value of every output of the network.
    pub(super) outputs: Vec<ValueId>,
}

/// The values that a node has so far.
#[derive(Clone, Copy, Default)]
struct Forms {
    planar: Option<ValueId>,
    blocked: Option<ValueId>,
}

impl Forms {
    fn of(&mut self, form: Form) -> &mut Option<ValueId> {
        match form {
            Form::Planar => &mut self.planar,
            Form::Blocked => &mut self.blocked,
        }
    }
}

/// Draws up the jobs of `net` with its weights, each of which is taken when it is packed.
pub(super) fn lower(net: &Net, weights: Weights<'_>, options: PlanOptions) -> Result<Draft> {
    let mut lowering = Lowering {
        net,
        weights,
        options,
        methods: methods(net, options.memory),
        draft: Draft::default(),
        forms: vec![Forms::default(); net.nodes().len()],
    };
    for (place, &(_, id)) in net.inputs().iter().enumerate() {
        let value = lowering.value(id, Form::Planar, Home::Input(place));
        lowering.forms[id].planar = Some(value);
    }
    for fused in fuse(net) {
        lowering.step(&fused)?;
    }
    for (_, id) in net.outputs() {
        let id = source(net, *id);
        if matches!(net.nodes()[id].op, Op::Input) {
            // An input that is passed on: in memory of its own, by way of its blocked form.
            lowering.form(id, Form::Blocked)?;
            lowering.forms[id].planar = None;
        }
        let value = lowering.form(id, Form::Planar)?;
        lowering.draft.outputs.push(value);
    }
    Ok(lowering.draft)
}

struct Lowering<'a> {
    net: &'a Net,
    weights: Weights<'a>,
    options: PlanOptions,
    methods: Vec<Option<ConvMethod>>,
    draft: Draft,
    forms: Vec<Forms>,
}

impl Lowering<'_> {
    fn value(&mut self, id: NodeId, form: Form, home: Home) -> ValueId {
        let node = &self.net.nodes()[id];
        let layout = Layout { shape: node.shape, border: Padding::default() };
        self.draft.values.push(Value { layout, copies: node.copies, form, home });
        self.draft.values.len() - 1
    }

    /// The value of node `id` in this form, made from the other where there is none.
    fn form(&mut self, id: NodeId, form: Form) -> Result<ValueId> {
        if let Some(value) = *self.forms[id].of(form) {
            return Ok(value);
        }
        let (other, kernel) = match form {
            Form::Planar => (Form::Blocked, Kernel::Unpack(self.options.isa)),
            Form::Blocked => (Form::Planar, Kernel::Pack(self.options.isa)),
        };
        let Some(from) = *self.forms[id].of(other) else {
            // Nodes are in order, so that an argument has a value by the time it is read.
            return Err(Error::Foreign { at: self.net.nodes()[id].path.clone() });
        };
        let value = self.value(id, form, Home::Own);
        let path = self.net.nodes()[id].path.clone();
        self.draft.jobs.push(Job { kernel, args: vec![from], out: value, path });
        *self.forms[id].of(form) = Some(value);
        Ok(value)
    }

    fn step(&mut self, fused: &Fused) -> Result<()> {
        let path = || self.net.nodes()[fused.head].path.clone();
        let reads_planar = fused.args.first().is_some_and(|&arg| self.forms[arg].blocked.is_none());
        let tuning = Tuning { isa: self.options.isa, method: self.methods[fused.head] };
        let kernel = Kernel::new(self.net, &mut self.weights, tuning, fused, reads_planar)
            .map_err(|source| Error::Kernel { at: path(), source })?;
        let args =
            fused.args.iter().map(|&arg| self.form(arg, kernel.reads())).collect::<Result<Vec<ValueId>>>()?;
        if let (Some(&x), Form::Blocked) = (args.first(), kernel.reads()) {
            let border = &mut self.draft.values[x].layout.border;
            *border = larger(*border, kernel.border());
        }
        let form = kernel.writes();
        let out = self.value(fused.result, form, Home::Own);
        *self.forms[fused.result].of(form) = Some(out);
        self.draft.jobs.push(Job { kernel, args, out, path: path() });
        Ok(())
    }
}

/// The border that holds both.
fn larger(a: Padding, b: Padding) -> Padding {
    Padding {
        top: a.top.max(b.top),
        left: a.left.max(b.left),
        bottom: a.bottom.max(b.bottom),
        right: a.right.max(b.right),
    }
}

impl Draft {
    /// Lets the parts of joined channels be written to their places in the whole where they are whole blocks, so that joining
    /// them costs nothing.
    pub(super) fn join_in_place(&mut self) {
        let jobs = std::mem::take(&mut self.jobs);
        for job in jobs {
            if !(matches!(job.kernel, Kernel::ConcatChannels(_)) && self.parts_fit(&job.args)) {
                self.jobs.push(job);
                continue;
            }
            let mut block = 0;
            for &part in &job.args {
                self.values[part].home = Home::Part(job.out, block);
                block += self.values[part].layout.blocks();
            }
        }
        // All values of a memory have one border.
        for id in 0..self.values.len() {
            let (root, _) = self.root(id);
            self.values[root].layout.border =
                larger(self.values[root].layout.border, self.values[id].layout.border);
        }
        for id in 0..self.values.len() {
            self.values[id].layout.border = self.values[self.root(id).0].layout.border;
        }
    }

    fn parts_fit(&self, parts: &[ValueId]) -> bool {
        let Some((last, whole)) = parts.split_last() else { return false };
        let whole_blocks = |&part: &ValueId| {
            self.values[part].layout.shape.c.is_multiple_of(madenet_kernels::blocked::LANES)
        };
        let free =
            |&part: &ValueId| self.values[part].home == Home::Own && self.values[part].form == Form::Blocked;
        let repeated = |(i, part): (usize, &ValueId)| parts[..i].contains(part);
        whole.iter().all(whole_blocks)
            && free(last)
            && whole.iter().all(free)
            && !parts.iter().enumerate().any(repeated)
    }

    /// The value whose memory this one is in, and from which block of channels on.
    pub(super) fn root(&self, mut id: ValueId) -> (ValueId, usize) {
        let mut block = 0;
        while let Home::Part(whole, at) = self.values[id].home {
            (id, block) = (whole, block + at);
        }
        (id, block)
    }
}

impl Value {
    /// Blocks of memory per sample of the network's batch.
    pub(super) fn blocks(&self) -> usize {
        match self.form {
            Form::Planar => (self.layout.shape.len() * self.copies).div_ceil(madenet_kernels::blocked::LANES),
            Form::Blocked => self.layout.len(self.copies),
        }
    }
}

/// The shape that node `id`'s first argument has, or its own without one.
pub(super) fn input_shape(net: &Net, id: NodeId) -> Shape {
    let node = &net.nodes()[id];
    node.args.first().map_or(node.shape, |&arg| net.nodes()[arg].shape)
}

/// Whether a convolution keeps all channels apart.
pub(super) fn is_depthwise(net: &Net, id: NodeId) -> bool {
    let node = &net.nodes()[id];
    match &node.op {
        Op::Conv2d { geometry, .. } => {
            let inputs = input_shape(net, id).c;
            geometry.groups == inputs && node.shape.c == inputs && inputs > 1
        }
        _ => false,
    }
}
