//! Trainings that are compared, and how far apart two are.
use jackpot_net::{Architecture, Network, ParameterKind, Precision, Training};
use jackpot_prune::Mask;
use jackpot_rng::Key;
use jackpot_sparse::{Isa, SparseEngine};
use jackpot_test_sparse::{Gradients, Reference, labels, mask, normal_images, some_parameters};
use std::fmt;

/// Every kernel level of this CPU: the same tests run on each.
pub fn levels() -> Vec<Isa> {
    let all = [Isa::Avx2, Isa::Avx512].into_iter();
    let here: Vec<Isa> = all
        .filter(|isa| isa.check(Precision::F32).is_ok())
        .collect();
    assert!(!here.is_empty(), "the engine needs AVX2");
    here
}

/// Those that hold bf16 too.
pub fn levels_of_bf16() -> Vec<Isa> {
    let levels = levels().into_iter();
    levels
        .filter(|isa| isa.check(Precision::Bf16).is_ok())
        .collect()
}

/// A training step: everything that it is a function of.
#[derive(Clone)]
pub struct Case {
    pub network: Network,
    pub parameters: Vec<Vec<f32>>,
    pub mask: Mask,
    pub training: Training,
    pub images: Vec<f32>,
    pub labels: Vec<i64>,
}

/// What a failed case is told by: its weights and pixels are functions of their seeds.
impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (network, n) = (&self.network.architecture, self.labels.len());
        let kept = self.mask.kept();
        write!(f, "{n} images, {kept} weights kept of {network:?}")
    }
}

/// SGD with all that it has, and nothing published.
pub fn sgd() -> Training {
    Training {
        weight_decay: 0.01,
        published_gradient_mask: false,
        ..Training::su2020()
    }
}

impl Case {
    pub fn new(architecture: &Architecture, density: f64, n: usize, seed: u64) -> Case {
        let network = architecture.build().unwrap();
        Case {
            parameters: some_parameters(&network, seed),
            mask: mask(&network, density, seed),
            training: sgd(),
            images: normal_images(&network, n, seed),
            labels: labels(&network, n, seed),
            network,
        }
    }

    /// With images on which no decision of the step (a ReLU's, a pooling's) hangs on less
    /// than `margin`, so that rounding cannot turn it: one turned ReLU of thousands changes a
    /// gradient by more than all rounding together. Nor may rounding by itself move it by more
    /// than `most`. `None` if twenty draws had none.
    pub fn decided(mut self, margin: f64, most: f64) -> Option<Case> {
        let n = self.labels.len();
        let reference = self.reference();
        for seed in 0..20 {
            self.images = normal_images(&self.network, n, seed);
            if reference.margin(&self.images) > margin {
                return (self.sensitivity() < most).then_some(self);
            }
        }
        None
    }

    /// How far the true gradients move when every value is rounded to f32, one way or the
    /// other, as [`Case::distance`] counts. A channel that is the same everywhere shows what
    /// rounding left of it three hundred times as large.
    fn sensitivity(&self) -> f64 {
        let exact = self.reference().gradients(&self.images, &self.labels);
        let once = |seed| {
            let mut rounded = self.reference();
            rounded.rounding = Some(Key::from_seed(seed));
            let moved = rounded.gradients(&self.images, &self.labels).values;
            let narrow = |values: &Vec<f64>| values.iter().map(|&x| x as f32).collect();
            let moved: Vec<Vec<f32>> = moved.iter().map(narrow).collect();
            self.distance(&moved, &exact).0
        };
        once(1).max(once(2))
    }

    pub fn reference(&self) -> Reference {
        Reference::new(&self.network, &self.parameters, &self.mask, &self.training)
    }

    pub fn engine(&self, storage: Precision, isa: Isa) -> SparseEngine {
        SparseEngine::new(
            &self.network,
            &self.parameters,
            &self.mask,
            &self.training,
            storage,
            isa,
        )
        .unwrap_or_else(|e| panic!("{:?}: {e}", self.network.architecture))
    }

    /// What each parameter keeps; `None` where all of it is.
    pub fn kept(&self) -> Vec<Option<&[bool]>> {
        let parameters = self.network.parameters.iter();
        let layer = |name: &str| self.mask.layers.iter().find(|l| l.name == name);
        parameters
            .map(|p| layer(&p.name).map(|l| &l.kept[..]))
            .collect()
    }

    /// The worst distance between the engine's gradients and the reference's, with its
    /// parameter's name.
    pub fn apart(&self, storage: Precision, isa: Isa) -> (f64, String) {
        let ours = self.engine(storage, isa);
        let ours = { ours }.gradients(&self.images, &self.labels).unwrap();
        let theirs = self.reference().gradients(&self.images, &self.labels);
        self.distance(&ours, &theirs)
    }

    /// The largest ‖a − b‖ of a tensor over the size of the terms that b is made of. Those
    /// may themselves be what is left of larger ones (a channel that is the same everywhere
    /// passes nothing on), so a thousandth of the largest tensor's size is added.
    pub fn distance(&self, ours: &[Vec<f32>], theirs: &Gradients) -> (f64, String) {
        let mut worst = (0.0, String::new());
        assert_eq!(ours.len(), theirs.values.len());
        let sizes = theirs.sizes.iter().map(|s| norm(s.iter().copied()));
        let sizes: Vec<f64> = sizes.collect();
        let floor = 1e-3 * sizes.iter().copied().fold(0.0, f64::max);
        for (p, parameter) in self.network.parameters.iter().enumerate() {
            let (a, b) = (&ours[p], &theirs.values[p]);
            assert_eq!(a.len(), b.len(), "{}", parameter.name);
            let apart = norm(a.iter().zip(b).map(|(&a, b)| f64::from(a) - b));
            // What is no sum of anything is exactly 0.
            let share = if sizes[p] == 0.0 && apart == 0.0 {
                0.0
            } else if sizes[p] == 0.0 || apart.is_nan() {
                f64::INFINITY
            } else {
                apart / (sizes[p] + floor)
            };
            if share > worst.0 {
                worst = (share, parameter.name.clone());
            }
        }
        worst
    }
}

pub fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|x| x * x).sum::<f64>().sqrt()
}

/// ‖a − b‖ / ‖b‖.
pub fn distance(a: impl Iterator<Item = f64>, b: impl Iterator<Item = f64> + Clone) -> f64 {
    norm(a.zip(b.clone()).map(|(a, b)| a - b)) / norm(b)
}

/// The larger of two distances; NaN is further than anything.
pub fn further(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::INFINITY
    } else {
        a.max(b)
    }
}

/// Whether a parameter is trained.
pub fn is_trained(kind: ParameterKind) -> bool {
    !matches!(kind, ParameterKind::RunningMean | ParameterKind::RunningVar)
}

/// The bits, so that −0 is not 0 and NaN is NaN.
pub fn bits(tensors: &[Vec<f32>]) -> Vec<Vec<u32>> {
    let bits = |values: &Vec<f32>| values.iter().map(|x| x.to_bits()).collect();
    tensors.iter().map(bits).collect()
}
