use super::*;
use crate::Summary;

/// Parameters of timm's networks with 1000 classes, of their trunks, and running statistics of the whole.
#[test]
fn parameter_counts_are_timms() -> Result<()> {
    let counts = [
        (13_187_464, 1_477_920, 24_032),
        (15_597_464, 3_860_720, 33_228),
        (21_299_004, 9_562_260, 51_216),
        (41_232_680, 29_305_536, 74_624),
        (77_469_864, 65_325_120, 101_376),
    ];
    for (hrnet, (parameters, trunk_parameters, buffers)) in HrNet::ALL.into_iter().zip(counts) {
        let mut b = Builder::new();
        let x = b.input("image", Shape::new(3, 64, 64));
        let logits = hrnet.classifier(&mut b, x, 1000)?;
        assert_eq!(b.shape(logits)?, Shape::new(1000, 1, 1));
        b.output("logits", logits)?;
        let summary = Summary::new(&b.finish());
        assert_eq!((summary.parameters, summary.buffers), (parameters, buffers), "{}", hrnet.name());

        let net = hrnet.trunk(&Shape::new(3, 32, 32))?;
        assert_eq!(Summary::new(&net).parameters, trunk_parameters, "{}", hrnet.name());
        assert_eq!(HrNet::from_name(hrnet.name())?, hrnet);
    }
    Ok(())
}

/// Counted by hand: 10.31 G multiply-adds of the trunk of W32.
#[test]
fn multiply_adds_are_those_of_the_method() -> Result<()> {
    let summary = Summary::new(&HrNet::W32.trunk(&Shape::new(3, 256, 256))?);
    assert!((summary.multiply_adds as f64 / 1e9 - 10.31).abs() < 0.005, "{}", summary.multiply_adds);
    Ok(())
}

#[test]
fn any_size_halves_upwards() -> Result<()> {
    let net = HrNet::W18.trunk(&Shape::new(3, 75, 33))?;
    let sizes = BRANCHES.map(|name| net.output_shape(name).map(|s| (s.h, s.w)));
    assert_eq!(sizes, [Some((19, 9)), Some((10, 5)), Some((5, 3)), Some((3, 2))]);
    Ok(())
}

#[test]
fn weights_tell_their_network() -> Result<()> {
    let mut params = Params::new();
    assert!(matches!(HrNet::of_weights(&params), Err(Error::MissingParam { .. })));
    for hrnet in HrNet::ALL {
        let params = Params::init(&hrnet.trunk(&Shape::new(3, 32, 32))?, 0);
        assert_eq!(HrNet::of_weights(&params)?, hrnet);
    }
    params.insert("transition1.0.0.weight", vec![16, 256, 3, 3], vec![0.0; 16 * 256 * 9])?;
    assert!(matches!(HrNet::of_weights(&params), Err(Error::ParamShape { .. })));
    assert!(matches!(HrNet::from_name("hrnet_w31"), Err(Error::Unknown { .. })));
    Ok(())
}
