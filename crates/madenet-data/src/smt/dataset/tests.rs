use madenet_metrics::Connectivity;

use super::*;
use crate::smt::Nuisances;

fn boards(config: SmtConfig) -> SmtBoards {
    SmtBoards::new(config, Split::Test).unwrap()
}

/// Mean, and the square of its standard error.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n * (n - 1.0)))
}

#[test]
fn nuisances_do_not_tell_defective_boards_from_normal_ones() {
    const BOARDS: usize = 300;
    let nuisances = Nuisances { contrast: 0.6, occlusion: 0.6, reflection: 0.6 };
    for component in [Component::Sod, Component::Resistor] {
        let config = SmtConfig { width: 32, height: 32, nuisances, ..SmtConfig::new(component) };
        let boards = boards(SmtConfig { normal: BOARDS, anomalous: BOARDS, ..config });
        let statistics = |index| {
            let board = boards.board(index).unwrap();
            boards.twins(&board).unwrap().disturbance.statistics()
        };
        let normal: Vec<_> = (0..BOARDS).map(statistics).collect();
        let defective: Vec<_> = (BOARDS..2 * BOARDS).map(statistics).collect();
        for place in 0..normal[0].len() {
            let of = |kind: &[[(_, f64); 9]]| moments(&kind.iter().map(|s| s[place].1).collect::<Vec<_>>());
            let ((a, a_error), (b, b_error)) = (of(&normal), of(&defective));
            let limit = 3.5 * (a_error + b_error).sqrt();
            assert!((a - b).abs() < limit, "{component:?} {}: {a} {b} +- {limit}", normal[0][place].0);
        }
    }
}

#[test]
fn every_type_of_board_has_every_design() {
    let config = SmtConfig { designs: 3, normal: 40, anomalous: 240, ..SmtConfig::new(Component::Sod) };
    let boards = boards(config);
    let mut seen = std::collections::BTreeSet::new();
    for index in 0..boards.len() {
        let board = boards.board(index).unwrap();
        seen.insert((board.defect, board.design()));
    }
    // Six types and the normal boards.
    assert_eq!(seen.len(), 7 * 3);
}

#[test]
fn a_defect_that_does_not_show_is_an_error() {
    let boards = boards(SmtConfig { width: 32, height: 40, normal: 1, ..SmtConfig::new(Component::Bga) });
    let good = boards.board(0).unwrap();
    // A ball grid array hides its joints, which is why it cannot have this defect.
    let board = Board { defect: Some(Defect::ColdJoint), ..good };
    let error = boards.twins(&board).err().unwrap();
    assert_eq!(
        error.to_string(),
        "the defect 'cold_joint' does not show on BGA in pictures of 32 x 40 pixels, expected larger pictures or other \
         defects"
    );
}

/// The grain of a body grows with the picture: without the closing that grows too, a turned body is hundreds of specks.
#[test]
fn the_mask_of_a_turned_package_is_a_few_regions_at_any_size() {
    for side in [96, 256, 512] {
        let defects = [Defect::Rotation].into();
        let config = SmtConfig {
            width: side,
            height: side,
            normal: 0,
            anomalous: 1,
            defects,
            ..SmtConfig::new(Component::Qfp)
        };
        let mask = boards(config).get(0).unwrap().mask.unwrap();
        let regions = madenet_metrics::components(mask.data(), side, side, Connectivity::Eight).unwrap();
        assert!(regions.count() <= 8, "{side}: {} regions", regions.count());
    }
}
