//! Images per second of one training step loop, ours against the same network written
//! in plain libtorch calls (no masks, no bookkeeping): one thread, batches prepared the
//! same way, the two taking turns in one process. Prints one line of JSON.
//!
//! `cargo bench --workspace --bench train_speed -- [ROUNDS] [STEPS]`
use jackpot_data::{Images, Normalisation};
use jackpot_net::{Architecture, Augment, Network, Op, Schedule, Training};
use jackpot_nn::{Batch, Device, FloatPrecision, ImageSet, Model, Trainer};
use jackpot_prune::Mask;
use jackpot_rng::Key;
use std::time::Instant;
use tch::{Kind, Tensor};

const BATCH: usize = 64;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `cargo bench` adds `--bench`.
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .map(|a| a.parse::<usize>());
    let rounds = arguments.next().transpose()?.unwrap_or(60);
    let steps = arguments.next().transpose()?.unwrap_or(10);
    jackpot_nn::set_threads(1)?;

    let architecture: Architecture = serde_json::from_str(
        r#"{"family":"resnet","depth":8,"width":16,"classes":10,"input":[1,14,14]}"#,
    )?;
    let network = architecture.build()?;
    let weights = jackpot_net::init::initial_weights(&network, Key([1, 2]))?;
    let training = Training {
        epochs: 1,
        batch: BATCH as u32,
        lr: 0.05,
        schedule: Schedule::Constant,
        warmup_epochs: 0.0,
        momentum: 0.9,
        weight_decay: 1e-4,
        augment: Augment {
            crop_padding: 0,
            flip: false,
            crop: None,
            resized_crop: None,
        },
        published_gradient_mask: false,
        ..Training::su2020()
    };
    let images = noise(&network, 1024);
    let normalisation = Normalisation {
        mean: vec![0.5],
        std: vec![0.25],
    };
    let set = ImageSet::new(
        "images",
        &images,
        &normalisation,
        architecture.input,
        10,
        Device::Cpu,
    )?;

    let model = Model::load(&network, &weights, FloatPrecision::F32, Device::Cpu)?;
    let mut ours = Trainer::new(model, Some(&Mask::dense(&network)), &training)?;
    let mut plain = Plain::new(&network, &weights)?;
    let (mut our_rates, mut plain_rates) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        // Who goes first alternates, so that a machine growing slower favours nobody.
        let mut time_ours = || {
            rate(&set, steps, |batch| {
                ours.step(&batch, training.lr)?;
                Ok(())
            })
        };
        let mut time_plain = || rate(&set, steps, |batch| plain.step(&batch, &training));
        let (a, b) = if round % 2 == 0 {
            let a = time_ours()?;
            (a, time_plain()?)
        } else {
            let b = time_plain()?;
            (time_ours()?, b)
        };
        // The first round warms caches and is not counted.
        if round > 0 {
            our_rates.push(a);
            plain_rates.push(b);
        }
    }
    let mut ratios: Vec<f64> = our_rates
        .iter()
        .zip(&plain_rates)
        .map(|(a, b)| a / b)
        .collect();
    println!(
        "{}",
        serde_json::json!({
            "network": "resnet-8 width 16, 1x14x14, batch 64, 1 thread, f32",
            "rounds": rounds,
            "steps": steps,
            "images_per_second": median(&mut our_rates),
            "plain_images_per_second": median(&mut plain_rates),
            "ratio": median(&mut ratios),
        })
    );
    Ok(())
}

type Failure = Box<dyn std::error::Error>;

fn rate(
    set: &ImageSet,
    steps: usize,
    mut step: impl FnMut(Batch) -> Result<(), Failure>,
) -> Result<f64, Failure> {
    let start = Instant::now();
    for i in 0..steps {
        let first = (i * BATCH) % set.rows();
        let rows: Vec<u32> = (first..first + BATCH).map(|row| row as u32).collect();
        step(set.batch(&rows, None, FloatPrecision::F32)?)?;
    }
    Ok((steps * BATCH) as f64 / start.elapsed().as_secs_f64())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn noise(network: &Network, rows: usize) -> Images {
    let [channels, height, width] = network.architecture.input;
    let mut words = vec![0; rows * (channels * height * width) as usize];
    jackpot_rng::bits(Key([3, 4]), &mut words);
    let labels = (0..rows as i64).map(|row| row % 10).collect();
    let pixels = words.into_iter().map(|word| (word >> 56) as u8).collect();
    Images {
        channels,
        height,
        width,
        pixels,
        labels,
    }
}

/// ResNet-8 as one would write it: a list of tensors and the calls in order.
struct Plain {
    weights: Vec<Tensor>,
    momentum: Vec<Tensor>,
    statistics: Vec<Tensor>,
}

impl Plain {
    fn new(network: &Network, weights: &[u8]) -> Result<Plain, Failure> {
        let file = safetensors::SafeTensors::deserialize(weights)?;
        let (mut trained, mut statistics) = (Vec::new(), Vec::new());
        // The order in which `forward` reads them.
        for node in &network.nodes {
            let (mine, buffers) = match node.op {
                Op::Conv { weight, .. } => (vec![weight], vec![]),
                Op::BatchNorm {
                    weight,
                    bias,
                    mean,
                    var,
                } => (vec![weight, bias], vec![mean, var]),
                Op::Linear { weight, bias } => (vec![weight, bias], vec![]),
                _ => continue,
            };
            let read = |i: usize| -> Result<Tensor, Failure> {
                let view = file.tensor(&network.parameters[i].name)?;
                let shape: Vec<i64> = view.shape().iter().map(|&n| n as i64).collect();
                let tensor = Tensor::from_data_size(view.data(), &shape, Kind::Float);
                Ok(match shape.len() {
                    4 => tensor
                        .permute([0, 2, 3, 1])
                        .contiguous()
                        .permute([0, 3, 1, 2]),
                    _ => tensor,
                })
            };
            for i in mine {
                trained.push(read(i)?.set_requires_grad(true));
            }
            for i in buffers {
                statistics.push(read(i)?);
            }
        }
        let momentum = trained.iter().map(Tensor::zeros_like).collect();
        Ok(Plain {
            weights: trained,
            momentum,
            statistics,
        })
    }

    fn step(&mut self, batch: &Batch, training: &Training) -> Result<(), Failure> {
        let loss = self
            .forward(&batch.x)
            .log_softmax(-1, Kind::Float)
            .nll_loss(&batch.y);
        let gradients = Tensor::run_backward(&[&loss], &self.weights, false, false);
        tch::no_grad(|| {
            for ((w, v), g) in self
                .weights
                .iter_mut()
                .zip(&mut self.momentum)
                .zip(gradients)
            {
                let direction = g + &*w * training.weight_decay;
                let _ = v.g_mul_scalar_(training.momentum).g_add_(&direction);
                let _ = w.g_sub_(&(&*v * training.lr));
            }
        });
        Ok(())
    }

    fn forward(&self, x: &Tensor) -> Tensor {
        let (mut weights, mut statistics) = (self.weights.iter(), self.statistics.iter());
        let mut conv_norm = |x: &Tensor, kernel: i64, stride: i64| {
            let mut next = || weights.next().expect("as many as the network has");
            let pad = kernel / 2;
            let y = x.conv2d(
                next(),
                None::<&Tensor>,
                [stride, stride],
                [pad, pad],
                [1, 1],
                1,
            );
            let (weight, bias) = (next(), next());
            let (mean, var) = (statistics.next(), statistics.next());
            y.batch_norm(Some(weight), Some(bias), mean, var, true, 0.1, 1e-5, true)
        };
        let mut x = conv_norm(x, 3, 1).relu_();
        for stride in [1, 2, 2] {
            let y = conv_norm(&x, 3, stride).relu_();
            let y = conv_norm(&y, 3, 1);
            let shortcut = if stride == 1 {
                x
            } else {
                conv_norm(&x, 1, stride)
            };
            x = (y + shortcut).relu_();
        }
        let x = x.mean_dim([2_i64, 3].as_slice(), false, Kind::Float);
        let mut last = self.weights.iter().rev();
        let (bias, weight) = (last.next(), last.next());
        x.linear(weight.expect("a classifier"), bias)
    }
}
