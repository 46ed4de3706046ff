//! Allocations that look at nothing but the layers' shapes: how many weights each keeps.
//!
//! `uniform` keeps the same share of every layer: the positive control, known to be bad.
//! `erdos-renyi` and `erk` keep less of wide layers (Mocanu et al. 2018, Evci et al. 2020).
//! `smart-ratio` keeps less the deeper a layer lies (Su et al. 2020); with random scores
//! it is their random ticket, with magnitudes their hybrid ticket. Its rules are plain
//! functions in [`published`] and [`corrected`].
//!
//! **Invariant.** No item is given weights, data or random numbers, so none can depend on
//! them.
mod apportion;
mod corrected;
mod erdos_renyi;
mod layer;
mod proportion;
mod published;
#[cfg(test)]
mod released_tests;

use apportion::apportion;
use erdos_renyi::Kernel;
use jackpot_sdk::{
    Error, Item, Level, Out, Output, Param, Result, Role, Run, choices, export, promises,
};
use layer::{Form, Layer, Rule, Shape, names};

const UNIFORM: Item = Item {
    summary: c"the same density in every layer",
    promises: promises::KEEPS_TOTAL_COUNT,
    ..Item::method(c"uniform", Output::Counts, uniform)
};

const ERDOS_RENYI: Item = Item {
    summary: c"density proportional to (in + out) / (in x out), whole layers redistributed",
    promises: promises::KEEPS_TOTAL_COUNT,
    ..Item::method(c"erdos-renyi", Output::Counts, erdos_renyi)
};

const ERK: Item = Item {
    summary:
        c"erdos-renyi with the kernel: (in + out + height + width) / (in x out x height x width)",
    promises: promises::KEEPS_TOTAL_COUNT,
    ..Item::method(c"erk", Output::Counts, erk)
};

const SMART_RATIO: Item = Item {
    summary: c"density falls with depth: (L-l+1)^2 + (L-l+1), over l^2 on a VGG",
    params: &[
        &Param::text(
            c"profile",
            c"published",
            c"published: the released code's counts, defects included; corrected: the exact budget",
        )
        .one_of(choices![c"published", c"corrected"]),
        &Param::text(
            c"shape",
            c"quadratic",
            c"density by k = L-l+1: k^2+k, k, k^3; ascending: l^2+l; uniform: all convolutions alike",
        )
        .one_of(choices![
            c"quadratic",
            c"linear",
            c"cubic",
            c"ascending",
            c"uniform"
        ]),
        &Param::text(
            c"form",
            c"auto",
            c"vgg divides the density by l^2, resnet does not; auto: vgg on a vgg, resnet on all others",
        )
        .one_of(choices![c"auto", c"resnet", c"vgg"]),
        &Param::float(
            c"linear_keep_ratio",
            0.3,
            c"density of linear layers at every sparsity",
        )
        .between(0.0, 1.0),
        &Param::int(
            c"L",
            0,
            c"the L of the formula; 0: the number of convolution and linear layers, as released",
        )
        .between(0.0, 1e6),
    ],
    ..Item::method(c"smart-ratio", Output::Counts, smart_ratio)
};
export!(UNIFORM, ERDOS_RENYI, ERK, SMART_RATIO);

fn uniform(run: &Run, out: &mut Out) -> Result {
    let sizes: Vec<u64> = run.params().iter().map(|p| p.len() as u64).collect();
    let counts = apportion(run.keep_count(), &sizes).map_err(Error::invalid)?;
    write("uniform", run, &counts, out)
}

fn erdos_renyi(run: &Run, out: &mut Out) -> Result {
    random_graph("erdos-renyi", run, Kernel::Left, out)
}

fn erk(run: &Run, out: &mut Out) -> Result {
    random_graph("erk", run, Kernel::Counted, out)
}

fn random_graph(name: &str, run: &Run, kernel: Kernel, out: &mut Out) -> Result {
    let shapes: Vec<&[i64]> = run.params().iter().map(|p| p.shape()).collect();
    let counts = erdos_renyi::counts(&shapes, kernel, run.keep_count());
    write(name, run, &counts, out)
}

fn smart_ratio(run: &Run, out: &mut Out) -> Result {
    let layers = layers(run)?;
    let rule = rule(run, layers.len())?;
    let profile = run.text("profile")?;
    let allocation = match profile {
        "published" => published::counts(&layers, &rule, run.keep()),
        _ => corrected::counts(&layers, &rule, run.keep_count()),
    }
    .map_err(|message| Error::invalid(format!("smart-ratio, {profile}: {message}")))?;
    let kept: u64 = allocation.counts.iter().sum();
    run.log(
        Level::Info,
        &format!(
            "smart-ratio, {profile}: shape {}, form {}, L = {}, {kept} weights kept of a budget of {}",
            rule.shape.name(),
            rule.form.name(),
            rule.depth,
            run.keep_count()
        ),
    );
    let name = format!("smart-ratio, {profile}");
    for note in &allocation.notes {
        run.log(Level::Warning, &format!("{name}: {note}"));
    }
    write(&name, run, &allocation.counts, out)
}

/// The counts of rule `name`, with a warning where a layer keeps nothing.
fn write(name: &str, run: &Run, counts: &[u64], out: &mut Out) -> Result {
    let layers: Vec<&str> = run.params().iter().map(|p| p.name()).collect();
    if let Some(empty) = names(&layers, |l| counts[l] == 0) {
        let message = format!("{name}: cut: {empty} keeps no weight");
        run.log(Level::Warning, &message);
    }
    for (slot, &count) in out.counts()?.into_iter().zip(counts) {
        *slot = i64::try_from(count).map_err(|_| Error::internal("a count beyond i64"))?;
    }
    Ok(())
}

fn layers(run: &Run) -> Result<Vec<Layer>> {
    let layer = |tensor: jackpot_sdk::Tensor| {
        let linear = match tensor.role() {
            Role::Conv => false,
            Role::Linear => true,
            _ => {
                return Err(Error::unsupported(format!(
                    "`{}` is neither a convolution nor a linear layer: smart-ratio has no rule for it",
                    tensor.name()
                )));
            }
        };
        let filters = tensor.shape().first().map_or(1, |&n| n.max(1) as u64);
        Ok(Layer {
            name: tensor.name().to_owned(),
            weights: tensor.len() as u64,
            filters,
            linear,
        })
    };
    run.params().iter().map(layer).collect()
}

fn rule(run: &Run, layers: usize) -> Result<Rule> {
    let form = match (run.text("form")?, run.task().network) {
        ("vgg", _) | ("auto", "vgg") => Form::Vgg,
        _ => Form::Resnet,
    };
    let depth = match run.count("L")? {
        0 => layers as u64,
        depth => depth,
    };
    Ok(Rule {
        shape: Shape::named(run.text("shape")?).map_err(Error::invalid)?,
        form,
        linear_keep_ratio: run.float("linear_keep_ratio")?,
        depth,
    })
}
