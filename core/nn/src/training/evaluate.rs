//! Test accuracy and loss.
use crate::training::metrics::{metrics_of, percent};
use crate::{Error, FloatPrecision, ImageSet, Model, network::objective};
use jackpot_data::{Normalisation, Rows};
use jackpot_net::Network;
use jackpot_protocol::Metrics;
use jackpot_prune::Mask;
use tch::{Device, Kind, Tensor};

/// Images a forward pass; part of what the results are a function of. Activations of 64
/// images stay in the cache: 256 at once took a third longer.
const BATCH: usize = 64;

/// What a model makes of a data set, with running statistics.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Sum of the images' cross-entropies, in f64.
    pub loss_sum: f64,
    /// Right or wrong, image by image. An image whose logits are not finite is wrong.
    pub right: Vec<bool>,
}

impl Evaluation {
    /// Mean cross-entropy.
    pub fn loss(&self) -> f64 {
        self.loss_sum / self.right.len() as f64
    }

    /// Images classified rightly.
    pub fn correct(&self) -> u64 {
        self.right.iter().filter(|&&right| right).count() as u64
    }

    /// Percent.
    pub fn accuracy(&self) -> f64 {
        percent(self.correct(), self.right.len() as u64)
    }

    /// One bit per image, the first in the lowest bit of the first byte; spare bits 0.
    pub fn bits(&self) -> Vec<u8> {
        let byte = |bits: &[bool]| {
            bits.iter()
                .rev()
                .fold(0, |byte, &bit| byte << 1 | u8::from(bit))
        };
        self.right.chunks(8).map(byte).collect()
    }
}

/// Weights under a mask, as pruning leaves them: no step is taken.
pub struct Pruned<'a> {
    /// The network whose weights these are.
    pub network: &'a Network,
    /// state_dict (safetensors). Its running statistics are used as they are.
    pub weights: &'a [u8],
    /// Which weights are kept.
    pub mask: &'a Mask,
    /// Test images.
    pub test: &'a Rows,
    /// The normalisation of the training that made the weights.
    pub normalisation: &'a Normalisation,
    /// Where it runs.
    pub device: Device,
    /// What layers compute in.
    pub precision: FloatPrecision,
}

impl Pruned<'_> {
    /// Metrics without epochs, and one bit per test image as a training has them.
    ///
    /// # Errors
    /// Inputs that do not fit each other; libtorch's.
    pub fn evaluate(&self) -> Result<(Metrics, Vec<u8>), Error> {
        let architecture = &self.network.architecture;
        let test = ImageSet::of_rows(
            "test images",
            self.test,
            self.normalisation,
            architecture.input,
            architecture.classes,
            self.device,
        )?;
        let mut model = Model::load(self.network, self.weights, self.precision, self.device)?;
        model.prune(self.mask)?;
        let evaluation = evaluate(&model, &test)?;
        let metrics = metrics_of(Vec::new(), None, &evaluation, self.mask.kept());
        Ok((metrics, evaluation.bits()))
    }
}

/// Gives logits `[n, classes]` of images `[n, channels, height, width]`, with running
/// statistics.
pub(crate) trait Forward {
    fn forward(&mut self, x: &Tensor) -> Result<Tensor, Error>;
}

impl Forward for &Model {
    fn forward(&mut self, x: &Tensor) -> Result<Tensor, Error> {
        self.logits_of(x)
    }
}

/// Runs `model` over all of `images`, in stored order.
///
/// # Errors
/// libtorch's.
pub fn evaluate(mut model: &Model, images: &ImageSet) -> Result<Evaluation, Error> {
    let kind = model.precision.kind();
    evaluate_all(&mut model, images, kind)
}

/// As [`evaluate`], by whatever gives logits of images in `kind`.
pub(crate) fn evaluate_all(
    model: &mut (impl Forward + ?Sized),
    images: &ImageSet,
    kind: Kind,
) -> Result<Evaluation, Error> {
    let options = (Kind::Int64, images.device());
    let rows = Tensor::f_arange(images.rows() as i64, options)?;
    evaluate_rows(model, images, &rows, kind)
}

/// As [`evaluate_all`], over `rows` (i64 `[n]`, on the device) alone.
pub(crate) fn evaluate_rows(
    model: &mut (impl Forward + ?Sized),
    images: &ImageSet,
    rows: &Tensor,
    kind: Kind,
) -> Result<Evaluation, Error> {
    tch::no_grad(|| {
        let device = images.device();
        let count = rows.numel();
        let mut loss = Tensor::f_zeros([0_i64; 0], (Kind::Double, device))?;
        let mut right = Vec::new();
        for start in (0..count).step_by(BATCH) {
            let length = BATCH.min(count - start);
            let batch = images.gather_range(rows, None, start, length, kind)?;
            let logits = model.forward(&batch.x)?;
            loss = loss.f_add_(&objective::cross_entropy_sum(&logits, &batch.y)?)?;
            right.push(objective::right(&logits, &batch.y)?);
        }
        let right = Tensor::f_cat(&right, 0)?
            .f_to_kind(Kind::Uint8)?
            .f_to_device(Device::Cpu)?;
        let mut flags = vec![0_u8; count];
        right.f_copy_data(&mut flags, count)?;
        Ok(Evaluation {
            loss_sum: loss.f_double_value(&[])?,
            right: flags.into_iter().map(|flag| flag == 1).collect(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_image_is_the_lowest_bit() {
        let mut right = vec![false; 10];
        right[0] = true;
        right[3] = true;
        right[9] = true;
        let evaluation = Evaluation {
            loss_sum: 5.0,
            right,
        };
        assert_eq!(evaluation.bits(), [0b0000_1001, 0b0000_0010]);
        assert_eq!(evaluation.correct(), 3);
        assert_eq!(evaluation.accuracy(), 30.0);
        assert_eq!(evaluation.loss(), 0.5);
    }
}
