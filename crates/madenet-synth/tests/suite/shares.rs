use madenet_synth::{Foreground, Source, SynthesisConfig};

use crate::common::{noise, synthesizer};

/// Normal, structural and texture samples of 2000.
fn count(config: SynthesisConfig) -> [usize; 3] {
    let (synthesizer, normal) = (synthesizer(config), noise(32, 32, 5));
    let mut counts = [0; 3];
    for sample in 0..2000 {
        let sample = synthesizer.synthesize(&normal, None, 1, 0, sample).unwrap();
        let kind = sample.drawn.anomaly.map_or(0, |anomaly| match anomaly.source {
            Source::Structural => 1,
            _ => 2,
        });
        counts[kind] += 1;
    }
    counts
}

fn config() -> SynthesisConfig {
    SynthesisConfig { grid: 4, foreground: Foreground::None, ..SynthesisConfig::default() }
}

#[test]
fn shares_are_met() {
    // Standard deviations of 22 and 19; an empty mask after six draws is rare.
    let [normal, structural, texture] = count(config());
    assert!(normal.abs_diff(1000) < 100, "{normal}");
    assert!(structural.abs_diff(500) < 90 && texture.abs_diff(500) < 90, "{structural} {texture}");
    let [normal, structural, texture] =
        count(SynthesisConfig { normal_share: 0.2, structural_share: 0.25, ..config() });
    assert!(normal.abs_diff(400) < 90 && structural.abs_diff(400) < 90, "{normal} {structural}");
    assert!(texture.abs_diff(1200) < 110, "{texture}");
}

#[test]
fn shares_of_nothing_and_all_are_exact() {
    assert_eq!(count(SynthesisConfig { normal_share: 1.0, ..config() }), [2000, 0, 0]);
    let all = SynthesisConfig { normal_share: 0.0, structural_share: 1.0, ..config() };
    assert_eq!(count(all)[2], 0);
}
