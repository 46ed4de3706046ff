//! Bundles: equal contents are equal bytes, `tar` and `zstd` read them, and nothing that is
//! not as declared gets in.

use crate::{Sample, files, named, recipe};
use jackpot_store::{Action, BundleSelection, Digest, Error, Packing, Store, canonical};
use jackpot_test_store::{Entry, archive, entries};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn export(store: &Store, selection: &BundleSelection, packing: Packing) -> Vec<u8> {
    let mut bytes = Vec::new();
    let exported = store
        .export(selection, packing, &mut bytes, &|_, _| ())
        .unwrap();
    if packing == Packing::Tar {
        assert_eq!(exported.bytes, bytes.len() as u64);
    }
    bytes
}

fn all_of(actions: &[Action]) -> BundleSelection {
    BundleSelection {
        pins: ["study".to_owned()].into(),
        actions: actions.iter().map(|action| action.key).collect(),
        without: ["checkpoint".to_owned()].into(),
        objects: BTreeSet::new(),
    }
}

fn written(folder: &Path, bytes: &[u8]) -> PathBuf {
    let path = folder.join("bundle.tar");
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn export_import_export_is_byte_identical() {
    let (sample, actions) = Sample::filled();
    let selection = all_of(&actions);
    for packing in [Packing::Tar, Packing::Zstd] {
        let first = export(&sample.store, &selection, packing);
        let other = Sample::empty();
        let path = written(other.folder.path(), &first);
        let listing = Store::verify_bundle(&path).unwrap();
        assert_eq!(listing.actions.len(), 2);
        let imported = other.store.import(&path, false).unwrap();
        assert_eq!((imported.new, imported.diverged), (2, vec![]));
        assert_eq!(imported.listing, listing);
        assert_eq!(
            other.problems(),
            [""; 0],
            "the checkpoint is known to be absent"
        );
        assert_eq!(export(&other.store, &selection, packing), first);
        // Again: nothing new, nothing else.
        assert_eq!(other.store.import(&path, false).unwrap().new, 0);
        assert_eq!(export(&other.store, &selection, packing), first);
        // Into the store that it came from: its records stay.
        let before = files(&sample.root().join("actions"));
        assert_eq!(sample.store.import(&path, false).unwrap().new, 0);
        assert_eq!(files(&sample.root().join("actions")), before);
    }
}

#[test]
fn the_bytes_know_neither_records_nor_neighbours() {
    let (one, actions) = Sample::filled();
    let other = Sample::empty();
    for (kind, made) in [
        ("second", vec![("mask", "0110"), ("checkpoint", "weights")]),
        ("stranger", vec![("mask", "0110")]),
        ("first", vec![("scores", "abc"), ("log", "")]),
    ] {
        let outputs: BTreeMap<_, _> = made
            .iter()
            .map(|(name, bytes)| (name.to_string(), other.store.put(bytes.as_bytes()).unwrap()))
            .collect();
        let record = json!({"seconds": kind, "machine": "another"});
        other
            .store
            .commit(&recipe(kind), &outputs, &record)
            .unwrap();
    }
    other.store.write_pin("study", b"{}").unwrap();
    let selection = all_of(&actions);
    assert_eq!(
        export(&one.store, &selection, Packing::Zstd),
        export(&other.store, &selection, Packing::Zstd)
    );
}

/// An output that is left out must be said to be; one that is merely gone is an error.
#[test]
fn what_is_absent_is_named() {
    let (sample, actions) = Sample::filled();
    sample.store.remove(&actions[0].outputs["scores"]).unwrap();
    let error = sample
        .store
        .export(&all_of(&actions), Packing::Tar, &mut Vec::new(), &|_, _| ())
        .unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    assert!(error.to_string().contains("`scores`"), "{error}");
    let mut without = all_of(&actions);
    without.without.insert("scores".into());
    let bytes = export(&sample.store, &without, Packing::Tar);
    let other = Sample::empty();
    let path = written(other.folder.path(), &bytes);
    other.store.import(&path, false).unwrap();
    assert_eq!(other.problems(), [""; 0]);
    // With everything: scores are still known to be absent, so the bundle can be passed on.
    assert_eq!(export(&other.store, &all_of(&actions), Packing::Tar), bytes);
    // Another output of the same action, gone without a word, is a problem as before.
    other.store.remove(&actions[0].outputs["log"]).unwrap();
    assert_eq!(other.problems().len(), 1);
}

/// What `tar xf` makes is a store, and every digest in the metadata and in the statement is
/// what `sha256sum` says.
#[test]
fn tar_reads_it_and_sha256sum_agrees() {
    let (sample, actions) = Sample::filled();
    let bytes = export(&sample.store, &all_of(&actions), Packing::Tar);
    let place = tempfile::tempdir().unwrap();
    let path = written(place.path(), &bytes);
    let folder = place.path().join("unpacked");
    fs::create_dir(&folder).unwrap();
    let mut tar = Command::new("tar");
    tar.arg("xf").arg(&path).arg("-C").arg(&folder);
    assert!(tar.status().unwrap().success());
    let text = fs::read_to_string(folder.join("ro-crate-metadata.json")).unwrap();
    let metadata: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        metadata["@context"],
        "https://w3id.org/ro/crate/1.2/context"
    );
    let graph = metadata["@graph"].as_array().unwrap();
    assert_eq!(
        graph[0]["conformsTo"]["@id"],
        "https://w3id.org/ro/crate/1.2"
    );
    let root = graph.iter().find(|e| e["@id"] == "./").unwrap();
    for needed in ["name", "description", "datePublished", "license"] {
        assert!(root[needed].is_string(), "{needed}");
    }
    let declared: Vec<_> = graph.iter().filter(|e| e["@type"] == "File").collect();
    assert_eq!(root["hasPart"].as_array().unwrap().len(), declared.len());
    assert_eq!(declared.len() + 1, files(&folder).len());
    for file in declared {
        let path = folder.join(file["@id"].as_str().unwrap());
        let size = fs::metadata(&path).unwrap().len();
        assert_eq!(file["contentSize"], size.to_string());
        assert_eq!(file["sha256"], sha256sum(&path));
    }
    let text = fs::read_to_string(folder.join("statement.intoto.json")).unwrap();
    let statement: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    let subjects = statement["subject"].as_array().unwrap();
    assert_eq!(subjects.len(), 5, "a pin and four outputs");
    let checkpoint = format!("{}/checkpoint", actions[1].key);
    let named: Vec<_> = subjects
        .iter()
        .map(|s| s["name"].as_str().unwrap())
        .collect();
    assert!(named.contains(&checkpoint.as_str()), "{named:?}");
    assert_eq!(statement["predicate"]["left_out"], json!([checkpoint]));
    let store = Store::open(&folder).unwrap();
    assert_eq!(store.audit(&|_, _| ()).unwrap().problems, []);
    // zstd's own program gives the same tar.
    let packed = place.path().join("packed.tar.zst");
    fs::write(
        &packed,
        export(&sample.store, &all_of(&actions), Packing::Zstd),
    )
    .unwrap();
    let read = zstd::decode_all(fs::File::open(&packed).unwrap()).unwrap();
    assert_eq!(read, bytes);
}

fn sha256sum(path: &Path) -> String {
    let output = Command::new("sha256sum").arg(path).output().unwrap();
    String::from_utf8(output.stdout).unwrap()[..64].to_owned()
}

#[test]
fn a_bundle_is_a_store_that_can_only_be_read() {
    let (sample, actions) = Sample::filled();
    let bytes = export(&sample.store, &all_of(&actions), Packing::Zstd);
    let place = tempfile::tempdir().unwrap();
    let path = written(place.path(), &bytes);
    let bundle = Store::open(&path).unwrap();
    assert_eq!(bundle.place(), path);
    for action in &actions {
        let found = bundle.action(&action.key).unwrap().unwrap();
        assert_eq!(found.outputs, action.outputs);
        assert_eq!(
            bundle.recipe(&action.key).unwrap(),
            sample.store.recipe(&action.key).unwrap()
        );
    }
    assert_eq!(bundle.read_pin("study").unwrap().unwrap(), b"{}");
    assert_eq!(bundle.audit(&|_, _| ()).unwrap().problems, []);
    assert_eq!(export(&bundle, &all_of(&actions), Packing::Zstd), bytes);
    let refused = |error: Error| {
        assert!(matches!(error, Error::Bundle { .. }), "{error}");
        assert!(error.to_string().contains("can only be read"), "{error}");
    };
    refused(bundle.put(b"new").unwrap_err());
    refused(bundle.write_pin("new", b"{}").unwrap_err());
    refused(bundle.remove_pin("study").unwrap_err());
    refused(bundle.resume_folder(&actions[0].key).unwrap_err());
    refused(bundle.collect_garbage(&[]).unwrap_err());
    refused(
        bundle
            .commit(&recipe("new"), &actions[0].outputs, &json!({}))
            .unwrap_err(),
    );
    let root = bundle.root().to_owned();
    drop(bundle);
    assert!(!root.exists(), "it leaves nothing");
    // With a bit flipped it is no store, or, where zstd has two spellings, the same one.
    let mut refused = 0;
    for at in (0..bytes.len()).step_by(bytes.len() / 40) {
        let mut bent = bytes.clone();
        bent[at] ^= 0x10;
        fs::write(&path, bent).unwrap();
        match Store::open(&path) {
            Ok(same) => assert_eq!(export(&same, &all_of(&actions), Packing::Zstd), bytes),
            Err(Error::Bundle { .. } | Error::Io { .. }) => refused += 1,
            Err(error) => panic!("byte {at}: {error}"),
        }
    }
    assert!(refused > 35, "{refused}");
}

#[test]
fn pins_are_not_replaced_unasked() {
    let (sample, actions) = Sample::filled();
    let bytes = export(&sample.store, &all_of(&actions), Packing::Tar);
    let other = Sample::empty();
    other.store.write_pin("study", b"[]").unwrap();
    let path = written(other.folder.path(), &bytes);
    let error = other.store.import(&path, false).unwrap_err().to_string();
    assert!(error.contains("another pin `study`"), "{error}");
    assert_eq!(other.store.action(&actions[0].key).unwrap(), None);
    other.store.import(&path, true).unwrap();
    assert_eq!(other.store.read_pin("study").unwrap().unwrap(), b"{}");
}

#[test]
fn the_longest_name_of_a_pin_is_a_tars() {
    let (sample, actions) = Sample::filled();
    let mut selection = all_of(&actions);
    for (letters, fits) in [(91, true), (95, true), (96, false), (100, false)] {
        let name = "x".repeat(letters);
        sample.store.write_pin(&name, b"{}").unwrap();
        selection.pins = [name].into();
        let exported = sample
            .store
            .export(&selection, Packing::Tar, &mut Vec::new(), &|_, _| ());
        match exported {
            Ok(_) => assert!(fits, "{letters}"),
            Err(error) => assert!(!fits && error.to_string().contains("95"), "{error}"),
        }
    }
}

#[test]
fn another_result_is_kept_beside_the_first() {
    let (sample, actions) = Sample::filled();
    let bytes = export(&sample.store, &all_of(&actions), Packing::Tar);
    let other = Sample::empty();
    other.finish("first", &[("scores", "xyz"), ("log", "")]);
    let path = written(other.folder.path(), &bytes);
    let imported = other.store.import(&path, false).unwrap();
    assert_eq!((imported.new, imported.diverged), (1, vec![actions[0].key]));
    let first = other.store.action(&actions[0].key).unwrap().unwrap();
    assert_eq!(first.outputs["scores"], Digest::of(b"xyz"));
    assert_eq!(other.store.divergences().unwrap().len(), 1);
    assert_eq!(other.problems(), [""; 0]);
}

/// Where the first object stands.
fn first_object(entries: &[Entry]) -> usize {
    let is_object = |entry: &Entry| entry.name.starts_with(b"objects/");
    entries.iter().position(is_object).unwrap()
}

/// Edits the entries of a good bundle and says what import and verification say; the store
/// must have got no action, pin or file elsewhere from it.
fn refused(edit: impl Fn(&mut Vec<Entry>)) -> String {
    refused_bytes(|bytes| {
        let mut entries = entries(bytes);
        edit(&mut entries);
        *bytes = archive(&entries);
    })
}

fn refused_bytes(edit: impl Fn(&mut Vec<u8>)) -> String {
    let (sample, actions) = Sample::filled();
    let mut bytes = export(&sample.store, &all_of(&actions), Packing::Tar);
    let by_hand = archive(&entries(&bytes));
    assert!(by_hand == bytes, "the format is as written here");
    edit(&mut bytes);
    let other = Sample::empty();
    let path = written(other.folder.path(), &bytes);
    let error = other.store.import(&path, true).unwrap_err();
    assert!(matches!(error, Error::Bundle { .. }), "{error}");
    let verified = Store::verify_bundle(&path).unwrap_err();
    assert_eq!(verified.to_string(), error.to_string());
    assert!(Store::open(&path).is_err());
    for folder in ["actions", "pins", "divergences"] {
        assert_eq!(files(&other.root().join(folder)), BTreeMap::new());
    }
    let outside = files(other.folder.path());
    let strangers: Vec<_> = outside
        .keys()
        .filter(|path| !path.starts_with("store") && *path != Path::new("bundle.tar"))
        .collect();
    assert!(strangers.is_empty(), "{strangers:?}");
    assert_eq!(other.problems(), [""; 0]);
    error.to_string()
}

#[test]
fn hostile_names_and_kinds_are_refused() {
    let check = |expected: &str, edit: &dyn Fn(&mut Vec<Entry>)| {
        let said = refused(|entries| edit(entries));
        assert!(said.contains(expected), "expected `{expected}` in: {said}");
    };
    let at = |entries: &[Entry]| first_object(entries);
    check("an absolute path", &|e| {
        let i = at(e);
        e[i].name = b"/etc/cron.d/evil".into();
    });
    check("leads out of the bundle by `..`", &|e| {
        let i = at(e);
        e[i].name = b"objects/../../evil".into();
    });
    for (kind, word) in [
        (b'1', "hard link"),
        (b'2', "symbolic link"),
        (b'3', "device"),
        (b'5', "folder"),
        (b'6', "pipe"),
        (b'x', "another kind"),
        (b'L', "another kind"),
        (b'S', "another kind"),
    ] {
        check(word, &|e| {
            let i = at(e);
            e[i].kind = kind;
        });
    }
    check("a second time", &|e| {
        let i = at(e);
        let again = Entry::file(std::str::from_utf8(&e[i].name).unwrap(), &e[i].content);
        e.insert(i + 1, again);
    });
    check("does not declare", &|e| {
        let i = at(e);
        e.insert(i, Entry::file("objects/zz/evil", b"evil"));
    });
    check("does not declare", &|e| {
        e.push(Entry::file("evil", b"evil"))
    });
    check("before its turn", &|e| {
        let i = at(e);
        e.swap(i, i + 1);
    });
    check("the archive ends here", &|e| {
        e.pop();
    });
    check("declares", &|e| {
        let i = at(e);
        e[i].content.push(b'!');
        e[i].size += 1;
    });
    for edit in [|e: &mut Entry| e.time = 1, |e: &mut Entry| e.mode = 0o4755] {
        check("no bundle has", &|e| {
            let i = at(e);
            edit(&mut e[i]);
        });
    }
    check("expected bytes with sha256", &|e| {
        let i = e.len() - 1;
        let last = e[i].content.len() - 1;
        e[i].content[last] ^= 1;
    });
    check("first", &|e| {
        e.remove(0);
    });
}

#[test]
fn hostile_bytes_are_refused() {
    let check = |expected: &str, edit: &dyn Fn(&mut Vec<u8>)| {
        let said = refused_bytes(|bytes| edit(bytes));
        assert!(said.contains(expected), "expected `{expected}` in: {said}");
    };
    check("ends within", &|b| b.clear());
    check("ends within", &|b| b.truncate(700));
    check("ends within", &|b| {
        b.truncate(b.len() - 1);
    });
    check("follows the end", &|b| b.push(0));
    check("follows the end", &|b| b.extend(b"hidden"));
    check("hidden behind its end", &|b| {
        let size = entries(b)[0].content.len();
        b[512 + size] = 1;
    });
    check("no bundle has", &|b| {
        let second = 512 + entries(b)[0].content.len().next_multiple_of(512);
        b[second + 148] ^= 1; // the checksum
    });
    check("ends within", &|b| {
        *b = zstd::encode_all(&b[..b.len() - 512], 1).unwrap();
    });
    check("ends within", &|b| {
        *b = zstd::encode_all(&b[..], 1).unwrap();
        b.truncate(b.len() / 2);
    });
}

/// What zstd's own program unpacks to the same tar, or skips, would be a second bundle of the
/// same contents, with room for what no digest covers.
#[test]
fn a_packed_bundle_is_one_frame() {
    let frame = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 6, 0, 0, 0][..], b"hidden"].concat();
    let follows = "something follows the zstd frame";
    type Pack<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;
    let packings: [(&str, Pack); 6] = [
        ("", &frame),
        (follows, &|b| [frame(b), vec![0]].concat()),
        (follows, &|b| [frame(b), frame(b"")].concat()),
        (follows, &|b| [frame(b), skipped.clone()].concat()),
        (follows, &|b| [frame(&b[..512]), frame(&b[512..])].concat()),
        ("expected the file `ro-crate-metadata.json` first", &|b| {
            let first = [skipped.clone(), frame(b)].concat();
            // Long enough that it is not merely cut off.
            [first, vec![0; 512]].concat()
        }),
    ];
    let (sample, actions) = Sample::filled();
    let tar = export(&sample.store, &all_of(&actions), Packing::Tar);
    for (expected, pack) in packings {
        let place = tempfile::tempdir().unwrap();
        let packed = pack(&tar);
        let path = written(place.path(), &packed);
        if !expected.starts_with("expected") && !packed.ends_with(&[0]) {
            // To zstd itself it is the same tar.
            let all = zstd::decode_all(fs::File::open(&path).unwrap()).unwrap();
            assert!(all == tar);
        }
        match Store::verify_bundle(&path) {
            Ok(listing) => assert_eq!((expected, listing.actions.len()), ("", 2)),
            Err(error) => {
                let error = error.to_string();
                assert!(!expected.is_empty() && error.contains(expected), "{error}");
            }
        }
    }
}

/// The metadata rewritten by the attacker together with the members.
#[test]
fn hostile_declarations_are_refused() {
    let check = |expected: &str, edit: &dyn Fn(&mut Value)| {
        let said = refused(|entries| {
            let mut metadata: Value = serde_json::from_slice(&entries[0].content).unwrap();
            edit(&mut metadata);
            let bytes = canonical::to_bytes(&metadata).unwrap();
            entries[0] = Entry::file("ro-crate-metadata.json", &bytes);
        });
        assert!(said.contains(expected), "expected `{expected}` in: {said}");
    };
    let last = |m: &Value| m["@graph"].as_array().unwrap().len() - 1;
    for path in [
        "/etc/passwd",
        "../evil",
        "objects/../evil",
        "objects/ab/../../x",
        "evil",
        "objects/zz",
        "pins/..json",
        "pins/a/b.json",
        "quarantine/x",
        "locks/store",
    ] {
        check("ro-crate-metadata.json", &|m| {
            let at = last(m);
            m["@graph"][at]["@id"] = json!(path);
        });
    }
    check("twice", &|m| {
        let at = last(m);
        let again = m["@graph"][at].clone();
        m["@graph"].as_array_mut().unwrap().push(again);
    });
    check("before", &|m| {
        let at = last(m);
        m["@graph"].as_array_mut().unwrap().swap(at, at - 1);
    });
    check("is no number of bytes", &|m| {
        let at = last(m);
        m["@graph"][at]["contentSize"] = json!("-1");
    });
    check("without `contentSize`", &|m| {
        let at = last(m);
        m["@graph"][at]
            .as_object_mut()
            .unwrap()
            .remove("contentSize");
    });
    check("is no path of a store, or its sha256", &|m| {
        let at = last(m);
        m["@graph"][at]["sha256"] = json!("0".repeat(64));
    });
    check("in another way", &|m| {
        m["@graph"][1]["name"] = json!("trust me")
    });
    check("in another way", &|m| {
        let at = last(m);
        m["@graph"][at]["contentSize"] = json!("007");
    });
    check("no `@graph`", &|m| *m = json!({}));
}

/// A bundle whose every digest fits, but whose actions do not say the truth.
#[test]
fn actions_that_lie_are_refused() {
    let (sample, actions) = Sample::filled();
    let path = sample.folder.path().join("bundle.tar");
    type Edit<'a> = &'a dyn Fn(&mut BTreeMap<String, Vec<u8>>);
    let check = |expected: &str, edit: Edit| {
        let bytes = export(&sample.store, &all_of(&actions), Packing::Tar);
        let mut contents: BTreeMap<String, Vec<u8>> = entries(&bytes)
            .into_iter()
            .skip(1)
            .map(|e| (String::from_utf8(e.name).unwrap(), e.content))
            .collect();
        edit(&mut contents);
        fs::write(&path, declared(&contents)).unwrap();
        match Store::verify_bundle(&path) {
            Ok(_) => assert_eq!(expected, ""),
            Err(error) => assert!(
                !expected.is_empty() && error.to_string().contains(expected),
                "expected `{expected}` in: {error}"
            ),
        }
    };
    let object = |digest: &Digest| {
        named(Path::new(""), "objects", digest)
            .display()
            .to_string()
    };
    let action = |key: &Digest| named(Path::new(""), "actions", key).display().to_string();
    let second = &actions[1];
    check("", &|_| ());
    check("its recipe is not in the bundle", &|c| {
        c.remove(&object(&second.key));
    });
    check("found another", &|c| {
        c.remove(&object(&second.outputs["mask"]));
    });
    check("does not say what the actions", &|c| {
        c.remove(&action(&second.key));
    });
    check("expected an action", &|c| {
        let first = c[&action(&actions[0].key)].clone();
        c.insert(action(&second.key), first);
    });
    check("expected an action", &|c| {
        let path = action(&second.key);
        let text = String::from_utf8(c[&path].clone()).unwrap();
        let mask = second.outputs["mask"].to_string();
        let other = actions[0].outputs["scores"].to_string();
        c.insert(path, text.replace(&mask, &other).into_bytes());
    });
    check("FORMAT", &|c| {
        c.insert("FORMAT".into(), b"jackpot-store 2\n".into());
    });
    check("canonical JSON", &|c| {
        c.insert("pins/study.json".into(), b"{ }".into());
    });
    check("does not declare `FORMAT`", &|c| {
        c.remove("FORMAT");
    });
    // A tar header has no room for it.
    check("is no path of a store", &|c| {
        c.insert(format!("pins/{}.json", "x".repeat(96)), b"{}".into());
    });
    check("", &|c| {
        let extra = b"imported weights";
        c.insert(object(&Digest::of(extra)), extra.into());
    });
}

/// A bundle with these contents whose metadata is right.
fn declared(contents: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let (sample, actions) = Sample::filled();
    let good = export(&sample.store, &all_of(&actions), Packing::Tar);
    let mut metadata: Value = serde_json::from_slice(&entries(&good)[0].content).unwrap();
    let rank = |path: &str| match path {
        "FORMAT" => 0,
        "statement.intoto.json" => 1,
        _ => 2,
    };
    let folder = |path: &str| {
        ["pins", "actions", "objects"]
            .iter()
            .position(|f| path.starts_with(f))
    };
    let mut paths: Vec<&String> = contents.keys().collect();
    paths.sort_by_key(|path| (rank(path), folder(path), path.to_string()));
    let graph = metadata["@graph"].as_array_mut().unwrap();
    graph.truncate(2);
    graph[1]["hasPart"] = paths.iter().map(|path| json!({"@id": path})).collect();
    for path in &paths {
        let bytes = &contents[*path];
        graph.push(json!({
            "@id": path, "@type": "File", "contentSize": bytes.len().to_string(),
            "sha256": Digest::of(bytes),
        }));
    }
    let metadata = canonical::to_bytes(&metadata).unwrap();
    let mut all = vec![Entry::file("ro-crate-metadata.json", &metadata)];
    all.extend(paths.iter().map(|path| Entry::file(path, &contents[*path])));
    archive(&all)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Stores of any outputs, shared or empty ones too, left out or gone.
    #[test]
    fn any_store_round_trips(
        made in prop::collection::vec(
            prop::collection::btree_map("[a-c]", prop::collection::vec(any::<u8>(), 0..700), 1..4),
            1..8,
        ),
        without in prop::collection::btree_set("[a-c]", 0..3),
        zstd in any::<bool>(),
    ) {
        let sample = Sample::empty();
        let mut keys = BTreeSet::new();
        for (number, outputs) in made.iter().enumerate() {
            let recipe = json!({"kind": "any", "number": number});
            let outputs = outputs.iter().map(|(name, bytes)| (name.clone(), sample.store.put(bytes).unwrap()));
            let outputs: BTreeMap<_, _> = outputs.collect();
            sample.store.commit(&recipe, &outputs, &json!({"at": number})).unwrap();
            keys.insert(Store::key(&recipe).unwrap());
        }
        let selection = BundleSelection { actions: keys, without, ..BundleSelection::default() };
        let packing = if zstd { Packing::Zstd } else { Packing::Tar };
        let first = export(&sample.store, &selection, packing);
        let other = Sample::empty();
        let path = written(other.folder.path(), &first);
        other.store.import(&path, false).unwrap();
        prop_assert_eq!(other.problems(), [""; 0]);
        prop_assert_eq!(export(&other.store, &selection, packing), first);
    }
}
