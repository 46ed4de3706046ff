//! What was done: recipes, their results and records, divergences, failures.

use crate::{
    Digest, Error, Store, canonical,
    error::failed,
    files::steps::reached,
    files::write::{Placed, make_folder, open_regular},
    objects::make_fan_out,
    store::check_name,
};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    path::Path,
};

/// The version of action and failure files.
const FILE_FORMAT: u64 = 1;

/// A finished action as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// The sha256 of its recipe.
    pub key: Digest,
    /// What it made, by name; at least one.
    pub outputs: BTreeMap<String, Digest>,
    /// The object that says who, when, where, how long: canonical JSON, no part of the result.
    pub record: Digest,
}

/// What a commit found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// The first result under this key.
    New,
    /// The same result was there.
    Same,
    /// The first stays; this one was kept and listed: see [`Store::divergences`].
    Diverged {
        /// The outputs that the key stands for.
        first: BTreeMap<String, Digest>,
    },
}

/// What a digest's first digits may mean.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    /// An object that is no recipe of a finished action.
    Object(Digest),
    /// A finished action; its recipe is the object of the same name.
    Action(Digest),
}

impl Store {
    /// The key of a recipe: the sha256 of its canonical bytes.
    pub fn key(recipe: &Value) -> Result<Digest, Error> {
        Ok(Digest::of(&canonical::to_bytes(recipe)?))
    }

    /// The finished action under this key; `None` if it is not done. The outputs may be absent by
    /// now: ask [`Store::has`] for those that are read. A damaged file is moved to
    /// `quarantine/` and is [`Error::Corrupt`]; the action is then a miss.
    pub fn action(&self, key: &Digest) -> Result<Option<Action>, Error> {
        let path = self.action_path(key);
        let Some(bytes) = self.read_named(&path)? else {
            return Ok(None);
        };
        match parse_action(*key, &bytes) {
            Ok(action) => Ok(Some(action)),
            Err(found) => Err(self.quarantine(&path, "an action file".into(), found)),
        }
    }

    /// The recipe of a key, of finished and of failed actions.
    pub fn recipe(&self, key: &Digest) -> Result<Value, Error> {
        canonical::parse(&self.get(key)?)
            .map_err(|error| Error::Invalid(format!("the object `{key}` is not a recipe: {error}")))
    }

    /// Makes an action finished. The objects in `outputs` must be there. Recipe and record are
    /// stored first and the action's file last, so that a crash leaves no action without its
    /// parts. Under a key that is taken the first result stays.
    pub fn commit(
        &self,
        recipe: &Value,
        outputs: &BTreeMap<String, Digest>,
        record: &Value,
    ) -> Result<Committed, Error> {
        let recipe = canonical::to_bytes(recipe)?;
        let record = canonical::to_bytes(record)
            .map_err(|error| Error::Invalid(format!("the record: {error}")))?;
        self.check_outputs(outputs)?;
        let key = self.put(&recipe)?;
        let committed = match self.action(&key) {
            Ok(Some(first)) if first.outputs == *outputs => Committed::Same,
            Ok(_) | Err(Error::Corrupt { .. }) => {
                let record = self.put(&record)?;
                self.place_action(&Action {
                    key,
                    outputs: outputs.clone(),
                    record,
                })?
            }
            Err(error) => return Err(error),
        };
        self.forget_failure(&key)?;
        self.forget_resume(&key)?;
        Ok(committed)
    }

    /// Makes an action finished whose recipe, record and outputs another store verified and
    /// whose objects are here, as far as they came along.
    pub(crate) fn adopt(&self, action: &Action) -> Result<Committed, Error> {
        let committed = match self.action(&action.key) {
            Ok(Some(first)) if first.outputs == action.outputs => Committed::Same,
            Ok(_) | Err(Error::Corrupt { .. }) => self.place_action(action)?,
            Err(error) => return Err(error),
        };
        self.forget_failure(&action.key)?;
        Ok(committed)
    }

    /// Results that differ from the first under the same key, by key and then by result.
    pub fn divergences(&self) -> Result<Vec<Action>, Error> {
        let folder = self.root().join("divergences");
        let mut found = Vec::new();
        for key in digests_in(&folder)? {
            let folder = folder.join(key.to_string());
            for outputs in digests_in(&folder)? {
                let path = folder.join(outputs.to_string());
                let Some(bytes) = self.read_named(&path)? else {
                    continue;
                };
                match parse_action(key, &bytes) {
                    Ok(action) => found.push(action),
                    Err(why) => {
                        return Err(self.quarantine(&path, "a divergence's file".into(), why));
                    }
                }
            }
        }
        Ok(found)
    }

    /// Keeps why an action failed, in place of an older failure of the same action. It is
    /// shown, never taken for a result, and removed when the action is committed.
    pub fn record_failure(&self, recipe: &Value, failure: &Value) -> Result<(), Error> {
        let key = self.put(&canonical::to_bytes(recipe)?)?;
        let content = json!({"format": FILE_FORMAT, "failure": failure, "recipe": key});
        let mut file = self.pending(0o644)?;
        file.write(&canonical::to_bytes(&content)?)?;
        file.replace(&self.failure_path(&key))
    }

    /// The latest failure of an action that has not succeeded since.
    pub fn failure(&self, key: &Digest) -> Result<Option<Value>, Error> {
        let path = self.failure_path(key);
        let Some(bytes) = self.read_named(&path)? else {
            return Ok(None);
        };
        match parse_failure(key, &bytes) {
            Ok(failure) => Ok(Some(failure)),
            Err(found) => Err(self.quarantine(&path, "a failure's file".into(), found)),
        }
    }

    /// Objects and actions whose name starts with these digits (4 to 64), in order. An action
    /// and its recipe have one name: they are listed once, as the action.
    pub fn find(&self, prefix: &str) -> Result<Vec<Found>, Error> {
        let hexadecimal = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        if !(4..=64).contains(&prefix.len()) || !prefix.chars().all(hexadecimal) {
            let shown: String = prefix.chars().take(80).collect();
            return Err(Error::Invalid(format!(
                "expected the first 4 to 64 digits (0-9, a-f) of a name, found `{shown}`"
            )));
        }
        let within = |folder: &str| -> Result<Vec<Digest>, Error> {
            let mut names = digests_in(&self.root().join(folder).join(&prefix[..2]))?;
            names.retain(|name| name.to_string().starts_with(prefix));
            Ok(names)
        };
        let actions = within("actions")?;
        let objects = within("objects")?;
        let objects = objects.iter().filter(|name| !actions.contains(name));
        let mut found: Vec<_> = objects.map(|name| (*name, Found::Object(*name))).collect();
        found.extend(actions.iter().map(|name| (*name, Found::Action(*name))));
        found.sort();
        Ok(found.into_iter().map(|(_, found)| found).collect())
    }

    /// The keys of all finished actions, in order. Their files are not read.
    pub fn action_keys(&self) -> Result<Vec<Digest>, Error> {
        fanned_out_in(&self.root().join("actions"))
    }

    /// The keys of all actions that failed and have not succeeded since, in order.
    pub fn failed_keys(&self) -> Result<Vec<Digest>, Error> {
        digests_in(&self.root().join("failures"))
    }

    fn check_outputs(&self, outputs: &BTreeMap<String, Digest>) -> Result<(), Error> {
        if outputs.is_empty() {
            return Err(Error::Invalid(
                "expected at least one output of the action, found none".into(),
            ));
        }
        for (name, digest) in outputs {
            check_name("output", name)?;
            if !self.has(digest) {
                return Err(Error::NotFound {
                    path: self.object_path(digest),
                    what: format!("output `{name}` must be stored before its action is committed"),
                });
            }
        }
        Ok(())
    }

    fn place_action(&self, action: &Action) -> Result<Committed, Error> {
        let path = self.action_path(&action.key);
        make_fan_out(&path)?;
        let mut file = self.pending(0o444)?;
        file.write(&action_bytes(action))?;
        while file.place(&path)? == Placed::Taken {
            match self.action(&action.key) {
                Ok(Some(first)) if first.outputs == action.outputs => return Ok(Committed::Same),
                Ok(Some(first)) => {
                    self.keep_divergence(action)?;
                    return Ok(Committed::Diverged {
                        first: first.outputs,
                    });
                }
                // Moved away: the name is free again.
                Ok(None) => {}
                Err(Error::Corrupt { .. }) if fs::symlink_metadata(&path).is_err() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Committed::New)
    }

    fn keep_divergence(&self, action: &Action) -> Result<(), Error> {
        let folder = self.root().join("divergences").join(action.key.to_string());
        make_folder(&folder)?;
        let mut file = self.pending(0o444)?;
        file.write(&action_bytes(action))?;
        // Taken: the same other result was kept before.
        let (Placed::New | Placed::Taken) =
            file.place(&folder.join(outputs_digest(&action.outputs).to_string()))?;
        Ok(())
    }

    pub(crate) fn forget_failure(&self, key: &Digest) -> Result<(), Error> {
        let path = self.failure_path(key);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(
                path,
                "could not remove the failure of an action that succeeded",
            )(error)),
            _ => {
                reached("removed", &path);
                Ok(())
            }
        }
    }

    pub(crate) fn forget_resume(&self, key: &Digest) -> Result<(), Error> {
        let path = self.root().join("resume").join(key.to_string());
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(
                path,
                "could not remove the resume point of a finished action",
            )(error)),
            _ => {
                reached("removed", &path);
                Ok(())
            }
        }
    }

    fn action_path(&self, key: &Digest) -> std::path::PathBuf {
        self.named_path("actions", key)
    }

    fn failure_path(&self, key: &Digest) -> std::path::PathBuf {
        self.root().join("failures").join(key.to_string())
    }

    /// A small file's bytes; `None` if it is absent. A link or folder in its place is moved away.
    pub(crate) fn read_named(&self, path: &Path) -> Result<Option<Vec<u8>>, Error> {
        match read_regular(path) {
            Ok(Ok(bytes)) => Ok(Some(bytes)),
            Ok(Err(kind)) => Err(self.quarantine(path, "a file".into(), kind.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(failed(path, "could not read")(source)),
        }
    }
}

/// `Ok(Err(what))` names what is there instead of a file.
pub(crate) fn read_regular(path: &Path) -> io::Result<Result<Vec<u8>, &'static str>> {
    Ok(match open_regular(path)? {
        Err(kind) => Err(kind),
        Ok(mut file) => {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        }
    })
}

/// The names in a folder that are digests, in order; an absent folder has none.
pub(crate) fn digests_in(folder: &Path) -> Result<Vec<Digest>, Error> {
    let listing = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing.map_err(failed(folder, "could not list the folder"))?,
    };
    let mut names = Vec::new();
    for entry in listing {
        let entry = entry.map_err(failed(folder, "could not list the folder"))?;
        let name = entry.file_name();
        names.extend(name.to_str().and_then(|name| name.parse::<Digest>().ok()));
    }
    names.sort();
    Ok(names)
}

/// The names in the folders `ab` of a folder that are digests, in order.
pub(crate) fn fanned_out_in(folder: &Path) -> Result<Vec<Digest>, Error> {
    let mut names = Vec::new();
    for first in 0..=u8::MAX {
        names.extend(digests_in(&folder.join(format!("{first:02x}")))?);
    }
    Ok(names)
}

fn outputs_value(outputs: &BTreeMap<String, Digest>) -> Value {
    let members = outputs
        .iter()
        .map(|(name, digest)| (name.clone(), json!(digest)));
    Value::Object(members.collect())
}

/// The name of a divergence: the sha256 of its outputs as canonical JSON.
pub(crate) fn outputs_digest(outputs: &BTreeMap<String, Digest>) -> Digest {
    Digest::of(&canonical_bytes(&outputs_value(outputs)))
}

/// The content of an action's file, and of a divergence's. `sum` is the sha256 of the same
/// without `sum`: a name or digest that rots must not become another result.
pub(crate) fn action_bytes(action: &Action) -> Vec<u8> {
    let mut content = json!({
        "format": FILE_FORMAT,
        "outputs": outputs_value(&action.outputs),
        "recipe": action.key,
        "record": action.record,
    });
    content["sum"] = json!(Digest::of(&canonical_bytes(&content)));
    canonical_bytes(&content)
}

fn canonical_bytes(value: &Value) -> Vec<u8> {
    canonical::to_bytes(value).expect("names and digests are text, the format is a small integer")
}

/// `Err` says what was found instead.
pub(crate) fn parse_action(key: Digest, bytes: &[u8]) -> Result<Action, String> {
    let names = ["format", "outputs", "recipe", "record", "sum"];
    let mut members = parse_members(bytes, &names)?;
    let recipe = take_digest(&mut members, "recipe")?;
    if recipe != key {
        return Err(format!("the action `{recipe}`"));
    }
    let record = take_digest(&mut members, "record")?;
    let Some(Value::Object(named)) = members.remove("outputs") else {
        return Err("`outputs` that is no object".into());
    };
    let mut outputs = BTreeMap::new();
    for (name, value) in named {
        check_name("output", &name).map_err(|error| format!("in `outputs`: {error}"))?;
        outputs.insert(name.clone(), digest_of(&name, value)?);
    }
    if outputs.is_empty() {
        return Err("`outputs` without any".into());
    }
    let action = Action {
        key,
        outputs,
        record,
    };
    if action_bytes(&action) != bytes {
        return Err("a `sum` that is not the sha256 of the rest".into());
    }
    Ok(action)
}

/// `Err` says what was found instead.
pub(crate) fn parse_failure(key: &Digest, bytes: &[u8]) -> Result<Value, String> {
    let mut members = parse_members(bytes, &["failure", "format", "recipe"])?;
    let recipe = take_digest(&mut members, "recipe")?;
    if recipe != *key {
        return Err(format!("the failure of `{recipe}`"));
    }
    Ok(members.remove("failure").unwrap_or_default())
}

/// A canonical object of this crate's format with exactly these members.
fn parse_members(bytes: &[u8], names: &[&str]) -> Result<Map<String, Value>, String> {
    let value = canonical::parse(bytes).map_err(|error| format!("other text: {error}"))?;
    let Value::Object(members) = value else {
        return Err("JSON that is no object".into());
    };
    let format = members.get("format").and_then(Value::as_u64);
    if format != Some(FILE_FORMAT) {
        return Err(format!("no `\"format\":{FILE_FORMAT}`"));
    }
    let mut found: Vec<_> = members.keys().map(String::as_str).collect();
    found.sort_unstable();
    if found != names {
        return Err(format!("the members {found:?} where {names:?} belong"));
    }
    Ok(members)
}

fn take_digest(members: &mut Map<String, Value>, name: &str) -> Result<Digest, String> {
    digest_of(name, members.remove(name).unwrap_or_default())
}

fn digest_of(name: &str, value: Value) -> Result<Digest, String> {
    let text = value
        .as_str()
        .ok_or_else(|| format!("`{name}` that is no text"))?;
    text.parse()
        .map_err(|error| format!("`{name}` that is no digest: {error}"))
}
