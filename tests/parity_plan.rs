//! `Plan` against PyTorch: the proof networks in evaluation, and the backbones against torchvision and timm.

use madenet_nets::{Builder, EfficientNet, HrNet, Interpolation, Plan, ResNet, Shape, Summary, Val};
use madenet_testing::{
    assert_close, damped_formula_params, fixture, formula_input, formula_params, proofs, sampled,
};

/// Largest error relative to the largest output. Sums of a few thousand f32 products in another order, with BatchNorm
/// folded into the weights, differ by a few 1e-7 per layer.
const PROOF_TOLERANCE: f64 = 1e-5;
/// As above for trunks of up to 150 layers.
const BACKBONE_TOLERANCE: f64 = 1e-4;

type TestResult = Result<(), Box<dyn std::error::Error>>;

#[test]
fn proof_networks_equal_pytorch() -> TestResult {
    for proof in proofs() {
        let fixture = proof.fixture();
        let plan = Plan::new(&proof.net, &proof.params())?;
        let inputs = proof.inputs();
        let slices: Vec<&[f32]> = inputs.iter().map(|i| i.values.as_slice()).collect();
        let mut workspace = plan.workspace();
        // Twice: what the first run left in the workspace must not matter.
        for _ in 0..2 {
            let outputs = plan.run(&slices, &mut workspace)?;
            for (name, _, values) in outputs.iter() {
                let key = format!("eval.{name}");
                let expected = fixture.get(&key).ok_or(key.clone())?;
                assert_close(&format!("{} {key}", proof.name), values, expected.values(), PROOF_TOLERANCE);
            }
        }
    }
    Ok(())
}

#[test]
fn backbones_equal_torchvision() -> TestResult {
    for resnet in ResNet::ALL {
        let mut b = Builder::new();
        let image = b.input("image", Shape::new(3, 64, 64));
        let layers = ["layer1", "layer2", "layer3", "layer4"];
        for tap in resnet.features(&mut b, image, &layers)? {
            b.output(tap.name, tap.val)?;
        }
        let net = b.finish();
        let plan = Plan::new(&net, &formula_params(&net))?;
        let mut workspace = plan.workspace();
        let outputs = plan.run(&[&formula_input("image", 2 * 3 * 64 * 64)], &mut workspace)?;
        let fixture = fixture(&format!("backbone_{}", resnet.name()));
        for (name, _, values) in outputs.iter() {
            let what = format!("{} {name}", resnet.name());
            let expected = fixture.get(name).ok_or(what.clone())?;
            assert_close(&what, &sampled(values), expected.values(), BACKBONE_TOLERANCE);
        }
        println!("{}: workspace {} KiB an image", resnet.name(), plan.workspace_bytes(1) / 1024);
    }
    Ok(())
}

/// The sides of the oblong image are odd and even in turns all the way down, which TensorFlow's padding tells apart. The maps
/// of HRNet grow to 1e9 without the gain.
#[test]
fn backbones_equal_timm() -> TestResult {
    let cases = [
        ("hrnet_w18", (64, 64), 0.5),
        ("hrnet_w18_bilinear", (64, 64), 0.5),
        ("hrnet_w32", (64, 64), 0.5),
        ("hrnet_w18_small", (64, 64), 0.5),
        ("hrnet_w18_small_v2", (64, 64), 0.5),
        ("efficientnet_b0", (64, 64), 1.0),
        ("efficientnet_b4", (64, 64), 1.0),
        ("tf_efficientnet_b0", (75, 94), 1.0),
    ];
    for (case, (h, w), gain) in cases {
        let mut b = Builder::new();
        let image = b.input("image", Shape::new(3, h, w));
        timm_network(&mut b, image, case)?;
        let net = b.finish();
        let plan = Plan::new(&net, &damped_formula_params(&net, gain))?;
        let mut workspace = plan.workspace();
        let outputs = plan.run(&[&formula_input("image", 2 * 3 * h * w)], &mut workspace)?;
        let fixture = fixture(&format!("backbone_{case}"));
        for (name, _, values) in outputs.iter() {
            let what = format!("{case} {name}");
            let expected = fixture.get(name).ok_or(what.clone())?;
            let got = if name == "logits" { values[..64].to_vec() } else { sampled(values) };
            assert_close(&what, &got, expected.values(), BACKBONE_TOLERANCE);
        }
    }
    Ok(())
}

/// Maps and logits of the network that timm calls `name`, as outputs. Its classifiers of HRNet have no bilinear upsampling.
fn timm_network(b: &mut Builder, image: Val, name: &str) -> Result<(), madenet_nets::Error> {
    let (taps, logits) = if let Some(name) = name.strip_suffix("_bilinear") {
        let upsampling = Interpolation::Bilinear { align_corners: false };
        (HrNet::from_name(name)?.features(b, image, upsampling)?.to_vec(), None)
    } else if let Ok(hrnet) = HrNet::from_name(name) {
        let taps = hrnet.features(b, image, Interpolation::Nearest)?;
        (taps.to_vec(), Some(hrnet.classifier(b, image, 1000)?))
    } else {
        let (net, weights) = EfficientNet::from_tag(name)?;
        let layers = ["blocks.0", "blocks.1", "blocks.2", "blocks.4", "blocks.6"];
        (net.features(b, image, weights, &layers)?, Some(net.classifier(b, image, weights, 1000)?))
    };
    for tap in taps {
        b.output(tap.name, tap.val)?;
    }
    logits.map_or(Ok(()), |logits| b.output("logits", logits))
}

/// PyTorch has a gradient for every trained value, and running statistics for the rest.
#[test]
fn summaries_count_what_pytorch_has() -> TestResult {
    for proof in proofs() {
        let fixture = proof.fixture();
        let values = |prefix: &str| {
            let tensors = fixture.iter().filter(|(name, _)| name.starts_with(prefix));
            tensors.map(|(_, p)| p.values().len()).sum::<usize>()
        };
        let summary = Summary::new(&proof.net);
        assert_eq!(
            (summary.parameters, summary.buffers),
            (values("grad."), values("running.")),
            "{}",
            proof.name
        );
        assert!(summary.multiply_adds > 0 && summary.peak_activations <= summary.activations);
    }
    Ok(())
}

/// Samples do not see each other, and threads do not change a bit.
#[test]
fn batches_and_threads_do_not_matter() -> TestResult {
    for proof in proofs() {
        let plan = Plan::new(&proof.net, &proof.params())?;
        let inputs = proof.inputs();
        let slices: Vec<&[f32]> = inputs.iter().map(|i| i.values.as_slice()).collect();
        let run = |threads: usize, slices: &[&[f32]]| -> Result<Vec<Vec<f32>>, Box<dyn std::error::Error>> {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
            let mut workspace = plan.workspace();
            let outputs = pool.install(|| plan.run(slices, &mut workspace))?;
            Ok(outputs.iter().map(|(_, _, values)| values.to_vec()).collect())
        };
        let whole = run(1, &slices)?;
        assert_eq!(run(2, &slices)?, whole, "{}: one and two threads", proof.name);
        let firsts: Vec<&[f32]> = slices.iter().map(|s| &s[..s.len() / proof.batch]).collect();
        for (first, whole) in run(2, &firsts)?.iter().zip(&whole) {
            // Where batches are joined, samples of a smaller batch lie elsewhere.
            if proof.name != "discriminator" {
                assert_eq!(first[..], whole[..first.len()], "{}: the first sample alone", proof.name);
            }
        }
    }
    Ok(())
}
