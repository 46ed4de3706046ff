//! The store: objects named by their sha256, actions named by the sha256 of their recipe.
//!
//! An **object** is any bytes, at `objects/ab/<64 hexadecimal digits>`. An **action** is one
//! finished step: a small file at `actions/ab/<key>` that names the objects it made and the
//! object that records how it went. Its key is the sha256 of its **recipe**, the canonical
//! JSON of everything the result depends on, which is an object too. So `sha256sum` alone can
//! audit a store; `artifacts/README.md` tells the format.
//!
//! ```
//! use jackpot_store::{Committed, Store};
//! use serde_json::json;
//! use std::collections::BTreeMap;
//! # let folder = std::env::temp_dir().join(format!("jackpot-store-doc-{}", std::process::id()));
//! let store = Store::create(&folder)?;
//! let mask = store.put(b"one bit per weight")?;
//! let recipe = json!({"kind": "select", "revision": 1, "sparsity": "0.9"});
//! let outputs = BTreeMap::from([("mask".to_string(), mask)]);
//! let committed = store.commit(&recipe, &outputs, &json!({"seconds": "1.5e0"}))?;
//! assert_eq!(committed, Committed::New);
//! let action = store.action(&Store::key(&recipe)?)?.expect("it was just committed");
//! assert_eq!(store.get(&action.outputs["mask"])?, b"one bit per weight");
//! # drop(store);
//! # std::fs::remove_dir_all(folder).expect("the folder is ours");
//! # Ok::<(), jackpot_store::Error>(())
//! ```
//!
//! **Invariant**: this crate never looks inside an object (it does not know what a mask or a
//! network is), never lets a name stand for other bytes than its own, never shows a half-written
//! file under a final name, and never overwrites or deletes a committed action. Clock, host
//! name and path enter nothing that lasts: a lock file names its holder while it holds.

mod actions;
mod audit;
mod bundle;
pub mod canonical;
mod digest;
mod error;
mod files;
mod gc;
mod leftovers;
mod locking;
mod objects;
mod producers;
mod store;

pub use actions::{Action, Committed, Found};
pub use audit::{Audit, Fault, Look, Problem};
pub use bundle::{BundleSelection, Exported, Imported, Listing, Packing, left_out};
pub use digest::Digest;
pub use error::Error;
pub use files::lacks::lacks;
pub use files::place::require_loadable;
#[doc(hidden)]
pub use files::steps;
pub use gc::{Garbage, Kept, Reached, Root, digests};
pub use locking::holder::Holder;
pub use locking::locks::{ActionLock, Running, Scratch};
pub use producers::ProducerIndex;
pub use store::{FORMAT, Store};
