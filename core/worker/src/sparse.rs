//! The sparse engine behind [`jackpot_nn::TrainingEngine`]: tensors become slices, and slices tensors.
use jackpot_net::{Network, Training};
use jackpot_nn::{
    Batch, Buffer, Device, Error, FloatPrecision, Model, StepTensors, TrainingEngine, numbers,
    pixels,
};
use jackpot_prune::Mask;
use jackpot_sparse::Isa;
use tch::Tensor;

/// One training in the sparse engine.
pub struct Sparse {
    engine: jackpot_sparse::SparseEngine,
    network: Network,
    /// What the mask keeps.
    kept: u64,
    /// Precision and kernels, in words.
    described: String,
}

impl Sparse {
    /// Starts from a state_dict under a mask; without one everything is kept. The device class
    /// says which kernels are taken.
    ///
    /// # Errors
    /// What does not fit the network; a CPU without the kernels; what the engine cannot lower.
    pub fn new(
        network: &Network,
        state_dict: &[u8],
        mask: Option<&Mask>,
        training: &Training,
        precision: jackpot_net::Precision,
        device_class: &str,
    ) -> Result<Sparse, Error> {
        training.validate()?;
        let mask = mask.map_or_else(|| Mask::dense(network), Mask::clone);
        mask.check(network)?;
        let isa = Isa::of_class(device_class, precision);
        let isa = isa.map_err(|e| Error::Invalid(e.to_string()))?;
        // Read as libtorch's engine reads it: the same names, shapes and messages.
        let model = Model::load(network, state_dict, FloatPrecision::F32, Device::Cpu)?;
        // One after the other: together they take more memory than all that is kept of them.
        let mut unread = None;
        let dense = model.parameters().iter().map_while(|parameter| {
            let read = numbers(parameter);
            read.map_err(|error| unread = Some(error)).ok()
        });
        let engine =
            jackpot_sparse::SparseEngine::new(network, dense, &mask, training, precision, isa);
        if let Some(error) = unread {
            return Err(error);
        }
        Ok(Sparse {
            engine: engine.map_err(to_nn_error)?,
            network: network.clone(),
            kept: mask.kept(),
            described: format!("sparse {precision:?} {isa:?}"),
        })
    }

    fn tensor(&self, parameter: usize, values: &[f32]) -> Result<Tensor, Error> {
        let shape = &self.network.parameters[parameter].shape;
        let shape: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
        Ok(Tensor::f_from_slice(values)?.f_reshape(shape)?)
    }
}

impl TrainingEngine for Sparse {
    fn describe(&self) -> String {
        self.described.clone()
    }

    fn step(&mut self, batch: &Batch, lr: f64) -> Result<StepTensors, Error> {
        let (images, labels) = batch.numbers()?;
        let step = self
            .engine
            .step(&images, &labels, lr)
            .map_err(to_nn_error)?;
        let scalar = [0_i64; 0];
        Ok(StepTensors {
            loss: Tensor::f_from_slice(&[step.loss])?.f_reshape(scalar)?,
            correct: Tensor::f_from_slice(&[step.correct as i64])?.f_reshape(scalar)?,
        })
    }

    fn logits(&mut self, x: &Tensor) -> Result<Tensor, Error> {
        let logits = self.engine.logits(&pixels(x)?).map_err(to_nn_error)?;
        let classes = i64::from(self.network.architecture.classes);
        Ok(Tensor::f_from_slice(&logits)?.f_reshape([-1, classes])?)
    }

    /// Pruned weights do not exist in the engine; that it has as many as the mask keeps is what
    /// there is to prove.
    fn kept(&self) -> Result<u64, Error> {
        match self.engine.kept() {
            kept if kept == self.kept => Ok(kept),
            other => Err(Error::Numeric(format!(
                "the sparse engine has {other} weights, the mask keeps {}",
                self.kept
            ))),
        }
    }

    fn parameters(&self) -> Result<Vec<Tensor>, Error> {
        let parameters = self.engine.parameters();
        let numbered = parameters.iter().enumerate();
        numbered.map(|(i, v)| self.tensor(i, v)).collect()
    }

    fn buffers(&self) -> Result<Vec<Buffer>, Error> {
        let buffers = self.engine.buffers().into_iter();
        let buffer = |(name, parameter, values): (&'static str, usize, Vec<f32>)| {
            Ok(Buffer {
                name,
                parameter,
                values: self.tensor(parameter, &values)?,
            })
        };
        buffers.map(buffer).collect()
    }

    fn steps(&self) -> u64 {
        self.engine.steps()
    }

    fn restore(
        &mut self,
        parameters: &[Tensor],
        buffers: &[Tensor],
        steps: u64,
    ) -> Result<(), Error> {
        let all = |tensors: &[Tensor]| tensors.iter().map(numbers).collect::<Result<Vec<_>, _>>();
        let (parameters, buffers) = (all(parameters)?, all(buffers)?);
        self.engine
            .restore(&parameters, &buffers, steps)
            .map_err(to_nn_error)
    }
}

fn to_nn_error(error: jackpot_sparse::Error) -> Error {
    Error::Invalid(error.to_string())
}
