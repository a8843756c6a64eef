//! The same bits for any number of threads.

use candle_core::Tensor;
use madenet_candle::Result;
use madenet_candle::losses::{
    FocalConfig, SsimConfig, bce_with_logits, focal, margin_by_mask, masked_mse, masked_ssim, mse, ssim,
};

use crate::common::numbers;
use crate::{binary, unit, value_and_gradient};

type Loss<'a> = &'a (dyn Fn(&Tensor) -> Result<Tensor> + Sync);

#[test]
fn results_do_not_depend_on_threads() {
    // Several blocks of sums, and planes of no round size.
    const IMAGE: [usize; 4] = [3, 2, 131, 97];
    const ONE: [usize; 4] = [3, 1, 131, 97];
    let (target, weight, labels) = (unit(1, &IMAGE), unit(2, &ONE), binary(3, &IMAGE));
    let (one, config) = (binary(4, &ONE), SsimConfig::default());
    let losses: [Loss<'_>; 7] = [
        &|x| mse(x, &target),
        &|x| masked_mse(x, &target, &weight),
        &|x| ssim(x, &target, &config),
        &|x| masked_ssim(x, &target, &weight, &config),
        &|x| focal(x, &one, &FocalConfig::default()),
        &|x| bce_with_logits(x, &target, None),
        &|x| Ok(margin_by_mask(x, &labels, 0.5)?.total),
    ];
    for (i, loss) in losses.iter().enumerate() {
        let results = [1, 2, 3, 8].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| value_and_gradient(&numbers(0, &IMAGE), 0.3, loss))
        });
        assert!(results.iter().all(|result| *result == results[0]), "loss {i}");
    }
}
