//! The store: objects, actions, audit. Never knows what a mask is.
use serde_json::Value;
use std::{collections::BTreeMap, path::{Path, PathBuf}};
pub mod canonical {
    //! The one spelling of a recipe: keys sorted bytewise, no white space, integers only
    //! (|n| < 2^53), floats and 64-bit integers as strings, duplicates refused.
    use super::{Error, Value};
    pub fn to_bytes(_value: &Value) -> Result<Vec<u8>, Error> { todo!() }
    /// Refuses anything that is not its own canonical spelling.
    pub fn parse(_bytes: &[u8]) -> Result<Value, Error> { todo!() }
    /// Rust's shortest `{:e}`; NaN, infinities and −0 refused.
    pub fn float(_x: f64) -> Result<String, Error> { todo!() }
    pub fn parse_float(_text: &str) -> Result<f64, Error> { todo!() }
}
#[derive(Debug, thiserror::Error)]
pub enum Error { #[error("{path}: {message}")] Path { path: PathBuf, message: String }, #[error("{0}")] Other(String) }
/// A sha256. Displays and serialises as 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);
impl Digest { pub fn of(_bytes: &[u8]) -> Digest { todo!() } pub fn of_file(_path: &Path) -> Result<Digest, Error> { todo!() } }
// + Display, Debug, FromStr (Err = Error), Serialize, Deserialize

/// A finished action as the store knows it. `result` is among `outputs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action { pub key: Digest, pub outputs: BTreeMap<String, Digest>, pub record: Digest }
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed { New, Same, /** The first stays; this one was kept and listed. */ Diverged { first: BTreeMap<String, Digest> } }

pub struct Store { _root: PathBuf }
/// Held while an action runs, so that two runs do not do it twice. Released on drop.
pub struct Claim;
/// A folder in `tmp/`, removed on drop.
pub struct Scratch { pub path: PathBuf }

impl Store {
    /// `explicit`, else `$JACKPOT_STORE`, else `artifacts/` of the nearest parent of `from` that has `artifacts/FORMAT`.
    pub fn locate(_explicit: Option<&Path>, _from: &Path) -> Result<PathBuf, Error> { todo!() }
    /// Makes FORMAT, README.md and the folders where missing.
    pub fn create(_root: &Path) -> Result<Store, Error> { todo!() }
    pub fn open(_root: &Path) -> Result<Store, Error> { todo!() }
    pub fn root(&self) -> &Path { todo!() }
    pub fn put(&self, _bytes: &[u8]) -> Result<Digest, Error> { todo!() }
    /// Copies (hashing while copying).
    pub fn put_file(&self, _path: &Path) -> Result<Digest, Error> { todo!() }
    /// Verified while reading; a mismatch goes to quarantine/ and is an error.
    pub fn get(&self, _digest: &Digest) -> Result<Vec<u8>, Error> { todo!() }
    pub fn has(&self, _digest: &Digest) -> bool { todo!() }
    /// Verifies (as `get` does) and gives the path, for a process that maps or copies it.
    pub fn verified_path(&self, _digest: &Digest) -> Result<PathBuf, Error> { todo!() }
    pub fn remove(&self, _digest: &Digest) -> Result<(), Error> { todo!() }
    /// The key of a recipe: the sha256 of its canonical bytes.
    pub fn key(_recipe: &Value) -> Result<Digest, Error> { todo!() }
    pub fn action(&self, _key: &Digest) -> Result<Option<Action>, Error> { todo!() }
    pub fn recipe(&self, _key: &Digest) -> Result<Value, Error> { todo!() }
    /// Objects in `outputs` must exist. Children first, the action file last.
    pub fn commit(&self, _recipe: &Value, _outputs: &BTreeMap<String, Digest>, _record: &Value) -> Result<Committed, Error> { todo!() }
    /// None: another process holds it.
    pub fn claim(&self, _key: &Digest) -> Result<Option<Claim>, Error> { todo!() }
    /// Failures are recorded, shown, never cached as results.
    pub fn record_failure(&self, _recipe: &Value, _failure: &Value) -> Result<(), Error> { todo!() }
    pub fn failure(&self, _key: &Digest) -> Result<Option<Value>, Error> { todo!() }
    pub fn scratch(&self) -> Result<Scratch, Error> { todo!() }
    /// Where a running training keeps its resume point; deleted by `commit` of that key.
    pub fn resume_folder(&self, _key: &Digest) -> Result<PathBuf, Error> { todo!() }
    pub fn audit(&self, _progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Audit, Error> { todo!() }
    /// Objects and actions whose name starts so (at least 4 digits).
    pub fn find(&self, _prefix: &str) -> Result<Vec<Found>, Error> { todo!() }
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found { Object(Digest), Action(Digest) }
#[derive(Clone, Debug, Default)]
pub struct Audit { pub objects: u64, pub actions: u64, pub bytes: u64, pub problems: Vec<Problem>, pub divergences: u64 }
/// One thing that is wrong: which file, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem { pub path: PathBuf, pub what: String }
