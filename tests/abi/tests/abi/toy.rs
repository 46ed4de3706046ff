//! A host small enough to be obviously right: it lends vectors, counts nothing, limits
//! nothing, and its gradient is a formula.
use jackpot_abi::*;
use jackpot_rng::Key;
use std::ffi::{CStr, c_char, c_void};
use std::ptr::{null, null_mut};

/// Elements of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    F32(Vec<f32>),
    F64(Vec<f64>),
    U8(Vec<u8>),
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Values::F32(v) => v.len(),
            Values::F64(v) => v.len(),
            Values::U8(v) => v.len(),
        }
    }
    fn address(&mut self) -> *mut c_void {
        match self {
            Values::F32(v) => v.as_mut_ptr().cast(),
            Values::F64(v) => v.as_mut_ptr().cast(),
            Values::U8(v) => v.as_mut_ptr().cast(),
        }
    }
    fn dtype(&self) -> jkp_dl_dtype {
        match self {
            Values::F32(_) => DL_F32,
            Values::F64(_) => DL_F64,
            Values::U8(_) => DL_U8,
        }
    }
    /// The exact bytes, so that -0 and 0, or two NaN, are told apart.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Values::F32(v) => v.iter().flat_map(|x| x.to_bits().to_le_bytes()).collect(),
            Values::F64(v) => v.iter().flat_map(|x| x.to_bits().to_le_bytes()).collect(),
            Values::U8(v) => v.clone(),
        }
    }
}

/// Tensors as a plugin sees them, and the memory behind them.
struct Lent {
    values: Vec<Values>,
    _shapes: Vec<[i64; 1]>,
    _tensors: Vec<jkp_tensor>,
    list: Vec<*const jkp_tensor>,
}

const STRIDE: [i64; 1] = [1];

fn lend(mut values: Vec<Values>, given: bool) -> Lent {
    let mut shapes: Vec<[i64; 1]> = values.iter().map(|v| [v.len() as i64]).collect();
    let tensors = values.iter_mut().zip(&mut shapes).enumerate();
    let tensors: Vec<jkp_tensor> = tensors
        .map(|(depth, (values, shape))| jkp_tensor {
            struct_size: size_of::<jkp_tensor>() as u64,
            name: c"layer.weight".as_ptr(),
            role: JKP_LINEAR,
            flags: if depth == 0 { JKP_FIRST } else { 0 },
            dl: jkp_dl {
                data: if given { values.address() } else { null_mut() },
                device: jkp_dl_device {
                    device_type: 1,
                    device_id: 0,
                },
                ndim: 1,
                dtype: values.dtype(),
                shape: shape.as_mut_ptr(),
                strides: STRIDE.as_ptr().cast_mut(),
                byte_offset: 0,
            },
            n_elem: values.len() as u64,
            n_uses: 1,
            depth: depth as u32,
            block: 0,
            stride: 1,
            groups: 1,
        })
        .collect();
    let list = tensors.iter().map(|t| t as *const _).collect();
    Lent {
        values,
        _shapes: shapes,
        _tensors: tensors,
        list,
    }
}

/// What the toy run is a function of.
#[derive(Clone, Debug)]
pub struct Toy {
    pub weights: Vec<Vec<f32>>,
    pub masks: Vec<Vec<u8>>,
    pub key: Key,
    /// Whole numbers and flags that differ from the defaults.
    pub config: Vec<(&'static str, i64)>,
    /// Whether a poll answers "cancelled".
    pub cancel: bool,
}

/// What the host's functions find behind `host_ctx`.
struct Context {
    needs: u32,
    weights: Vec<Vec<f32>>,
    spec: Option<jkp_batch_spec>,
    cancel: bool,
    scratch: Vec<Vec<u64>>,
    zeros: Vec<Lent>,
}

impl Toy {
    /// Calls the item. Ok: the outputs. Err: status and message.
    pub fn run(&self, item: &jkp_item) -> Result<Vec<Values>, (jkp_status, String)> {
        let dense = |n: &Vec<f32>| Values::U8(vec![1; n.len()]);
        let params = self.weights.iter().cloned().map(Values::F32).collect();
        let params = lend(params, item.needs & JKP_NEEDS_WEIGHTS != 0);
        let masks = lend(self.weights.iter().map(dense).collect(), true);
        let input = lend(self.masks.iter().cloned().map(Values::U8).collect(), true);
        let mut out = lend(
            self.weights
                .iter()
                .map(|w| poison(item.output, w.len()))
                .collect(),
            true,
        );
        let mut context = Context {
            needs: item.needs,
            weights: self.weights.clone(),
            spec: None,
            cancel: self.cancel,
            scratch: Vec::new(),
            zeros: Vec::new(),
        };
        let config = self.values(item);
        let run = jkp_run {
            struct_size: size_of::<jkp_run>() as u64,
            host: &*HOST,
            host_ctx: (&raw mut context).cast(),
            params: params.list.as_ptr(),
            masks: masks.list.as_ptr(),
            r#in: if item.kind == JKP_CHECK {
                input.list.as_ptr()
            } else {
                null()
            },
            out: out.list.as_ptr(),
            n: self.weights.len() as u64,
            n_out: self.weights.len() as u64,
            config: config.as_ptr(),
            n_config: config.len() as u64,
            keep: 0.1,
            round: 0,
            rounds: 1,
            first_row: 0,
            key: jkp_key { w: self.key.0 },
            task: &*TASK,
            donor: null(),
            r#ref: null(),
            keep_count: 4,
        };
        let mut error = jkp_error::new();
        // SAFETY: everything lives until the call returns, in the shape of jackpot.h.
        let status = unsafe { item.run.unwrap()(&run, &mut error) };
        match status {
            JKP_OK => Ok(std::mem::take(&mut out.values)),
            status => Err((status, error.text())),
        }
    }

    fn values(&self, item: &jkp_item) -> Vec<jkp_value> {
        (0..item.n_params as usize)
            .map(|i| {
                // SAFETY: a table's own count of its own parameters.
                let mut value = unsafe { (**item.params.add(i)).def };
                // SAFETY: a table's names end in NUL.
                let name = unsafe { CStr::from_ptr(value.name) }.to_str().unwrap();
                if let Some((_, given)) = self.config.iter().find(|(n, _)| *n == name) {
                    value.i = *given;
                }
                value
            })
            .rev()
            .collect()
    }
}

/// An output that nobody has written yet.
fn poison(output: u32, n: usize) -> Values {
    match output {
        JKP_SCORES => Values::F64(vec![f64::NAN; n]),
        JKP_MASKS => Values::U8(vec![0xaa; n]),
        other => panic!("the toy host has no output {other}"),
    }
}

struct Shared<T>(T);
// SAFETY: constants that nobody writes.
unsafe impl<T> Sync for Shared<T> {}
impl<T> std::ops::Deref for Shared<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

static TASK: Shared<jkp_task> = Shared(jkp_task {
    struct_size: size_of::<jkp_task>() as u64,
    network: c"toy".as_ptr(),
    depth: 2,
    classes: 10,
    channels: 1,
    height: 14,
    width: 14,
    reserved: 0,
    rows: 6000,
});
static HOST: Shared<jkp_host> = Shared(jkp_host {
    struct_size: size_of::<jkp_host>() as u64,
    abi_major: JKP_ABI_MAJOR,
    abi_minor: JKP_ABI_MINOR,
    name: c"toy".as_ptr(),
    version: c"1".as_ptr(),
    service: Some(service),
    log: Some(log),
    poll: Some(poll),
    scratch: Some(scratch),
    tensors: Some(tensors),
});
static RNG: jkp_rng_1 = jkp_rng_1 {
    struct_size: size_of::<jkp_rng_1>() as u64,
    fold: Some(fold),
    bits: Some(bits),
    uniform: Some(uniform),
    permutation: Some(permutation),
    normal: Some(normal),
};
static AUTODIFF: jkp_autodiff_1 = jkp_autodiff_1 {
    struct_size: size_of::<jkp_autodiff_1>() as u64,
    batches: Some(batches),
    loss: None,
    grad: Some(grad),
    hvp: None,
};

/// The context of a run.
///
/// # Safety
/// `run` was made by [`Toy::run`], which has not returned.
unsafe fn context<'a>(run: *const jkp_run) -> &'a mut Context {
    // SAFETY: the caller's promise; plugins call back one at a time.
    unsafe { &mut *(*run).host_ctx.cast() }
}

unsafe extern "C" fn service(run: *const jkp_run, id: *const c_char) -> *const c_void {
    // SAFETY: called by a plugin with its own run and a text.
    let (needs, id) = unsafe { (context(run).needs, CStr::from_ptr(id)) };
    if id == RNG_1 && needs & JKP_NEEDS_RNG != 0 {
        (&raw const RNG).cast()
    } else if id == AUTODIFF_1 && needs & JKP_NEEDS_GRAD != 0 {
        (&raw const AUTODIFF).cast()
    } else {
        null()
    }
}
unsafe extern "C" fn log(_: *const jkp_run, _: i32, _: *const c_char) {}
unsafe extern "C" fn poll(run: *const jkp_run, _: f64, _: *const c_char) -> jkp_status {
    // SAFETY: called by a plugin with its own run.
    if unsafe { context(run) }.cancel {
        JKP_E_CANCELLED
    } else {
        JKP_OK
    }
}
unsafe extern "C" fn scratch(run: *const jkp_run, bytes: u64, _: u64) -> *mut c_void {
    // SAFETY: called by a plugin with its own run.
    let all = &mut unsafe { context(run) }.scratch;
    all.push(vec![0; bytes as usize / 8 + 1]);
    all.last_mut().unwrap().as_mut_ptr().cast()
}
unsafe extern "C" fn tensors(run: *const jkp_run, bits: u32) -> *const *const jkp_tensor {
    assert_eq!(bits, 64, "the toy host has no other tensors");
    // SAFETY: called by a plugin with its own run.
    let context = unsafe { context(run) };
    let zeros = context
        .weights
        .iter()
        .map(|w| Values::F64(vec![0.0; w.len()]));
    context.zeros.push(lend(zeros.collect(), true));
    context.zeros.last().unwrap().list.as_ptr()
}

unsafe extern "C" fn fold(key: *const jkp_key, data: u64, out: *mut jkp_key) {
    // SAFETY: two keys, by the contract.
    unsafe { (*out).w = Key((*key).w).fold(data).0 };
}
unsafe extern "C" fn bits(key: *const jkp_key, out: *mut u64, n: u64) {
    // SAFETY: a key and n elements, by the contract.
    unsafe {
        jackpot_rng::bits(
            Key((*key).w),
            std::slice::from_raw_parts_mut(out, n as usize),
        )
    }
}
unsafe extern "C" fn uniform(key: *const jkp_key, out: *mut f64, n: u64) {
    // SAFETY: a key and n elements, by the contract.
    unsafe {
        jackpot_rng::uniform(
            Key((*key).w),
            std::slice::from_raw_parts_mut(out, n as usize),
        )
    }
}
unsafe extern "C" fn permutation(key: *const jkp_key, out: *mut u64, n: u64) {
    // SAFETY: a key and n elements, by the contract.
    let out = unsafe { std::slice::from_raw_parts_mut(out, n as usize) };
    // SAFETY: as above.
    out.copy_from_slice(&jackpot_rng::permutation(
        unsafe { Key((*key).w) },
        n as usize,
    ));
}
unsafe extern "C" fn normal(key: *const jkp_key, out: *mut f32, n: u64) {
    // SAFETY: a key and n elements, by the contract.
    unsafe {
        jackpot_rng::normal(
            Key((*key).w),
            std::slice::from_raw_parts_mut(out, n as usize),
        )
    }
}

/// The classes of the toy data have 100 images each.
unsafe extern "C" fn batches(
    run: *const jkp_run,
    spec: *const jkp_batch_spec,
    handle: *mut u64,
    error: *mut jkp_error,
) -> jkp_status {
    // SAFETY: a run, a spec and two places to write, by the contract.
    let (context, spec, handle, error) =
        unsafe { (context(run), *spec, &mut *handle, &mut *error) };
    if spec.per_class > 100 {
        error.set(JKP_E_INVALID, "class 0 has 100 images");
        return JKP_E_INVALID;
    }
    context.spec = Some(spec);
    *handle = 7;
    JKP_OK
}

/// The toy gradient: a formula of everything that a method may ask for.
pub fn gradient(weight: f32, layer: usize, spec: &jkp_batch_spec, temperature: f64) -> f64 {
    let images = match spec.per_class {
        0 => spec.batch_size,
        n => 10 * n,
    };
    let asked = spec.n_batches * 1000 + images + u64::from(2 * spec.augment + spec.shuffle);
    (f64::from(weight) * 0.37 + layer as f64 - 0.011 * asked as f64) / temperature
        + (spec.key.w[0] >> 40) as f64 / 3.0
}

unsafe extern "C" fn grad(
    run: *const jkp_run,
    objective: *const jkp_objective,
    handle: u64,
    point: *const *const jkp_tensor,
    out: *const *const jkp_tensor,
    error: *mut jkp_error,
) -> jkp_status {
    // SAFETY: a run, an objective and an error, by the contract.
    let (context, objective, error) = unsafe { (context(run), &*objective, &mut *error) };
    let Some(spec) = context.spec.filter(|_| handle == 7 && point.is_null()) else {
        error.set(JKP_E_INVALID, "no such batch");
        return JKP_E_INVALID;
    };
    if (objective.loss, objective.input, objective.train_mode)
        != (JKP_LOSS_CROSS_ENTROPY, JKP_INPUT_DATA, 1)
    {
        error.set(JKP_E_UNSUPPORTED, "the toy has one objective");
        return JKP_E_UNSUPPORTED;
    }
    for (layer, weights) in context.weights.iter().enumerate() {
        // SAFETY: n f64 tensors like the weights, which is what this toy lends.
        let out = unsafe {
            let tensor = &**out.add(layer);
            assert_eq!(tensor.dl.dtype, DL_F64);
            std::slice::from_raw_parts_mut(tensor.dl.data.cast::<f64>(), weights.len())
        };
        for (out, &weight) in out.iter_mut().zip(weights) {
            *out = gradient(weight, layer, &spec, objective.temperature);
        }
    }
    JKP_OK
}
