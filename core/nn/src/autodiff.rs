//! Loss, gradient and Hessian-vector product at any point in weight space.
mod given;
mod slices;

use crate::{
    Batch, Error, FloatPrecision, ImageSet, Statistics,
    batches::batch,
    error::invalid,
    network::{
        conv::Layout,
        model::{forward, prunable},
        objective, state,
    },
    training::trainer::mask_tensor,
};
pub use given::given_batch;
use jackpot_data::{BatchSpec, Normalisation, Rows};
use jackpot_net::{Augment, Loss, Network, Objective, ObjectiveInput};
use jackpot_prune::Mask;
pub use slices::{Slice, SliceMut};
use tch::{Device, Kind, Tensor};

/// Where batches come from.
pub enum BatchSource {
    /// Rows drawn from a data set (see [`jackpot_data::scoring_rows`]).
    Sampled {
        /// The data set, with the labels that the method sees.
        images: Rows,
        /// Applied after augmentation.
        normalisation: Normalisation,
        /// As in training; used when a request asks for augmented images.
        augment: Augment,
    },
    /// One batch given by hand, as safetensors: `x` f32 `[n, c, h, w]`, normalised, and
    /// `y` i64 `[n]`. Every request gets it whole, cut in as many parts as asked.
    Given(Vec<u8>),
}

#[expect(clippy::large_enum_variant, reason = "there is one in a process")]
enum Data {
    Nothing,
    Sampled {
        set: ImageSet,
        labels: Vec<i64>,
        augment: Augment,
    },
    Given {
        batch: Batch,
    },
}

/// A batch that was asked for: its images are gathered when they are needed, so that a
/// hundred batches take the memory of one part.
struct Request {
    rows: Vec<u32>,
    draws: Option<jackpot_rng::Key>,
}

/// A network at its weights under a mask, with a source of batches.
///
/// Results are the sum over a request's batches and their parts of each part's mean loss;
/// each part is a forward pass with its own batch statistics, and running statistics never
/// change. Derivatives are with respect to the effective weights w ⊙ m, pruned entries too.
pub struct Autodiff {
    network: Network,
    /// All parameters in f64 (exact for f32 files).
    parameters: Vec<Tensor>,
    prunable: Vec<usize>,
    /// What is kept of each prunable layer; empty if everything is.
    kept: Vec<Tensor>,
    data: Data,
    /// What each handle stands for: batches and parts a batch; handles count from 1.
    requests: Vec<(Vec<Request>, u64)>,
    device: Device,
    layout: Layout,
}

impl Autodiff {
    /// Reads weights and data. Without a `source` only [`ObjectiveInput::Ones`] can be asked for.
    ///
    /// # Errors
    /// As [`crate::Model::load`] and [`ImageSet::new`]; a mask of another network; a given
    /// batch that lacks `x` or `y` or has another shape than the network's images.
    pub fn new(
        network: &Network,
        weights: &[u8],
        mask: Option<&Mask>,
        source: Option<BatchSource>,
        device: Device,
    ) -> Result<Autodiff, Error> {
        let parameters = state::read(network, weights, FloatPrecision::F64, device)?;
        let prunable = prunable(network)?;
        let data = match source {
            None => Data::Nothing,
            Some(BatchSource::Given(bytes)) => Data::Given {
                batch: given::read(network, &bytes, device)?,
            },
            Some(BatchSource::Sampled {
                images,
                normalisation,
                augment,
            }) => {
                let (input, classes) = (network.architecture.input, network.architecture.classes);
                let set = ImageSet::of_rows(
                    "training images",
                    &images,
                    &normalisation,
                    input,
                    classes,
                    device,
                )?;
                Data::Sampled {
                    set,
                    labels: images.labels().to_vec(),
                    augment,
                }
            }
        };
        let mut autodiff = Autodiff {
            network: network.clone(),
            parameters,
            prunable,
            kept: Vec::new(),
            data,
            requests: Vec::new(),
            device,
            layout: Layout::ChannelsLast,
        };
        mask.map_or(Ok(()), |mask| autodiff.set_mask(mask))?;
        Ok(autodiff)
    }

    /// The same with every tensor row-major, as PyTorch computes by default: sums in another
    /// order, so other last bits.
    pub fn row_major(self) -> Autodiff {
        Autodiff {
            layout: Layout::RowMajor,
            ..self
        }
    }

    /// From now on the weights are under this mask, and no handle stands for anything.
    ///
    /// # Errors
    /// A mask of another network.
    pub fn set_mask(&mut self, mask: &Mask) -> Result<(), Error> {
        mask.check(&self.network)?;
        let kept = |layer: &jackpot_prune::LayerMask| {
            mask_tensor(&layer.kept, &layer.shape, Kind::Uint8, self.device)
        };
        self.kept = mask.layers.iter().map(kept).collect::<Result<_, _>>()?;
        self.requests.clear();
        Ok(())
    }

    /// Draws batches and returns their handle, never 0.
    ///
    /// # Errors
    /// More parts than a batch has rows; as [`jackpot_data::scoring_rows`].
    pub fn batches(&mut self, spec: &BatchSpec) -> Result<u64, Error> {
        let requests: Vec<Request> = match &self.data {
            Data::Nothing => return invalid("batches were asked for, but this run has no data"),
            Data::Given { batch } => {
                let rows = (0..batch.y.size()[0] as u32).collect();
                vec![Request { rows, draws: None }]
            }
            Data::Sampled { labels, .. } => {
                let key = spec.key.fold_name("augment");
                jackpot_data::scoring_rows(spec, labels, self.network.architecture.classes)?
                    .into_iter()
                    .enumerate()
                    .map(|(i, rows)| Request {
                        rows,
                        draws: spec.augment.then(|| key.fold(i as u64)),
                    })
                    .collect()
            }
        };
        let parts = spec.parts;
        let short = requests
            .iter()
            .find(|r| parts == 0 || (r.rows.len() as u64) < parts);
        if let Some(short) = short {
            return invalid(format!(
                "a batch of {} rows cannot be cut in {parts} parts",
                short.rows.len()
            ));
        }
        self.requests.push((requests, parts));
        Ok(self.requests.len() as u64)
    }

    /// The objective's value.
    ///
    /// # Errors
    /// An unknown handle, a point that does not fit the layers, libtorch's.
    pub fn loss(
        &self,
        objective: &Objective,
        handle: u64,
        point: Option<&[Slice]>,
    ) -> Result<f64, Error> {
        let at = tch::no_grad(|| self.at(objective, point))?;
        let mut sum = 0.0;
        self.each_part(objective, handle, &mut |part| {
            let value = tch::no_grad(|| self.value(objective, &at, part))?;
            sum += value.f_double_value(&[])?;
            Ok(())
        })?;
        Ok(sum)
    }

    /// The gradient with respect to the prunable layers, in forward order, into `out`.
    ///
    /// # Errors
    /// As [`Autodiff::loss`]; an `out` that does not fit the layers.
    pub fn grad(
        &self,
        objective: &Objective,
        handle: u64,
        point: Option<&[Slice]>,
        out: &mut [SliceMut],
    ) -> Result<(), Error> {
        let at = self.leaves(objective, point)?;
        let mut sums: Vec<Option<Tensor>> = self.prunable.iter().map(|_| None).collect();
        self.each_part(objective, handle, &mut |part| {
            let value = self.value(objective, &at, part)?;
            accumulate(&mut sums, self.derive(&value, &at, false)?)
        })?;
        self.write(&sums, out)
    }

    /// The Hessian times `vector`, both over the prunable layers, by differentiating
    /// twice: ∇(∇L · v).
    ///
    /// # Errors
    /// As [`Autodiff::grad`]; a `vector` that does not fit the layers.
    pub fn hvp(
        &self,
        objective: &Objective,
        handle: u64,
        point: Option<&[Slice]>,
        vector: &[Slice],
        out: &mut [SliceMut],
    ) -> Result<(), Error> {
        let at = self.leaves(objective, point)?;
        let vector = self.layers("vector", vector, kind_of(objective))?;
        let mut sums: Vec<Option<Tensor>> = self.prunable.iter().map(|_| None).collect();
        self.each_part(objective, handle, &mut |part| {
            let value = self.value(objective, &at, part)?;
            let mut dot: Option<Tensor> = None;
            for (gradient, v) in self.derive(&value, &at, true)?.iter().zip(&vector) {
                // A layer that the loss does not depend on has no gradient to go through.
                let Some(gradient) = gradient.as_ref().filter(|g| g.requires_grad()) else {
                    continue;
                };
                let term = gradient.f_mul(v)?.f_sum(gradient.f_kind()?)?;
                dot = Some(match dot {
                    Some(dot) => dot.f_add(&term)?,
                    None => term,
                });
            }
            match dot {
                Some(dot) => accumulate(&mut sums, self.derive(&dot, &at, false)?),
                None => Ok(()),
            }
        })?;
        self.write(&sums, out)
    }

    /// All parameters as the objective sees them, at the point.
    fn at(&self, objective: &Objective, point: Option<&[Slice]>) -> Result<Vec<Tensor>, Error> {
        let temperature = objective.temperature;
        if !temperature.is_finite() || temperature <= 0.0 {
            return invalid(format!(
                "temperature: expected a positive number, found {temperature}"
            ));
        }
        let kind = kind_of(objective);
        let mut at: Vec<Option<Tensor>> = self.parameters.iter().map(|_| None).collect();
        if let Some(point) = point {
            for (&i, layer) in self.prunable.iter().zip(self.layers("point", point, kind)?) {
                at[i] = Some(layer);
            }
        } else {
            for (&i, kept) in self.prunable.iter().zip(&self.kept) {
                at[i] = Some(self.parameters[i].f_to_kind(kind)?.f_mul(kept)?);
            }
        }
        let parameter = |(i, at): (usize, Option<Tensor>)| -> Result<Tensor, Error> {
            match at {
                Some(layer) => Ok(layer),
                None if objective.abs_rest && !self.prunable.contains(&i) => {
                    Ok(self.parameters[i].f_to_kind(kind)?.f_abs()?)
                }
                None => Ok(self.parameters[i].f_to_kind(kind)?),
            }
        };
        let all = at.into_iter().enumerate().map(parameter);
        all.map(|tensor| self.laid_out(tensor?)).collect()
    }

    /// A tensor that is computed with, which comes with channels last, in the layout that is asked
    /// for. Row-major strides are made anew: those of a 1 × 1 kernel would pass for both.
    fn laid_out(&self, tensor: Tensor) -> Result<Tensor, Error> {
        if self.layout == Layout::ChannelsLast {
            return Ok(tensor);
        }
        let mut rows = Tensor::f_empty(tensor.size(), (tensor.kind(), tensor.device()))?;
        rows.f_copy_(&tensor)?;
        Ok(rows)
    }

    /// As [`Autodiff::at`], with the prunable layers tracked by autograd.
    fn leaves(&self, objective: &Objective, point: Option<&[Slice]>) -> Result<Vec<Tensor>, Error> {
        let mut at = tch::no_grad(|| self.at(objective, point))?;
        for &i in &self.prunable {
            at[i] = at[i].f_detach()?.f_set_requires_grad(true)?;
        }
        Ok(at)
    }

    /// The mean loss of one part.
    fn value(&self, objective: &Objective, at: &[Tensor], part: &Batch) -> Result<Tensor, Error> {
        let statistics = if objective.train_mode {
            Statistics::Batch
        } else {
            Statistics::Running
        };
        let precision = precision_of(objective);
        let mut logits = forward(
            &self.network,
            at,
            &part.x,
            statistics,
            precision,
            self.layout,
        )?;
        if objective.temperature != 1.0 {
            logits = logits.f_div_scalar(objective.temperature)?;
        }
        match objective.loss {
            Loss::CrossEntropy => objective::cross_entropy(&logits, &part.y),
            Loss::SumLogits => Ok(logits
                .f_sum(logits.f_kind()?)?
                .f_div_scalar(part.x.size()[0] as f64)?),
        }
    }

    /// Derivatives of a scalar with respect to the prunable layers; `None` where it does
    /// not depend on one.
    fn derive(
        &self,
        value: &Tensor,
        at: &[Tensor],
        again: bool,
    ) -> Result<Vec<Option<Tensor>>, Error> {
        if !value.requires_grad() {
            return Ok(self.prunable.iter().map(|_| None).collect());
        }
        let leaves: Vec<&Tensor> = self.prunable.iter().map(|&i| &at[i]).collect();
        let gradients = Tensor::f_run_backward(&[value], &leaves, again, again)?;
        Ok(gradients
            .into_iter()
            .map(|g| g.defined().then_some(g))
            .collect())
    }

    /// Calls `visit` with each part of each batch, one at a time.
    fn each_part(
        &self,
        objective: &Objective,
        handle: u64,
        visit: &mut dyn FnMut(&Batch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let kind = kind_of(objective);
        if objective.input == ObjectiveInput::Ones {
            if objective.loss == Loss::CrossEntropy {
                return invalid("an all-ones input has no labels: ask for the sum of the logits");
            }
            let [c, h, w] = self.network.architecture.input.map(i64::from);
            let x = state::laid_out(&Tensor::f_ones([1, c, h, w], (kind, self.device))?)?;
            return visit(&Batch {
                x: self.laid_out(x)?,
                y: Tensor::f_zeros([1], (Kind::Int64, self.device))?,
            });
        }
        let Some((requests, parts)) = handle
            .checked_sub(1)
            .and_then(|i| self.requests.get(i as usize))
        else {
            return invalid(format!(
                "handle {handle} names no batches: ask for some first"
            ));
        };
        for request in requests {
            let rows = request.rows.len() as u64;
            for part in 0..*parts {
                let cut = |i: u64| (i * rows / parts) as usize;
                visit(&tch::no_grad(|| {
                    self.gather(request, cut(part)..cut(part + 1), kind)
                })?)?;
            }
        }
        Ok(())
    }

    fn gather(
        &self,
        request: &Request,
        part: std::ops::Range<usize>,
        kind: Kind,
    ) -> Result<Batch, Error> {
        let batch = match &self.data {
            Data::Nothing => return invalid("this run has no data"),
            Data::Given { batch } => {
                let (start, length) = (part.start as i64, part.len() as i64);
                let x = batch.x.f_narrow(0, start, length)?.f_to_kind(kind)?;
                Batch {
                    x: state::laid_out(&x)?,
                    y: batch.y.f_narrow(0, start, length)?,
                }
            }
            Data::Sampled { set, augment, .. } => {
                let rows = &request.rows[part];
                let draws = match request.draws {
                    Some(key) => set.draws(augment, key, rows)?,
                    None => None,
                };
                set.gather(&batch::row_tensor(rows, self.device)?, draws.as_ref(), kind)?
            }
        };
        Ok(Batch {
            x: self.laid_out(batch.x)?,
            y: batch.y,
        })
    }
}

fn precision_of(objective: &Objective) -> FloatPrecision {
    if objective.compute_f64 {
        FloatPrecision::F64
    } else {
        FloatPrecision::F32
    }
}

fn kind_of(objective: &Objective) -> Kind {
    precision_of(objective).kind()
}

/// Adds the terms; the first of a layer becomes its sum, so that nothing is held twice.
fn accumulate(sums: &mut [Option<Tensor>], terms: Vec<Option<Tensor>>) -> Result<(), Error> {
    tch::no_grad(|| {
        for (sum, term) in sums.iter_mut().zip(terms) {
            let Some(mut term) = term else { continue };
            match sum {
                Some(sum) => {
                    let _ = sum.f_add_(&term)?;
                }
                // As if added to 0: a sum is never -0.
                None => *sum = Some(term.f_add_scalar_(0.0)?),
            }
        }
        Ok(())
    })
}
