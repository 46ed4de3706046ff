//! Bundles: damaged as files, and damaged by somebody who declares the damage.
use crate::targets::{Reader, folder};
use jackpot_store::{Digest, Store, canonical};
use jackpot_test_cli::support::root;
use jackpot_test_store::{Entry, archive, entries};
use serde_json::{Value, json};
use std::{fs, path::Path};

const METADATA: &str = "ro-crate-metadata.json";

/// The file as it lies, tar or zstd.
pub fn whole() -> Reader {
    let folder = folder();
    let path = folder.path().join("bundle");
    Box::new(move |bytes| {
        fs::write(&path, bytes).unwrap();
        taken(folder.path(), &path)
    })
}

/// One member of a good bundle: its name, a line's end, its bytes. All else is declared as it
/// must be for them, so that damage gets past the metadata.
pub fn member() -> Reader {
    let folder = folder();
    let path = folder.path().join("bundle");
    let good = root().join("tests/faults/corpus/bundle/good/small.tar");
    let good = fs::read(good).unwrap();
    Box::new(move |bytes| {
        let Some(end) = bytes.iter().position(|&b| b == b'\n') else {
            return false;
        };
        let (name, content) = (&bytes[..end], &bytes[end + 1..]);
        let Some(name) = std::str::from_utf8(name).ok().filter(|n| n.len() <= 100) else {
            return false;
        };
        fs::write(&path, declared(&good, name, content)).unwrap();
        taken(folder.path(), &path)
    })
}

/// The good bundle with this member in place of the one of that name, or as its last.
fn declared(good: &[u8], name: &str, content: &[u8]) -> Vec<u8> {
    let mut members = entries(good);
    let changed = Entry::file(name, content);
    match members.iter().position(|m| m.name == name.as_bytes()) {
        Some(at) => members[at] = changed,
        None => members.push(changed),
    }
    if name != METADATA {
        let mut metadata: Value = serde_json::from_slice(&members[0].content).unwrap();
        let graph = metadata["@graph"].as_array_mut().unwrap();
        if !graph.iter().any(|file| file["@id"] == name) {
            graph.push(json!({"@id": name, "@type": "File"}));
            let parts = graph[1]["hasPart"].as_array_mut().unwrap();
            parts.push(json!({"@id": name}));
        }
        let mut files = graph.iter_mut().filter(|file| file["@type"] == "File");
        let file = files.find(|file| file["@id"] == name).unwrap();
        file["contentSize"] = content.len().to_string().into();
        file["sha256"] = Digest::of(content).to_string().into();
        let metadata = canonical::to_bytes(&metadata).unwrap();
        members[0] = Entry::file(METADATA, &metadata);
    }
    archive(&members)
}

/// Whether it is verified and taken in; one must agree with the other, and a store keeps
/// nothing to go by of a bundle that it refused.
fn taken(folder: &Path, path: &Path) -> bool {
    let root = folder.join("store");
    let store = Store::create(&root).unwrap();
    let verified = Store::verify_bundle(path);
    let imported = store.import(path, false);
    assert_eq!(verified.is_ok(), imported.is_ok(), "{imported:?}");
    assert_eq!(store.audit(&|_, _| ()).unwrap().problems, []);
    if imported.is_err() {
        assert_eq!(store.action_keys().unwrap(), []);
        assert_eq!(store.pin_names().unwrap(), [""; 0]);
    }
    drop(store);
    fs::remove_dir_all(root).unwrap();
    imported.is_ok()
}
