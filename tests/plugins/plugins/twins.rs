//! The broken twins of the shipped checks: each declares what its good twin declares and does
//! what somebody's published code, or a plausible slip, does. The host must refuse each.
use jackpot_sdk::{Item, Out, Output, Result, Run, export, needs, promises};

const MASK: Item = Item {
    summary: c"a broken check of masks",
    needs: needs::RNG,
    promises: promises::KEEPS_LAYER_COUNTS | promises::KEEPS_TOTAL_COUNT | promises::CHANGES_OUTPUT,
    ..Item::check(c"org.test.rebinds", Output::Masks, rebinds)
};
const LAYERWISE: Item = Item {
    id: c"org.test.layerwise-is-global",
    run: over_all_layers,
    ..MASK
};
const GLOBAL: Item = Item {
    id: c"org.test.global-is-layerwise",
    promises: promises::KEEPS_TOTAL_COUNT | promises::CHANGES_OUTPUT | promises::CHANGES_STRUCTURE,
    run: within_layers,
    ..MASK
};
const TRANSPORT: Item = Item {
    id: c"org.test.transport-forgets",
    needs: needs::DONOR,
    promises: promises::KEEPS_TOTAL_COUNT | promises::CHANGES_OUTPUT,
    ..MASK
};

const KEPT: Item = Item {
    summary: c"a broken check of weights",
    needs: needs::RNG,
    promises: promises::KEEPS_KEPT_MULTISET | promises::KEEPS_MULTISET | promises::CHANGES_OUTPUT,
    ..Item::check(c"org.test.kept-is-all", Output::Weights, shuffles_all)
};
const REDRAWN: Item = Item {
    id: c"org.test.kept-is-redrawn",
    run: with_replacement,
    ..KEPT
};
const ALL: Item = Item {
    id: c"org.test.all-is-kept",
    promises: promises::KEEPS_MULTISET | promises::CHANGES_OUTPUT | promises::CHANGES_STRUCTURE,
    run: shuffles_kept,
    ..KEPT
};

const INVERT: Item = Item {
    summary: c"a broken check of scores",
    promises: promises::CHANGES_OUTPUT | promises::CHANGES_STRUCTURE,
    ..Item::check(c"org.test.divides", Output::Scores, divides)
};
const SCALES: Item = Item {
    id: c"org.test.scales",
    run: scales,
    ..INVERT
};
const SCORES_BETWEEN: Item = Item {
    id: c"org.test.between-layers",
    promises: promises::KEEPS_MULTISET | promises::CHANGES_OUTPUT | promises::CHANGES_STRUCTURE,
    run: between_layers,
    ..INVERT
};

const PIXELS: Item = Item {
    summary: c"a broken check of images",
    needs: needs::RNG,
    promises: promises::CHANGES_OUTPUT
        | promises::CHANGES_STRUCTURE
        | promises::KEEPS_MULTISET
        | promises::ROWWISE,
    ..Item::check(c"org.test.pixels-are-rows", Output::Images, rows_of_pixels)
};
const BY_BLOCK: Item = Item {
    id: c"org.test.pixels-by-block",
    run: by_block,
    ..PIXELS
};

const LABELS: Item = Item {
    summary: c"a broken check of labels",
    needs: needs::RNG,
    promises: promises::CHANGES_OUTPUT | promises::CHANGES_STRUCTURE,
    ..Item::check(c"org.test.labels-of-class-0", Output::Labels, class_0)
};
const RENAMED: Item = Item {
    id: c"org.test.labels-renamed",
    run: renamed,
    ..LABELS
};
const NEVER_LAST: Item = Item {
    id: c"org.test.labels-never-the-last",
    run: never_the_last,
    ..LABELS
};

const SUBSET: Item = Item {
    summary: c"a broken check of rows",
    promises: promises::CHANGES_OUTPUT,
    ..Item::check(c"org.test.keeps-all-rows", Output::Subset, keeps_all)
};
export!(
    MASK,
    LAYERWISE,
    GLOBAL,
    TRANSPORT,
    KEPT,
    REDRAWN,
    ALL,
    INVERT,
    SCALES,
    SCORES_BETWEEN,
    PIXELS,
    BY_BLOCK,
    LABELS,
    RENAMED,
    NEVER_LAST,
    SUBSET
);

/// A widely copied `shuffle()`: the permuted mask is bound to a local name and lost.
fn rebinds(run: &Run, out: &mut Out) -> Result {
    for (mask, new) in run.input()?.iter().zip(out.masks()?) {
        new.copy_from_slice(mask.u8()?);
        let shuffled: Vec<u8> = new.iter().rev().copied().collect();
        std::hint::black_box(shuffled);
    }
    Ok(())
}

fn over_all_layers(run: &Run, out: &mut Out) -> Result {
    let mut all = Vec::new();
    for mask in run.input()?.iter() {
        all.extend_from_slice(mask.u8()?);
    }
    all.reverse();
    let mut rest = all.as_slice();
    for new in out.masks()? {
        let (layer, others) = rest.split_at(new.len());
        new.copy_from_slice(layer);
        rest = others;
    }
    Ok(())
}

fn within_layers(run: &Run, out: &mut Out) -> Result {
    for (mask, new) in run.input()?.iter().zip(out.masks()?) {
        new.copy_from_slice(mask.u8()?);
        new.reverse();
    }
    Ok(())
}

fn shuffles_all(run: &Run, out: &mut Out) -> Result {
    for (weights, new) in run.input()?.iter().zip(out.weights()?) {
        new.copy_from_slice(weights.f32()?);
        new.reverse();
    }
    Ok(())
}

fn with_replacement(run: &Run, out: &mut Out) -> Result {
    for (weights, new) in run.input()?.iter().zip(out.weights()?) {
        let weights = weights.f32()?;
        for (i, new) in new.iter_mut().enumerate() {
            *new = weights[i / 2];
        }
    }
    Ok(())
}

fn shuffles_kept(run: &Run, out: &mut Out) -> Result {
    let layers = run.input()?.iter().zip(run.masks().iter());
    for ((weights, mask), new) in layers.zip(out.weights()?) {
        new.copy_from_slice(weights.f32()?);
        let mask = mask.u8()?;
        let kept: Vec<usize> = (0..mask.len()).filter(|&i| mask[i] != 0).collect();
        for pair in kept.chunks_exact(2) {
            new.swap(pair[0], pair[1]);
        }
    }
    Ok(())
}

/// As released: the reciprocal, which is infinite where a score is 0.
fn divides(run: &Run, out: &mut Out) -> Result {
    for (scores, new) in run.input()?.iter().zip(out.scores()?) {
        for (new, score) in new.iter_mut().zip(scores.f64()?) {
            *new = score / (score * score);
        }
    }
    Ok(())
}

/// Changes every score and no mask.
fn scales(run: &Run, out: &mut Out) -> Result {
    for (scores, new) in run.input()?.iter().zip(out.scores()?) {
        for (new, score) in new.iter_mut().zip(scores.f64()?) {
            *new = 0.5 * score;
        }
    }
    Ok(())
}

/// Rotates the scores of the network by one, across the layers' borders.
fn between_layers(run: &Run, out: &mut Out) -> Result {
    let mut all = Vec::new();
    for scores in run.input()?.iter() {
        all.extend_from_slice(scores.f64()?);
    }
    all.rotate_right(1);
    let mut rest = all.into_iter();
    for new in out.scores()? {
        new.fill_with(|| rest.next().expect("as many as there were"));
    }
    Ok(())
}

/// Whole rows change their places: all values are still there.
fn rows_of_pixels(run: &Run, out: &mut Out) -> Result {
    let input = run.input()?.get(0);
    let shape: Vec<usize> = input.shape().iter().map(|&n| n as usize).collect();
    let (height, width) = (shape[2], shape[3]);
    let channels = input.u8()?.chunks(height * width);
    for (old, new) in channels.zip(out.images()?.chunks_mut(height * width)) {
        for (y, new) in new.chunks_mut(width).enumerate() {
            new.copy_from_slice(&old[(y + 1) % height * width..][..width]);
        }
    }
    Ok(())
}

/// Permutes pixels, but by the image's place in the block.
fn by_block(run: &Run, out: &mut Out) -> Result {
    let rng = run.rng()?;
    let input = run.input()?.get(0);
    let size = input.len() / input.shape()[0].max(1) as usize;
    let images = input.u8()?.chunks(size).zip(out.images()?.chunks_mut(size));
    for (place, (old, new)) in images.enumerate() {
        let order = rng.permutation(rng.fold(run.key(), place as u64), size);
        for (new, &from) in new.iter_mut().zip(&order) {
            *new = old[from as usize];
        }
    }
    Ok(())
}

fn class_0(_run: &Run, out: &mut Out) -> Result {
    out.labels()?.fill(0);
    Ok(())
}

fn renamed(run: &Run, out: &mut Out) -> Result {
    let classes = i64::from(run.task().classes);
    for (new, old) in out.labels()?.iter_mut().zip(run.input()?.get(0).i64()?) {
        *new = (old + 1) % classes;
    }
    Ok(())
}

/// One class too few, as `randint(0, classes - 1)` in a language whose range ends before.
fn never_the_last(run: &Run, out: &mut Out) -> Result {
    let rng = run.rng()?;
    let new = out.labels()?;
    let mut draws = vec![0.0; new.len()];
    rng.uniform(run.key(), &mut draws);
    for (new, draw) in new.iter_mut().zip(&draws) {
        *new = (draw * f64::from(run.task().classes - 1)) as i64;
    }
    Ok(())
}

fn keeps_all(_run: &Run, out: &mut Out) -> Result {
    out.subset()?.fill(1);
    Ok(())
}
