//! What is still needed, and the removal of the rest.
//!
//! A root is a pin, or what the caller names. From a root everything is followed that a digest
//! names: an action to its recipe, record and outputs, a recipe to what it reads, an object to
//! the actions that made it. So what is kept can be audited back to its beginning.

use crate::{
    Action, Digest, Error, Look, Store,
    actions::{digests_in, fanned_out_in},
    canonical,
    error::failed,
    files::write::sync_parent,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

/// Where something that must stay is named: for people, and the digests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// For example `pins/quick.json`.
    pub name: String,
    /// Actions and objects; those that are not in the store are no error.
    pub digests: BTreeSet<Digest>,
}

/// What some roots need of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// Finished actions.
    pub actions: BTreeSet<Digest>,
    /// Objects that are there, recipes and records among them.
    pub objects: BTreeSet<Digest>,
}

/// What nobody needs, and why the rest stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Garbage {
    /// Finished actions that no root needs.
    pub actions: Vec<Digest>,
    /// Objects that no root needs, with their bytes.
    pub objects: Vec<(Digest, u64)>,
    /// Other files and folders: divergences and resume points of what goes, old lock files.
    pub others: Vec<PathBuf>,
    /// Every root with its actions, objects and the bytes of these; roots may share them.
    pub kept: Vec<Kept>,
}

/// What one root holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Name of the root.
    pub root: String,
    /// Finished actions.
    pub actions: usize,
    /// Objects.
    pub objects: usize,
    /// Bytes of the objects.
    pub bytes: u64,
}

impl Garbage {
    /// Bytes of the objects that would go.
    pub fn bytes(&self) -> u64 {
        self.objects.iter().map(|(_, size)| size).sum()
    }
}

/// Every digest that a JSON value names, wherever it stands.
pub fn digests(value: &Value) -> BTreeSet<Digest> {
    let mut found = BTreeSet::new();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => found.extend(text.parse::<Digest>()),
            Value::Array(items) => open.extend(items),
            Value::Object(members) => open.extend(members.values()),
            _ => {}
        }
    }
    found
}

/// The finished actions of a store, and which of them made an object.
struct Graph<'a> {
    store: &'a Store,
    actions: BTreeMap<Digest, Action>,
    makers: BTreeMap<Digest, Vec<Digest>>,
    sizes: BTreeMap<Digest, u64>,
    /// Actions that cannot be read, and why; they are where they were.
    damaged: Vec<(Digest, String)>,
}

impl Store {
    /// Everything that these digests, of actions or objects, are made of.
    pub fn reach(&self, digests: &BTreeSet<Digest>) -> Result<Reached, Error> {
        Graph::read(self)?.reach(digests)
    }

    /// One root a pin, in order of their names.
    pub fn pinned(&self) -> Result<Vec<Root>, Error> {
        let mut roots = Vec::new();
        for name in self.pin_names()? {
            let path = format!("pins/{name}.json");
            let bytes = match self.look_pin(&name)? {
                Look::Sound(bytes) => bytes,
                // Removed since it was listed.
                Look::Absent => continue,
                Look::Damaged(what) => {
                    return Err(Error::Invalid(format!(
                        "`{path}`: {what}: what it holds is not known; pin it anew (`jackpot run` of its study)"
                    )));
                }
            };
            let said = canonical::parse(&bytes)
                .map_err(|error| Error::Invalid(format!("{path}: {error}")))?;
            roots.push(Root {
                name: path,
                digests: digests(&said),
            });
        }
        Ok(roots)
    }

    /// What neither the pins nor these roots need. Changes nothing; what a run that is at
    /// work makes shows up here until its study is pinned.
    ///
    /// # Errors
    /// A damaged pin or action: what it needs is not known, and would all be garbage.
    pub fn garbage(&self, roots: &[Root]) -> Result<Garbage, Error> {
        let graph = Graph::read(self)?;
        if let Some((key, what)) = graph.damaged.first() {
            return Err(Error::Invalid(format!(
                "action `{key}`: {what}: what it was made of is not known; `jackpot audit --quarantine` moves it away, and the next run of its study does it again"
            )));
        }
        let mut all = self.pinned()?;
        all.extend_from_slice(roots);
        let failures = digests_in(&self.root().join("failures"))?;
        let mut garbage = Garbage::default();
        let mut needed = Reached::default();
        for root in &all {
            let reached = graph.reach(&root.digests)?;
            garbage.kept.push(graph.kept(&root.name, &reached));
            needed.actions.extend(reached.actions);
            needed.objects.extend(reached.objects);
        }
        // A failure is shown with its recipe, which no action needs to have finished.
        needed.objects.extend(failures);
        self.divergent(&mut needed, &mut garbage)?;
        let unneeded = graph.actions.keys().filter(|k| !needed.actions.contains(k));
        garbage.actions = unneeded.copied().collect();
        let unneeded = graph
            .sizes
            .iter()
            .filter(|(d, _)| !needed.objects.contains(d));
        garbage.objects = unneeded.map(|(digest, size)| (*digest, *size)).collect();
        self.left_behind(&graph, &mut garbage)?;
        Ok(garbage)
    }

    /// Removes what [`Store::garbage`] names, alone with the store: the lock that every other
    /// process shares while it has the store open is taken whole, and what is garbage is
    /// looked up again under it. Actions go before objects, so that a crash leaves no action
    /// without its parts.
    ///
    /// # Errors
    /// [`Error::Busy`] when another process has the store open; nothing is removed then.
    pub fn collect_garbage(&self, roots: &[Root]) -> Result<Garbage, Error> {
        self.refuse_bundle()?;
        self.refuse_lost_pins()?;
        self.alone(|| {
            let garbage = self.garbage(roots)?;
            let mut emptied = BTreeSet::new();
            for key in &garbage.actions {
                let path = self.named_path("actions", key);
                remove(&path)?;
                emptied.extend(path.parent().map(Path::to_owned));
            }
            for path in &garbage.others {
                remove(&self.root().join(path))?;
            }
            // One crash-safe moment: no action names what goes next.
            for folder in emptied {
                sync_parent(&folder.join("any"))?;
            }
            for (digest, _) in &garbage.objects {
                self.remove(digest)?;
            }
            Ok(garbage)
        })
    }

    /// A damaged pin was moved away: what it held is not known, and would all be garbage.
    fn refuse_lost_pins(&self) -> Result<(), Error> {
        let folder = self.root().join("quarantine");
        let names = fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut names = names.filter_map(|entry| entry.file_name().into_string().ok());
        match names.find(|name| name.contains(".json")) {
            None => Ok(()),
            Some(name) => Err(Error::Invalid(format!(
                "`{}`: a damaged pin: what it held is not known; pin it anew (`jackpot run` of its study), then delete this file",
                folder.join(name).display()
            ))),
        }
    }

    /// The other results of what stays, stay; those of what goes, go.
    fn divergent(&self, needed: &mut Reached, garbage: &mut Garbage) -> Result<(), Error> {
        for action in self.divergences()? {
            if needed.actions.contains(&action.key) {
                needed.objects.extend(action.outputs.values());
                needed.objects.insert(action.record);
            } else {
                let path = PathBuf::from("divergences").join(action.key.to_string());
                if garbage.others.last() != Some(&path) {
                    garbage.others.push(path);
                }
            }
        }
        Ok(())
    }

    /// Resume points of finished trainings, and lock files, which mean nothing when nobody
    /// holds them.
    fn left_behind(&self, graph: &Graph, garbage: &mut Garbage) -> Result<(), Error> {
        for key in digests_in(&self.root().join("resume"))? {
            if graph.actions.contains_key(&key) {
                garbage
                    .others
                    .push(Path::new("resume").join(key.to_string()));
            }
        }
        for key in digests_in(&self.root().join("locks"))? {
            garbage
                .others
                .push(Path::new("locks").join(key.to_string()));
        }
        Ok(())
    }
}

impl<'a> Graph<'a> {
    fn read(store: &'a Store) -> Result<Graph<'a>, Error> {
        let mut graph = Graph {
            store,
            actions: BTreeMap::new(),
            makers: BTreeMap::new(),
            sizes: BTreeMap::new(),
            damaged: Vec::new(),
        };
        for key in store.action_keys()? {
            let action = match store.look_action(&key)? {
                Look::Sound(action) => action,
                Look::Absent => continue,
                Look::Damaged(what) => {
                    graph.damaged.push((key, what));
                    continue;
                }
            };
            for output in action.outputs.values() {
                graph.makers.entry(*output).or_default().push(key);
            }
            graph.actions.insert(key, action);
        }
        for digest in fanned_out_in(&store.root().join("objects"))? {
            // Removed since it was listed: not there.
            if let Ok(found) = fs::symlink_metadata(store.object_path(&digest)) {
                graph.sizes.insert(digest, found.len());
            }
        }
        Ok(graph)
    }

    fn reach(&self, roots: &BTreeSet<Digest>) -> Result<Reached, Error> {
        let mut reached = Reached::default();
        let mut seen = BTreeSet::new();
        let mut open: Vec<Digest> = roots.iter().copied().collect();
        while let Some(digest) = open.pop() {
            if !seen.insert(digest) {
                continue;
            }
            if self.sizes.contains_key(&digest) {
                reached.objects.insert(digest);
            }
            // Also of what is gone, as a checkpoint is, or what an import left out.
            open.extend(self.makers.get(&digest).into_iter().flatten());
            let Some(action) = self.actions.get(&digest) else {
                continue;
            };
            reached.actions.insert(digest);
            open.extend(action.outputs.values());
            if self.sizes.contains_key(&action.record) {
                reached.objects.insert(action.record);
            }
            if self.sizes.contains_key(&digest) {
                open.extend(digests(&self.store.recipe(&digest)?));
            }
        }
        Ok(reached)
    }

    fn kept(&self, root: &str, reached: &Reached) -> Kept {
        Kept {
            root: root.to_owned(),
            actions: reached.actions.len(),
            objects: reached.objects.len(),
            bytes: reached.objects.iter().map(|d| self.sizes[d]).sum(),
        }
    }
}

fn remove(path: &Path) -> Result<(), Error> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(failed(path, "could not remove")(error))
        }
        _ => Ok(()),
    }
}
