//! Relative magnitude: the score of a weight is its absolute value over the root mean square of
//! its layer, so that no layer is pruned for being small as a whole.
//!
//! Replace the formula by yours. What `needs` does not name is not given to the method: gradients
//! and Hessian-vector products (`plugins/methods/snip`, `plugins/methods/grasp`) and random numbers
//! (`plugins/methods/random`) come from the host. `core/abi/CONTRACT.md` has all the rules.
use jackpot_sdk::{Item, Out, Output, Result, Run, export, needs};

const RELATIVE_MAGNITUDE: Item = Item {
    summary: c"the absolute value of each weight over the root mean square of its layer",
    needs: needs::WEIGHTS,
    ..Item::method(c"org.example.relative-magnitude", Output::Scores, scores)
};
export!(RELATIVE_MAGNITUDE);

fn scores(run: &Run, out: &mut Out) -> Result {
    for (layer, scores) in run.params().iter().zip(out.scores()?) {
        let weights = layer.f32()?;
        let squares: f64 = weights.iter().map(|&w| f64::from(w) * f64::from(w)).sum();
        let scale = (squares / weights.len() as f64).sqrt();
        for (score, weight) in scores.iter_mut().zip(weights) {
            // Of a layer that is zero throughout, no weight is better than another.
            *score = f64::from(weight.abs()) / scale.max(f64::MIN_POSITIVE);
        }
    }
    Ok(())
}
