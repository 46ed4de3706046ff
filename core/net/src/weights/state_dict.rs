//! A PyTorch state_dict that somebody else saved, checked and brought to the stored form.
//!
//! The stored form is f32, one tensor a [`Parameter`], the published code's names, no
//! metadata: what [`crate::init`] gives, so that whatever can start from first weights can
//! start from these.

use crate::weights::stored::{self, Tensor};
use crate::{Error, NUMBERS, Network, Parameter, not_tensors, numbers};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::{BTreeMap, BTreeSet};

/// A state_dict in the stored form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateDict {
    /// Safetensors: f32, no metadata, a function of the parameters alone.
    pub bytes: Vec<u8>,
    /// What was left out, renamed or converted, one sentence each.
    pub notes: Vec<String>,
}

/// Reads f32, f64, f16 or bf16 tensors under the network's parameter names.
///
/// `num_batches_tracked` is left out. One prefix that all names share is taken off, as
/// `DataParallel`'s `module.` or `torch.compile`'s `_orig_mod.`.
///
/// # Errors
/// A file that is no safetensors file; a parameter that is missing, misshapen, of another
/// type or not finite; a tensor that is no parameter of this network.
pub fn read_state_dict(network: &Network, bytes: &[u8]) -> Result<StateDict, Error> {
    let file = SafeTensors::deserialize(bytes)
        .or_else(|e| Error::invalid(format!("state_dict: {}", not_tensors(bytes, &e))))?;
    let mut notes = Vec::new();
    let mut tensors = without_prefix(network, &file, &mut notes);
    tensors.retain(|name, _| !name.ends_with("num_batches_tracked"));
    same_names(network, &tensors)?;
    let mut converted: BTreeMap<String, u64> = BTreeMap::new();
    let mut stored = Vec::with_capacity(network.parameters.len());
    for parameter in &network.parameters {
        let view = &tensors[parameter.name.as_str()];
        if view.dtype() != Dtype::F32 {
            *converted.entry(format!("{:?}", view.dtype())).or_default() += 1;
        }
        let tensor = Tensor {
            dtype: Dtype::F32,
            shape: &parameter.shape,
            bytes: values(parameter, view)?,
        };
        stored.push((parameter.name.as_str(), tensor));
    }
    for (dtype, count) in converted {
        notes.push(format!("{count} tensors of {dtype} became F32"));
    }
    Ok(StateDict {
        bytes: stored::to_bytes(stored)?,
        notes,
    })
}

type Tensors<'a> = BTreeMap<&'a str, TensorView<'a>>;

/// The file's tensors under the names that they would have without what wraps the model.
fn without_prefix<'a>(
    network: &Network,
    file: &'a SafeTensors<'a>,
    notes: &mut Vec<String>,
) -> Tensors<'a> {
    let first = network.parameters.first().map_or("", |p| p.name.as_str());
    let prefix = |name: &&'a str| name.strip_suffix(first).filter(|p| p.ends_with('.'));
    let all: Vec<(&str, TensorView<'a>)> = file
        .names()
        .into_iter()
        .filter_map(|name| Some((name, file.tensor(name).ok()?)))
        .collect();
    let shared = |prefix: &&str| all.iter().all(|(name, _)| name.starts_with(prefix));
    match all.iter().filter_map(|(name, _)| prefix(name)).find(shared) {
        None => all.into_iter().collect(),
        Some(prefix) => {
            notes.push(format!("`{prefix}` was taken off every name"));
            let short = |(name, view): (&'a str, _)| (&name[prefix.len()..], view);
            all.into_iter().map(short).collect()
        }
    }
}

fn same_names(network: &Network, tensors: &Tensors) -> Result<(), Error> {
    let wanted: BTreeSet<&str> = network.parameters.iter().map(|p| p.name.as_str()).collect();
    let lacking: Vec<&str> = network
        .parameters
        .iter()
        .map(|p| p.name.as_str())
        .filter(|name| !tensors.contains_key(name))
        .collect();
    let extra: Vec<&str> = tensors
        .keys()
        .copied()
        .filter(|name| !wanted.contains(name))
        .collect();
    let (what, names) = match (lacking.is_empty(), extra.is_empty()) {
        (true, true) => return Ok(()),
        (false, true) => ("it lacks", lacking),
        (true, false) => ("the network does not have", extra),
        (false, false) => {
            return Error::invalid(format!(
                "state_dict: expected the network's {} parameters; it lacks {}, and the network does not have {}",
                wanted.len(),
                some(&lacking),
                some(&extra)
            ));
        }
    };
    Error::invalid(format!(
        "state_dict: expected the network's {} parameters; {what} {}",
        wanted.len(),
        some(&names)
    ))
}

/// "`a`, `b` and 7 more".
fn some(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(3).map(|n| format!("`{n}`")).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Little-endian f32, row-major.
fn values(parameter: &Parameter, view: &TensorView) -> Result<Vec<u8>, Error> {
    let name = &parameter.name;
    if view.shape() != parameter.shape {
        return Error::invalid(format!(
            "state_dict: tensor `{name}`: expected shape {:?}, found {:?}",
            parameter.shape,
            view.shape()
        ));
    }
    let Some(values) = numbers(view) else {
        return Error::invalid(format!(
            "state_dict: tensor `{name}`: expected {NUMBERS}, found {:?}",
            view.dtype()
        ));
    };
    let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        return Error::invalid(format!(
            "state_dict: tensor `{name}`: entry {at} is {} as F32, expected a finite number",
            values[at]
        ));
    }
    Ok(values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect())
}
