//! `jackpot plan` where nothing has been run: it needs no store, and makes none.
use crate::support::{Place, jackpot, outcome};
use std::fs;

#[test]
fn a_plan_needs_no_store_and_makes_none() {
    let place = Place::new();
    let absent = place.folder.path().join("not-yet");
    let plan = |store: Option<&str>| {
        let mut command = jackpot();
        command.current_dir(place.study());
        if let Some(store) = store {
            command.arg("--store").arg(store);
        }
        outcome(command.args(["plan", "."]).output().unwrap())
    };
    let with_a_store = plan(place.store().to_str());
    assert_eq!(with_a_store.0, 0, "{}", with_a_store.2);

    // One that is named and not there; none that is named, and none in a parent folder.
    for store in [absent.to_str(), None] {
        let (code, out, err) = plan(store);
        assert_eq!(code, 0, "{err}");
        assert_eq!(out, with_a_store.1);
        assert!(err.contains("nothing counts as cached"), "{err}");
    }
    assert!(!absent.exists());
    let left: Vec<_> = fs::read_dir(place.study()).unwrap().collect();
    assert_eq!(left.len(), 1, "only the study is there: {left:?}");

    // A folder of something else is no store that is yet to come.
    let other = place.folder.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("notes.txt"), "mine").unwrap();
    let (code, _, err) = plan(other.to_str());
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("FORMAT"), "{err}");
}
