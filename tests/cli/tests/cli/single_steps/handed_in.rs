//! Tensors that users hand in: one rule of types for every place, and a name for what is no
//! tensor file at all.
use crate::support::call;
use safetensors::{Dtype, tensor::TensorView};
use std::path::Path;

const NETWORK: [&str; 4] = ["--network", "lenet-300-100", "--classes", "10"];

const LAYERS: [(&str, [usize; 2]); 3] =
    [("fc1", [300, 784]), ("fc2", [100, 300]), ("fc3", [10, 100])];

const TYPES: [Dtype; 13] = [
    Dtype::F32,
    Dtype::F64,
    Dtype::F16,
    Dtype::BF16,
    Dtype::BOOL,
    Dtype::U8,
    Dtype::I8,
    Dtype::U16,
    Dtype::I16,
    Dtype::U32,
    Dtype::I32,
    Dtype::U64,
    Dtype::I64,
];

fn is_floating(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F32 | Dtype::F64 | Dtype::F16 | Dtype::BF16)
}

/// The bytes of one value, which is 0, or ±1 to ±7 over 8: exact in every floating-point type.
fn value(dtype: Dtype, eighths: i64) -> Vec<u8> {
    let number = eighths as f64 / 8.0;
    let single = (number as f32).to_bits();
    match dtype {
        Dtype::F32 => single.to_le_bytes().to_vec(),
        Dtype::F64 => number.to_le_bytes().to_vec(),
        Dtype::BF16 => ((single >> 16) as u16).to_le_bytes().to_vec(),
        Dtype::F16 if single << 1 == 0 => vec![0, 0],
        // Sign, the exponent with another bias, the first bits of the fraction.
        Dtype::F16 => {
            let exponent = (single >> 23 & 0xff) + 15 - 127;
            let bits = (single >> 31) << 15 | exponent << 10 | (single >> 13 & 0x3ff);
            (bits as u16).to_le_bytes().to_vec()
        }
        Dtype::BOOL | Dtype::U8 | Dtype::I8 => vec![(eighths.unsigned_abs() % 2) as u8],
        _ => {
            let bytes = (eighths.unsigned_abs() % 2).to_le_bytes();
            bytes[..dtype.bitsize() / 8].to_vec()
        }
    }
}

fn eighths(place: usize) -> i64 {
    (place * 5 % 15) as i64 - 7
}

type Named = (String, Dtype, Vec<usize>, Vec<u8>);

fn tensor(name: &str, dtype: Dtype, shape: &[usize]) -> Named {
    let count: usize = shape.iter().product();
    let bytes = (0..count).flat_map(|place| value(dtype, eighths(place)));
    (name.to_owned(), dtype, shape.to_vec(), bytes.collect())
}

fn write(path: &Path, tensors: &[Named]) -> String {
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        let view = TensorView::new(*dtype, shape.clone(), bytes).unwrap();
        (name, view)
    });
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// One tensor a layer, with biases or without.
fn layers(dtype: Dtype, biases: bool) -> Vec<Named> {
    let mut tensors = Vec::new();
    for (name, shape) in LAYERS {
        tensors.push(tensor(&format!("{name}.weight"), dtype, &shape));
        if biases {
            tensors.push(tensor(&format!("{name}.bias"), dtype, &shape[..1]));
        }
    }
    tensors
}

fn batch(x: Dtype, y: Dtype) -> Vec<Named> {
    let labels = (0..20u64).flat_map(|row| (row % 2).to_le_bytes()[..y.bitsize() / 8].to_vec());
    vec![
        tensor("x", x, &[20, 1, 28, 28]),
        ("y".to_owned(), y, vec![20], labels.collect()),
    ]
}

#[test]
fn one_rule_of_types_holds_wherever_tensors_are_handed_in() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let out = place("out");
    let given = out.to_str().unwrap();
    let weights = write(&place("weights"), &layers(Dtype::F32, true));
    let good = write(&place("batch"), &batch(Dtype::F32, Dtype::I64));
    let mask = write(&place("mask"), &layers(Dtype::U8, false));
    let score = |weights: &str, batch: &str| {
        let head = ["score", "--method", "snip", "--out", given];
        let param = ["--param", "samples_per_class=10"];
        let files = ["--weights", weights, "--batch", batch];
        call(&[&head[..], &NETWORK, &files, &param].concat())
    };
    let check = |id: &str, file: &str, more: &[&str]| {
        let head = ["check", "--check", id, "--in", file, "--out", given];
        call(&[&head[..], &NETWORK, more].concat())
    };
    let steps = |batch: &str| {
        let head = [
            "steps",
            "--weights",
            &weights,
            "--batch",
            batch,
            "--out",
            given,
        ];
        call(&[&head[..], &NETWORK].concat())
    };
    let store = place("store");
    let import = |file: &str| {
        let head = ["--store", store.to_str().unwrap(), "import", file];
        call(&[&head[..], &NETWORK].concat())
    };
    // What a place makes of each type: the same bytes as of F32, or a refusal by name.
    let tried = |what: &str,
                 accepted: &dyn Fn(Dtype) -> bool,
                 file: &dyn Fn(Dtype) -> String,
                 run: &dyn Fn(&str) -> (i32, String, String)| {
        let mut first: Option<Vec<u8>> = None;
        for dtype in TYPES {
            let _ = std::fs::remove_file(&out);
            let (code, said, error) = run(&file(dtype));
            if !accepted(dtype) {
                assert_ne!(code, 0, "{what}: {dtype:?} was accepted");
                let names = error.contains("expected") && error.contains(&format!("{dtype:?}"));
                assert!(names && !out.exists(), "{what}: {dtype:?}: {error}");
                continue;
            }
            assert_eq!(code, 0, "{what}: {dtype:?}: {error}");
            let made = std::fs::read(&out).unwrap_or(said.into_bytes());
            let before = first.get_or_insert_with(|| made.clone());
            assert!(*before == made, "{what}: {dtype:?} gives other numbers");
        }
    };
    let whole = |dtype| write(&place("tried"), &layers(dtype, true));
    let of_layers = |dtype| write(&place("tried"), &layers(dtype, false));
    let images = |dtype| write(&place("tried"), &batch(dtype, Dtype::I64));
    let labels = |dtype| write(&place("tried"), &batch(Dtype::F32, dtype));
    let is_mask = |dtype| matches!(dtype, Dtype::U8 | Dtype::BOOL);
    let is_label = |dtype| dtype == Dtype::I64;
    tried("score --batch, x", &is_floating, &images, &|f| {
        score(&weights, f)
    });
    tried("score --batch, y", &is_label, &labels, &|f| {
        score(&weights, f)
    });
    tried("steps --batch, x", &is_floating, &images, &steps);
    tried("score --weights", &is_floating, &whole, &|f| {
        score(f, &good)
    });
    tried("import", &is_floating, &whole, &|f| {
        // One object, whatever type it came in; what is said names the type.
        let (code, said, error) = import(f);
        let hash = said.trim().rsplit(' ').next().unwrap_or_default();
        (code, hash.to_owned(), error)
    });
    tried("check --in scores", &is_floating, &of_layers, &|f| {
        check("invert", f, &[])
    });
    tried("check --in weights", &is_floating, &whole, &|f| {
        check("shuffle-kept", f, &["--mask", &mask])
    });
    tried("check --in mask", &is_mask, &of_layers, &|f| {
        check("layerwise-rearrange", f, &[])
    });
    tried("check --mask", &is_mask, &of_layers, &|f| {
        check("shuffle-kept", &weights, &["--mask", f])
    });
}

#[test]
fn a_file_of_another_kind_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let weights = write(&folder.path().join("weights"), &layers(Dtype::F32, true));
    let (file, out) = (place("file"), place("out"));
    let mut npz = b"PK\x03\x04".to_vec();
    npz.resize(26, 0);
    npz.extend(b"\x05\0\0\0a.npy");
    let kinds: [(&[u8], &str); 6] = [
        (b"\x80\x04\x95\x0a\0\0\0\0\0\0\0\x8a", "a pickle"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n",
            "`git lfs pull`",
        ),
        (b"<!DOCTYPE html><html>404</html>", "a web page"),
        (&npz, "`numpy.savez`"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "gzip"),
        (b"", "it is empty"),
    ];
    let store = place("store");
    for (bytes, expected) in kinds {
        std::fs::write(&file, bytes).unwrap();
        let commands: [&[&str]; 5] = [
            &["--store", &store, "import", &file],
            &[
                "score",
                "--method",
                "magnitude",
                "--weights",
                &file,
                "--out",
                &out,
            ],
            &[
                "score",
                "--method",
                "snip",
                "--weights",
                &weights,
                "--batch",
                &file,
                "--out",
                &out,
            ],
            &[
                "check",
                "--check",
                "layerwise-rearrange",
                "--in",
                &file,
                "--out",
                &out,
            ],
            &["check", "--check", "invert", "--in", &file, "--out", &out],
        ];
        for command in commands {
            let (code, _, error) = call(&[command, &NETWORK].concat());
            assert_ne!(code, 0, "{command:?}");
            assert!(
                error.contains(expected),
                "{command:?}: `{expected}` not in: {error}"
            );
        }
    }
}
