//! The layout of every struct and the value of every constant, as text.
//!
//! A C program (`layout/layout.c`) prints the same table from the header. The tests
//! compare both with the committed `layout/1.1.txt`, which is what 1.1 is.
use crate::*;
use std::fmt::Write;
use std::mem::offset_of;

/// One line a struct (`jkp_key - 0 16`), one a field (`jkp_key w 0 16`: offset and size
/// in bytes), one a constant (`JKP_OK = 0`), in the header's order.
pub fn table() -> String {
    let mut text = String::new();
    structs(&mut text);
    constants(&mut text);
    text
}

/// The size of the field that `_get` borrows.
const fn size<S, F>(_get: fn(&S) -> &F) -> usize {
    size_of::<F>()
}

macro_rules! structs {
    ($text:ident: $($name:ident { $($field:ident),+ })+) => {$(
        line($text, stringify!($name), "-", 0, size_of::<$name>());
        $(line(
            $text,
            stringify!($name),
            stringify!($field).trim_start_matches("r#"),
            offset_of!($name, $field),
            size::<$name, _>(|s| &s.$field),
        );)+
    )+};
}

fn line(text: &mut String, name: &str, field: &str, offset: usize, size: usize) {
    writeln!(text, "{name} {field} {offset} {size}").expect("a String can be written to");
}

fn structs(text: &mut String) {
    structs! { text:
    jkp_error { struct_size, code, reserved, message }
    jkp_value { name, r#type, reserved, i, f, s }
    jkp_param { struct_size, doc, def, min, max, choices }
    jkp_key { w }
    jkp_dl_device { device_type, device_id }
    jkp_dl_dtype { code, bits, lanes }
    jkp_dl { data, device, ndim, dtype, shape, strides, byte_offset }
    jkp_tensor { struct_size, name, role, flags, dl, n_elem, n_uses, depth, block, stride, groups }
    jkp_task { struct_size, network, depth, classes, channels, height, width, reserved, rows }
    jkp_item {
        struct_size, kind, output, needs, promises, id, version, summary, params, n_params, run,
        rounds_hint, reserved
    }
    jkp_plugin { struct_size, abi_major, abi_minor, name, version, license, items, n_items }
    jkp_host {
        struct_size, abi_major, abi_minor, name, version, service, log, poll, scratch, tensors
    }
    jkp_run {
        struct_size, host, host_ctx, params, masks, r#in, out, n, n_out, config, n_config, keep,
        round, rounds, first_row, key, task, donor, r#ref, keep_count
    }
    jkp_objective {
        struct_size, loss, input, train_mode, compute_f64, temperature, abs_rest, reserved
    }
    jkp_batch_spec { struct_size, key, n_batches, batch_size, per_class, parts, augment, shuffle }
    jkp_autodiff_1 { struct_size, batches, loss, grad, hvp }
    jkp_rng_1 { struct_size, fold, bits, uniform, permutation, normal }
    }
}

macro_rules! constants {
    ($text:ident: $($name:ident),+) => {$(
        writeln!($text, "{} = {}", stringify!($name), $name).expect("a String can be written to");
    )+};
}

fn constants(text: &mut String) {
    constants! { text:
        JKP_OK, JKP_E_INVALID, JKP_E_UNSUPPORTED, JKP_E_CANCELLED, JKP_E_NOMEM, JKP_E_NUMERIC,
        JKP_E_INTERNAL, JKP_E_PANIC, JKP_I64, JKP_F64, JKP_STR, JKP_BOOL, JKP_CONV, JKP_LINEAR,
        JKP_IMAGE, JKP_LABEL, JKP_OTHER, JKP_WRITABLE, JKP_FIRST, JKP_CLASSIFIER, JKP_SHORTCUT,
        JKP_DEPTHWISE, JKP_METHOD, JKP_CHECK, JKP_SCORES, JKP_MASKS, JKP_COUNTS, JKP_WEIGHTS,
        JKP_IMAGES, JKP_LABELS, JKP_SUBSET, JKP_NEEDS_WEIGHTS, JKP_NEEDS_INPUTS, JKP_NEEDS_LABELS,
        JKP_NEEDS_GRAD, JKP_NEEDS_HVP, JKP_NEEDS_RNG, JKP_NEEDS_SCORES, JKP_NEEDS_DONOR,
        JKP_NEEDS_REF, JKP_KEEPS_LAYER_COUNTS, JKP_KEEPS_MULTISET, JKP_CHANGES_OUTPUT, JKP_ROWWISE,
        JKP_KEEPS_TOTAL_COUNT, JKP_KEEPS_KEPT_MULTISET, JKP_NESTED, JKP_CHANGES_STRUCTURE,
        JKP_LOG_DEBUG, JKP_LOG_INFO, JKP_LOG_WARNING, JKP_LOSS_CROSS_ENTROPY, JKP_LOSS_SUM_LOGITS, JKP_INPUT_DATA,
        JKP_INPUT_ONES
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_mirror_is_the_layout_that_was_frozen() {
        assert_eq!(super::table(), include_str!("../layout/1.1.txt"));
    }
}
