//! A camera's frame of 2048 x 1536 at a network's 256 x 256: group = kind of pixels, id = filter/threads.
//!
//! The throughput counts pixels of the frame.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has to stop")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use madenet_image::{Channels, Filter, ImageView, resize};

const SIZE: (usize, usize) = (2048, 1536);

fn frames(criterion: &mut Criterion) {
    let words: Vec<u16> = (0..SIZE.0 * SIZE.1 * 3).map(|i| (i * i % 65521) as u16).collect();
    let bytes: Vec<u8> = words.iter().map(|&v| (v >> 8) as u8).collect();
    let floats: Vec<f32> = words.iter().map(|&v| f32::from(v) / 65535.0).collect();
    let frames = [
        ("rgb_u8", ImageView::packed(&bytes, SIZE.0, SIZE.1, Channels::Rgb).unwrap()),
        ("gray_u8", ImageView::packed(&bytes, SIZE.0, SIZE.1, Channels::Gray).unwrap()),
        ("gray_u16", ImageView::packed(&words, SIZE.0, SIZE.1, Channels::Gray).unwrap()),
        ("gray_f32", ImageView::packed(&floats, SIZE.0, SIZE.1, Channels::Gray).unwrap()),
    ];
    for (name, frame) in frames {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements((SIZE.0 * SIZE.1) as u64));
        for (filter, threads) in Filter::ALL.into_iter().flat_map(|filter| [(filter, 1), (filter, 2)]) {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            group.bench_function(format!("{}/{threads}", filter.name()), |bencher| {
                pool.install(|| bencher.iter(|| resize(&frame, 256, 256, filter).unwrap()));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, frames);
criterion_main!(benches);
