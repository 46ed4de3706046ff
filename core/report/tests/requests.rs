//! `reports/README.md` says which file answers which request: every table and figure that it names
//! exists, and the studies that it names ask for it.

#![allow(clippy::unwrap_used)] // helpers of tests, too, may unwrap

use jackpot_results::Outline;
use jackpot_study::{FIGURES, TABLES};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Number, outputs (`table` or `figure`, name), studies.
type Request = (u32, Vec<(String, String)>, Vec<String>);

fn reports() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports")
}

/// The text between backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(String::from)
        .collect()
}

fn requests(text: &str) -> Vec<Request> {
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let number = cells.get(1)?.parse().ok()?;
        let outputs = cells[3].split(", ").filter_map(|output| {
            let (kind, _) = output.split_once(" `")?;
            Some((kind.to_owned(), quoted(output).remove(0)))
        });
        let outputs = outputs.filter(|(kind, _)| kind != "column").collect();
        Some((number, outputs, quoted(cells[4])))
    });
    rows.collect()
}

/// The errors in the row of one request.
fn faults(request: &Request, studies: &BTreeMap<String, Outline>) -> Vec<String> {
    let (number, outputs, names) = request;
    let mut faults = Vec::new();
    if outputs.is_empty() != names.is_empty() {
        faults.push(format!(
            "{number}: an output without a study, or the other way round"
        ));
    }
    for (kind, name) in outputs {
        let known = match kind.as_str() {
            // Drawn for every study.
            "table" if name == "runs" => continue,
            "table" => TABLES,
            "figure" => FIGURES,
            other => {
                faults.push(format!(
                    "{number}: `{other}` is neither a table nor a figure"
                ));
                continue;
            }
        };
        if !known.contains(&name.as_str()) {
            faults.push(format!("{number}: there is no {kind} `{name}`"));
        }
        for study in names {
            let Some(outline) = studies.get(study) else {
                faults.push(format!("{number}: there is no study `{study}`"));
                continue;
            };
            let asked = match kind.as_str() {
                "table" => &outline.tables,
                _ => &outline.figures,
            };
            if !asked.contains(name) {
                faults.push(format!(
                    "{number}: `{study}` does not ask for the {kind} `{name}`"
                ));
            }
        }
    }
    faults
}

fn studies() -> BTreeMap<String, Outline> {
    let folders = std::fs::read_dir(reports()).unwrap();
    let folders = folders.map(|f| f.unwrap().path());
    let studies = folders.filter(|f| f.join("study.toml").is_file());
    let outlines = studies.map(|f| jackpot_results::outline(&f).unwrap());
    outlines.map(|o| (o.name.clone(), o)).collect()
}

#[test]
fn every_request_has_its_file() {
    let text = std::fs::read_to_string(reports().join("README.md")).unwrap();
    let requests = requests(&text);
    let numbers: Vec<u32> = requests.iter().map(|r| r.0).collect();
    assert_eq!(numbers, (1..=23).collect::<Vec<_>>());
    let open: Vec<u32> = requests
        .iter()
        .filter(|r| r.1.is_empty())
        .map(|r| r.0)
        .collect();
    assert!(open.is_empty(), "without an output: {open:?}");
    let studies = studies();
    let faults: Vec<String> = requests.iter().flat_map(|r| faults(r, &studies)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_wrong_row_is_seen() {
    let studies = studies();
    let fault = |row: &str, expected: &str| {
        let request = requests(row).remove(0);
        let found = faults(&request, &studies).join("\n");
        assert!(found.contains(expected), "{found}");
    };
    fault(
        "| 1 | x | table `accurracy` | `quick` |",
        "there is no table `accurracy`",
    );
    fault(
        "| 1 | x | figure `hybrid` | `quick` |",
        "does not ask for the figure",
    );
    fault(
        "| 1 | x | table `accuracy` | `quickly` |",
        "there is no study `quickly`",
    );
    fault("| 1 | x | none | `quick` |", "an output without a study");
}
