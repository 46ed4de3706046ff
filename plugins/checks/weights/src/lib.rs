//! What of the weights under a mask a ticket needs: their places, their values, their signs.
//!
//! `shuffle-kept` permutes the kept weights of each layer among the kept places: the mask and
//! the values stay, who has which value does not (Su et al. 2020, layerwise weight shuffling).
//! `shuffle-all` permutes all weights of a layer, so that under the mask others are kept: it is
//! another question, and its common use as the first one is a known mistake.
//! `sign-only` replaces the kept weights of a layer by σ times the sign of the initial weight,
//! σ the standard deviation of the layer's initial weights (Zhou et al. 2019). It reads the
//! *initial* weights whatever it is applied to, so trained weights lose their training.
use jackpot_sdk::{Error, Item, Out, Output, Result, Run, export, needs, promises};

const SHUFFLE_KEPT: Item = Item {
    summary: c"permutes the kept weights of each layer among the kept places",
    needs: needs::RNG,
    promises: promises::KEEPS_KEPT_MULTISET | promises::KEEPS_MULTISET | promises::CHANGES_OUTPUT,
    ..Item::check(c"shuffle-kept", Output::Weights, shuffle_kept)
};

const SHUFFLE_ALL: Item = Item {
    summary: c"permutes all weights of each layer, kept or not: under a mask others are kept",
    needs: needs::RNG,
    promises: promises::KEEPS_MULTISET | promises::CHANGES_OUTPUT | promises::CHANGES_STRUCTURE,
    ..Item::check(c"shuffle-all", Output::Weights, shuffle_all)
};

const SIGN_ONLY: Item = Item {
    summary: c"gives each kept weight the layer's initial standard deviation and its initial sign",
    needs: needs::REF,
    promises: promises::CHANGES_OUTPUT | promises::CHANGES_STRUCTURE,
    ..Item::check(c"sign-only", Output::Weights, sign_only)
};
export!(SHUFFLE_KEPT, SHUFFLE_ALL, SIGN_ONLY);

fn shuffle_kept(run: &Run, out: &mut Out) -> Result {
    let rng = run.rng()?;
    let layers = run.input()?.iter().zip(run.masks().iter());
    for (layer, ((weights, mask), new)) in layers.zip(out.weights()?).enumerate() {
        let (weights, mask) = (weights.f32()?, mask.u8()?);
        let kept: Vec<usize> = (0..mask.len()).filter(|&i| mask[i] != 0).collect();
        let order = rng.permutation(rng.fold(run.key(), layer as u64), kept.len());
        new.copy_from_slice(weights);
        for (&place, &from) in kept.iter().zip(&order) {
            new[place] = weights[kept[from as usize]];
        }
    }
    Ok(())
}

fn shuffle_all(run: &Run, out: &mut Out) -> Result {
    let rng = run.rng()?;
    for (layer, (weights, new)) in run.input()?.iter().zip(out.weights()?).enumerate() {
        let weights = weights.f32()?;
        let order = rng.permutation(rng.fold(run.key(), layer as u64), weights.len());
        for (new, &from) in new.iter_mut().zip(&order) {
            *new = weights[from as usize];
        }
    }
    Ok(())
}

fn sign_only(run: &Run, out: &mut Out) -> Result {
    let layers = run.input()?.iter().zip(run.masks().iter());
    let layers = layers.zip(run.reference()?.iter());
    for (((weights, mask), initial), new) in layers.zip(out.weights()?) {
        let (mask, values) = (mask.u8()?, initial.f32()?);
        let sigma = standard_deviation(values);
        if sigma == 0.0 && mask.contains(&1) {
            return Err(Error::unsupported(format!(
                "the initial weights of `{}` are all alike: a standard deviation of 0 would leave no weight",
                initial.name()
            )));
        }
        new.copy_from_slice(weights.f32()?);
        for ((new, &bit), &value) in new.iter_mut().zip(mask).zip(values) {
            if bit != 0 {
                *new = sign(value) * sigma as f32;
            }
        }
    }
    Ok(())
}

/// The standard deviation of the layer's values themselves, not of a larger population: the sum
/// of squares is divided by n.
fn standard_deviation(values: &[f32]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().map(|&w| f64::from(w)).sum::<f64>() / n;
    let squares = values.iter().map(|&w| (f64::from(w) - mean).powi(2));
    (squares.sum::<f64>() / n).sqrt()
}

/// 0 of 0, as `torch.sign`, where `f32::signum` gives 1.
fn sign(value: f32) -> f32 {
    if value == 0.0 { 0.0 } else { value.signum() }
}
