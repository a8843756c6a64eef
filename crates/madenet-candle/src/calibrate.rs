//! Calibration of a trained detector.

use madenet_core::{AnomalyDetector, Calibration, Calibrator, Event, Observer, ThresholdRules};
use madenet_data::{Dataset, Loader, Sample};

/// Images that are scored at once.
const CHUNK: usize = 8;

/// The calibration that `rules` find on images that `detector` was not trained on, watched as the stage `"calibration"`;
/// anomalous ones serve [`ThresholdRule::F1Max`](madenet_core::ThresholdRule::F1Max); the other rules take normal images, and
/// the normal pixels of those that have a mask.
///
/// # Errors
/// What the data set gives, rules that the data cannot serve, and `cancelled` if the observer ends it.
pub fn calibrate<E>(
    detector: &dyn AnomalyDetector,
    data: &dyn Dataset,
    rules: &ThresholdRules,
    observer: &mut dyn Observer,
    cancelled: impl Fn(&'static str) -> E,
) -> Result<Calibration, E>
where
    E: From<madenet_core::Error> + From<madenet_data::Error>,
{
    const STAGE: &str = "calibration";
    rules.validate()?;
    let mut calibrator = Calibrator::new();
    Loader::new(data).run(|samples| -> Result<(), E> {
        loop {
            let chunk = samples.by_ref().take(CHUNK).map(|(_, sample)| sample);
            let chunk: Vec<Sample> = chunk.collect::<Result<_, _>>()?;
            if chunk.is_empty() {
                return Ok(());
            }
            let views: Vec<_> = chunk.iter().map(|s| s.image.as_view()).collect();
            for (raw, sample) in detector.raw_scores(&views)?.iter().zip(&chunk) {
                calibrator.push(raw, sample.label, sample.mask.as_ref())?;
            }
            let (of, left) = (data.len(), samples.len());
            if observer.on_event(&Event::Image { stage: STAGE, done: of - left, of }).is_break() {
                return Err(cancelled(STAGE));
            }
        }
    })?;
    Ok(calibrator.finish(rules)?)
}
