//! Every kind of damage, to every kind of file: reading fails with a type, the audit names
//! the file, and the store mends itself by the next run.

use crate::{Sample, named};
use jackpot_store::{Committed, Error};
use jackpot_test_store::{DAMAGES, IN_PLACE};
use std::{fs, os::unix::fs::PermissionsExt};

#[test]
fn objects() {
    for damage in &DAMAGES[..IN_PLACE] {
        let (sample, [action, _]) = Sample::filled();
        assert_eq!(sample.problems(), [""; 0], "before `{}`", damage.name);
        let digest = action.outputs["scores"];
        let path = sample.object(&digest);
        (damage.inflict)(&path);

        let is_file = fs::symlink_metadata(&path).unwrap().is_file();
        assert_eq!(sample.store.has(&digest), is_file, "`{}`", damage.name);

        let relative = path.strip_prefix(sample.root()).unwrap();
        let problems = sample.problems();
        let named = problems
            .iter()
            .filter(|p| p.starts_with(relative.to_str().unwrap()));
        assert_eq!(named.count(), 1, "`{}`: {problems:?}", damage.name);

        let error = sample.store.get(&digest).unwrap_err();
        let Error::Corrupt { path: found, .. } = &error else {
            panic!("`{}`: {error:?}", damage.name);
        };
        assert_eq!(found, &path);
        assert!(error.to_string().contains("quarantine/"), "{error}");
        assert!(!sample.store.has(&digest));
        assert_eq!(sample.audit().quarantined, 1, "`{}`", damage.name);
        let again = sample.store.get(&digest).unwrap_err();
        assert!(matches!(again, Error::NotFound { .. }), "{again:?}");

        // The run that makes it again mends the store.
        sample.finish("first", &[("scores", "abc"), ("log", "")]);
        assert_eq!(sample.problems(), [""; 0], "after `{}`", damage.name);
        assert_eq!(sample.store.get(&digest).unwrap(), b"abc");
    }
}

#[test]
fn every_way_to_read_and_write_meets_the_damage() {
    for damage in &DAMAGES[..IN_PLACE] {
        let (sample, [action, _]) = Sample::filled();
        let digest = action.outputs["scores"];
        (damage.inflict)(&sample.object(&digest));
        let error = sample.store.verified_path(&digest).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");

        // `put` does not take a damaged file for the bytes it was asked to keep.
        let (sample, _) = Sample::filled();
        (damage.inflict)(&sample.object(&digest));
        assert_eq!(sample.store.put(b"abc").unwrap(), digest);
        assert_eq!(sample.store.get(&digest).unwrap(), b"abc");

        let (sample, _) = Sample::filled();
        (damage.inflict)(&sample.object(&digest));
        let source = sample.folder.path().join("source");
        fs::write(&source, "abc").unwrap();
        assert_eq!(sample.store.put_file(&source).unwrap(), digest);
        assert_eq!(sample.store.get(&digest).unwrap(), b"abc");
    }
}

#[test]
fn missing() {
    let (sample, [action, _]) = Sample::filled();
    let digest = action.outputs["scores"];
    fs::remove_file(sample.object(&digest)).unwrap();
    let error = sample.store.get(&digest).unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
    let problems = sample.problems();
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].contains("output `scores`") && problems[0].contains(&digest.to_string()),
        "{problems:?}"
    );
}

#[test]
fn misnamed() {
    let (sample, [first, second]) = Sample::filled();
    let (one, other) = (first.outputs["scores"], second.outputs["mask"]);
    fs::rename(sample.object(&one), sample.object(&other)).unwrap();
    let error = sample.store.get(&other).unwrap_err();
    assert!(error.to_string().contains(&one.to_string()), "{error}");

    // In the wrong folder the bytes fit the name, and still nothing would find them.
    let (sample, [first, _]) = Sample::filled();
    let digest = first.outputs["scores"];
    let astray = sample.root().join("objects/00");
    fs::create_dir_all(&astray).unwrap();
    fs::rename(sample.object(&digest), astray.join(digest.to_string())).unwrap();
    let problems = sample.problems();
    let is_astray = |p: &String| p.starts_with("objects/00/") && p.contains("start with `00`");
    assert!(problems.iter().any(is_astray), "{problems:?}");
}

#[test]
fn action_files() {
    for damage in &DAMAGES[..IN_PLACE] {
        let (sample, [first, second]) = Sample::filled();
        let path = named(sample.root(), "actions", &first.key);
        (damage.inflict)(&path);
        let relative = path.strip_prefix(sample.root()).unwrap();
        let problems = sample.problems();
        assert_eq!(problems.len(), 1, "`{}`: {problems:?}", damage.name);
        assert!(problems[0].starts_with(relative.to_str().unwrap()));

        let error = sample.store.action(&first.key).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
        assert_eq!(sample.store.action(&first.key).unwrap(), None, "a miss");
        assert_eq!(sample.store.action(&second.key).unwrap(), Some(second));
        let again = sample.finish("first", &[("scores", "abc"), ("log", "")]);
        assert_eq!(again, first);
        assert_eq!(sample.problems(), [""; 0], "after `{}`", damage.name);
    }
}

#[test]
fn a_commit_over_a_damaged_action_is_new() {
    for damage in &DAMAGES[..IN_PLACE] {
        let (sample, [first, _]) = Sample::filled();
        (damage.inflict)(&named(sample.root(), "actions", &first.key));
        let committed =
            sample
                .store
                .commit(&crate::recipe("first"), &first.outputs, &crate::recipe("r"));
        assert_eq!(committed.unwrap(), Committed::New, "`{}`", damage.name);
    }
}

#[test]
fn no_flipped_bit_of_an_action_goes_unseen() {
    let (sample, [first, _]) = Sample::filled();
    let path = named(sample.root(), "actions", &first.key);
    let good = fs::read(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            fs::write(&path, bad).unwrap();
            let problems = sample.audit().problems;
            assert_eq!(problems.len(), 1, "byte {at}, bit {bit}: {problems:?}");
        }
    }
    fs::write(&path, good).unwrap();
    assert_eq!(sample.problems(), [""; 0]);
}

#[test]
fn an_action_under_another_key() {
    let (sample, [first, second]) = Sample::filled();
    let path = |key| named(sample.root(), "actions", key);
    fs::remove_file(path(&second.key)).unwrap();
    fs::copy(path(&first.key), path(&second.key)).unwrap();
    let error = sample.store.action(&second.key).unwrap_err().to_string();
    assert!(
        error.contains(&format!("found the action `{}`", first.key)),
        "{error}"
    );
}

#[test]
fn failures() {
    for damage in &DAMAGES[..IN_PLACE] {
        let (sample, _) = Sample::filled();
        let recipe = serde_json::json!({"kind": "third"});
        let key = jackpot_store::Store::key(&recipe).unwrap();
        assert!(sample.store.failure(&key).unwrap().is_some());
        let path = sample.root().join("failures").join(key.to_string());
        (damage.inflict)(&path);
        assert_eq!(sample.problems().len(), 1, "`{}`", damage.name);
        let error = sample.store.failure(&key).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
        assert_eq!(sample.store.failure(&key).unwrap(), None);
    }
}
