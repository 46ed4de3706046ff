//! Trainings: a network trained from given weights, dense or under a mask.
use crate::{
    Error,
    actions::{
        context::{ActionContext, Made, Observe},
        estimate::{Estimate, EstimateContext},
        evaluate::{verify_measured_files, verify_measurements},
        kind::{ActionKind, NameKey, ObjectReader, network_of},
        parts::{ActionInput, Machine, Platform},
        validate::{self, invalid},
    },
};
use jackpot_data::StoredRows;
use jackpot_net::{Architecture, Compute, Engine, Network, Op, Precision, Training};
use jackpot_protocol::{Failure, Job, TrainJob};
use jackpot_prune::Mask;
use jackpot_sparse::Isa;
use jackpot_store::Digest;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};

/// Trains a network. The outputs are `metrics`, `bits`, which has one bit per test row, and
/// `checkpoint`, a state_dict.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrainRecipe {
    /// The network's architecture.
    pub architecture: Architecture,
    /// The hyperparameters.
    pub training: Training,
    /// The state_dict to start from.
    pub weights: ActionInput,
    /// The mask that is trained under; a dense training has none.
    pub mask: Option<ActionInput>,
    /// The training rows: a data object.
    pub train: ActionInput,
    /// The test rows: a data object.
    pub test: ActionInput,
    /// Mean and standard deviation of the channels of the clean training rows.
    pub normalisation: ActionInput,
    /// The seed's random key `order`: 32 hexadecimal digits.
    pub order_key: String,
    /// The seed's random key `augment`: 32 hexadecimal digits.
    pub augment_key: String,
    /// The platform that computes it.
    #[serde(flatten)]
    pub platform: Platform,
}

/// Revision of trainings in libtorch.
const LIBTORCH_REVISION: u32 = 1;

/// Revision of trainings in the sparse engine. Counted by itself: other sums there move no key of
/// libtorch's.
const SPARSE_REVISION: u32 = 1;

/// Outputs of a training, and the files that a worker writes them to.
const FILES: &[(&str, &str)] = &[
    ("metrics", "metrics.json"),
    ("bits", "bits"),
    ("checkpoint", "checkpoint.safetensors"),
];

impl TrainRecipe {
    /// Whether this machine's CPU has the kernels that the training's engine takes.
    ///
    /// # Errors
    /// Which kernels are lacking.
    pub(crate) fn check_kernels(&self) -> Result<(), jackpot_sparse::Error> {
        match self.platform.engine {
            Engine::Libtorch => Ok(()),
            Engine::Sparse => {
                Isa::of_class(&self.platform.device_class, self.platform.precision).map(drop)
            }
        }
    }

    /// The same training to the end of its schedule. Trainings that differ only in where they stop
    /// have it in common.
    pub(crate) fn without_end(&self) -> TrainRecipe {
        let mut whole = self.clone();
        whole.training.until = None;
        whole
    }

    fn job(&self, context: &ActionContext, key: &Digest) -> Result<TrainJob, Failure> {
        let platform = &self.platform;
        Ok(TrainJob {
            architecture: self.architecture.clone(),
            training: self.training.clone(),
            weights: context.path(&self.weights)?,
            mask: context.optional_path(&self.mask)?,
            train: context.path(&self.train)?,
            test: context.path(&self.test)?,
            normalisation: context.normalisation(&self.normalisation)?,
            order_key: self.order_key.clone(),
            augment_key: self.augment_key.clone(),
            device: context.device.name.clone(),
            precision: platform.precision,
            engine: platform.engine,
            device_class: platform.device_class.clone(),
            threads: platform.threads,
            resume: context.resume_folder(key)?,
            memory: context.memory,
            limits: context.uncontained(),
        })
    }
}

impl ActionKind for TrainRecipe {
    fn name(&self) -> &'static str {
        "train"
    }

    fn revision(&self) -> u32 {
        match self.platform.engine {
            Engine::Libtorch => LIBTORCH_REVISION,
            Engine::Sparse => SPARSE_REVISION,
        }
    }

    fn architecture(&self) -> Option<&Architecture> {
        Some(&self.architecture)
    }

    fn inputs_mut(&mut self) -> Vec<(&'static str, &mut ActionInput)> {
        let mask = self.mask.as_mut().map(|mask| ("mask", mask));
        let rest = [
            ("weights", &mut self.weights),
            ("train", &mut self.train),
            ("test", &mut self.test),
            ("normalisation", &mut self.normalisation),
        ];
        mask.into_iter().chain(rest).collect()
    }

    fn machine(&self) -> Option<Machine<'_>> {
        Some(self.platform.machine())
    }

    fn execute(
        &self,
        context: &ActionContext,
        key: &Digest,
        observe: Observe,
    ) -> Result<Made, Failure> {
        let network = network_of(&self.architecture)?;
        let job = Job::Train(Box::new(self.job(context, key)?));
        let run = context.run_worker(&job, observe)?;
        let test = StoredRows::open(&context.path(&self.test)?);
        let test = test.map_err(|e| invalid("test", e))?;
        let mask = match &self.mask {
            Some(input) => Some(validate::mask(&context.get(input)?, &network)?),
            None => None,
        };
        let out = run.out();
        verify_files(&out, &network, mask.as_ref(), test.rows() as u64)?;
        let mut record = run.record();
        record["seconds_per_epoch"] = run.finished.result["seconds_per_epoch"].clone();
        Ok(Made {
            outputs: context.store_files(&out, FILES)?,
            record,
        })
    }

    fn verify(
        &self,
        outputs: &BTreeMap<String, Digest>,
        objects: &mut dyn ObjectReader,
    ) -> Result<Vec<String>, Error> {
        let Ok(network) = network_of(&self.architecture) else {
            return Ok(Vec::new());
        };
        verify_measurements(outputs, self.mask.as_ref(), &self.test, &network, objects)
    }

    fn estimate(&self, context: &EstimateContext) -> Estimate {
        let compute = self.platform.compute();
        Estimate {
            seconds: training_seconds(context, &self.training, self.mask.as_ref(), compute),
            bytes: 16_384,
        }
    }

    fn describe(&self, _name_key: NameKey) -> String {
        let Training {
            epochs, batch, lr, ..
        } = &self.training;
        let compute = self.platform.compute();
        let computed = if compute == Compute::default() {
            String::new()
        } else {
            format!(", {}", compute.describe())
        };
        let class = &self.platform.device_class;
        format!("{epochs} epochs, batch {batch}, lr {lr}; {class}{computed}")
    }
}

/// Refuses files of a finished training that disagree with each other, with the mask or with the
/// network.
fn verify_files(
    folder: &Path,
    network: &Network,
    mask: Option<&Mask>,
    test_rows: u64,
) -> Result<(), Failure> {
    let read = |name: &str| std::fs::read(folder.join(name)).map_err(|e| invalid(name, e));
    let bytes = read("metrics.json")?;
    let checkpoint = read("checkpoint.safetensors")?;
    // A divergence is a result too: it is kept, and a report names it. Its weights may be
    // infinite, and infinity times a mask's 0 is not a number: they prove nothing of the mask.
    if validate::diverged(&bytes).is_some() {
        return validate::state_dict(&checkpoint, network, None);
    }
    let kept = mask.map_or(network.prunable_weights(), Mask::kept);
    verify_measured_files(folder, kept, test_rows)?;
    validate::state_dict(&checkpoint, network, mask)
}

/// What a step costs in the sparse engine.
struct SparseRate {
    /// Multiply-adds with kept weights a second.
    multiply_adds: f64,
    /// Seconds per activation of one image in one step, whatever is kept: reading, normalising,
    /// rectifying and storing it, forward and backward.
    seconds_per_activation: f64,
}

/// The rates of one core (an AMD EPYC of Zen 5): least squares of the relative errors over the medians of
/// `reports/speed/speed.csv`, four networks at 90 to 99 %; they are within a fifth of most of them.
fn sparse_rate(class: &str, precision: Precision) -> SparseRate {
    let (multiply_adds, seconds_per_activation) = match (class, precision) {
        ("native-avx512", Precision::F32) => (4.1e10, 1.17e-9),
        ("native-avx512", Precision::Bf16) => (6.1e10, 5.0e-10),
        _ => (2.6e10, 9.5e-10),
    };
    SparseRate {
        multiply_adds,
        seconds_per_activation,
    }
}

/// Estimated seconds of one core, or of the GPU, that a training takes with this engine and
/// precision.
pub(crate) fn training_seconds(
    context: &EstimateContext,
    training: &Training,
    mask: Option<&ActionInput>,
    compute: Compute,
) -> f64 {
    let network = context.network;
    let rows = u64::from(context.data.train_rows);
    let epochs = training.steps(rows) as f64 / training.steps_in_epoch(rows).max(1) as f64;
    let trained = training.steps(rows) as f64 * f64::from(training.batch);
    // A step is three forward passes' worth.
    let images = 3.0 * trained + epochs * f64::from(context.data.test_rows);
    let multiply_adds = network.multiply_adds() as f64;
    let per_image = match compute.engine {
        Engine::Libtorch => multiply_adds / context.libtorch_rate(),
        Engine::Sparse => {
            let left = mask.map_or(1.0, |mask| context.masks.multiply_adds_left(mask));
            let rate = sparse_rate(context.device_class, compute.precision);
            multiply_adds * left / rate.multiply_adds
                + activations(network) * rate.seconds_per_activation / 3.0
        }
    };
    1.0 + images * per_image
}

/// Number of values that the convolutions of a network give for one image.
fn activations(network: &Network) -> f64 {
    let convolutions = network
        .nodes
        .iter()
        .filter(|node| matches!(node.op, Op::Conv { .. }));
    let values = convolutions.map(|node| node.output.iter().product::<usize>());
    values.sum::<usize>() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use jackpot_net::init::initial_weights;

    use jackpot_rng::Key;
    use safetensors::SafeTensors;

    fn network() -> Network {
        let architecture = Architecture::resnet(8, 8, 10, [1, 8, 8]);
        architecture.build().unwrap()
    }

    /// Three rows of which two were right, and weights that are not a number where the mask
    /// prunes the first one: what one step to infinity leaves.
    fn files(folder: &Path, network: &Network, more: &str, pruned: f32) {
        let weights = initial_weights(network, Key::from_seed(1)).unwrap();
        let tensors = SafeTensors::deserialize(&weights).unwrap();
        let first = &network.layers[0].name;
        let start = tensors.tensor(first).unwrap().data().as_ptr() as usize;
        let place = start - weights.as_ptr() as usize;
        let mut weights = weights.clone();
        weights[place..place + 4].copy_from_slice(&pruned.to_le_bytes());
        let kept = network.prunable_weights() - 1;
        let metrics = format!(
            r#"{{"best_epoch":1,"best_test_accuracy":"6e1",{more}"epochs":[],"kept":{kept},"test_accuracy":"6e1","test_correct":2,"test_loss":"1e0","test_rows":3}}"#
        );
        std::fs::write(folder.join("metrics.json"), metrics).unwrap();
        std::fs::write(folder.join("bits"), [0b101]).unwrap();
        std::fs::write(folder.join("checkpoint.safetensors"), weights).unwrap();
    }

    #[test]
    fn a_sparse_training_that_diverged_is_a_result_and_a_broken_mask_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let network = network();
        let mut mask = Mask::dense(&network);
        mask.layers[0].kept[0] = false;
        let check = |more: &str, pruned: f32| {
            files(folder.path(), &network, more, pruned);
            verify_files(folder.path(), &network, Some(&mask), 3)
        };
        check("", 0.0).unwrap();
        check("\"diverged_at_epoch\":1,", f32::NAN).unwrap();
        for pruned in [f32::NAN, 0.5] {
            let failure = check("", pruned).unwrap_err();
            assert!(
                failure.message.contains("pruned weights that are not 0"),
                "{failure}"
            );
        }
    }
}
