//! Formats are for ever: files that Python wrote from the description, read and written again.

use crate::{Sample, files, recipe};
use jackpot_store::{Committed, Digest, Store, canonical};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// `(file, key)` of each golden recipe.
fn keys() -> Vec<(String, Digest)> {
    let list = fs::read_to_string(golden().join("keys.sha256")).unwrap();
    let line = |line: &str| {
        let (key, file) = line.split_once("  ").unwrap();
        (file.to_string(), key.parse().unwrap())
    };
    list.lines().map(line).collect()
}

#[test]
fn sha256sum_gives_the_keys() {
    let output = Command::new("sha256sum")
        .args(["--check", "--strict", "keys.sha256"])
        .current_dir(golden())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        output.stdout.split(|c| *c == b'\n').count() - 1,
        keys().len()
    );
}

#[test]
fn recipes_have_their_keys() {
    let keys = keys();
    assert_eq!(keys.len(), 5);
    for (file, key) in keys {
        let bytes = fs::read(golden().join(&file)).unwrap();
        let value = canonical::parse(&bytes).unwrap();
        assert_eq!(canonical::to_bytes(&value).unwrap(), bytes, "{file}");
        assert_eq!(Store::key(&value).unwrap(), key, "{file}");

        // The same value in another spelling has the same key, and is no canonical file.
        let pretty = serde_json::to_vec_pretty(&value).unwrap();
        let read: Value = serde_json::from_slice(&pretty).unwrap();
        assert_eq!(Store::key(&read).unwrap(), key, "{file}");
        if pretty != bytes {
            assert!(canonical::parse(&pretty).is_err(), "{file}");
        }
        // Another value has another.
        assert_ne!(Store::key(&json!([value])).unwrap(), key, "{file}");
    }
}

#[test]
fn a_key_in_full() {
    // printf '{"kind":"first","revision":1}' | sha256sum
    let key = "54732b57d1958dc91272bb51a863a92c208f7e344cc8093b5ed60bf7b452a94b";
    assert_eq!(Store::key(&recipe("first")).unwrap().to_string(), key);
}

/// The golden store is sound, says what it should, and today's code writes the same files.
#[test]
fn the_golden_store() {
    let sample = Sample::empty();
    let old = sample.folder.path().join("old");
    let wanted = files(&golden().join("store"));
    for (name, bytes) in &wanted {
        let path = old.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let old = Store::open(&old).unwrap();
    let audit = old.audit(&|_, _| ()).unwrap();
    assert_eq!(audit.problems, []);
    let counts = (
        audit.objects,
        audit.actions,
        audit.divergences,
        audit.failures,
    );
    assert_eq!(counts, (7, 1, 1, 1));

    let read = |name: &str| {
        let bytes = fs::read(golden().join(name)).unwrap();
        canonical::parse(&bytes).unwrap()
    };
    let (select, train) = (read("select.json"), read("train.json"));
    let action = old.action(&Store::key(&select).unwrap()).unwrap().unwrap();
    assert_eq!(old.get(&action.outputs["mask"]).unwrap(), b"\x06");
    assert_eq!(old.divergences().unwrap().len(), 1);
    let failure = json!({"message": "out of memory"});
    let failed = Store::key(&train).unwrap();
    assert_eq!(old.failure(&failed).unwrap().as_ref(), Some(&failure));

    let new = &sample.store;
    let outputs = |mask: &[u8]| {
        BTreeMap::from([
            ("mask".to_string(), new.put(mask).unwrap()),
            ("report-1".to_string(), new.put(b"").unwrap()),
        ])
    };
    let commit = |mask: &[u8], seconds: &str| {
        new.commit(&select, &outputs(mask), &json!({"seconds": seconds}))
            .unwrap()
    };
    assert_eq!(commit(b"\x06", "1.5e0"), Committed::New);
    assert_ne!(commit(b"\x07", "2e0"), Committed::Same);
    new.record_failure(&train, &failure).unwrap();
    let mut made = files(new.root());
    made.retain(|name, _| {
        let free = ["README.md", "locks", "tmp"];
        !free.iter().any(|free| name.starts_with(free))
    });
    assert_eq!(
        made.keys().collect::<Vec<_>>(),
        wanted.keys().collect::<Vec<_>>()
    );
    assert_eq!(made, wanted);
}

fn any_value() -> impl Strategy<Value = Value> {
    let integers = -9007199254740991i64..=9007199254740991;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        integers.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let map = proptest::collection::btree_map(any::<String>(), inner.clone(), 0..6);
        prop_oneof![
            proptest::collection::vec(inner, 0..6).prop_map(Value::from),
            map.prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// What is written reads back to the same value; any other reader of JSON agrees; and one
    /// changed byte is refused or another value with another spelling.
    #[test]
    fn round_trip(value in any_value(), at in any::<prop::sample::Index>(), flip in 1..=255u8) {
        let bytes = canonical::to_bytes(&value).unwrap();
        prop_assert_eq!(&canonical::parse(&bytes).unwrap(), &value);
        prop_assert_eq!(&serde_json::from_slice::<Value>(&bytes).unwrap(), &value);
        let mut other = bytes.clone();
        let at = at.index(other.len());
        other[at] ^= flip;
        if let Ok(parsed) = canonical::parse(&other) {
            prop_assert_ne!(&parsed, &value);
            prop_assert_eq!(canonical::to_bytes(&parsed).unwrap(), other);
        }
    }

    /// Never panics, never accepts what it would not write.
    #[test]
    fn arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(value) = canonical::parse(&bytes) {
            prop_assert_eq!(canonical::to_bytes(&value).unwrap(), bytes);
        }
    }

    #[test]
    fn text_of_json_pieces(text in r#"[\[\]{}:,0-9a"\\u.eE \-]{0,24}"#) {
        if let Ok(value) = canonical::parse(text.as_bytes()) {
            prop_assert_eq!(canonical::to_bytes(&value).unwrap(), text.as_bytes());
        }
    }

    #[test]
    fn every_float_has_one_text(bits in any::<u64>()) {
        let x = f64::from_bits(bits);
        match canonical::float(x) {
            Ok(text) => {
                prop_assert_eq!(canonical::parse_float(&text).unwrap().to_bits(), bits);
                let longer = text.replace('e', "0e");
                prop_assert!(canonical::parse_float(&longer).is_err());
            }
            Err(_) => prop_assert!(!x.is_finite() || bits == 1 << 63),
        }
    }
}
