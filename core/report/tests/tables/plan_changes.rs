//! A change of the plan after the first training is noted beside every verdict that it affects.

use crate::synthetic::{outline, results};
use jackpot_report::render;
use jackpot_results::Outline;
use jackpot_stats::Claim;
use jackpot_study::{Analysis, Arm, Contrast, DeclaredAnalysis, Margin, Role};

fn declared(analysis: &Analysis, done: u64, seen: bool) -> DeclaredAnalysis {
    DeclaredAnalysis {
        sha256: analysis.digest().unwrap().to_string(),
        seeds: outline().seeds,
        done,
        of: 60,
        seen,
        plan: analysis.to_json().unwrap(),
    }
}

/// The verdicts in Markdown, and the rows of the CSV file.
fn verdicts(outline: &Outline) -> (String, Vec<String>) {
    let mut outline = outline.clone();
    outline.tables = vec!["verdicts".into()];
    outline.figures.clear();
    let files = render(&outline, &results()).unwrap();
    let text = |file: &str| String::from_utf8(files[file].clone()).unwrap();
    let rows = text("tables/verdicts.csv");
    (
        text("tables/verdicts.md"),
        rows.lines().skip(1).map(String::from).collect(),
    )
}

#[test]
fn a_plan_that_was_kept_marks_nothing() {
    let mut outline = outline();
    outline.declared = vec![declared(&outline.analysis, 0, false)];
    let (page, rows) = verdicts(&outline);
    assert!(
        page.contains("was declared before the first training"),
        "{page}"
    );
    let marked = rows.iter().filter(|r| r.contains("plan change"));
    assert_eq!(marked.count(), 0);
    assert!(!page.to_lowercase().contains("plan change"));
    // A first plan that was replaced before anything was trained is no change either.
    let mut earlier = outline.analysis.clone();
    earlier.margins.accuracy = Margin::Fixed(2.0);
    outline.declared.insert(0, declared(&earlier, 0, false));
    assert!(!verdicts(&outline).0.to_lowercase().contains("plan change"));
}

#[test]
fn a_margin_that_was_changed_marks_every_verdict() {
    let mut outline = outline();
    let mut before = outline.analysis.clone();
    before.margins.accuracy = Margin::Fixed(0.25);
    outline.declared = vec![
        declared(&before, 0, false),
        declared(&outline.analysis, 60, true),
    ];
    let (page, rows) = verdicts(&outline);
    for words in [
        "*Plan change 1*: the analysis plan was changed when 60 of 60 trainings were done and a report had been drawn",
        "margin of accuracy: 0.25 → 0.5",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!rows.is_empty());
    for row in &rows {
        assert!(row.contains("plan change 1"), "{row}");
    }
}

#[test]
fn a_contrast_that_was_added_marks_its_family_and_one_that_is_not_declared_all() {
    let mut outline = outline();
    let before = outline.analysis.clone();
    outline.analysis.contrasts.push(Contrast {
        claim: Claim::Superiority,
        family: "late".into(),
        role: Role::Question,
        plus: Arm::of("snip"),
        minus: Arm::of("grasp"),
        control: Default::default(),
        less: None,
        trend: Vec::new(),
        margins: None,
    });
    outline.declared = vec![
        declared(&before, 0, false),
        declared(&outline.analysis, 30, false),
    ];
    let (_, rows) = verdicts(&outline);
    let (late, others): (Vec<_>, Vec<_>) = rows.iter().partition(|r| r.starts_with("late,"));
    assert!(!late.is_empty() && !others.is_empty());
    assert!(late.iter().all(|r| r.contains("plan change 1")), "{late:?}");
    assert!(
        others.iter().all(|r| !r.contains("plan change")),
        "{others:?}"
    );

    // Not run since: the lock does not know it.
    outline.declared.pop();
    let (page, rows) = verdicts(&outline);
    assert!(
        page.contains("another analysis than was declared"),
        "{page}"
    );
    assert!(rows.iter().all(|r| r.contains("plan change 1")));
}
