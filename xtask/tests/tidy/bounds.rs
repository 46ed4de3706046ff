//! Bounds that keep the code readable, and today's exceptions with their exact numbers. An
//! exception may neither grow nor stay here when it has become smaller: whoever mends one
//! tightens the table in the same commit, and what is mended does not come back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::visit::{self, Visit};

use crate::circles::{largest, listing};
use crate::modules::Modules;
use crate::workspace::{Package, Target, packages};
use crate::{committed, root, sources};

/// Numbers by what was counted.
type Counts = BTreeMap<String, usize>;

/// A rule, the number that nothing may exceed, and what exceeds it today.
struct Bound {
    rule: &'static str,
    most: usize,
    exceptions: &'static [(&'static str, usize)],
}

const CIRCLES: Bound = Bound {
    rule: "modules of a crate in one circle of imports",
    most: 6,
    exceptions: &[],
};

const FOLDERS: Bound = Bound {
    rule: "source files in a folder",
    most: 15,
    exceptions: &[],
};

const TYPE_NAMES: Bound = Bound {
    rule: "crates of core that export a type of one name",
    most: 1,
    exceptions: &[],
};

const BOOLEAN_MATCHES: Bound = Bound {
    rule: "`match` on a bool in a crate",
    most: 0,
    exceptions: &[],
};

impl Bound {
    /// What is wrong, with the table that would be right.
    fn judge(&self, counts: &Counts) -> Result<(), String> {
        let known: BTreeMap<&str, usize> = self.exceptions.iter().copied().collect();
        let count = |name: &str| counts.get(name).copied().unwrap_or(0);
        let names: BTreeSet<&str> = counts
            .keys()
            .map(String::as_str)
            .chain(known.keys().copied())
            .collect();
        let wrong: Vec<String> = names
            .into_iter()
            .filter_map(|name| {
                let (found, may) = (count(name), known.get(name).copied());
                match may {
                    None if found <= self.most => None,
                    None => Some(format!("{name}: {found}, at most {} may be", self.most)),
                    Some(may) if found > may => Some(format!(
                        "{name}: {found}, more than today's exception of {may}"
                    )),
                    Some(may) if found < may || may <= self.most => Some(format!(
                        "{name}: {found}, better than its exception of {may}: tighten the table"
                    )),
                    Some(_) => None,
                }
            })
            .collect();
        if wrong.is_empty() {
            return Ok(());
        }
        let table: String = counts
            .iter()
            .filter(|(_, count)| **count > self.most)
            .map(|(name, count)| format!("    (\"{name}\", {count}),\n"))
            .collect();
        Err(format!(
            "{}:\n  {}\nthe exceptions in xtask/tests/tidy/bounds.rs as they are now:\n{table}",
            self.rule,
            wrong.join("\n  ")
        ))
    }

    #[track_caller]
    fn hold(&self, counts: &Counts) {
        assert!(!counts.is_empty(), "{}: nothing was counted", self.rule);
        if let Err(wrong) = self.judge(counts) {
            panic!("{wrong}");
        }
    }
}

/// The libraries and programs of the workspace's crates, by name.
fn targets(packages: &[Package]) -> Vec<(String, &Target)> {
    packages
        .iter()
        .flat_map(|package| package.targets.iter().map(move |target| (package, target)))
        .filter(|(_, target)| {
            let aside = ["test", "example", "bench", "custom-build"];
            !aside.iter().any(|kind| target.is(kind))
        })
        .map(|(package, target)| {
            let both = package.targets.iter().any(|target| target.is("lib")) && target.is("bin");
            let suffix = if both { " (program)" } else { "" };
            (format!("{}{suffix}", package.name), target)
        })
        .collect()
}

#[test]
fn circles_of_imports_are_small() {
    let mut counts = Counts::new();
    let mut listings = String::new();
    for (name, target) in targets(&packages()) {
        let modules = Modules::read(&target.source).unwrap();
        let size = largest(modules.0.len(), &modules.edges()).len();
        if size > CIRCLES.most {
            listings += &listing(&name, &modules);
        }
        counts.insert(name, size);
    }
    println!("{listings}");
    if let Err(wrong) = CIRCLES.judge(&counts) {
        panic!("{wrong}\n{listings}");
    }
    assert!(counts.len() > 20, "only {} targets were read", counts.len());
}

#[test]
fn folders_are_small() {
    let mut counts = Counts::new();
    for name in committed(&["*.rs", "*.c", "*.h", "*.py", "*.js"]) {
        let folder = Path::new(&name).parent().unwrap();
        *counts.entry(folder.display().to_string()).or_default() += 1;
    }
    FOLDERS.hold(&counts);
}

#[test]
fn a_type_name_means_one_thing_in_core() {
    let mut counts = Counts::new();
    for (name, target) in targets(&packages()) {
        let in_core = target.source.starts_with(root().join("core"));
        if !in_core || !target.is("lib") {
            continue;
        }
        let exported = Modules::read(&target.source).unwrap().exported_types();
        assert!(!exported.is_empty(), "{name} exports no type");
        for name in exported {
            if !["Error", "Result"].contains(&name.as_str()) {
                *counts.entry(name).or_default() += 1;
            }
        }
    }
    TYPE_NAMES.hold(&counts);
}

#[test]
fn a_bool_is_asked_by_if() {
    let packages = packages();
    let mut counts = Counts::new();
    for (name, text) in sources() {
        let package = packages
            .iter()
            .filter(|package| Path::new(&name).starts_with(package.folder()))
            .max_by_key(|package| package.manifest.as_os_str().len());
        let package = package.map_or(name.as_str(), |package| package.name.as_str());
        *counts.entry(package.to_owned()).or_default() += boolean_matches(&text);
    }
    BOOLEAN_MATCHES.hold(&counts);
}

/// How many `match`es have an arm for `true` or `false`: clippy's `match_bool`, which says
/// nothing of those that macros hold.
fn boolean_matches(text: &str) -> usize {
    struct Counter(usize);
    impl<'a> Visit<'a> for Counter {
        fn visit_expr_match(&mut self, found: &'a syn::ExprMatch) {
            let on_bool = found.arms.iter().any(|arm| {
                matches!(&arm.pat, syn::Pat::Lit(literal) if matches!(literal.lit, syn::Lit::Bool(_)))
            });
            self.0 += usize::from(on_bool);
            visit::visit_expr_match(self, found);
        }
    }
    let mut counter = Counter(0);
    counter.visit_file(&syn::parse_file(text).unwrap());
    counter.0
}

#[test]
fn a_match_on_a_bool_is_counted_and_others_are_not() {
    let text = "fn f(a: bool, b: Option<bool>) -> u8 {
        match a { true => match !a { false => 1, _ => 2 }, false => 3 };
        match b { Some(true) => 4, _ => 5 };
        if a { 6 } else { 7 }
    }";
    assert_eq!(boolean_matches(text), 2);
}

#[test]
fn contributing_says_the_bounds() {
    let text = std::fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    for Bound { rule, most, .. } in [CIRCLES, FOLDERS, TYPE_NAMES, BOOLEAN_MATCHES] {
        let row = format!("| {rule} | {most}");
        let said = text.lines().any(|line| line.starts_with(&row));
        assert!(said, "CONTRIBUTING.md has no row `{row}`");
    }
}

#[test]
fn an_exception_may_neither_grow_nor_stay_when_it_is_mended() {
    const BOUND: Bound = Bound {
        rule: "things",
        most: 6,
        exceptions: &[("a", 9)],
    };
    let judge = |counts: &[(&str, usize)]| {
        let counts = counts
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count));
        BOUND.judge(&counts.collect())
    };
    assert_eq!(judge(&[("a", 9), ("b", 6)]), Ok(()));
    for (counts, says) in [
        ([("a", 9), ("b", 7)], "b: 7, at most 6 may be"),
        (
            [("a", 10), ("b", 1)],
            "a: 10, more than today's exception of 9",
        ),
        ([("a", 8), ("b", 1)], "a: 8, better than its exception of 9"),
        ([("a", 6), ("b", 1)], "a: 6, better than its exception of 9"),
        ([("b", 1), ("c", 1)], "a: 0, better than its exception of 9"),
    ] {
        let wrong = judge(&counts).unwrap_err();
        assert!(wrong.contains(says), "{wrong}");
    }
    let wrong = judge(&[("a", 8)]).unwrap_err();
    assert!(
        wrong.ends_with("as they are now:\n    (\"a\", 8),\n"),
        "{wrong}"
    );
}
