//! Layerwise rearrange: the same number of weights in each layer, at random places
//! (Su et al., 2020). If the accuracy stays, it did not matter which weights were kept.
//!
//! Each layer draws one permutation from its own key and keeps its first k positions.
//! A permutation is the descending order of uniforms, so under one key this equals
//! random scores with the layer counts copied from the mask, bit for bit.
use jackpot_sdk::{Item, Out, Output, Result, Run, export, needs, promises};

const REARRANGE: Item = Item {
    summary: c"moves the kept weights of each layer to random places in it",
    needs: needs::RNG,
    promises: promises::KEEPS_LAYER_COUNTS | promises::KEEPS_TOTAL_COUNT | promises::CHANGES_OUTPUT,
    ..Item::check(c"layerwise-rearrange", Output::Masks, rearrange)
};
export!(REARRANGE);

fn rearrange(run: &Run, out: &mut Out) -> Result {
    let rng = run.rng()?;
    for (layer, (mask, new)) in run.input()?.iter().zip(out.masks()?).enumerate() {
        let kept = mask.u8()?.iter().filter(|&&bit| bit != 0).count();
        let order = rng.permutation(rng.fold(run.key(), layer as u64), mask.len());
        new.fill(0);
        for &position in &order[..kept] {
            new[position as usize] = 1;
        }
    }
    Ok(())
}
