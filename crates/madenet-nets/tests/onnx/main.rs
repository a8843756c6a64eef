//! The exported models, read by another reader. That runtimes agree on their results is checked by
//! `tests/fixtures/check_onnx.py`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod reader;

use std::collections::BTreeSet;

use madenet_nets::{
    Builder, Error, Interpolation, Net, OnnxModel, OnnxOptions, OnnxPixels, Params, Result, Shape, conv,
};
use madenet_testing::{formula_params, nets, proofs};
use reader::Model;

fn exported(net: &Net) -> Model {
    exported_with(net, &OnnxOptions::new("net"))
}

fn exported_with(net: &Net, options: &OnnxOptions) -> Model {
    let params = formula_params(net);
    let bytes = OnnxModel::new(net, &params, options).unwrap().to_bytes();
    assert_eq!(bytes, OnnxModel::new(net, &params, options).unwrap().to_bytes());
    let model = Model::read(&bytes);
    model.assert_sound();
    model
}

#[test]
fn every_operation_has_its_words() {
    let nets = proofs().into_iter().map(|p| p.net).chain([nets::patchwork()]);
    let mut operations = BTreeSet::new();
    let mut recorded = BTreeSet::new();
    for net in nets {
        let model = exported(&net);
        operations.extend(model.nodes.iter().map(|n| n.operation.clone()));
        recorded.extend(net.nodes().iter().map(|n| n.op.name()));
    }
    let expected = [
        "Add",
        "AveragePool",
        "BatchNormalization",
        "Concat",
        "Conv",
        "ConvTranspose",
        "Gather",
        "GlobalAveragePool",
        "Identity",
        "LeakyRelu",
        "MaxPool",
        "Mul",
        "ReduceMean",
        "Relu",
        "Reshape",
        "Resize",
        "Sigmoid",
    ];
    assert_eq!(operations.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    // 17 operations, of which the activations have five functions.
    assert_eq!(recorded.len(), 22, "{recorded:?}");
}

#[test]
fn parameters_keep_names_and_bits() {
    for proof in proofs() {
        let (model, params) = (exported(&proof.net), proof.params());
        for (name, spec) in proof.net.params() {
            let (sizes, values) = &model.floats[name];
            assert!(
                sizes.iter().eq(spec.shape.iter().map(|&s| s as u64).collect::<Vec<_>>().iter()),
                "{name}"
            );
            assert_eq!(values, params.get(name).unwrap().values(), "{name}");
        }
    }
}

#[test]
fn inputs_and_outputs_have_a_free_batch() {
    let model = exported(&nets::discriminator());
    assert_eq!((model.ir_version, model.opset, model.name.as_str()), (8, 18, "net"));
    assert_eq!(model.inputs, ["features N 12 1 1", "noise N 12 1 1"]);
    assert_eq!(model.outputs, ["normality N_times_2 1 1 1", "held N 12 1 1"]);
    assert_eq!(model.giving("concat_batch").attributes, ["axis 0"]);
}

#[test]
fn windows_have_the_padding_of_each_side() {
    let model = exported(&nets::patchwork());
    let windows = ["kernel_shape 3 2", "strides 2 2", "pads 1 0 2 1"];
    assert_eq!(model.giving("largest").attributes, windows);
    assert_eq!(model.giving("mean_with_zeros").attributes[..3], windows);
    assert_eq!(model.giving("mean_with_zeros").attributes[3], "count_include_pad 1");
    assert_eq!(model.giving("mean_without").attributes[3], "count_include_pad 0");

    let oblong = model.giving("oblong");
    assert_eq!(oblong.inputs, ["x", "oblong.weight", "oblong.bias"]);
    assert_eq!(oblong.attributes[..3], windows);
    assert_eq!(oblong.attributes[3..], ["dilations 2 2", "group 2"]);
    let spread = model.giving("spread");
    assert_eq!(
        spread.attributes,
        ["kernel_shape 3 4", "strides 2 2", "pads 1 2 0 1", "output_padding 0 1", "dilations 2 2", "group 1"]
    );
}

#[test]
fn resizing_names_pixels_where_factors_are_not_whole() {
    let model = exported(&nets::patchwork());
    let resize = model.giving("whole_factors");
    assert_eq!(model.integers[&resize.inputs[3]], [14, 30]);
    assert_eq!(
        resize.attributes,
        ["axes 2 3", "mode nearest", "coordinate_transformation_mode asymmetric", "nearest_mode floor"]
    );
    assert_eq!(
        model.giving("half_pixels").attributes,
        ["axes 2 3", "mode linear", "coordinate_transformation_mode half_pixel"]
    );
    assert_eq!(model.giving("one_row").attributes[2], "coordinate_transformation_mode align_corners");

    // 7 rows to 9 and 10 columns to 4: floor(i 7 / 9) and floor(i 10 / 4).
    let columns = model.giving("other_factors");
    let rows = model.giving(&columns.inputs[0]);
    assert_eq!((rows.attributes.concat(), columns.attributes.concat()), ("axis 2".into(), "axis 3".into()));
    assert_eq!(model.integers[&rows.inputs[1]], [0, 0, 1, 2, 3, 3, 4, 5, 6]);
    assert_eq!(model.integers[&columns.inputs[1]], [0, 2, 5, 7]);
}

#[test]
fn neighbourhoods_and_channel_pools_are_constants() {
    let model = exported(&nets::patchwork());
    let unfold = model.giving("neighbours");
    let (sizes, filters) = &model.floats[&unfold.inputs[1]];
    assert_eq!((sizes.as_slice(), unfold.attributes[4].as_str()), ([54, 1, 3, 3].as_slice(), "group 6"));
    // Filter 5 of a channel takes the place right of the middle.
    assert_eq!(filters[5 * 9..6 * 9], [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);

    let mean = model.giving("equal_groups");
    let groups = model.giving(&mean.inputs[0]);
    assert_eq!(model.integers[&groups.inputs[1]], [0, 18, 3, 7, 10]);
    assert_eq!(model.integers[&mean.inputs[1]], [2]);

    // 54 channels to 7: the second group is floor(54 / 7) = 7 up to ceil(108 / 7) = 16.
    let (_, shares) = &model.floats[&model.giving("unequal_groups").inputs[1]];
    let second: Vec<usize> = (0..54).filter(|c| shares[54 + c] != 0.0).collect();
    assert_eq!((second, shares[54 + 7]), ((7..16).collect(), 1.0 / 9.0));
}

#[test]
fn one_value_may_have_several_names_and_one_name_has_one_value() -> Result<()> {
    let model = exported(&nets::patchwork());
    assert_eq!(
        (model.giving("x_itself").operation.as_str(), &model.giving("x_itself").inputs),
        ("Identity", &vec!["x".to_string()])
    );
    assert_eq!(model.giving("same_again").inputs, ["same"]);

    // The second node has the path that the output of the first is called by.
    let mut b = Builder::new();
    let x = b.input("x", Shape::new(1, 2, 2));
    let first = b.conv2d("a", x, conv(1, 1, 1, 0))?;
    let second = b.conv2d("b", first, conv(1, 1, 1, 0))?;
    let third = b.conv2d("c", second, conv(1, 1, 1, 0))?;
    b.output("b", first)?;
    b.output("y", third)?;
    let model = exported(&b.finish());
    assert_eq!(model.giving("b").name, "a");
    assert_eq!((model.giving("b#2").name.as_str(), model.giving("y").inputs[0].as_str()), ("b", "b#2"));
    Ok(())
}

#[test]
fn pixels_are_normalised_in_the_model() {
    let pixels = OnnxPixels { white: 255.0, mean: vec![0.5, 0.25, 0.0], std: vec![0.5, 0.25, 1.0] };
    let options = OnnxOptions::new("toy").pixels("image", pixels).metadata("classes", "good,scratch");
    let model = exported_with(&nets::toy_resnet(), &options);
    let [sub, div, first, ..] = model.nodes.as_slice() else { panic!("three operations") };
    assert_eq!((sub.operation.as_str(), div.operation.as_str()), ("Sub", "Div"));
    assert_eq!(
        (sub.inputs[0].as_str(), &div.inputs[0], &first.inputs[0]),
        ("image", &sub.output, &div.output)
    );
    assert_eq!(model.floats[&sub.inputs[1]], (vec![1, 3, 1, 1], vec![127.5, 63.75, 0.0]));
    assert_eq!(model.floats[&div.inputs[1]], (vec![1, 3, 1, 1], vec![127.5, 63.75, 255.0]));
    let metadata: Vec<(&str, &str)> = model.metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let expected = [
        ("classes", "good,scratch"),
        ("image.mean", "0.5,0.25,0"),
        ("image.size", "3x33x29"),
        ("image.std", "0.5,0.25,1"),
        ("image.white", "255"),
        ("name", "toy"),
        ("version", env!("CARGO_PKG_VERSION")),
    ];
    assert_eq!(metadata, expected);
}

#[test]
fn files_are_written_whole_or_not_at_all() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("toy.onnx");
    std::fs::write(&path, "what was there before").unwrap();
    let (net, options) = (nets::toy_resnet(), OnnxOptions::default());
    let params = formula_params(&net);
    let model = OnnxModel::new(&net, &params, &options)?;
    model.write(&path)?;
    assert_eq!(std::fs::read(&path).unwrap(), model.to_bytes());
    assert_eq!(std::fs::metadata(&path).unwrap().len(), model.size());

    let error = model.write(folder.path().join("no/such/toy.onnx")).unwrap_err();
    assert!(matches!(&error, Error::Write { path, .. } if path.ends_with("no/such/toy.onnx")), "{error}");
    // A folder of the file's name: the rename fails, and nothing is left.
    std::fs::create_dir_all(folder.path().join("full.onnx/x")).unwrap();
    assert!(matches!(model.write(folder.path().join("full.onnx")), Err(Error::Write { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    Ok(())
}

#[test]
fn what_cannot_be_written_is_said() -> Result<()> {
    let net = nets::toy_resnet();
    let message = |params: &Params, options: OnnxOptions| {
        OnnxModel::new(&net, params, &options).unwrap_err().to_string()
    };
    let mut params = formula_params(&net);
    let good = OnnxPixels { white: 1.0, mean: vec![0.0; 3], std: vec![1.0; 3] };
    let options = |pixels: OnnxPixels| OnnxOptions::default().pixels("image", pixels);
    assert_eq!(
        message(&params, OnnxOptions::default().pixels("picture", good.clone())),
        "unknown input \"picture\", expected one of image"
    );
    for bad in [
        OnnxPixels { white: 0.0, ..good.clone() },
        OnnxPixels { mean: vec![0.0; 2], ..good.clone() },
        OnnxPixels { std: vec![1.0, 0.0, 1.0], ..good.clone() },
        OnnxPixels { mean: vec![f32::NAN; 3], ..good.clone() },
        OnnxPixels { white: 1e30, std: vec![1e30; 3], ..good },
    ] {
        let said = message(&params, options(bad));
        assert!(said.starts_with("image: ONNX needs 3 finite means and 3 positive deviations"), "{said}");
    }
    params.insert("fc.bias", vec![10], vec![f32::INFINITY; 10])?;
    assert_eq!(message(&params, OnnxOptions::default()), "fc.bias is not finite: value 0 is inf");
    params.remove("fc.bias");
    assert!(message(&params, OnnxOptions::default()).starts_with("the weights lack fc.bias"));
    Ok(())
}

#[test]
fn networks_that_onnx_has_no_words_for_are_errors() -> Result<()> {
    let refused =
        |net: &Net| OnnxModel::new(net, &Params::init(net, 1), &OnnxOptions::default()).unwrap_err();
    let recorded = |outputs: &[&str]| {
        let mut b = Builder::new();
        let x = b.input("x", Shape::new(1, 2, 2));
        let y = b.conv2d("a", x, conv(1, 1, 1, 0))?;
        outputs.iter().try_for_each(|output| b.output(output, y))?;
        Ok::<Net, Error>(b.finish())
    };
    assert_eq!(refused(&recorded(&[])?).to_string(), "the network: ONNX needs at least one output, got none");
    let said = "\"x\": ONNX needs inputs, outputs and parameters of different names, got two of this one";
    assert_eq!(refused(&recorded(&["x"])?).to_string(), said);
    for name in ["a.weight", ""] {
        let error = refused(&recorded(&[name])?);
        assert!(matches!(&error, Error::Onnx { what, .. } if *what == format!("{name:?}")), "{error}");
    }
    // 181^4 values of filters are 4.3 GB; they are never made.
    let mut b = Builder::new();
    let x = b.input("x", Shape::new(1, 2, 2));
    let y = b.unfold(x, 181)?;
    b.output("y", y)?;
    assert!(matches!(refused(&b.finish()), Error::OnnxTooLarge { bytes: 4_293_132_484, .. }));
    Ok(())
}

/// The place of an output pixel in the arithmetic of the kernel, for all sizes: what `Plan` takes is what is named.
#[test]
fn named_pixels_are_those_that_the_kernel_takes() -> Result<()> {
    for (from, to) in (1..40).flat_map(|from| (1..40).map(move |to| (from, to))) {
        let mut b = Builder::new();
        let x = b.input("x", Shape::new(1, 1, from));
        let y = b.interpolate(x, (1, to), Interpolation::Nearest)?;
        b.output("y", y)?;
        let places: Vec<f32> = (0..from).map(|i| i as f32).collect();
        let mut expected = vec![0.0; to];
        let shape = Shape::new(1, 1, from);
        madenet_kernels::interpolate(Interpolation::Nearest, shape, (1, to), &places, &mut expected).unwrap();
        let model = exported(&b.finish());
        let got: Vec<f32> = match model.integers.get("interpolate.columns") {
            Some(columns) => columns.iter().map(|&c| c as f32).collect(),
            // A whole factor: floor(i / factor), as `Resize` has it.
            None => (0..to).map(|i| (i / (to / from)) as f32).collect(),
        };
        assert_eq!(got, expected, "{from} to {to}");
    }
    Ok(())
}
