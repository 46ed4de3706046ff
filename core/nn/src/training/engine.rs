//! Who takes the steps of a training.
use crate::{Batch, Error, StepTensors, Trainer, training::evaluate::Forward};
use tch::Tensor;

/// Takes the steps of a training and says what became of the weights: libtorch's
/// [`Trainer`], or another engine. What a training is beside its steps (batches, order,
/// schedule, metrics, resume point) is [`crate::train_in`]'s, the same for all.
pub trait TrainingEngine {
    /// What the next step is a function of beside settings, weights, buffers and batch, in
    /// words: a resume point of an engine that says something else is not gone on from.
    fn describe(&self) -> String;

    /// One step with learning rate `lr` on a batch in f32.
    ///
    /// # Errors
    /// A batch that does not fit.
    fn step(&mut self, batch: &Batch, lr: f64) -> Result<StepTensors, Error>;

    /// Logits `[n, classes]` of normalised images `[n, channels, height, width]` (channels
    /// last), with running statistics.
    ///
    /// # Errors
    /// Images that do not fit.
    fn logits(&mut self, x: &Tensor) -> Result<Tensor, Error>;

    /// Counts the kept weights, and proves the mask.
    ///
    /// # Errors
    /// Names the layer whose pruned weights came back.
    fn kept(&self) -> Result<u64, Error>;

    /// One tensor a parameter of the network, in its order, running statistics included.
    ///
    /// # Errors
    /// When they cannot be copied.
    fn parameters(&self) -> Result<Vec<Tensor>, Error>;

    /// The optimiser's buffers in a fixed order: name, index of the parameter, values.
    ///
    /// # Errors
    /// When they cannot be copied.
    fn buffers(&self) -> Result<Vec<Buffer>, Error>;

    /// Steps taken so far.
    fn steps(&self) -> u64;

    /// Puts saved tensors, row-major, as [`TrainingEngine::parameters`] and [`TrainingEngine::buffers`] order
    /// them, back after `steps` steps: the next step has the bytes that it had there.
    ///
    /// # Errors
    /// Tensors that do not fit.
    fn restore(
        &mut self,
        parameters: &[Tensor],
        buffers: &[Tensor],
        steps: u64,
    ) -> Result<(), Error>;
}

/// One tensor of an optimiser's memory.
pub struct Buffer {
    /// As the optimiser calls it, e.g. `momentum`.
    pub name: &'static str,
    /// Index of the parameter that it is of.
    pub parameter: usize,
    /// In the parameter's shape.
    pub values: Tensor,
}

impl TrainingEngine for Trainer {
    fn describe(&self) -> String {
        let model = self.model();
        format!(
            "{:?} {:?} {} threads",
            model.device,
            model.precision,
            tch::get_num_threads()
        )
    }

    fn step(&mut self, batch: &Batch, lr: f64) -> Result<StepTensors, Error> {
        Trainer::step(self, batch, lr)
    }

    fn logits(&mut self, x: &Tensor) -> Result<Tensor, Error> {
        self.model().logits_of(x)
    }

    fn kept(&self) -> Result<u64, Error> {
        Trainer::kept(self)
    }

    fn parameters(&self) -> Result<Vec<Tensor>, Error> {
        let parameters = &self.model().parameters;
        Ok(parameters.iter().map(Tensor::shallow_clone).collect())
    }

    fn buffers(&self) -> Result<Vec<Buffer>, Error> {
        Ok(self.memory())
    }

    fn steps(&self) -> u64 {
        Trainer::steps(self)
    }

    fn restore(
        &mut self,
        parameters: &[Tensor],
        buffers: &[Tensor],
        steps: u64,
    ) -> Result<(), Error> {
        Trainer::restore(self, parameters.iter().chain(buffers), steps)
    }
}

/// Evaluation asks an engine for logits, whoever it is.
impl Forward for dyn TrainingEngine + '_ {
    fn forward(&mut self, x: &Tensor) -> Result<Tensor, Error> {
        self.logits(x)
    }
}
