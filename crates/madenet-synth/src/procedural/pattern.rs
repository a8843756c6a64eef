//! One number per pixel.

use std::f64::consts::TAU;

use madenet_rng::Stream;
use noise::core::worley::{ReturnType, distance_functions};
use noise::{Billow, Fbm, MultiFractal, NoiseFn, Perlin, RidgedMulti, SuperSimplex, Worley};

use crate::augment::between;

/// Kinds of procedural textures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Clouds,
    Ridges,
    Billows,
    Pebbles,
    Cells,
    Stripes,
    Checkers,
    Grain,
}

/// Elements (cells, stripes) along the shorter side of a texture, of which a picture sees most: from a few large ones to
/// fine grain.
const ELEMENTS: (f32, f32) = (3.0, 40.0);

impl Pattern {
    pub(super) const ALL: [Pattern; 8] = [
        Pattern::Clouds,
        Pattern::Ridges,
        Pattern::Billows,
        Pattern::Pebbles,
        Pattern::Cells,
        Pattern::Stripes,
        Pattern::Checkers,
        Pattern::Grain,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Pattern::Clouds => "clouds",
            Pattern::Ridges => "ridges",
            Pattern::Billows => "billows",
            Pattern::Pebbles => "pebbles",
            Pattern::Cells => "cells",
            Pattern::Stripes => "stripes",
            Pattern::Checkers => "checkers",
            Pattern::Grain => "grain",
        }
    }

    /// The values of a texture, in no particular range. Scale, direction and stretch are drawn.
    pub(super) fn values(self, width: usize, height: usize, stream: &mut Stream) -> Vec<f32> {
        let function = self.function(stream);
        let elements = between(stream, ELEMENTS.0.ln(), ELEMENTS.1.ln()).exp();
        let scale = f64::from(elements) / width.min(height) as f64;
        let (sin, cos) = (TAU * f64::from(stream.uniform())).sin_cos();
        let stretch = f64::from(between(stream, 0.5, 1.0));
        let value = |i: usize| {
            let (x, y) = ((i % width) as f64 * scale, (i / width) as f64 * scale);
            function([x * cos - y * sin, stretch * (x * sin + y * cos)]) as f32
        };
        (0..width * height).map(value).collect()
    }

    /// A function of a place, in elements.
    fn function(self, stream: &mut Stream) -> Box<dyn Fn([f64; 2]) -> f64> {
        let seed = stream.below(1 << 32) as u32;
        let octaves = 2 + stream.below(4);
        match self {
            Pattern::Clouds => of(Fbm::<Perlin>::new(seed).set_octaves(octaves).set_frequency(1.0)),
            Pattern::Ridges => of(RidgedMulti::<Perlin>::new(seed).set_octaves(octaves).set_frequency(1.0)),
            Pattern::Billows => of(Billow::<Perlin>::new(seed).set_octaves(octaves).set_frequency(1.0)),
            Pattern::Pebbles => of(worley(seed, ReturnType::Distance)),
            Pattern::Cells => of(worley(seed, ReturnType::Value)),
            Pattern::Stripes => {
                let bend = bend(seed, stream);
                Box::new(move |place| {
                    let [x, _] = bend(place);
                    (TAU * x).sin()
                })
            }
            Pattern::Checkers => {
                let bend = bend(seed, stream);
                Box::new(move |place| {
                    let [x, y] = bend(place);
                    (x.floor() + y.floor()).rem_euclid(2.0)
                })
            }
            Pattern::Grain => of(SuperSimplex::new(seed)),
        }
    }
}

fn of(noise: impl NoiseFn<f64, 2> + 'static) -> Box<dyn Fn([f64; 2]) -> f64> {
    Box::new(move |place| noise.get(place))
}

fn worley(seed: u32, value: ReturnType) -> Worley {
    let worley = Worley::new(seed).set_frequency(1.0).set_return_type(value);
    worley.set_distance_function(distance_functions::euclidean)
}

/// Moves places by slow noise, by up to 0 to 2 elements, so that lines are straight, wavy or wild.
fn bend(seed: u32, stream: &mut Stream) -> impl Fn([f64; 2]) -> [f64; 2] + use<> {
    let noise = Fbm::<Perlin>::new(seed).set_octaves(3).set_frequency(0.25);
    let strength = f64::from(2.0 * stream.uniform() * stream.uniform());
    move |[x, y]| {
        // Places far apart are independent.
        [x + strength * noise.get([x, y]), y + strength * noise.get([x + 500.0, y])]
    }
}
