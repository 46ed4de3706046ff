//! Circles of imports: modules that can only be understood together.
//!
//! `cargo test -p xtask --release --test tidy circles -- --nocapture` lists the largest of every
//! crate: its modules, the edges that shrink it most where they are cut, and all its edges.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::modules::{Edges, Modules};

/// The largest set of modules of which each reaches every other one.
pub fn largest(count: usize, edges: &Edges) -> BTreeSet<usize> {
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut before = next.clone();
    for &(from, to) in edges.keys() {
        next[from].push(to);
        before[to].push(from);
    }
    let mut left: BTreeSet<usize> = (0..count).collect();
    let mut largest = BTreeSet::new();
    while let Some(&start) = left.first() {
        let (ahead, behind) = (reached(start, &next), reached(start, &before));
        let circle: BTreeSet<usize> = ahead.intersection(&behind).copied().collect();
        left.retain(|module| !circle.contains(module));
        if circle.len() > largest.len() {
            largest = circle;
        }
    }
    largest
}

/// Every module that paths from `start` lead to, and `start` itself.
fn reached(start: usize, next: &[Vec<usize>]) -> BTreeSet<usize> {
    let (mut reached, mut waiting) = (BTreeSet::from([start]), vec![start]);
    while let Some(module) = waiting.pop() {
        for &to in &next[module] {
            if reached.insert(to) {
                waiting.push(to);
            }
        }
    }
    reached
}

/// What somebody who wants to cut the circle has to know.
pub fn listing(name: &str, modules: &Modules) -> String {
    let edges = modules.edges();
    let circle = largest(modules.0.len(), &edges);
    let (all, size) = (modules.0.len(), circle.len());
    let mut text = format!("{name}: {size} of {all} modules import each other in a circle\n");
    if size < 2 {
        return text;
    }
    let names: Vec<String> = circle.iter().map(|module| modules.name(*module)).collect();
    let inner: Vec<(usize, usize)> = edges
        .keys()
        .filter(|(from, to)| circle.contains(from) && circle.contains(to))
        .copied()
        .collect();
    let line = |&(from, to): &(usize, usize)| {
        let places: Vec<&str> = edges[&(from, to)].iter().map(String::as_str).collect();
        let (from, to) = (modules.name(from), modules.name(to));
        format!("{from} -> {to}: {}", places.join(", "))
    };
    let mut cuts: Vec<(usize, &(usize, usize))> = inner
        .iter()
        .map(|edge| {
            let mut without = edges.clone();
            without.remove(edge);
            (largest(modules.0.len(), &without).len(), edge)
        })
        .filter(|(left, _)| *left < size)
        .collect();
    cuts.sort();
    let _ = writeln!(text, "  modules: {}", names.join(", "));
    let _ = writeln!(text, "  how large it is without one edge, {}:", cuts.len());
    for (left, edge) in cuts {
        let _ = writeln!(text, "    {left}  {}", line(edge));
    }
    let _ = writeln!(text, "  edges, {}:", inner.len());
    for edge in &inner {
        let _ = writeln!(text, "    {}", line(edge));
    }
    text
}

/// A crate of a few lines a file, and its modules.
fn made_up(files: &[(&str, &str)]) -> Modules {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    Modules::read(&folder.path().join("lib.rs")).unwrap()
}

/// `a -> b` for every edge.
fn edges(modules: &Modules) -> Vec<String> {
    let edges = modules.edges();
    let line =
        |(from, to): &(usize, usize)| format!("{} -> {}", modules.name(*from), modules.name(*to));
    edges.keys().map(line).collect()
}

fn circle(modules: &Modules) -> Vec<String> {
    let circle = largest(modules.0.len(), &modules.edges());
    circle.iter().map(|module| modules.name(*module)).collect()
}

#[test]
fn a_circle_is_found_and_a_cut_one_is_not() {
    let whole = [
        ("lib.rs", "mod a; mod b; mod c; mod d; pub use a::A;"),
        ("a.rs", "use crate::b::B; pub struct A(B);"),
        ("b.rs", "pub struct B; pub fn f() { super::c::g() }"),
        ("c.rs", "pub fn g() { println!(\"{}\", crate::a::A::x()) }"),
        ("d.rs", "use crate::{a::A, b}; fn h(_: A) { b::f() }"),
    ];
    let found = made_up(&whole);
    assert_eq!(circle(&found), ["a", "b", "c"]);
    let listing = listing("made-up", &found);
    assert!(
        listing.starts_with("made-up: 3 of 5 modules import each other"),
        "{listing}"
    );
    assert!(
        listing.contains("1  c -> a: crate::a::A::x (c.rs:1)"),
        "{listing}"
    );
    assert!(!listing.contains("d ->"), "{listing}");

    let mut cut = whole;
    cut[3].1 = "/// As [`crate::a::A`].\npub fn g() {}";
    assert_eq!(circle(&made_up(&cut)).len(), 1);
}

#[test]
fn what_only_tests_use_is_no_edge() {
    let modules = made_up(&[
        ("lib.rs", "mod a; mod b; #[cfg(test)] mod only_for_tests;"),
        (
            "a.rs",
            "use crate::b::B; pub struct A(B); impl A { #[cfg(test)] fn t() { crate::b::f() } }",
        ),
        (
            "b.rs",
            "pub struct B; #[cfg(test)] use crate::a::A; #[cfg(test)] fn f() { crate::a::g() }
             #[cfg(test)] mod tests { use super::*; use crate::a::A; }",
        ),
    ]);
    assert_eq!(edges(&modules), ["a -> b"]);
    // What is not compiled for tests is code.
    let modules = made_up(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "#[cfg(not(test))] use crate::b::B;"),
        ("b.rs", "pub struct B;"),
    ]);
    assert_eq!(edges(&modules), ["a -> b"]);
}

#[test]
fn a_path_leads_to_the_module_that_it_names_and_through_the_root() {
    let modules = made_up(&[
        (
            "lib.rs",
            "mod error; mod room; mod user; pub use error::Error; pub(crate) use room::*;",
        ),
        ("error.rs", "pub struct Error;"),
        (
            "room.rs",
            "pub mod inner; mod other; pub use other::Thing as Renamed; pub fn key() {}
             mod local { pub fn deep() { super::key() } }",
        ),
        (
            "room/inner.rs",
            "use super::Renamed; pub fn f(_: Renamed) {}",
        ),
        (
            "room/other.rs",
            "#[derive(S)] pub struct Thing { #[s(with = \"crate::error\")] pub x: u8 }",
        ),
        (
            "user.rs",
            "use crate::Error; fn f() -> Error { crate::key(); crate::inner::f() } ",
        ),
    ]);
    assert_eq!(
        edges(&modules),
        [
            "room::inner -> room",
            "room::other -> error",
            "user -> error",
            "user -> room",
            "user -> room::inner",
        ]
    );
    let exported: Vec<String> = modules.exported_types().into_iter().collect();
    assert_eq!(exported, ["Error"]);
}

#[test]
fn a_receiver_is_no_module() {
    let modules = made_up(&[
        ("lib.rs", "mod facts; mod results; pub use results::facts;"),
        (
            "facts.rs",
            "pub struct Facts; impl Facts { fn f(&self) { self.g() } fn g(&self) {} }",
        ),
        ("results.rs", "pub fn facts() {}"),
    ]);
    assert_eq!(edges(&modules), [""; 0]);
}

#[test]
fn a_module_is_made_of_those_inside_it_and_may_use_them() {
    let modules = made_up(&[
        (
            "lib.rs",
            "mod room; pub struct Shared; fn f() { room::f() }",
        ),
        (
            "room.rs",
            "mod inner; use self::inner::g; pub fn f() { crate::room::inner::g() }",
        ),
        (
            "room/inner.rs",
            "pub fn g() { super::f() } fn h(_: crate::Shared) {}",
        ),
    ]);
    assert_eq!(
        edges(&modules),
        ["room::inner -> crate", "room::inner -> room"]
    );
}

#[test]
fn exported_is_what_another_crate_can_name() {
    let modules = made_up(&[
        (
            "lib.rs",
            "pub mod open; mod shut; pub use shut::{Shown, Old as New}; pub struct Root;
             pub(crate) struct Hidden; pub mod inline { pub enum Inline {} }
             flags! { pub struct Flags: u8 { } }",
        ),
        (
            "open.rs",
            "pub trait Open {} struct Private; fn f() { pub struct Local; }",
        ),
        (
            "shut.rs",
            "pub struct Shown; pub struct Old; pub struct Unseen;",
        ),
    ]);
    let exported: Vec<String> = modules.exported_types().into_iter().collect();
    assert_eq!(
        exported,
        ["Flags", "Inline", "New", "Open", "Root", "Shown"]
    );
}
