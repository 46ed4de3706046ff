//! Floats of JSON values as canonical JSON has them: text, in the shortest spelling.
use crate::Error;
use jackpot_store::canonical;
use serde_json::Value;

/// Spells every float of a value as canonical JSON wants it.
pub(crate) fn floats_to_text(value: &mut Value) -> Result<(), Error> {
    match value {
        Value::Number(n) if n.is_f64() => {
            let x = n.as_f64().unwrap_or(f64::NAN);
            *value = canonical::float(x).map_err(Error::from_store)?.into();
        }
        Value::Array(items) => items.iter_mut().try_for_each(floats_to_text)?,
        Value::Object(map) => map.values_mut().try_for_each(floats_to_text)?,
        _ => {}
    }
    Ok(())
}

/// Text that spells a float canonically always has an exponent, as no other text of a recipe
/// does: not a sparsity, a key, a digest or a version.
pub(crate) fn floats_from_text(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Ok(x) = canonical::parse_float(text) {
                *value = x.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(floats_from_text),
        Value::Object(map) => map.values_mut().for_each(floats_from_text),
        _ => {}
    }
}
