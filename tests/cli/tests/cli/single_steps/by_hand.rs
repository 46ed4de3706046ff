//! Single steps without a study: `allocate`, `score`, `mask`.
use crate::support::{Place, call, finished};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn ok(arguments: &[&str]) -> Value {
    let (code, out, err) = call(arguments);
    assert_eq!(code, 0, "{arguments:?}: {out}{err}");
    serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}"))
}

fn refused(arguments: &[&str], expected: &str) {
    let (code, out, err) = call(arguments);
    assert_eq!(code, 2, "{arguments:?}: {out}{err}");
    assert!(
        err.contains(expected),
        "{arguments:?}: expected `{expected}` in: {err}"
    );
}

#[test]
fn an_allocation_prints_what_each_layer_keeps() {
    let command = "allocate --network vgg19 --classes 10 --allocation smart-ratio --sparsity 0.98 --profile published --json";
    let found = ok(&command.split(' ').collect::<Vec<_>>());
    let layers = found["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 17);
    assert_eq!(layers[0]["name"], "features.0.weight");
    assert_eq!(layers[0]["kept"], layers[0]["total"]);
    // 30 % of the classifier's 512 × 10.
    assert_eq!(layers[16]["kept"], 1536);
    assert_eq!(found["requested"], 0.98);
    assert!((found["achieved"].as_f64().unwrap() - 0.98).abs() < 1e-5);

    let uniform = "allocate --network resnet --depth 32 --classes 10 --allocation uniform --sparsity 0.9 --json";
    let found = ok(&uniform.split(' ').collect::<Vec<_>>());
    let sum = |field: &str| -> u64 {
        let layers = found["layers"].as_array().unwrap().iter();
        layers.map(|layer| layer[field].as_u64().unwrap()).sum()
    };
    // Round half to even of a tenth.
    assert_eq!((sum("total"), sum("kept")), (1_855_584, 185_558));
    let fields: Vec<&String> = found.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["achieved", "layers", "requested"]);
}

/// The published `ascend` leaves the first convolution of a ResNet nothing: said, not refused.
#[test]
fn a_cut_network_is_printed_beside_the_counts() {
    let command = "allocate --network resnet --depth 32 --classes 10 --allocation smart-ratio --param shape=ascending --sparsity 0.98";
    let arguments: Vec<&str> = command.split(' ').collect();
    for form in [&[][..], &["--json"]] {
        let (code, out, err) = call(&[&arguments[..], form].concat());
        assert_eq!(code, 0, "{out}{err}");
        assert!(err.contains("cut: `conv1.weight` keeps no weight"), "{err}");
        assert!(!err.contains("before `--floor`"), "{err}");
        // A floor keeps it: the rule's words are of its own counts.
        let (code, _, err) = call(&[&arguments[..], form, &["--floor", "1"]].concat());
        assert_eq!(code, 0, "{err}");
        assert!(err.contains("before `--floor`"), "{err}");
    }
}

#[test]
fn what_an_allocation_cannot_do_is_said() {
    let base = ["allocate", "--classes", "10", "--sparsity", "0.9"];
    let with = |more: &[&'static str]| [&base[..], more].concat();
    refused(
        &with(&["--network", "resnet33", "--allocation", "uniform"]),
        "nearest is 32",
    );
    refused(
        &with(&["--network", "resnet", "--allocation", "uniform"]),
        "--depth",
    );
    refused(
        &with(&[
            "--network",
            "vgg16",
            "--depth",
            "19",
            "--allocation",
            "uniform",
        ]),
        "disagree",
    );
    refused(
        &with(&["--network", "alexnet", "--allocation", "uniform"]),
        "resnet",
    );
    refused(
        &with(&["--network", "vgg16", "--allocation", "uniforn"]),
        "did you mean `uniform`?",
    );
    refused(
        &with(&["--network", "vgg16", "--allocation", "global"]),
        "jackpot mask",
    );
    refused(
        &with(&["--network", "vgg16", "--allocation", "magnitude"]),
        "gives scores",
    );
    refused(
        &with(&[
            "--network",
            "vgg16",
            "--input",
            "1x28x28",
            "--allocation",
            "uniform",
        ]),
        "features",
    );
    refused(
        &with(&[
            "--network",
            "vgg16",
            "--allocation",
            "smart-ratio",
            "--param",
            "L=many",
        ]),
        "an integer",
    );
    refused(
        &with(&[
            "--network",
            "vgg16",
            "--allocation",
            "smart-ratio",
            "--param",
            "l=1",
        ]),
        "did you mean `L`?",
    );
}

/// First weights of the tiny study's network and a batch of noise, as files.
fn files(folder: &Path) -> (String, String) {
    let place = finished();
    let init = place
        .actions()
        .into_values()
        .find(|outputs| outputs["weights"].is_string())
        .unwrap();
    let weights = place.object(init["weights"].as_str().unwrap());
    // A fixed sequence that is neither constant nor linear in the pixel.
    let x: Vec<u8> = (0..20 * 196)
        .flat_map(|i: u32| ((f64::from(i) * 0.37).sin() as f32).to_le_bytes())
        .collect();
    let y: Vec<u8> = (0..20).flat_map(|i: i64| (i % 10).to_le_bytes()).collect();
    let views = [
        (
            "x",
            TensorView::new(Dtype::F32, vec![20, 1, 14, 14], &x).unwrap(),
        ),
        ("y", TensorView::new(Dtype::I64, vec![20], &y).unwrap()),
    ];
    let batch = folder.join("batch.safetensors");
    std::fs::write(&batch, safetensors::serialize(views, None).unwrap()).unwrap();
    let text = |p: PathBuf| p.to_str().unwrap().to_owned();
    (text(weights), text(batch))
}

const NETWORK: &[&str] = &[
    "--network",
    "resnet8",
    "--width",
    "8",
    "--classes",
    "10",
    "--input",
    "1x14x14",
];

fn read(path: &str) -> Vec<(String, Dtype, Vec<f64>)> {
    let bytes = std::fs::read(path).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut layers = Vec::new();
    for (name, t) in tensors.iter() {
        let values = match t.dtype() {
            Dtype::F64 => t
                .data()
                .as_chunks::<8>()
                .0
                .iter()
                .map(|b| f64::from_le_bytes(*b))
                .collect(),
            Dtype::F32 => t
                .data()
                .as_chunks::<4>()
                .0
                .iter()
                .map(|b| f64::from(f32::from_le_bytes(*b)))
                .collect(),
            _ => t.data().iter().map(|b| f64::from(*b)).collect(),
        };
        layers.push((name.to_owned(), t.dtype(), values));
    }
    layers.sort_by(|a, b| a.0.cmp(&b.0));
    layers
}

#[test]
fn scores_are_in_the_sign_of_their_paper_and_a_mask_keeps_the_best() {
    let folder = tempfile::tempdir().unwrap();
    let (weights, batch) = files(folder.path());
    let out = folder.path().join("out.safetensors");
    let out = out.to_str().unwrap();
    let given = ["--weights", &weights, "--batch", &batch, "--out", out];
    let call = |head: &[&str], more: &[&str]| ok(&[head, NETWORK, &given, more].concat());

    let said = call(&["score", "--method", "magnitude"], &["--precision", "f64"]);
    assert_eq!(said["orientation"], "larger is kept");
    let magnitude = read(out);
    let stored = read(&weights);
    for (name, dtype, scores) in &magnitude {
        assert_eq!(*dtype, Dtype::F64);
        let (_, _, w) = stored.iter().find(|(n, _, _)| n == name).unwrap();
        assert!(scores.iter().zip(w).all(|(s, w)| *s == w.abs()), "{name}");
    }

    let said = call(&["score", "--method", "snip"], &["--precision", "f64"]);
    assert_eq!(said["orientation"], "larger is kept");
    let snip = read(out);
    assert!(snip.iter().all(|(_, _, s)| s.iter().all(|x| *x >= 0.0)));
    call(
        &["score", "--method", "org.jackpot.c.snip"],
        &["--precision", "f64"],
    );
    assert_eq!(read(out), snip, "C and Rust give the same bytes");
    call(&["score", "--method", "snip"], &[]);
    assert_eq!(read(out), snip, "f64 is what nothing else is asked for");
    for precision in ["f32", "f32-contiguous"] {
        let said = call(&["score", "--method", "snip"], &["--precision", precision]);
        assert_eq!(said["precision"], precision);
        assert!(read(out).iter().all(|(_, dtype, _)| *dtype == Dtype::F32));
    }

    // GraSP prunes the largest -w * Hg; for a filter before batch normalisation they sum to
    // the squared norm of its gradient, which is positive.
    let said = call(&["score", "--method", "grasp"], &["--precision", "f64"]);
    assert_eq!(said["orientation"], "larger is pruned");
    let grasp = read(out);
    let conv = grasp
        .iter()
        .find(|(n, _, _)| n == "layer1.0.conv1.weight")
        .unwrap();
    assert!(conv.2.iter().sum::<f64>() > 0.0);

    let said = call(&["mask", "--method", "magnitude"], &["--sparsity", "0.9"]);
    let mask = read(out);
    let kept: f64 = mask.iter().flat_map(|(_, _, m)| m).sum();
    assert_eq!(said["kept"].as_f64().unwrap(), kept);
    let least = pairs(&magnitude, &mask, 1.0).fold(f64::INFINITY, f64::min);
    let most = pairs(&magnitude, &mask, 0.0).fold(0.0, f64::max);
    assert!(least >= most, "kept {least}, pruned {most}");
    assert!(mask.iter().all(|(_, dtype, _)| *dtype == Dtype::U8));
}

/// Scores where the mask is `bit`.
fn pairs<'a>(
    scores: &'a [(String, Dtype, Vec<f64>)],
    mask: &'a [(String, Dtype, Vec<f64>)],
    bit: f64,
) -> impl Iterator<Item = f64> + 'a {
    let both = scores.iter().zip(mask);
    both.flat_map(move |((_, _, s), (_, _, m))| {
        s.iter()
            .zip(m)
            .filter(move |(_, m)| **m == bit)
            .map(|(s, _)| *s)
    })
}

#[test]
fn a_published_selection_is_another_than_the_exact_one() {
    let folder = tempfile::tempdir().unwrap();
    let (weights, batch) = files(folder.path());
    let out = folder.path().join("mask.safetensors");
    let out = out.to_str().unwrap();
    let given = [
        "--weights",
        &weights,
        "--batch",
        &batch,
        "--out",
        out,
        "--sparsity",
        "0.9",
    ];
    let kept = |method: &str, more: &[&str]| {
        let head = ["mask", "--method", method];
        ok(&[&head, NETWORK, &given[..], more].concat())["kept"]
            .as_u64()
            .unwrap()
    };
    let exact = kept("snip", &[]);
    // int(n * (1 - 0.9)) in doubles truncates where the exact rule rounds.
    assert!(kept("snip", &["--selection", "published"]).abs_diff(exact) <= 1);
    assert_eq!(
        kept("snip", &["--profile", "published"]),
        kept("snip", &["--selection", "published"])
    );
    assert_eq!(kept("grasp", &["--selection", "exact"]), exact);
    let smart = kept("magnitude", &["--allocation", "smart-ratio"]);
    assert!(smart.abs_diff(exact) <= 20, "{smart}");

    let head = ["mask", "--method", "magnitude"];
    refused(
        &[&head, NETWORK, &given[..], &["--selection", "published"]].concat(),
        "magnitude",
    );
    refused(
        &[&head, NETWORK, &given[..], &["--scope", "convs"]].concat(),
        "--scope",
    );
    refused(
        &[
            &head,
            NETWORK,
            &["--sparsity", "1", "--out", out, "--weights", &weights],
        ]
        .concat(),
        "sparsity",
    );
    refused(
        &[&head, NETWORK, &["--sparsity", "0.9", "--out", out]].concat(),
        "--weights",
    );
    let snip = ["score", "--method", "snip"];
    refused(
        &[&snip, NETWORK, &["--weights", &weights, "--out", out]].concat(),
        "--batch",
    );
    let wide = [
        "--network",
        "resnet8",
        "--width",
        "16",
        "--classes",
        "10",
        "--input",
        "1x14x14",
    ];
    refused(&[&head[..], &wide, &given].concat(), "conv1.weight");
}

#[test]
fn random_scores_depend_on_the_seed_alone() {
    let place = Place::new();
    let out = place.folder.path().join("random.safetensors");
    let out = out.to_str().unwrap();
    let scores = |seed: &str| {
        let head = ["score", "--method", "random", "--out", out, "--seed", seed];
        ok(&[&head, NETWORK].concat());
        std::fs::read(out).unwrap()
    };
    assert_eq!(scores("1"), scores("1"));
    assert_ne!(scores("1"), scores("2"));
}

/// The tensors of a golden file whose names start so, as numbers, and the file's batch and
/// weights under the names that the commands read.
struct Golden(Vec<u8>);

impl Golden {
    fn open(name: &str) -> Golden {
        let folder = crate::support::root().join("tests/numerics/golden");
        Golden(std::fs::read(folder.join(name)).unwrap())
    }

    fn write(&self, prefix: &str, names: &[&str], to: &Path) -> String {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        let chosen = tensors.iter().filter_map(|(name, view)| {
            let short = name.strip_prefix(prefix)?;
            (names.is_empty() || names.contains(&short)).then_some((short.to_owned(), view))
        });
        std::fs::write(to, safetensors::serialize(chosen, None).unwrap()).unwrap();
        to.to_str().unwrap().to_owned()
    }

    fn f64s(&self, name: &str) -> Vec<f64> {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        let bytes = tensors.tensor(name).unwrap().data().as_chunks::<8>().0;
        bytes.iter().map(|b| f64::from_le_bytes(*b)).collect()
    }

    fn bits(&self, name: &str) -> Vec<f64> {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        let bytes = tensors.tensor(name).unwrap().data();
        bytes.iter().map(|b| f64::from(*b)).collect()
    }
}

/// ‖a − b‖ / ‖b‖.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let square = |x: f64| x * x;
    let apart: f64 = a.iter().zip(b).map(|(a, b)| square(a - b)).sum();
    (apart / b.iter().copied().map(square).sum::<f64>()).sqrt()
}

#[test]
fn scores_and_published_masks_are_those_of_the_published_code() {
    let folder = tempfile::tempdir().unwrap();
    let (single, double) = (
        Golden::open("golden-resnet8.safetensors"),
        Golden::open("golden64-resnet8.safetensors"),
    );
    let weights = single.write("w/", &[], &folder.path().join("weights.safetensors"));
    let batch = single.write("", &["x", "y"], &folder.path().join("batch.safetensors"));
    let out = folder.path().join("out.safetensors");
    let out = out.to_str().unwrap();
    let shared = [
        "--network",
        "resnet8",
        "--classes",
        "10",
        "--precision",
        "f64",
        "--weights",
        &weights,
        "--batch",
        &batch,
        "--out",
        out,
        "--param",
        "samples_per_class=4",
    ];
    for (method, golden) in [
        ("snip", "snip"),
        ("org.jackpot.c.snip", "snip"),
        ("grasp", "grasp"),
    ] {
        ok(&[&["score", "--method", method], &shared[..]].concat());
        let scores = read(out);
        assert_eq!(scores.len(), 10);
        for (name, dtype, found) in scores {
            let layer = name.strip_suffix(".weight").unwrap();
            let expected = double.f64s(&format!("{golden}64/{layer}"));
            let far = distance(&found, &expected);
            assert_eq!(dtype, Dtype::F64);
            assert!(far < 1e-9, "{method} {name}: {far:e}");
        }
        for sparsity in ["0.9", "0.98"] {
            let rule = ["--sparsity", sparsity, "--selection", "published"];
            ok(&[&["mask", "--method", method], &shared[..], &rule].concat());
            let (mut differ, mut kept) = (0, 0.0);
            for (name, _, found) in read(out) {
                let layer = name.strip_suffix(".weight").unwrap();
                let expected = single.bits(&format!("{golden}_mask_{sparsity}/{layer}"));
                assert_eq!(found.len(), expected.len(), "{name}");
                differ += found.iter().zip(&expected).filter(|(a, b)| a != b).count();
                kept += expected.iter().sum::<f64>();
            }
            // The golden masks are of f32 scores, which jump where a pre-activation rounds
            // across 0; chance alone would differ in almost twice as many as are kept.
            assert!(
                (differ as f64) < 0.005 * kept,
                "{method} at {sparsity}: {differ} of {kept}"
            );
        }
    }
}

#[test]
fn logits_and_training_steps_are_those_of_the_published_code() {
    let folder = tempfile::tempdir().unwrap();
    let (single, double) = (
        Golden::open("golden-resnet8.safetensors"),
        Golden::open("golden64-resnet8.safetensors"),
    );
    let place = |name: &str| folder.path().join(name);
    let weights = single.write("w/", &[], &place("weights.safetensors"));
    let batch = single.write("", &["x", "y"], &place("batch.safetensors"));
    let mask = place("mask.safetensors");
    let tensors = SafeTensors::deserialize(&single.0).unwrap();
    let layers = tensors.iter().filter_map(|(name, view)| {
        let layer = name.strip_prefix("snip_mask_0.9/")?;
        Some((format!("{layer}.weight"), view))
    });
    std::fs::write(&mask, safetensors::serialize(layers, None).unwrap()).unwrap();
    let (mask, out) = (mask.to_str().unwrap(), place("out.safetensors"));
    let out = out.to_str().unwrap();
    let head = ["steps", "--network", "resnet8", "--classes", "10"];
    let files = ["--weights", &weights, "--batch", &batch];
    let steps = ["--precision", "f64", "--steps", "3", "--mask", mask];
    let rest = ["--published-gradient-mask", "--out", out];
    let all = [&head[..], &files, &steps, &rest].concat();
    let numbers = |found: &Value| -> Vec<f64> {
        let list = found.as_array().unwrap().iter();
        list.map(|x| x.as_f64().unwrap()).collect()
    };

    let said = ok(&all);
    let far = distance(&numbers(&said["logits"]), &double.f64s("logits_eval64"));
    assert!(far < 1e-9, "logits: {far:e}");
    let far = distance(&numbers(&said["losses"]), &double.f64s("train_losses64"));
    assert!(far < 1e-9, "losses: {far:e}");
    let worst = || {
        let state = read(out);
        assert!(state.len() > 40, "{} tensors", state.len());
        let apart = state
            .into_iter()
            .map(|(name, _, found)| distance(&found, &double.f64s(&format!("trained64/{name}"))));
        apart.fold(0.0, f64::max)
    };
    assert!(worst() < 1e-9, "weights: {:e}", worst());

    ok(&[&all[..], &["--momentum", "0.5"]].concat());
    assert!(worst() > 1e-3, "another momentum: {:e}", worst());
    let single_precision = ok(&[&head[..], &files].concat());
    let far = distance(
        &numbers(&single_precision["logits"]),
        &double.f64s("logits_eval64"),
    );
    assert!(far < 1e-5 && far > 1e-12, "f32 logits: {far:e}");
    assert_eq!(single_precision["losses"], Value::Array(Vec::new()));

    refused(&[&all[..], &["--lr=-1"]].concat(), "lr");

    // The sparse engine takes the same steps, of which it knows the kept weights alone: it is
    // about as far from f64 as libtorch is in f32.
    let f32 = [&head[..], &files, &["--steps", "3", "--mask", mask], &rest].concat();
    ok(&f32);
    let rounding = worst();
    let sparse = ["--engine", "sparse", "--steps", "3", "--mask", mask];
    let sparse = [&head[..], &files, &sparse, &rest].concat();
    let said = ok(&sparse);
    assert_eq!(said["engine"], "sparse");
    let far = distance(&numbers(&said["losses"]), &double.f64s("train_losses64"));
    assert!(far < 1e-4 && far > 1e-12, "losses: {far:e}");
    assert!(
        rounding > 0.0 && worst() < 4.0 * rounding,
        "weights: {:e}, libtorch's in f32: {rounding:e}",
        worst()
    );
    refused(
        &[&sparse[..], &["--precision", "f64"]].concat(),
        "the sparse engine computes in f32",
    );
    refused(
        &[&all[..], &["--storage", "bf16"]].concat(),
        "--engine sparse",
    );
    let wrong = ["--weights", &batch, "--batch", &batch];
    let (code, _, err) = call(&[&head[..], &wrong].concat());
    assert!(code != 0 && err.contains("batch.safetensors"), "{err}");
}

/// A checkpoint as `DataParallel` saves it, with its counter of batches, is the one that it
/// wraps; one of another network is named with what it lacks.
#[test]
fn weights_are_read_as_import_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let (weights, batch) = files(folder.path());
    let bytes = std::fs::read(&weights).unwrap();
    let plain = SafeTensors::deserialize(&bytes).unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let save = |file: &str, rename: &dyn Fn(&str) -> Option<String>| {
        let views = plain.tensors().into_iter();
        let mut views: Vec<_> = views.filter_map(|(n, v)| Some((rename(&n)?, v))).collect();
        let counter = 7_i64.to_le_bytes();
        let seen = TensorView::new(Dtype::I64, vec![], &counter).unwrap();
        let prefix = views[0].0.starts_with("module.").then_some("module.");
        let name = format!("{}bn1.num_batches_tracked", prefix.unwrap_or_default());
        views.push((name, seen));
        std::fs::write(file, safetensors::serialize(views, None).unwrap()).unwrap();
    };
    let (wrapped, lacking) = (place("wrapped.safetensors"), place("lacking.safetensors"));
    save(&wrapped, &|name| Some(format!("module.{name}")));
    save(&lacking, &|name| {
        (name != "fc.bias").then(|| name.to_owned())
    });

    let arguments = |weights: &str, out: &str| -> Vec<String> {
        let head = ["score", "--method", "snip", "--weights", weights];
        let all = [&head[..], &["--batch", &batch, "--out", out], NETWORK].concat();
        all.into_iter().map(str::to_owned).collect()
    };
    let score = |weights: &str, name: &str| {
        let (out, code, err);
        out = place(name);
        let arguments = arguments(weights, &out);
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        (code, _, err) = call(&words);
        assert_eq!(code, 0, "{err}");
        (std::fs::read(out).unwrap(), err)
    };
    let (scores, silent) = score(&weights, "plain-scores.safetensors");
    let (same, noted) = score(&wrapped, "wrapped-scores.safetensors");
    assert!(scores == same, "the wrapped weights have other scores");
    assert_eq!(silent, "");
    assert!(noted.contains("`module.` was taken off"), "{noted}");
    let out = place("none.safetensors");
    let wrong = arguments(&lacking, &out);
    let words: Vec<&str> = wrong.iter().map(String::as_str).collect();
    let (code, _, err) = call(&words);
    assert!(code != 0 && err.contains("lacking.safetensors"), "{err}");
    assert!(err.contains("it lacks `fc.bias`"), "{err}");
    assert!(!Path::new(&out).exists());
}

#[test]
fn options_without_a_meaning_are_refused_even_where_nothing_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.safetensors");
    let out = out.to_str().unwrap();
    let head = ["score", "--method", "random", "--out", out];
    for (more, expected) in [
        (["--device-class", "cpu-avx512"], "cpu-avx2 or native"),
        (["--plugin-seconds", "nan"], "a positive number"),
        (["--plugin-seconds", "0"], "a positive number"),
        (
            ["--precision", "f16"],
            "expected one of f64, f32-contiguous, f32, found `f16`",
        ),
    ] {
        refused(&[&head, NETWORK, &more[..]].concat(), expected);
    }
}
