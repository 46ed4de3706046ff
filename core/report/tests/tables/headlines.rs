//! The text of findings beside their numbers: averages are marked as such, differing signs are
//! reported, and nothing is called insensitive without a control.

use crate::synthetic::{SPARSITIES, outline, results, trained};
use jackpot_report::render;
use jackpot_results::{Outline, Results, Run, RunOutcome};
use jackpot_study::{Arm, ControlOf, Role};

/// SNIP is that much better than SNIP rearranged, at each sparsity, and smart ratios than uniform
/// ones, by five seeds that differ by hundredths of a point.
fn made(snip: [f64; 2], smart: f64) -> (Outline, Results) {
    let (mut outline, mut results) = (outline(), results());
    outline.seeds = vec![1, 2, 3, 4, 5];
    outline.analysis.looks = vec![5];
    outline.tables = vec!["verdicts".into()];
    outline.figures.clear();
    results.runs.clear();
    for (sparsity, snip) in SPARSITIES.into_iter().zip(snip) {
        for (seed, noise) in (1..).zip([-0.02, 0.01, 0.0, 0.02, -0.01]) {
            let base = 70.0 + seed as f64;
            for (ticket, check, accuracy) in [
                ("snip", "none", base + snip + noise),
                ("snip", "rearrange", base),
                ("smart", "none", base + smart + noise),
                ("uniform", "none", base),
            ] {
                let name = format!("{ticket} {check} {sparsity} {seed}");
                results.runs.push(Run {
                    setting: None,
                    ticket: ticket.into(),
                    check: check.into(),
                    sparsity: sparsity.into(),
                    seed,
                    outcome: RunOutcome::Done(trained(&name, accuracy, 1.0, Vec::new())),
                    facts: None,
                });
            }
        }
    }
    (outline, results)
}

/// The line of the findings with this title, and the notes in the table of verdicts.
fn said(made: &(Outline, Results), title: &str) -> (String, String) {
    let files = render(&made.0, &made.1).unwrap();
    let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
    let start = format!("- **{title}.** ");
    let page = text("README.md");
    let line = page.lines().find_map(|line| line.strip_prefix(&start));
    let line = line.unwrap_or_else(|| panic!("{title}: {page}"));
    (line.to_owned(), text("tables/verdicts.md"))
}

#[track_caller]
fn holds(text: &str, words: &[&str], others: &[&str]) {
    for words in words {
        assert!(text.contains(words), "expected `{words}` in: {text}");
    }
    for words in others {
        assert!(!text.contains(words), "did not expect `{words}` in: {text}");
    }
}

#[test]
fn an_average_says_that_it_is_one_and_where_signs_differ() {
    let (line, table) = said(&made([-0.8, 0.8], 5.0), "Layerwise rearrange");
    let differ = "average over sparsities whose signs differ (−0.80 at 90 %, +0.80 at 98 %)";
    holds(
        &line,
        &["Undecided (", "SNIP 0.00 ", differ],
        &["Insensitive"],
    );
    holds(
        &table,
        &["an average whose signs differ (−0.80 at 90 %"],
        &[],
    );
    let (line, _) = said(&made([0.1, 0.2], 5.0), "Layerwise rearrange");
    let words = [
        "Insensitive",
        "SNIP +0.15 ",
        "points, average over sparsities, within",
    ];
    holds(&line, &words, &["signs differ", "collapsed"]);
}

#[test]
fn an_average_says_that_collapsed_runs_are_in_it() {
    let mut collapsed = made([0.1, 0.2], 5.0);
    let mut runs = collapsed.1.runs.iter_mut();
    let run = runs.find(|r| r.ticket == "snip" && r.sparsity == "0.98");
    if let RunOutcome::Done(trained) = &mut run.unwrap().outcome {
        trained.accuracy = 10.0;
    }
    let (line, table) = said(&collapsed, "Layerwise rearrange");
    holds(
        &line,
        &[
            "average over sparsities",
            "collapsed or diverged runs in it",
        ],
        &[],
    );
    let notes = [
        "collapsed or diverged runs in the average",
        "average over sparsities without collapse",
    ];
    holds(&table, &notes, &[]);
}

#[test]
fn one_sparsity_is_no_average() {
    let (mut outline, results) = made([0.1, 0.2], 5.0);
    outline.sparsities.truncate(1);
    let mut results = results;
    results.runs.retain(|r| r.sparsity == "0.9");
    let (line, _) = said(&(outline, results), "Layerwise rearrange");
    holds(&line, &["points at 90 %"], &["average"]);
}

#[test]
fn nothing_is_insensitive_where_the_control_is_not_beyond_the_margin() {
    let within = "Uninformative (the interval of its positive control does not lie wholly beyond the margin)";
    // A control that shows without doubt, within the margin.
    let weak = made([0.1, 0.2], 0.3);
    let (line, table) = said(&weak, "Layerwise rearrange");
    holds(
        &line,
        &[within, "average over sparsities"],
        &["Insensitive", "within the margin at"],
    );
    holds(&table, &["uninformative"], &[]);
    let (line, _) = said(&weak, "Positive control");
    holds(
        &line,
        &["Smart random − Uniform random", "0 of 2 cells"],
        &[],
    );
    let (line, _) = said(&made([0.1, 0.2], 5.0), "Positive control");
    holds(&line, &["wholly beyond the margin in 2 of 2 cells"], &[]);

    let mut without = made([0.1, 0.2], 5.0);
    without
        .0
        .analysis
        .contrasts
        .retain(|c| c.role != Role::Positive);
    let (line, _) = said(&without, "Layerwise rearrange");
    holds(
        &line,
        &["Uninformative (it has no positive control)"],
        &["Insensitive"],
    );
    let (line, _) = said(&without, "Positive control");
    holds(&line, &["This study has none"], &[]);
}

#[test]
fn a_control_of_placement_has_a_line_of_its_own() {
    let mut both = made([0.1, 0.2], 5.0);
    let contrasts = &mut both.0.analysis.contrasts;
    let mut placement = contrasts.last().unwrap().clone();
    placement.control = ControlOf::Placement;
    // Whatever it compares: five points, beyond the margin.
    placement.plus = Arm::of("smart");
    placement.minus = Arm::of("snip");
    contrasts.push(placement);
    for contrast in contrasts.iter_mut().filter(|c| c.family == "kept-weights") {
        contrast.control = ControlOf::Placement;
    }
    let (line, table) = said(&both, "Positive control of placement");
    holds(&line, &["Smart random − SNIP", "2 of 2 cells"], &[]);
    assert!(table.contains("insensitive"), "{table}");
    let (line, _) = said(&both, "Layerwise rearrange");
    holds(&line, &["Insensitive"], &[]);
    // Without it nothing is said of it.
    let files = render(&made([0.1, 0.2], 5.0).0, &made([0.1, 0.2], 5.0).1).unwrap();
    let page = String::from_utf8(files["README.md"].clone()).unwrap();
    assert!(!page.contains("of placement"));
}
