//! Names and titles: what files, tables and figures tell things apart by.
use crate::Error;
use jackpot_host::is_printable;
use std::collections::BTreeMap;

/// What an unmodified ticket is called where a check would stand; no check may be called so.
pub(crate) const UNMODIFIED: [&str; 3] = ["none", "unmodified", "–"];

/// Refuses text that a page cannot hold or that would steer a terminal: control characters, those
/// that turn the direction of writing, and code points that XML has not. `field` as messages name
/// it. Tabs and line breaks are white space.
pub(crate) fn showable(field: &str, text: &str) -> Result<(), Error> {
    let found = text.chars().position(|c| !is_printable(c));
    let Some((place, c)) = found.and_then(|at| Some((at + 1, text.chars().nth(at)?))) else {
        return Ok(());
    };
    Err(Error(format!(
        "{field}: expected text that can be shown, found the control character U+{:04X} as character {place}; remove it",
        u32::from(c)
    )))
}

/// As [`showable`], and not empty.
pub(crate) fn title(field: &str, text: &str) -> Result<(), Error> {
    if text.trim().is_empty() {
        return Err(Error(format!(
            "{field}: expected words, found none; without a title the name stands in tables"
        )));
    }
    showable(field, text)
}

/// Refuses tickets, checks or settings (`kind`), each with its name and title, that tables and
/// figures could not tell apart: of one title, or with a title that is another's name. Names are
/// known to differ. None may be called as in `taken`.
pub(crate) fn told_apart(kind: &str, all: &[(&str, &str)], taken: &[&str]) -> Result<(), Error> {
    let spelled = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut known: BTreeMap<String, (usize, &str)> = BTreeMap::new();
    for (at, (name, _)) in all.iter().enumerate() {
        known.insert(spelled(name), (at, "name"));
    }
    for (at, (name, given)) in all.iter().enumerate() {
        let field = format!("{kind} `{name}`: `title`");
        title(&field, given)?;
        let text = spelled(given);
        if taken.contains(&text.as_str()) {
            return Err(Error(format!(
                "{field}: `{text}` is what the unmodified ticket is called; give the {kind} another title"
            )));
        }
        match known.insert(text.clone(), (at, "title")) {
            Some((other, what)) if other != at => {
                return Err(Error(format!(
                    "{field}: `{text}` is also the {what} of the {kind} `{}`, and tables tell them apart by it; \
                     give each a title of its own (of a block with `each`, with `{{LIST}}` in it)",
                    all[other].0
                )));
            }
            _ => {}
        }
    }
    Ok(())
}
