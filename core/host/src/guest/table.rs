//! Reads a plugin's table and refuses what the contract does not allow.
use jackpot_abi as abi;
use jackpot_protocol::{ConfigValue, Failure, Kind, Output, Param, Plugin, PluginItem};
use std::collections::BTreeSet;
use std::ffi::{CStr, c_char};

const MOST_ITEMS: u64 = 1024;
const MOST_PARAMS: u64 = 256;
const MOST_CHOICES: usize = 256;
const LONGEST_TEXT: usize = 1 << 16;
const ALL_NEEDS: u32 = (abi::JKP_NEEDS_REF << 1) - 1;
const ALL_PROMISES: u32 = (abi::JKP_CHANGES_STRUCTURE << 1) - 1;

fn refuse<T>(message: String) -> Result<T, Failure> {
    Err(Failure::new("load", message))
}

/// The table and its items, each checked.
///
/// # Safety
/// `plugin` is NULL or what a loaded plugin's entry returned: constants that stay.
pub(super) unsafe fn read(
    plugin: *const abi::jkp_plugin,
) -> Result<(Plugin, Vec<&'static abi::jkp_item>), Failure> {
    // SAFETY: by the contract it is NULL or starts with its size and its ABI version; a foreign
    // major version has these two at the same place.
    let Some(head) = (unsafe { plugin.cast::<[u64; 2]>().as_ref() }) else {
        return refuse("`jackpot_entry_v1` returned NULL, expected a table".into());
    };
    let (major, minor) = (head[1] as u32, (head[1] >> 32) as u32);
    if major != abi::JKP_ABI_MAJOR || minor > abi::JKP_ABI_MINOR {
        return refuse(format!(
            "the plugin was built for ABI {major}.{minor}, this host offers {}.{}: rebuild it \
             with this host's `jackpot.h`",
            abi::JKP_ABI_MAJOR,
            abi::JKP_ABI_MINOR
        ));
    }
    check_size(head[0], size_of::<abi::jkp_plugin>(), "jkp_plugin")?;
    // SAFETY: it says that it is at least as long as we know it.
    let plugin = unsafe { &*plugin };
    if plugin.n_items == 0 || plugin.n_items > MOST_ITEMS || plugin.items.is_null() {
        return refuse(format!(
            "the table has {} items, expected 1 to {MOST_ITEMS}",
            plugin.n_items
        ));
    }
    // SAFETY: `n_items` pointers by the contract.
    let pointers = unsafe { std::slice::from_raw_parts(plugin.items, plugin.n_items as usize) };
    let (mut described, mut items, mut ids) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (i, &pointer) in pointers.iter().enumerate() {
        // SAFETY: NULL or an item of the table.
        let (item, raw) = unsafe { read_item(pointer, i) }?;
        if !ids.insert(item.id.clone()) {
            return refuse(format!("the table has two items `{}`", item.id));
        }
        described.push(item);
        items.push(raw);
    }
    // SAFETY: three texts of the table.
    let (name, version, license) = unsafe {
        (
            named(plugin.name, "the plugin's name")?,
            text(plugin.version, "the plugin's version")?,
            text(plugin.license, "the plugin's licence")?,
        )
    };
    let plugin = Plugin {
        path: Default::default(),
        sha256: String::new(),
        name,
        version,
        license,
        items: described,
    };
    Ok((plugin, items))
}

fn check_size(found: u64, expected: usize, what: &str) -> Result<(), Failure> {
    if found >= expected as u64 {
        return Ok(());
    }
    refuse(format!(
        "{what}.struct_size: expected at least {expected}, found {found}"
    ))
}

/// # Safety
/// `pointer` is NULL or an item of a loaded table.
unsafe fn read_item(
    pointer: *const abi::jkp_item,
    index: usize,
) -> Result<(PluginItem, &'static abi::jkp_item), Failure> {
    // SAFETY: NULL or starts with its size.
    let Some(&size) = (unsafe { pointer.cast::<u64>().as_ref() }) else {
        return refuse(format!("item {index} is NULL"));
    };
    check_size(
        size,
        size_of::<abi::jkp_item>(),
        &format!("item {index}: jkp_item"),
    )?;
    // SAFETY: it says that it is as long as we know it, and it stays loaded.
    let raw: &'static abi::jkp_item = unsafe { &*pointer };
    // SAFETY: a text of the table.
    let id = unsafe { named(raw.id, &format!("item {index}'s id")) }?;
    if let Some(why) = jackpot_protocol::unfit_id(&id) {
        return refuse(format!(
            "item {index}'s id is `{}`: {why}",
            id.escape_debug()
        ));
    }
    let within = |f: Failure| f.within(&format!("item `{id}`"));
    if raw.run.is_none() {
        return refuse(format!("item `{id}`: `run` is NULL"));
    }
    let (kind, output) = role(raw).map_err(within)?;
    // SAFETY: `n_params` pointers by the contract.
    let params = unsafe { read_params(raw) }.map_err(within)?;
    // SAFETY: texts of the table.
    let (version, summary) = unsafe {
        (
            text(raw.version, "version").map_err(within)?,
            text(raw.summary, "summary").map_err(within)?,
        )
    };
    let (needs, promises, rounds_hint) = (raw.needs, raw.promises, raw.rounds_hint);
    let item = PluginItem {
        id: id.clone(),
        version,
        summary,
        kind,
        output,
        needs,
        promises,
        params,
        rounds_hint,
    };
    check_bits(&item).map_err(within)?;
    Ok((item, raw))
}

fn role(raw: &abi::jkp_item) -> Result<(Kind, Output), Failure> {
    let kind = match raw.kind {
        abi::JKP_METHOD => Kind::Method,
        abi::JKP_CHECK => Kind::Check,
        other => {
            return refuse(format!(
                "kind: expected JKP_METHOD or JKP_CHECK, found {other}"
            ));
        }
    };
    let output = match (kind, raw.output) {
        (_, abi::JKP_SCORES) => Output::Scores,
        (_, abi::JKP_MASKS) => Output::Masks,
        (Kind::Method, abi::JKP_COUNTS) => Output::Counts,
        (Kind::Check, abi::JKP_WEIGHTS) => Output::Weights,
        (Kind::Check, abi::JKP_IMAGES) => Output::Images,
        (Kind::Check, abi::JKP_LABELS) => Output::Labels,
        (Kind::Check, abi::JKP_SUBSET) => Output::Subset,
        (Kind::Method, other) => {
            return refuse(format!(
                "output: a method gives scores, masks or counts, found {other}"
            ));
        }
        (Kind::Check, other) => {
            return refuse(format!(
                "output: a check gives scores, masks, weights, images, labels or a subset, found {other}"
            ));
        }
    };
    Ok((kind, output))
}

/// Unknown bits, and promises that this output cannot be held to.
fn check_bits(item: &PluginItem) -> Result<(), Failure> {
    if item.needs & !ALL_NEEDS != 0 || item.promises & !ALL_PROMISES != 0 {
        return refuse(format!(
            "needs {:#x} or promises {:#x} have bits that ABI {}.{} does not know",
            item.needs,
            item.promises,
            abi::JKP_ABI_MAJOR,
            abi::JKP_ABI_MINOR
        ));
    }
    let data = abi::JKP_NEEDS_INPUTS | abi::JKP_NEEDS_LABELS;
    if item.needs & data != 0 && !item.needs_autodiff() {
        return refuse(
            "needs images or labels, which come as batches of autodiff: declare JKP_NEEDS_GRAD too"
                .into(),
        );
    }
    if item.kind == Kind::Check && item.needs_scores() {
        return refuse(
            "a check needs scores (JKP_NEEDS_SCORES), but its `in` is what it changes: only a \
             method can be given scores to read"
                .into(),
        );
    }
    for (bit, name) in jackpot_protocol::promises::NAMES {
        if item.promises & bit != 0
            && !jackpot_protocol::promises::applies(bit, item.kind, item.output)
        {
            return refuse(
                format!(
                    "promises `{name}`, which cannot be verified on the {:?} of a {:?}",
                    item.output, item.kind
                )
                .to_lowercase(),
            );
        }
    }
    Ok(())
}

/// # Safety
/// `raw` is an item of a loaded table.
unsafe fn read_params(raw: &abi::jkp_item) -> Result<Vec<Param>, Failure> {
    if raw.n_params == 0 {
        return Ok(Vec::new());
    }
    if raw.n_params > MOST_PARAMS || raw.params.is_null() {
        return refuse(format!(
            "{} parameters, expected at most {MOST_PARAMS}",
            raw.n_params
        ));
    }
    // SAFETY: `n_params` pointers by the contract.
    let pointers = unsafe { std::slice::from_raw_parts(raw.params, raw.n_params as usize) };
    let mut params: Vec<Param> = Vec::new();
    for (i, &pointer) in pointers.iter().enumerate() {
        // SAFETY: NULL or a parameter of the table.
        let param = unsafe { read_param(pointer, i) }?;
        if params.iter().any(|p| p.name == param.name) {
            return refuse(format!("two parameters `{}`", param.name));
        }
        params.push(param);
    }
    Ok(params)
}

/// # Safety
/// `pointer` is NULL or a parameter of a loaded table.
unsafe fn read_param(pointer: *const abi::jkp_param, index: usize) -> Result<Param, Failure> {
    // SAFETY: NULL or starts with its size.
    let Some(&size) = (unsafe { pointer.cast::<u64>().as_ref() }) else {
        return refuse(format!("parameter {index} is NULL"));
    };
    check_size(
        size,
        size_of::<abi::jkp_param>(),
        &format!("parameter {index}: jkp_param"),
    )?;
    // SAFETY: it says that it is as long as we know it.
    let raw = unsafe { &*pointer };
    // SAFETY: texts of the table.
    let name = unsafe { named(raw.def.name, &format!("parameter {index}'s name")) }?;
    let within = |f: Failure| f.within(&format!("parameter `{name}`"));
    let default = match raw.def.r#type {
        abi::JKP_I64 => ConfigValue::Int(raw.def.i),
        abi::JKP_F64 => ConfigValue::Float(raw.def.f),
        abi::JKP_BOOL if matches!(raw.def.i, 0 | 1) => ConfigValue::Bool(raw.def.i == 1),
        abi::JKP_BOOL => {
            return refuse(format!(
                "parameter `{name}`: a default of {}, expected 0 or 1",
                raw.def.i
            ));
        }
        // SAFETY: a text of the table.
        abi::JKP_STR => ConfigValue::Text(unsafe { text(raw.def.s, "default") }.map_err(within)?),
        other => return refuse(format!("parameter `{name}`: unknown type {other}")),
    };
    if !raw.min.is_finite() || !raw.max.is_finite() || raw.min > raw.max {
        return refuse(format!(
            "parameter `{name}`: bounds {} to {} are no range",
            raw.min, raw.max
        ));
    }
    // SAFETY: texts of the table.
    let (doc, choices) = unsafe {
        (
            text(raw.doc, "doc").map_err(within)?,
            read_choices(raw.choices).map_err(within)?,
        )
    };
    let param = Param {
        name: name.clone(),
        doc,
        default,
        min: raw.min,
        max: raw.max,
        choices,
    };
    match param.accept(&param.default) {
        Ok(_) => Ok(param),
        Err(why) => refuse(format!(
            "parameter `{name}`: its own default is refused: {why}"
        )),
    }
}

/// # Safety
/// `choices` is NULL or pointers to texts, ended by NULL.
unsafe fn read_choices(choices: *const *const c_char) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    if choices.is_null() {
        return Ok(found);
    }
    for i in 0..MOST_CHOICES {
        // SAFETY: not past the NULL that ends them, where this loop returns.
        let choice = unsafe { *choices.add(i) };
        if choice.is_null() {
            return Ok(found);
        }
        // SAFETY: a text by the contract.
        found.push(unsafe { text(choice, "choice") }?);
    }
    refuse(format!(
        "more than {MOST_CHOICES} choices: is the NULL at the end missing?"
    ))
}

/// NULL is no text.
///
/// # Safety
/// `pointer` is NULL or a NUL-terminated text.
unsafe fn text(pointer: *const c_char, what: &str) -> Result<String, Failure> {
    if pointer.is_null() {
        return Ok(String::new());
    }
    // SAFETY: by the contract.
    let bytes = unsafe { CStr::from_ptr(pointer) };
    match bytes.to_str() {
        Ok(text) if text.len() <= LONGEST_TEXT => Ok(text.to_string()),
        Ok(text) => refuse(format!(
            "{what} has {} bytes, expected at most {LONGEST_TEXT}",
            text.len()
        )),
        Err(e) => refuse(format!("{what} is not UTF-8: {e}")),
    }
}

/// A text that stands for something: not empty, and printable.
///
/// # Safety
/// As [`text`].
unsafe fn named(pointer: *const c_char, what: &str) -> Result<String, Failure> {
    // SAFETY: the caller's.
    let name = unsafe { text(pointer, what) }?;
    if name.is_empty() || name.len() > 200 || name.chars().any(|c| c.is_control() || c == '`') {
        return refuse(format!(
            "{what} is `{}`, expected a name",
            name.escape_debug()
        ));
    }
    Ok(name)
}
