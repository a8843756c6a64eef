//! Colours for a heat map.
//!
//! Both maps are perceptually uniform and grow in lightness, so that twice the score looks twice as far, also
//! in grey print and to colour-blind eyes. Rainbow maps draw edges where the scores have none.
//!
//! Each is kept as 33 evenly spaced colours of the published table of 256 (Nathaniel Smith and Stéfan van der
//! Walt, "A better default colormap for matplotlib", 2015, released under CC0) and read with linear
//! interpolation, which stays within two levels of the full table.

use crate::{Image, Plane};

/// A perceptually uniform colour map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Colormap {
    /// Dark violet over green to yellow.
    Viridis,
    /// Black over red to pale yellow: what is not anomalous stays dark.
    #[default]
    Inferno,
}

impl Colormap {
    /// The colour of `t`, from 0 (coldest) to 1 (hottest). Values outside are clamped; what is no number is
    /// coldest.
    ///
    /// ```
    /// use madenet_image::Colormap;
    ///
    /// assert_eq!(Colormap::Inferno.rgb(0.0), [0, 0, 4]);
    /// assert_eq!(Colormap::Inferno.rgb(0.5), [187, 55, 85]);
    /// ```
    #[must_use]
    pub fn rgb(self, t: f32) -> [u8; 3] {
        let table = match self {
            Colormap::Viridis => &VIRIDIS,
            Colormap::Inferno => &INFERNO,
        };
        let last = table.len() - 1;
        let t = if t.is_nan() { 0.0 } else { t.clamp(0.0, 1.0) };
        let position = t * last as f32;
        let index = (position as usize).min(last - 1);
        let fraction = position - index as f32;
        let (cold, hot) = (table[index], table[index + 1]);
        std::array::from_fn(|c| {
            // Red lies in bits 16 to 23, green and blue below.
            let channel = |colour: u32| (colour >> (16 - 8 * c) & 0xFF) as f32;
            let (cold, hot) = (channel(cold), channel(hot));
            (cold + fraction * (hot - cold)).round() as u8
        })
    }

    /// The plane in colours, pixel by pixel: 0 is coldest, 1 is hottest, values outside are clamped.
    ///
    /// ```
    /// use madenet_image::{Colormap, Plane};
    ///
    /// let heat = Plane::new(3, 1, vec![0.0, 0.5, 7.0])?;
    /// assert_eq!(Colormap::Inferno.heat(&heat).pixels(), [0, 0, 4, 187, 55, 85, 252, 255, 164]);
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    #[must_use]
    pub fn heat(self, plane: &Plane) -> Image {
        let pixels = plane.values().iter().flat_map(|&value| self.rgb(value)).collect();
        Image::from_parts(plane.width(), plane.height(), pixels)
    }
}

/// Colours as 0xRRGGBB.
const VIRIDIS: [u32; 33] = [
    0x440154, 0x470D60, 0x48186A, 0x482374, 0x472D7B, 0x453681, 0x424086, 0x3F4989, 0x3B528B, 0x375A8D,
    0x33638D, 0x2F6A8E, 0x2C728E, 0x297A8E, 0x26818E, 0x23898E, 0x21908C, 0x1F988B, 0x1F9F88, 0x21A685,
    0x28AE80, 0x31B57B, 0x3EBC74, 0x4CC26C, 0x5DC963, 0x6ECE58, 0x82D34C, 0x96D83F, 0xABDC32, 0xC0DF24,
    0xD5E21A, 0xEAE51A, 0xFDE725,
];

/// Colours as 0xRRGGBB.
const INFERNO: [u32; 33] = [
    0x000004, 0x040312, 0x0B0724, 0x150B37, 0x210C4A, 0x2E0A5A, 0x3C0965, 0x4A0C6B, 0x57106D, 0x63146E,
    0x70196E, 0x7D1E6D, 0x89226A, 0x962766, 0xA32B61, 0xAF315C, 0xBB3755, 0xC63E4D, 0xD14644, 0xDB4F3B,
    0xE35932, 0xEB6528, 0xF1711E, 0xF67F14, 0xF98D0A, 0xFB9C06, 0xFCAB0F, 0xFBBA1F, 0xF9CA32, 0xF5D949,
    0xF2E865, 0xF3F586, 0xFCFFA4,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries of the full published tables, as index out of 255 and colour.
    type Entries = [(u8, [u8; 3]); 8];

    const FULL_VIRIDIS: Entries = [
        (3, [69, 5, 89]),
        (20, [72, 29, 111]),
        (77, [52, 96, 141]),
        (100, [42, 118, 142]),
        (131, [32, 147, 140]),
        (180, [70, 192, 111]),
        (222, [168, 219, 52]),
        (250, [241, 229, 29]),
    ];

    const FULL_INFERNO: Entries = [
        (3, [1, 1, 8]),
        (20, [16, 9, 45]),
        (77, [108, 24, 110]),
        (100, [144, 37, 104]),
        (131, [192, 58, 81]),
        (180, [244, 121, 24]),
        (222, [249, 199, 47]),
        (250, [245, 249, 146]),
    ];

    #[test]
    fn colours_lie_within_two_levels_of_the_published_tables() {
        for (map, entries) in [(Colormap::Viridis, FULL_VIRIDIS), (Colormap::Inferno, FULL_INFERNO)] {
            for (index, colour) in entries {
                let got = map.rgb(f32::from(index) / 255.0);
                let worst = got.iter().zip(colour).map(|(&a, b)| a.abs_diff(b)).max().unwrap();
                assert!(worst <= 2, "{map:?} {index}: {got:?}, published {colour:?}");
            }
        }
    }

    #[test]
    fn the_ends_hold_for_every_number() {
        for map in [Colormap::Viridis, Colormap::Inferno] {
            assert_eq!(map.rgb(f32::NAN), map.rgb(0.0));
            assert_eq!(map.rgb(f32::NEG_INFINITY), map.rgb(0.0));
            assert_eq!(map.rgb(f32::INFINITY), map.rgb(1.0));
        }
        assert_eq!(Colormap::Viridis.rgb(1.0), [253, 231, 37]);
        assert_eq!(Colormap::Inferno.rgb(1.0), [252, 255, 164]);
    }

    #[test]
    fn lightness_grows() {
        for map in [Colormap::Viridis, Colormap::Inferno] {
            let luma = |t: f32| {
                let [r, g, b] = map.rgb(t).map(f32::from);
                0.2126 * r + 0.7152 * g + 0.0722 * b
            };
            for i in 0..32 {
                assert!(luma((i + 1) as f32 / 32.0) > luma(i as f32 / 32.0), "{map:?} {i}");
            }
        }
    }
}
