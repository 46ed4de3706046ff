//! A study with several settings: a report for each setting, and one page and one lock for all.

use crate::synthetic::{outline, results};
use jackpot_report::{
    LOCK, ReportFiles, check_report, compare_report, render, summary_lines, write_report,
};
use jackpot_results::{Outline, Results, RunOutcome, SettingOutline};

const SETTINGS: [(&str, &str); 2] = [("resnet", "ResNet-8"), ("vgg", "VGG-19")];

/// The synthetic study in two settings. The second is one point better everywhere.
fn study() -> (Outline, Results) {
    let (mut outline, alone) = (outline(), results());
    let setting = |(name, title): (&str, &str)| {
        let mut named = outline.tickets[0].clone();
        (named.name, named.title) = (name.to_owned(), title.to_owned());
        SettingOutline {
            named,
            facts: outline.facts.clone(),
            ways: outline.ways.clone(),
            subject: outline.subject.clone(),
            but_for_the_rate: usize::from(name != SETTINGS[0].0),
        }
    };
    let settings = SETTINGS.map(setting).to_vec();
    outline.settings = settings;
    let mut results = results();
    results.runs.clear();
    for (i, (name, _)) in SETTINGS.iter().enumerate() {
        results
            .runs
            .extend(alone.runs.iter().cloned().map(|mut run| {
                run.setting = Some((*name).to_owned());
                if let RunOutcome::Done(trained) = &mut run.outcome {
                    trained.accuracy += i as f64;
                    trained.best_accuracy += i as f64;
                }
                run
            }));
    }
    (outline, results)
}

fn text(files: &ReportFiles, name: &str) -> String {
    String::from_utf8(files[name].clone()).unwrap()
}

#[test]
fn each_setting_has_the_report_that_it_would_have_alone() {
    let (both, runs) = study();
    let files = render(&both, &runs).unwrap();
    let alone = render(&outline(), &results()).unwrap();
    for name in alone
        .keys()
        .filter(|n| n.starts_with("tables/") && n.ends_with(".csv"))
    {
        let own = format!("resnet/{name}");
        assert_eq!(text(&files, &own), text(&alone, name), "{own}");
    }
    let (ours, theirs) = ("vgg/tables/accuracy.csv", "resnet/tables/accuracy.csv");
    assert_ne!(files[ours], files[theirs]);
    let page = text(&files, "README.md");
    for (name, title) in SETTINGS {
        assert!(
            page.contains(&format!("## [{title}]({name}/README.md)")),
            "{page}"
        );
        assert!(files.contains_key(&format!("{name}/README.md")));
        assert!(text(&files, &format!("{name}/README.md")).contains(&format!(": {title}")));
        let shell = format!("cd reports/made-up/{name}/tables");
        assert!(text(&files, &format!("{name}/README.md")).contains(&shell));
        assert!(text(&files, LOCK).contains(&format!("path = \"{name}/tables/runs.csv\"")));
    }
    let lines = summary_lines(&both, &runs).unwrap();
    assert!(
        lines.iter().any(|l| l.starts_with("VGG-19: Sparsity 98 %")),
        "{lines:?}"
    );
}

#[test]
fn every_table_has_all_settings_in_the_studys_own_folder() {
    let (both, runs) = study();
    let files = render(&both, &runs).unwrap();
    for name in &both.tables {
        let file = format!("tables/{name}.csv");
        let whole = text(&files, &file);
        let mut lines = whole.lines();
        let header = lines.next().unwrap();
        // A reason may hold line breaks: rows are known by how they begin.
        for (setting, _) in SETTINGS {
            let own = text(&files, &format!("{setting}/{file}"));
            let (first, rest) = own.split_once('\n').unwrap();
            assert_eq!(header, format!("setting,{first}"), "{file}");
            for row in rest.lines().filter(|l| l.matches('"').count() % 2 == 0) {
                assert!(
                    whole.contains(&format!("{setting},{row}\n")),
                    "{file}: {setting}: {row}"
                );
            }
        }
        for ending in ["md", "tex", "parquet"] {
            assert!(files.contains_key(&format!("tables/{name}.{ending}")));
        }
        let page = text(&files, "README.md");
        assert!(page.contains(&format!("[CSV]({file})")), "{page}");
        assert!(text(&files, "index.html").contains(&format!("href=\"{file}\"")));
    }
    let people = text(&files, "tables/accuracy.md");
    assert!(people.contains("| ResNet-8 | SNIP |"), "{people}");
    assert!(people.contains("| VGG-19 | SNIP |"), "{people}");
    // Runs are listed in each setting alone: `--beside` compares them there.
    assert!(!files.contains_key("tables/runs.csv"));
    assert!(
        !render(&outline(), &results())
            .unwrap()
            .keys()
            .any(|n| n.starts_with("resnet"))
    );
}

#[test]
fn a_file_of_no_report_and_another_result_are_seen_in_every_setting() {
    let (both, mut runs) = study();
    let files = render(&both, &runs).unwrap();
    let folder = tempfile::tempdir().unwrap();
    write_report(folder.path(), &files).unwrap();
    assert_eq!(check_report(folder.path(), &files).unwrap(), [""; 0]);
    std::fs::write(folder.path().join("vgg/tables/old.csv"), "").unwrap();
    let expected = ["`vgg/tables/old.csv` is not of this report"];
    assert_eq!(check_report(folder.path(), &files).unwrap(), expected);
    let changed = runs
        .runs
        .iter_mut()
        .rev()
        .find_map(|r| match &mut r.outcome {
            RunOutcome::Done(trained) => Some(trained),
            _ => None,
        });
    changed.unwrap().metrics = jackpot_store::Digest::of(b"elsewhere");
    let other = render(&both, &runs).unwrap();
    let words = compare_report(folder.path(), &other).unwrap().join("\n");
    assert!(words.contains("resnet: results: 76 of 76 runs"), "{words}");
    assert!(words.contains("vgg: results: 75 of 76 runs"), "{words}");
}
