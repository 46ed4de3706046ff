//! `STUDY.md` is what people copy from: every block of it is a study, or a part of the first one.
use jackpot_study::{Check, Study, Sweep, Ticket};
use std::{collections::BTreeSet, path::Path};

const REFERENCE: &str = include_str!("../../../STUDY.md");

/// Fenced blocks: the words after "```", and the text.
fn blocks() -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut lines = REFERENCE.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            continue;
        };
        let text: Vec<&str> = lines.by_ref().take_while(|l| *l != "```").collect();
        found.push((info, text.join("\n") + "\n"));
    }
    found
}

/// The first study with one part more, or with a top-level line in place of its own.
fn with(base: &str, part: &str) -> String {
    let Some((key, _)) = part.split_once(" = ").filter(|_| !part.starts_with('[')) else {
        return format!("{base}\n{part}");
    };
    let own = base
        .lines()
        .find(|l| l.starts_with(&format!("{key} = ")))
        .expect("the first study has the key that a block replaces");
    base.replace(own, part.trim_end())
}

#[test]
fn every_block_of_the_reference_is_read() {
    let blocks = blocks();
    let (info, base) = &blocks[0];
    assert_eq!(*info, "toml");
    let (mut tickets, mut checks) = (0, 0);
    for (info, block) in &blocks {
        let text = match *info {
            "toml" => block.clone(),
            "toml study" => with(base, block),
            "toml ticket" | "toml check" => format!("{base}\n{block}"),
            other => panic!("a block of an unknown kind: `{other}`"),
        };
        let study = Study::parse(&text, Path::new("reports/reference"))
            .unwrap_or_else(|e| panic!("{e}\n{text}"));
        // What one block with `each` stands for has one name as it was written.
        let written = |name: &String, series: &Option<Sweep>| {
            series.as_ref().map_or(name, |s| &s.name).clone()
        };
        let distinct = |names: Vec<String>| names.into_iter().collect::<BTreeSet<_>>().len();
        let named = |t: &Ticket| written(&t.name, &t.series);
        tickets += distinct(study.tickets().iter().map(named).collect()) - 1;
        let named = |c: &Check| written(&c.name, &c.series);
        checks += distinct(study.checks.iter().map(named).collect());
    }
    let blocks = |name: &str| REFERENCE.lines().filter(|l| *l == name).count();
    assert_eq!(tickets, blocks("[[ticket]]") - 1);
    assert_eq!(checks, blocks("[[check]]"));
}

#[test]
fn a_slip_in_a_block_is_seen() {
    let (_, base) = blocks().swap_remove(0);
    let text = base.replace("dense = true", "dence = true");
    let error = Study::parse(&text, Path::new("reports/reference")).unwrap_err();
    assert!(error.0.contains("did you mean `dense`?"), "{error}");
}
