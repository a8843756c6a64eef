use madenet_rng::Stream;
use madenet_synth::shuffle_cells;

use crate::common::noise;

#[test]
fn shuffling_is_a_permutation_of_cells() {
    let (width, height, grid) = (48, 32, 4);
    let image = noise(width, height, 1);
    let cells = |image: &madenet_image::Image| {
        let (w, h) = (width / grid, height / grid);
        let cell = |i: usize| -> Vec<u8> {
            let rows = (0..h).flat_map(|y| {
                let start = 3 * ((i / grid * h + y) * width + i % grid * w);
                image.pixels()[start..start + 3 * w].to_vec()
            });
            rows.collect()
        };
        (0..grid * grid).map(cell).collect::<Vec<_>>()
    };
    let shuffled = shuffle_cells(&image, grid, &mut Stream::new(0, "test/shuffle", 0, 0)).unwrap();
    let (mut before, mut after) = (cells(&image), cells(&shuffled));
    assert_ne!(before, after);
    before.sort();
    after.sort();
    assert_eq!(before, after);
    assert_eq!(shuffle_cells(&image, 1, &mut Stream::new(0, "test/shuffle", 0, 0)).unwrap(), image);
}

#[test]
fn every_cell_goes_everywhere() {
    let image = madenet_image::Image::new(2, 2, vec![0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]).unwrap();
    let mut counts = [[0_usize; 4]; 4];
    for draw in 0..4000 {
        let shuffled = shuffle_cells(&image, 2, &mut Stream::new(0, "test/everywhere", draw, 0)).unwrap();
        for (place, pixel) in shuffled.pixels().chunks(3).enumerate() {
            counts[place][usize::from(pixel[0])] += 1;
        }
    }
    // Binomial: a standard deviation of 27.
    assert!(counts.iter().flatten().all(|&count| count.abs_diff(1000) < 140), "{counts:?}");
}
