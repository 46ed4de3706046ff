//! State_dicts as PyTorch writes them, and those that it would not load.
#![allow(clippy::unwrap_used)] // the helpers of a test are a test

use half::{bf16, f16};
use jackpot_net::{Architecture, Network, init::initial_weights, read_state_dict};
use jackpot_rng::Key;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::BTreeMap;

/// Computed with PyTorch: `w/*` is the state_dict of the published ResNet of depth 8.
const GOLDEN: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/numerics/golden/golden-resnet8.safetensors"
);

type File = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

fn network() -> Network {
    Architecture::resnet(8, 32, 10, [3, 32, 32])
        .build()
        .unwrap()
}

fn file(bytes: &[u8]) -> File {
    let tensors = SafeTensors::deserialize(bytes).unwrap();
    let entry = |(name, t): (&str, TensorView)| {
        (
            name.to_owned(),
            (t.dtype(), t.shape().to_vec(), t.data().to_vec()),
        )
    };
    tensors.iter().map(entry).collect()
}

fn write(file: &File) -> Vec<u8> {
    let views = file.iter().map(|(name, (dtype, shape, bytes))| {
        let view = TensorView::new(*dtype, shape.clone(), bytes).unwrap();
        (name.as_str(), view)
    });
    safetensors::serialize(views, None).unwrap()
}

fn first() -> File {
    file(&initial_weights(&network(), Key::from_seed(1)).unwrap())
}

fn refused(file: &File, expected: &str) {
    let error = read_state_dict(&network(), &write(file))
        .unwrap_err()
        .to_string();
    assert!(error.contains(expected), "`{expected}` is not in: {error}");
}

#[test]
fn a_state_dict_of_pytorch_comes_out_as_it_was() {
    let golden = file(&std::fs::read(GOLDEN).unwrap());
    let weights = golden
        .into_iter()
        .filter_map(|(name, tensor)| Some((name.strip_prefix("w/")?.to_owned(), tensor)));
    let weights: File = weights.collect();
    let imported = read_state_dict(&network(), &write(&weights)).unwrap();
    let expected: File = weights
        .into_iter()
        .filter(|(name, _)| !name.ends_with("num_batches_tracked"))
        .collect();
    assert!(file(&imported.bytes) == expected);
    assert_eq!(imported.notes, Vec::<String>::new());
}

#[test]
fn wrapped_names_and_batch_counters_are_taken_as_what_they_are() {
    let plain = first();
    for prefix in ["module.", "_orig_mod.module."] {
        let mut wrapped: File = plain
            .iter()
            .map(|(name, tensor)| (format!("{prefix}{name}"), tensor.clone()))
            .collect();
        let counter = (Dtype::I64, vec![], vec![0; 8]);
        wrapped.insert(format!("{prefix}bn1.num_batches_tracked"), counter);
        let imported = read_state_dict(&network(), &write(&wrapped)).unwrap();
        assert!(imported.bytes == write(&plain));
        assert_eq!(
            imported.notes,
            [format!("`{prefix}` was taken off every name")]
        );
    }
}

#[test]
fn other_precisions_become_f32_and_are_told() {
    let numbers = |tensor: &(Dtype, Vec<usize>, Vec<u8>)| -> Vec<f32> {
        let (values, _) = tensor.2.as_chunks::<4>();
        values.iter().map(|b| f32::from_le_bytes(*b)).collect()
    };
    let plain = first();
    type Narrow = fn(f32) -> (Vec<u8>, f32);
    let kinds: [(Dtype, Narrow); 3] = [
        (Dtype::F64, |v| (f64::from(v).to_le_bytes().to_vec(), v)),
        (Dtype::F16, |v| {
            let narrow = f16::from_f32(v);
            (narrow.to_le_bytes().to_vec(), narrow.to_f32())
        }),
        (Dtype::BF16, |v| {
            let narrow = bf16::from_f32(v);
            (narrow.to_le_bytes().to_vec(), narrow.to_f32())
        }),
    ];
    for (dtype, narrow) in kinds {
        let mut other = plain.clone();
        let mut expected = plain.clone();
        for name in ["conv1.weight", "fc.bias"] {
            let values = numbers(&plain[name]);
            let bytes = values.iter().flat_map(|v| narrow(*v).0).collect();
            let kept = values
                .iter()
                .flat_map(|v| narrow(*v).1.to_le_bytes())
                .collect();
            let shape = plain[name].1.clone();
            other.insert(name.to_owned(), (dtype, shape.clone(), bytes));
            expected.insert(name.to_owned(), (Dtype::F32, shape, kept));
        }
        let imported = read_state_dict(&network(), &write(&other)).unwrap();
        assert!(file(&imported.bytes) == expected, "{dtype:?}");
        assert_eq!(
            imported.notes,
            [format!("2 tensors of {dtype:?} became F32")]
        );
    }
}

#[test]
fn what_is_no_state_dict_of_this_network_is_refused() {
    let change = |edit: &dyn Fn(&mut File)| {
        let mut file = first();
        edit(&mut file);
        file
    };
    refused(
        &change(&|f| drop(f.remove("bn1.weight"))),
        "it lacks `bn1.weight`",
    );
    let extra = (Dtype::F32, vec![1], vec![0; 4]);
    refused(
        &change(&|f| drop(f.insert("head.weight".into(), extra.clone()))),
        "the network does not have `head.weight`",
    );
    refused(
        &change(&|f| {
            f.remove("bn1.weight");
            f.insert("norm.weight".into(), extra.clone());
        }),
        "it lacks `bn1.weight`, and the network does not have `norm.weight`",
    );
    let wide = (Dtype::F32, vec![32, 3, 1, 9], vec![0; 32 * 27 * 4]);
    refused(
        &change(&|f| drop(f.insert("conv1.weight".into(), wide.clone()))),
        "`conv1.weight`: expected shape [32, 3, 3, 3], found [32, 3, 1, 9]",
    );
    let whole = (Dtype::I32, vec![10], vec![0; 40]);
    refused(
        &change(&|f| drop(f.insert("fc.bias".into(), whole.clone()))),
        "`fc.bias`: expected F32, F64, F16 or BF16, found I32",
    );
    let large = [1e300f64; 10]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let large = (Dtype::F64, vec![10], large);
    refused(
        &change(&|f| drop(f.insert("fc.bias".into(), large.clone()))),
        "`fc.bias`: entry 0 is inf as F32",
    );
    let pickle = read_state_dict(&network(), b"PK\x03\x04archive").unwrap_err();
    assert!(pickle.to_string().contains("save_file"), "{pickle}");
    assert!(read_state_dict(&network(), b"{}").is_err());
}
