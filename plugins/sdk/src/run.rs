//! One call: everything that an item's result may depend on.
use crate::tensor::text;
use crate::{Autodiff, Error, Key, Result, Rng, Tensors, Vectors};
use jackpot_abi::*;
use std::ffi::{CString, c_void};

/// Everything that one call of an item is a function of.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    raw: &'a jkp_run,
}

/// The problem in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task<'a> {
    /// The network's family, for example `resnet`.
    pub network: &'a str,
    /// The network's nominal depth.
    pub depth: u32,
    /// Classes of the data set.
    pub classes: u32,
    /// Channels of an image.
    pub channels: u32,
    /// Rows of pixels of an image.
    pub height: u32,
    /// Pixels of a row.
    pub width: u32,
    /// Images in the training set.
    pub rows: u64,
}

/// How loud a line of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Level {
    /// For whoever debugs the plugin.
    Debug = JKP_LOG_DEBUG,
    /// Worth a line in the record.
    Info = JKP_LOG_INFO,
    /// A person should look.
    Warning = JKP_LOG_WARNING,
}

impl<'a> Run<'a> {
    pub(crate) fn new(raw: &'a jkp_run) -> Run<'a> {
        Run { raw }
    }

    pub(crate) fn raw(&self) -> &'a jkp_run {
        self.raw
    }

    fn host(&self) -> &'a jkp_host {
        // SAFETY: the host's promise: never NULL, valid for the call.
        unsafe { &*self.raw.host }
    }

    /// The prunable weights in forward order. Their values need `needs::WEIGHTS`; names,
    /// shapes and facts are always there.
    pub fn params(&self) -> Tensors<'a> {
        // SAFETY: the host's promise: n read-only tensors for the call.
        unsafe { Tensors::new(self.raw.params, self.raw.n) }
            .expect("the host always gives the parameters")
    }

    /// The masks so far (u8: 1 kept, 0 pruned), one per parameter.
    pub fn masks(&self) -> Tensors<'a> {
        // SAFETY: as for `params`.
        unsafe { Tensors::new(self.raw.masks, self.raw.n) }
            .expect("the host always gives the masks")
    }

    /// What a check changes, or the scores of `needs::SCORES`.
    pub fn input(&self) -> Result<Tensors<'a>> {
        // SAFETY: the host's promise: NULL or n_out read-only tensors for the call.
        unsafe { Tensors::new(self.raw.r#in, self.raw.n_out) }.ok_or_else(|| {
            Error::unsupported(
                "this item has no input: make it a check, or declare `needs::SCORES`",
            )
        })
    }

    /// Another ticket's mask, one per parameter.
    pub fn donor(&self) -> Result<Tensors<'a>> {
        // SAFETY: the host's promise: NULL or n read-only tensors for the call.
        unsafe { Tensors::new(self.raw.donor, self.raw.n) }
            .ok_or_else(|| Error::unsupported("no donor mask: declare `needs::DONOR`"))
    }

    /// The initial weights, one per parameter.
    pub fn reference(&self) -> Result<Tensors<'a>> {
        // SAFETY: as for `donor`.
        unsafe { Tensors::new(self.raw.r#ref, self.raw.n) }
            .ok_or_else(|| Error::unsupported("no initial weights: declare `needs::REF`"))
    }

    /// n zeroed f64 vectors like the parameters, from the scratch budget.
    pub fn zeros(&self) -> Result<Vectors<'a>> {
        let tensors = self.host().tensors.ok_or_else(|| missing("tensors"))?;
        // SAFETY: called on the run's thread with the run's own pointer.
        let raw = unsafe { tensors(self.raw, 64) };
        if raw.is_null() && self.raw.n > 0 {
            return Err(Error::no_memory("one f64 for each weight"));
        }
        // SAFETY: fresh memory that the host gives to this caller alone until the run ends.
        unsafe { Vectors::new(raw, self.raw.n) }
    }

    /// Density to reach after this round: the kept share of all prunable weights.
    pub fn keep(&self) -> f64 {
        self.raw.keep
    }

    /// The same in weights, rounded half to even from the sparsity's decimal text: an
    /// allocation that takes this instead of rounding [`Run::keep`] is exact.
    pub fn keep_count(&self) -> u64 {
        self.raw.keep_count
    }

    /// This round, from 0.
    pub fn round(&self) -> u32 {
        self.raw.round
    }

    /// Rounds in all.
    pub fn rounds(&self) -> u32 {
        self.raw.rounds
    }

    /// The global index of row 0 of this block of images.
    pub fn first_row(&self) -> u64 {
        self.raw.first_row
    }

    /// The key of everything random in this run; the host has folded the round in.
    pub fn key(&self) -> Key {
        Key(self.raw.key.w)
    }

    /// The problem in numbers.
    pub fn task(&self) -> Task<'a> {
        // SAFETY: the host's promise: never NULL, valid for the call.
        let task = unsafe { &*self.raw.task };
        Task {
            // SAFETY: the host's promise: NUL-terminated UTF-8 for the call.
            network: unsafe { text(task.network) },
            depth: task.depth,
            classes: task.classes,
            channels: task.channels,
            height: task.height,
            width: task.width,
            rows: task.rows,
        }
    }

    /// A declared [`Param::int`](crate::Param::int).
    pub fn int(&self, name: &str) -> Result<i64> {
        self.config(name, JKP_I64).map(|value| value.i)
    }

    /// A declared [`Param::int`](crate::Param::int) that counts something.
    pub fn count(&self, name: &str) -> Result<u64> {
        let value = self.int(name)?;
        u64::try_from(value).map_err(|_| {
            Error::invalid(format!(
                "parameter `{name}`: expected 0 or more, found {value}"
            ))
        })
    }

    /// A declared [`Param::float`](crate::Param::float).
    pub fn float(&self, name: &str) -> Result<f64> {
        self.config(name, JKP_F64).map(|value| value.f)
    }

    /// A declared [`Param::flag`](crate::Param::flag).
    pub fn flag(&self, name: &str) -> Result<bool> {
        self.config(name, JKP_BOOL).map(|value| value.i != 0)
    }

    /// A declared [`Param::text`](crate::Param::text).
    pub fn text(&self, name: &str) -> Result<&'a str> {
        // SAFETY: the host's promise: NUL-terminated UTF-8 for the call.
        self.config(name, JKP_STR)
            .map(|value| unsafe { text(value.s) })
    }

    fn config(&self, name: &str, r#type: u32) -> Result<&'a jkp_value> {
        let values = match self.raw.n_config as usize {
            0 => &[],
            // SAFETY: the host's promise: n_config values for the call.
            n => unsafe { std::slice::from_raw_parts(self.raw.config, n) },
        };
        let named = values.iter().find(|value| {
            // SAFETY: the host's promise: NUL-terminated UTF-8 for the call.
            let found = unsafe { text(value.name) };
            found == name
        });
        match named {
            Some(value) if value.r#type == r#type => Ok(value),
            Some(value) => Err(Error::internal(format!(
                "parameter `{name}` was read as type {type}, but is of type {}",
                value.r#type
            ))),
            None => Err(Error::internal(format!(
                "parameter `{name}` was read, but is not among the item's `params`"
            ))),
        }
    }

    /// Random numbers; needs `needs::RNG`.
    pub fn rng(&self) -> Result<Rng<'a>> {
        let table = self.service(RNG_1).cast::<jkp_rng_1>();
        // SAFETY: the id names the table's type, and it is valid until the run ends.
        let table = unsafe { table.as_ref() };
        table
            .map(Rng::new)
            .ok_or_else(|| Error::unsupported("no random numbers: declare `needs::RNG`"))
    }

    /// Losses, gradients and Hessian-vector products; needs `needs::GRAD` or `HVP`, and
    /// `INPUTS` and `LABELS` for batches.
    pub fn autodiff(&self) -> Result<Autodiff<'a>> {
        let table = self.service(AUTODIFF_1).cast::<jkp_autodiff_1>();
        // SAFETY: the id names the table's type, and it is valid until the run ends.
        let table = unsafe { table.as_ref() };
        table
            .map(|table| Autodiff::new(*self, table))
            .ok_or_else(|| Error::unsupported("no gradients: declare `needs::GRAD` (and `HVP`)"))
    }

    fn service(&self, id: &std::ffi::CStr) -> *const c_void {
        match self.host().service {
            // SAFETY: called on the run's thread with the run's own pointer.
            Some(service) => unsafe { service(self.raw, id.as_ptr()) },
            None => std::ptr::null(),
        }
    }

    /// One line for the record; never part of a result.
    pub fn log(&self, level: Level, message: &str) {
        let message = message.split('\0').next().unwrap_or_default();
        if let (Some(log), Ok(message)) = (self.host().log, CString::new(message)) {
            // SAFETY: the run's own pointer, and a text that the host copies.
            unsafe { log(self.raw, level as i32, message.as_ptr()) }
        }
    }

    /// Says how far this run is (0 to 1); an error if the host wants it to stop. Call it
    /// in loops that may take a second or more.
    pub fn poll(&self, done: f64) -> Result {
        match self.host().poll {
            // SAFETY: the run's own pointer; a note may be NULL.
            Some(poll) if unsafe { poll(self.raw, done, std::ptr::null()) } != JKP_OK => {
                Err(Error::cancelled())
            }
            _ => Ok(()),
        }
    }
}

pub(crate) fn missing(function: &str) -> Error {
    Error::unsupported(format!("the host has no `{function}`"))
}
