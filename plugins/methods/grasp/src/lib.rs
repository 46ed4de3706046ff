//! GraSP: keep the weights whose removal would lower the gradient's norm most (Wang, Zhang
//! and Grosse, "Picking winning tickets before training by preserving gradient flow", 2020).
//!
//! They prune the largest -w * Hg, where g is the gradient and H the Hessian of one loss
//! whose logits are divided by T = 200. The larger score is kept here, so it is +w * Hg.
//! (The sign is settled by a filter before batch normalisation: its sum of -w * Hg is the
//! squared norm of the filter's gradient, so it is positive.)
//!
//! As released, each batch is cut in the middle, each half has its own batch statistics,
//! and the halves' gradients are added up; the batch is in class order, so one half holds
//! the first half of the classes. `profile = "corrected"` leaves batches whole. The other
//! way is `shuffle = true`, which mixes the rows before the cut and needs the memory of a
//! half; a batch given by hand is cut as it is, so nothing mixes that one.
//!
//! The classifier keeps its weights. The released code scores a copy whose linear layers
//! are drawn anew, which are then not the ones that are trained: `redraw_classifier` does
//! so too. Beyond depth 32 and on Tiny-ImageNet it takes ten batches of one image per class
//! (`batches = 10, samples_per_class = 1`).
use jackpot_sdk::{
    BatchSpec, Item, Level, Objective, Out, Output, Param, Result, Role, Run, Vectors, choices,
    export, needs,
};

const GRASP: Item = Item {
    summary: c"weight x (Hessian x gradient): removal must not lower the gradient's norm",
    needs: needs::WEIGHTS
        | needs::INPUTS
        | needs::LABELS
        | needs::GRAD
        | needs::HVP
        | needs::RNG,
    params: &[
        &Param::text(
            c"profile",
            c"published",
            c"published: batches in class order, each cut in two halves; corrected: whole batches",
        )
        .one_of(choices![c"published", c"corrected"]),
        BatchSpec::PARAMS[0],
        BatchSpec::PARAMS[1],
        BatchSpec::PARAMS[2],
        BatchSpec::PARAMS[3],
        BatchSpec::PARAMS[4],
        &Param::int(
            c"parts",
            0,
            c"runs of rows that a batch is cut in, each with its own statistics; 0: by the profile, 2 or 1",
        )
        .between(0.0, 1e6),
        &Param::float(c"temperature", 200.0, c"logits are divided by it").between(1e-3, 1e6),
        &Param::flag(
            c"redraw_classifier",
            false,
            c"score at newly drawn linear layers, as released; the ones that are trained are others",
        ),
    ],
    ..Item::method(c"grasp", Output::Scores, grasp)
};
export!(GRASP);

fn grasp(run: &Run, out: &mut Out) -> Result {
    let autodiff = run.autodiff()?;
    let spec = BatchSpec {
        parts: parts(run)?,
        ..BatchSpec::of(run)?
    };
    let redrawn = if run.flag("redraw_classifier")? {
        Some(redraw(run)?)
    } else {
        None
    };
    log(run, &spec, redrawn.is_some())?;
    let batch = autodiff.batches(&spec)?;
    let objective = Objective {
        temperature: run.float("temperature")?,
        ..Objective::default()
    };
    let point = redrawn.as_ref();
    let mut gradient = run.zeros()?;
    autodiff.grad(&objective, batch, point, &mut gradient)?;
    // H * g goes straight to where the scores belong.
    let mut scores = out.scores()?;
    autodiff.hvp(&objective, batch, point, &gradient, &mut scores)?;
    for (l, (layer, scores)) in run.params().iter().zip(scores).enumerate() {
        match point {
            Some(point) => (scores.iter_mut().zip(&point[l])).for_each(|(s, w)| *s *= w),
            None => (scores.iter_mut().zip(layer.f32()?)).for_each(|(s, &w)| *s *= f64::from(w)),
        }
    }
    Ok(())
}

fn parts(run: &Run) -> Result<u64> {
    Ok(match (run.count("parts")?, run.text("profile")?) {
        (0, "published") => 2,
        (0, _) => 1,
        (parts, _) => parts,
    })
}

/// The weights under the mask, linear layers drawn from N(0, 2 / (in + out)): Xavier's
/// normal law, which the released code gives to every linear layer of its scoring copy.
fn redraw<'a>(run: &Run<'a>) -> Result<Vectors<'a>> {
    let rng = run.rng()?;
    // Batches fold small numbers into the run's key.
    let key = rng.fold(run.key(), u64::MAX);
    let mut point = run.zeros()?;
    let layers = run.params().iter().zip(run.masks().iter());
    for (l, (at, (layer, mask))) in point.iter_mut().zip(layers).enumerate() {
        let mut weights = layer.f32()?.to_vec();
        if layer.role() == Role::Linear {
            let ends: i64 = layer.shape().iter().sum();
            let deviation = (2.0 / ends as f64).sqrt() as f32;
            rng.normal(rng.fold(key, l as u64), &mut weights);
            weights.iter_mut().for_each(|weight| *weight *= deviation);
        }
        for (at, (weight, &kept)) in at.iter_mut().zip(weights.iter().zip(mask.u8()?)) {
            *at = f64::from(*weight) * f64::from(kept);
        }
    }
    Ok(point)
}

/// What the published and the corrected method differ in, for the record.
fn log(run: &Run, spec: &BatchSpec, redrawn: bool) -> Result {
    let profile = run.text("profile")?;
    let order = match (spec.shuffle, spec.per_class) {
        (false, 1..) => "in class order (a batch given by hand: as it is)",
        _ => "mixed",
    };
    let parts = spec.parts;
    let message = format!("grasp, {profile}: rows {order}, a batch in parts: {parts}");
    run.log(Level::Info, &message);
    if redrawn {
        run.log(
            Level::Warning,
            "grasp: the classifier is drawn anew for scoring: the weights that are trained are others",
        )
    } else {
        run.log(
            Level::Info,
            "grasp: the classifier is scored at its own weights (the released code draws it anew)",
        )
    }
    Ok(())
}
