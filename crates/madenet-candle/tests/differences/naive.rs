//! Every operation by its definition, in double precision: the slowest interpreter.

use madenet_nets::{Activation, BatchNorm, Interpolation, Net, Node, Op, Pool2d};

/// Values `[n, c, h, w]`.
#[derive(Clone)]
pub(crate) struct Value {
    pub(crate) dims: [usize; 4],
    pub(crate) values: Vec<f64>,
}

impl Value {
    fn new(dims: [usize; 4], f: impl Fn(usize, usize, usize, usize) -> f64) -> Self {
        let [batch, channels, height, width] = dims;
        let mut values = Vec::with_capacity(dims.iter().product());
        for n in 0..batch {
            for c in 0..channels {
                for y in 0..height {
                    values.extend((0..width).map(|x| f(n, c, y, x)));
                }
            }
        }
        Value { dims, values }
    }

    fn at(&self, n: usize, c: usize, y: usize, x: usize) -> f64 {
        let [_, channels, height, width] = self.dims;
        self.values[((n * channels + c) * height + y) * width + x]
    }

    /// The value at a row and a column that were moved by paddings, if it is not beyond the borders.
    fn inside(&self, n: usize, c: usize, (y, top): (usize, usize), (x, left): (usize, usize)) -> Option<f64> {
        let (y, x) = (y.checked_sub(top)?, x.checked_sub(left)?);
        (y < self.dims[2] && x < self.dims[3]).then(|| self.at(n, c, y, x))
    }
}

/// The outputs of a network in training mode for inputs and parameters in its orders.
pub(crate) fn run(net: &Net, inputs: &[Value], params: &[Vec<f64>]) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    let mut inputs = inputs.iter().cloned();
    for node in net.nodes() {
        let args: Vec<&Value> = node.args.iter().map(|&arg| &values[arg]).collect();
        let value = if node.op == Op::Input { inputs.next().unwrap() } else { compute(node, &args, params) };
        values.push(value);
    }
    net.outputs().iter().map(|&(_, id)| values[id].clone()).collect()
}

fn compute(node: &Node, args: &[&Value], params: &[Vec<f64>]) -> Value {
    let a = args[0];
    let dims = [a.dims[0], node.shape.c, node.shape.h, node.shape.w];
    match &node.op {
        Op::Conv2d { geometry: g, weight, bias } => {
            let (kh, kw) = g.kernel;
            let (ins, outs) = (a.dims[1] / g.groups, dims[1] / g.groups);
            Value::new(dims, |n, o, y, x| {
                let mut sum = bias.map_or(0.0, |bias| params[bias][o]);
                for (i, ky, kx) in triples(ins, kh, kw) {
                    let row = (y * g.stride + ky * g.dilation, g.padding.top);
                    let column = (x * g.stride + kx * g.dilation, g.padding.left);
                    let value = a.inside(n, o / outs * ins + i, row, column).unwrap_or(0.0);
                    sum += value * params[*weight][((o * ins + i) * kh + ky) * kw + kx];
                }
                sum
            })
        }
        Op::ConvTranspose2d { geometry: g, weight, bias } => {
            let (kh, kw) = g.kernel;
            let (ins, outs) = (a.dims[1] / g.groups, dims[1] / g.groups);
            // The input place whose tap number `k` falls on this output place, if there is one.
            let source = |place: usize, pad: usize, k: usize| {
                let moved = (place + pad).checked_sub(k * g.dilation)?;
                moved.is_multiple_of(g.stride).then_some(moved / g.stride)
            };
            Value::new(dims, |n, o, y, x| {
                let mut sum = bias.map_or(0.0, |bias| params[bias][o]);
                for (i, ky, kx) in triples(ins, kh, kw) {
                    let i = o / outs * ins + i;
                    if let (Some(y), Some(x)) = (source(y, g.padding.top, ky), source(x, g.padding.left, kx))
                    {
                        let value = a.inside(n, i, (y, 0), (x, 0)).unwrap_or(0.0);
                        sum += value * params[*weight][((i * outs + o % outs) * kh + ky) * kw + kx];
                    }
                }
                sum
            })
        }
        Op::BatchNorm(norm) => batch_norm(a, norm, params),
        Op::Activation(activation) => {
            let f = |v: f64| match *activation {
                Activation::Identity => v,
                Activation::Relu => v.max(0.0),
                Activation::LeakyRelu(slope) => {
                    if v > 0.0 {
                        v
                    } else {
                        f64::from(slope) * v
                    }
                }
                Activation::Silu => v / (1.0 + (-v).exp()),
                Activation::Sigmoid => 1.0 / (1.0 + (-v).exp()),
            };
            Value::new(dims, |n, c, y, x| f(a.at(n, c, y, x)))
        }
        Op::Add => Value::new(dims, |n, c, y, x| a.at(n, c, y, x) + args[1].at(n, c, y, x)),
        Op::Multiply => {
            let is_gate = args[1].dims[2..] != dims[2..];
            Value::new(dims, |n, c, y, x| {
                a.at(n, c, y, x) * if is_gate { args[1].at(n, c, 0, 0) } else { args[1].at(n, c, y, x) }
            })
        }
        Op::ConcatChannels => Value::new(dims, |n, mut c, y, x| {
            let mut parts = args.iter();
            let mut part = parts.next().unwrap();
            while c >= part.dims[1] {
                c -= part.dims[1];
                part = parts.next().unwrap();
            }
            part.at(n, c, y, x)
        }),
        Op::ConcatBatch => Value {
            dims: [args.iter().map(|part| part.dims[0]).sum(), dims[1], dims[2], dims[3]],
            values: args.iter().flat_map(|part| part.values.iter().copied()).collect(),
        },
        Op::MaxPool2d(pool) => Value::new(dims, |n, c, y, x| {
            window(a, pool, (n, c, y, x)).fold(f64::NEG_INFINITY, |most, v| most.max(v.unwrap_or(most)))
        }),
        Op::AvgPool2d { geometry: pool, count_include_pad } => Value::new(dims, |n, c, y, x| {
            let inside: Vec<f64> = window(a, pool, (n, c, y, x)).flatten().collect();
            let count = if *count_include_pad { pool.kernel.0 * pool.kernel.1 } else { inside.len() };
            inside.iter().sum::<f64>() / count as f64
        }),
        Op::GlobalAvgPool => {
            let [_, _, h, w] = a.dims;
            Value::new(dims, |n, c, _, _| {
                triples(1, h, w).map(|(_, y, x)| a.at(n, c, y, x)).sum::<f64>() / (h * w) as f64
            })
        }
        Op::Interpolate(mode) => {
            let taps = |place: usize, from: usize, to: usize| taps(*mode, place, from, to);
            Value::new(dims, |n, c, y, x| {
                let rows = taps(y, a.dims[2], dims[2]);
                rows.iter()
                    .flat_map(|&(y, wy)| {
                        taps(x, a.dims[3], dims[3]).map(|(x, wx)| wy * wx * a.at(n, c, y, x))
                    })
                    .sum()
            })
        }
        Op::Unfold { kernel: k } => Value::new(dims, |n, c, y, x| {
            let (ky, kx) = (c / k % k, c % k);
            a.inside(n, c / (k * k), (y + ky, k / 2), (x + kx, k / 2)).unwrap_or(0.0)
        }),
        Op::PoolChannels => Value::new(dims, |n, i, y, x| {
            let range = i * a.dims[1] / dims[1]..((i + 1) * a.dims[1]).div_ceil(dims[1]);
            let count = range.len() as f64;
            range.map(|c| a.at(n, c, y, x)).sum::<f64>() / count
        }),
        Op::Input | Op::Dropout { .. } | Op::DropPath { .. } | Op::Detach => {
            panic!("{} has no derivative to be found by differences", node.op.name())
        }
    }
}

fn batch_norm(a: &Value, norm: &BatchNorm, params: &[Vec<f64>]) -> Value {
    let [batch, channels, h, w] = a.dims;
    let count = (batch * h * w) as f64;
    let mean = |c: usize, f: &dyn Fn(f64) -> f64| {
        triples(batch, h, w).map(|(n, y, x)| f(a.at(n, c, y, x))).sum::<f64>() / count
    };
    let moments: Vec<(f64, f64)> = (0..channels)
        .map(|c| {
            let middle = mean(c, &|v| v);
            (middle, mean(c, &|v| (v - middle).powi(2)))
        })
        .collect();
    Value::new(a.dims, |n, c, y, x| {
        let (mean, var) = moments[c];
        let unit = (a.at(n, c, y, x) - mean) / (var + f64::from(norm.eps)).sqrt();
        params[norm.scale][c] * unit + params[norm.shift][c]
    })
}

/// The values of a window, none for those in the padding.
fn window<'a>(
    a: &'a Value,
    pool: &'a Pool2d,
    (n, c, y, x): (usize, usize, usize, usize),
) -> impl Iterator<Item = Option<f64>> + 'a {
    triples(1, pool.kernel.0, pool.kernel.1).map(move |(_, ky, kx)| {
        a.inside(n, c, (y * pool.stride + ky, pool.padding.top), (x * pool.stride + kx, pool.padding.left))
    })
}

/// The two places of an axis that a resized one is made of, with their shares.
fn taps(mode: Interpolation, place: usize, from: usize, to: usize) -> [(usize, f64); 2] {
    let position = match mode {
        Interpolation::Nearest => (place * from / to) as f64,
        Interpolation::Bilinear { align_corners: false } => {
            ((place as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0)
        }
        Interpolation::Bilinear { align_corners: true } if to == 1 => 0.0,
        Interpolation::Bilinear { align_corners: true } => (place * (from - 1)) as f64 / (to - 1) as f64,
    };
    let low = position.floor();
    let high = (low as usize + 1).min(from - 1);
    [(low as usize, 1.0 - (position - low)), (high, position - low)]
}

fn triples(a: usize, b: usize, c: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..a).flat_map(move |i| (0..b).flat_map(move |j| (0..c).map(move |k| (i, j, k))))
}
