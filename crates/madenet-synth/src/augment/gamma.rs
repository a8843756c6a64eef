//! Gamma contrast.

use madenet_image::Image;

use super::lookup::{look_up, table};

pub(super) fn contrast(image: &mut Image, exponents: [f32; 3]) {
    let tables =
        exponents.map(|exponent| table(|code| (255.0 * (code as f32 / 255.0).powf(exponent) + 0.5) as u8));
    look_up(image, &tables);
}
