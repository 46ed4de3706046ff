//! Corrupted training data (Zhang et al. 2017; Su et al. 2020): if a ticket found with it
//! is as good as one found with the true data, the method hardly used the data.
//!
//! | item | what becomes of the data |
//! |---|---|
//! | `random-labels` | labels drawn anew, uniformly over the classes, so one in C stays what it was |
//! | `random-pixels` | all C x H x W values of an image permuted |
//! | `random-pixel-rows` | the rows of an image permuted, the same in every channel |
//! | `random-pixel-rows-columns` | its rows permuted and its columns permuted |
//! | `gaussian-noise` | each pixel a draw of one normal distribution, clipped to 0 ... 255 |
//! | `subset` | a part of the rows, in stored order |
//!
//! Each image has its own permutation. `random-labels` and `random-pixels` together are the
//! paper's "corrupted data"; the test set stays clean. Three things are called random pixels;
//! these are three items, because each keeps something that the others must change.
//! `share` corrupts that share of the images, each image by its own draw.
//!
//! Everything about row i of the images is drawn from the run's key and i alone, so it does
//! not matter how the rows are divided into blocks.
mod corrupt;
mod subset;

use corrupt::{drawn_class, permute, permute_lines, pixel};
use jackpot_sdk::{
    Error, Item, Key, Out, Output, Param, Result, Rng, Run, export, needs, promises,
};
use subset::SUBSET;

const SHARE: Param = Param::float(
    c"share",
    1.0,
    c"share of the images that is corrupted, each image by its own draw; above 0",
)
.between(0.0, 1.0);

const MEAN: Param = Param::float(
    c"mean",
    128.0,
    c"mean of the pixels, 0 to 255; Zhang et al. take the data set's own (CIFAR-10: 121)",
)
.between(0.0, 255.0);

const DEVIATION: Param = Param::float(
    c"sd",
    64.0,
    c"standard deviation of the pixels before they are clipped (CIFAR-10: 64)",
)
.between(0.0, 255.0);

const RANDOM_LABELS: Item = Item {
    summary: c"replaces labels by uniform draws over the classes",
    needs: needs::RNG,
    promises: promises::CHANGES_OUTPUT | promises::CHANGES_STRUCTURE,
    params: &[&SHARE],
    ..Item::check(c"random-labels", Output::Labels, random_labels)
};

const RANDOM_PIXELS: Item = Item {
    summary: c"permutes all values of an image, each image by its own permutation",
    needs: needs::RNG,
    promises: promises::CHANGES_OUTPUT
        | promises::CHANGES_STRUCTURE
        | promises::KEEPS_MULTISET
        | promises::ROWWISE,
    params: &[&SHARE],
    ..Item::check(c"random-pixels", Output::Images, random_pixels)
};

const RANDOM_ROWS: Item = Item {
    summary: c"permutes the rows of pixels of an image, the same in every channel",
    promises: promises::CHANGES_OUTPUT | promises::KEEPS_MULTISET | promises::ROWWISE,
    run: random_rows,
    id: c"random-pixel-rows",
    ..RANDOM_PIXELS
};

const RANDOM_ROWS_COLUMNS: Item = Item {
    summary: c"permutes the rows and the columns of pixels of an image, the same in every channel",
    run: random_rows_columns,
    id: c"random-pixel-rows-columns",
    ..RANDOM_ROWS
};

const GAUSSIAN_NOISE: Item = Item {
    summary: c"replaces each pixel by a draw of one normal distribution, clipped to 0 ... 255",
    needs: needs::RNG,
    promises: promises::CHANGES_OUTPUT | promises::CHANGES_STRUCTURE | promises::ROWWISE,
    params: &[&SHARE, &MEAN, &DEVIATION],
    ..Item::check(c"gaussian-noise", Output::Images, gaussian_noise)
};
export!(
    RANDOM_LABELS,
    RANDOM_PIXELS,
    RANDOM_ROWS,
    RANDOM_ROWS_COLUMNS,
    GAUSSIAN_NOISE,
    SUBSET
);

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
        *label = if chosen[row] < share {
            drawn_class(draws[row], classes)
        } else {
            old[row]
        };
    }
    Ok(())
}

fn random_pixels(run: &Run, out: &mut Out) -> Result {
    each_image(run, out, |rng, key, image| {
        permute(image.old, &rng.permutation(key, image.old.len()), image.new);
    })
}

fn random_rows(run: &Run, out: &mut Out) -> Result {
    each_image(run, out, |rng, key, image| {
        let rows = rng.permutation(rng.fold(key, 1), image.height);
        let columns: Vec<u64> = (0..image.width as u64).collect();
        permute_lines(image.old, &rows, &columns, image.new);
    })
}

fn random_rows_columns(run: &Run, out: &mut Out) -> Result {
    each_image(run, out, |rng, key, image| {
        let rows = rng.permutation(rng.fold(key, 1), image.height);
        let columns = rng.permutation(rng.fold(key, 2), image.width);
        permute_lines(image.old, &rows, &columns, image.new);
    })
}

fn gaussian_noise(run: &Run, out: &mut Out) -> Result {
    let (mean, sd) = (run.float("mean")?, run.float("sd")?);
    let mut draws = Vec::new();
    each_image(run, out, |rng, key, image| {
        draws.resize(image.new.len(), 0.0);
        rng.normal(rng.fold(key, 1), &mut draws);
        for (new, &draw) in image.new.iter_mut().zip(&draws) {
            *new = pixel(mean + sd * f64::from(draw));
        }
    })
}

/// One image before and after; all channels have this height and width.
struct Image<'a> {
    old: &'a [u8],
    new: &'a mut [u8],
    height: usize,
    width: usize,
}

/// Corrupts the share of the block's images, each with its own key.
fn each_image(run: &Run, out: &mut Out, mut corrupt: impl FnMut(&Rng, Key, Image)) -> Result {
    let (rng, share) = (run.rng()?, share(run)?);
    let input = run.input()?.get(0);
    let &[rows, _, height, width] = input.shape() else {
        return Err(Error::internal(format!(
            "images have shape {:?}, expected four lengths",
            input.shape()
        )));
    };
    let (rows, height, width) = (rows as usize, height as usize, width as usize);
    let size = input.len() / rows.max(1);
    let images = input.u8()?.chunks(size.max(1));
    let images = images.zip(out.images()?.chunks_mut(size.max(1)));
    for (row, (old, new)) in images.enumerate() {
        let key = rng.fold(run.key(), run.first_row() + row as u64);
        if chosen(&rng, key, share) {
            let image = Image {
                old,
                new,
                height,
                width,
            };
            corrupt(&rng, key, image);
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
