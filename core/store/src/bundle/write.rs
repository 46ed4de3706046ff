//! Writing a bundle.

use super::{
    METADATA, Member, Pins, STATEMENT, describe, fanned_out, has_room, header, left_out,
    left_out_record, padding, pin_path,
};
use crate::{
    Action, Digest, Error, FORMAT, Store, actions::action_bytes, audit::TRANSIENT_OUTPUT, canonical,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write},
};

/// What of a store goes into a bundle.
#[derive(Clone, Debug, Default)]
pub struct BundleSelection {
    /// Names of pins.
    pub pins: BTreeSet<String>,
    /// Keys of finished actions, with their recipes.
    pub actions: BTreeSet<Digest>,
    /// Names of outputs that stay behind; their digests come along.
    pub without: BTreeSet<String>,
    /// Objects beside what the actions made: plugins, imported weights.
    pub objects: BTreeSet<Digest>,
}

/// How a bundle's bytes are packed. Both are functions of the contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// A plain tar.
    Tar,
    /// The tar as one zstd frame.
    Zstd,
}

/// What a bundle was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Finished actions.
    pub actions: usize,
    /// Objects: recipes, results and the bundle's own records.
    pub objects: usize,
    /// Outputs of which only the digest came along.
    pub left_out: usize,
    /// Length of the tar.
    pub bytes: u64,
}

/// The evidence of 2,250 runs is mostly masks, 22 MB of bits: they pack in 0.8 s of a core to 11 %
/// more than what level 19 needs 27 s for, and a report packs them each time that it is drawn.
const ZSTD_LEVEL: i32 = 9;

/// Everything of a bundle but the bytes of the store's own objects.
struct Plan {
    metadata: Vec<u8>,
    members: Vec<Member>,
    /// Bytes of members that are not the store's objects, by path.
    written: BTreeMap<String, Vec<u8>>,
    exported: Exported,
}

impl Store {
    /// Writes a bundle of the selected part of the store; every object is verified on the way.
    /// `progress(done, total)` counts bytes.
    ///
    /// # Errors
    /// When a selected action is not finished here, or an output that is to come along is
    /// absent without its action's record saying so; when the sink refuses a write.
    pub fn export(
        &self,
        selection: &BundleSelection,
        packing: Packing,
        sink: &mut dyn Write,
        progress: &dyn Fn(u64, u64),
    ) -> Result<Exported, Error> {
        let plan = self.plan_bundle(selection)?;
        match packing {
            Packing::Tar => self.write_tar(&plan, sink, progress)?,
            Packing::Zstd => {
                let mut frame = zstd::Encoder::new(sink, ZSTD_LEVEL).map_err(cannot_write)?;
                self.write_tar(&plan, &mut frame, progress)?;
                frame.finish().map_err(cannot_write)?;
            }
        }
        Ok(plan.exported)
    }

    fn plan_bundle(&self, selection: &BundleSelection) -> Result<Plan, Error> {
        if selection.pins.is_empty() && selection.actions.is_empty() {
            return Err(Error::Invalid(
                "a bundle: expected at least one pin or finished action, found none".into(),
            ));
        }
        let pins = self.selected_pins(selection)?;
        let mut actions = Vec::new();
        let mut objects = selection.objects.clone();
        for key in &selection.actions {
            let action = self.action(key)?.ok_or_else(|| Error::NotFound {
                path: self.named_path("actions", key),
                what: "it was to go into a bundle; run its study again".into(),
            })?;
            objects.extend(self.chosen_outputs(&action, &selection.without)?);
            objects.insert(*key);
            actions.push(action);
        }
        let mut written = BTreeMap::new();
        let mut exported = Exported {
            actions: actions.len(),
            ..Exported::default()
        };
        for action in &mut actions {
            let absent = action.outputs.iter().filter(|(_, d)| !objects.contains(d));
            let absent: Vec<_> = absent.map(|(name, _)| name).collect();
            exported.left_out += absent.len();
            let record = left_out_record(&absent);
            action.record = Digest::of(&record);
            written.insert(fanned_out("objects", &action.record), record);
        }
        let of_store: Vec<Member> = objects
            .iter()
            .map(|digest| self.declared(digest))
            .collect::<Result<_, _>>()?;
        exported.objects = of_store.len() + written.len();
        objects.extend(actions.iter().map(|action| action.record));
        written.insert(
            STATEMENT.into(),
            describe::statement(&pins, &actions, &objects),
        );
        written.insert("FORMAT".into(), FORMAT.into());
        for (name, bytes) in pins {
            written.insert(pin_path(&name), bytes);
        }
        for action in &actions {
            written.insert(fanned_out("actions", &action.key), action_bytes(action));
        }
        let mut members = of_store;
        members.retain(|member| !written.contains_key(&member.path));
        members.extend(
            written
                .iter()
                .map(|(path, bytes)| Member::of(path.clone(), bytes)),
        );
        members.sort_by(|a, b| order(&a.path).cmp(&order(&b.path)));
        let metadata = describe::metadata(&members);
        exported.bytes = tar_size(&metadata, &members);
        Ok(Plan {
            metadata,
            members,
            written,
            exported,
        })
    }

    fn selected_pins(&self, selection: &BundleSelection) -> Result<Pins, Error> {
        let read = |name: &String| {
            if !has_room(&pin_path(name)) {
                return Err(Error::Invalid(format!(
                    "pins/{name}.json: a bundle has room for the names of pins with at most 95 letters, found {}",
                    name.len()
                )));
            }
            let bytes = self.read_pin(name)?.ok_or_else(|| Error::NotFound {
                path: self.root().join(pin_path(name)),
                what: "it was to go into a bundle; `jackpot pin` lists the pins there are".into(),
            })?;
            canonical::parse(&bytes)
                .map_err(|error| Error::Invalid(format!("pins/{name}.json: {error}")))?;
            Ok((name.clone(), bytes))
        };
        selection.pins.iter().map(read).collect()
    }

    /// The outputs that come along. One that is absent must be known to be.
    fn chosen_outputs(
        &self,
        action: &Action,
        without: &BTreeSet<String>,
    ) -> Result<Vec<Digest>, Error> {
        let mut chosen = Vec::new();
        let named = action.outputs.iter();
        for (name, digest) in named.filter(|(name, _)| !without.contains(*name)) {
            if self.has(digest) {
                chosen.push(*digest);
            } else if name != TRANSIENT_OUTPUT && !self.is_left_out(action, name)? {
                return Err(Error::NotFound {
                    path: self.object_path(digest),
                    what: format!(
                        "it is the output `{name}` of action `{}`, which was to go into a bundle; run its study again",
                        action.key
                    ),
                });
            }
        }
        Ok(chosen)
    }

    /// Whether the action came from a bundle that did not have this output.
    pub(crate) fn is_left_out(&self, action: &Action, output: &str) -> Result<bool, Error> {
        if !self.has(&action.record) {
            return Ok(false);
        }
        let record = canonical::parse(&self.get(&action.record)?)?;
        Ok(left_out(&record).is_some_and(|names| names.contains(&output)))
    }

    fn declared(&self, digest: &Digest) -> Result<Member, Error> {
        let path = self.object_path(digest);
        match fs::symlink_metadata(&path) {
            Ok(found) => Ok(Member {
                path: fanned_out("objects", digest),
                size: found.len(),
                sha256: *digest,
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::NotFound {
                path,
                what: "it was to go into a bundle; run the study that makes it again".into(),
            }),
            Err(source) => Err(crate::error::failed(path, "could not look at the object")(
                source,
            )),
        }
    }

    fn write_tar(
        &self,
        plan: &Plan,
        sink: &mut dyn Write,
        progress: &dyn Fn(u64, u64),
    ) -> Result<(), Error> {
        let put = |sink: &mut dyn Write, bytes: &[u8]| sink.write_all(bytes).map_err(cannot_write);
        let total = plan.members.iter().map(|member| member.size).sum();
        let mut done = 0;
        put(
            sink,
            header(METADATA, plan.metadata.len() as u64).as_bytes(),
        )?;
        put(sink, &plan.metadata)?;
        put(sink, &[0; 512][..padding(plan.metadata.len() as u64)])?;
        for member in &plan.members {
            put(sink, header(&member.path, member.size).as_bytes())?;
            match plan.written.get(&member.path) {
                Some(bytes) => put(sink, bytes)?,
                None => self.copy_object(&member.sha256, sink)?,
            }
            put(sink, &[0; 512][..padding(member.size)])?;
            done += member.size;
            progress(done, total);
        }
        put(sink, &[0; 1024])
    }

    fn copy_object(&self, digest: &Digest, sink: &mut dyn Write) -> Result<(), Error> {
        let mut refused = None;
        let copied = self.read_object(digest, |piece| {
            sink.write_all(piece).map_err(|error| {
                let kind = error.kind();
                refused = Some(error);
                kind.into()
            })
        });
        match refused {
            Some(error) => Err(cannot_write(error)),
            None => copied,
        }
    }
}

fn cannot_write(error: io::Error) -> Error {
    Error::Invalid(format!("the bundle could not be written: {error}"))
}

/// The order of members: what is small and needed first comes first.
pub(super) fn order(path: &str) -> (usize, &str) {
    let first = ["FORMAT", STATEMENT, "pins/", "actions/", "objects/"];
    let at = first.iter().position(|start| path.starts_with(start));
    (at.unwrap_or(first.len()), path)
}

fn tar_size(metadata: &[u8], members: &[Member]) -> u64 {
    let blocks = |size: u64| 512 + size.next_multiple_of(512);
    let files: u64 = members.iter().map(|member| blocks(member.size)).sum();
    blocks(metadata.len() as u64) + files + 1024
}
