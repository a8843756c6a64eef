//! The proof networks: small ones that together use the operations of the real ones.
//!
//! `tests/fixtures/generate.py` writes the same networks in PyTorch, with the same parameter names. Sizes are odd or differ
//! between height and width wherever an interpreter could confuse them.

use madenet_nets::{
    Activation, Builder, ConvSpec, ConvTranspose2d, Interpolation, Net, Padding, Pool2d, Result, Shape, Val,
    conv, conv_transpose,
};

/// A ResNet in small: stem with a padded max pool, two basic blocks, the second with a strided shortcut, an average pool
/// whose windows overlap, dropout on the pooled vector and a linear head. Input `image` 3x33x29; outputs `layer1` 8x9x8,
/// `layer2` 12x5x4 and `logits` 10x1x1.
#[must_use]
pub fn toy_resnet() -> Net {
    record(|b| {
        let x = b.input("image", Shape::new(3, 33, 29));
        let x = b.conv2d("conv1", x, conv(8, 7, 2, 3))?;
        let x = b.batch_norm("bn1", x)?;
        let x = b.relu(x)?;
        let x = b.max_pool2d(x, Pool2d::new(3, 2, 1))?;
        let layer1 = b.scope("layer1.0", |b| basic_block(b, x, 8, 1))?;
        let layer2 = b.scope("layer2.0", |b| basic_block(b, layer1, 12, 2))?;
        let x = b.avg_pool2d(layer2, Pool2d::new(3, 2, 1), true)?;
        let x = b.global_avg_pool(x)?;
        let x = b.dropout("drop", x, 0.4)?;
        let logits = b.conv2d("fc", x, conv(10, 1, 1, 0).with_bias())?;
        b.output("layer1", layer1)?;
        b.output("layer2", layer2)?;
        b.output("logits", logits)
    })
}

/// Two branches of HRNet and their fusion in both directions. Inputs `high_in` 6x16x12 and `low_in` 10x8x6; outputs `high`
/// (6x16x12, behind a dilated convolution), `low` (10x8x6) and `upsampled`, the latter by nearest neighbours to 10x20x9,
/// factors that are not whole. `low` is read twice, so its gradients must add up.
#[must_use]
pub fn hrnet_fusion() -> Net {
    record(|b| {
        let high = b.input("high_in", Shape::new(6, 16, 12));
        let low = b.input("low_in", Shape::new(10, 8, 6));
        let high = b.scope("branches.0.0", |b| basic_block(b, high, 6, 1))?;
        let low = b.scope("branches.1.0", |b| basic_block(b, low, 10, 1))?;
        let up = b.scope("fuse_layers.0.1", |b| {
            let up = b.conv2d("0", low, conv(6, 1, 1, 0))?;
            let up = b.batch_norm("1", up)?;
            b.interpolate(up, (16, 12), Interpolation::Bilinear { align_corners: false })
        })?;
        let down = b.scope("fuse_layers.1.0.0", |b| {
            let down = b.conv2d("0", high, conv(10, 3, 2, 1))?;
            b.batch_norm("1", down)
        })?;
        let high = b.add(high, up)?;
        let high = b.relu(high)?;
        let low = b.add(down, low)?;
        let low = b.relu(low)?;
        let high = b.conv2d("context", high, conv(6, 3, 1, 2).dilation(2))?;
        let upsampled = b.interpolate(low, (20, 9), Interpolation::Nearest)?;
        b.output("high", high)?;
        b.output("low", low)?;
        b.output("upsampled", upsampled)
    })
}

/// A U-Net on a reconstruction and its image, with skips across two levels; one level up is a sum of two transposed
/// convolutions, one of them grouped with output padding, the other level is bilinear with aligned corners. Inputs
/// `reconstruction` and `image` 3x16x24; output `logits` 2x16x24.
#[must_use]
pub fn unet6() -> Net {
    record(|b| {
        let reconstruction = b.input("reconstruction", Shape::new(3, 16, 24));
        let image = b.input("image", Shape::new(3, 16, 24));
        let x = b.concat(&[reconstruction, image])?;
        let enc1 = conv_bn(b, "enc1", x, 8)?;
        let enc1 = b.relu(enc1)?;
        let x = b.max_pool2d(enc1, Pool2d::new(2, 2, 0))?;
        let enc2 = conv_bn(b, "enc2", x, 12)?;
        let enc2 = b.relu(enc2)?;
        let x = b.max_pool2d(enc2, Pool2d::new(2, 2, 0))?;
        let x = conv_bn(b, "mid", x, 12)?;
        let mid = b.leaky_relu(x, 0.2)?;

        let plain = b.conv_transpose2d("up2", mid, conv_transpose(12, 4, 2, 1).with_bias())?;
        let grouped = ConvTranspose2d { output_padding: (1, 1), groups: 4, ..ConvTranspose2d::new(3, 2, 1) };
        let grouped =
            b.conv_transpose2d("up2_grouped", mid, conv_transpose(12, 3, 2, 1).geometry(grouped))?;
        let up = b.add(plain, grouped)?;
        let x = b.concat(&[up, enc2])?;
        let x = conv_bn(b, "dec2", x, 12)?;
        let x = b.relu(x)?;
        let up = b.interpolate(x, (16, 24), Interpolation::Bilinear { align_corners: true })?;
        let x = b.concat(&[up, enc1])?;
        let x = conv_bn(b, "dec1", x, 8)?;
        let x = b.relu(x)?;
        let logits = b.conv2d("head", x, conv(2, 3, 1, 1).with_bias())?;
        b.output("logits", logits)
    })
}

/// Two blocks of EfficientNet with TensorFlow's constants, names as in timm. The first is strided and pads by TensorFlow's
/// "same" rule, 2 and 2 rows but 1 and 2 columns; the second has an identity shortcut with drop-path. Input `image` 8x9x12;
/// output `features` 10x5x6.
#[must_use]
pub fn mbconv() -> Net {
    record(|b| {
        let x = b.input("image", Shape::new(8, 9, 12));
        let same = Padding { top: 2, left: 1, bottom: 2, right: 2 };
        let depthwise = conv(24, 5, 2, 0).padding(same).groups(24);
        let x = b.scope("blocks.0.0", |b| inverted_residual(b, x, 24, depthwise, 10))?;
        let x = b.scope("blocks.0.1", |b| {
            let y = inverted_residual(b, x, 30, conv(30, 3, 1, 1).groups(30), 10)?;
            let y = b.drop_path("drop_path", y, 0.3)?;
            b.add(y, x)
        })?;
        b.output("features", x)
    })
}

/// A feature adaptor and a discriminator that sees features and noisy features in one batch. Inputs `features` and `noise`
/// 12x1x1; outputs `normality` 1x1x1 of twice as many samples, and `held` 12x1x1, the noisy features plus the plain ones
/// through which no gradient flows.
#[must_use]
pub fn discriminator() -> Net {
    record(|b| {
        let features = b.input("features", Shape::new(12, 1, 1));
        let noise = b.input("noise", Shape::new(12, 1, 1));
        let q = b.conv2d("adaptor", features, conv(12, 1, 1, 0).with_bias())?;
        let noisy = b.add(q, noise)?;
        let x = b.concat_batch(&[q, noisy])?;
        let x = b.conv2d("fc1", x, conv(16, 1, 1, 0).with_bias())?;
        let x = b.batch_norm("bn", x)?;
        let x = b.leaky_relu(x, 0.2)?;
        let normality = b.conv2d("fc2", x, conv(1, 1, 1, 0))?;
        let fixed = b.detach(q)?;
        let held = b.add(noisy, fixed)?;
        b.output("normality", normality)?;
        b.output("held", held)
    })
}

/// The operations, and settings of them, that no proof network has, each an output of its own: neighbourhoods, channel
/// pools of equal and unequal groups, nearest neighbours by whole factors and by others, bilinear to one row, oblong and
/// asymmetric windows, products, the input itself. Input `x` 6x7x10. Without a fixture: for exports, which are held against
/// `Plan`.
#[must_use]
pub fn patchwork() -> Net {
    record(|b| {
        let x = b.input("x", Shape::new(6, 7, 10));
        b.output("x_itself", x)?;
        let neighbours = b.unfold(x, 3)?;
        b.output("neighbours", neighbours)?;
        for (name, channels) in [("equal_groups", 18), ("unequal_groups", 7), ("more_channels", 60)] {
            let pooled = b.pool_channels(neighbours, channels)?;
            b.output(name, pooled)?;
        }
        let bilinear = |align_corners| Interpolation::Bilinear { align_corners };
        let resized = [
            ("whole_factors", (14, 30), Interpolation::Nearest),
            ("other_factors", (9, 4), Interpolation::Nearest),
            ("half_pixels", (12, 4), bilinear(false)),
            ("one_row", (1, 13), bilinear(true)),
        ];
        for (name, size, mode) in resized {
            let resized = b.interpolate(x, size, mode)?;
            b.output(name, resized)?;
        }
        let padding = Padding { top: 1, left: 0, bottom: 2, right: 1 };
        let windows = Pool2d { kernel: (3, 2), stride: 2, padding };
        let largest = b.max_pool2d(x, windows)?;
        b.output("largest", largest)?;
        for (name, count_include_pad) in [("mean_with_zeros", true), ("mean_without", false)] {
            let mean = b.avg_pool2d(x, windows, count_include_pad)?;
            b.output(name, mean)?;
        }
        let oblong = conv(4, 3, 2, 0).kernel(3, 2).padding(padding).dilation(2).groups(2).with_bias();
        let y = b.conv2d("oblong", x, oblong)?;
        b.output("oblong", y)?;
        let geometry = ConvTranspose2d {
            kernel: (3, 4),
            padding: Padding { top: 1, left: 2, bottom: 0, right: 1 },
            dilation: 2,
            output_padding: (0, 1),
            ..ConvTranspose2d::new(3, 2, 0)
        };
        let y = b.conv_transpose2d("spread", y, conv_transpose(5, 3, 2, 0).geometry(geometry))?;
        b.output("spread", y)?;
        let gate = b.sigmoid(x)?;
        let product = b.multiply(x, gate)?;
        let same = b.activation(product, Activation::Identity)?;
        b.output("product", product)?;
        b.output("same", same)?;
        b.output("same_again", same)
    })
}

fn record(network: impl FnOnce(&mut Builder) -> Result<()>) -> Net {
    let mut b = Builder::new();
    match network(&mut b) {
        Ok(()) => b.finish(),
        Err(error) => panic!("a proof network does not record: {error}"),
    }
}

fn basic_block(b: &mut Builder, x: Val, out: usize, stride: usize) -> Result<Val> {
    let y = b.conv2d("conv1", x, conv(out, 3, stride, 1))?;
    let y = b.batch_norm("bn1", y)?;
    let y = b.relu(y)?;
    let y = b.conv2d("conv2", y, conv(out, 3, 1, 1))?;
    let y = b.batch_norm("bn2", y)?;
    let shortcut = if stride == 1 {
        x
    } else {
        let s = b.conv2d("downsample.0", x, conv(out, 1, stride, 0))?;
        b.batch_norm("downsample.1", s)?
    };
    let y = b.add(y, shortcut)?;
    b.relu(y)
}

fn conv_bn(b: &mut Builder, name: &str, x: Val, out: usize) -> Result<Val> {
    b.scope(name, |b| {
        let y = b.conv2d("0", x, conv(out, 3, 1, 1).with_bias())?;
        b.batch_norm("1", y)
    })
}

fn inverted_residual(
    b: &mut Builder,
    x: Val,
    expanded: usize,
    depthwise: ConvSpec,
    out: usize,
) -> Result<Val> {
    let norm = |b: &mut Builder, name: &str, x: Val| b.batch_norm_with(name, x, 1e-3, 0.01);
    let y = b.conv2d("conv_pw", x, conv(expanded, 1, 1, 0))?;
    let y = norm(b, "bn1", y)?;
    let y = b.silu(y)?;
    let y = b.conv2d("conv_dw", y, depthwise)?;
    let y = norm(b, "bn2", y)?;
    let y = b.silu(y)?;
    let y = b.scope("se", |b| {
        let gate = b.global_avg_pool(y)?;
        let gate = b.conv2d("conv_reduce", gate, conv(4, 1, 1, 0).with_bias())?;
        let gate = b.silu(gate)?;
        let gate = b.conv2d("conv_expand", gate, conv(expanded, 1, 1, 0).with_bias())?;
        let gate = b.sigmoid(gate)?;
        b.multiply(y, gate)
    })?;
    let y = b.conv2d("conv_pwl", y, conv(out, 1, 1, 0))?;
    norm(b, "bn3", y)
}
