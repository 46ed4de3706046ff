//! What a convolution's outputs are normalised with, and what goes back through it.
use crate::kernels::{Line, Lines};
use crate::planning::plan::Convolution;

/// Added to the variance (PyTorch's default).
const EPSILON: f64 = 1e-5;
/// Share of the new batch in the running statistics (PyTorch's default).
const MOMENTUM: f64 = 0.1;

/// The normalisation after one convolution, for each output channel.
///
/// Outputs are stored shifted, z = Σwx + `start`: with batch normalisation `start` is minus
/// the mean of the channel's first block (it does not change what is normalised, and sums of
/// squares lose nothing to a large mean), in evaluation minus the running mean, without
/// normalisation the bias.
pub(crate) struct Layer {
    pub start: Vec<f32>,
    /// Two lines per channel: sums of z and of z², one for each of 16 lanes.
    pub sums: Lines,
    /// The normalised output is scale·z + shift.
    pub scale: Vec<f32>,
    pub shift: Vec<f32>,
    /// Gradient of z: g·by_gradient + z·by_z + constant.
    pub by_gradient: Vec<f32>,
    pub by_z: Vec<f32>,
    pub constant: Vec<f32>,
    /// Mean of z over the batch, and 1/√(variance + ε).
    mean: Vec<f64>,
    inverse: Vec<f64>,
    normalised: bool,
}

impl Layer {
    pub fn new(c: &Convolution) -> Layer {
        let channels = c.output[0];
        let zeros = || vec![0.0; channels];
        Layer {
            start: zeros(),
            sums: Lines::new(2 * channels),
            scale: vec![1.0; channels],
            shift: zeros(),
            by_gradient: vec![1.0; channels],
            by_z: zeros(),
            constant: zeros(),
            mean: vec![0.0; channels],
            inverse: vec![1.0; channels],
            normalised: c.norm.is_some(),
        }
    }

    /// Before a batch whose statistics are its own.
    pub fn begin_batch(&mut self, bias: Option<&[f32]>) {
        self.sums.fill(Line::ZERO);
        if !self.normalised {
            self.without_norm(bias);
        }
    }

    fn without_norm(&mut self, bias: Option<&[f32]>) {
        match bias {
            Some(bias) => self.start.copy_from_slice(bias),
            None => self.start.fill(0.0),
        }
    }

    /// The batch's statistics over `count` numbers per channel; moves the running ones.
    pub fn end_batch(&mut self, c: &Convolution, count: f64, parameters: &mut [Vec<f32>]) {
        let Some(norm) = c.norm else { return };
        for (channel, &start) in self.start.iter().enumerate() {
            let [sum, squares] = [0, 1].map(|k| self.sums[2 * channel + k].sum(16));
            let mean = sum / count;
            let variance = (squares / count - mean * mean).max(0.0);
            let inverse = 1.0 / (variance + EPSILON).sqrt();
            let scale = f64::from(parameters[norm.weight][channel]) * inverse;
            self.mean[channel] = mean;
            self.inverse[channel] = inverse;
            self.scale[channel] = scale as f32;
            self.shift[channel] = (f64::from(parameters[norm.bias][channel]) - mean * scale) as f32;
            let bias = c
                .bias
                .map_or(0.0, |bias| f64::from(parameters[bias][channel]));
            let whole = mean - f64::from(start) + bias;
            let unbiased = variance * count / (count - 1.0);
            for (parameter, new) in [(norm.mean, whole), (norm.var, unbiased)] {
                let running = &mut parameters[parameter][channel];
                *running = ((1.0 - MOMENTUM) * f64::from(*running) + MOMENTUM * new) as f32;
            }
        }
    }

    /// Running statistics in place of the batch's.
    pub fn evaluate(&mut self, c: &Convolution, parameters: &[Vec<f32>]) {
        let bias = c.bias.map(|bias| &parameters[bias][..]);
        let Some(norm) = c.norm else {
            self.without_norm(bias);
            return;
        };
        for channel in 0..self.start.len() {
            let of = |parameter: usize| parameters[parameter][channel];
            let inverse = 1.0 / (f64::from(of(norm.var)) + EPSILON).sqrt();
            self.start[channel] = bias.map_or(0.0, |bias| bias[channel]) - of(norm.mean);
            self.scale[channel] = (f64::from(of(norm.weight)) * inverse) as f32;
            self.shift[channel] = of(norm.bias);
        }
    }

    /// From the sums of g and g·z over `count` numbers per channel: what z's gradient is made
    /// with, and the gradients of scale, shift and bias.
    ///
    /// With x̂ = (z − mean)·inverse: dz = γ·inverse·(g − Σg/count − x̂·Σgx̂/count).
    pub fn go_back(
        &mut self,
        c: &Convolution,
        sums: impl Fn(usize) -> [f64; 2],
        count: f64,
        parameters: &[Vec<f32>],
        gradients: &mut [Vec<f32>],
    ) {
        for channel in 0..self.start.len() {
            let [sum, product] = sums(channel);
            let Some(norm) = c.norm else {
                if let Some(bias) = c.bias {
                    gradients[bias][channel] = sum as f32;
                }
                continue;
            };
            // A bias before a normalisation moves nothing: its gradient is 0.
            let (mean, inverse) = (self.mean[channel], self.inverse[channel]);
            let scale = f64::from(parameters[norm.weight][channel]) * inverse;
            let along = inverse * (product - mean * sum);
            gradients[norm.weight][channel] = along as f32;
            gradients[norm.bias][channel] = sum as f32;
            self.by_gradient[channel] = scale as f32;
            self.by_z[channel] = (-scale * inverse * along / count) as f32;
            self.constant[channel] = (scale * (inverse * mean * along - sum) / count) as f32;
        }
    }
}
