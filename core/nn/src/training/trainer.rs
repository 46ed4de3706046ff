//! Training steps under a mask.
use crate::network::model::{is_trained, prunable};
use crate::training::optimizer::Optimizer;
use crate::{
    Buffer, Error, Model, Statistics,
    batches::batch::Batch,
    network::{objective, state},
};
use jackpot_net::Training;
use jackpot_prune::Mask;
use tch::{Device, Kind, Tensor};

/// A model being trained by the optimiser that its settings name.
///
/// The mask multiplies the weights once a step, so pruned weights are exactly 0 after it; it
/// comes from the [`Mask`], never from the weights' zeros, so a kept weight that happens to
/// be 0 is trained on.
pub struct Trainer {
    model: Model,
    /// Indices of what is trained.
    trained: Vec<usize>,
    optimizer: Optimizer,
    /// Indices of the prunable weights with their 0/1 masks; empty for a dense training.
    masks: Vec<(usize, Tensor)>,
    prunable: Vec<usize>,
    settings: Training,
}

/// What one step saw, on the device, so that nothing waits for it.
pub struct StepTensors {
    /// Mean loss of the batch before the step: the cross-entropy, label smoothing included.
    pub loss: Tensor,
    /// Images of the batch classified rightly, i64.
    pub correct: Tensor,
}

impl Trainer {
    /// Puts the mask on the model's weights and starts with the optimiser's buffers at 0.
    ///
    /// # Errors
    /// A mask of another network; invalid settings.
    pub fn new(model: Model, mask: Option<&Mask>, settings: &Training) -> Result<Trainer, Error> {
        settings.validate()?;
        let network = model.network.clone();
        let trained: Vec<usize> = (0..network.parameters.len())
            .filter(|&i| is_trained(network.parameters[i].kind))
            .collect();
        let prunable = prunable(&network)?;
        let masks = match mask {
            None => Vec::new(),
            Some(mask) => model.masks(mask)?,
        };
        let tensors: Vec<&Tensor> = trained.iter().map(|&i| &model.parameters[i]).collect();
        let mut trainer = Trainer {
            optimizer: Optimizer::new(settings, &tensors)?,
            trained,
            masks,
            prunable,
            settings: settings.clone(),
            model,
        };
        tch::no_grad(|| trainer.prune())?;
        trainer.track()?;
        Ok(trainer)
    }

    /// The model as it is now.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Gives the model back.
    pub fn into_model(self) -> Model {
        self.model
    }

    /// One step with learning rate `lr` on a batch in the model's precision.
    ///
    /// # Errors
    /// libtorch's.
    pub fn step(&mut self, batch: &Batch, lr: f64) -> Result<StepTensors, Error> {
        let logits = self.model.forward(&batch.x, Statistics::Training)?;
        let loss = objective::smoothed(&logits, &batch.y, self.settings.label_smoothing)?;
        let leaves: Vec<&Tensor> = self
            .trained
            .iter()
            .map(|&i| &self.model.parameters[i])
            .collect();
        let mut gradients = Tensor::f_run_backward(&[&loss], &leaves, false, false)?;
        tch::no_grad(|| {
            if self.settings.published_gradient_mask {
                self.drop_gradients_of_zeros(&mut gradients)?;
            }
            self.optimizer.begin(lr)?;
            for (place, &i) in self.trained.iter().enumerate() {
                let weight = &mut self.model.parameters[i];
                self.optimizer
                    .step(place, weight, &mut gradients[place], lr)?;
            }
            self.prune()?;
            let correct = objective::right(&logits, &batch.y)?.f_sum(Kind::Int64)?;
            Ok(StepTensors {
                loss: loss.f_detach()?,
                correct,
            })
        })
    }

    /// [`Trainer::step`] on normalised images and labels given as numbers; returns the
    /// loss before the step.
    ///
    /// # Errors
    /// Shapes that do not fit; libtorch's.
    pub fn step_on(&mut self, images: &[f32], labels: &[i64], lr: f64) -> Result<f64, Error> {
        let Model {
            network,
            precision,
            device,
            ..
        } = &self.model;
        let batch = Batch::given(network, images, labels, *precision, *device)?;
        Ok(self.step(&batch, lr)?.loss.f_double_value(&[])?)
    }

    /// Counts the kept weights, and proves the mask: a pruned weight that is not 0 is an
    /// error, never a silent one.
    ///
    /// # Errors
    /// Names the layer whose pruned weights came back.
    pub fn kept(&self) -> Result<u64, Error> {
        if self.masks.is_empty() {
            return Ok(self
                .model
                .network
                .layers
                .iter()
                .map(|layer| layer.len() as u64)
                .sum());
        }
        let mut kept = 0;
        for (i, mask) in &self.masks {
            let pruned = mask.f_eq(0)?;
            let back = self.model.parameters[*i].f_ne(0)?.f_logical_and(&pruned)?;
            let back = back.f_sum(Kind::Int64)?.f_int64_value(&[])?;
            if back != 0 {
                let name = &self.model.network.parameters[*i].name;
                return Err(Error::Numeric(format!(
                    "layer `{name}`: {back} pruned weights are not 0"
                )));
            }
            kept += mask.f_sum(Kind::Double)?.f_double_value(&[])? as u64;
        }
        Ok(kept)
    }

    /// Multiplies the weights by the mask, in place.
    fn prune(&mut self) -> Result<(), Error> {
        for (i, mask) in &self.masks {
            let _ = self.model.parameters[*i].f_mul_(mask)?;
        }
        Ok(())
    }

    /// As the published loop does: a weight that is exactly 0, kept or pruned, gets no
    /// gradient in this step (the optimiser's buffers and weight decay go on).
    fn drop_gradients_of_zeros(&self, gradients: &mut [Tensor]) -> Result<(), Error> {
        for (place, i) in self.trained.iter().enumerate() {
            if self.prunable.contains(i) {
                let _ = gradients[place].f_mul_(&self.model.parameters[*i].f_ne(0)?)?;
            }
        }
        Ok(())
    }

    /// Marks the trained parameters for autograd.
    fn track(&mut self) -> Result<(), Error> {
        for &i in &self.trained {
            self.model.parameters[i] = self.model.parameters[i]
                .f_detach()?
                .f_set_requires_grad(true)?;
        }
        Ok(())
    }

    /// The optimiser's buffers, which share the trainer's memory.
    pub(crate) fn memory(&self) -> Vec<Buffer> {
        let buffer = |(name, place, tensor): (&'static str, usize, &Tensor)| Buffer {
            name,
            parameter: self.trained[place],
            values: tensor.shallow_clone(),
        };
        self.optimizer.state().map(buffer).collect()
    }

    /// Steps taken so far.
    pub(crate) fn steps(&self) -> u64 {
        self.optimizer.steps()
    }

    /// Puts saved tensors, row-major, parameters and then buffers, back in place after
    /// `steps` steps: copying keeps the layout that the trainer was made with.
    pub(crate) fn restore<'a>(
        &mut self,
        saved: impl Iterator<Item = &'a Tensor>,
        steps: u64,
    ) -> Result<(), Error> {
        self.optimizer.set_steps(steps);
        tch::no_grad(|| {
            let targets = self
                .model
                .parameters
                .iter_mut()
                .chain(self.optimizer.state_mut());
            for (target, tensor) in targets.zip(saved) {
                target.f_copy_(tensor)?;
            }
            Ok(())
        })
    }
}

/// A layer's mask as 0 and 1, in the layout that everything computes in.
pub(crate) fn mask_tensor(
    kept: &[bool],
    shape: &[usize],
    kind: Kind,
    device: Device,
) -> Result<Tensor, Error> {
    let shape: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
    let flat = Tensor::f_from_slice(kept)?
        .f_to_kind(kind)?
        .f_to_device(device)?;
    state::laid_out(&flat.f_reshape(shape)?)
}
