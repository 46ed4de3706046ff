//! What a plugin offers: items, their parameters, and the table that `export!` makes.
use crate::{Out, Result, Run};
use jackpot_abi::*;
use std::ffi::{CStr, c_char};

/// Whether an item proposes or transforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// Proposes scores, masks or counts.
    Method = JKP_METHOD,
    /// Transforms what it is given.
    Check = JKP_CHECK,
}

/// What an item writes; the accessor of [`Out`] has the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Output {
    /// f64, like each parameter; the larger is kept.
    Scores = JKP_SCORES,
    /// u8 0/1, like each parameter.
    Masks = JKP_MASKS,
    /// i64, one number per parameter: weights to keep.
    Counts = JKP_COUNTS,
    /// f32, like each parameter (checks only).
    Weights = JKP_WEIGHTS,
    /// u8 `[rows, C, H, W]`, block by block (checks only).
    Images = JKP_IMAGES,
    /// i64 `[rows]`, all rows in one call (checks only).
    Labels = JKP_LABELS,
    /// u8 0/1 `[rows]`, all rows in one call (checks only).
    Subset = JKP_SUBSET,
}

/// Bits of [`Item::needs`]: what is not declared is not given.
pub mod needs {
    use jackpot_abi::*;
    /// The values of [`Run::params`](crate::Run::params).
    pub const WEIGHTS: u32 = JKP_NEEDS_WEIGHTS;
    /// Images, as batches of [`Run::autodiff`](crate::Run::autodiff).
    pub const INPUTS: u32 = JKP_NEEDS_INPUTS;
    /// Their labels.
    pub const LABELS: u32 = JKP_NEEDS_LABELS;
    /// `loss` and `grad`.
    pub const GRAD: u32 = JKP_NEEDS_GRAD;
    /// `hvp` as well.
    pub const HVP: u32 = JKP_NEEDS_HVP;
    /// [`Run::rng`](crate::Run::rng).
    pub const RNG: u32 = JKP_NEEDS_RNG;
    /// An allocation that reads scores: they are [`Run::input`](crate::Run::input).
    pub const SCORES: u32 = JKP_NEEDS_SCORES;
    /// Another ticket's mask: [`Run::donor`](crate::Run::donor).
    pub const DONOR: u32 = JKP_NEEDS_DONOR;
    /// The initial weights: [`Run::reference`](crate::Run::reference).
    pub const REF: u32 = JKP_NEEDS_REF;
}

/// Bits of [`Item::promises`]: the host verifies each on every output, tensor by tensor.
pub mod promises {
    use jackpot_abi::*;
    /// As many weights are kept in each layer.
    pub const KEEPS_LAYER_COUNTS: u32 = JKP_KEEPS_LAYER_COUNTS;
    /// The values are the same, in other places.
    pub const KEEPS_MULTISET: u32 = JKP_KEEPS_MULTISET;
    /// Something differs from the input, if anything could.
    pub const CHANGES_OUTPUT: u32 = JKP_CHANGES_OUTPUT;
    /// Row i depends on row i and its global index only.
    pub const ROWWISE: u32 = JKP_ROWWISE;
    /// As many weights are kept over all layers.
    pub const KEEPS_TOTAL_COUNT: u32 = JKP_KEEPS_TOTAL_COUNT;
    /// The same values under the mask, layer by layer.
    pub const KEEPS_KEPT_MULTISET: u32 = JKP_KEEPS_KEPT_MULTISET;
    /// Pruned stays pruned from round to round.
    pub const NESTED: u32 = JKP_NESTED;
    /// What a weaker change of the same output leaves as it is differs too: the values of
    /// pixel rows and columns, which rows share a label, layer counts, kept values, the order
    /// of scores.
    pub const CHANGES_STRUCTURE: u32 = JKP_CHANGES_STRUCTURE;
}

/// One method or check. Start from [`Item::method`] or [`Item::check`].
#[derive(Clone, Copy, Debug)]
pub struct Item {
    /// `org.you.name`; plain names are Jackpot's own.
    pub id: &'static CStr,
    /// One sentence, lower case.
    pub summary: &'static CStr,
    /// Bits of [`needs`].
    pub needs: u32,
    /// Bits of [`promises`].
    pub promises: u32,
    /// What a study may set.
    pub params: &'static [&'static Param],
    /// Rounds the method was published with; 0 = one round.
    pub rounds_hint: u32,
    /// Proposes or transforms.
    pub kind: Kind,
    /// What is written.
    pub output: Output,
    /// The work.
    pub run: fn(&Run, &mut Out) -> Result,
}

impl Item {
    /// A method with nothing declared yet.
    pub const fn method(
        id: &'static CStr,
        output: Output,
        run: fn(&Run, &mut Out) -> Result,
    ) -> Item {
        Item {
            id,
            summary: c"",
            needs: 0,
            promises: 0,
            params: &[],
            rounds_hint: 0,
            kind: Kind::Method,
            output,
            run,
        }
    }

    /// A check with nothing declared yet.
    pub const fn check(
        id: &'static CStr,
        output: Output,
        run: fn(&Run, &mut Out) -> Result,
    ) -> Item {
        Item {
            kind: Kind::Check,
            ..Item::method(id, output, run)
        }
    }

    /// The ABI's table of this item; [`export!`](crate::export) calls it.
    #[doc(hidden)]
    pub const fn table(
        &self,
        version: &'static CStr,
        run: unsafe extern "C" fn(*const jkp_run, *mut jkp_error) -> jkp_status,
    ) -> jkp_item {
        jkp_item {
            struct_size: size_of::<jkp_item>() as u64,
            kind: self.kind as u32,
            output: self.output as u32,
            needs: self.needs,
            promises: self.promises,
            id: self.id.as_ptr(),
            version: version.as_ptr(),
            summary: self.summary.as_ptr(),
            // A `Param` is a `jkp_param`, and a reference to it is a pointer.
            params: self.params.as_ptr().cast(),
            n_params: self.params.len() as u64,
            run: Some(run),
            rounds_hint: self.rounds_hint,
            reserved: 0,
        }
    }
}

/// A parameter that a study may set: name, default, then one sentence.
#[derive(Debug)]
#[repr(transparent)]
pub struct Param(jkp_param);

impl Param {
    /// A whole number; read it with [`Run::int`].
    pub const fn int(name: &'static CStr, default: i64, doc: &'static CStr) -> Param {
        Param::new(name, JKP_I64, default, 0.0, c"", doc)
    }

    /// A number; read it with [`Run::float`].
    pub const fn float(name: &'static CStr, default: f64, doc: &'static CStr) -> Param {
        Param::new(name, JKP_F64, 0, default, c"", doc)
    }

    /// True or false; read it with [`Run::flag`].
    pub const fn flag(name: &'static CStr, default: bool, doc: &'static CStr) -> Param {
        Param::new(name, JKP_BOOL, default as i64, 0.0, c"", doc)
    }

    /// A word; read it with [`Run::text`].
    pub const fn text(name: &'static CStr, default: &'static CStr, doc: &'static CStr) -> Param {
        Param::new(name, JKP_STR, 0, 0.0, default, doc)
    }

    const fn new(
        name: &'static CStr,
        r#type: u32,
        i: i64,
        f: f64,
        s: &'static CStr,
        doc: &'static CStr,
    ) -> Param {
        Param(jkp_param {
            struct_size: size_of::<jkp_param>() as u64,
            doc: doc.as_ptr(),
            def: jkp_value {
                name: name.as_ptr(),
                r#type,
                reserved: 0,
                i,
                f,
                s: s.as_ptr(),
            },
            min: 0.0,
            max: 0.0,
            choices: std::ptr::null(),
        })
    }

    /// The host refuses what lies outside `min..=max` (0 and 0: no bounds).
    pub const fn between(mut self, min: f64, max: f64) -> Param {
        self.0.min = min;
        self.0.max = max;
        self
    }

    /// The host refuses other words: `.one_of(choices![c"linear", c"cubic"])`.
    pub const fn one_of(mut self, choices: Choices) -> Param {
        self.0.choices = choices.0.as_ptr();
        self
    }
}

/// The words that [`Param::one_of`] allows, made by [`choices!`](crate::choices).
#[derive(Clone, Copy, Debug)]
pub struct Choices(&'static [*const c_char]);

impl Choices {
    /// # Safety
    /// Every pointer but the last is a NUL-terminated string that lives for ever, and the
    /// last is NULL.
    #[doc(hidden)]
    pub const unsafe fn new(words: &'static [*const c_char]) -> Choices {
        Choices(words)
    }
}

/// A list of words for [`Param::one_of`].
#[macro_export]
macro_rules! choices {
    ($($word:literal),+ $(,)?) => {{
        const WORDS: &[*const ::std::ffi::c_char] =
            &[$(::std::ffi::CStr::as_ptr($word),)+ ::std::ptr::null()];
        // SAFETY: C string literals live for ever, and the list ends in NULL.
        unsafe { $crate::Choices::new(WORDS) }
    }};
}

/// Makes this crate a plugin that offers these items, each the path of a `const` [`Item`].
/// Name, version and licence are the crate's own.
#[macro_export]
macro_rules! export {
    ($($item:path),+ $(,)?) => {
        /// The plugin's table: what the host asks for after loading this file.
        #[unsafe(no_mangle)]
        pub extern "C" fn jackpot_entry_v1() -> *const $crate::abi::jkp_plugin {
            const fn text(bytes: &'static [u8]) -> &'static ::std::ffi::CStr {
                match ::std::ffi::CStr::from_bytes_with_nul(bytes) {
                    Ok(text) => text,
                    Err(_) => panic!("a crate's name, version and licence hold no NUL"),
                }
            }
            const VERSION: &::std::ffi::CStr =
                text(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes());
            static ITEMS: &[&$crate::abi::jkp_item] = &[$(&{
                unsafe extern "C" fn run(
                    run: *const $crate::abi::jkp_run,
                    error: *mut $crate::abi::jkp_error,
                ) -> $crate::abi::jkp_status {
                    // SAFETY: the host's promise to `jkp_item.run` is what `call` asks for.
                    unsafe { $crate::boundary::call($item.run, run, error) }
                }
                $item.table(VERSION, run)
            }),+];
            static PLUGIN: $crate::abi::jkp_plugin = $crate::abi::jkp_plugin {
                struct_size: size_of::<$crate::abi::jkp_plugin>() as u64,
                abi_major: $crate::abi::JKP_ABI_MAJOR,
                abi_minor: $crate::abi::JKP_ABI_MINOR,
                name: text(concat!(env!("CARGO_PKG_NAME"), "\0").as_bytes()).as_ptr(),
                version: VERSION.as_ptr(),
                license: text(concat!(env!("CARGO_PKG_LICENSE"), "\0").as_bytes()).as_ptr(),
                // A reference to an item is a pointer to it.
                items: ITEMS.as_ptr().cast(),
                n_items: ITEMS.len() as u64,
            };
            &PLUGIN
        }
    };
}
