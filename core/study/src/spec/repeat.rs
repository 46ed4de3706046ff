//! One block of a study file that stands for several: `each` lists values, every combination
//! of them is one ticket, check or setting, and `{name}` in the block is that value.
//!
//! The file is written out before it is read, so that nothing after this knows of `each`; every
//! value keeps its place in the text, so that messages name the lines that the user wrote.
use crate::Error;
use serde::Deserialize;
use std::borrow::Cow;
use toml::{
    Spanned, Value,
    de::{DeArray, DeTable, DeValue, ValueDeserializer},
};

/// What a block with `each` was written as, and which of its combinations this one is.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// The block's name as written: `labels-{share}`.
    pub name: String,
    /// The block's title as written.
    pub title: String,
    /// One value of each list, in the alphabetic order of the lists' names.
    pub levels: Vec<SweepLevel>,
}

/// One value of one list of `each`.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepLevel {
    /// The list's name: `share`.
    pub axis: String,
    /// In names: `0.5`.
    pub name: String,
    /// In titles.
    pub title: String,
    /// The value, if it is a number: a place on an axis.
    pub number: Option<f64>,
}

/// The blocks that may hold `each`.
const BLOCKS: [&str; 3] = ["setting", "ticket", "check"];
/// More combinations of one block are a slip.
const MOST: usize = 500;

/// A value with its place in the text.
type Placed<'t> = Spanned<DeValue<'t>>;

/// A file after it was written out, and the series of every block that it then has, in its order.
pub(crate) struct Written<'t> {
    pub file: Spanned<DeTable<'t>>,
    pub series: AllSeries,
}

/// Of the blocks of each kind.
#[derive(Default)]
pub(crate) struct AllSeries {
    pub settings: Vec<Option<Sweep>>,
    pub tickets: Vec<Option<Sweep>>,
    pub checks: Vec<Option<Sweep>>,
}

/// Writes out every `each` of a study file.
///
/// # Errors
/// The outer ones for what is no TOML, the inner for an `each` that cannot be written out.
pub(crate) fn written_out(text: &str) -> Result<Result<Written<'_>, Error>, toml::de::Error> {
    let mut file = DeTable::parse(text)?;
    let series = series_of(file.get_mut());
    Ok(series.map(|series| Written { file, series }))
}

fn series_of(file: &mut DeTable<'_>) -> Result<AllSeries, Error> {
    let mut all = AllSeries::default();
    for kind in BLOCKS {
        let Some(DeValue::Array(blocks)) = file.get_mut(kind).map(Spanned::get_mut) else {
            continue;
        };
        let series = match kind {
            "setting" => &mut all.settings,
            "ticket" => &mut all.tickets,
            _ => &mut all.checks,
        };
        let mut written = Vec::new();
        for block in std::mem::replace(blocks, DeArray::new()) {
            let place = block.span();
            match block.into_inner() {
                DeValue::Table(table) if table.contains_key("each") => {
                    for (block, one) in combinations(kind, table)? {
                        written.push(Spanned::new(place.clone(), DeValue::Table(block)));
                        series.push(Some(one));
                    }
                }
                other => {
                    written.push(Spanned::new(place, other));
                    series.push(None);
                }
            }
        }
        *blocks = written.into_iter().collect();
    }
    Ok(all)
}

/// A level and what it puts in the place of `{axis}`.
type Choice<'t> = (SweepLevel, Placed<'t>);

fn combinations<'t>(
    kind: &str,
    mut block: DeTable<'t>,
) -> Result<Vec<(DeTable<'t>, Sweep)>, Error> {
    let word = |field: &str| block.get(field).and_then(|v| v.get_ref().as_str());
    let name = word("name").unwrap_or_default().to_owned();
    let title = word("title").unwrap_or(&name).to_owned();
    let refuse = |what: String| Error(format!("{kind} `{name}`: `each`: {what}"));
    let Some(DeValue::Table(axes)) = block.remove("each").map(Spanned::into_inner) else {
        return Err(refuse(
            "expected a table of lists, as in `each = { share = [0.25, 0.5] }`".into(),
        ));
    };
    let mut all: Vec<Vec<Choice<'t>>> = vec![Vec::new()];
    for (axis, values) in &axes {
        let axis = axis.get_ref();
        if !name.contains(&hole(axis)) {
            return Err(refuse(format!(
                "write `{{{axis}}}` into `name`, so that each has a name of its own"
            )));
        }
        let mut fields = block.iter().filter(|(field, _)| !is_label(field.get_ref()));
        if !fields.any(|(_, value)| has(value.get_ref(), axis)) {
            return Err(refuse(format!(
                "`{axis}` is used by no field but the name: write `\"{{{axis}}}\"` where its values belong, or all of them are one {kind}"
            )));
        }
        let levels = levels(axis, values.get_ref()).map_err(refuse)?;
        all = (all.iter())
            .flat_map(|before| {
                levels.iter().map(|level| {
                    let mut with = before.clone();
                    with.push(level.clone());
                    with
                })
            })
            .collect();
        if all.len() > MOST {
            return Err(refuse(format!(
                "expected at most {MOST} combinations, found more"
            )));
        }
    }
    if axes.is_empty() {
        return Err(refuse("expected at least one list, found none".into()));
    }
    let one = |chosen: Vec<Choice<'t>>| {
        let field = |(field, value): (&Spanned<Cow<'t, str>>, &Placed<'t>)| {
            (field.clone(), filled(field.get_ref(), value, &chosen))
        };
        let made: DeTable<'t> = block.iter().map(field).collect();
        let series = Sweep {
            name: name.clone(),
            title: title.clone(),
            levels: chosen.into_iter().map(|(level, _)| level).collect(),
        };
        (made, series)
    };
    Ok(all.into_iter().map(one).collect())
}

/// What stands in a block for a list's value.
fn hole(axis: &str) -> String {
    format!("{{{axis}}}")
}

/// The fields that say what a block is called and nothing of what it is.
fn is_label(field: &str) -> bool {
    ["name", "title"].contains(&field)
}

/// Whether a value has a place for that list's values.
fn has(value: &DeValue<'_>, axis: &str) -> bool {
    match value {
        DeValue::String(text) => text.contains(&hole(axis)),
        DeValue::Array(values) => values.iter().any(|value| has(value.get_ref(), axis)),
        DeValue::Table(table) => table.values().any(|value| has(value.get_ref(), axis)),
        _ => false,
    }
}

fn levels<'t>(axis: &str, values: &DeValue<'t>) -> Result<Vec<Choice<'t>>, String> {
    match values {
        DeValue::Array(values) if !values.is_empty() => {
            values.iter().map(|value| level(axis, value)).collect()
        }
        DeValue::Array(_) => Err(format!(
            "`{axis}`: expected a list of values, found an empty one"
        )),
        other => Err(format!(
            "`{axis}`: expected a list of values, found {}",
            crate::messages::with_article(other.type_str())
        )),
    }
}

/// A scalar names itself; a table says its `name`, may say its `title`, and is what is left,
/// or its `value` if that is all that is left.
fn level<'t>(axis: &str, given: &Placed<'t>) -> Result<Choice<'t>, String> {
    let (name, title, value) = match given.get_ref() {
        DeValue::String(text) => (text.to_string(), None, given.clone()),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) => {
            (plain(axis, given)?.to_string(), None, given.clone())
        }
        DeValue::Table(table) => {
            let mut rest = table.clone();
            let mut word = |field: &str| match rest.remove(field).map(Spanned::into_inner) {
                Some(DeValue::String(text)) => Some(text.into_owned()),
                _ => None,
            };
            let name = word("name").ok_or(format!(
                "`{axis}`: expected a `name` in a table, as in `{{ name = \"erk\", value = … }}`"
            ))?;
            let title = word("title");
            let only = (rest.len() == 1).then(|| rest.remove("value")).flatten();
            let value = only.unwrap_or_else(|| Spanned::new(given.span(), DeValue::Table(rest)));
            (name, title, value)
        }
        other => {
            return Err(format!(
                "`{axis}`: expected numbers, texts or tables, found {}",
                crate::messages::with_article(other.type_str())
            ));
        }
    };
    let number = match value.get_ref() {
        DeValue::Integer(_) | DeValue::Float(_) => match plain(axis, &value)? {
            Value::Integer(n) => Some(n as f64),
            Value::Float(x) => Some(x),
            _ => None,
        },
        _ => None,
    };
    let level = SweepLevel {
        axis: axis.to_owned(),
        title: title.unwrap_or_else(|| name.clone()),
        name,
        number,
    };
    Ok((level, value))
}

/// A scalar without its place.
fn plain(axis: &str, value: &Placed<'_>) -> Result<Value, String> {
    let read = Value::deserialize(ValueDeserializer::from(value.clone()));
    read.map_err(|e| format!("`{axis}`: {}", e.message()))
}

/// A value of the block with the choices in their places.
fn filled<'t>(field: &str, value: &Placed<'t>, chosen: &[Choice<'t>]) -> Placed<'t> {
    let made = match value.get_ref() {
        DeValue::String(text) => {
            let whole = |(level, _): &&Choice<'_>| *text == hole(&level.axis);
            if !is_label(field)
                && let Some((_, value)) = chosen.iter().find(whole)
            {
                return value.clone();
            }
            let put = |text: String, (level, _): &Choice<'_>| {
                let word = match field {
                    "name" => slugged(&level.name),
                    "title" => level.title.clone(),
                    _ => level.name.clone(),
                };
                text.replace(&hole(&level.axis), &word)
            };
            DeValue::String(Cow::Owned(chosen.iter().fold(text.to_string(), put)))
        }
        DeValue::Array(values) => DeValue::Array(
            (values.iter())
                .map(|value| filled("", value, chosen))
                .collect(),
        ),
        DeValue::Table(table) => DeValue::Table(
            (table.iter())
                .map(|(field, value)| (field.clone(), filled("", value, chosen)))
                .collect(),
        ),
        other => other.clone(),
    };
    Spanned::new(value.span(), made)
}

/// As names are spelled: lower-case letters, digits and `-`.
fn slugged(name: &str) -> String {
    let spell = |c: char| match c.to_ascii_lowercase() {
        c @ ('a'..='z' | '0'..='9') => c,
        _ => '-',
    };
    name.chars().map(spell).collect()
}
