//! What a report refuses, what `--check` and `--beside` report, and whether a shell computes the
//! same digests.

#![allow(clippy::unwrap_used)] // helpers of tests, too, may unwrap

mod synthetic;

use jackpot_report::{
    LOCK, ReportFiles, check_report, compare_report, render, summary_lines, write_report,
};
use jackpot_results::{Outline, Results, RunOutcome};
use jackpot_store::Digest;
use jackpot_study::{FIGURES, TABLES};
use std::fs;
use std::process::Command;
use synthetic::{outline, results};

fn report() -> ReportFiles {
    render(&outline(), &results()).unwrap()
}

fn text(files: &ReportFiles, name: &str) -> String {
    String::from_utf8(files[name].clone()).unwrap()
}

#[track_caller]
fn refused(break_it: impl FnOnce(&mut Outline, &mut Results), expected: &str) {
    let (mut outline, mut results) = (outline(), results());
    break_it(&mut outline, &mut results);
    let message = render(&outline, &results).unwrap_err().to_string();
    assert!(message.contains(expected), "{message}");
}

#[test]
fn the_headline_says_what_the_tables_say() {
    let lines = summary_lines(&outline(), &results()).unwrap();
    let (page, table) = (
        text(&report(), "README.md"),
        text(&report(), "tables/accuracy.md"),
    );
    assert!(page.contains(&lines[0]), "{}", lines[0]);
    assert!(lines.len() > 2, "{lines:?}");
    for line in &lines[1..] {
        let (_, tickets) = line.split_once(": ").unwrap();
        for ticket in tickets.split("; ").filter(|ticket| ticket.contains('±')) {
            let words: Vec<&str> = ticket.split(' ').collect();
            let accuracy = words[words.len() - 3..].join(" ");
            assert!(
                table.contains(&accuracy),
                "{ticket} is not in tables/accuracy.md"
            );
        }
    }
}

#[test]
fn what_does_not_fit_the_study_is_refused() {
    refused(
        |_, r| r.study = Digest::of(b"another"),
        "run the study again",
    );
    refused(
        |o, _| o.tables.push("acuracy".into()),
        "table `acuracy`: expected one of `accuracy`",
    );
    refused(
        |o, _| o.figures.push("runs".into()),
        "figure `runs`: expected one of `accuracy`",
    );
    refused(
        |_, r| r.runs[3].ticket = "snipp".into(),
        "whose ticket is not in study.toml",
    );
    refused(
        |_, r| r.runs[3].check = "shuffle".into(),
        "whose check is not in study.toml",
    );
    refused(
        |_, r| r.runs[3].sparsity = "0.5".into(),
        "whose sparsity is not in study.toml",
    );
    refused(|_, r| r.runs[3].seed = 9, "whose seed is not in study.toml");
    refused(|_, r| r.runs.push(r.runs[3].clone()), "is there twice");
    refused(
        |_, r| done(r, |t| t.accuracy = 8100.0),
        "must lie between 0 and 100 %, found 8100",
    );
    refused(
        |_, r| done(r, |t| t.best_accuracy = f64::NAN),
        "must lie between 0 and 100 %",
    );
    refused(
        |_, r| done(r, |t| t.layers[0].2 = t.layers[0].1 + 1),
        "more weights of a layer",
    );
    refused(
        |_, r| done(r, |t| t.layers[0].0 = "conv9".into()),
        "other layers",
    );
}

/// Changes the training of one unmodified lottery ticket.
fn done(results: &mut Results, change: impl FnOnce(&mut jackpot_results::TrainedRun)) {
    let run = results
        .runs
        .iter_mut()
        .find(|r| r.ticket == "lottery" && r.check == "none" && r.seed == 2);
    if let Some(RunOutcome::Done(trained)) = run.map(|r| &mut r.outcome) {
        change(trained);
    }
}

#[test]
fn a_diverged_loss_is_named_and_kept_out_of_means() {
    let (outline, mut results) = (outline(), results());
    done(&mut results, |t| t.test_loss = f64::NAN);
    let table = text(&render(&outline, &results).unwrap(), "tables/accuracy.md");
    let row = table
        .lines()
        .find(|l| l.starts_with("| Lottery ticket | – |"))
        .unwrap();
    assert!(
        row.contains("| – | 3 | 0 | 1 of 3 diverged (loss not finite) |"),
        "{row}"
    );
}

/// The links of a page for which the report has no file.
fn dead_links(files: &ReportFiles, page: &str) -> Vec<String> {
    let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
    let html = text(files, page);
    let links = html
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    let links = links.filter(|link| !link.starts_with('#'));
    let links = links.map(|link| link.split('#').next().unwrap_or_default());
    let answered = |link: &&str| {
        let path = match link.strip_prefix("../") {
            Some(above) => above.to_owned(),
            None if folder.is_empty() => (*link).to_owned(),
            None => format!("{folder}/{link}"),
        };
        files.contains_key(&path)
    };
    let mut dead: Vec<String> = links.filter(|l| !answered(l)).map(String::from).collect();
    dead.dedup();
    dead
}

#[test]
fn each_setting_has_its_page_and_the_study_s_page_leads_to_them() {
    let (mut outline, mut results) = (outline(), results());
    let setting = |(name, title): (&str, &str)| jackpot_results::SettingOutline {
        named: jackpot_results::Named {
            name: name.into(),
            title: title.into(),
            series: None,
        },
        facts: outline.facts.clone(),
        ways: outline.ways.clone(),
        subject: outline.subject.clone(),
        but_for_the_rate: 0,
    };
    let settings = [("small", "A small <net>"), ("large", "A large net")].map(setting);
    outline.settings = settings.to_vec();
    let runs = std::mem::take(&mut results.runs);
    for name in ["small", "large"] {
        results
            .runs
            .extend(runs.iter().cloned().map(|run| jackpot_results::Run {
                setting: Some(name.into()),
                ..run
            }));
    }
    let mut files = render(&outline, &results).unwrap();
    for page in ["index.html", "small/index.html", "large/index.html"] {
        assert_eq!(dead_links(&files, page), Vec::<String>::new(), "{page}");
    }
    let whole = text(&files, "index.html");
    assert!(whole.contains("A small &lt;net&gt;"), "{whole}");
    assert!(whole.contains("href=\"large/index.html\""), "{whole}");
    files.remove("large/index.html");
    assert_eq!(dead_links(&files, "index.html"), ["large/index.html"]);
}

/// A single seed gives means but no standard deviation, interval or verdict.
#[test]
fn one_seed_is_given_no_deviation_and_no_verdict() {
    let (mut outline, mut results) = (outline(), results());
    outline.seeds.truncate(1);
    outline.analysis.looks = vec![1, 5];
    outline.tables = TABLES.iter().map(|t| (*t).to_owned()).collect();
    outline.figures = FIGURES.iter().map(|f| (*f).to_owned()).collect();
    let said = |outline: &Outline, results: &Results| {
        let files = render(outline, results).unwrap();
        let tables = files.keys().filter(|name| name.ends_with(".md"));
        let rows: Vec<String> = tables
            .flat_map(|name| {
                text(&files, name)
                    .lines()
                    .map(String::from)
                    .collect::<Vec<_>>()
            })
            .filter(|line| line.starts_with("| "))
            .collect();
        let page = text(&files, "index.html");
        let findings = page
            .split("<section id=\"study\"")
            .next()
            .unwrap()
            .to_owned();
        (rows, findings)
    };
    results.runs.retain(|r| r.seed == 1);
    let (rows, findings) = said(&outline, &results);
    assert!(rows.len() > 100, "{}", rows.len());
    let odd = rows.iter().find(|row| {
        row.contains('±')
            || row.contains("sensitive")
            || row.contains("NaN")
            || row.contains("inf ")
    });
    assert_eq!(odd, None);
    assert!(findings.contains("Undecided"), "{findings}");
    for word in ["nsensitive", "accurate:", "±", "NaN"] {
        assert!(!findings.contains(word), "{word}: {findings}");
    }
    // The broken twin: three seeds have deviations.
    outline.seeds = vec![1, 2, 3];
    let (rows, _) = said(&outline, &synthetic::results());
    assert!(rows.iter().any(|row| row.contains('±')));
}

/// The first number with more than six decimals in a text, with the text before it.
fn unsettled(text: &str) -> Option<&str> {
    let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
    let points = text.match_indices('.').map(|(i, _)| i);
    let mut long = points.filter(|i| {
        let before = text[..*i].bytes().next_back();
        before.is_some_and(|b| b.is_ascii_digit()) && digits(&text[i + 1..]) > 6
    });
    let i = long.next()?;
    Some(&text[text.floor_char_boundary(i.saturating_sub(20))..text.floor_char_boundary(i + 20)])
}

#[test]
fn no_number_shows_its_last_bits() {
    for (name, bytes) in report() {
        if [".html", ".md", ".tex", ".csv"]
            .iter()
            .any(|e| name.ends_with(e))
        {
            let text = String::from_utf8(bytes).unwrap();
            assert_eq!(unsettled(&text), None, "{name}");
        }
    }
    assert_eq!(unsettled("0.123456 1.5"), None);
    assert!(unsettled("about 0.30000000000000004 %").is_some());
}

#[test]
fn a_reason_cannot_break_a_table() {
    let files = report();
    let table = text(&files, "tables/accuracy.md");
    let row = table.lines().find(|l| l.contains("1 failed: ")).unwrap();
    assert!(row.contains(r"scores \| not finite layer `conv1`"), "{row}");
    let bars = row.replace(r"\|", "").matches('|').count();
    assert_eq!(bars, 10, "{row}");
}

#[test]
fn a_shell_finds_the_same_input_digests() {
    let folder = tempfile::tempdir().unwrap();
    let files = report();
    write_report(&folder.path().join("reports/made-up"), &files).unwrap();
    // The commands of the page itself.
    let page = text(&files, "README.md");
    let script = page
        .split("```sh\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let shell = |script: &str| {
        let output = Command::new("sh")
            .args(["-ec", script])
            .current_dir(folder.path())
            .output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let digests = shell(script);
    let digests: Vec<&str> = digests
        .lines()
        .map(|l| l.split(' ').next().unwrap())
        .collect();
    let named = [
        (digests[0], "accuracy"),
        (digests[0], "differences"),
        (digests[0], "verdicts"),
        (digests[1], "layers"),
    ];
    for (digest, name) in named {
        let table = text(&files, &format!("tables/{name}.md"));
        assert!(
            table.ends_with(&format!("\nInputs: sha256 `{digest}`\n")),
            "{name}: {digest}"
        );
    }
    // The lock's own digests are those of `sha256sum`.
    for line in text(&files, LOCK)
        .lines()
        .filter_map(|l| l.strip_prefix("path = "))
    {
        let path = line.trim_matches('"');
        let sum = shell(&format!("sha256sum reports/made-up/{path}"));
        let sum = sum.split(' ').next().unwrap();
        let lock = text(&files, LOCK);
        let entry = lock
            .split("[[output]]")
            .find(|e| e.contains(&format!("\"{path}\"")))
            .unwrap();
        assert!(entry.contains(&format!("sha256 = \"{sum}\"")), "{path}");
    }
}

#[test]
fn the_digest_of_inputs_follows_the_results() {
    let changed = |change: fn(&mut jackpot_results::TrainedRun)| {
        let mut results = results();
        done(&mut results, change);
        render(&outline(), &results).unwrap()
    };
    let line =
        |files: &ReportFiles, name: &str| text(files, name).lines().last().unwrap().to_owned();
    let first = report();
    let metrics = changed(|t| t.metrics = Digest::of(b"other metrics"));
    assert_ne!(
        line(&first, "tables/accuracy.md"),
        line(&metrics, "tables/accuracy.md")
    );
    assert_ne!(
        first["figures/accuracy.svg"],
        metrics["figures/accuracy.svg"]
    );
    assert_eq!(
        line(&first, "tables/layers.md"),
        line(&metrics, "tables/layers.md")
    );
    let mask = changed(|t| t.mask = Some(Digest::of(b"other mask")));
    assert_ne!(
        line(&first, "tables/layers.md"),
        line(&mask, "tables/layers.md")
    );
    assert_ne!(first["figures/layers.png"], mask["figures/layers.png"]);
    assert_eq!(first["figures/accuracy.png"], mask["figures/accuracy.png"]);
}

#[test]
fn check_names_what_is_not_as_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let files = report();
    write_report(folder.path(), &files).unwrap();
    fs::write(
        folder.path().join("study.toml"),
        "not of the report, not looked at",
    )
    .unwrap();
    assert_eq!(check_report(folder.path(), &files).unwrap(), [""; 0]);
    let svg = folder.path().join("figures/layers.svg");
    let mut bytes = fs::read(&svg).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&svg, bytes).unwrap();
    fs::remove_file(folder.path().join(LOCK)).unwrap();
    fs::write(folder.path().join("tables/old.csv"), "").unwrap();
    let expected = [
        "`figures/layers.svg` differs",
        "`study.lock` is missing",
        "`tables/old.csv` is not of this report",
    ];
    assert_eq!(check_report(folder.path(), &files).unwrap(), expected);
}

#[test]
fn beside_says_in_words_how_two_reports_compare() {
    let folder = tempfile::tempdir().unwrap();
    let files = report();
    write_report(folder.path(), &files).unwrap();
    let same = compare_report(folder.path(), &files).unwrap().join("\n");
    let outputs = files.len() - 1;
    let outputs = format!("outputs: {outputs} of {outputs} are byte for byte the committed ones");
    for line in [
        "study.toml: the same",
        "device class: the same (`cpu-avx2`)",
        &outputs,
        "results: 76 of 76 runs that both have are bit for bit the same",
        "accuracy: single runs are at most 0.00 points apart, means of a cell at most 0.00",
    ] {
        assert!(same.contains(line), "{same}");
    }
    let mut other = results();
    other.device_class = "cpu-avx512".into();
    done(&mut other, |t| {
        t.accuracy += 1.5;
        t.metrics = Digest::of(b"elsewhere");
    });
    let other = render(&outline(), &other).unwrap();
    let words = compare_report(folder.path(), &other).unwrap().join("\n");
    for line in [
        "device class: committed `cpu-avx2`, here `cpu-avx512`",
        "results: 75 of 76 runs that both have are bit for bit the same",
        "accuracy: single runs are at most 1.50 points apart, means of a cell at most 0.50",
        "differ: `README.md`, `figures/accuracy.png`",
    ] {
        assert!(words.contains(line), "{words}");
    }
}

#[test]
fn beside_trusts_no_list_that_the_lock_does_not_name() {
    let folder = tempfile::tempdir().unwrap();
    let files = report();
    write_report(folder.path(), &files).unwrap();
    let runs = folder.path().join("tables/runs.csv");
    let bent = text(&files, "tables/runs.csv").replace(",83.", ",84.");
    fs::write(&runs, bent).unwrap();
    let message = compare_report(folder.path(), &files)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("runs.csv: is not the file that `study.lock` names"),
        "{message}"
    );
    fs::write(folder.path().join(LOCK), "format = 2\n").unwrap();
    let message = compare_report(folder.path(), &files)
        .unwrap_err()
        .to_string();
    assert!(message.contains("study.lock"), "{message}");
}
