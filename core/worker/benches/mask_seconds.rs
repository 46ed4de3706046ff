//! `mask_seconds BINARIES ROUNDS`: how long SNIP, GraSP and SynFlow take to give a mask at
//! sparsity 0.98, on VGG-19 and ResNet-32 as published (full width, images of 3×32×32, ten a
//! class), in the worker and with the plugins of that folder, one thread. SynFlow takes
//! ROUNDS rounds (published: 100). Prints a JSON list of network, method and seconds.

use jackpot_data::{Images, Normalisation};
use jackpot_host::{Server, describe, run_plugin};
use jackpot_net::{Architecture, Augment};
use jackpot_protocol::{Batches, Limits, Plugin, PluginJob};
use jackpot_prune::{
    LayerConstraints, Mask, PruningRounds, PruningScope, RoundSchedule, Scores, SelectionRule,
    Sparsity, select_global,
};
use jackpot_rng::Key;
use std::path::{Path, PathBuf};
use std::time::Instant;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    // `cargo bench` adds `--bench`.
    let mut arguments = std::env::args_os().skip(1).filter(|a| a != "--bench");
    let usage = "usage: mask_seconds BINARIES ROUNDS";
    let binaries = PathBuf::from(arguments.next().ok_or(usage)?);
    let rounds = arguments.next().ok_or(usage)?;
    let rounds: u32 = rounds.to_str().ok_or(usage)?.parse()?;
    let one = |name: &str| (name.to_owned(), "1".to_owned());
    let server = Server {
        program: binaries.join("jackpot-worker"),
        arguments: Vec::new(),
        environment: ["OMP_NUM_THREADS", "MKL_NUM_THREADS"].map(one).into(),
    };
    let mut measured = Vec::new();
    for (name, family, depth, width) in [("VGG-19", "vgg", 19, 64), ("ResNet-32", "resnet", 32, 32)]
    {
        let folder = tempfile::tempdir()?;
        let setting = Setting::new(folder.path(), family, depth, width)?;
        for (method, rounds) in [("snip", None), ("grasp", None), ("synflow", Some(rounds))] {
            let library = if method == "synflow" {
                "saliency"
            } else {
                method
            };
            let path = binaries.join(format!("plugins/libjackpot_{library}.so"));
            let plugin = describe(&server, &path)?;
            let start = Instant::now();
            let kept = setting.mask(&server, &plugin, method, rounds)?.kept();
            measured.push(serde_json::json!({
                "network": name, "method": method, "rounds": rounds.unwrap_or(1),
                "seconds": start.elapsed().as_secs_f64(), "kept": kept,
            }));
        }
    }
    println!("{}", serde_json::Value::from(measured));
    Ok(())
}

/// One network with weights and images on the disk.
struct Setting<'a> {
    folder: &'a Path,
    architecture: Architecture,
}

impl Setting<'_> {
    fn new<'a>(
        folder: &'a Path,
        family: &str,
        depth: u32,
        width: u32,
    ) -> Result<Setting<'a>, Failure> {
        let architecture: Architecture = serde_json::from_value(serde_json::json!({
            "family": family, "depth": depth, "width": width,
            "classes": 10, "input": [3, 32, 32],
        }))?;
        let network = architecture.build()?;
        let weights = jackpot_net::init::initial_weights(&network, Key::from_seed(1))?;
        std::fs::write(folder.join("weights"), weights)?;
        let (rows, mut words) = (500, vec![0; 500 * 384]);
        jackpot_rng::bits(Key::from_seed(2), &mut words);
        let images = Images {
            channels: 3,
            height: 32,
            width: 32,
            pixels: words.iter().flat_map(|word| word.to_le_bytes()).collect(),
            labels: (0..rows).map(|row| row % 10).collect(),
        };
        std::fs::write(folder.join("train"), images.to_safetensors()?)?;
        Ok(Setting {
            folder,
            architecture,
        })
    }

    fn mask(
        &self,
        server: &Server,
        plugin: &Plugin,
        method: &str,
        rounds: Option<u32>,
    ) -> Result<Mask, Failure> {
        let item = plugin.items.iter().find(|item| item.id == method);
        let item = item.ok_or_else(|| format!("the plugin offers no `{method}`"))?;
        let sparsity = Sparsity::try_from("0.98".to_owned())?;
        let limits = Limits {
            plugin_seconds: 3600.0,
            memory: 0,
            scratch: 4 << 30,
        };
        let job = PluginJob {
            rows: 500,
            weights: Some(self.folder.join("weights")),
            batches: item.needs_data().then(|| Batches::Sampled {
                train: self.folder.join("train"),
                normalisation: Normalisation {
                    mean: vec![0.5; 3],
                    std: vec![0.25; 3],
                },
                augment: Augment {
                    crop_padding: 4,
                    flip: true,
                    crop: None,
                    resized_crop: None,
                },
                memory: 1 << 30,
            }),
            rounds: rounds.map(|count| PruningRounds {
                count,
                schedule: RoundSchedule::Exponential,
                sparsity: sparsity.clone(),
                scope: PruningScope::All,
                constraints: LayerConstraints::default(),
            }),
            key: Key::from_seed(3).to_hex(),
            ..PluginJob::new(
                plugin.path.clone(),
                plugin.sha256.clone(),
                item.clone(),
                item.configure(&Default::default())?,
                self.architecture.clone(),
                limits,
            )
        };
        let folder = self.folder.join(method);
        let output = run_plugin(server, &job, &folder, &mut |_| ())?;
        if let Some(mask) = output.mask {
            return Ok(Mask::from_bytes(&std::fs::read(folder.join(mask))?)?);
        }
        let network = self.architecture.build()?;
        let scores = Scores::from_safetensors(&std::fs::read(folder.join(output.file))?, &network)?;
        Ok(select_global(
            &network,
            &scores,
            &sparsity,
            PruningScope::All,
            SelectionRule::Exact,
        )?
        .0)
    }
}
