//! new-plugin: the score of a weight is its absolute value to a power. The larger is kept.
//!
//! Replace the formula. What `needs` does not declare is not given: `plugins/methods/snip`
//! shows gradients, `plugins/methods/random` random numbers, `core/abi/CONTRACT.md` the rules.
use jackpot_sdk::{Item, Out, Output, Param, Result, Run, export, needs};

const NEW_PLUGIN: Item = Item {
    summary: c"the absolute value of each weight, to a power",
    needs: needs::WEIGHTS,
    params: &[&Param::float(c"power", 1.0, c"the exponent").between(0.5, 4.0)],
    ..Item::method(c"org.example.new-plugin", Output::Scores, scores)
};
export!(NEW_PLUGIN);

fn scores(run: &Run, out: &mut Out) -> Result {
    let power = run.float("power")?;
    for (layer, scores) in run.params().iter().zip(out.scores()?) {
        run.poll(-1.0)?; // says no progress, and hears whether to stop
        for (score, weight) in scores.iter_mut().zip(layer.f32()?) {
            *score = f64::from(weight.abs()).powf(power);
        }
    }
    Ok(())
}
