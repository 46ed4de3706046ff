//! SNIP: the score of a weight is |w · ∂L/∂w|, its connection sensitivity (Lee, Ajanthan
//! and Torr, "SNIP: single-shot network pruning based on connection sensitivity", 2019).
//!
//! For a mask c that multiplies the weights, ∂L/∂c = w · ∂L/∂w at c = 1. The defaults
//! are what Su et al. (2020) ran: ten augmented images of every class in class order,
//! batch statistics. With several batches their gradients are added up before the product;
//! beyond depth 32 and on Tiny-ImageNet they took ten batches of one image per class
//! (`batches = 10, samples_per_class = 1`). In several rounds this score is that of `force`
//! and `iterative-snip`.
use jackpot_sdk::{BatchSpec, Item, Objective, Out, Output, Result, Run, export, needs};

const SNIP: Item = Item {
    summary: c"|weight x gradient| of the training loss on a class-balanced batch",
    needs: needs::WEIGHTS | needs::INPUTS | needs::LABELS | needs::GRAD,
    params: &BatchSpec::PARAMS,
    ..Item::method(c"snip", Output::Scores, snip)
};
export!(SNIP);

fn snip(run: &Run, out: &mut Out) -> Result {
    let autodiff = run.autodiff()?;
    let batch = autodiff.batches(&BatchSpec::of(run)?)?;
    // The gradient goes straight to where the scores belong.
    let mut scores = out.scores()?;
    autodiff.grad(&Objective::default(), batch, None, &mut scores)?;
    for (layer, scores) in run.params().iter().zip(scores) {
        for (score, &weight) in scores.iter_mut().zip(layer.f32()?) {
            *score = (f64::from(weight) * *score).abs();
        }
    }
    Ok(())
}
