//! Neutral words: no page, table or figure of a report judges a ticket or a check.

#![allow(clippy::unwrap_used)] // helpers of tests, too, may unwrap

mod neutral;
mod synthetic;

use jackpot_report::{ReportFiles, render};
use jackpot_results::{Outline, Results, RunOutcome};
use jackpot_stats::{Direction, Uncontrolled, Verdict, Why};
use jackpot_store::Store;
use jackpot_study::{DeclaredAnalysis, FIGURES, TABLES};
use neutral::{judging, shown};
use std::path::Path;
use synthetic::{outline, results};

/// Every judging word of a report's texts, with its file.
fn found(files: &ReportFiles) -> Vec<String> {
    let texts = files.iter().filter_map(|(name, bytes)| {
        let ending = name.rsplit_once('.')?.1;
        let text = ["html", "md", "tex", "csv", "svg", "lock"].contains(&ending);
        text.then(|| (name, String::from_utf8(bytes.clone()).unwrap()))
    });
    let all = texts.flat_map(|(name, text)| {
        let faults = judging(&shown(name, &text)).into_iter();
        faults
            .map(move |f| format!("{name}: {f}"))
            .collect::<Vec<_>>()
    });
    all.collect()
}

/// Everything that a report can draw.
fn whole() -> (Outline, Results) {
    let (mut outline, mut results) = (outline(), results());
    outline.tables = TABLES.iter().map(|t| (*t).to_owned()).collect();
    outline.figures = FIGURES.iter().map(|f| (*f).to_owned()).collect();
    // Enough seeds for a verdict, a little apart.
    outline.seeds.extend([4, 5, 6]);
    outline.analysis.looks = vec![6];
    let more = results.runs.clone().into_iter().map(|mut run| {
        run.seed += 3;
        if let RunOutcome::Done(t) = &mut run.outcome {
            t.accuracy += 0.1;
        }
        run
    });
    results.runs.extend(more.collect::<Vec<_>>());
    // Clear differences at one sparsity: verdicts with a direction.
    for run in results.runs.iter_mut().filter(|r| r.sparsity == "0.9") {
        if let RunOutcome::Done(t) = &mut run.outcome {
            t.accuracy += match (run.ticket.as_str(), run.check.as_str()) {
                ("lottery", "none") => 6.0,
                ("snip", "none") | (_, "rearrange") => -6.0,
                _ => 0.0,
            };
        }
    }
    // An analysis that was declared late: its changes are said.
    outline.declared = vec![DeclaredAnalysis {
        sha256: outline.analysis.digest().unwrap().to_string(),
        seeds: vec![1],
        done: 12,
        of: 93,
        seen: true,
        plan: outline.analysis.to_json().unwrap(),
    }];
    (outline, results)
}

#[test]
fn no_page_table_or_figure_judges() {
    let (outline, results) = whole();
    let files = render(&outline, &results).unwrap();
    assert_eq!(found(&files), Vec::<String>::new());
    let page = String::from_utf8(files["index.html"].clone()).unwrap();
    for said in [
        "Findings",
        "More accurate",
        "Less accurate",
        "Sensitive",
        "insensitive",
        "Undecided",
    ] {
        assert!(page.contains(said), "`{said}` is among what was read");
    }
    // The broken twin: a ticket that is called one is found in every kind of file.
    let mut proud = outline.clone();
    proud.tickets[2].title = "SNIP, the winner".into();
    let found = found(&render(&proud, &results).unwrap());
    for ending in ["html", "md", "tex"] {
        let of = |f: &&String| f.contains(&format!(".{ending}: "));
        assert!(found.iter().any(|f| of(&f)), "{ending}: {found:?}");
    }
}

#[test]
fn the_report_that_ships_does_not_judge() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports/quick");
    let store = Store::open(&folder.join(jackpot_results::EVIDENCE)).unwrap();
    let outline = jackpot_results::outline(&folder).unwrap();
    let mut results = jackpot_results::collect(&store, &outline.name).unwrap();
    results.overlaps = jackpot_results::overlaps(&store, &results).unwrap();
    let files = render(&outline, &results).unwrap();
    assert_eq!(found(&files), Vec::<String>::new());
}

#[test]
fn no_verdict_judges() {
    let why = [
        Why::NoPairs,
        Why::Unfinished,
        Why::NotPlanned,
        Why::TooFewSeeds,
        Why::NoMargin,
        Why::Multiplicity,
        Why::NotEverywhere,
        Why::Open,
    ];
    let uncontrolled = [
        Uncontrolled::NoControl,
        Uncontrolled::NotJudged,
        Uncontrolled::NotBeyond,
    ];
    let directions = [
        Direction::Superior,
        Direction::NotInferior,
        Direction::Inferior,
        Direction::Open,
    ];
    let verdicts = [
        Verdict::Insensitive {
            small_but_real: true,
        },
        Verdict::Sensitive {
            beyond_margin: true,
        },
        Verdict::Identical,
        Verdict::Uninformative(Uncontrolled::NoControl),
    ];
    let mut words: Vec<String> = why.map(|w| w.to_string()).to_vec();
    words.extend(uncontrolled.map(|w| w.to_string()));
    words.extend(directions.map(|d| d.word().to_owned()));
    words.extend(verdicts.map(|v| v.to_string()));
    let found: Vec<_> = words.iter().flat_map(|w| judging(w)).collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_judging_word_is_found_and_a_neutral_one_is_not() {
    for bad in [
        "SNIP fails the check",
        "GraSP passes layerwise rearrange.",
        "the best method at 98 %",
        "Smart *beats* LT",
        "The winner is",
        "<td>Good</td>",
        "a check that failed the check",
    ] {
        assert_eq!(judging(bad).len(), 1, "{bad}");
    }
    for fine in [
        "2 of 3 failed: out of memory",
        "best epoch, %",
        "the best learning rate",
        "sensitive; superior",
        "3bad4f win32 bad0",
    ] {
        assert_eq!(judging(fine), Vec::<String>::new(), "{fine}");
    }
    let page =
        "<p>sensitive</p><style>.good {}</style><img src=\"data:x/win/bad\"><p>insensitive</p>";
    assert_eq!(
        shown("a.html", page),
        "<p>sensitive</p><img ><p>insensitive</p>"
    );
    assert_eq!(judging(&shown("a.md", page)).len(), 3);
}
