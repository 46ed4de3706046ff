//! A network in training: parameters, maps and what every pass shares.
use crate::kernels::{FlushedDenormals, Kernels, Lines};
use crate::layer::Layer;
use crate::loss::cross_entropy;
use crate::optimizer::Optimizer;
use crate::parameter::{Parameter, lengths};
use crate::passes::forward::Pass;
use crate::passes::maps::Scratch;
use crate::passes::work::{Rings, Work};
use crate::planning::arena::{Arena, Map, Places};
use crate::planning::plan::{Convolution, Plan};
use crate::planning::schedule::Schedule;
use crate::{Error, StepMetrics, invalid};
use jackpot_net::{Activation, Network, Training};
use std::marker::PhantomData;

/// The images of a step.
pub(crate) struct Batch {
    pub images: usize,
    pub tiles: usize,
    /// If the last tile has fewer images than places: 1 for each image, 0 for the rest.
    pub ragged: Option<[f32; 32]>,
}

impl Batch {
    pub fn new<P: Kernels>(images: usize) -> Batch {
        let over = images % P::IMAGES;
        let place = |l: usize| if l < over { 1.0 } else { 0.0 };
        Batch {
            images,
            tiles: images.div_ceil(P::IMAGES),
            ragged: (over > 0).then(|| std::array::from_fn(place)),
        }
    }

    /// The places of a tile that hold images, if not all do.
    pub fn places(&self, tile: usize) -> Option<&[f32; 32]> {
        self.ragged.as_ref().filter(|_| tile + 1 == self.tiles)
    }
}

/// A network on one storage and instruction set.
pub(crate) struct Net<P> {
    pub plan: Plan,
    pub schedule: Schedule,
    pub work: Vec<Work>,
    pub rings: Rings,
    pub layers: Vec<Layer>,
    pub arena: Arena,
    /// One line a kept weight of a group: its gradient.
    pub weight_sums: Lines,
    /// Three lines per channel: sums of a source's gradient.
    pub sums: Lines,
    pub scratch: Scratch,
    pub activation: Activation,
    /// A row of zeros, as long as any row.
    pub zero: Lines,
    /// Kept values of prunable weights, all values of the others.
    pub values: Vec<Vec<f32>>,
    pub gradients: Vec<Vec<f32>>,
    parameters: Vec<Parameter>,
    optimizer: Optimizer,
    settings: Training,
    image: [usize; 3],
    classes: usize,
    storage: PhantomData<P>,
}

/// Everything that an engine does, whatever its storage and instruction set.
pub(crate) trait Run: Send {
    fn step(&mut self, images: &[f32], labels: &[i64], lr: f64) -> Result<StepMetrics, Error>;
    fn logits(&mut self, images: &[f32]) -> Result<Vec<f32>, Error>;
    fn gradients(&mut self, images: &[f32], labels: &[i64]) -> Result<Vec<Vec<f32>>, Error>;
    fn parameters(&self) -> Vec<Vec<f32>>;
    fn kept(&self) -> u64;
    fn buffers(&self) -> Vec<(&'static str, usize, Vec<f32>)>;
    fn steps(&self) -> u64;
    fn separate(&mut self);
    fn hold(&mut self) -> usize;
    fn restore(
        &mut self,
        parameters: &[Vec<f32>],
        buffers: &[Vec<f32>],
        steps: u64,
    ) -> Result<(), Error>;
}

impl<P: Kernels> Net<P> {
    pub fn new(
        network: &Network,
        described: Vec<Parameter>,
        values: Vec<Vec<f32>>,
        training: &Training,
    ) -> Result<Net<P>, Error> {
        let plan = Plan::new(network)?;
        let kept: Vec<Vec<u32>> = plan
            .convolutions
            .iter()
            .map(|c| described[c.weight].kept.clone().unwrap_or_default())
            .collect();
        let activation = network.architecture.activation;
        let smooth = activation != Activation::Relu;
        let work: Vec<Work> = plan
            .groups
            .iter()
            .map(|group| Work::new::<P>(&plan, group, &kept, smooth))
            .collect();
        let channels = plan.convolutions.iter().map(|c| c.output[0]).max();
        let sizes: Vec<usize> = described
            .iter()
            .map(|p| if p.trained { p.len() } else { 0 })
            .collect();
        let schedule = Schedule::new(&plan);
        let mut net = Net {
            arena: Arena::new(Places::new(&plan, &schedule, P::IMAGES / 16)),
            schedule,
            layers: plan.convolutions.iter().map(Layer::new).collect(),
            weight_sums: Lines::new(work.iter().map(Work::entries).max().unwrap_or(0)),
            rings: Rings::default(),
            sums: Lines::new(3 * channels.unwrap_or(0)),
            scratch: Scratch::default(),
            activation,
            zero: Lines::new(work.iter().map(Work::longest_row).max().unwrap_or(0)),
            values,
            gradients: sizes.iter().map(|&size| vec![0.0; size]).collect(),
            optimizer: Optimizer::new(training, &sizes),
            parameters: described,
            settings: training.clone(),
            image: network.architecture.input.map(|side| side as usize),
            classes: network.architecture.classes as usize,
            storage: PhantomData,
            plan,
            work,
        };
        net.spread_weights();
        Ok(net)
    }

    /// Puts the kept weights where the kernels read them.
    fn spread_weights(&mut self) {
        for (group, work) in self.plan.groups.iter().zip(&mut self.work) {
            let weights = group.convolutions.iter();
            let weights: Vec<&[f32]> = weights
                .map(|&c| &self.values[self.plan.convolutions[c].weight][..])
                .collect();
            work.set(&weights);
        }
    }

    /// Checks images and labels, and puts the images into lines.
    fn load(&mut self, images: &[f32]) -> Result<Batch, Error> {
        let [channels, height, width] = self.image;
        let size = channels * height * width;
        if images.is_empty() || !images.len().is_multiple_of(size) {
            return invalid(format!(
                "images: expected a multiple of {height}×{width}×{channels} = {size} values, found {}",
                images.len()
            ));
        }
        let batch = Batch::new::<P>(images.len() / size);
        self.arena.reserve(batch.tiles);
        let lines = self.arena.of_mut(Map::Image);
        let mut place = 0;
        for tile in images.chunks(P::IMAGES * size) {
            for y in 0..height {
                for channel in 0..channels {
                    for x in 0..width {
                        let mut numbers = [0.0; 32];
                        let at = (y * width + x) * channels + channel;
                        let values = tile[at..].iter().step_by(size);
                        for (number, value) in numbers.iter_mut().zip(values) {
                            *number = *value;
                        }
                        lines[place] = P::write(&numbers[..P::IMAGES]);
                        place += 1;
                    }
                }
            }
        }
        Ok(batch)
    }

    /// Forward and backward; `gradients` holds the gradients, running statistics have moved.
    fn learn(&mut self, images: &[f32], labels: &[i64]) -> Result<StepMetrics, Error> {
        let [channels, height, width] = self.image;
        if images.len() != labels.len() * channels * height * width {
            return invalid(format!(
                "{} values of images have {} labels: expected {channels}×{height}×{width} values a label",
                images.len(),
                labels.len()
            ));
        }
        if let Some(label) = labels
            .iter()
            .find(|label| !(0..self.classes as i64).contains(label))
        {
            return invalid(format!(
                "labels: expected 0 to {}, found {label}",
                self.classes - 1
            ));
        }
        let alone = |c: &Convolution| c.norm.is_some() && c.output[1..] == [1, 1];
        if labels.len() == 1 && self.plan.convolutions.iter().any(alone) {
            return invalid(
                "a batch of one image has one number a channel in a normalised 1×1 map: its variance is not defined; use a batch size that leaves no single image over",
            );
        }
        let batch = self.load(images)?;
        for (layer, c) in self.layers.iter_mut().zip(&self.plan.convolutions) {
            layer.begin_batch(c.bias.map(|bias| &self.values[bias][..]));
        }
        for group in 0..self.plan.groups.len() {
            self.forward(group, &batch, Pass::Train);
        }
        let step = self.loss(&batch, labels);
        for at in 0..self.schedule.steps.len() {
            if let Some(group) = self.schedule.steps[at].again {
                self.forward(group, &batch, Pass::Again);
            }
            self.backward(at, &batch);
        }
        Ok(step)
    }

    /// The loss; its gradient goes to the schedule's first.
    fn loss(&mut self, batch: &Batch, labels: &[i64]) -> StepMetrics {
        let classifier = self.plan.classifier();
        let mut logits = self.read_logits(batch);
        let smoothing = self.settings.label_smoothing;
        let (loss, correct) = cross_entropy(&mut logits, labels, self.classes, smoothing);
        if let Some(bias) = self.plan.convolutions[classifier].bias {
            for (class, gradient) in self.gradients[bias].iter_mut().enumerate() {
                let of_class = logits.iter().skip(class).step_by(self.classes);
                *gradient = of_class.map(|&g| f64::from(g)).sum::<f64>() as f32;
            }
        }
        let lines = self.arena.of_mut(Map::Gradient(self.schedule.logits));
        let tiles = logits.chunks(P::IMAGES * self.classes);
        for (tile, logits) in tiles.enumerate() {
            for class in 0..self.classes {
                let mut numbers = [0.0; 32];
                let of_class = logits.iter().skip(class).step_by(self.classes);
                for (number, value) in numbers.iter_mut().zip(of_class) {
                    *number = *value;
                }
                lines[tile * self.classes + class] = P::write(&numbers[..P::IMAGES]);
            }
        }
        StepMetrics { loss, correct }
    }

    /// `[n][classes]`.
    fn read_logits(&self, batch: &Batch) -> Vec<f32> {
        let lines = self.arena.of(Map::Z(self.plan.classifier()));
        let mut logits = vec![0.0; batch.images * self.classes];
        let tiles = logits.chunks_mut(P::IMAGES * self.classes);
        for (tile, logits) in tiles.enumerate() {
            for (place, image) in logits.chunks_mut(self.classes).enumerate() {
                for (class, logit) in image.iter_mut().enumerate() {
                    let line = (tile * self.classes + class) * (P::IMAGES / 16) + place / 16;
                    *logit = f32::from_bits(lines[line].0[place % 16]);
                }
            }
        }
        logits
    }

    /// As the published loop does: a kept weight that is exactly 0 gets no gradient.
    fn drop_gradients_of_zeros(&mut self) {
        let both = self.gradients.iter_mut().zip(&self.values);
        for ((gradients, values), parameter) in both.zip(&self.parameters) {
            if parameter.kept.is_some() {
                for (gradient, value) in gradients.iter_mut().zip(values) {
                    if *value == 0.0 {
                        *gradient = 0.0;
                    }
                }
            }
        }
    }
}

impl<P: Kernels> Run for Net<P> {
    fn step(&mut self, images: &[f32], labels: &[i64], lr: f64) -> Result<StepMetrics, Error> {
        let _mode = FlushedDenormals::begin();
        let step = self.learn(images, labels)?;
        if self.settings.published_gradient_mask {
            self.drop_gradients_of_zeros();
        }
        self.optimizer.step(&mut self.values, &self.gradients, lr);
        self.spread_weights();
        Ok(step)
    }

    fn logits(&mut self, images: &[f32]) -> Result<Vec<f32>, Error> {
        let _mode = FlushedDenormals::begin();
        let size = self.image.iter().product::<usize>();
        let room = self.settings.batch.max(1) as usize;
        let room = room
            .next_multiple_of(P::IMAGES)
            .max(self.arena.tiles() * P::IMAGES);
        let mut logits = Vec::with_capacity(images.len() / size * self.classes);
        for (layer, c) in self.layers.iter_mut().zip(&self.plan.convolutions) {
            layer.evaluate(c, &self.values);
        }
        for images in images.chunks(room * size) {
            let batch = self.load(images)?;
            for group in 0..self.plan.groups.len() {
                self.forward(group, &batch, Pass::Evaluate);
            }
            logits.extend(self.read_logits(&batch));
        }
        Ok(logits)
    }

    fn gradients(&mut self, images: &[f32], labels: &[i64]) -> Result<Vec<Vec<f32>>, Error> {
        let _mode = FlushedDenormals::begin();
        let before = self.values.clone();
        let learned = self.learn(images, labels);
        self.values = before;
        learned?;
        let both = self.parameters.iter().zip(&self.gradients);
        let dense = |(parameter, gradient): (&Parameter, &Vec<f32>)| {
            if parameter.trained {
                parameter.scatter(gradient)
            } else {
                vec![0.0; parameter.dense]
            }
        };
        Ok(both.map(dense).collect())
    }

    fn parameters(&self) -> Vec<Vec<f32>> {
        let both = self.parameters.iter().zip(&self.values);
        both.map(|(parameter, values)| parameter.scatter(values))
            .collect()
    }

    fn kept(&self) -> u64 {
        let kept = self.parameters.iter().filter_map(|p| p.kept.as_ref());
        kept.map(|kept| kept.len() as u64).sum()
    }

    fn buffers(&self) -> Vec<(&'static str, usize, Vec<f32>)> {
        let named = self.optimizer.names.iter().zip(&self.optimizer.buffers);
        named
            .flat_map(|(&name, buffer)| {
                let all = self.parameters.iter().zip(buffer).enumerate();
                all.filter(|(_, (parameter, _))| parameter.trained).map(
                    move |(index, (parameter, values))| (name, index, parameter.scatter(values)),
                )
            })
            .collect()
    }

    fn steps(&self) -> u64 {
        self.optimizer.steps
    }

    fn separate(&mut self) {
        self.arena.separate();
        self.rings.exact = true;
    }

    fn hold(&mut self) -> usize {
        let groups = self.plan.groups.iter_mut();
        let again = groups
            .map(|group| usize::from(std::mem::take(&mut group.again)))
            .sum();
        self.schedule = Schedule::new(&self.plan);
        self.arena = Arena::new(Places::new(&self.plan, &self.schedule, P::IMAGES / 16));
        again
    }

    fn restore(
        &mut self,
        parameters: &[Vec<f32>],
        buffers: &[Vec<f32>],
        steps: u64,
    ) -> Result<(), Error> {
        let sizes = self.parameters.iter().map(|p| p.dense);
        lengths("parameter", sizes.clone().collect(), parameters)?;
        let trained = self.parameters.iter().filter(|p| p.trained);
        let trained: Vec<usize> = trained.map(|p| p.dense).collect();
        let all = trained.repeat(self.optimizer.names.len());
        lengths("optimiser buffer", all, buffers)?;
        for (index, dense) in parameters.iter().enumerate() {
            self.values[index] = self.parameters[index].gather(dense);
        }
        let mut saved = buffers.iter();
        for buffer in &mut self.optimizer.buffers {
            let all = self.parameters.iter().zip(buffer);
            let trained = all.filter(|(parameter, _)| parameter.trained);
            for ((parameter, values), dense) in trained.zip(&mut saved) {
                *values = parameter.gather(dense);
            }
        }
        self.optimizer.steps = steps;
        self.spread_weights();
        Ok(())
    }
}
