//! Masks, scores and weights in and out: `import`, `export`, `check`, and the masks of a table,
//! of rounds, with layers reserved.
use crate::support::{Place, call, finished, root};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

const NETWORK: [&str; 8] = [
    "--network",
    "resnet8",
    "--width",
    "8",
    "--classes",
    "10",
    "--input",
    "1x14x14",
];

fn ok(arguments: &[&str]) -> String {
    let (code, out, err) = call(arguments);
    assert_eq!(code, 0, "{arguments:?}: {out}{err}");
    out
}

fn refused(arguments: &[&str], expected: &str) {
    let (code, out, err) = call(arguments);
    assert_ne!(code, 0, "{arguments:?}: {out}");
    assert!(
        err.contains(expected),
        "{arguments:?}: `{expected}` not in: {err}"
    );
}

fn read(path: &str) -> Tensors {
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let entry = |(name, t): (&str, TensorView)| {
        (
            name.to_owned(),
            (t.dtype(), t.shape().to_vec(), t.data().to_vec()),
        )
    };
    file.iter().map(entry).collect()
}

fn write(tensors: &Tensors, path: &str) {
    let views = tensors.iter().map(|(name, (dtype, shape, bytes))| {
        (
            name.as_str(),
            TensorView::new(*dtype, shape.clone(), bytes).unwrap(),
        )
    });
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

fn kept(mask: &Tensors) -> usize {
    let ones = |(_, _, bytes): &(Dtype, Vec<usize>, Vec<u8>)| {
        bytes.iter().filter(|bit| **bit == 1).count()
    };
    mask.values().map(ones).sum()
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }
}

/// The first weights of the tiny study.
fn first_weights(place: &Place) -> String {
    let mut outputs = place.actions().into_values();
    let init = outputs.find(|o| o["weights"].is_string()).unwrap();
    let path = place.object(init["weights"].as_str().unwrap());
    path.to_str().unwrap().to_owned()
}

fn store(place: &Place) -> String {
    place.store().to_str().unwrap().to_owned()
}

#[test]
fn a_state_dict_goes_into_the_store_and_comes_out_as_it_was() {
    let folder = Folder::new();
    let golden = root().join("tests/numerics/golden/golden-resnet8.safetensors");
    let golden = read(golden.to_str().unwrap());
    let weights: Tensors = golden
        .into_iter()
        .filter_map(|(name, tensor)| Some((name.strip_prefix("w/")?.to_owned(), tensor)))
        .collect();
    let (file, out, store) = (folder.path("w"), folder.path("out"), folder.path("store"));
    write(&weights, &file);
    let network = ["--network", "resnet8", "--classes", "10"];
    let said = ok(&[&["--store", &store, "import", &file], &network[..]].concat());
    let hash = said.trim().rsplit(' ').next().unwrap().to_owned();
    assert_eq!(hash.len(), 64, "{said}");
    ok(&["--store", &store, "export", &hash[..12], "--out", &out]);
    let mut expected = weights.clone();
    expected.retain(|name, _| !name.ends_with("num_batches_tracked"));
    assert!(read(&out) == expected);
    assert_eq!(std::fs::read(&out).unwrap(), {
        let place = Path::new(&store).join("objects").join(&hash[..2]);
        std::fs::read(place.join(&hash)).unwrap()
    });
    let (code, out, err) = call(&["--store", &store, "audit"]);
    assert_eq!(code, 0, "{out}{err}");

    let import = ["--store", &store, "import", &file];
    let other = ["--network", "resnet8", "--classes", "100"];
    refused(
        &[&import, &other[..]].concat(),
        "`fc.weight`: expected shape [100, 128], found [10, 128]",
    );
    let deep = ["--network", "resnet14", "--classes", "10"];
    refused(
        &[&import, &deep[..]].concat(),
        "it lacks `layer1.1.conv1.weight`",
    );
}

#[test]
fn a_study_starts_from_weights_that_were_imported() {
    let folder = Folder::new();
    let (file, store) = (folder.path("w"), folder.path("store"));
    std::fs::copy(first_weights(finished()), &file).unwrap();
    let mut weights = read(&file);
    // Other weights than any seed draws.
    let half = |bytes: &[u8]| -> Vec<u8> {
        let (values, _) = bytes.as_chunks::<4>();
        let halved = values.iter().map(|b| 0.5 * f32::from_le_bytes(*b));
        halved.flat_map(f32::to_le_bytes).collect()
    };
    for (_, (_, _, bytes)) in weights.iter_mut().filter(|(name, _)| name.contains("conv")) {
        *bytes = half(bytes);
    }
    write(&weights, &file);
    let said = ok(&[&["--store", &store, "import", &file], &NETWORK[..]].concat());
    let hash = said.trim().rsplit(' ').next().unwrap();
    let study = crate::support::TINY.split("[[ticket]]").next().unwrap();
    let study = format!(
        "{study}\n[[ticket]]\nname = \"mine\"\nscores = {{ method = \"magnitude\", of = {{ object = \"{hash}\" }} }}\nallocation = \"global\"\nstart = {{ object = \"{hash}\" }}\n"
    );
    let study = study.replace("epochs = 2", "epochs = 1");
    let place = folder.path("mine");
    std::fs::create_dir(&place).unwrap();
    std::fs::write(format!("{place}/study.toml"), study).unwrap();
    ok(&["--store", &store, "run", &place]);
    let pin = std::fs::read(format!("{store}/pins/mine.json")).unwrap();
    let pin: Value = serde_json::from_slice(&pin).unwrap();
    let mask = pin["cells"][0]["mask"].as_str().unwrap();
    let (out, by_hand) = (folder.path("mask"), folder.path("by-hand"));
    ok(&["--store", &store, "export", mask, "--out", &out]);
    let head = ["mask", "--method", "magnitude", "--sparsity", "0.9"];
    let files = ["--weights", &file, "--out", &by_hand];
    ok(&[&head[..], &NETWORK, &files].concat());
    assert!(read(&out) == read(&by_hand), "the mask of these weights");
}

#[test]
fn masks_and_actions_come_out_as_pytorch_reads_them() {
    let place = finished();
    let folder = Folder::new();
    let (store, out) = (store(place), folder.path("mask"));
    let cell = place.cell("snip", "none");
    let mask = cell["mask"].as_str().unwrap();
    let said = ok(&["--store", &store, "export", mask, "--out", &out]);
    assert!(said.starts_with("mask "), "{said}");
    let tensors = read(&out);
    let weights = read(&first_weights(place));
    assert!(tensors.len() == 10);
    for (name, (dtype, shape, _)) in &tensors {
        assert_eq!((*dtype, shape), (Dtype::U8, &weights[name].1), "{name}");
    }
    let training = cell["action"].as_str().unwrap();
    refused(
        &["--store", &store, "export", training, "--out", &out],
        "was not kept",
    );
    let metrics = ["--output", "metrics"];
    refused(
        &[
            &["--store", &store, "export", training, "--out", &out],
            &metrics[..],
        ]
        .concat(),
        "holds no tensors",
    );
    refused(
        &[
            "--store", &store, "export", training, "--out", &out, "--output", "mask",
        ],
        "`bits`",
    );
    refused(
        &["--store", &store, "export", "ffffffffffff", "--out", &out],
        "no action and no object",
    );
}

#[test]
fn checks_are_applied_by_hand_and_certified() {
    let folder = Folder::new();
    let weights = first_weights(finished());
    let (mask, scores, out) = (
        folder.path("mask"),
        folder.path("scores"),
        folder.path("out"),
    );
    let head = [
        "mask",
        "--method",
        "random",
        "--sparsity",
        "0.9",
        "--out",
        &mask,
    ];
    ok(&[&head[..], &NETWORK].concat());
    let check = |id: &str, file: &str, more: &[&str]| -> Value {
        let head = ["check", "--check", id, "--in", file, "--out", &out];
        serde_json::from_str(&ok(&[&head[..], &NETWORK, more].concat())).unwrap()
    };
    let said = check("layerwise-rearrange", &mask, &[]);
    assert_eq!(
        said["certificate"]["promises"]["keeps-layer-counts"],
        "verified"
    );
    let (before, after) = (read(&mask), read(&out));
    assert_eq!(kept(&before), kept(&after));
    assert!(before != after && after.values().all(|(dtype, ..)| *dtype == Dtype::U8));
    let donor = folder.path("donor");
    std::fs::copy(&out, &donor).unwrap();
    check("transport", &mask, &["--donor", &donor]);
    assert!(read(&out) == after);

    let said = check("shuffle-kept", &weights, &["--mask", &mask]);
    assert_eq!(said["changes"], "weights");
    assert!(read(&out) != read(&weights));
    check(
        "sign-only",
        &weights,
        &["--initial", &weights, "--mask", &mask],
    );

    let head = ["score", "--method", "magnitude", "--precision", "f64"];
    let files = ["--weights", &weights, "--out", &scores];
    ok(&[&head[..], &NETWORK, &files].concat());
    check("invert", &scores, &[]);
    let bytes = |tensors: &Tensors| tensors["conv1.weight"].2.clone();
    let (old, new) = (bytes(&read(&scores)), bytes(&read(&out)));
    let first = |bytes: &[u8]| f64::from_le_bytes(bytes[..8].try_into().unwrap());
    assert_eq!(first(&new), -first(&old));

    let head = ["check", "--out", &out, "--in", &mask];
    let with = |more: &[&'static str]| [&head[..], &NETWORK, more].concat();
    refused(&with(&["--check", "transport"]), "give `--donor FILE`");
    refused(
        &with(&["--check", "global-rearrange", "--donor", "x"]),
        "`global-rearrange` does not read it",
    );
    refused(&with(&["--check", "layerwise-rearange"]), "did you mean");
    refused(
        &with(&["--check", "invert"]),
        "expected F32, F64, F16 or BF16",
    );
}

/// What each layer keeps, as `allocate` and `mask` say it.
fn counts(said: &str) -> BTreeMap<String, u64> {
    let said: Value = serde_json::from_str(said).unwrap();
    let layers = said["layers"].as_array().unwrap().iter();
    let pair = |l: &Value| {
        (
            l["name"].as_str().unwrap().to_owned(),
            l["kept"].as_u64().unwrap(),
        )
    };
    layers.map(pair).collect()
}

/// What each layer of a mask keeps.
fn ones(mask: &Tensors) -> BTreeMap<String, u64> {
    let count = |bytes: &[u8]| bytes.iter().map(|b| u64::from(*b)).sum();
    let pair = |(name, t): (&String, &(Dtype, Vec<usize>, Vec<u8>))| (name.clone(), count(&t.2));
    mask.iter().map(pair).collect()
}

#[test]
fn a_table_of_densities_and_reserved_layers_are_met_to_the_weight() {
    let folder = Folder::new();
    let (table, out) = (folder.path("densities.toml"), folder.path("mask"));
    std::fs::write(
        &table,
        "\"conv1.weight\" = 1\nfc.weight = \"0.25\"\n[layer3.0]\nconv2.weight = 0.01\n",
    )
    .unwrap();
    let sparsity = ["--sparsity", "0.9"];
    let head = ["allocate", "--json", "--densities", &table];
    let own = counts(&ok(&[&head[..], &NETWORK, &sparsity].concat()));
    assert_eq!((own["conv1.weight"], own["fc.weight"]), (72, 80));
    // 32 × 32 × 9 weights, a hundredth.
    assert_eq!(own["layer3.0.conv2.weight"], 92);
    let head = [
        "mask",
        "--method",
        "random",
        "--densities",
        &table,
        "--out",
        &out,
    ];
    ok(&[&head[..], &NETWORK, &sparsity].concat());
    assert_eq!(ones(&read(&out)), own);

    let head = [
        "allocate",
        "--json",
        "--allocation",
        "uniform",
        "--whole",
        "first,classifier",
    ];
    let reserved = counts(&ok(
        &[&head[..], &NETWORK, &sparsity, &["--floor", "50"]].concat()
    ));
    assert_eq!((reserved["conv1.weight"], reserved["fc.weight"]), (72, 320));
    assert!(reserved.values().all(|kept| *kept >= 50));
    assert_eq!(reserved.values().sum::<u64>(), own.values().sum::<u64>());

    std::fs::write(&table, "\"conv2.weight\" = 0.1").unwrap();
    let head = ["allocate", "--densities", &table];
    refused(&[&head[..], &NETWORK, &sparsity].concat(), "conv2.weight");
    let head = ["allocate", "--allocation", "uniform", "--whole", "last"];
    refused(
        &[&head[..], &NETWORK, &sparsity].concat(),
        "first or classifier",
    );
}

#[test]
fn whole_filters_are_counted_and_kept_by_hand() {
    fn with<'a>(head: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
        let asked = ["--sparsity", "0.9", "--unit", "filters"];
        [head, &NETWORK, &asked, more].concat()
    }
    let folder = Folder::new();
    let out = folder.path("mask");
    let uniform = ["--allocation", "uniform"];
    let said = counts(&ok(&with(&["allocate", "--json"], &uniform)));
    // Of 8 filters one, of 16 two, of 32 three; a tenth of the classifier's 320 weights.
    let names = [
        "conv1.weight",
        "layer2.0.conv1.weight",
        "layer3.0.conv2.weight",
        "fc.weight",
    ];
    assert_eq!(names.map(|name| said[name]), [9, 2 * 72, 3 * 288, 32]);

    let mask = ["mask", "--method", "random", "--out", &out];
    assert_eq!(counts(&ok(&with(&mask, &uniform))), said);
    let tensors = read(&out);
    assert_eq!(ones(&tensors), said);
    for (name, (_, shape, bytes)) in tensors.iter().filter(|(_, t)| t.1.len() == 4) {
        let whole = |filter: &[u8]| filter.iter().all(|b| *b == filter[0]);
        assert!(bytes.chunks(bytes.len() / shape[0]).all(whole), "{name}");
    }

    refused(&with(&mask, &[]), "`--unit filters` takes counts per layer");
    let rounds = ["mask", "--method", "synflow", "--out", &out];
    refused(&with(&rounds, &uniform), "and `--unit` out");
    let slip = |word| if word == "filters" { "filter" } else { word };
    let slip: Vec<&str> = with(&mask, &uniform).into_iter().map(slip).collect();
    refused(&slip, "'filters'");
    let linear = "allocate --network lenet-300-100 --classes 10 --allocation uniform --sparsity 0.9 --unit filters";
    refused(&linear.split(' ').collect::<Vec<_>>(), "no convolution");
}

#[test]
fn a_method_of_many_rounds_makes_a_mask_by_hand() {
    let folder = Folder::new();
    let weights = first_weights(finished());
    let (out, other) = (folder.path("mask"), folder.path("other"));
    let mask = |out: &str, rounds: &str| {
        let head = [
            "mask",
            "--method",
            "synflow",
            "--weights",
            &weights,
            "--sparsity",
            "0.9",
        ];
        let rest = ["--out", out, "--rounds", rounds];
        ok(&[&head[..], &NETWORK, &rest].concat());
        read(out)
    };
    let (many, once) = (mask(&out, "5"), mask(&other, "1"));
    assert_eq!(kept(&many), kept(&once));
    assert!(many != once, "five rounds are another method than one");
    let head = [
        "mask",
        "--method",
        "synflow",
        "--weights",
        &weights,
        "--sparsity",
        "0.9",
    ];
    let rest = ["--out", &out, "--allocation", "uniform"];
    refused(
        &[&head[..], &NETWORK, &rest].concat(),
        "works in 100 rounds",
    );
    let head = [
        "score",
        "--method",
        "synflow",
        "--weights",
        &weights,
        "--out",
        &out,
    ];
    refused(&[&head[..], &NETWORK].concat(), "--sparsity");
    ok(&[&head[..], &NETWORK, &["--sparsity", "0.9", "--rounds", "1"]].concat());
}

#[test]
fn the_list_says_what_checks_promise_and_how_profiles_differ() {
    let said = ok(&["list"]);
    for line in [
        "check `layerwise-rearrange` changes masks with random numbers",
        "must keep the layers' counts, the total",
        "must change something, the layers' counts",
        "must change something, the values of pixel rows and columns",
        "check `transport` changes masks with another ticket's mask",
        "works in rounds, 100 as published",
        "profiles published and corrected; published keeps every score not below the k-th largest",
        "lenet-300-100",
    ] {
        assert!(said.contains(line), "`{line}` is not in: {said}");
    }
}
