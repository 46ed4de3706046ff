//! Reading a bundle that anybody may have made: verify it, take it into a store, or open it
//! as a store.
//!
//! No name of the archive is used: every member must be the next one that the metadata
//! declares, with the one header it can have, and its bytes must have the declared sha256. The
//! metadata and the statement must be what this program would have written for the contents.

use super::{
    METADATA, Member, Pins, STATEMENT, describe, header, left_out_record, padding, source,
    write::order,
};
use crate::{
    Action, Committed, Digest, Error, FORMAT, Store,
    actions::parse_action,
    canonical,
    error::failed,
    files::write::Pending,
    store::{FOLDERS, check_name},
};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// More than this is no metadata, pin, action or recipe.
const SMALL: u64 = 1 << 28;

/// What a bundle holds, as far as it is read into memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Pins by name, with their canonical JSON.
    pub pins: BTreeMap<String, Vec<u8>>,
    /// Finished actions, by key. Their records say which outputs were left out.
    pub actions: Vec<Action>,
    /// Names of the objects.
    pub objects: BTreeSet<Digest>,
    /// Length of the tar.
    pub bytes: u64,
}

/// What an import found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// What was in the bundle.
    pub listing: Listing,
    /// Actions that were not in the store.
    pub new: usize,
    /// Keys under which the store has another result: it stays, the bundle's is kept beside it.
    pub diverged: Vec<Digest>,
}

/// Where the bytes of objects go.
trait Sink {
    fn begin(&mut self, digest: &Digest) -> Result<(), Error>;
    fn piece(&mut self, bytes: &[u8]) -> Result<(), Error>;
    /// The bytes have the sha256 `digest`.
    fn end(&mut self, digest: &Digest) -> Result<(), Error>;
}

impl Store {
    /// Reads a bundle to its end and says what it holds, or what is wrong with it.
    ///
    /// # Errors
    /// At the first thing that is not as declared; it is named.
    pub fn verify_bundle(path: &Path) -> Result<Listing, Error> {
        read(path, &mut Nowhere)
    }

    /// Takes a bundle into this store. Objects are verified before they get their names, and
    /// actions and pins come last, so that a bundle that turns out bad leaves no action. An
    /// action that is here keeps its record; a pin of the same name is replaced only if
    /// `replace_pins`.
    ///
    /// # Errors
    /// As [`Store::verify_bundle`]'s; when a pin of the same name says something else.
    pub fn import(&self, path: &Path, replace_pins: bool) -> Result<Imported, Error> {
        let mut sink = IntoStore {
            store: self,
            pending: None,
        };
        let listing = read(path, &mut sink)?;
        for (name, bytes) in &listing.pins {
            if !replace_pins && self.read_pin(name)?.is_some_and(|found| found != *bytes) {
                return Err(Error::Invalid(format!(
                    "`{}`: the store has another pin `{name}`; rename or remove it (`jackpot pin remove {name}`), or replace it with `--replace-pins`",
                    path.display()
                )));
            }
        }
        let mut imported = Imported::default();
        for action in &listing.actions {
            match self.adopt(action)? {
                Committed::New => imported.new += 1,
                Committed::Same => {}
                Committed::Diverged { .. } => imported.diverged.push(action.key),
            }
        }
        for (name, bytes) in &listing.pins {
            self.write_pin(name, bytes)?;
        }
        imported.listing = listing;
        Ok(imported)
    }
}

/// Writes the bundle at `path` as a store into the empty folder `root`. Not brought to disk:
/// the folder lives as long as its reader.
pub(crate) fn unpack(path: &Path, root: &Path) -> Result<(), Error> {
    for folder in FOLDERS {
        let folder = root.join(folder);
        fs::create_dir(&folder).map_err(failed(&folder, "could not make the folder"))?;
    }
    let listing = read(path, &mut IntoFolder { root, file: None })?;
    for action in &listing.actions {
        let path = root.join(super::fanned_out("actions", &action.key));
        write_plain(&path)?
            .write_all(&crate::actions::action_bytes(action))
            .map_err(failed(&path, "could not write"))?;
    }
    for (name, bytes) in &listing.pins {
        let path = root.join(super::pin_path(name));
        fs::write(&path, bytes).map_err(failed(&path, "could not write"))?;
    }
    let path = root.join("FORMAT");
    fs::write(&path, FORMAT).map_err(failed(&path, "could not write"))
}

fn write_plain(path: &Path) -> Result<File, Error> {
    let folder = path.parent().expect("a file of a store lies in a folder");
    fs::create_dir_all(folder).map_err(failed(folder, "could not make the folder"))?;
    let mut options = File::options();
    let options = options.write(true).create_new(true).mode(0o444);
    options
        .open(path)
        .map_err(failed(path, "could not create a file"))
}

struct Nowhere;

impl Sink for Nowhere {
    fn begin(&mut self, _: &Digest) -> Result<(), Error> {
        Ok(())
    }
    fn piece(&mut self, _: &[u8]) -> Result<(), Error> {
        Ok(())
    }
    fn end(&mut self, _: &Digest) -> Result<(), Error> {
        Ok(())
    }
}

struct IntoStore<'a> {
    store: &'a Store,
    pending: Option<Pending>,
}

impl Sink for IntoStore<'_> {
    fn begin(&mut self, _: &Digest) -> Result<(), Error> {
        self.pending = Some(self.store.pending(0o444)?);
        Ok(())
    }
    fn piece(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let file = self.pending.as_mut();
        file.expect("a piece comes after its begin").write(bytes)
    }
    fn end(&mut self, digest: &Digest) -> Result<(), Error> {
        let file = self.pending.take();
        let mut file = file.expect("an end comes after its begin");
        self.store.settle_object(&mut file, digest)
    }
}

struct IntoFolder<'a> {
    root: &'a Path,
    file: Option<File>,
}

impl Sink for IntoFolder<'_> {
    fn begin(&mut self, digest: &Digest) -> Result<(), Error> {
        let path = self.root.join(super::fanned_out("objects", digest));
        self.file = Some(write_plain(&path)?);
        Ok(())
    }
    fn piece(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let file = self.file.as_mut();
        let file = file.expect("a piece comes after its begin");
        file.write_all(bytes)
            .map_err(failed(self.root, "could not write a file in here"))
    }
    fn end(&mut self, _: &Digest) -> Result<(), Error> {
        self.file = None;
        Ok(())
    }
}

fn read(path: &Path, sink: &mut dyn Sink) -> Result<Listing, Error> {
    let refused = |what: String| Error::Bundle {
        path: path.into(),
        what,
    };
    let source = source::open(path)?;
    let reader = Reader { source, bytes: 0 };
    reader.run(sink).map_err(|trouble| match trouble {
        Trouble::Refused(what) => refused(what),
        Trouble::Store(error) => error,
    })
}

/// Why reading stopped: the bundle, or the store that it was to go into.
enum Trouble {
    Refused(String),
    Store(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        Trouble::Store(error)
    }
}

fn refuse<T>(what: impl Into<String>) -> Result<T, Trouble> {
    Err(Trouble::Refused(what.into()))
}

struct Reader {
    source: Box<dyn Read>,
    /// Read so far.
    bytes: u64,
}

impl Reader {
    fn run(mut self, sink: &mut dyn Sink) -> Result<Listing, Trouble> {
        let metadata = self.metadata()?;
        let members = declared(&metadata)?;
        let mut listing = Listing {
            objects: objects_of(&members)?,
            ..Listing::default()
        };
        let mut statement = Vec::new();
        let mut seen = BTreeSet::new();
        for member in &members {
            self.header(member, &members, &seen)?;
            match member.path.split_once('/') {
                None if member.path == STATEMENT => statement = self.small(member)?,
                None => format(&self.small(member)?)?,
                Some(("pins", name)) => {
                    let bytes = self.small(member)?;
                    insert_pin(&mut listing.pins, name, bytes)?;
                }
                Some(("actions", _)) => {
                    let bytes = self.small(member)?;
                    listing
                        .actions
                        .push(action(member, &bytes, &listing.objects)?);
                }
                Some(_) => {
                    let keys = &listing.actions;
                    let is_recipe = keys.binary_search_by_key(&member.sha256, |a| a.key).is_ok();
                    self.object(member, is_recipe, sink)?;
                }
            }
            seen.insert(member.path.as_str());
        }
        self.end()?;
        if statement != describe::statement(&listing.pins, &listing.actions, &listing.objects) {
            return refuse(format!(
                "`{STATEMENT}`: does not say what the actions and pins of the bundle say"
            ));
        }
        listing.bytes = self.bytes;
        Ok(listing)
    }

    /// The first member; its size is the only one that nothing declares.
    fn metadata(&mut self) -> Result<Vec<u8>, Trouble> {
        let found = self.block(METADATA)?;
        let read = tar::Header::from_byte_slice(&found);
        let size = read.size().unwrap_or(0);
        if header(METADATA, size.min(SMALL)).as_bytes() != &found {
            return refuse(format!(
                "not a bundle of Jackpot: expected the file `{METADATA}` first, found {}",
                described(read)
            ));
        }
        let member = Member {
            path: METADATA.into(),
            size,
            sha256: Digest([0; 32]),
        };
        let mut bytes = Vec::new();
        self.content(&member, &mut |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(bytes)
    }

    /// The header must be the one that the declared member has; else, says how it is not.
    fn header(
        &mut self,
        member: &Member,
        members: &[Member],
        seen: &BTreeSet<&str>,
    ) -> Result<(), Trouble> {
        let found = self.block(&member.path)?;
        if header(&member.path, member.size).as_bytes() == &found {
            return Ok(());
        }
        let read = tar::Header::from_byte_slice(&found);
        let name = String::from_utf8_lossy(&read.path_bytes()).into_owned();
        let what = described(read);
        let next = &member.path;
        let why = match () {
            () if found == [0; 512] => "the archive ends here".into(),
            () if !read.entry_type().is_file() => {
                format!("found {what}: a bundle has plain files only")
            }
            () if name.starts_with('/') => format!("found {what}, an absolute path"),
            () if name.split('/').any(|part| part == "..") => {
                format!("found {what}, which leads out of the bundle by `..`")
            }
            () if seen.contains(name.as_str()) => format!("found {what} a second time"),
            () if !members.iter().any(|member| member.path == name) => {
                format!("found {what}, which `{METADATA}` does not declare")
            }
            () if name != *next => format!("found {what} before its turn"),
            () if read.size().ok() != Some(member.size) => {
                format!("`{METADATA}` declares {} bytes, found {what}", member.size)
            }
            () => format!(
                "found {what} with an owner, a mode, a time or a checksum that no bundle has"
            ),
        };
        refuse(format!("expected the file `{next}` next: {why}"))
    }

    fn small(&mut self, member: &Member) -> Result<Vec<u8>, Trouble> {
        if member.size > SMALL {
            return refuse(format!(
                "`{}`: {} bytes are too many for such a file",
                member.path, member.size
            ));
        }
        let mut bytes = Vec::new();
        self.checked(member, &mut |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(bytes)
    }

    fn object(
        &mut self,
        member: &Member,
        is_recipe: bool,
        sink: &mut dyn Sink,
    ) -> Result<(), Trouble> {
        sink.begin(&member.sha256)?;
        let mut recipe = Vec::new();
        if is_recipe && member.size > SMALL {
            return refuse(format!(
                "`{}`: {} bytes are too many for a recipe",
                member.path, member.size
            ));
        }
        self.checked(member, &mut |piece| {
            if is_recipe {
                recipe.extend_from_slice(piece);
            }
            sink.piece(piece)
        })?;
        if is_recipe && let Err(error) = canonical::parse(&recipe) {
            return refuse(format!("`{}`: a recipe: {error}", member.path));
        }
        Ok(sink.end(&member.sha256)?)
    }

    /// The content of a member, which must have the declared sha256.
    fn checked(
        &mut self,
        member: &Member,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Trouble> {
        let found = self.content(member, sink)?;
        if found == member.sha256 {
            return Ok(());
        }
        refuse(format!(
            "`{}`: expected bytes with sha256 {}, found {found}",
            member.path, member.sha256
        ))
    }

    /// Gives the content of a member piece by piece, and its sha256.
    fn content(
        &mut self,
        member: &Member,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<Digest, Trouble> {
        let mut hasher = Sha256::new();
        let mut piece = vec![0; 1 << 16];
        let mut left = member.size;
        while left > 0 {
            let count = left.min(piece.len() as u64) as usize;
            self.fill(&mut piece[..count], &member.path)?;
            hasher.update(&piece[..count]);
            sink(&piece[..count])?;
            left -= count as u64;
        }
        let mut zeros = [0; 512];
        let zeros = &mut zeros[..padding(member.size)];
        self.fill(zeros, &member.path)?;
        if zeros.iter().any(|byte| *byte != 0) {
            return refuse(format!(
                "`{}`: something is hidden behind its end",
                member.path
            ));
        }
        Ok(Digest(hasher.finalize().into()))
    }

    fn end(&mut self) -> Result<(), Trouble> {
        for _ in 0..2 {
            let found = self.block("the end of the archive")?;
            if found != [0; 512] {
                let read = tar::Header::from_byte_slice(&found);
                return refuse(format!(
                    "expected the end of the archive, found {}: `{METADATA}` does not declare it",
                    described(read)
                ));
            }
        }
        match self.source.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => refuse("something follows the end of the archive"),
            Err(error) => refuse(format!("what follows the archive cannot be read: {error}")),
        }
    }

    fn block(&mut self, wanted: &str) -> Result<[u8; 512], Trouble> {
        let mut block = [0; 512];
        self.fill(&mut block, wanted)?;
        Ok(block)
    }

    fn fill(&mut self, bytes: &mut [u8], wanted: &str) -> Result<(), Trouble> {
        self.bytes += bytes.len() as u64;
        match self.source.read_exact(bytes) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => refuse(format!(
                "ends within `{wanted}`: it was cut off, or is not a bundle"
            )),
            Err(error) => refuse(format!("at `{wanted}`: cannot be read: {error}")),
        }
    }
}

/// A header as it is read, in words.
fn described(header: &tar::Header) -> String {
    let name = String::from_utf8_lossy(&header.path_bytes()).into_owned();
    let name: String = name.chars().take(120).collect();
    let kind = header.entry_type();
    let kind = match kind {
        tar::EntryType::Regular => "the file",
        tar::EntryType::Symlink => "the symbolic link",
        tar::EntryType::Link => "the hard link",
        tar::EntryType::Directory => "the folder",
        tar::EntryType::Char | tar::EntryType::Block | tar::EntryType::Fifo => "the device or pipe",
        _ => "an entry of another kind,",
    };
    match header.size() {
        Ok(size) => format!("{kind} `{name}` of {size} bytes"),
        Err(_) => format!("{kind} `{name}` of no size"),
    }
}

/// The members that the metadata declares, which must be its one spelling of a store's files.
fn declared(metadata: &[u8]) -> Result<Vec<Member>, Trouble> {
    let members = describe::members(metadata);
    let members = members.map_err(|what| Trouble::Refused(format!("`{METADATA}`: {what}")))?;
    for pair in members.windows(2) {
        let (a, b) = (&pair[0].path, &pair[1].path);
        if a == b {
            return refuse(format!("`{METADATA}`: declares `{a}` twice"));
        }
        if order(a) > order(b) {
            return refuse(format!("`{METADATA}`: declares `{a}` before `{b}`"));
        }
    }
    for needed in ["FORMAT", STATEMENT] {
        if !members.iter().any(|member| member.path == needed) {
            return refuse(format!("`{METADATA}`: does not declare `{needed}`"));
        }
    }
    for member in &members {
        if !fits(member) {
            return refuse(format!(
                "`{METADATA}`: `{}` is no path of a store, or its sha256 is another",
                member.path
            ));
        }
    }
    if describe::metadata(&members) != metadata {
        return refuse(format!(
            "`{METADATA}`: says more than the files of the bundle, or says it in another way"
        ));
    }
    Ok(members)
}

/// Whether the path is one that a store has, spelled in the one way.
fn fits(member: &Member) -> bool {
    let path = member.path.as_str();
    let digest = |folder: &str| {
        let name: Option<Digest> = path.rsplit('/').next().and_then(|name| name.parse().ok());
        name.filter(|name| super::fanned_out(folder, name) == path)
    };
    match path.split_once('/') {
        None => path == "FORMAT" || path == STATEMENT,
        Some(("pins", file)) => file
            .strip_suffix(".json")
            .is_some_and(|name| check_name("pin", name).is_ok() && super::has_room(path)),
        Some(("actions", _)) => digest("actions").is_some(),
        Some(("objects", _)) => digest("objects") == Some(member.sha256),
        Some(_) => false,
    }
}

fn objects_of(members: &[Member]) -> Result<BTreeSet<Digest>, Trouble> {
    let objects = members
        .iter()
        .filter(|member| member.path.starts_with("objects/"));
    Ok(objects.map(|member| member.sha256).collect())
}

fn format(found: &[u8]) -> Result<(), Trouble> {
    if found == FORMAT.as_bytes() {
        return Ok(());
    }
    let shown: String = String::from_utf8_lossy(found).chars().take(40).collect();
    refuse(format!(
        "`FORMAT`: expected {FORMAT:?}, found {shown:?}; use the version of Jackpot that wrote it"
    ))
}

fn insert_pin(pins: &mut Pins, file: &str, bytes: Vec<u8>) -> Result<(), Trouble> {
    if let Err(error) = canonical::parse(&bytes) {
        return refuse(format!("`pins/{file}`: {error}"));
    }
    let name = file.strip_suffix(".json").unwrap_or(file);
    pins.insert(name.to_owned(), bytes);
    Ok(())
}

/// An action whose recipe, outputs and record are in the bundle, or said not to be.
fn action(member: &Member, bytes: &[u8], objects: &BTreeSet<Digest>) -> Result<Action, Trouble> {
    let path = &member.path;
    let key = path.rsplit('/').next().and_then(|name| name.parse().ok());
    let key = key.expect("the path of an action was checked");
    let action = match parse_action(key, bytes) {
        Ok(action) => action,
        Err(found) => return refuse(format!("`{path}`: expected an action, found {found}")),
    };
    if !objects.contains(&key) {
        return refuse(format!("`{path}`: its recipe is not in the bundle"));
    }
    let absent = action
        .outputs
        .iter()
        .filter(|(_, digest)| !objects.contains(digest));
    let absent: Vec<&String> = absent.map(|(name, _)| name).collect();
    if action.record != Digest::of(&left_out_record(&absent)) || !objects.contains(&action.record) {
        return refuse(format!(
            "`{path}`: expected a record that names the outputs that are not in the bundle ({absent:?}), found another"
        ));
    }
    Ok(action)
}
