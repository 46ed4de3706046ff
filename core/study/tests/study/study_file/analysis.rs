//! `[analysis]`: every field as it is meant, and every slip named with its remedy.

use crate::support::{self, QUICK};
use jackpot_stats::{Claim, Spending, Variance};
use jackpot_study::{Analysis, Arm, CollapsedRuns, ControlOf, Margin, Role, Study};
use std::path::Path;

/// The shipped study (three seeds) with this section.
fn read(section: &str) -> Result<Analysis, String> {
    let text = format!("{QUICK}\n[analysis]\n{section}\n");
    let study = Study::parse(&text, Path::new("/somewhere/quick"));
    study.map(|s| s.analysis).map_err(|e| e.to_string())
}

#[track_caller]
fn good(section: &str) -> Analysis {
    read(section).unwrap_or_else(|e| panic!("{section}: {e}"))
}

#[track_caller]
fn bad(section: &str, expected: &[&str]) {
    match read(section) {
        Ok(_) => panic!("accepted: {section}"),
        Err(error) => {
            for words in expected {
                assert!(error.contains(words), "expected `{words}` in: {error}");
            }
        }
    }
}

const CONTRAST: &str = r#"
[[analysis.contrast]]
claim = "superiority"
plus = "smart"
minus = "uniform"
"#;

/// A section with one contrast of its own, changed.
fn contrast(from: &str, to: &str) -> String {
    assert!(CONTRAST.contains(from), "{from}");
    CONTRAST.replacen(from, to, 1)
}

#[test]
fn without_a_word_the_defaults_hold() {
    let plain = Study::parse(QUICK, Path::new("/somewhere/quick")).unwrap();
    let (plain, empty) = (plain.analysis, good(""));
    assert_eq!(plain, empty);
    assert_eq!(plain.margins.accuracy, Margin::Fixed(0.5));
    assert_eq!(plain.margins.test_loss, Margin::Fixed(0.02));
    assert_eq!(
        (plain.variance, plain.collapsed),
        (Variance::Cell, CollapsedRuns::Apart)
    );
    assert_eq!(
        (plain.looks.as_slice(), plain.spending),
        ([3].as_slice(), Spending::ObrienFleming)
    );
    // The paper's claims and the controls.
    let roles = |role| plain.contrasts.iter().filter(|c| c.role == role).count();
    assert!(
        roles(Role::Question) > 5
            && roles(Role::Positive) == 1
            && roles(Role::SameDistribution) == 1
    );
}

#[test]
fn margins_are_numbers_or_shares_of_a_gap() {
    assert_eq!(good("margin = 0.25").margins.accuracy, Margin::Fixed(0.25));
    assert_eq!(good("margin = 1").margins.accuracy, Margin::Fixed(1.0));
    assert_eq!(
        good("loss_margin = 0.01").margins.test_loss,
        Margin::Fixed(0.01)
    );
    let share = Margin::Share {
        share: 0.25,
        plus: Arm::of("dense"),
        minus: Arm::under("snip", "rearrange"),
    };
    for minus in ["-", "−"] {
        let gap = format!("{{ share = 0.25, of = \"dense {minus} snip under rearrange\" }}");
        assert_eq!(good(&format!("margin = {gap}")).margins.accuracy, share);
        assert_eq!(
            good(&format!("loss_margin = {gap}")).margins.test_loss,
            share
        );
    }
    for field in ["margin", "loss_margin"] {
        let of = |value: &str| format!("{field} = {value}");
        bad(&of("0"), &[field, "above 0, found 0"]);
        bad(&of("-0.5"), &[field, "above 0, found -0.5"]);
        bad(&of("nan"), &[field, "above 0"]);
        bad(&of("inf"), &[field, "above 0"]);
        bad(
            &of("\"small\""),
            &[field, "a margin is a number or", "found a string"],
        );
        bad(&of("{ share = 0.25 }"), &[field, "`of`"]);
        bad(
            &of("{ share = 0, of = \"smart - uniform\" }"),
            &["`share`", "above 0, found 0"],
        );
        bad(
            &of("{ share = 0.2, of = \"smart\" }"),
            &["expected two arms", "`smart`"],
        );
        bad(
            &of("{ share = 0.2, of = \"smart - a b\" }"),
            &["expected a ticket", "`a b`"],
        );
        bad(
            &of("{ part = 0.2, of = \"smart - uniform\" }"),
            &["unknown field `part`"],
        );
        bad(
            &of("{ share = 0.2, of = \"smart - unifrom\" }"),
            &[
                "a ticket of this study",
                "`unifrom`",
                "did you mean `uniform`?",
            ],
        );
    }
}

#[test]
fn variance_and_collapsed_runs_have_their_words() {
    assert_eq!(good("variance = \"pooled\"").variance, Variance::Pooled);
    assert_eq!(good("variance = \"cell\"").variance, Variance::Cell);
    bad(
        "variance = \"cells\"",
        &["variance", "did you mean `cell`?"],
    );
    assert_eq!(
        good("collapsed = \"apart\"").collapsed,
        CollapsedRuns::Apart
    );
    assert_eq!(
        good("collapsed = \"excluded\"").collapsed,
        CollapsedRuns::Excluded
    );
    bad(
        "collapsed = \"exclude\"",
        &["collapsed", "did you mean `excluded`?"],
    );
    bad(
        "colapsed = \"apart\"",
        &["unknown field `colapsed`", "did you mean `collapsed`?"],
    );
}

#[test]
fn looks_rise_and_hold_the_number_of_seeds() {
    assert_eq!(good("looks = [3]").looks, [3]);
    let planned = good("looks = [3, 5, 10]\nspending = \"pocock\"");
    assert_eq!(
        (planned.looks.as_slice(), planned.spending),
        ([3, 5, 10].as_slice(), Spending::Pocock)
    );
    assert_eq!(
        good("looks = [2, 3]\nspending = \"obrien-fleming\"").spending,
        Spending::ObrienFleming
    );
    // Each look has a part of the level; between looks there is none.
    let level = |n| planned.level(n);
    assert!(level(3).is_some() && level(4).is_none());
    assert!(level(3).unwrap() + level(5).unwrap() + level(10).unwrap() <= 0.05 + 1e-12);
    bad("looks = []", &["`analysis.looks`", "rising", "[]"]);
    bad("looks = [5, 3]", &["`analysis.looks`", "rising", "[5, 3]"]);
    bad("looks = [3, 3]", &["`analysis.looks`", "rising"]);
    bad("looks = [0, 3]", &["`analysis.looks`", "rising"]);
    bad(
        "looks = [5, 10]",
        &["`analysis.looks`", "3 seeds", "no planned look"],
    );
    bad("looks = 3", &["looks"]);
    bad("spending = \"pocock\"", &["`analysis.spending`", "`looks`"]);
    bad(
        "looks = [3]\nspending = \"pocok\"",
        &["spending", "did you mean `pocock`?"],
    );
}

#[test]
fn own_contrasts_stand_beside_the_standard_ones_or_alone() {
    let standard = good("");
    let of = |analysis: &Analysis, plus: &str, minus: &str| {
        let found = analysis
            .contrasts
            .iter()
            .filter(|c| c.name() == format!("{plus} − {minus}"));
        found.cloned().collect::<Vec<_>>()
    };
    // In the place of the standard one between the same arms.
    let same = good(CONTRAST);
    assert_eq!(same.contrasts.len(), standard.contrasts.len());
    assert_eq!(of(&standard, "smart", "uniform")[0].role, Role::Positive);
    let own = &of(&same, "smart", "uniform")[0];
    assert_eq!(
        (own.claim, own.role, own.family.as_str()),
        (Claim::Superiority, Role::Question, "superiority")
    );
    assert_eq!(own.margins, None);
    // Other arms: one more.
    let more = good(&contrast("\"uniform\"", "\"grasp under rearrange\""));
    assert_eq!(more.contrasts.len(), standard.contrasts.len() + 1);
    let alone = good(&format!("standard = false\n{CONTRAST}"));
    assert_eq!(alone.contrasts, std::slice::from_ref(own));
    assert!(good("standard = false").contrasts.is_empty());
    assert_eq!(good("standard = true").contrasts, standard.contrasts);
    bad("standard = 1", &["standard"]);
}

#[test]
fn a_contrast_says_claim_family_role_and_margins() {
    let own = |section: &str| {
        good(&format!("standard = false\nmargin = 0.4\n{section}"))
            .contrasts
            .remove(0)
    };
    for (word, claim) in [
        ("equivalence", Claim::Equivalence),
        ("non-inferiority", Claim::NonInferiority),
        ("superiority", Claim::Superiority),
    ] {
        assert_eq!(own(&contrast("superiority", word)).claim, claim);
    }
    for (word, role) in [
        ("question", Role::Question),
        ("positive", Role::Positive),
        ("same-law", Role::SameDistribution),
        ("noise-floor", Role::NoiseFloor),
    ] {
        let section = contrast("plus", &format!("role = \"{word}\"\nplus"));
        assert_eq!(own(&section).role, role);
    }
    let family = own(&contrast("plus", "family = \"allocation\"\nplus")).family;
    assert_eq!(family, "allocation");
    // One margin of its own leaves the other as it is for all.
    let margins = own(&contrast("plus", "loss_margin = 0.1\nplus"))
        .margins
        .unwrap();
    assert_eq!(
        (margins.accuracy, margins.test_loss),
        (Margin::Fixed(0.4), Margin::Fixed(0.1))
    );
    let margins = own(&contrast("plus", "margin = 2\nplus")).margins.unwrap();
    assert_eq!(
        (margins.accuracy, margins.test_loss),
        (Margin::Fixed(2.0), Margin::Fixed(0.02))
    );

    bad(
        &contrast("claim = \"superiority\"\n", ""),
        &["missing field `claim`"],
    );
    bad(
        &contrast("plus = \"smart\"\n", ""),
        &["expected `plus` and `minus`"],
    );
    bad(
        &contrast("superiority", "superior"),
        &["unknown variant `superior`", "equivalence"],
    );
    bad(
        &contrast("plus", "role = \"posittive\"\nplus"),
        &["did you mean `positive`?"],
    );
    bad(
        &contrast("minus", "mines"),
        &["unknown field `mines`", "did you mean `minus`?"],
    );
    bad(
        &contrast("plus", "margin = -1\nplus"),
        &["above 0, found -1"],
    );
    bad(
        &contrast("\"smart\"", "\"smrat\""),
        &["`smrat`", "did you mean `smart`?"],
    );
    bad(
        &contrast("\"smart\"", "\"snip under rearange\""),
        &[
            "a check of this study",
            "`rearange`",
            "did you mean `rearrange`?",
        ],
    );
    bad(
        &contrast("\"smart\"", "\"uniform under rearrange\""),
        &["not asked for on `uniform`", "`tickets`"],
    );
    bad(&contrast("\"smart\"", "\"\""), &["expected a ticket"]);
    bad(
        &contrast("\"smart\"", "\"uniform\""),
        &["`analysis.contrast` 1", "compared with itself"],
    );
    bad(&contrast("\"smart\"", "3"), &["plus"]);
}

/// A control is known by what it changes, whatever it is called.
#[test]
fn controls_are_told_from_questions() {
    let text = format!(
        "{}{}",
        support::head(),
        r#"
[[ticket]]
name = "dense"
dense = true
[[ticket]]
name = "lottery"
scores = { method = "magnitude", of = "trained" }
allocation = "global"
[[ticket]]
name = "smart"
scores = { method = "random" }
allocation = "smart-ratio"
[[check]]
name = "order"
redraw = ["order"]
[[check]]
name = "anew"
start = "redrawn"
[[check]]
name = "learned"
start = { object = "0000000000000000000000000000000000000000000000000000000000000000" }
tickets = ["smart"]
[[check]]
name = "both"
start = "redrawn"
redraw = ["order"]
tickets = ["lottery"]
[[check]]
name = "places"
on = "mask"
steps = ["layerwise-rearrange"]
tickets = ["lottery", "smart"]
"#
    );
    let study =
        Study::parse(&text, Path::new("/somewhere/quick")).unwrap_or_else(|e| panic!("{e}"));
    let of = |ticket: &str, check: &str| {
        let arm = Arm::under(ticket, check);
        let found = study.analysis.contrasts.iter().find(|c| c.minus == arm);
        found.map(|c| (c.role, c.family.as_str()))
    };
    for ticket in ["dense", "lottery", "smart"] {
        assert_eq!(
            of(ticket, "order"),
            Some((Role::NoiseFloor, "noise-floor")),
            "{ticket}"
        );
    }
    assert_eq!(of("dense", "anew"), Some((Role::Question, "start-weights")));
    assert_eq!(
        of("lottery", "anew"),
        Some((Role::Question, "start-weights"))
    );
    assert_eq!(
        of("smart", "anew"),
        Some((Role::SameDistribution, "same-law"))
    );
    // Weights of somebody else under a random mask have another law.
    assert_eq!(
        of("smart", "learned"),
        Some((Role::Question, "start-weights"))
    );
    assert_eq!(
        of("lottery", "both"),
        Some((Role::Question, "several-at-once"))
    );
    assert_eq!(
        of("lottery", "places"),
        Some((Role::Question, "kept-weights"))
    );
    assert_eq!(
        of("smart", "places"),
        Some((Role::SameDistribution, "same-law"))
    );
}

/// A study of tickets, checks and a section, with the frame of the shipped one.
fn of_parts(parts: &str) -> Result<Study, String> {
    let text = format!("{}{parts}", support::head());
    Study::parse(&text, Path::new("/somewhere/quick")).map_err(|e| e.to_string())
}

/// The block of STUDY.md that shows the control of placement.
fn shown() -> &'static str {
    let reference = include_str!("../../../STUDY.md");
    let name = reference.find("name = \"snip-in-its-counts\"").unwrap();
    let start = reference[..name].rfind("```toml ticket\n").unwrap() + "```toml ticket\n".len();
    let end = name + reference[name..].find("```").unwrap();
    &reference[start..end]
}

/// What a contrast is judged by, by its subtracted arm.
fn control_of(study: &Study, minus: &str) -> Option<(Role, ControlOf)> {
    let is = |c: &&jackpot_study::Contrast| c.minus.to_string() == minus;
    let found = study.analysis.contrasts.iter().find(is);
    found.map(|c| (c.role, c.control))
}

const DATA: &str = r#"
[[check]]
name = "corrupted"
on = "data"
steps = ["random-labels"]
tickets = ["snip"]
"#;

#[test]
fn inverted_scores_within_the_same_counts_are_the_control_of_placement() {
    let with = of_parts(&format!("{}{DATA}", shown())).unwrap();
    let inverted = "snip-in-its-counts under inverted";
    let positive = Some((Role::Positive, ControlOf::Placement));
    assert_eq!(control_of(&with, inverted), positive);
    let question = |control| Some((Role::Question, control));
    let placement = question(ControlOf::Placement);
    let allocation = question(ControlOf::Allocation);
    assert_eq!(control_of(&with, "snip under rearranged"), placement);
    assert_eq!(control_of(&with, "snip under corrupted"), allocation);

    // Without it a plan says nothing of controls, and its digest is what it was.
    let without = shown().replace("steps = [\"invert\"]", "steps = [\"shuffle-scores\"]");
    let without = of_parts(&format!("{without}{DATA}")).unwrap();
    assert_eq!(control_of(&without, inverted), allocation);
    assert_eq!(control_of(&without, "snip under rearranged"), allocation);
    let plan = |study: &Study| study.analysis.to_json().unwrap();
    assert!(!plan(&without).contains("\"control\""));
    assert!(plan(&with).contains("\"control\":\"placement\""));
    let read: Analysis = serde_json::from_str(&plan(&with)).unwrap();
    assert_eq!(read, with.analysis);

    // Inverted scores that move the counts are another question, and inverted random scores have
    // the same law.
    for (from, to) in [
        ("{ copy = \"snip\" }", "\"global\""),
        (
            "scores = { method = \"snip\" }\nallocation = { copy",
            "scores = { method = \"random\" }\nallocation = { copy",
        ),
    ] {
        assert!(shown().contains(from), "{from}");
        let other = of_parts(&shown().replace(from, to)).unwrap();
        assert_eq!(
            control_of(&other, inverted).unwrap().0,
            Role::Question,
            "{to}"
        );
        assert_eq!(control_of(&other, "snip under rearranged"), allocation);
    }
}

#[test]
fn a_contrast_says_what_it_controls_or_is_controlled_by() {
    let section = |rows: &str| format!("{}\n[analysis]\nstandard = false\n{rows}", shown());
    let contrast = |plus: &str, minus: &str, more: &str| {
        format!(
            "[[analysis.contrast]]\nclaim = \"equivalence\"\nplus = \"{plus}\"\nminus = \"{minus}\"\n{more}\n"
        )
    };
    let copy = "snip-in-its-counts";
    let inverted = format!("{copy} under inverted");
    let control = contrast(
        copy,
        &inverted,
        "role = \"positive\"\ncontrol = \"placement\"",
    );
    let of = |rows: &str, minus: &str| control_of(&of_parts(&section(rows)).unwrap(), minus);
    let placement = Some((Role::Question, ControlOf::Placement));
    let allocation = Some((Role::Question, ControlOf::Allocation));

    let rearranged = contrast("snip", "snip under rearranged", "");
    let both = format!("{rearranged}{control}");
    assert_eq!(of(&both, "snip under rearranged"), placement);
    assert_eq!(of(&rearranged, "snip under rearranged"), allocation);
    let written = contrast("snip", "snip under rearranged", "control = \"allocation\"");
    let both = format!("{written}{control}");
    assert_eq!(of(&both, "snip under rearranged"), allocation);
    // Two tickets: only where it is said.
    let two = contrast("snip", copy, "");
    assert_eq!(of(&format!("{two}{control}"), copy), allocation);
    let two = contrast("snip", copy, "control = \"placement\"");
    assert_eq!(of(&format!("{two}{control}"), copy), placement);

    let refused = |rows: &str, expected: &[&str]| {
        let error = of_parts(&section(rows)).unwrap_err();
        for words in expected {
            assert!(error.contains(words), "expected `{words}` in: {error}");
        }
    };
    refused(
        &two,
        &["snip − snip-in-its-counts", "no control of placement"],
    );
    let law = contrast("snip", copy, "role = \"same-law\"\ncontrol = \"placement\"");
    refused(
        &format!("{law}{control}"),
        &["`analysis.contrast` 1", "`control`"],
    );
    let slip = contrast("snip", copy, "control = \"placment\"");
    refused(&slip, &["did you mean `placement`?"]);
}
