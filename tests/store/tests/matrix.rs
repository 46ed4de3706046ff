//! Every damage to every kind of file that a store has. A file that says something is refused
//! with a type, named by the audit, and made again; one that says nothing is in nobody's way.

use crate::{Sample, files, named, recipe};
use jackpot_store::{Action, Digest, Error, Store};
use jackpot_test_store::{DAMAGES, other_name};
use serde_json::json;
use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// A store with one file of every kind.
struct Whole {
    sample: Sample,
    first: Action,
    second: Action,
    plugin: Digest,
    failed: Digest,
}

/// One kind of file.
struct Kind {
    name: &'static str,
    path: fn(&Whole) -> PathBuf,
    read: fn(&Whole) -> Result<(), Error>,
    /// What the next run does.
    mend: fn(&Whole),
    told: Told,
}

/// Who sees that such a file is damaged.
#[derive(Clone, Copy, PartialEq)]
enum Told {
    /// The reader and the audit.
    Both,
    /// The same, but its absence is nothing wrong.
    BothIfThere,
    /// Nobody needs to: it holds nothing, or nobody reads it.
    Nobody,
}

const KINDS: [Kind; 14] = [
    Kind {
        name: "output",
        path: |w| w.sample.object(&w.first.outputs["scores"]),
        read: |w| w.get(&w.first.outputs["scores"]),
        mend: Whole::run,
        told: Told::Both,
    },
    Kind {
        name: "checkpoint",
        path: |w| w.sample.object(&w.second.outputs["checkpoint"]),
        read: |w| w.get(&w.second.outputs["checkpoint"]),
        mend: Whole::run,
        told: Told::BothIfThere,
    },
    Kind {
        name: "recipe",
        path: |w| w.sample.object(&w.first.key),
        read: |w| w.store().recipe(&w.first.key).map(drop),
        mend: Whole::run,
        told: Told::Both,
    },
    Kind {
        name: "record",
        path: |w| w.sample.object(&w.first.record),
        read: |w| w.get(&w.first.record),
        // As the audit says: the action's file moved away, it runs again.
        mend: |w| {
            fs::remove_file(named(w.sample.root(), "actions", &w.first.key)).unwrap();
            w.run();
        },
        told: Told::Both,
    },
    Kind {
        name: "plugin",
        path: |w| w.sample.object(&w.plugin),
        read: |w| w.store().verified_path(&w.plugin).map(drop),
        mend: Whole::run,
        told: Told::BothIfThere,
    },
    Kind {
        name: "action",
        path: |w| named(w.sample.root(), "actions", &w.first.key),
        read: |w| w.store().action(&w.first.key).map(drop),
        mend: Whole::run,
        told: Told::BothIfThere,
    },
    Kind {
        name: "divergence",
        path: |w| {
            let folder = w.sample.root().join("divergences");
            let name = files(&folder).into_keys().next().unwrap();
            folder.join(name)
        },
        read: |w| w.store().divergences().map(drop),
        mend: |w| w.diverge(),
        told: Told::BothIfThere,
    },
    Kind {
        name: "failure",
        path: |w| w.sample.root().join("failures").join(w.failed.to_string()),
        read: |w| w.store().failure(&w.failed).map(drop),
        mend: |w| w.fail(),
        told: Told::BothIfThere,
    },
    Kind {
        name: "pin",
        path: |w| w.sample.root().join("pins/study.json"),
        read: |w| w.store().read_pin("study").map(drop),
        mend: |w| w.store().write_pin("study", PIN).unwrap(),
        told: Told::BothIfThere,
    },
    Kind {
        name: "FORMAT",
        path: |w| w.sample.root().join("FORMAT"),
        read: |w| Store::open(w.sample.root()).map(drop),
        mend: |w| {
            let path = w.sample.root().join("FORMAT");
            fs::write(path, jackpot_store::FORMAT).unwrap();
        },
        told: Told::Both,
    },
    Kind {
        name: "lock of the store",
        path: |w| {
            let path = w.sample.root().join("locks/store");
            fs::write(&path, "left").unwrap();
            path
        },
        read: |w| Store::open(w.sample.root()).map(drop),
        mend: |_| {},
        told: Told::Nobody,
    },
    Kind {
        name: "lock of an action",
        path: |w| {
            let path = w.sample.root().join("locks").join(w.first.key.to_string());
            fs::write(&path, "left").unwrap();
            path
        },
        read: |w| w.store().claim(&w.first.key).map(drop),
        mend: |_| {},
        told: Told::Nobody,
    },
    Kind {
        name: "lock of the runs",
        path: |w| {
            drop(w.store().running().unwrap());
            let path = w.sample.root().join("locks/runs");
            fs::write(&path, "left").unwrap();
            path
        },
        read: |w| w.store().running().map(drop),
        mend: |_| {},
        told: Told::Nobody,
    },
    Kind {
        name: "quarantine",
        path: |w| {
            let path = w.sample.root().join("quarantine/abc");
            fs::write(&path, "was damaged before").unwrap();
            path
        },
        read: Whole::everything,
        mend: |_| {},
        told: Told::Nobody,
    },
];

const PIN: &[u8] = br#"{"a":1}"#;

impl Whole {
    fn new() -> Whole {
        let (sample, [first, second]) = Sample::filled();
        let plugin = sample.store.put(PLUGIN).unwrap();
        let failed = Store::key(&json!({"kind": "third"})).unwrap();
        let whole = Whole {
            sample,
            first,
            second,
            plugin,
            failed,
        };
        whole.store().write_pin("study", PIN).unwrap();
        whole.diverge();
        whole
    }

    fn store(&self) -> &Store {
        &self.sample.store
    }

    fn get(&self, digest: &Digest) -> Result<(), Error> {
        self.store().get(digest).map(drop)
    }

    /// What the first runs did, once more.
    fn run(&self) {
        let first = self
            .sample
            .finish("first", &[("scores", "abc"), ("log", "")]);
        assert_eq!(first.outputs, self.first.outputs);
        self.sample
            .finish("second", &[("mask", "0110"), ("checkpoint", "weights")]);
        self.store().put(PLUGIN).unwrap();
    }

    fn fail(&self) {
        let failed = json!({"kind": "third"});
        self.store().record_failure(&failed, &json!("why")).unwrap();
    }

    fn diverge(&self) {
        let mut outputs = self.first.outputs.clone();
        outputs.insert("scores".into(), self.store().put(b"other").unwrap());
        let record = json!({"of": "first"});
        self.store()
            .commit(&recipe("first"), &outputs, &record)
            .unwrap();
    }

    /// Every read that there is.
    fn everything(&self) -> Result<(), Error> {
        self.get(&self.first.outputs["scores"])?;
        self.store().action(&self.first.key)?;
        self.store().divergences()?;
        self.store().failure(&self.failed)?;
        self.store().read_pin("study")?;
        Store::open(self.sample.root()).map(drop)
    }

    /// Problems that name this file or what its name stands for.
    fn problems_with(&self, path: &Path) -> Vec<String> {
        // A sound store can be opened to look.
        let opened = Store::open(self.sample.root());
        let found = match &opened {
            Ok(store) => store.audit(&|_, _| ()).unwrap().problems,
            Err(error) => return vec![error.to_string()],
        };
        let name = path.file_name().unwrap().to_str().unwrap();
        // All but the last digit: a file that was misnamed differs in that.
        let name = &name[..name.len().min(63)];
        let lines = found
            .iter()
            .map(|p| format!("{}: {}", p.path.display(), p.what));
        lines.filter(|line| line.contains(name)).collect()
    }
}

const PLUGIN: &[u8] = b"\x7fELF and so on";

fn is_digest(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_str().unwrap();
    name.parse::<Digest>().is_ok()
}

/// One case; says what went wrong.
fn judge(kind: &Kind, damage: &str, inflict: fn(&Path)) -> Result<(), String> {
    let whole = Whole::new();
    let path = (kind.path)(&whole);
    let before = whole.problems_with(&path);
    if !before.is_empty() {
        return Err(format!("problems before: {before:?}"));
    }
    inflict(&path);
    let gone = fs::symlink_metadata(&path).is_err();
    let expected = match kind.told {
        Told::Both => true,
        // Under a digest that is not its own a file is a stranger, and named as one.
        Told::BothIfThere => !gone || (damage == "misnamed" && is_digest(&path)),
        Told::Nobody => false,
    };
    let told = whole.problems_with(&path);
    if expected == told.is_empty() {
        return Err(format!("the audit says {told:?}"));
    }
    let read = (kind.read)(&whole);
    match &read {
        Err(
            Error::Corrupt { .. }
            | Error::NotFound { .. }
            | Error::Format { .. }
            | Error::Io { .. },
        ) => {}
        Err(other) => return Err(format!("an error of another type: {other:?}")),
        Ok(()) if expected && !gone => return Err("it was read".into()),
        Ok(()) => {}
    }
    if kind.told == Told::Nobody && damage != "folder in its place" {
        // What holds nothing stops nobody, except where a folder has its name.
        let free = read.is_ok() || damage.contains("link") || damage.contains("pipe");
        return if free {
            Ok(())
        } else {
            Err(format!("{read:?}"))
        };
    }
    if kind.told == Told::Nobody {
        return Ok(());
    }
    mend(kind, damage, &whole, &path)
}

/// The next run makes the file again; a stranger that it leaves behind is still named.
fn mend(kind: &Kind, damage: &str, whole: &Whole, path: &Path) -> Result<(), String> {
    if kind.name == "FORMAT" && fs::symlink_metadata(path).is_ok() {
        let moved = path.with_file_name("quarantine").join("FORMAT");
        fs::rename(path, moved).unwrap();
    }
    if damage == "misnamed" && is_digest(path) {
        // As the audit says: moved away.
        fs::remove_file(other_name(path)).unwrap();
    }
    (kind.mend)(whole);
    let left = whole.problems_with(path);
    let read = (kind.read)(whole);
    match (left.is_empty(), read) {
        (true, Ok(())) => Ok(()),
        (_, read) => Err(format!("after `{damage}` was mended: {left:?}, {read:?}")),
    }
}

#[test]
fn every_damage_to_every_kind_of_file() {
    let (mut caught, mut escaped) = (0, Vec::new());
    for damage in &DAMAGES {
        for kind in &KINDS {
            match judge(kind, damage.name, damage.inflict) {
                Ok(()) => caught += 1,
                Err(why) => escaped.push(format!("{}, {}: {why}", kind.name, damage.name)),
            }
        }
    }
    let tried = caught + escaped.len();
    let line = format!("jackpot-count: corruptions of the store caught = {caught} / {tried}\n");
    // Past the capture of the test harness: the suite's numbers.
    std::io::stdout().write_all(line.as_bytes()).unwrap();
    assert!(escaped.is_empty(), "{}", escaped.join("\n"));
    assert_eq!(tried, 140);
}

/// Closed to the user who reads: every kind is an error of the system, named, and what can be
/// read is read.
#[test]
fn closed_files_are_named() {
    let whole = Whole::new();
    let root = whole.sample.root().to_path_buf();
    let program = whole.sample.folder.path().join("child");
    fs::copy(env!("CARGO_BIN_EXE_jackpot-store-child"), &program).unwrap();
    fs::set_permissions(whole.sample.folder.path(), mode(0o755)).unwrap();
    for kind in KINDS.iter().filter(|k| k.told != Told::Nobody) {
        let path = (kind.path)(&whole);
        let before = fs::metadata(&path).unwrap().permissions();
        fs::set_permissions(&path, mode(0)).unwrap();
        let mut command = std::process::Command::new(&program);
        command.args(["audit".as_ref(), root.as_os_str(), "-".as_ref()]);
        crate::as_nobody(&mut command);
        let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let told = |line: &str| line.contains(name) && line.contains("Permission denied");
        assert!(said.lines().any(told), "{}: {said}", kind.name);
        fs::set_permissions(&path, before).unwrap();
    }
}

fn mode(bits: u32) -> fs::Permissions {
    fs::Permissions::from_mode(bits)
}
