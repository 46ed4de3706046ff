//! Looking at every image of a set once.

use crate::formats::tree::wrong;
use crate::{Error, Preparation, Source, formats::decode, prepare};
use rayon::prelude::*;
use std::path::Path;

/// Files decoded between two reports.
const BLOCK: usize = 1024;

/// Reads every image of an opened set; `seen` hears how many of all are done.
///
/// # Errors
/// The first image, in the set's order, that cannot be read or decoded.
pub fn verify(source: &Source, seen: &mut dyn FnMut(u64, u64)) -> Result<(), Error> {
    let tree = source.tree.as_ref();
    let Some(tree) = tree.filter(|_| source.info.layout.is_tree()) else {
        let prepared = prepare(source, &Preparation::default())?;
        let all = (prepared.train.rows() + prepared.test.rows()) as u64;
        seen(all, all);
        return Ok(());
    };
    let folder = source.folder.as_deref().unwrap_or(Path::new("."));
    let leaves: Vec<_> = tree.0.train.iter().chain(&tree.0.test).collect();
    let (mut done, all) = (0, leaves.len() as u64);
    for block in leaves.chunks(BLOCK) {
        let outcomes: Vec<Result<(), Error>> = block
            .par_iter()
            .map(|leaf| {
                let path = folder.join(&leaf.path);
                let bytes = std::fs::read(&path)
                    .map_err(|error| wrong(&path, format!("cannot be read: {error}")))?;
                source.check(&leaf.path, &bytes)?;
                decode::decode(&bytes).map_err(|message| wrong(&path, message))?;
                Ok(())
            })
            .collect();
        outcomes.into_iter().collect::<Result<(), Error>>()?;
        done += block.len() as u64;
        seen(done, all);
    }
    Ok(())
}
