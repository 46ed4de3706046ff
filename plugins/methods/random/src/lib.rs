//! Random: the score of a weight is a uniform number, so any weight may be kept.
//!
//! Each layer draws from its own key, so its scores do not depend on the layers before
//! it. 53 bits each: at 24, ties would decide among millions of weights. Under one key
//! the k largest of a layer are the positions that `layerwise-rearrange` keeps there.
use jackpot_sdk::{Item, Out, Output, Result, Run, export, needs};

const RANDOM: Item = Item {
    summary: c"a uniform random number for each weight",
    needs: needs::RNG,
    ..Item::method(c"random", Output::Scores, random)
};
export!(RANDOM);

fn random(run: &Run, out: &mut Out) -> Result {
    let rng = run.rng()?;
    for (layer, scores) in out.scores()?.into_iter().enumerate() {
        rng.uniform(rng.fold(run.key(), layer as u64), scores);
    }
    Ok(())
}
