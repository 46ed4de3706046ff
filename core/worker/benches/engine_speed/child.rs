//! One engine in a process of its own: it waits, takes so many steps, and says how long each
//! took.

use crate::{Failure, machine::kilobytes};
use jackpot_net::{Architecture, Network, Precision, Training};
use jackpot_nn::{Batch, Device, FloatPrecision, Model, Trainer};
use jackpot_prune::Mask;
use jackpot_rng::{Key, normal, permutation};
use jackpot_sparse::Isa;
use safetensors::SafeTensors;
use serde_json::{Value, json};
use std::io::{BufRead, Write};
use std::time::Instant;
use tch::{Kind, Tensor};

const STATUS: &str = "/proc/self/status";
const LR: f64 = 0.05;

/// libtorch in a process such as any other: what a step frees goes back to the kernel.
pub const STOCK: &str = "stock libtorch";
/// No engine: what two loops over memory lose when both run is the machine's.
pub const MEMORY: &str = "memory";
/// Numbers that such a loop goes over, 32 MiB.
const NUMBERS: usize = 8 << 20;

/// Reads a number of steps a line and prints their milliseconds; after the last line, the
/// memory.
pub fn serve(spec: &Value) -> Result<(), Failure> {
    jackpot_nn::set_threads(1)?;
    let architecture: Architecture = serde_json::from_value(spec["architecture"].clone())?;
    let network = architecture.build()?;
    let batch = spec["batch"].as_u64().ok_or("no `batch`")? as usize;
    let mut images = vec![0.0f32; batch * network.nodes[0].output.iter().product::<usize>()];
    normal(Key::from_seed(1), &mut images);
    let labels: Vec<i64> = (0..batch as i64).map(|i| i % 10).collect();
    // The highest mark so far is forgotten: what counts is what training adds.
    std::fs::write("/proc/self/clear_refs", "5")?;
    let before = kilobytes(STATUS, "VmRSS:")?;
    let mut engine = Engine::new(&network, spec, &images, &labels)?;
    let mut out = std::io::stdout();
    writeln!(out, "ready")?;
    for line in std::io::stdin().lock().lines() {
        let steps: usize = line?.trim().parse()?;
        let mut times = Vec::with_capacity(steps);
        for _ in 0..steps {
            let start = Instant::now();
            let loss = engine.step()?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
            if !loss.is_finite() {
                return Err(format!("the loss is {loss}").into());
            }
        }
        writeln!(out, "{}", json!(times))?;
    }
    let peak = kilobytes(STATUS, "VmHWM:")?;
    let mib = |kib: u64| kib as f64 / 1024.0;
    writeln!(
        out,
        "{}",
        json!({ "process_mib": mib(peak), "training_mib": mib(peak - before) })
    )?;
    Ok(())
}

/// One training step, again and again on the same batch.
enum Engine<'a> {
    Memory(Vec<f32>),
    Libtorch(Box<Trainer>, Batch),
    Sparse(Box<jackpot_sparse::SparseEngine>, &'a [f32], &'a [i64]),
}

impl<'a> Engine<'a> {
    fn new(
        network: &Network,
        spec: &Value,
        images: &'a [f32],
        labels: &'a [i64],
    ) -> Result<Engine<'a>, Failure> {
        let weights = jackpot_net::init::initial_weights(network, Key::from_seed(2))?;
        let training = Training {
            lr: LR,
            published_gradient_mask: false,
            ..Training::su2020()
        };
        let wide = spec["storage"] == "f32";
        if spec["engine"] == MEMORY {
            return Ok(Engine::Memory(vec![1.0; NUMBERS]));
        }
        if spec["engine"] != "sparse" {
            let precision = if wide {
                FloatPrecision::F32
            } else {
                FloatPrecision::Bf16
            };
            let model = Model::load(network, &weights, precision, Device::Cpu)?;
            let trainer = Trainer::new(model, None, &training)?;
            let [c, h, w] = network.nodes[0].output.map(|side| side as i64);
            // As the trainer's own batches lie: channels last.
            let x = Tensor::f_from_slice(images)?.f_reshape([-1, h, w, c])?;
            let batch = Batch {
                x: x.f_permute([0, 3, 1, 2])?,
                y: Tensor::f_from_slice(labels)?.f_to_kind(Kind::Int64)?,
            };
            return Ok(Engine::Libtorch(Box::new(trainer), batch));
        }
        let storage = if wide {
            Precision::F32
        } else {
            Precision::Bf16
        };
        let isa = if spec["isa"] == "avx2" {
            Isa::Avx2
        } else {
            Isa::best()?
        };
        let counts: Vec<u64> = serde_json::from_value(spec["counts"].clone())?;
        let engine = jackpot_sparse::SparseEngine::new(
            network,
            values(network, &SafeTensors::deserialize(&weights)?)?,
            &random_mask(network, &counts),
            &training,
            storage,
            isa,
        )?;
        Ok(Engine::Sparse(Box::new(engine), images, labels))
    }

    /// The loss, read so that the step is done; of the loop a number of its own.
    fn step(&mut self) -> Result<f64, Failure> {
        Ok(match self {
            Engine::Memory(numbers) => {
                numbers.iter_mut().for_each(|x| *x = 0.5 * *x + 1.0);
                numbers[0].into()
            }
            Engine::Libtorch(trainer, batch) => trainer.step(batch, LR)?.loss.f_double_value(&[])?,
            Engine::Sparse(engine, images, labels) => engine.step(images, labels, LR)?.loss,
        })
    }
}

/// The parameters of a state_dict in f32, in the network's order, one after the other.
fn values<'a>(
    network: &Network,
    file: &SafeTensors<'a>,
) -> Result<impl Iterator<Item = Vec<f32>> + use<'a>, Failure> {
    let tensor = |parameter: &jackpot_net::Parameter| file.tensor(&parameter.name);
    let views: Vec<_> = network
        .parameters
        .iter()
        .map(tensor)
        .collect::<Result<_, _>>()?;
    Ok(views.into_iter().map(|view| {
        let numbers = view.data().chunks_exact(4);
        let numbers = numbers.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        numbers.collect()
    }))
}

/// So many weights of each layer, drawn at random: a random ticket.
fn random_mask(network: &Network, counts: &[u64]) -> Mask {
    let mut mask = Mask::dense(network);
    let key = Key::from_seed(3);
    for (layer, &count) in mask.layers.iter_mut().zip(counts) {
        let order = permutation(key.fold_name(&layer.name), layer.kept.len());
        layer.kept.fill(false);
        for &i in &order[..count as usize] {
            layer.kept[i as usize] = true;
        }
    }
    mask
}
