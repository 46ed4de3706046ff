//! Trains a masked network on a CPU in the time of its kept weights.
//!
//! ```
//! use jackpot_net::{Architecture, Precision, Training};
//! use jackpot_prune::Mask;
//! use jackpot_sparse::{SparseEngine, Isa};
//!
//! let network = Architecture::resnet(8, 4, 10, [1, 8, 8]).build()?;
//! let training = Training::su2020();
//! jackpot_sparse::check(&network, &training, Precision::F32)?;
//! # let parameters: Vec<Vec<f32>> = network.parameters.iter()
//! #     .map(|p| vec![0.5; p.shape.iter().product()]).collect();
//! # let Ok(isa) = Isa::best() else { return Ok(()) };
//! let mask = Mask::dense(&network);
//! let mut engine = SparseEngine::new(&network, &parameters, &mask, &training, Precision::F32, isa)?;
//! let step = engine.step(&[0.0; 3 * 64], &[0, 1, 2], 0.1)?;
//! assert!(step.loss > 0.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | `planning::{lower, plan}` | the network's nodes as sources and groups, or the name of what cannot be run |
//! | `planning::pattern` | kept weights as lists of offsets, forward and transposed: pure |
//! | `planning::schedule` | which gradients each backward step reads and writes |
//! | `planning::arena` | where every map lies, from its birth to its death |
//! | `passes::{work, maps}` | a group's rings and tiles; how rows of a source are made |
//! | `passes::{forward, backward, block, unpool}` | the passes of a group |
//! | `net`, `parameter` | a whole step; dense parameters outside, kept weights inside |
//! | `layer`, `loss`, `optimizer` | normalisation, cross-entropy, steps |
//! | `kernels` | vectors and the loops over them, for every storage and instruction set |
//!
//! Sixteen images of f32, or thirty-two of bf16, lie side by side in a cache line, so that a
//! kept weight is one broadcast and a few multiply-adds, whatever its place. Three quarters of
//! the convolution outputs and a few block outputs are all that is held until the way back,
//! where the other outputs are made again, bit for bit. Normalisation, activation, addition
//! and pooling happen on the way into a small ring of rows, and their gradients on the way out.
//!
//! **Invariant.** This crate never links libtorch, starts a thread, reads a clock or draws a
//! random number: a result is a function of the parameters, the mask, the batches, the
//! storage and the instruction set. `unsafe` stands in `kernels` alone, and what that exports
//! asserts its sizes.

mod kernels;
mod layer;
mod loss;
mod net;
mod optimizer;
mod parameter;
mod passes;
mod planning;

use jackpot_net::{Network, Precision, Training};
use jackpot_prune::Mask;
use kernels::{Bf16Avx512, F32Avx2, F32Avx512};
use net::{Net, Run};
use parameter::{describe, gathered};
use planning::plan::Plan;

/// What cannot be trained, or does not fit.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A network that the engine cannot run: names the layer and what to use instead.
    #[error("{0}")]
    Unsupported(String),
    /// A CPU without the instructions.
    #[error("{0}")]
    Cpu(String),
    /// Names what was expected and what was found.
    #[error("{0}")]
    Invalid(String),
    /// A network or a training that does not fit.
    #[error(transparent)]
    Net(#[from] jackpot_net::Error),
    /// A mask that does not fit.
    #[error(transparent)]
    Mask(#[from] jackpot_prune::Error),
}

fn invalid<T>(message: impl Into<String>) -> Result<T, Error> {
    Err(Error::Invalid(message.into()))
}

/// The instructions that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F, BW, DQ and VL; for bf16 its bf16 instructions too.
    Avx512,
}

impl Isa {
    /// The widest that this CPU has.
    ///
    /// # Errors
    /// A CPU without AVX2.
    pub fn best() -> Result<Isa, Error> {
        let isas = [Isa::Avx512, Isa::Avx2];
        let first = isas
            .into_iter()
            .find(|isa| isa.check(Precision::F32).is_ok());
        first.map_or_else(|| Isa::Avx2.check(Precision::F32).map(|()| Isa::Avx2), Ok)
    }

    /// The kernels that the sparse engine takes in a device class, if this CPU has them.
    ///
    /// # Errors
    /// A class without such kernels; a CPU that lacks what the storage needs.
    pub fn of_class(device_class: &str, storage: Precision) -> Result<Isa, Error> {
        let isa = match device_class {
            "cpu-avx2" | "native-avx2" => Isa::Avx2,
            "native-avx512" => Isa::Avx512,
            other => {
                return Err(Error::Unsupported(format!(
                    "the sparse engine has kernels for AVX2 and AVX-512, none for `{other}`; write `engine = \"libtorch\"`"
                )));
            }
        };
        match isa.check(storage) {
            Ok(()) => Ok(isa),
            Err(e) => Err(Error::Cpu(format!("device class `{device_class}`: {e}"))),
        }
    }

    /// Whether this CPU has it, for a storage.
    ///
    /// # Errors
    /// Names what the CPU lacks and what to use instead.
    pub fn check(self, storage: Precision) -> Result<(), Error> {
        let avx512 = || {
            is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("fma")
        };
        let (there, lacks, instead) = match (self, storage) {
            (Isa::Avx2, Precision::Bf16) => (
                false,
                "packed bf16 needs AVX-512 with bf16, and AVX2 was asked for",
                "use f32",
            ),
            (Isa::Avx2, Precision::F32) => (
                is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
                "this CPU has no AVX2 with FMA",
                "use `engine = \"libtorch\"`",
            ),
            (Isa::Avx512, Precision::F32) => (
                avx512(),
                "this CPU has no AVX-512 (F, BW, DQ, VL)",
                "use AVX2",
            ),
            (Isa::Avx512, Precision::Bf16) => (
                avx512() && is_x86_feature_detected!("avx512bf16"),
                "this CPU has no AVX-512 with bf16",
                "use f32",
            ),
        };
        if there {
            Ok(())
        } else {
            Err(Error::Cpu(format!("the sparse engine: {lacks}; {instead}")))
        }
    }
}

/// Whether this network can be trained with these settings.
///
/// # Errors
/// Names the layer or field that cannot, and what to use instead.
pub fn check(network: &Network, training: &Training, storage: Precision) -> Result<(), Error> {
    // Every network that can be run can be run in either storage.
    let _ = storage;
    training.validate()?;
    Plan::new(network).map(|_| ())
}

/// What a step saw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepMetrics {
    /// Mean loss of the batch before the step, label smoothing included.
    pub loss: f64,
    /// Images whose first largest logit is at their label, all of their logits being finite.
    pub correct: u64,
}

/// A masked network in training, on one thread.
///
/// Two engines that were given the same go the same way bit for bit. Between `Isa`s results
/// differ in the last bits.
pub struct SparseEngine {
    net: Box<dyn Run>,
}

impl SparseEngine {
    /// `parameters` are dense, row-major, one of each of [`Network::parameters`] in its order
    /// (running statistics included); what the mask prunes is not read. Each is dropped before
    /// the next is asked for.
    ///
    /// # Errors
    /// A network or settings that [`check`] refuses; a CPU without the instructions; a mask
    /// or parameters of another network.
    pub fn new(
        network: &Network,
        parameters: impl IntoIterator<Item = impl AsRef<[f32]>>,
        mask: &Mask,
        training: &Training,
        storage: Precision,
        isa: Isa,
    ) -> Result<SparseEngine, Error> {
        check(network, training, storage)?;
        isa.check(storage)?;
        let described = describe(network, mask)?;
        let values = gathered(network, &described, parameters)?;
        let net: Box<dyn Run> = match (storage, isa) {
            (Precision::F32, Isa::Avx512) => {
                Box::new(Net::<F32Avx512>::new(network, described, values, training)?)
            }
            (Precision::F32, Isa::Avx2) => {
                Box::new(Net::<F32Avx2>::new(network, described, values, training)?)
            }
            (Precision::Bf16, _) => Box::new(Net::<Bf16Avx512>::new(
                network, described, values, training,
            )?),
        };
        Ok(SparseEngine { net })
    }

    /// One step with learning rate `lr` on normalised images `[n][height][width][channels]`
    /// and labels `[n]`; any n from 1.
    ///
    /// # Errors
    /// Sizes or labels that do not fit; one image alone where a normalisation needs two.
    pub fn step(&mut self, images: &[f32], labels: &[i64], lr: f64) -> Result<StepMetrics, Error> {
        self.net.step(images, labels, lr)
    }

    /// Logits `[n][classes]` of images as in [`SparseEngine::step`], with running statistics.
    ///
    /// # Errors
    /// Images of another size.
    pub fn logits(&mut self, images: &[f32]) -> Result<Vec<f32>, Error> {
        self.net.logits(images)
    }

    /// Gradients of a batch's loss at the kept weights, dense, 0 at pruned ones and at running
    /// statistics, one of each parameter; nothing moves.
    ///
    /// The gradient of a bias right before a batch normalisation is exactly 0.
    ///
    /// # Errors
    /// As [`SparseEngine::step`].
    pub fn gradients(&mut self, images: &[f32], labels: &[i64]) -> Result<Vec<Vec<f32>>, Error> {
        self.net.gradients(images, labels)
    }

    /// As given to [`SparseEngine::new`]; pruned weights are exactly 0.
    pub fn parameters(&self) -> Vec<Vec<f32>> {
        self.net.parameters()
    }

    /// Number of kept weights.
    pub fn kept(&self) -> u64 {
        self.net.kept()
    }

    /// The optimiser's buffers, buffer by buffer, each with its name and the index of its
    /// trained parameter, dense, 0 at pruned weights.
    pub fn buffers(&self) -> Vec<(&'static str, usize, Vec<f32>)> {
        self.net.buffers()
    }

    /// Steps taken since the optimiser's buffers were 0.
    pub fn steps(&self) -> u64 {
        self.net.steps()
    }

    /// Puts every map into memory of its own, where a test can forbid what lies beside it.
    #[doc(hidden)]
    pub fn separate_maps(&mut self) {
        self.net.separate();
    }

    /// Holds every output until the backward pass, so that a test can compare; how many would
    /// have been made again.
    #[doc(hidden)]
    pub fn hold_outputs(&mut self) -> usize {
        self.net.hold()
    }

    /// Puts back what [`SparseEngine::parameters`], [`SparseEngine::buffers`] and
    /// [`SparseEngine::steps`] gave: the next step is bit for bit that of the engine which they
    /// came from.
    ///
    /// # Errors
    /// Numbers of another network or optimiser.
    pub fn restore(
        &mut self,
        parameters: &[Vec<f32>],
        buffers: &[Vec<f32>],
        steps: u64,
    ) -> Result<(), Error> {
        self.net.restore(parameters, buffers, steps)
    }
}
