//! The store against the world: `sha256sum`, damage, several processes, sudden death.
#![allow(
    clippy::unwrap_used,
    reason = "a test's helpers fail by panicking, too"
)]

mod audit;
mod bundle;
mod corruption;
mod crash;
mod gc;
mod golden;
mod matrix;
mod opening;
mod processes;
mod shared;

use jackpot_store::{Action, Audit, Digest, Store};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// A store in a folder that goes with it.
struct Sample {
    store: Store,
    folder: tempfile::TempDir,
}

impl Sample {
    fn empty() -> Sample {
        let folder = folder();
        let store = Store::create(&folder.path().join("store")).unwrap();
        Sample { store, folder }
    }

    /// Two finished actions, the second reading what the first made, and a failed one.
    fn filled() -> (Sample, [Action; 2]) {
        let sample = Sample::empty();
        let first = sample.finish("first", &[("scores", "abc"), ("log", "")]);
        let second = sample.finish("second", &[("mask", "0110"), ("checkpoint", "weights")]);
        let failed = json!({"kind": "third"});
        sample.store.record_failure(&failed, &json!("why")).unwrap();
        sample.store.write_pin("study", b"{}").unwrap();
        (sample, [first, second])
    }

    fn finish(&self, kind: &str, made: &[(&str, &str)]) -> Action {
        let put = |bytes: &str| self.store.put(bytes.as_bytes()).unwrap();
        let outputs: BTreeMap<_, _> = made
            .iter()
            .map(|(name, bytes)| (name.to_string(), put(bytes)))
            .collect();
        let recipe = recipe(kind);
        let record = json!({"of": kind});
        self.store.commit(&recipe, &outputs, &record).unwrap();
        let key = Store::key(&recipe).unwrap();
        self.store.action(&key).unwrap().unwrap()
    }

    fn root(&self) -> &Path {
        self.store.root()
    }

    fn object(&self, digest: &Digest) -> PathBuf {
        named(self.root(), "objects", digest)
    }

    fn audit(&self) -> Audit {
        self.store.audit(&|_, _| ()).unwrap()
    }

    /// The problems as text, `path: what`, one each.
    fn problems(&self) -> Vec<String> {
        let problems = self.audit().problems;
        problems
            .iter()
            .map(|problem| format!("{}: {}", problem.path.display(), problem.what))
            .collect()
    }
}

/// In memory where that can be had: a thousand small files, each brought to disk, take minutes
/// on a busy one.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

fn recipe(kind: &str) -> Value {
    json!({"kind": kind, "revision": 1})
}

/// `ROOT/FOLDER/ab/abcd…`, spelled here independently of the library.
fn named(root: &Path, folder: &str, digest: &Digest) -> PathBuf {
    let name = digest.to_string();
    root.join(folder).join(&name[0..2]).join(&name)
}

/// Starts the helper process with pipes on both sides.
fn child(role: &str, root: &Path, argument: &str) -> Child {
    child_program()
        .args([role.as_ref(), root.as_os_str(), argument.as_ref()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn child_program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_jackpot-store-child"))
}

/// Rights do not bind root: be nobody.
fn as_nobody(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    if rustix::process::geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
}

/// Lets a waiting child go on to its end; returns what it said.
fn release(mut child: Child) -> String {
    drop(child.stdin.take());
    let mut said = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    child.wait().unwrap();
    said
}

/// Every file under a folder with its bytes, by relative path.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_path_buf();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}
