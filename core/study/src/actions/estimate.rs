//! How long an action will take and how much it will leave on disk, roughly; each kind has its
//! own formula. Only estimates read the rates; no result depends on them.
use crate::{actions::parts::ActionInput, spec::data::DataSettings};
use jackpot_net::Network;

/// Roughly what an action costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Estimate {
    /// Seconds of one core, or of the GPU that the study asks for.
    pub seconds: f64,
    /// Bytes that stay in the store.
    pub bytes: u64,
}

/// What an estimate reads beside the recipe. No result depends on an estimate.
#[derive(Clone, Copy)]
pub(crate) struct EstimateContext<'a> {
    /// The data of the action's setting.
    pub data: &'a DataSettings,
    /// The network that the recipe's architecture describes.
    pub network: &'a Network,
    /// Whether libtorch computes on a GPU.
    pub is_gpu: bool,
    /// The kernels of the device, e.g. `cpu-avx2`.
    pub device_class: &'a str,
    /// What is expected of the masks of the plan.
    pub masks: &'a dyn MaskForecast,
}

/// What is expected of masks that are not made yet.
pub(crate) trait MaskForecast {
    /// About which share of the network's multiply-adds a mask or counts leave; 1 where nothing
    /// is known.
    fn multiply_adds_left(&self, mask: &ActionInput) -> f64;
}

/// Multiply-adds per second of one core in training, forward and backward; measured on
/// ResNet-8 w16 at 14×14, rounded down.
const MULTIPLY_ADDS_PER_SECOND: f64 = 5e10;

/// The same of one GPU: 367 images per second of ResNet-50, 4.09e9 multiply-adds forward and thrice
/// that in all, on one V100 in f32 (NVIDIA DeepLearningExamples, resnet50v1.5, 2021). Networks on
/// small images use a GPU less well than that.
const MULTIPLY_ADDS_PER_SECOND_OF_GPU: f64 = 4.5e12;

/// At equal sparsity masks of global selections, and allocations whose counts are not known
/// beforehand, leave about three times the multiply-adds of a uniform one: early layers, which
/// are used at many places, stay dense.
const UNEVEN: f64 = 3.0;

/// The share of the multiply-adds that weights of this density leave which are not spread evenly
/// over the layers.
pub(crate) fn uneven_share(density: f64) -> f64 {
    (UNEVEN * density).min(1.0)
}

impl EstimateContext<'_> {
    /// Multiply-adds per second in libtorch.
    pub(crate) fn libtorch_rate(&self) -> f64 {
        if self.is_gpu {
            MULTIPLY_ADDS_PER_SECOND_OF_GPU
        } else {
            MULTIPLY_ADDS_PER_SECOND
        }
    }

    /// Bytes of so many rows as a data object, its header aside.
    pub(crate) fn row_bytes(&self, rows: u64) -> u64 {
        let [channels, height, width] = self.data.image.map(u64::from);
        rows * (channels * height * width + 8)
    }
}
