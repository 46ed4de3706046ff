//! What a worker left behind, read as what it should be: the supervisor trusts no byte of it.
use jackpot_data::Images;
use jackpot_net::Network;
use jackpot_protocol::{Failure, Kind, Output, PluginItem, PluginJob};
use jackpot_prune::{LayerMask, Mask, Scores, read_layers, write_tensors};
use safetensors::SafeTensors;
use std::path::Path;

/// A validated value: an item's output, or what a check was given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum OutputValue {
    Scores(Vec<Vec<f64>>),
    Masks(Mask),
    /// Weights to keep, one number for each layer.
    Counts(Vec<u64>),
    Weights(Vec<Vec<f32>>),
    /// Rows of one image each, of this shape: channels, height, width.
    Images {
        pixels: Vec<u8>,
        shape: [usize; 3],
    },
    Labels(Vec<i64>),
    Subset(Vec<bool>),
}

fn failure(kind: &str, message: String) -> Failure {
    Failure::new(kind, message)
}

/// Reads raw outputs: the bytes of the item's tensors in order. `data`: of a check on data.
pub(crate) fn read_raw(
    raw: &[u8],
    job: &PluginJob,
    network: &Network,
    data: Option<&Images>,
) -> Result<OutputValue, Failure> {
    let shape = data.map_or([0; 3], shape);
    let row = shape.iter().product();
    let expected = raw_length(job.item.output, network, data.map_or(0, Images::rows), row);
    if raw.len() != expected {
        return Err(failure(
            "contract",
            format!("wrote {} bytes, expected {expected}", raw.len()),
        ));
    }
    let integers = || {
        raw.as_chunks::<8>()
            .0
            .iter()
            .map(|b| i64::from_le_bytes(*b))
    };
    Ok(match job.item.output {
        Output::Scores => {
            let all = doubles(raw);
            check_finite(network, &all, "scores")?;
            OutputValue::Scores(split(network, &all))
        }
        Output::Weights => {
            let all: Vec<f32> = raw
                .as_chunks::<4>()
                .0
                .iter()
                .map(|b| f32::from_le_bytes(*b))
                .collect();
            let wide: Vec<f64> = all.iter().map(|&x| f64::from(x)).collect();
            check_finite(network, &wide, "weights")?;
            OutputValue::Weights(split(network, &all))
        }
        Output::Masks => OutputValue::Masks(read_mask(network, raw)?),
        Output::Counts => OutputValue::Counts(read_counts(network, integers())?),
        Output::Images => OutputValue::Images {
            pixels: raw.to_vec(),
            shape,
        },
        Output::Labels => OutputValue::Labels(read_labels(integers(), job.architecture.classes)?),
        Output::Subset => {
            let kept = bits(raw, "row")?;
            if !kept.contains(&true) {
                return Err(failure("contract", "the subset keeps no row".into()));
            }
            OutputValue::Subset(kept)
        }
    })
}

/// Channels, height, width.
fn shape(data: &Images) -> [usize; 3] {
    [data.channels, data.height, data.width].map(|n| n as usize)
}

/// Bytes of all output tensors.
fn raw_length(output: Output, network: &Network, rows: usize, row: usize) -> usize {
    let weights = network.prunable_weights() as usize;
    match output {
        Output::Scores => weights * 8,
        Output::Masks => weights,
        Output::Counts => network.layers.len() * 8,
        Output::Weights => weights * 4,
        Output::Images => rows * row,
        Output::Labels => rows * 8,
        Output::Subset => rows,
    }
}

fn read_labels(labels: impl Iterator<Item = i64>, classes: u32) -> Result<Vec<i64>, Failure> {
    let labels: Vec<i64> = labels.collect();
    let valid = 0..i64::from(classes);
    match labels.iter().position(|l| !valid.contains(l)) {
        None => Ok(labels),
        Some(i) => Err(failure(
            "contract",
            format!(
                "label of row {i}: expected 0 to {}, found {}",
                valid.end - 1,
                labels[i]
            ),
        )),
    }
}

/// Cuts one vector of all weights into layers.
fn split<T: Clone>(network: &Network, all: &[T]) -> Vec<Vec<T>> {
    let mut rest = all;
    let mut next = |layer: &jackpot_net::Layer| {
        let (head, tail) = rest.split_at(layer.len());
        rest = tail;
        head.to_vec()
    };
    network.layers.iter().map(&mut next).collect()
}

fn check_finite(network: &Network, all: &[f64], what: &str) -> Result<(), Failure> {
    let bad = all.iter().filter(|x| !x.is_finite()).count();
    if bad == 0 {
        return Ok(());
    }
    for (layer, values) in network.layers.iter().zip(split(network, all)) {
        if let Some(at) = values.iter().position(|x| !x.is_finite()) {
            return Err(failure(
                "numeric",
                format!(
                    "{what} of layer `{}`: entry {at} is {}, expected a finite number ({bad} of {} are not)",
                    layer.name,
                    values[at],
                    all.len()
                ),
            ));
        }
    }
    Ok(())
}

fn bits(raw: &[u8], what: &str) -> Result<Vec<bool>, Failure> {
    match raw.iter().position(|b| *b > 1) {
        Some(at) => Err(failure(
            "contract",
            format!("{what} {at}: expected 0 or 1, found {}", raw[at]),
        )),
        None => Ok(raw.iter().map(|b| *b == 1).collect()),
    }
}

pub(crate) fn read_mask(network: &Network, raw: &[u8]) -> Result<Mask, Failure> {
    let mut layers = Vec::new();
    for (layer, bytes) in network.layers.iter().zip(split(network, raw)) {
        let kept =
            bits(&bytes, "weight").map_err(|f| f.within(&format!("layer `{}`", layer.name)))?;
        layers.push(LayerMask {
            name: layer.name.clone(),
            shape: layer.shape.clone(),
            kept,
        });
    }
    let mask = Mask { layers };
    if mask.kept() == 0 {
        return Err(failure(
            "contract",
            "the mask keeps no weight at all".into(),
        ));
    }
    Ok(mask)
}

fn read_counts(network: &Network, counts: impl Iterator<Item = i64>) -> Result<Vec<u64>, Failure> {
    let mut found = Vec::new();
    for (layer, count) in network.layers.iter().zip(counts) {
        match u64::try_from(count) {
            Ok(n) if n <= layer.len() as u64 => found.push(n),
            _ => {
                return Err(failure(
                    "contract",
                    format!(
                        "layer `{}`: expected 0 to {} weights to keep, found {count}",
                        layer.name,
                        layer.len()
                    ),
                ));
            }
        }
    }
    if found.iter().all(|&n| n == 0) {
        return Err(failure(
            "contract",
            "the counts keep no weight at all".into(),
        ));
    }
    Ok(found)
}

/// A check's input as the same kind of value as its output, and the data it came from.
pub(crate) fn read_input(
    job: &PluginJob,
    network: &Network,
) -> Result<(Option<OutputValue>, Option<Images>), Failure> {
    if job.item.kind != Kind::Check {
        return Ok((None, None));
    }
    let path = job
        .input
        .as_deref()
        .ok_or_else(|| missing_input(&job.item))?;
    let bytes = read_file(path)?;
    let invalid = |e: &dyn std::fmt::Display| failure("invalid", format!("input: {e}"));
    Ok(match job.item.output {
        Output::Masks => {
            let mask = Mask::from_bytes(&bytes).map_err(|e| invalid(&e))?;
            mask.check(network).map_err(|e| invalid(&e))?;
            (Some(OutputValue::Masks(mask)), None)
        }
        Output::Scores | Output::Counts => (
            Some(OutputValue::Scores(read_layers(
                &bytes,
                network,
                "input scores",
                true,
            )?)),
            None,
        ),
        Output::Weights => {
            let layers = read_layers(&bytes, network, "input weights", false)?;
            let narrow = |l: Vec<f64>| l.into_iter().map(|x| x as f32).collect();
            (
                Some(OutputValue::Weights(
                    layers.into_iter().map(narrow).collect(),
                )),
                None,
            )
        }
        output => {
            let data = Images::from_safetensors(&bytes).map_err(|e| invalid(&e))?;
            let value = match output {
                Output::Images => OutputValue::Images {
                    pixels: data.pixels.clone(),
                    shape: shape(&data),
                },
                Output::Labels => OutputValue::Labels(data.labels.clone()),
                _ => OutputValue::Subset(vec![true; data.rows()]),
            };
            (Some(value), Some(data))
        }
    })
}

pub(crate) fn missing_input(item: &PluginItem) -> Failure {
    failure(
        "invalid",
        format!("item `{}` is a check, and the job has no input", item.id),
    )
}

pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|e| failure("invalid", format!("`{}`: {e}", path.display())))
}

/// The file's name and bytes that a store may keep.
pub(crate) fn to_file(
    value: &OutputValue,
    job: &PluginJob,
    network: &Network,
    data: Option<Images>,
) -> Result<(&'static str, Vec<u8>), Failure> {
    let with_data = |change: &dyn Fn(&mut Images)| {
        let mut data = data.clone().ok_or_else(|| missing_input(&job.item))?;
        change(&mut data);
        data.to_safetensors()
            .map_err(|e| failure("invalid", e.to_string()))
    };
    Ok(match value {
        OutputValue::Scores(layers) => {
            let named = network
                .layers
                .iter()
                .map(|l| l.name.clone())
                .zip(layers.iter().cloned());
            (
                "scores.safetensors",
                Scores {
                    layers: named.collect(),
                }
                .to_safetensors(network)?,
            )
        }
        OutputValue::Masks(mask) => ("mask", mask.to_bytes()),
        OutputValue::Counts(counts) => {
            let pairs: Vec<_> = network
                .layers
                .iter()
                .zip(counts)
                .map(|(l, n)| (l.name.as_str(), n))
                .collect();
            let bytes = jackpot_store::canonical::to_bytes(&serde_json::json!(pairs))
                .map_err(|e| failure("error", e.to_string()))?;
            ("counts.json", bytes)
        }
        OutputValue::Weights(layers) => {
            ("weights.safetensors", replace_layers(job, network, layers)?)
        }
        OutputValue::Images { pixels, .. } => (
            "data.safetensors",
            with_data(&|d| d.pixels.clone_from(pixels))?,
        ),
        OutputValue::Labels(labels) => (
            "data.safetensors",
            with_data(&|d| d.labels.clone_from(labels))?,
        ),
        OutputValue::Subset(kept) => ("data.safetensors", with_data(&|d| keep_rows(d, kept))?),
    })
}

fn keep_rows(data: &mut Images, kept: &[bool]) {
    let row = (data.channels * data.height * data.width) as usize;
    let rows = |i: &usize| kept[*i];
    let stay: Vec<usize> = (0..kept.len()).filter(rows).collect();
    data.pixels = stay
        .iter()
        .flat_map(|i| data.pixels[i * row..(i + 1) * row].to_vec())
        .collect();
    data.labels = stay.iter().map(|i| data.labels[*i]).collect();
}

/// The input state_dict with new prunable layers; everything else stays.
fn replace_layers(
    job: &PluginJob,
    network: &Network,
    layers: &[Vec<f32>],
) -> Result<Vec<u8>, Failure> {
    let bytes = read_file(
        job.input
            .as_deref()
            .ok_or_else(|| missing_input(&job.item))?,
    )?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| {
        failure(
            "invalid",
            format!("input weights: {}", jackpot_net::not_tensors(&bytes, &e)),
        )
    })?;
    let mut tensors = Vec::new();
    for (name, tensor) in file.iter() {
        let layer = network.layers.iter().position(|l| l.name == name);
        let (dtype, data) = match layer {
            Some(i) => {
                let bytes = layers[i].iter().flat_map(|x| x.to_le_bytes()).collect();
                (safetensors::Dtype::F32, bytes)
            }
            None => (tensor.dtype(), tensor.data().to_vec()),
        };
        tensors.push((name.to_string(), dtype, tensor.shape().to_vec(), data));
    }
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(write_tensors(tensors)?)
}

/// Doubles from their little-endian bytes.
fn doubles(data: &[u8]) -> Vec<f64> {
    data.as_chunks::<8>()
        .0
        .iter()
        .map(|b| f64::from_le_bytes(*b))
        .collect()
}
