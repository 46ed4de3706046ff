//! Seconds of a training step: `step_time NETWORK BATCH SPARSITY smart|uniform f32|bf16 [avx2] [STEPS]`.
use jackpot_net::{Architecture, Network, Precision, Training};
use jackpot_prune::Mask;
use jackpot_sparse::{Isa, SparseEngine};
use std::time::Instant;

/// A few random numbers are enough here.
struct Draws(u64);
impl Draws {
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
    fn normal(&mut self) -> f32 {
        let radius = (-2.0 * self.uniform().max(1e-12).ln()).sqrt();
        (radius * (std::f64::consts::TAU * self.uniform()).cos()) as f32
    }
}

fn densities(network: &Network, sparsity: f64, smart: bool) -> Vec<f64> {
    let sizes: Vec<f64> = network.layers.iter().map(|l| l.len() as f64).collect();
    let layers = sizes.len();
    if !smart {
        return vec![1.0 - sparsity; layers];
    }
    let mut shares: Vec<f64> = (1..=layers)
        .map(|l| {
            let left = (layers - l + 1) as f64;
            left * left + left
        })
        .collect();
    let weighted: f64 = shares.iter().zip(&sizes).map(|(a, b)| a * b).sum();
    let scale = sizes.iter().sum::<f64>() * (1.0 - sparsity) / weighted;
    shares.iter_mut().for_each(|share| *share *= scale);
    for l in 0..layers - 1 {
        if shares[l] > 1.0 {
            shares[l + 1] += (shares[l] - 1.0) * sizes[l] / sizes[l + 1];
            shares[l] = 1.0;
        }
    }
    shares
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `cargo bench` adds `--bench`.
    let arguments: Vec<String> = std::env::args().filter(|a| a != "--bench").collect();
    let batch: usize = arguments[2].parse()?;
    let sparsity: f64 = arguments[3].parse()?;
    let architecture = match arguments[1].as_str() {
        "r8" => Architecture::resnet(8, 16, 10, [1, 28, 28]),
        "r20" => Architecture::resnet(20, 16, 10, [1, 28, 28]),
        "r32" => Architecture::resnet(32, 32, 10, [3, 32, 32]),
        "vgg16" => Architecture::vgg(16, 64, 10, [3, 32, 32]),
        other => return Err(format!("r8, r20, r32 or vgg16, not {other}").into()),
    };
    let network = architecture.build()?;
    let densities = densities(&network, sparsity, arguments[4] == "smart");
    let storage = match arguments[5].as_str() {
        "bf16" => Precision::Bf16,
        _ => Precision::F32,
    };
    let isa = match arguments.get(6).map(String::as_str) {
        Some("avx2") => Isa::Avx2,
        _ => Isa::best()?,
    };
    let steps: usize = arguments.get(7).map_or(Ok(10), |steps| steps.parse())?;
    let mut draws = Draws(0x9e37_79b9_7f4a_7c15);
    let mut mask = Mask::dense(&network);
    for (layer, density) in mask.layers.iter_mut().zip(&densities) {
        let keep = (layer.kept.len() as f64 * density).round() as usize;
        let mut order: Vec<usize> = (0..layer.kept.len()).collect();
        for i in 0..order.len() {
            let other = i + (draws.uniform() * (order.len() - i) as f64) as usize;
            order.swap(i, other);
        }
        order[keep..].iter().for_each(|&i| layer.kept[i] = false);
    }
    let parameters: Vec<Vec<f32>> = network
        .parameters
        .iter()
        .map(|p| {
            let inputs: usize = p.shape[1..].iter().product();
            let numbers = p.shape.iter().product();
            match p.shape.len() {
                1 if p.name.ends_with("bias") || p.name.ends_with("mean") => vec![0.0; numbers],
                1 => vec![1.0; numbers],
                _ => {
                    let deviation = (2.0 / inputs as f64 / (1.0 - sparsity)).sqrt() as f32;
                    (0..numbers).map(|_| draws.normal() * deviation).collect()
                }
            }
        })
        .collect();
    let training = Training::su2020();
    let mut engine = SparseEngine::new(&network, &parameters, &mask, &training, storage, isa)?;
    let size: u32 = architecture.input.iter().product();
    let images: Vec<f32> = (0..batch * size as usize).map(|_| draws.normal()).collect();
    let labels: Vec<i64> = (0..batch)
        .map(|_| (draws.uniform() * 10.0) as i64)
        .collect();
    let mut times = Vec::new();
    let mut losses = Vec::new();
    for _ in 0..steps + 2 {
        let begin = Instant::now();
        losses.push(engine.step(&images, &labels, 0.01)?.loss);
        times.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    let best = times[2..].iter().copied().fold(f64::INFINITY, f64::min);
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    println!(
        "{} {best:.2} ms, {} kept, {:?}, losses {:.4} to {:.4}",
        arguments[1..].join(" "),
        engine.kept(),
        peak,
        losses[0],
        losses[losses.len() - 1]
    );
    Ok(())
}
