//! What a store holds: where it may lie, what stays in it, and how it is audited.

mod audit;
mod curves;
mod keeping;
mod places;
mod shipped;
mod trust;

use crate::support::Place;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// Every file of the store but its locks and what is on its way.
fn files(place: &Place) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![place.store()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("locks") || path.ends_with("tmp") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    found
}
