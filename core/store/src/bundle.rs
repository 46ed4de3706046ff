//! Bundles: a part of a store as one file that anybody can check.
//!
//! A bundle is a tar, plain or in one zstd frame, of a store's own layout. Its first member,
//! `ro-crate-metadata.json` (RO-Crate 1.2), declares path, size and sha256 of every other, in
//! their order; `statement.intoto.json` (in-toto Statement v1) names every output of every
//! action by its sha256, also of those that stay behind; then come `FORMAT`, pins, actions and
//! objects, sorted by path. Header and metadata have one spelling, so equal contents are equal
//! bytes, and a reader needs no name of the archive: it knows each before it comes.
//!
//! Records stay behind, for they say who and when. In their place an action in a bundle has
//! the record `{"left_out":[…]}`: the outputs that did not come along.

mod describe;
mod read;
mod source;
mod write;

pub(crate) use read::unpack;
pub use read::{Imported, Listing};
pub use write::{BundleSelection, Exported, Packing};

use crate::Digest;
use std::collections::BTreeMap;

/// The member that declares all others.
pub(crate) const METADATA: &str = "ro-crate-metadata.json";
/// The member that names the outputs.
pub(crate) const STATEMENT: &str = "statement.intoto.json";

/// A file of a bundle as it is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub path: String,
    pub size: u64,
    pub sha256: Digest,
}

impl Member {
    fn of(path: String, bytes: &[u8]) -> Member {
        Member {
            path,
            size: bytes.len() as u64,
            sha256: Digest::of(bytes),
        }
    }
}

/// `folder/ab/abcd…`
fn fanned_out(folder: &str, digest: &Digest) -> String {
    let name = digest.to_string();
    format!("{folder}/{}/{name}", &name[..2])
}

fn pin_path(name: &str) -> String {
    format!("pins/{name}.json")
}

/// Whether a tar header has room for the path: 100 bytes for its last part.
fn has_room(path: &str) -> bool {
    tar::Header::new_ustar().set_path(path).is_ok()
}

/// The one spelling of a member's tar header: a plain file of nobody, of no time.
fn header(path: &str, size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header
        .set_path(path)
        .expect("the paths of a bundle are relative and have room");
    header.set_size(size);
    header.set_mode(0o444);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    header
}

/// Bytes of zeros after a member, so that the next starts at a whole block.
fn padding(size: u64) -> usize {
    (size.next_multiple_of(512) - size) as usize
}

/// Outputs of an action that are not in the bundle, as its record says it: canonical bytes.
fn left_out_record(names: &[&String]) -> Vec<u8> {
    crate::canonical::to_bytes(&serde_json::json!({ LEFT_OUT: names }))
        .expect("a list of names is canonical")
}

/// The outputs that the bundle, with which an action came, left behind, as the action's record
/// says; `None` if it came with no bundle.
pub fn left_out(record: &serde_json::Value) -> Option<Vec<&str>> {
    let names = record.get(LEFT_OUT)?.as_array()?;
    Some(names.iter().filter_map(|name| name.as_str()).collect())
}

const LEFT_OUT: &str = "left_out";

/// Pins by name, with their bytes.
type Pins = BTreeMap<String, Vec<u8>>;
