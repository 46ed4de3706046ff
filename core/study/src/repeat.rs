//! One block of a study file that stands for several: `each` lists values, every combination
//! of them is one ticket, check or setting, and `{name}` in the block is that value.
//!
//! The file is written out before it is read, so that nothing after this knows of `each`.
use crate::Error;
use toml::{Table, Value};

/// What a block with `each` was written as, and which of its combinations this one is.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The block's name as written: `labels-{share}`.
    pub name: String,
    /// The block's title as written.
    pub title: String,
    /// One value of each list, in the alphabetic order of the lists' names.
    pub levels: Vec<Level>,
}

/// One value of one list of `each`.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
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

/// The series of every block that a file has after it was written out, in the file's order.
#[derive(Default)]
pub(crate) struct Written {
    pub text: Option<String>,
    pub settings: Vec<Option<Series>>,
    pub tickets: Vec<Option<Series>>,
    pub checks: Vec<Option<Series>>,
}

/// Writes out every `each` of a study file; a text without any stays as it is, so that
/// messages name its lines.
pub(crate) fn written_out(text: &str) -> Result<Written, Error> {
    let mut written = Written::default();
    // What is no TOML is refused, with its line, when the file is read as a study.
    let Ok(mut file) = text.parse::<Table>() else {
        return Ok(written);
    };
    let mut any = false;
    for name in BLOCKS {
        let Some(Value::Array(blocks)) = file.get_mut(name) else {
            continue;
        };
        let mut all = Vec::new();
        let series = match name {
            "setting" => &mut written.settings,
            "ticket" => &mut written.tickets,
            _ => &mut written.checks,
        };
        for block in std::mem::take(blocks) {
            match block {
                Value::Table(table) if table.contains_key("each") => {
                    any = true;
                    for (block, one) in combinations(name, table)? {
                        all.push(Value::Table(block));
                        series.push(Some(one));
                    }
                }
                other => {
                    all.push(other);
                    series.push(None);
                }
            }
        }
        *blocks = all;
    }
    if any {
        let text = toml::to_string(&file).map_err(|e| Error(format!("`each`: {e}")))?;
        written.text = Some(text);
    }
    Ok(written)
}

/// A level and what it puts in the place of `{axis}`.
type Choice = (Level, Value);

fn combinations(kind: &str, mut block: Table) -> Result<Vec<(Table, Series)>, Error> {
    let word = |field: &str, block: &Table| match block.get(field) {
        Some(Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    let name = word("name", &block).unwrap_or_default();
    let title = word("title", &block).unwrap_or_else(|| name.clone());
    let refuse = |what: String| Error(format!("{kind} `{name}`: `each`: {what}"));
    let Some(Value::Table(axes)) = block.remove("each") else {
        return Err(refuse(
            "expected a table of lists, as in `each = { share = [0.25, 0.5] }`".into(),
        ));
    };
    let mut all: Vec<Vec<Choice>> = vec![Vec::new()];
    for (axis, values) in &axes {
        if !name.contains(&format!("{{{axis}}}")) {
            return Err(refuse(format!(
                "write `{{{axis}}}` into `name`, so that each has a name of its own"
            )));
        }
        let fields = block.iter().filter(|(field, _)| !is_label(field));
        if !fields.clone().any(|(_, value)| has(value, axis)) {
            return Err(refuse(format!(
                "`{axis}` is used by no field but the name: write `\"{{{axis}}}\"` where its values belong, or all of them are one {kind}"
            )));
        }
        let levels = levels(axis, values).map_err(refuse)?;
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
    let one = |chosen: Vec<Choice>| {
        let mut made = Table::new();
        for (field, value) in &block {
            made.insert(field.clone(), filled(field, value, &chosen));
        }
        let series = Series {
            name: name.clone(),
            title: title.clone(),
            levels: chosen.into_iter().map(|(level, _)| level).collect(),
        };
        (made, series)
    };
    Ok(all.into_iter().map(one).collect())
}

/// The fields that say what a block is called and nothing of what it is.
fn is_label(field: &str) -> bool {
    ["name", "title"].contains(&field)
}

/// Whether a value has a place for that list's values.
fn has(value: &Value, axis: &str) -> bool {
    match value {
        Value::String(text) => text.contains(&format!("{{{axis}}}")),
        Value::Array(values) => values.iter().any(|value| has(value, axis)),
        Value::Table(table) => table.values().any(|value| has(value, axis)),
        _ => false,
    }
}

fn levels(axis: &str, values: &Value) -> Result<Vec<Choice>, String> {
    match values {
        Value::Array(values) if !values.is_empty() => {
            values.iter().map(|value| level(axis, value)).collect()
        }
        other => Err(format!(
            "`{axis}`: expected a list of values, found {}",
            match other {
                Value::Array(_) => "an empty one".to_owned(),
                other => crate::sections::value_kind(other),
            }
        )),
    }
}

/// A scalar names itself; a table says its `name`, may say its `title`, and is what is left,
/// or its `value` if that is all that is left.
fn level(axis: &str, value: &Value) -> Result<Choice, String> {
    let (name, title, value) = match value {
        Value::String(text) => (text.clone(), None, value.clone()),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => {
            (value.to_string(), None, value.clone())
        }
        Value::Table(table) => {
            let mut rest = table.clone();
            let mut word = |field: &str| match rest.remove(field) {
                Some(Value::String(text)) => Some(text),
                _ => None,
            };
            let name = word("name").ok_or(format!(
                "`{axis}`: expected a `name` in a table, as in `{{ name = \"erk\", value = … }}`"
            ))?;
            let title = word("title");
            let value = match (rest.len(), rest.remove("value")) {
                (1, Some(value)) => value,
                (_, Some(value)) => {
                    rest.insert("value".into(), value);
                    Value::Table(rest)
                }
                (_, None) => Value::Table(rest),
            };
            (name, title, value)
        }
        other => {
            return Err(format!(
                "`{axis}`: expected numbers, texts or tables, found {}",
                crate::sections::value_kind(other)
            ));
        }
    };
    let number = match &value {
        Value::Integer(n) => Some(*n as f64),
        Value::Float(x) => Some(*x),
        _ => None,
    };
    let level = Level {
        axis: axis.to_owned(),
        title: title.unwrap_or_else(|| name.clone()),
        name,
        number,
    };
    Ok((level, value))
}

/// A value of the block with the choices in their places.
fn filled(field: &str, value: &Value, chosen: &[Choice]) -> Value {
    match value {
        Value::String(text) => {
            let whole = |(level, _): &&Choice| *text == format!("{{{}}}", level.axis);
            if !is_label(field)
                && let Some((_, value)) = chosen.iter().find(whole)
            {
                return value.clone();
            }
            let put = |text: String, (level, _): &Choice| {
                let word = match field {
                    "name" => slugged(&level.name),
                    "title" => level.title.clone(),
                    _ => level.name.clone(),
                };
                text.replace(&format!("{{{}}}", level.axis), &word)
            };
            Value::String(chosen.iter().fold(text.clone(), put))
        }
        Value::Array(values) => Value::Array(
            (values.iter())
                .map(|value| filled("", value, chosen))
                .collect(),
        ),
        Value::Table(table) => Value::Table(
            (table.iter())
                .map(|(field, value)| (field.clone(), filled("", value, chosen)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// As names are spelled: lower-case letters, digits and `-`.
fn slugged(name: &str) -> String {
    let spell = |c: char| match c.to_ascii_lowercase() {
        c @ ('a'..='z' | '0'..='9') => c,
        _ => '-',
    };
    name.chars().map(spell).collect()
}
