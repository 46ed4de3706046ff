//! The evidence of a study whose masks have no room in it: what a report reads of them is in the
//! survey, and the report is the same to the byte.

#![allow(clippy::unwrap_used)] // helpers of tests, too, may unwrap

use jackpot_report::{ReportFiles, reads_overlaps, render};
use jackpot_results::{collect, evidence_within, outline, overlaps};
use jackpot_store::Store;
use jackpot_study::{RunManifest, summarise_masks};
use std::path::{Path, PathBuf};

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports/quick")
}

/// The report of `quick` as it is drawn from this store.
fn report(store: &Store) -> ReportFiles {
    let outline = outline(&shipped()).unwrap();
    let mut results = collect(store, "quick").unwrap();
    assert!(reads_overlaps(&outline));
    results.overlaps = overlaps(store, &results).unwrap();
    assert!(!results.overlaps.is_empty());
    render(&outline, &results).unwrap()
}

fn bundle(folder: &Path, name: &str, bytes: &[u8]) -> Store {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    Store::open(&path).unwrap()
}

fn has_masks(store: &Store, pin: &RunManifest) -> bool {
    let masks: Vec<_> = pin.cells.iter().filter_map(|cell| cell.mask).collect();
    let there = masks.iter().filter(|mask| store.has(mask)).count();
    assert!(
        masks.len() > 50 && (there == 0 || there == masks.len()),
        "{there}"
    );
    there > 0
}

#[test]
fn a_report_is_the_same_where_only_a_survey_of_the_masks_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(&folder.path().join("store")).unwrap();
    store
        .import(&shipped().join("evidence.tar.zst"), false)
        .unwrap();
    let mut pin = RunManifest::read(&store, "quick").unwrap();
    assert!(has_masks(&store, &pin));
    let whole = report(&store);

    // Without a survey masks are taken along, whatever the room.
    let all = evidence_within(&store, "quick", 0).unwrap();
    assert!(has_masks(&bundle(folder.path(), "all.tar.zst", &all), &pin));

    pin.survey = Some(summarise_masks(&store, "quick", &pin).unwrap());
    assert_eq!(
        pin.survey,
        Some(summarise_masks(&store, "quick", &pin).unwrap())
    );
    pin.write(&store, "quick").unwrap();
    let room = all.len() as u64 * 2;
    let with = evidence_within(&store, "quick", room).unwrap();
    assert!(has_masks(
        &bundle(folder.path(), "with.tar.zst", &with),
        &pin
    ));
    let without = evidence_within(&store, "quick", 0).unwrap();
    assert!(without.len() < all.len(), "{} {}", without.len(), all.len());
    let small = bundle(folder.path(), "without.tar.zst", &without);
    assert!(!has_masks(&small, &pin));
    let drawn = report(&small);
    assert_eq!(
        drawn.keys().collect::<Vec<_>>(),
        whole.keys().collect::<Vec<_>>()
    );
    for (path, bytes) in &whole {
        assert!(drawn[path] == *bytes, "{path} is another");
    }
    // What is drawn from the evidence has the same evidence.
    assert_eq!(evidence_within(&small, "quick", 0).unwrap(), without);

    // Its twin without the survey knows of no ticket what it keeps.
    pin.survey = None;
    let lost = Store::create(&folder.path().join("lost")).unwrap();
    lost.import(&folder.path().join("without.tar.zst"), false)
        .unwrap();
    pin.write(&lost, "quick").unwrap();
    let results = collect(&lost, "quick").unwrap();
    assert!(results.runs.iter().all(|run| run.facts.is_none()));
    assert!(overlaps(&lost, &results).unwrap().is_empty());
}
