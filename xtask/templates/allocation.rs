//! new-plugin: every layer keeps the same share of its weights, and together exactly as many
//! as are asked for.
//!
//! Replace the rule. Each layer's facts (role, place, stride, uses) are in `run.params()`;
//! `plugins/methods/allocations` shows more, `core/abi/CONTRACT.md` the rules.
use jackpot_sdk::{Item, Out, Output, Result, Run, export, promises};

const NEW_PLUGIN: Item = Item {
    summary: c"the same share of every layer",
    promises: promises::KEEPS_TOTAL_COUNT,
    ..Item::method(c"org.example.new-plugin", Output::Counts, allocate)
};
export!(NEW_PLUGIN);

fn allocate(run: &Run, out: &mut Out) -> Result {
    let total: u128 = run.params().iter().map(|layer| layer.len() as u128).sum();
    let (mut weights, mut given) = (0u128, 0u128);
    for (layer, count) in run.params().iter().zip(out.counts()?) {
        // What all layers so far should have, rounded down: the rests go to later layers.
        weights += layer.len() as u128;
        let so_far = u128::from(run.keep_count()) * weights / total.max(1);
        *count = (so_far - given) as i64;
        given = so_far;
    }
    Ok(())
}
