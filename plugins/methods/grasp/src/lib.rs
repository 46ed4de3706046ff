//! GraSP: keep the weights whose removal would lower the gradient's norm most (Wang, Zhang
//! and Grosse, "Picking winning tickets before training by preserving gradient flow", 2020).
//!
//! They prune the largest -w * Hg, where g is the gradient and H the Hessian of one loss
//! whose logits are divided by T = 200. The larger score is kept here, so it is +w * Hg.
//! (The sign is settled by a filter before batch normalisation: its sum of -w * Hg is the
//! squared norm of the filter's gradient, so it is positive.)
//!
//! As released, each batch is cut in the middle, each half has its own batch statistics,
//! and the halves' gradients are added up. The batch is in class order, so one half holds
//! the first half of the classes; `mixed` corrects that. The classifier keeps its weights:
//! the released code scores re-drawn ones, which are then not trained.
use jackpot_sdk::{BatchSpec, Item, Objective, Out, Output, Param, Result, Run, export, needs};

const GRASP: Item = Item {
    summary: c"weight x (Hessian x gradient): removal must not lower the gradient's norm",
    needs: needs::WEIGHTS | needs::INPUTS | needs::LABELS | needs::GRAD | needs::HVP,
    params: &[
        &Param::int(
            c"samples_per_class",
            10,
            c"images of every class in a batch; 0: use batch_size",
        )
        .between(0.0, 1e6),
        &Param::int(c"batches", 1, c"batches whose losses are added up").between(1.0, 1e6),
        &Param::int(
            c"batch_size",
            128,
            c"images in a batch if samples_per_class is 0; 2 or more",
        )
        .between(2.0, 1e6),
        &Param::float(c"temperature", 200.0, c"logits are divided by it").between(1e-3, 1e6),
        &Param::flag(
            c"mixed",
            false,
            c"mix the rows before a batch is cut in two, else each half holds half of the classes",
        ),
        &Param::flag(c"augment", true, c"crop and flip as in training"),
    ],
    ..Item::method(c"grasp", Output::Scores, grasp)
};
export!(GRASP);

fn grasp(run: &Run, out: &mut Out) -> Result {
    let autodiff = run.autodiff()?;
    let batch = autodiff.batches(&BatchSpec {
        key: run.key(),
        n_batches: run.count("batches")?,
        batch_size: run.count("batch_size")?,
        per_class: run.count("samples_per_class")?,
        parts: 2,
        augment: run.flag("augment")?,
        shuffle: run.flag("mixed")?,
    })?;
    let objective = Objective {
        temperature: run.float("temperature")?,
        ..Objective::default()
    };
    let mut gradient = run.zeros()?;
    autodiff.grad(&objective, batch, None, &mut gradient)?;
    // H * g goes straight to where the scores belong.
    let mut scores = out.scores()?;
    autodiff.hvp(&objective, batch, None, &gradient, &mut scores)?;
    for (layer, scores) in run.params().iter().zip(scores) {
        for (score, &weight) in scores.iter_mut().zip(layer.f32()?) {
            *score *= f64::from(weight);
        }
    }
    Ok(())
}
