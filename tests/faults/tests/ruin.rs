//! A finished study of which every file is damaged, in every way: the audit names each, and the
//! next run makes the same study again.
use crate::mortal::Mortal;
use jackpot_test_cli::support::outcome;
use jackpot_test_faults::count;
use jackpot_test_store::{DAMAGES, Damage, IN_PLACE};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

#[test]
fn a_study_in_ruins_is_made_again() {
    let whole = Mortal::finished();
    let (actions, pin) = (whole.place.actions(), whole.place.pin());
    let (mut caught, mut tried) = (0, 0);
    for damage in &DAMAGES[..IN_PLACE] {
        let ruin = whole.copy();
        let damaged = damage_all(damage, &ruin.place.store());
        let said = audit(&ruin, 1);
        tried += damaged.len();
        caught += damaged.iter().filter(|name| said.contains(*name)).count();

        let (code, out, err) = outcome(ruin.run().output().unwrap());
        let words = format!("`{}`: {out}{err}", damage.name);
        assert_eq!(code, 0, "{words}");
        assert!(!words.contains("panicked"), "{words}");
        assert!(out.contains(&format!(" {} ran,", actions.len())), "{words}");
        assert_eq!(ruin.place.actions(), actions, "`{}`", damage.name);
        assert_eq!(ruin.place.pin(), pin, "`{}`", damage.name);
        remove_records(&ruin, &damaged);
        audit(&ruin, 0);
    }
    count("corruptions of a study caught", caught, tried);
    assert_eq!(caught, tried);
}

/// Damages every action and every object; returns their names.
fn damage_all(damage: &Damage, store: &Path) -> BTreeSet<String> {
    let mut damaged = BTreeSet::new();
    for folder in ["objects", "actions"] {
        for path in named_files(&store.join(folder)) {
            (damage.inflict)(&path);
            damaged.insert(format!("{folder}/{}/{}", &name(&path)[..2], name(&path)));
        }
    }
    damaged
}

fn named_files(folder: &Path) -> Vec<PathBuf> {
    let fan = fs::read_dir(folder).unwrap();
    let within = |entry: fs::DirEntry| fs::read_dir(entry.path()).unwrap();
    let files = fan.flat_map(|entry| within(entry.unwrap()));
    files.map(|entry| entry.unwrap().path()).collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// What the audit says; its exit code is checked.
fn audit(mortal: &Mortal, expected: i32) -> String {
    let (code, out, err) = mortal.audit();
    assert_eq!(code, expected, "{out}{err}");
    out
}

/// Records of the first run are damaged objects that nothing makes again and nothing refers to
/// any more: moved away, as the audit says of them. So are plugins that were not needed.
fn remove_records(mortal: &Mortal, damaged: &BTreeSet<String>) {
    let mut made: BTreeSet<String> = BTreeSet::new();
    for (key, outputs) in mortal.place.actions() {
        made.insert(key);
        let outputs = outputs.as_object().unwrap().values();
        made.extend(outputs.map(|digest| digest.as_str().unwrap().to_owned()));
    }
    for object in damaged.iter().filter(|name| name.starts_with("objects/")) {
        let path = mortal.place.store().join(object);
        if !made.contains(&name(&path)) && fs::symlink_metadata(&path).is_ok() {
            if path.is_dir() && !path.is_symlink() {
                fs::remove_dir_all(path).unwrap()
            } else {
                fs::remove_file(path).unwrap()
            }
        }
    }
}
