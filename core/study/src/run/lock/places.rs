//! Places in a numbered list, spelled as ranges: `1-75, 80`; and the list itself.
use crate::Error;
use jackpot_store::Digest;
use serde::{Deserialize, Deserializer, Serializer, de::Error as _};
use std::collections::BTreeMap;

/// Numbers from 1, as a person writes them; `places` are in order, without repeats.
pub(super) fn format_places(places: &[usize]) -> String {
    let follows = |a: &usize, b: &usize| *b == a + 1;
    let ranges = places.chunk_by(follows).map(|range| match range {
        [first, .., last] => format!("{first}-{last}"),
        [only] => only.to_string(),
        [] => String::new(),
    });
    ranges.collect::<Vec<_>>().join(", ")
}

/// The reverse of [`format_places`], of a list of `length`; in order, without repeats.
///
/// # Errors
/// A range that is none, or a place that the list does not have.
pub(super) fn read(text: &str, length: usize) -> Result<Vec<usize>, Error> {
    let mut places = Vec::new();
    for range in text.split(", ").filter(|range| !range.is_empty()) {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let [first, last] = [first, last].map(|n| n.parse::<usize>().ok());
        let known = |place: Option<usize>| place.filter(|n| (1..=length).contains(n));
        let (Some(first), Some(last)) = (known(first), known(last)) else {
            return Err(Error(format!(
                "expected places from 1 to {length}, such as `1-75, 80`, found `{range}`"
            )));
        };
        if first > last || places.last().is_some_and(|before| *before >= first) {
            return Err(Error(format!(
                "expected places in order, without repeats, found `{range}`"
            )));
        }
        places.extend(first..=last);
    }
    Ok(places)
}

/// Writes a list as a table whose keys are its places.
pub(super) fn serialize<S: Serializer>(list: &[Digest], s: S) -> Result<S::Ok, S::Error> {
    let numbered = list.iter().enumerate();
    s.collect_map(numbered.map(|(i, digest)| ((i + 1).to_string(), digest)))
}

/// Reads it again, in whatever order its lines are.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Digest>, D::Error> {
    let table = BTreeMap::<String, Digest>::deserialize(d)?;
    let at = |place: usize| {
        table.get(&place.to_string()).copied().ok_or_else(|| {
            D::Error::custom(format!(
                "expected the places 1 to {}, found no {place}",
                table.len()
            ))
        })
    };
    (1..=table.len()).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_back_and_nonsense_is_refused() {
        for (places, text) in [
            (vec![], ""),
            (vec![3], "3"),
            (vec![1, 2, 3, 5, 7, 8], "1-3, 5, 7-8"),
        ] {
            assert_eq!(format_places(&places), text);
            assert_eq!(read(text, 8).unwrap(), places);
        }
        for (text, words) in [
            ("0", "from 1 to 8"),
            ("7-9", "from 1 to 8"),
            ("-3", "from 1 to 8"),
            ("all", "found `all`"),
            ("1,2", "found `1,2`"),
            ("3-2", "in order"),
            ("1-3, 3", "without repeats"),
            ("18446744073709551616", "from 1 to 8"),
        ] {
            let error = read(text, 8).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
