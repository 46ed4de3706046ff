//! Does the order of the scores matter? A mask that is as good when the least important
//! weights are kept, or any, did not come from the scores (Frankle et al. 2021).
//!
//! `invert` changes each score's sign, so the order is reversed exactly and weights that tied
//! still tie. (Released code inverts by 1/s, which is infinite where a score is 0, and of
//! scores of both signs it is no reversal.)
//! `shuffle-scores` permutes the scores of each layer, so that a global allocation keeps its
//! layer counts and any weights.
use jackpot_sdk::{Item, Out, Output, Result, Run, export, needs, promises};

const INVERT: Item = Item {
    summary: c"reverses the order of the scores: what was pruned first is kept first",
    promises: promises::CHANGES_OUTPUT | promises::CHANGES_STRUCTURE,
    ..Item::check(c"invert", Output::Scores, invert)
};

const SHUFFLE_SCORES: Item = Item {
    summary: c"permutes the scores of each layer",
    needs: needs::RNG,
    promises: promises::KEEPS_MULTISET | promises::CHANGES_OUTPUT | promises::CHANGES_STRUCTURE,
    ..Item::check(c"shuffle-scores", Output::Scores, shuffle)
};
export!(INVERT, SHUFFLE_SCORES);

fn invert(run: &Run, out: &mut Out) -> Result {
    for (scores, new) in run.input()?.iter().zip(out.scores()?) {
        for (new, score) in new.iter_mut().zip(scores.f64()?) {
            // Subtracted from 0, so that 0 stays 0 and does not become −0.
            *new = 0.0 - score;
        }
    }
    Ok(())
}

fn shuffle(run: &Run, out: &mut Out) -> Result {
    let rng = run.rng()?;
    for (layer, (scores, new)) in run.input()?.iter().zip(out.scores()?).enumerate() {
        let scores = scores.f64()?;
        let order = rng.permutation(rng.fold(run.key(), layer as u64), scores.len());
        for (new, &from) in new.iter_mut().zip(&order) {
            *new = scores[from as usize];
        }
    }
    Ok(())
}
