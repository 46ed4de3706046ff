//! Synaptic saliencies: scores that multiply a weight by a derivative with respect to it.
//!
//! | item | score | rounds |
//! |---|---|---|
//! | `synflow` | \|w\| · ∂R/∂\|w\|, R the output of \|weights\| for an image of ones | 100 |
//! | `force` | \|w · ∂L/∂(w ⊙ m)\|, pruned weights may come back | 60 |
//! | `iterative-snip` | the same, pruned weights stay pruned | 60 |
//! | `taylor` | (w · ∂L/∂w)², mean over batches | 1 |
//!
//! The host selects between the rounds: within the mask so far for an item that promises
//! to be nested, else from all weights. Items with data draw new images in every round, as
//! released; a batch that was given by hand serves all rounds.
//!
//! **Invariant.** `synflow` is given no data, so it cannot depend on any.
use jackpot_sdk::{
    Batch, BatchSpec, Input, Item, Level, Loss, Objective, Out, Output, Param, Result, Run,
    Vectors, export, needs, promises,
};

const SYNFLOW: Item = Item {
    summary: c"|weight| x gradient of the summed output of |weights| for an image of ones, in f64",
    needs: needs::WEIGHTS | needs::GRAD,
    promises: promises::NESTED,
    rounds_hint: 100,
    ..Item::method(c"synflow", Output::Scores, synflow)
};

const FORCE: Item = Item {
    summary: c"|weight x gradient of the pruned network|; what was pruned may come back",
    needs: LABELLED,
    params: &PLAIN_BATCHES,
    rounds_hint: 60,
    ..Item::method(c"force", Output::Scores, connection)
};

const ITERATIVE_SNIP: Item = Item {
    summary: c"|weight x gradient of the pruned network|; what was pruned stays pruned",
    promises: promises::NESTED,
    ..Item {
        id: c"iterative-snip",
        ..FORCE
    }
};

const TAYLOR: Item = Item {
    summary:
        c"(weight x gradient)^2 of the training loss, mean over batches; meant for trained weights",
    needs: LABELLED | needs::RNG,
    params: &BatchSpec::PARAMS,
    ..Item::method(c"taylor", Output::Scores, taylor)
};
export!(SYNFLOW, FORCE, ITERATIVE_SNIP, TAYLOR);

const LABELLED: u32 = needs::WEIGHTS | needs::INPUTS | needs::LABELS | needs::GRAD;

/// FORCE and iterative SNIP were released with batches of 128 images, whatever their class:
/// one per round for CIFAR-10, 10 for CIFAR-100, 20 for Tiny-ImageNet.
const PLAIN_BATCHES: [&Param; 5] = {
    let mut params = BatchSpec::PARAMS;
    params[0] = &Param::int(
        c"samples_per_class",
        0,
        c"images of every class in a batch; 0, as released: use batch_size",
    )
    .between(0.0, 1e6);
    params
};

/// Tanaka, Kunin, Yamins and Ganguli, "Pruning neural networks without any data by
/// iteratively conserving synaptic flow", 2020. Parameters that are not pruned count by
/// absolute value too; normalisation uses its running statistics, so that at
/// initialisation it multiplies by a constant. In f64: the R of a ResNet-32 exceeds f32.
fn synflow(run: &Run, out: &mut Out) -> Result {
    let mut point = run.zeros()?;
    let layers = run.params().iter().zip(run.masks().iter());
    for (at, (layer, mask)) in point.iter_mut().zip(layers) {
        let weights = layer.f32()?.iter().zip(mask.u8()?);
        for (at, (weight, &kept)) in at.iter_mut().zip(weights) {
            *at = f64::from(weight.abs()) * f64::from(kept);
        }
    }
    let objective = Objective {
        loss: Loss::SumLogits,
        input: Input::Ones,
        train_mode: false,
        compute_f64: true,
        abs_rest: true,
        ..Objective::default()
    };
    let mut scores = out.scores()?;
    run.autodiff()?
        .grad(&objective, Batch::NONE, Some(&point), &mut scores)?;
    let mut flows = false;
    for (scores, point) in scores.iter_mut().zip(point.iter()) {
        for (score, at) in scores.iter_mut().zip(point) {
            *score *= at;
            flows |= *score != 0.0;
        }
    }
    if !flows {
        run.log(
            Level::Warning,
            "synflow: every score is 0: no path of kept weights joins the image to the logits",
        );
    }
    Ok(())
}

/// The connection sensitivity at the mask so far: de Jorge, Sanyal, Behl, Torr, Rogez and
/// Dokania, "Progressive skeletonization: trimming more fat from a network at
/// initialization", 2021. The gradient is that of the pruned network, the weight its own
/// value before pruning, so a pruned weight has a score as well.
fn connection(run: &Run, out: &mut Out) -> Result {
    let autodiff = run.autodiff()?;
    let batch = autodiff.batches(&BatchSpec::of(run)?)?;
    let mut scores = out.scores()?;
    autodiff.grad(&Objective::default(), batch, None, &mut scores)?;
    times_weights(run, &mut scores, |product| product.abs())
}

/// Molchanov, Mallya, Tyree, Frosio and Kautz, "Importance estimation for neural network
/// pruning", 2019: the squared first-order change of the loss when a weight becomes 0,
/// batch by batch, so that batches of opposite sign do not cancel out.
fn taylor(run: &Run, out: &mut Out) -> Result {
    let (autodiff, rng) = (run.autodiff()?, run.rng()?);
    let asked = BatchSpec::of(run)?;
    let mut products = run.zeros()?;
    let mut scores = out.scores()?;
    scores.iter_mut().for_each(|scores| scores.fill(0.0));
    for i in 0..asked.n_batches {
        let batch = autodiff.batches(&BatchSpec {
            key: rng.fold(asked.key, i),
            n_batches: 1,
            ..asked
        })?;
        autodiff.grad(&Objective::default(), batch, None, &mut products)?;
        times_weights(run, &mut products, |product| product * product)?;
        for (scores, products) in scores.iter_mut().zip(products.iter()) {
            for (score, product) in scores.iter_mut().zip(products) {
                *score += product / asked.n_batches as f64;
            }
        }
        run.poll((i + 1) as f64 / asked.n_batches as f64)?;
    }
    Ok(())
}

/// Replaces each gradient by `of` (its product with its weight).
fn times_weights(run: &Run, gradients: &mut Vectors, of: fn(f64) -> f64) -> Result {
    for (layer, gradients) in run.params().iter().zip(gradients.iter_mut()) {
        for (gradient, &weight) in gradients.iter_mut().zip(layer.f32()?) {
            *gradient = of(f64::from(weight) * *gradient);
        }
    }
    Ok(())
}
