//! What items promise, verified on every output from the files that went in and came out.
//!
//! Each promise holds for every tensor by itself: for a layer, for a row where a check works row by
//! row, and otherwise for all rows of a data set.
//! A check that changed nothing where it could have is an error whether it promised to change
//! something or not: nothing is silently skipped.
use crate::{verify::outputs::OutputValue, verify::structure};
use jackpot_abi as abi;
use jackpot_net::Network;
use jackpot_protocol::{Failure, Kind, promises::NAMES};
use jackpot_prune::Mask;
use serde_json::{Map, json};

/// What was asked and what is known besides input and output.
pub(crate) struct PromiseContext<'a> {
    pub(crate) network: &'a Network,
    pub(crate) kind: Kind,
    pub(crate) promises: u32,
    /// The mask so far; of rounds, before the last one.
    pub(crate) mask: &'a Mask,
    /// The mask that the host selected from the last round's scores.
    pub(crate) selected: Option<&'a Mask>,
    /// The total that the density asks for.
    pub(crate) keep_count: u64,
}

impl PromiseContext<'_> {
    fn promised(&self, bit: u32) -> bool {
        self.promises & bit != 0
    }
}

/// Verifies every promise; the certificate says what was verified and how much changed.
pub(crate) fn verify(
    facts: &PromiseContext<'_>,
    input: Option<&OutputValue>,
    output: &OutputValue,
) -> Result<serde_json::Value, Failure> {
    if let Some(input) = input
        && std::mem::discriminant(input) != std::mem::discriminant(output)
    {
        return Err(Failure::new(
            "contract",
            "its output is of another kind than what it was given to change",
        ));
    }
    let mut certificate = Map::new();
    for (bit, name) in NAMES {
        if facts.promised(bit) {
            let verified = one(facts, bit, input, output)
                .map_err(|why| Failure::new("promise", format!("promises `{name}`, but {why}")))?;
            certificate.insert(name.into(), verified.into());
        }
    }
    if let (Kind::Check, Some(input)) = (facts.kind, input) {
        certificate.insert("changed".into(), changes(facts, input, output)?);
        if facts.promised(abi::JKP_CHANGES_STRUCTURE) {
            let counted = structure::count(facts.mask, input, output);
            certificate.insert("structure".into(), counted.to_json());
        }
    }
    Ok(certificate.into())
}

/// Verifies one promise: says how it was verified, or how it was broken.
fn one(
    facts: &PromiseContext<'_>,
    bit: u32,
    input: Option<&OutputValue>,
    output: &OutputValue,
) -> Result<&'static str, String> {
    match (bit, input, output) {
        (
            abi::JKP_KEEPS_LAYER_COUNTS,
            Some(OutputValue::Masks(before)),
            OutputValue::Masks(after),
        ) => {
            layer_counts(before, after)?;
        }
        (
            abi::JKP_KEEPS_TOTAL_COUNT,
            Some(OutputValue::Masks(before)),
            OutputValue::Masks(after),
        ) => {
            total(before.kept(), after.kept())?;
        }
        (abi::JKP_KEEPS_TOTAL_COUNT, None, OutputValue::Masks(after)) => {
            total(facts.keep_count, after.kept())?;
        }
        (abi::JKP_KEEPS_TOTAL_COUNT, None, OutputValue::Counts(counts)) => {
            total(facts.keep_count, counts.iter().sum())?;
        }
        (abi::JKP_KEEPS_MULTISET, Some(before), after) => multiset(facts, before, after)?,
        (
            abi::JKP_KEEPS_KEPT_MULTISET,
            Some(OutputValue::Weights(before)),
            OutputValue::Weights(after),
        ) => {
            kept_multiset(facts, before, after)?;
        }
        (abi::JKP_CHANGES_STRUCTURE, Some(before), after) => {
            structure::verify(facts.mask, before, after)?;
            return Ok("see `structure`");
        }
        // `changes` counts it, and refuses a check that changed nothing.
        (abi::JKP_CHANGES_OUTPUT, Some(_), _) => return Ok("see `changed`"),
        (abi::JKP_ROWWISE, _, _) => return Ok("the worker ran it twice with other blocks of rows"),
        (abi::JKP_NESTED, _, OutputValue::Masks(after)) => nested(facts.mask, after)?,
        (abi::JKP_NESTED, _, _) => match facts.selected {
            Some(after) => nested(facts.mask, after)?,
            None => return Ok("one round: nothing to compare"),
        },
        _ => return Err("it cannot be verified on this output".into()),
    }
    Ok("verified")
}

fn layer_counts(before: &Mask, after: &Mask) -> Result<(), String> {
    for ((layer, b), a) in before
        .layers
        .iter()
        .zip(before.counts())
        .zip(after.counts())
    {
        if a != b {
            return Err(format!(
                "layer `{}` kept {b} weights and now keeps {a}",
                layer.name
            ));
        }
    }
    Ok(())
}

fn total(expected: u64, found: u64) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!(
        "{expected} weights were to be kept over all layers and {found} are"
    ))
}

pub(crate) fn nested(before: &Mask, after: &Mask) -> Result<(), String> {
    for (b, a) in before.layers.iter().zip(&after.layers) {
        let revived = b
            .kept
            .iter()
            .zip(&a.kept)
            .filter(|(b, a)| **a && !**b)
            .count();
        if revived > 0 {
            return Err(format!(
                "layer `{}` keeps {revived} weights that were pruned",
                b.name
            ));
        }
    }
    Ok(())
}

/// One tensor before and after, as comparable bits.
struct Pair {
    name: String,
    before: Vec<u64>,
    after: Vec<u64>,
}

impl Pair {
    fn new<T: Copy>(name: String, before: &[T], after: &[T], bits: impl Fn(T) -> u64) -> Pair {
        let all = |values: &[T]| values.iter().map(|v| bits(*v)).collect();
        Pair {
            name,
            before: all(before),
            after: all(after),
        }
    }
}

type Pairs<'a> = Box<dyn Iterator<Item = Pair> + 'a>;

/// Tensors of both sides, one at a time; rows that a check treats one by one are cut `by_row`.
fn pairs<'a>(
    facts: &'a PromiseContext<'_>,
    before: &'a OutputValue,
    after: &'a OutputValue,
    by_row: bool,
) -> Pairs<'a> {
    let layers = facts.network.layers.iter();
    let names = layers.map(|l| format!("layer `{}`", l.name));
    match (before, after) {
        (OutputValue::Masks(b), OutputValue::Masks(a)) => Box::new(
            names
                .zip(b.layers.iter().zip(&a.layers))
                .map(|(name, (b, a))| Pair::new(name, &b.kept, &a.kept, u64::from)),
        ),
        (OutputValue::Scores(b), OutputValue::Scores(a)) => Box::new(
            names
                .zip(b.iter().zip(a))
                .map(|(name, (b, a))| Pair::new(name, b, a, f64::to_bits)),
        ),
        (OutputValue::Weights(b), OutputValue::Weights(a)) => Box::new(
            names
                .zip(b.iter().zip(a))
                .map(|(name, (b, a))| Pair::new(name, b, a, |x| u64::from(x.to_bits()))),
        ),
        (OutputValue::Images { pixels: b, shape }, OutputValue::Images { pixels: a, .. })
            if by_row =>
        {
            let length = shape.iter().product::<usize>().max(1);
            let rows = b.chunks(length).zip(a.chunks(length)).enumerate();
            Box::new(rows.map(|(i, (b, a))| Pair::new(format!("image {i}"), b, a, u64::from)))
        }
        (OutputValue::Images { pixels: b, .. }, OutputValue::Images { pixels: a, .. }) => {
            Box::new(std::iter::once(Pair::new("images".into(), b, a, u64::from)))
        }
        (OutputValue::Labels(b), OutputValue::Labels(a)) => {
            Box::new(std::iter::once(Pair::new("labels".into(), b, a, |x| {
                x as u64
            })))
        }
        (OutputValue::Subset(b), OutputValue::Subset(a)) => {
            Box::new(std::iter::once(Pair::new("subset".into(), b, a, u64::from)))
        }
        _ => Box::new(std::iter::empty()),
    }
}

fn sorted(mut values: Vec<u64>) -> Vec<u64> {
    values.sort_unstable();
    values
}

fn multiset(
    facts: &PromiseContext<'_>,
    before: &OutputValue,
    after: &OutputValue,
) -> Result<(), String> {
    // A row-wise check sees no block but the rows in it, so its tensor is one row.
    for pair in pairs(facts, before, after, facts.promised(abi::JKP_ROWWISE)) {
        if sorted(pair.before) != sorted(pair.after) {
            return Err(format!(
                "the values of {} are others than before",
                pair.name
            ));
        }
    }
    Ok(())
}

fn kept_multiset(
    facts: &PromiseContext<'_>,
    before: &[Vec<f32>],
    after: &[Vec<f32>],
) -> Result<(), String> {
    for ((mask, b), a) in facts.mask.layers.iter().zip(before).zip(after) {
        if sorted(kept(mask, b)) != sorted(kept(mask, a)) {
            return Err(format!(
                "the kept values of layer `{}` are others than before",
                mask.name
            ));
        }
    }
    Ok(())
}

fn kept(mask: &jackpot_prune::LayerMask, values: &[f32]) -> Vec<u64> {
    let under_mask = values.iter().zip(&mask.kept).filter(|(_, kept)| **kept);
    under_mask.map(|(v, _)| u64::from(v.to_bits())).collect()
}

/// The tensors that a change is looked for in: under the mask where only kept values move.
fn changeable<'a>(
    facts: &'a PromiseContext<'_>,
    before: &'a OutputValue,
    after: &'a OutputValue,
) -> Pairs<'a> {
    if let (true, OutputValue::Weights(b), OutputValue::Weights(a)) =
        (facts.promised(abi::JKP_KEEPS_KEPT_MULTISET), before, after)
    {
        let layers = facts.mask.layers.iter().zip(b).zip(a);
        return Box::new(layers.map(|((mask, b), a)| Pair {
            name: format!("layer `{}`", mask.name),
            before: kept(mask, b),
            after: kept(mask, a),
        }));
    }
    pairs(facts, before, after, facts.promised(abi::JKP_ROWWISE))
}

/// Promises under which a tensor of equal values has nowhere to go.
fn only_moves(facts: &PromiseContext<'_>) -> bool {
    let moving =
        abi::JKP_KEEPS_LAYER_COUNTS | abi::JKP_KEEPS_MULTISET | abi::JKP_KEEPS_KEPT_MULTISET;
    facts.promises & moving != 0
}

fn is_constant(values: &[u64]) -> bool {
    values.windows(2).all(|w| w[0] == w[1])
}

/// Why a check has nothing to do here: a comparison with what it leaves would be one with itself.
fn nothing_to_change(facts: &PromiseContext<'_>, before: &OutputValue) -> String {
    let why = match before {
        OutputValue::Masks(mask) if mask.kept() == mask.total() => {
            "every layer of the mask is kept whole, and nothing can be moved within a full layer"
        }
        OutputValue::Masks(_) => "every layer of the mask is full or empty",
        OutputValue::Weights(_) if facts.promised(abi::JKP_KEEPS_KEPT_MULTISET) => {
            "no layer keeps two different weights"
        }
        OutputValue::Weights(_) | OutputValue::Scores(_) => "each layer holds one value only",
        OutputValue::Images { .. } => "the values of each image are all the same",
        _ => "all its values are the same",
    };
    format!("had nothing to change: {why}; leave this check out here")
}

/// Counts what could change and what did, in values and in tensors; nothing at all is an error.
fn changes(
    facts: &PromiseContext<'_>,
    before: &OutputValue,
    after: &OutputValue,
) -> Result<serde_json::Value, Failure> {
    let (mut possible, mut changed, mut tensors, mut changed_tensors) = (0u64, 0u64, 0u64, 0u64);
    for pair in changeable(facts, before, after) {
        let differ = pair
            .before
            .iter()
            .zip(&pair.after)
            .filter(|(b, a)| b != a)
            .count() as u64;
        if !only_moves(facts) || !is_constant(&pair.before) {
            possible += pair.before.len() as u64;
            tensors += 1;
            changed_tensors += u64::from(differ > 0);
        }
        changed += differ;
    }
    if possible == 0 && changed == 0 {
        return Err(Failure::new("promise", nothing_to_change(facts, before)));
    }
    if changed == 0 {
        return Err(Failure::new(
            "promise",
            format!("changed nothing of {possible} values that could change"),
        ));
    }
    Ok(json!({
        "possible": possible,
        "changed": changed,
        "possible_tensors": tensors,
        "changed_tensors": changed_tensors,
    }))
}

#[cfg(test)]
#[path = "promises_tests.rs"]
mod tests;
