use madenet_kernels::Shape;

use crate::support::random;
use crate::tensor::{BORDERS, Tensor};

#[test]
fn packing_and_unpacking_gives_the_samples_back() {
    for shape in [Shape::new(1, 1, 1), Shape::new(16, 7, 13), Shape::new(35, 5, 4), Shape::new(3, 255, 257)] {
        for border in BORDERS {
            let x = random(3 * shape.len(), 1);
            assert_eq!(Tensor::packed(shape, border, &x).planar(), x);
        }
    }
}
