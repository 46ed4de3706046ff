//! Losses, gradients and Hessian-vector products, computed by the host.
use crate::run::missing;
use crate::{Error, Key, Param, Result, Run, Vectors};
use jackpot_abi::*;

/// What is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Loss {
    /// Cross-entropy of the labels, mean over a part's images.
    CrossEntropy = JKP_LOSS_CROSS_ENTROPY,
    /// The sum of the logits.
    SumLogits = JKP_LOSS_SUM_LOGITS,
}

/// What the network is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Input {
    /// The images of a batch.
    Data = JKP_INPUT_DATA,
    /// One image of ones, which is no data.
    Ones = JKP_INPUT_ONES,
}

/// The function of the weights that is evaluated or differentiated. The default is the
/// training loss on data: cross-entropy, batch statistics, temperature 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// What is evaluated.
    pub loss: Loss,
    /// What the network is given.
    pub input: Input,
    /// Batch statistics in normalisation layers (running statistics never change).
    pub train_mode: bool,
    /// Compute in f64 even where the run does not ask for it.
    pub compute_f64: bool,
    /// Logits are divided by it; 1 = off.
    pub temperature: f64,
    /// Parameters that are not prunable by absolute value.
    pub abs_rest: bool,
}

impl Default for Objective {
    fn default() -> Self {
        Objective {
            loss: Loss::CrossEntropy,
            input: Input::Data,
            train_mode: true,
            compute_f64: false,
            temperature: 1.0,
            abs_rest: false,
        }
    }
}

/// Which images, balanced by the labels that the run sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchSpec {
    /// Draws the images.
    pub key: Key,
    /// How many batches.
    pub n_batches: u64,
    /// Images a batch, when `per_class` is 0.
    pub batch_size: u64,
    /// Above 0: that many of every class, in class order.
    pub per_class: u64,
    /// Each batch is cut in as many runs of rows, each with its own batch statistics.
    pub parts: u64,
    /// Augmented as in training.
    pub augment: bool,
    /// Mix the rows of a batch.
    pub shuffle: bool,
}

impl BatchSpec {
    /// The parameters of a method that draws batches, for its `params`; [`BatchSpec::of`]
    /// reads them. A method with another default names its own parameter in place of one.
    pub const PARAMS: [&'static Param; 5] = [
        &Param::int(
            c"samples_per_class",
            10,
            c"images of every class in a batch; 0: use batch_size",
        )
        .between(0.0, 1e6),
        &Param::int(c"batches", 1, c"batches whose gradients are added up").between(1.0, 1e6),
        &Param::int(
            c"batch_size",
            128,
            c"images in a batch if samples_per_class is 0",
        )
        .between(1.0, 1e6),
        &Param::flag(c"augment", true, c"crop and flip as in training"),
        &Param::flag(
            c"shuffle",
            false,
            c"mix the rows of a batch, else they are in class order",
        ),
    ];

    /// What the run's parameters ask for, in one part, drawn by the run's own key: so a
    /// method of several rounds sees new images in each.
    pub fn of(run: &Run) -> Result<BatchSpec> {
        Ok(BatchSpec {
            key: run.key(),
            n_batches: run.count("batches")?,
            batch_size: run.count("batch_size")?,
            per_class: run.count("samples_per_class")?,
            parts: 1,
            augment: run.flag("augment")?,
            shuffle: run.flag("shuffle")?,
        })
    }
}

/// Batches that were drawn; valid in the run that drew them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch(u64);

impl Batch {
    /// No data: what goes with [`Input::Ones`].
    pub const NONE: Batch = Batch(0);
}

/// The host's automatic differentiation. Every function evaluates at `point`, or with
/// `None` at the weights under the mask, and gives the sum over batches and their parts
/// of each part's mean loss. Derivatives are with respect to the effective weights,
/// masked entries too.
#[derive(Clone, Copy, Debug)]
pub struct Autodiff<'a> {
    run: Run<'a>,
    table: &'a jkp_autodiff_1,
}

impl<'a> Autodiff<'a> {
    pub(crate) fn new(run: Run<'a>, table: &'a jkp_autodiff_1) -> Autodiff<'a> {
        Autodiff { run, table }
    }

    /// Draws batches.
    pub fn batches(&self, spec: &BatchSpec) -> Result<Batch> {
        let batches = self.table.batches.ok_or_else(|| missing("batches"))?;
        let spec = jkp_batch_spec {
            struct_size: size_of::<jkp_batch_spec>() as u64,
            key: jkp_key { w: spec.key.0 },
            n_batches: spec.n_batches,
            batch_size: spec.batch_size,
            per_class: spec.per_class,
            parts: spec.parts,
            augment: spec.augment.into(),
            shuffle: spec.shuffle.into(),
        };
        let mut handle = 0;
        checked("batches", |error| {
            // SAFETY: the run's thread and pointer; the rest is valid for the call.
            unsafe { batches(self.run.raw(), &spec, &mut handle, error) }
        })?;
        Ok(Batch(handle))
    }

    /// The objective's value.
    pub fn loss(
        &self,
        objective: &Objective,
        batch: Batch,
        point: Option<&Vectors>,
    ) -> Result<f64> {
        let loss = self.table.loss.ok_or_else(|| missing("loss"))?;
        let objective = raw_objective(objective);
        let mut value = 0.0;
        checked("loss", |error| {
            // SAFETY: the run's thread and pointer; the rest is valid for the call.
            unsafe {
                loss(
                    self.run.raw(),
                    &objective,
                    batch.0,
                    raw(point),
                    &mut value,
                    error,
                )
            }
        })?;
        Ok(value)
    }

    /// The objective's gradient into `out`.
    pub fn grad(
        &self,
        objective: &Objective,
        batch: Batch,
        point: Option<&Vectors>,
        out: &mut Vectors,
    ) -> Result {
        let grad = self.table.grad.ok_or_else(|| missing("grad"))?;
        let objective = raw_objective(objective);
        checked("grad", |error| {
            // SAFETY: as in `loss`; `out` is borrowed mutably, so it is none of the others.
            unsafe {
                grad(
                    self.run.raw(),
                    &objective,
                    batch.0,
                    raw(point),
                    out.raw(),
                    error,
                )
            }
        })
    }

    /// The objective's Hessian times `v` into `out`.
    pub fn hvp(
        &self,
        objective: &Objective,
        batch: Batch,
        point: Option<&Vectors>,
        v: &Vectors,
        out: &mut Vectors,
    ) -> Result {
        let hvp = self.table.hvp.ok_or_else(|| missing("hvp"))?;
        let objective = raw_objective(objective);
        let (run, point) = (self.run.raw(), raw(point));
        checked("hvp", |error| {
            // SAFETY: as in `grad`.
            unsafe { hvp(run, &objective, batch.0, point, v.raw(), out.raw(), error) }
        })
    }
}

fn checked(what: &str, call: impl FnOnce(*mut jkp_error) -> jkp_status) -> Result {
    let mut error = jkp_error::new();
    match call(&mut error) {
        JKP_OK => Ok(()),
        status => Err(Error::of_host(what, status, &error)),
    }
}

fn raw(point: Option<&Vectors>) -> *const *const jkp_tensor {
    point.map_or(std::ptr::null(), Vectors::raw)
}

fn raw_objective(objective: &Objective) -> jkp_objective {
    jkp_objective {
        struct_size: size_of::<jkp_objective>() as u64,
        loss: objective.loss as u32,
        input: objective.input as u32,
        train_mode: objective.train_mode.into(),
        compute_f64: objective.compute_f64.into(),
        temperature: objective.temperature,
        abs_rest: objective.abs_rest.into(),
        reserved: 0,
    }
}
