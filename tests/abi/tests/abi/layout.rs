//! One layout: what C makes of the header, what Rust makes of the mirror, and what was
//! frozen as 1.1 are the same table.
use crate::build::{compiler, root, run_well};
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

fn file(path: &str) -> String {
    fs::read_to_string(root().join("core/abi").join(path)).unwrap()
}

/// The table that a C program prints from this header.
fn table_of_c(header: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("jackpot.h"), header).unwrap();
    fs::write(path("layout.c"), file("layout/layout.c")).unwrap();
    run_well(
        compiler("CC", "cc")
            .args([
                "-std=c11", "-Wall", "-Wextra", "-Werror", "layout.c", "-o", "layout",
            ])
            .current_dir(folder.path()),
    );
    run_well(&mut Command::new(path("layout")))
}

#[test]
fn c_and_rust_and_the_frozen_table_agree() {
    let golden = file("layout/1.1.txt");
    assert_eq!(table_of_c(&file("include/jackpot.h")), golden);
    assert_eq!(jackpot_abi::layout::table(), golden);
}

#[test]
fn an_inserted_field_or_a_moved_constant_changes_the_table() {
    let header = file("include/jackpot.h");
    for (from, to) in [
        ("  double keep; ", "  uint64_t inserted; double keep; "),
        ("uint64_t n, n_out;", "uint64_t n_out, n;"),
        ("JKP_E_PANIC = 7", "JKP_E_PANIC = 8"),
        ("JKP_NESTED = 1u << 6", "JKP_NESTED = 1u << 8"),
    ] {
        let broken = header.replacen(from, to, 1);
        assert_ne!(broken, header, "`{from}` is not in the header");
        assert_ne!(table_of_c(&broken), file("layout/1.1.txt"), "{from}");
    }
}

/// No field is left out: sizes add up, since there is no padding.
#[test]
fn the_fields_of_each_struct_fill_it() {
    let mut sizes: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let golden = file("layout/1.1.txt");
    for line in golden.lines().filter(|line| !line.contains('=')) {
        let words: Vec<&str> = line.split(' ').collect();
        let size: usize = words[3].parse().unwrap();
        let (whole, fields) = sizes.entry(words[0]).or_default();
        match words[1] {
            "-" => *whole = size,
            field => {
                assert_eq!(
                    words[2].parse::<usize>().unwrap(),
                    *fields,
                    "{field} follows a hole"
                );
                *fields += size;
            }
        }
    }
    assert_eq!(
        sizes.len(),
        file("include/jackpot.h").matches("typedef struct ").count()
    );
    for (name, (whole, fields)) in sizes {
        assert_eq!(whole, fields, "{name}");
    }
}

/// No constant is left out.
#[test]
fn every_enumerator_is_in_the_table() {
    let header = file("include/jackpot.h");
    let golden = file("layout/1.1.txt");
    let in_header = header
        .split(|c: char| c.is_whitespace() || c == '{' || c == ',')
        .collect::<Vec<_>>()
        .windows(2)
        .filter(|pair| pair[0].starts_with("JKP_") && pair[1] == "=")
        .map(|pair| pair[0].to_owned())
        .collect::<Vec<_>>();
    let in_table: Vec<String> = golden
        .lines()
        .filter_map(|line| line.split_once(" = ").map(|(name, _)| name.to_owned()))
        .collect();
    assert_eq!(in_header, in_table);
}

/// 1.1 only appends: every size, offset and constant of 1.0 stands in it, in the same order.
#[test]
fn nothing_of_the_first_version_moved() {
    let (first, now) = (file("layout/1.0.txt"), file("layout/1.1.txt"));
    let mut lines = now.lines();
    for line in first.lines() {
        assert!(lines.any(|later| later == line), "`{line}` moved");
    }
    let added = now
        .lines()
        .filter(|line| !first.lines().any(|old| old == *line));
    assert_eq!(added.collect::<Vec<_>>(), ["JKP_CHANGES_STRUCTURE = 128"]);
}
