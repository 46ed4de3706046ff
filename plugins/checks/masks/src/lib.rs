//! Masks that keep the total and nothing else of what the method chose.
//!
//! `global-rearrange` keeps as many weights of the network, at random places in all of it:
//! not even the layers' counts stay. Together with `layerwise-rearrange` it tells what the
//! counts are worth: under one key it is random scores with a global allocation, bit for bit.
//!
//! `transport` takes the mask that the same ticket gave under another seed: the counts are
//! the method's own, the places were chosen for other weights.
use jackpot_sdk::{Error, Item, Out, Output, Result, Run, Tensors, export, needs, promises};

const GLOBAL_REARRANGE: Item = Item {
    summary: c"moves the kept weights to random places in the whole network",
    needs: needs::RNG,
    promises: promises::KEEPS_TOTAL_COUNT | promises::CHANGES_OUTPUT | promises::CHANGES_STRUCTURE,
    ..Item::check(c"global-rearrange", Output::Masks, global_rearrange)
};

const TRANSPORT: Item = Item {
    summary: c"puts the mask of another seed in the place of this one",
    needs: needs::DONOR,
    promises: promises::KEEPS_TOTAL_COUNT | promises::CHANGES_OUTPUT,
    ..Item::check(c"transport", Output::Masks, transport)
};
export!(GLOBAL_REARRANGE, TRANSPORT);

/// Draws what the method `random` scores under this key, and keeps the largest of all layers.
fn global_rearrange(run: &Run, out: &mut Out) -> Result {
    let rng = run.rng()?;
    let input = run.input()?;
    let kept = kept(input)?;
    let mut draws = Vec::new();
    for (layer, mask) in input.iter().enumerate() {
        let mut layer_draws = vec![0.0; mask.len()];
        rng.uniform(rng.fold(run.key(), layer as u64), &mut layer_draws);
        draws.extend(layer_draws);
    }
    let mut all = vec![0; draws.len()];
    for place in largest(&draws, kept) {
        all[place] = 1;
    }
    let mut rest = all.as_slice();
    for new in out.masks()? {
        let (layer, others) = rest.split_at(new.len());
        new.copy_from_slice(layer);
        rest = others;
    }
    Ok(())
}

/// The places of the `count` largest, ties by index; in no particular order.
fn largest(draws: &[f64], count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..draws.len()).collect();
    if count < places.len() {
        let falling = |a: &usize, b: &usize| draws[*b].total_cmp(&draws[*a]).then(a.cmp(b));
        places.select_nth_unstable_by(count, falling);
    }
    places.truncate(count);
    places
}

fn transport(run: &Run, out: &mut Out) -> Result {
    let donor = run.donor()?;
    let (ours, theirs) = (kept(run.input()?)?, kept(donor)?);
    if ours != theirs {
        return Err(Error::invalid(format!(
            "the donor keeps {theirs} weights and this mask {ours}: expected as many, take the donor at the same sparsity with `selection = \"exact\"`"
        )));
    }
    for (mask, new) in donor.iter().zip(out.masks()?) {
        new.copy_from_slice(mask.u8()?);
    }
    Ok(())
}

fn kept(masks: Tensors) -> Result<usize> {
    let mut kept = 0;
    for mask in masks.iter() {
        kept += mask.u8()?.iter().filter(|&&bit| bit != 0).count();
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::largest;

    #[test]
    fn the_largest_are_kept_and_of_equals_the_first() {
        let check = |count, expected: &[usize]| {
            let mut found = largest(&[0.5, 0.9, 0.5, 0.1, 0.5], count);
            found.sort_unstable();
            assert_eq!(found, expected, "{count}");
        };
        check(0, &[]);
        check(1, &[1]);
        check(3, &[0, 1, 2]);
        check(5, &[0, 1, 2, 3, 4]);
    }
}
