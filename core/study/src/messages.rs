//! Words that messages, titles and descriptions of this crate share, and checks of lists.
use crate::Error;
use jackpot_protocol::ConfigValue;
use jackpot_prune::Granularity;
use std::collections::{BTreeMap, BTreeSet};
use toml::Value;

/// Prefixes an error of another crate with the field it is about.
pub(crate) fn at<E: std::fmt::Display>(field: &'static str) -> impl Fn(E) -> Error {
    move |e| Error(format!("`{field}`: {e}"))
}

/// The nearest of `known` to `word`, if it is near enough to be a slip: one letter, and one more
/// for every five. Of three letters two say nothing: `vgg` is no slip of `wrn`.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(word, k), k))
        .filter(|(d, k)| *d <= 1 + k.len().min(word.len()) / 5)
        .min()
        .map(|(_, k)| k)
}

/// "; did you mean `x`?", or nothing.
pub fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or(String::new(), |k| format!("; did you mean `{k}`?"))
}

/// serde names the unknown field and the known ones; this adds the nearest.
pub(crate) fn nearest_field(error: toml::de::Error) -> Error {
    let message = error.message().to_owned();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let hint = match quoted.split_first() {
        Some((word, known)) if message.starts_with("unknown") => hint(word, known.iter().copied()),
        _ => String::new(),
    };
    Error(format!("{}{hint}", error.to_string().trim_end()))
}

pub(crate) fn distinct<T: Ord + Clone + std::fmt::Display>(
    field: &str,
    given: Vec<T>,
) -> Result<Vec<T>, Error> {
    if given.is_empty() {
        return Err(Error(format!(
            "`{field}`: expected at least one, found an empty list"
        )));
    }
    let mut seen = BTreeSet::new();
    for x in &given {
        if !seen.insert(x.clone()) {
            return Err(Error(format!("`{field}`: `{x}` is given twice")));
        }
    }
    Ok(given)
}

pub(crate) fn quoted(words: &[&str]) -> String {
    let q: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
    q.join(", ")
}

/// "an integer", "a string": what a value is, with its article.
pub(crate) fn value_kind(value: &Value) -> String {
    with_article(value.type_str())
}

/// A kind with its article.
pub(crate) fn with_article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'i']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {kind}")
}

/// "5 epochs", "1 epoch".
pub(crate) fn epochs(n: f64) -> String {
    let plural = if n == 1.0 { "" } else { "s" };
    format!("{n} epoch{plural}")
}

/// "390 steps an epoch", "1 step an epoch".
pub(crate) fn steps(n: u32) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} step{plural} an epoch")
}

/// What is said behind an item that is given parameters: ` (share = 0.5)`, or nothing.
pub fn describe_params(params: &BTreeMap<String, ConfigValue>) -> String {
    let words: Vec<String> = params.iter().map(|(n, v)| format!("{n} = {v}")).collect();
    if words.is_empty() {
        String::new()
    } else {
        format!(" ({})", words.join(", "))
    }
}

/// What is said behind the number of kept weights: nothing, or that filters are kept whole.
pub fn describe_unit(unit: Granularity) -> &'static str {
    match unit {
        Granularity::Weights => "",
        Granularity::Filters => ", whole filters",
    }
}
