//! A job's inputs in the shape that a plugin sees: layers, weights, masks, task, config.
use super::memory::Guarded;
use jackpot_abi as abi;
use jackpot_net::{Layer, LayerRole, Network};
use jackpot_protocol::{ConfigValue, DataAccess, Failure, Output, PluginJob};
use jackpot_prune::{LayerMask, Mask};
use jackpot_rng::Key;
use std::cell::RefCell;
use std::ffi::{CString, c_char, c_void};
use std::path::Path;
use std::ptr::null;

/// Pointers to tensors that stay until the process ends.
pub(super) type Tensors = &'static [*const abi::jkp_tensor];

/// Everything of a run that is the same in every call.
pub(super) struct RunInputs {
    pub(super) network: Network,
    pub(super) params: Tensors,
    /// What is kept so far, and the pages that it lies in.
    pub(super) masks: Tensors,
    mask_pages: RefCell<Vec<Guarded>>,
    /// The mask that the job began with.
    pub(super) so_far: Mask,
    pub(super) donor: Option<Tensors>,
    pub(super) reference: Option<Tensors>,
    pub(super) config: &'static [abi::jkp_value],
    pub(super) task: &'static abi::jkp_task,
    pub(super) key: abi::jkp_key,
    pub(super) keep_count: u64,
    /// What a check changes, or the scores that an allocation reads.
    pub(super) input: Input,
}

/// The job's input file, read.
pub(super) enum Input {
    None,
    /// One tensor for each layer.
    Layers(Tensors),
    Images(jackpot_data::Images),
}

impl RunInputs {
    /// Reads every file that the item declared, into read-only pages. Leaked: see the module.
    pub(super) fn read(job: &PluginJob) -> Result<&'static RunInputs, Failure> {
        let invalid = |message: String| Failure::new("invalid", message);
        let network = job.network()?;
        let item = &job.item;
        let offered = job.access == DataAccess::Everything && job.weights.is_some();
        let reads_weights = offered || item.needs & abi::JKP_NEEDS_WEIGHTS != 0;
        let params = match (reads_weights, &job.weights) {
            (true, Some(path)) => weights(&network, path, "weights")?,
            (true, None) => return Err(missing(item, "weights")),
            (false, _) => layer_tensors(
                &network,
                abi::DL_F32,
                &vec![std::ptr::null_mut(); network.layers.len()],
                false,
            ),
        };
        let dense = || Ok(Mask::dense(&network));
        let so_far = job
            .mask
            .as_deref()
            .map_or_else(dense, |p| read_mask(p, &network, "mask"))?;
        let donor = match (item.needs_donor(), &job.donor) {
            (true, Some(path)) => {
                let donor = read_mask(path, &network, "donor mask")?;
                Some(leaked(&network, abi::DL_U8, pages(&donor, "donor mask")?))
            }
            (true, None) => return Err(missing(item, "a donor mask")),
            (false, _) => None,
        };
        let reference = match (item.needs_reference(), &job.reference) {
            (true, Some(path)) => Some(weights(&network, path, "reference")?),
            (true, None) => return Err(missing(item, "reference weights")),
            (false, _) => None,
        };
        let key = Key::from_hex(&job.key)
            .ok_or_else(|| invalid(format!("key `{}`: expected 32 hexadecimal digits", job.key)))?;
        let mut mask_pages = pages(&so_far, "mask")?;
        let data: Vec<*mut c_void> = mask_pages.iter_mut().map(|p| p.pointer().cast()).collect();
        let problem = RunInputs {
            params,
            masks: layer_tensors(&network, abi::DL_U8, &data, false),
            mask_pages: RefCell::new(mask_pages),
            so_far,
            donor,
            reference,
            config: config(job)?,
            task: task(job),
            key: abi::jkp_key { w: key.0 },
            keep_count: jackpot_prune::kept_at_density(job.keep, network.prunable_weights())
                .map_err(invalid)?,
            input: input(job, &network)?,
            network,
        };
        Ok(Box::leak(Box::new(problem)))
    }

    /// Another mask so far, in the pages of the one before: `masks` shows it.
    pub(super) fn set_mask(&self, mask: &Mask) -> Result<(), Failure> {
        let mut pages = self.mask_pages.borrow_mut();
        let mut both = pages.iter_mut().zip(&mask.layers);
        both.try_for_each(|(page, layer)| page.rewrite(&bytes(layer)))
    }
}

fn missing(item: &jackpot_protocol::PluginItem, what: &str) -> Failure {
    Failure::new(
        "invalid",
        format!("item `{}` needs {what}, and the job has none", item.id),
    )
}

fn read(path: &Path, what: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(path)
        .map_err(|e| Failure::new("invalid", format!("{what} `{}`: {e}", path.display())))
}

fn read_mask(path: &Path, network: &Network, what: &str) -> Result<Mask, Failure> {
    let invalid = |e: jackpot_prune::Error| Failure::new("invalid", format!("{what}: {e}"));
    let mask = Mask::from_bytes(&read(path, what)?).map_err(invalid)?;
    mask.check(network).map_err(invalid)?;
    Ok(mask)
}

/// A state_dict's prunable layers as f32.
fn weights(network: &Network, path: &Path, what: &str) -> Result<Tensors, Failure> {
    let layers = jackpot_prune::read_layers(&read(path, what)?, network, what, false)?;
    let bytes = |v: &Vec<f64>| v.iter().flat_map(|x| (*x as f32).to_le_bytes()).collect();
    filled(network, abi::DL_F32, layers.iter().map(bytes), what)
}

/// A mask as the plugin sees it: one byte for each weight.
fn bytes(layer: &LayerMask) -> Vec<u8> {
    layer.kept.iter().map(|&k| u8::from(k)).collect()
}

/// A mask in read-only pages, one buffer for each layer.
fn pages(mask: &Mask, what: &str) -> Result<Vec<Guarded>, Failure> {
    let one =
        |layer: &LayerMask| Guarded::read_only(&bytes(layer), format!("{what} `{}`", layer.name));
    mask.layers.iter().map(one).collect()
}

fn input(job: &PluginJob, network: &Network) -> Result<Input, Failure> {
    let reads_scores = job.item.needs_scores();
    let is_check = job.item.kind == jackpot_protocol::Kind::Check;
    if !is_check && !reads_scores {
        return Ok(Input::None);
    }
    let path = job
        .input
        .as_deref()
        .ok_or_else(|| missing(&job.item, "an input"))?;
    let output = if is_check {
        job.item.output
    } else {
        Output::Scores
    };
    Ok(match output {
        Output::Masks => {
            let mask = read_mask(path, network, "input mask")?;
            Input::Layers(leaked(network, abi::DL_U8, pages(&mask, "input mask")?))
        }
        Output::Weights => Input::Layers(weights(network, path, "input weights")?),
        Output::Scores | Output::Counts => {
            let layers = jackpot_prune::read_layers(
                &read(path, "input scores")?,
                network,
                "input scores",
                true,
            )?;
            let bytes = |v: &Vec<f64>| v.iter().flat_map(|x| x.to_le_bytes()).collect();
            Input::Layers(filled(
                network,
                abi::DL_F64,
                layers.iter().map(bytes),
                "input scores",
            )?)
        }
        Output::Images | Output::Labels | Output::Subset => {
            let images = jackpot_data::Images::from_safetensors(&read(path, "input data")?)
                .map_err(|e| Failure::new("invalid", format!("input data: {e}")))?;
            Input::Images(images)
        }
    })
}

fn filled(
    network: &Network,
    dtype: abi::jkp_dl_dtype,
    layers: impl Iterator<Item = Vec<u8>>,
    what: &str,
) -> Result<Tensors, Failure> {
    let one = |(layer, bytes): (&Layer, Vec<u8>)| {
        Guarded::read_only(&bytes, format!("{what} `{}`", layer.name))
    };
    let pages: Result<Vec<_>, _> = network.layers.iter().zip(layers).map(one).collect();
    Ok(leaked(network, dtype, pages?))
}

/// Tensors over pages that stay until the process ends.
fn leaked(network: &Network, dtype: abi::jkp_dl_dtype, pages: Vec<Guarded>) -> Tensors {
    let data: Vec<_> = pages.into_iter().map(|p| p.leak().cast()).collect();
    layer_tensors(network, dtype, &data, false)
}

/// One tensor for each layer over the given memory, with the layer's facts. They are leaked.
pub(super) fn layer_tensors(
    network: &Network,
    dtype: abi::jkp_dl_dtype,
    data: &[*mut c_void],
    writable: bool,
) -> Tensors {
    let one = |(layer, &data): (&Layer, &*mut c_void)| -> *const abi::jkp_tensor {
        let role = match layer.role {
            LayerRole::Conv => abi::JKP_CONV,
            LayerRole::Linear => abi::JKP_LINEAR,
        };
        let flag = |on: bool, bit: u32| if on { bit } else { 0 };
        let flags = flag(writable, abi::JKP_WRITABLE)
            | flag(layer.first, abi::JKP_FIRST)
            | flag(layer.classifier, abi::JKP_CLASSIFIER)
            | flag(layer.shortcut, abi::JKP_SHORTCUT)
            | flag(layer.depthwise, abi::JKP_DEPTHWISE);
        let mut tensor = tensor(&layer.name, role, flags, dtype, &layer.shape, data);
        tensor.n_uses = layer.uses;
        // The contract counts places from 0, a description of a network from 1.
        tensor.depth = layer.depth - 1;
        tensor.block = layer.block;
        tensor.stride = layer.stride;
        tensor.groups = layer.groups;
        Box::leak(Box::new(tensor))
    };
    Box::leak(network.layers.iter().zip(data).map(one).collect())
}

/// A tensor over the given memory; name, shape and strides are leaked.
pub(super) fn tensor(
    name: &str,
    role: u32,
    flags: u32,
    dtype: abi::jkp_dl_dtype,
    shape: &[usize],
    data: *mut c_void,
) -> abi::jkp_tensor {
    let mut step = 1i64;
    let mut strides: Vec<i64> = shape
        .iter()
        .rev()
        .map(|&length| {
            let stride = step;
            step *= length as i64;
            stride
        })
        .collect();
    strides.reverse();
    let shape: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
    abi::jkp_tensor {
        struct_size: size_of::<abi::jkp_tensor>() as u64,
        name: text(name),
        role,
        flags,
        n_elem: step as u64,
        dl: abi::jkp_dl {
            data,
            device: abi::jkp_dl_device {
                device_type: 1,
                device_id: 0,
            },
            ndim: shape.len() as i32,
            dtype,
            shape: Vec::leak(shape).as_mut_ptr(),
            strides: Vec::leak(strides).as_mut_ptr(),
            byte_offset: 0,
        },
        n_uses: 1,
        depth: 0,
        block: 0,
        stride: 1,
        groups: 1,
    }
}

/// A C text, leaked; a NUL inside ends it.
fn text(text: &str) -> *const c_char {
    let bytes = text.split('\0').next().unwrap_or_default();
    CString::new(bytes)
        .expect("cut at the first NUL")
        .into_raw()
}

fn task(job: &PluginJob) -> &'static abi::jkp_task {
    let a = &job.architecture;
    let [channels, height, width] = a.input;
    Box::leak(Box::new(abi::jkp_task {
        struct_size: size_of::<abi::jkp_task>() as u64,
        network: text(a.family.name()),
        depth: a.depth,
        classes: a.classes,
        channels,
        height,
        width,
        reserved: 0,
        rows: job.rows,
    }))
}

/// Every declared parameter, in the table's order; none may be missing or unknown.
fn config(job: &PluginJob) -> Result<&'static [abi::jkp_value], Failure> {
    let complete = job.item.configure(&job.config)?;
    if complete.len() != job.config.len() {
        return Err(Failure::new(
            "invalid",
            "config: a parameter is missing: fill in the defaults first",
        ));
    }
    let value = |param: &jackpot_protocol::Param| {
        let empty = abi::jkp_value {
            name: text(&param.name),
            r#type: 0,
            reserved: 0,
            i: 0,
            f: 0.0,
            s: null(),
        };
        match &complete[&param.name] {
            ConfigValue::Bool(v) => abi::jkp_value {
                r#type: abi::JKP_BOOL,
                i: i64::from(*v),
                ..empty
            },
            ConfigValue::Int(v) => abi::jkp_value {
                r#type: abi::JKP_I64,
                i: *v,
                ..empty
            },
            ConfigValue::Float(v) => abi::jkp_value {
                r#type: abi::JKP_F64,
                f: *v,
                ..empty
            },
            ConfigValue::Text(v) => abi::jkp_value {
                r#type: abi::JKP_STR,
                s: text(v),
                ..empty
            },
        }
    };
    Ok(Box::leak(job.item.params.iter().map(value).collect()))
}
