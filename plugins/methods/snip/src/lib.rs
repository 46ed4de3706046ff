//! SNIP: the score of a weight is |w · ∂L/∂w|, its connection sensitivity (Lee, Ajanthan
//! and Torr, "SNIP: single-shot network pruning based on connection sensitivity", 2019).
//!
//! For a mask c that multiplies the weights, ∂L/∂c = w · ∂L/∂w at c = 1. The defaults
//! are what Su et al. (2020) ran: ten augmented images of every class in class order,
//! batch statistics. With several batches their gradients are added up before the product.
use jackpot_sdk::{BatchSpec, Item, Objective, Out, Output, Param, Result, Run, export, needs};

const SNIP: Item = Item {
    summary: c"|weight x gradient| of the training loss on a class-balanced batch",
    needs: needs::WEIGHTS | needs::INPUTS | needs::LABELS | needs::GRAD,
    params: &[
        &Param::int(
            c"samples_per_class",
            10,
            c"images of every class in a batch; 0: use batch_size",
        )
        .between(0.0, 1e6),
        &Param::int(c"batches", 1, c"batches whose gradients are added up").between(1.0, 1e6),
        &Param::int(
            c"batch_size",
            128,
            c"images in a batch if samples_per_class is 0",
        )
        .between(1.0, 1e6),
        &Param::flag(c"augment", true, c"crop and flip as in training"),
        &Param::flag(
            c"shuffle",
            false,
            c"mix the rows of a batch, else they are in class order",
        ),
    ],
    ..Item::method(c"snip", Output::Scores, snip)
};
export!(SNIP);

fn snip(run: &Run, out: &mut Out) -> Result {
    let autodiff = run.autodiff()?;
    let batch = autodiff.batches(&BatchSpec {
        key: run.key(),
        n_batches: run.count("batches")?,
        batch_size: run.count("batch_size")?,
        per_class: run.count("samples_per_class")?,
        parts: 1,
        augment: run.flag("augment")?,
        shuffle: run.flag("shuffle")?,
    })?;
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
