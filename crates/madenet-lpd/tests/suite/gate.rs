use madenet_image::{Image, Rect};
use madenet_lpd::{ContextConfig, DistortionConfig, GateConfig, Kind, Perceptibility, Variant};

use crate::common::{constant, distorter, mask, noise, smooth};

/// `image` with a rectangle of another colour.
fn painted(image: &Image, place: Rect, color: [u8; 3]) -> Image {
    let (mut painted, width) = (image.clone(), image.width());
    for (i, pixel) in painted.pixels_mut().chunks_exact_mut(3).enumerate() {
        if place.contains(i % width, i / width) {
            pixel.copy_from_slice(&color);
        }
    }
    painted
}

#[test]
fn nothing_changed_is_one_and_zero() {
    let image = noise(40, 50, 0);
    for place in [Rect::new(10, 12, 9, 7), Rect::new(0, 0, 12, 50), Rect::new(39, 49, 1, 1)] {
        let figures = Perceptibility::measure(&image, &image, &mask(40, 50, place), place).unwrap();
        assert_eq!((figures.ssim, figures.mse, figures.edge), (1.0, 0.0, 0.0));
        assert_eq!(figures.utility(), 0.0);
        assert!(!GateConfig::default().accepts(Kind::Patch, &figures));
        assert!(!GateConfig::default().accepts(Kind::Scar, &figures));
    }
}

#[test]
fn a_constant_picture_never_passes_without_jitter() {
    for variant in [Variant::Normal, Variant::Scar] {
        for free_rotation in [false, true] {
            let distorter = distorter(DistortionConfig {
                variant,
                free_rotation,
                jitter: 0.0,
                ..DistortionConfig::default()
            });
            for b in 0..20 {
                let flat = constant(48, [b as u8 * 12, 100, 255 - b as u8]);
                let sample = distorter.distort(&flat, 0, 0, b).unwrap();
                assert_eq!(sample.image, flat);
                let figures = sample.verdict.figures.unwrap();
                assert_eq!((sample.verdict.accepted, sample.verdict.tries), (false, 10));
                assert_eq!((figures.ssim, figures.mse), (1.0, 0.0));
            }
        }
    }
}

#[test]
fn accepted_patches_have_the_areas_of_the_gate() {
    let config = DistortionConfig { area: [0.02, 0.3], free_rotation: true, ..DistortionConfig::default() };
    let (distorter, normal) = (distorter(config), noise(64, 64, 1));
    let mut tries = 0;
    for b in 0..150 {
        let sample = distorter.distort(&normal, 0, 0, b).unwrap();
        let area = sample.mask.count() as f32 / (64.0 * 64.0);
        assert_eq!(sample.verdict.figures.unwrap().area, area);
        assert!(!sample.verdict.accepted || (0.05..=0.2).contains(&area));
        assert!(
            sample.verdict.accepted,
            "half of the areas pass, and noise is visible: {:?}",
            sample.verdict
        );
        tries += sample.verdict.tries;
    }
    assert!((200..450).contains(&tries), "{tries}");
}

/// Flat colours have figures that can be computed by hand.
#[test]
fn flat_patches_have_the_figures_of_the_formulas() {
    let place = Rect::new(24, 20, 32, 30);
    let before = constant(80, [100; 3]);
    let after = painted(&before, place, [120; 3]);
    let figures = Perceptibility::measure(&before, &after, &mask(80, 80, place), place).unwrap();
    assert!((f64::from(figures.mse) - (20.0_f64 / 255.0).powi(2)).abs() < 1e-8);
    // All sides have the step's height, corners less on one pixel of three around them.
    assert!((0.97..=1.0).contains(&(figures.edge * 255.0 / 20.0)), "{figures:?}");
    // L* of both greys (CIE 1976): 50.43 and 42.37.
    assert!((figures.color - (50.43 - 42.37)).abs() < 0.02, "{figures:?}");
    assert!(figures.texture < 1e-3);
    // Only luminance differs: (2 x y + C1) / (x^2 + y^2 + C1).
    let (x, y) = (100.0 / 255.0, 120.0 / 255.0);
    let flat = (2.0 * x * y + 1e-4) / (x * x + y * y + 1e-4);
    assert!((figures.structure.unwrap() - flat).abs() < 1e-4);
    // Windows across the step have variance in one picture only.
    assert!(figures.ssim < flat && figures.ssim > 0.5);
    assert_eq!(figures.area, 32.0 * 30.0 / 6400.0);
}

/// The whole picture through a plain sum over windows, in f64.
#[test]
fn structural_similarity_is_wangs_of_the_whole_picture() {
    let (side, c1, c2) = (40, 1e-4, 9e-4);
    let place = Rect::new(0, 9, 18, 16);
    let before = noise(side, side, 2);
    let after = painted(&before, place, [90, 140, 30]);
    let weights: Vec<f64> = (-5..=5).map(|i| (f64::from(i * i) / -4.5).exp()).collect();
    let total: f64 = weights.iter().sum();
    let (mut sum, mut count) = (0.0, 0.0);
    for (y, x) in (place.y..place.bottom()).flat_map(|y| (place.x..place.right()).map(move |x| (y, x))) {
        for c in 0..3 {
            let mut m = [0.0; 5];
            for (j, wy) in weights.iter().enumerate() {
                for (i, wx) in weights.iter().enumerate() {
                    let (Some(row), Some(column)) = ((y + j).checked_sub(5), (x + i).checked_sub(5)) else {
                        continue;
                    };
                    if row < side && column < side {
                        let at = 3 * (row * side + column) + c;
                        let [a, b] = [&before, &after].map(|image| f64::from(image.pixels()[at]) / 255.0);
                        let weight = wx * wy / (total * total);
                        for (m, value) in m.iter_mut().zip([a, b, a * a, b * b, a * b]) {
                            *m += weight * value;
                        }
                    }
                }
            }
            let [a, b, aa, bb, ab] = m;
            sum += (2.0 * a * b + c1) * (2.0 * (ab - a * b) + c2)
                / ((a * a + b * b + c1) * (aa - a * a + bb - b * b + c2));
            count += 1.0;
        }
    }
    let figures = Perceptibility::measure(&before, &after, &mask(side, side, place), place).unwrap();
    assert!((f64::from(figures.ssim) - sum / count).abs() < 1e-5, "{figures:?} {}", sum / count);
}

#[test]
fn thresholds_are_the_formula() {
    let place = Rect::new(16, 16, 20, 20);
    let before = smooth(64, 64);
    let after = painted(&before, place, [200, 30, 90]);
    let seen = Perceptibility::measure(&before, &after, &mask(64, 64, place), place).unwrap();
    let gate = GateConfig::default();
    assert!(gate.accepts(Kind::Patch, &seen), "{seen:?}");
    let with = |change: &dyn Fn(&mut Perceptibility)| {
        let mut figures = seen;
        change(&mut figures);
        figures
    };
    let rejected = [
        with(&|figures| figures.ssim = 0.951),
        with(&|figures| (figures.mse, figures.edge) = (0.9e-3, 0.019)),
        with(&|figures| (figures.color, figures.texture, figures.edge) = (2.2, 0.009, 0.049)),
        with(&|figures| figures.area = 0.21),
        with(&|figures| figures.ssim = f32::NAN),
    ];
    for figures in &rejected {
        assert!(!gate.accepts(Kind::Patch, figures), "{figures:?}");
    }
    assert!(gate.accepts(Kind::Scar, &rejected[3]));
    let accepted = [
        with(&|figures| figures.ssim = 0.95),
        with(&|figures| (figures.mse, figures.edge) = (1e-3, 0.0)),
        with(&|figures| (figures.mse, figures.edge) = (0.0, 0.02)),
        with(&|figures| (figures.color, figures.texture, figures.edge) = (2.3, 0.0, 0.0)),
        with(&|figures| (figures.color, figures.texture, figures.edge) = (0.0, 0.01, 0.0)),
        with(&|figures| (figures.color, figures.texture, figures.edge) = (0.0, 0.0, 0.05)),
    ];
    for figures in &accepted {
        assert!(gate.accepts(Kind::Patch, figures), "{figures:?}");
    }
    let alone = GateConfig { context: None, ..gate };
    assert!(alone.accepts(Kind::Patch, &rejected[2]));
    let strict = ContextConfig { color_min: 100.0, texture_min: 1.0, edge_min: 1.0 };
    assert!(!GateConfig { context: Some(strict), ..gate }.accepts(Kind::Patch, &seen));
}

#[test]
fn what_no_draw_passes_is_the_most_visible_draw() {
    let strict = GateConfig { ssim_max: -1.0, ..GateConfig::default() };
    let normal = smooth(64, 64);
    let best = |tries| -> f32 {
        let config = DistortionConfig { tries, gate: Some(strict), ..DistortionConfig::default() };
        let distorter = distorter(config);
        let utility = |b| {
            let sample = distorter.distort(&normal, 0, 0, b).unwrap();
            assert_eq!((sample.verdict.accepted, sample.verdict.tries), (false, tries));
            sample.verdict.figures.unwrap().utility()
        };
        (0..5).map(utility).sum()
    };
    let utilities = [1, 3, 10].map(best);
    assert!(utilities.is_sorted() && utilities[2] > utilities[0], "{utilities:?}");
}
