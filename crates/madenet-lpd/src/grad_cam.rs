//! Grad-CAM in closed form.

use madenet_nets::Params;

use crate::network::HEAD;

/// PyTorch's constant in the square root of a normalisation.
const EPS: f32 = 1e-5;

/// What of a head's parameters Grad-CAM needs: with a global average pool in front of the head, the gradient of a logit with
/// respect to a feature map is the same at every location, so that no backward pass through the backbone is needed.
#[derive(Clone, Debug)]
pub(crate) struct GradCam {
    /// `[hidden][embedding]`.
    first: Vec<f32>,
    /// Of the hidden layer: factor and offset of linear layer and normalisation together, `scale * (first e) + offset`.
    scale: Vec<f32>,
    offset: Vec<f32>,
    /// `[logit][hidden]`.
    second: Vec<f32>,
}

impl GradCam {
    /// Of the parameters of a model, which has all of them.
    pub(crate) fn new(params: &Params) -> Self {
        let of = |name: &str| {
            params.get(&format!("{HEAD}.{name}")).map(|p| p.values().to_vec()).unwrap_or_default()
        };
        let (bias, mean, var) = (of("fc1.bias"), of("bn.running_mean"), of("bn.running_var"));
        let scale: Vec<f32> =
            of("bn.weight").iter().zip(&var).map(|(weight, var)| weight / (var + EPS).sqrt()).collect();
        let shift = of("bn.bias");
        let offset =
            |(((scale, bias), mean), shift): (((&f32, &f32), &f32), &f32)| scale * (bias - mean) + shift;
        let offset = scale.iter().zip(&bias).zip(&mean).zip(&shift).map(offset).collect();
        GradCam { first: of("fc1.weight"), scale, offset, second: of("fc2.weight") }
    }

    /// `ReLU(sum_k w_k A_k)` of the maps `[channel][location]` of the layer whose mean is `embedding`, where `w_k` is the mean
    /// gradient of the anomaly's logit with respect to `A_k`: of a single logit its own; of several, the sum over those of
    /// anomalies, less that of the normal class.
    pub(crate) fn map(&self, embedding: &[f32], maps: &[f32]) -> Vec<f32> {
        let (hidden, channels) = (self.scale.len(), embedding.len());
        let logits = self.second.len() / hidden.max(1);
        let mut weights = vec![0.0_f32; channels];
        for (h, row) in self.first.chunks_exact(channels.max(1)).enumerate() {
            let sum: f32 = row.iter().zip(embedding).map(|(w, e)| w * e).sum();
            if self.scale[h] * sum + self.offset[h] <= 0.0 {
                continue;
            }
            let of = |logit: usize| self.second[logit * hidden + h];
            let out: f32 = if logits == 1 { of(0) } else { (1..logits).map(of).sum::<f32>() - of(0) };
            let slope = self.scale[h] * out;
            weights.iter_mut().zip(row).for_each(|(weight, w)| *weight += slope * w);
        }
        let locations = maps.len() / channels.max(1);
        let mut map = vec![0.0; locations];
        for (maps, weight) in maps.chunks_exact(locations.max(1)).zip(&weights) {
            // The mean over locations of a gradient that is 1/locations of the embedding's.
            let weight = weight / locations as f32;
            map.iter_mut().zip(maps).for_each(|(sum, a)| *sum += weight * a);
        }
        map.iter_mut().for_each(|value| *value = value.max(0.0));
        map
    }
}
