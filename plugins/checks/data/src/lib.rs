//! Corrupted training data (Zhang et al. 2017; Su et al. 2020): if a ticket found with it
//! is as good as one found with the true data, the method hardly used the data.
//!
//! `random-labels` draws labels anew, uniformly over the classes, so one in C stays what it
//! was. `random-pixels` permutes all C x H x W values of an image, each image by its own
//! permutation. Together they are the paper's "corrupted data"; the test set stays clean.
//! `share` corrupts that share of the images, each image by its own draw.
//!
//! Everything about row i is drawn from the run's key and i alone, so it does not matter
//! how the rows are divided into blocks.
mod corrupt;

use corrupt::{drawn_class, permute};
use jackpot_sdk::{
    Error, Item, Key, Out, Output, Param, Result, Rng, Run, export, needs, promises,
};

const SHARE: Param = Param::float(
    c"share",
    1.0,
    c"share of the images that is corrupted, each image by its own draw; above 0",
)
.between(0.0, 1.0);

const RANDOM_LABELS: Item = Item {
    summary: c"replaces labels by uniform draws over the classes",
    needs: needs::RNG,
    promises: promises::CHANGES_OUTPUT,
    params: &[&SHARE],
    ..Item::check(c"random-labels", Output::Labels, random_labels)
};

const RANDOM_PIXELS: Item = Item {
    summary: c"permutes all values of an image, each image by its own permutation",
    needs: needs::RNG,
    promises: promises::CHANGES_OUTPUT | promises::KEEPS_MULTISET | promises::ROWWISE,
    params: &[&SHARE],
    ..Item::check(c"random-pixels", Output::Images, random_pixels)
};
export!(RANDOM_LABELS, RANDOM_PIXELS);

fn random_labels(run: &Run, out: &mut Out) -> Result {
    let (rng, share) = (run.rng()?, share(run)?);
    let input = run.input()?.get(0);
    let old = input.i64()?;
    let new = out.labels()?;
    let mut draws = vec![0.0; old.len()];
    rng.uniform(rng.fold(run.key(), 0), &mut draws);
    let mut chosen = vec![0.0; old.len()];
    rng.uniform(rng.fold(run.key(), 1), &mut chosen);
    let classes = run.task().classes;
    for (row, label) in new.iter_mut().enumerate() {
        *label = match chosen[row] < share {
            true => drawn_class(draws[row], classes),
            false => old[row],
        };
    }
    Ok(())
}

fn random_pixels(run: &Run, out: &mut Out) -> Result {
    let (rng, share) = (run.rng()?, share(run)?);
    let input = run.input()?.get(0);
    let images = input.u8()?;
    let rows = input
        .shape()
        .first()
        .map_or(0, |&rows| rows.max(0) as usize);
    let size = images.len() / rows.max(1);
    let corrupted = out.images()?;
    for row in 0..rows {
        let key = rng.fold(run.key(), run.first_row() + row as u64);
        let (old, new) = (
            &images[row * size..(row + 1) * size],
            &mut corrupted[row * size..(row + 1) * size],
        );
        if chosen(&rng, key, share) {
            permute(old, &rng.permutation(key, size), new);
        } else {
            new.copy_from_slice(old);
        }
        if row % 256 == 0 {
            run.poll(row as f64 / rows as f64)?;
        }
    }
    Ok(())
}

/// Is this row corrupted? Drawn from a key of its own, apart from the permutation's.
fn chosen(rng: &Rng, row: Key, share: f64) -> bool {
    let mut draw = [0.0];
    rng.uniform(rng.fold(row, 0), &mut draw);
    draw[0] < share
}

fn share(run: &Run) -> Result<f64> {
    let share = run.float("share")?;
    if share > 0.0 {
        Ok(share)
    } else {
        Err(Error::invalid(format!(
            "parameter `share`: {share} corrupts nothing, expected above 0: leave the check out instead"
        )))
    }
}
