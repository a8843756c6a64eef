use madenet_kernels::{Activation, Error, Shape, concat_channels, pool_channels, unfold};
use proptest::prelude::*;

use crate::support::{Sum, assert_same_on_all_threads, assert_sums, pixel, random, untouched};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn parts_stand_one_after_the_other(
        channels in prop::collection::vec(0..4_usize, 1..5), plane in 1..50_usize, batch in 0..4_usize,
    ) {
        prop_assume!(channels.iter().sum::<usize>() > 0);
        let parts: Vec<Vec<f32>> =
            channels.iter().zip(0..).map(|(c, seed)| random(batch * c * plane, seed)).collect();
        let borrowed: Vec<(usize, &[f32])> = channels.iter().copied().zip(parts.iter().map(|p| &p[..])).collect();
        let expected: Vec<f32> = (0..batch)
            .flat_map(|n| borrowed.iter().flat_map(move |(c, p)| &p[n * c * plane..(n + 1) * c * plane]))
            .copied()
            .collect();
        let mut out = untouched(expected.len());
        concat_channels(borrowed, plane, &mut out).unwrap();
        prop_assert_eq!(out, expected);
    }

    #[test]
    fn neighbourhoods_agree_with_the_definition(
        half in 0..4_usize, c in 1..4_usize, h in 1..12_usize, w in 1..12_usize, batch in 1..3_usize,
    ) {
        let (k, input) = (2 * half + 1, Shape::new(c, h, w));
        let x = random(batch * input.len(), 2);
        let mut out = untouched(x.len() * k * k);
        unfold(k, input, &x, &mut out).unwrap();
        for (index, &got) in out.iter().enumerate() {
            let (column, row, channel) = (index % w, index / w % h, index / (w * h));
            let (kx, ky) = (channel % k, channel / k % k);
            let (source, image) = (channel / (k * k) % c, channel / (k * k * c));
            let (y, x_at) = ((row + ky) as isize - half as isize, (column + kx) as isize - half as isize);
            prop_assert_eq!(f64::from(got), pixel(&x, input, image, source, y, x_at));
        }
    }

    #[test]
    fn means_of_channels_agree_with_the_definition(
        c in 1..40_usize, out_channels in 1..60_usize, h in 1..4_usize, w in 1..9_usize, batch in 1..3_usize,
    ) {
        let input = Shape::new(c, h, w);
        let x = random(batch * input.len(), 2);
        let mut out = untouched(batch * out_channels * h * w);
        pool_channels(input, out_channels, &x, &mut out).unwrap();
        let expected: Vec<Sum> = (0..out.len())
            .map(|index| {
                let (at, channel) = (index % (h * w), index / (h * w) % out_channels);
                let ratio = c as f64 / out_channels as f64;
                // Whole multiples of the ratio must not be pushed over an integer by rounding.
                let first = (channel as f64 * ratio + 1e-9).floor() as usize;
                let end = ((channel + 1) as f64 * ratio - 1e-9).ceil() as usize;
                let mut sum = Sum::default();
                for source in first..end {
                    let image = &x[index / (h * w * out_channels) * input.len()..];
                    sum.add(f64::from(image[source * h * w + at]) / (end - first) as f64);
                }
                sum
            })
            .collect();
        assert_sums(&out, &expected, Activation::Identity);
    }
}

#[test]
fn a_neighbourhood_by_hand() {
    // 1 2
    // 3 4
    let mut out = untouched(36);
    unfold(3, Shape::new(1, 2, 2), &[1.0, 2.0, 3.0, 4.0], &mut out).unwrap();
    let expected: [[f32; 4]; 9] = [
        [0.0, 0.0, 0.0, 1.0],
        [0.0, 0.0, 1.0, 2.0],
        [0.0, 0.0, 2.0, 0.0],
        [0.0, 1.0, 0.0, 3.0],
        [1.0, 2.0, 3.0, 4.0],
        [2.0, 0.0, 4.0, 0.0],
        [0.0, 3.0, 0.0, 0.0],
        [3.0, 4.0, 0.0, 0.0],
        [4.0, 0.0, 0.0, 0.0],
    ];
    assert_eq!(out, expected.concat());
}

#[test]
fn windows_of_channels_by_hand() {
    let pooled = |out_channels: usize| {
        let mut out = untouched(out_channels);
        pool_channels(Shape::new(5, 1, 1), out_channels, &[1.0, 2.0, 4.0, 8.0, 16.0], &mut out).unwrap();
        out
    };
    assert_eq!(pooled(1), [6.2]);
    // 0..3 and 2..5.
    assert_eq!(pooled(2), [7.0 / 3.0, 28.0 / 3.0]);
    // 0..2, 1..4, 3..5.
    assert_eq!(pooled(3), [1.5, 14.0 / 3.0, 12.0]);
    assert_eq!(pooled(5), [1.0, 2.0, 4.0, 8.0, 16.0]);
    // 0..1, 0..2, 1..3, 2..3, 2..4, 3..5, 4..5.
    assert_eq!(pooled(7), [1.0, 1.5, 3.0, 4.0, 6.0, 12.0, 16.0]);
}

#[test]
fn threads_do_not_change_a_bit() {
    let input = Shape::new(40, 33, 35);
    let x = random(2 * input.len(), 1);
    assert_same_on_all_threads(|| {
        let mut all = untouched(x.len() * 9);
        unfold(3, input, &x, &mut all).unwrap();
        let mut pooled = untouched(2 * 60 * input.plane());
        pool_channels(input, 60, &x, &mut pooled).unwrap();
        all.extend_from_slice(&pooled);
        all
    });
}

#[test]
fn what_does_not_fit_is_refused() {
    let length = |what, expected, got| Err(Error::Length { what, expected, got });
    let refused = |result| match result {
        Err(Error::Geometry { what, reason }) => format!("{what}: {reason}"),
        other => panic!("{other:?}"),
    };
    let (v, mut out) = ([0.0; 20], [0.0; 100]);

    let parts: [(usize, &[f32]); 2] = [(1, &v[..4]), (2, &v[..8])];
    assert_eq!(concat_channels(parts, 2, &mut out[..12]), Ok(()));
    assert_eq!(concat_channels(parts, 2, &mut out[..13]), length("concat_channels: out", 18, 13));
    assert_eq!(concat_channels(parts, 2, &mut out[..6]), length("concat_channels: part", 2, 4));
    assert_eq!(
        refused(concat_channels([], 2, &mut [])),
        "concat_channels: 0 channels of 2 values hold nothing"
    );
    assert!(refused(concat_channels(parts, 0, &mut [])).contains("3 channels of 0 values"));
    let huge: [(usize, &[f32]); 2] = [(usize::MAX, &[]), (usize::MAX, &[])];
    assert!(refused(concat_channels(huge, 2, &mut [])).contains("overflows"));

    let input = Shape::new(2, 1, 5);
    assert_eq!(unfold(3, input, &[], &mut []), Ok(()));
    assert_eq!(unfold(3, input, &v[..9], &mut out[..90]), length("unfold: x", 10, 9));
    assert_eq!(unfold(3, input, &v[..10], &mut out[..80]), length("unfold: out", 90, 80));
    assert_eq!(
        refused(unfold(2, input, &v[..10], &mut out[..40])),
        "unfold: the neighbourhood's side must be odd, not 2"
    );
    assert!(refused(unfold(0, input, &[], &mut [])).contains("must be odd"));
    assert!(refused(unfold(usize::MAX, input, &[], &mut [])).contains("is above"));
    assert!(refused(unfold(3, Shape::new(0, 1, 5), &[], &mut [])).contains("no values"));

    assert_eq!(pool_channels(input, 4, &[], &mut []), Ok(()));
    assert_eq!(pool_channels(input, 4, &v[..9], &mut out[..20]), length("pool_channels: x", 10, 9));
    assert_eq!(pool_channels(input, 4, &v[..10], &mut out[..21]), length("pool_channels: out", 20, 21));
    assert!(refused(pool_channels(input, 0, &[], &mut [])).contains("no values"));
    assert!(refused(pool_channels(Shape::new(2, 0, 5), 4, &[], &mut [])).contains("no values"));
    assert!(refused(pool_channels(Shape::new(9, 1, 1), usize::MAX / 2, &[], &mut [])).contains("overflow"));
}
