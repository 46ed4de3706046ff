//! Magnitude: the score of a weight is its absolute value.
//!
//! The weights are whatever the study gives: trained ones for a lottery ticket, initial
//! ones for magnitude at initialisation. No data, nothing random. Copy this file to begin
//! a method of your own: declare it, export it, fill the scores.
use jackpot_sdk::{Item, Out, Output, Result, Run, export, needs};

const MAGNITUDE: Item = Item {
    summary: c"the absolute value of each weight",
    needs: needs::WEIGHTS,
    ..Item::method(c"magnitude", Output::Scores, magnitude)
};
export!(MAGNITUDE);

fn magnitude(run: &Run, out: &mut Out) -> Result {
    for (layer, scores) in run.params().iter().zip(out.scores()?) {
        for (score, weight) in scores.iter_mut().zip(layer.f32()?) {
            *score = f64::from(weight.abs());
        }
    }
    Ok(())
}
