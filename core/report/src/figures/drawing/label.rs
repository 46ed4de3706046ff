//! Labels that distinguish names: different names of the study have different labels in a figure.

use crate::figures::drawing::canvas::{fit, fit_two, width, wrap};
use jackpot_results::Named;
use std::collections::BTreeSet;

/// A name that needs a label.
#[derive(Clone, Copy)]
pub(crate) struct Name<'a> {
    /// The name in the study file.
    name: &'a str,
    /// The title for people.
    title: &'a str,
}

impl<'a> Name<'a> {
    pub fn of(named: &'a Named) -> Name<'a> {
        Name {
            name: &named.name,
            title: &named.title,
        }
    }

    /// A title without another name.
    pub fn only(title: &'a str) -> Name<'a> {
        Name { name: title, title }
    }
}

/// The label of each name in at most `lines` lines of width `room`: its title, cut at the end if it
/// does not fit. If several labels would then be equal, they are cut in the middle or lose their
/// common beginning, or the names in the study file are used.
pub(crate) fn labels(
    all: &[Name<'_>],
    size: i32,
    room: i32,
    lines: impl Fn(usize) -> usize,
) -> Vec<Vec<String>> {
    let plain = |(i, name): (usize, &Name<'_>)| match lines(i) {
        0 | 1 => vec![fit(name.title, size, room)],
        _ => fit_two(name.title, size, room),
    };
    let mut found: Vec<Vec<String>> = all.iter().enumerate().map(plain).collect();
    for first in 0..all.len() {
        let alike: Vec<usize> = (0..all.len())
            .filter(|i| found[*i] == found[first])
            .collect();
        if alike.len() < 2 {
            continue;
        }
        let titles: Vec<&str> = alike.iter().map(|i| all[*i].title).collect();
        let common = common_words(&titles);
        let room_of = |place: usize| (room, lines(alike[place]).max(1));
        let each = |text: &dyn Fn(usize) -> String| -> Vec<Vec<String>> {
            let one = |place| cut_middle(&text(place), size, room_of(place));
            (0..alike.len()).map(one).collect()
        };
        let ways = [
            each(&|place| titles[place].to_owned()),
            each(&|place| format!("…{}", &titles[place][common..])),
            each(&|place| all[alike[place]].name.to_owned()),
            each(&|place| format!("{}: {}", alike[place] + 1, all[alike[place]].name)),
        ];
        let others: BTreeSet<&Vec<String>> = (0..all.len())
            .filter(|i| !alike.contains(i))
            .map(|i| &found[i])
            .collect();
        let apart = |way: &&Vec<Vec<String>>| {
            let own: BTreeSet<&Vec<String>> = way.iter().collect();
            own.len() == way.len() && own.is_disjoint(&others)
        };
        if let Some(way) = ways.iter().find(apart) {
            for (i, label) in alike.iter().zip(way.clone()) {
                found[*i] = label;
            }
        }
    }
    found
}

/// The length of the common beginning of all titles, in whole words.
fn common_words(titles: &[&str]) -> usize {
    let Some(first) = titles.first() else {
        return 0;
    };
    let ends = first.match_indices(' ').map(|(at, _)| at + 1);
    let shared = |end: &usize| titles.iter().all(|t| t.get(..*end) == first.get(..*end));
    ends.take_while(shared).last().unwrap_or(0)
}

/// The text in `lines` lines. If it does not fit, its middle is replaced by an ellipsis.
fn cut_middle(text: &str, size: i32, (room, lines): (i32, usize)) -> Vec<String> {
    let whole = wrap(text, size, room);
    if whole.len() <= lines {
        return whole;
    }
    if lines > 1 {
        let mut kept = whole[..lines - 1].to_vec();
        let letters: Vec<char> = text.chars().collect();
        let rest = (1..letters.len()).map(|from| tail(&letters, from));
        kept.extend(rest.into_iter().find(|t| width(t, size) <= room));
        return kept;
    }
    let letters: Vec<char> = text.chars().collect();
    let cut = |kept: usize| {
        let start: String = letters[..kept.div_ceil(2)].iter().collect();
        let end: String = letters[letters.len() - kept / 2..].iter().collect();
        format!("{}…{}", start.trim_end(), end.trim_start())
    };
    let fits = |kept: &usize| width(&cut(*kept), size) <= room;
    let kept = (2..letters.len()).rev().find(fits).unwrap_or(2);
    vec![cut(kept.min(letters.len()))]
}

fn tail(letters: &[char], from: usize) -> String {
    let end: String = letters[from..].iter().collect();
    format!("…{}", end.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::drawing::canvas::TEXT;

    fn of(titles: &[&str], room: i32, lines: usize) -> Vec<String> {
        let names: Vec<String> = (0..titles.len()).map(|i| format!("t-{i}")).collect();
        let all: Vec<Name> = titles
            .iter()
            .zip(&names)
            .map(|(title, name)| Name { name, title })
            .collect();
        let found = labels(&all, TEXT, room, |_| lines);
        for label in &found {
            assert!(label.len() <= lines, "{label:?}");
            for line in label {
                assert!(width(line, TEXT) <= room, "{line}");
            }
        }
        found.iter().map(|label| label.join("|")).collect()
    }

    fn are_apart(labels: &[String]) -> bool {
        labels.iter().collect::<BTreeSet<_>>().len() == labels.len()
    }

    #[test]
    fn titles_that_have_room_or_differ_at_once_are_as_ever() {
        let short = of(&["SNIP", "GraSP"], 300, 1);
        assert_eq!(short, ["SNIP", "GraSP"]);
        let long = [
            "SNIP, scored once on one balanced batch",
            "GraSP, scored once on one balanced batch",
        ];
        let found = of(&long, 300, 1);
        assert_eq!(found[0], fit(long[0], TEXT, 300));
        assert!(found[0].ends_with('…'), "{found:?}");
    }

    #[test]
    fn what_differs_at_its_end_or_in_its_middle_is_told_apart() {
        let ratios = [0.1, 0.3, 0.5]
            .map(|k| format!("Random ticket, smart ratio with linear keep ratio {k}"));
        let ratios = ratios.each_ref().map(String::as_str);
        for (room, lines) in [(300, 1), (340, 2), (340, 3)] {
            let found = of(&ratios, room, lines);
            assert!(are_apart(&found), "{found:?}");
            assert!(found[1].ends_with("0.3"), "{found:?}");
        }
        let middles = ["first", "second", "third"].map(|which| {
            format!("Scores of the trained weights, the {which} of three, in the counts of the smart ratio")
        });
        let middles = middles.each_ref().map(String::as_str);
        let found = of(&middles, 360, 1);
        assert!(are_apart(&found), "{found:?}");
        assert!(found[1].starts_with("…second"), "{found:?}");
    }

    #[test]
    fn what_no_cut_tells_apart_has_its_name() {
        let word = "x".repeat(70);
        let same = [format!("{word}a{word}"), format!("{word}b{word}")];
        let found = of(&same.each_ref().map(String::as_str), 300, 1);
        assert_eq!(found, ["t-0", "t-1"]);
    }

    #[test]
    fn forty_of_one_block_are_forty_labels() {
        let titles: Vec<String> = (0..40)
            .map(|i| {
                format!("Random ticket with smart ratios, layer by layer, number {i} of forty")
            })
            .collect();
        let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
        for lines in [1, 2, 3] {
            let found = of(&titles, 300, lines);
            assert!(are_apart(&found), "{found:?}");
        }
    }
}
