use super::*;
use crate::{Net, Op, Shape, Summary};

fn classifier(net: EfficientNet, side: usize, classes: usize) -> Result<Net> {
    let mut b = Builder::new();
    let x = b.input("image", Shape::new(3, side, side));
    let logits = net.classifier(&mut b, x, EfficientNetWeights::TensorFlow, classes)?;
    b.output("logits", logits)?;
    Ok(b.finish())
}

/// Parameters and running statistics of timm's networks with 1000 classes.
#[test]
fn parameter_counts_are_timms() -> Result<()> {
    let counts = [
        (5_288_548, 42_016),
        (7_794_184, 62_048),
        (9_109_994, 67_568),
        (12_233_232, 87_296),
        (19_341_616, 125_200),
        (30_389_784, 172_736),
        (43_040_704, 224_432),
        (66_347_960, 310_720),
    ];
    for (net, expected) in EfficientNet::ALL.into_iter().zip(counts) {
        let summary = Summary::new(&classifier(net, 64, 1000)?);
        assert_eq!((summary.parameters, summary.buffers), expected, "{}", net.name());
    }
    assert_eq!(Summary::new(&classifier(EfficientNet::B4, 64, 11)?).parameters, 17_568_339);
    Ok(())
}

/// Table 2 of the paper, in G, which counts no more than two digits.
#[test]
fn multiply_adds_are_the_papers() -> Result<()> {
    let published = [(EfficientNet::B0, 0.39), (EfficientNet::B1, 0.70), (EfficientNet::B4, 4.2)];
    for (net, giga) in published {
        let got = Summary::new(&classifier(net, net.resolution(), 1000)?).multiply_adds as f64 / 1e9;
        assert!((got / giga - 1.0).abs() < 0.08, "{}: {got}", net.name());
    }
    Ok(())
}

#[test]
fn b4_is_as_wide_and_deep_as_its_table() {
    let b4 = EfficientNet::B4;
    let stages = STAGES.each_ref().map(|s| (b4.blocks(s), b4.width(s.out)));
    assert_eq!(stages, [(2, 24), (4, 32), (4, 56), (6, 112), (6, 160), (8, 272), (2, 448)]);
    assert_eq!((b4.width(STEM), b4.width(HEAD)), (48, 1792));
}

#[test]
fn taps_have_their_strides() -> Result<()> {
    let mut b = Builder::new();
    let x = b.input("image", Shape::new(3, 64, 96));
    let layers = ["blocks.6", "blocks.0", "blocks.1", "blocks.2", "blocks.4"];
    let taps = EfficientNet::B4.features(&mut b, x, EfficientNetWeights::PyTorch, &layers)?;
    let got: Vec<_> = taps.iter().map(|t| (t.name, t.channels, t.stride)).collect();
    assert_eq!(
        got,
        [
            ("blocks.6", 448, 32),
            ("blocks.0", 24, 2),
            ("blocks.1", 32, 4),
            ("blocks.2", 56, 8),
            ("blocks.4", 160, 16)
        ]
    );
    for tap in taps {
        assert_eq!(b.shape(tap.val)?, Shape::new(tap.channels, 64 / tap.stride, 96 / tap.stride));
    }
    let unknown = EfficientNet::B4.features(&mut b, x, EfficientNetWeights::PyTorch, &["blocks.7"]);
    assert!(matches!(unknown, Err(Error::Unknown { .. })));
    Ok(())
}

/// Stochastic depth grows with the place of the block among all; blocks without a shortcut cannot be skipped.
#[test]
fn later_blocks_are_skipped_more_often() -> Result<()> {
    let net = classifier(EfficientNet::B0, 32, 10)?;
    let rates = net.nodes().iter().filter_map(|node| match node.op {
        Op::DropPath { p } => Some((node.path.as_str(), (p * 80.0).round() / 80.0)),
        _ => None,
    });
    let expected = [
        ("blocks.1.1.drop_path", 2),
        ("blocks.2.1.drop_path", 4),
        ("blocks.3.1.drop_path", 6),
        ("blocks.3.2.drop_path", 7),
        ("blocks.4.1.drop_path", 9),
        ("blocks.4.2.drop_path", 10),
        ("blocks.5.1.drop_path", 12),
        ("blocks.5.2.drop_path", 13),
        ("blocks.5.3.drop_path", 14),
    ];
    assert_eq!(rates.collect::<Vec<_>>(), expected.map(|(path, index)| (path, index as f32 / 80.0)));
    Ok(())
}

#[test]
fn names_tags_and_weights_tell_the_network() -> Result<()> {
    use EfficientNetWeights::{PyTorch, TensorFlow};
    for net in EfficientNet::ALL {
        assert_eq!(EfficientNet::from_name(net.name())?, net);
        assert_eq!(EfficientNet::from_tag(net.name())?, (net, PyTorch));
        assert_eq!(EfficientNet::from_tag(&format!("tf_{}.ap_in1k", net.name()))?, (net, TensorFlow));
        assert_eq!(EfficientNet::from_tag(&format!("timm/{}.ra_in1k", net.name()))?, (net, PyTorch));
    }
    for tag in ["tf_efficientnetv2_b0", "efficientnet_b8", "", "a/b/", "tf_", "efficientnet_b0/tf_x"] {
        assert!(matches!(EfficientNet::from_tag(tag), Err(Error::Unknown { .. })), "{tag}");
    }
    for net in [EfficientNet::B0, EfficientNet::B1, EfficientNet::B2] {
        assert_eq!(EfficientNet::of_weights(&Params::init(&classifier(net, 32, 1)?, 0))?, net);
    }
    let mut params = Params::new();
    assert!(matches!(EfficientNet::of_weights(&params), Err(Error::MissingParam { .. })));
    params.insert("blocks.6.0.conv_pwl.weight", vec![1], vec![0.0])?;
    assert!(matches!(EfficientNet::of_weights(&params), Err(Error::ParamShape { .. })));
    Ok(())
}

/// An empty image is an error, whatever the padding.
#[test]
fn images_without_pixels_are_refused() {
    for weights in [EfficientNetWeights::PyTorch, EfficientNetWeights::TensorFlow] {
        let mut b = Builder::new();
        let x = b.input("image", Shape::new(3, 0, 0));
        let taps = EfficientNet::B0.features(&mut b, x, weights, &["blocks.0"]);
        assert!(matches!(taps, Err(Error::Shape { .. })), "{weights:?}: {taps:?}");
    }
}
