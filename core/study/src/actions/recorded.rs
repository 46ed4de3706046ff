//! Reading a recipe back from the store: the reverse of [`Recipe::to_value`].
use crate::{Error, actions::recipe::Recipe, floats::floats_from_text};
use jackpot_store::{Digest, canonical};
use serde_json::Value;

impl Recipe {
    /// The recipe that an object spells. What is read is spelled again and must give the same
    /// key, so nothing of the recipe was overlooked.
    ///
    /// # Errors
    /// Bytes that are not a recipe, or one of another version of Jackpot: a field that this
    /// version does not know, another revision of its kind.
    pub fn read(key: &Digest, bytes: &[u8]) -> Result<Recipe, Error> {
        let wrong = |why: &dyn std::fmt::Display| Error(format!("recipe {key}: {why}"));
        let mut value = canonical::parse(bytes).map_err(|e| wrong(&e))?;
        let stored = value.clone();
        let revision = value.as_object_mut().and_then(|map| map.remove("revision"));
        floats_from_text(&mut value);
        let recipe: Recipe = serde_json::from_value(value).map_err(|e| wrong(&e))?;
        let wanted = recipe.revision();
        if revision.as_ref().and_then(Value::as_u64) != Some(u64::from(wanted)) {
            return Err(wrong(&format!(
                "expected revision {wanted} of `{}`, found {}; read it with the version of Jackpot that wrote it",
                recipe.kind(),
                revision.unwrap_or_default()
            )));
        }
        let again = recipe.to_value()?;
        if let Some(field) = first_difference(&stored, &again, "") {
            return Err(wrong(&format!(
                "`{field}` is not what this version of Jackpot writes; read it with the one that wrote it"
            )));
        }
        match recipe.key()? == *key {
            true => Ok(recipe),
            false => Err(wrong(&"its canonical spelling has another sha256")),
        }
    }
}

/// The first field, by its path, in which two values differ.
fn first_difference(a: &Value, b: &Value, place: &str) -> Option<String> {
    if a == b {
        return None;
    }
    let (Value::Object(x), Value::Object(y)) = (a, b) else {
        return Some(place.to_owned());
    };
    x.keys().chain(y.keys()).find_map(|name| {
        let inner = format!("{place}{}{name}", if place.is_empty() { "" } else { "." });
        match (x.get(name), y.get(name)) {
            (Some(a), Some(b)) => first_difference(a, b, &inner),
            _ => Some(inner),
        }
    })
}
