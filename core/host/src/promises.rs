//! What items promise, verified on every output from the files that went in and came out.
//!
//! Promises are per tensor: a layer, a row of a row-wise check, else all rows of a data set.
//! A check that changed nothing where it could have is an error whether it promised to change
//! something or not: nothing is silently skipped.
use crate::validate::Value;
use crate::{Failure, Kind, Output};
use jackpot_abi as abi;
use jackpot_net::{Mask, Network};
use serde_json::{Map, json};

/// Every promise and its name in messages and certificates.
pub(crate) const NAMES: [(u32, &str); 7] = [
    (abi::JKP_KEEPS_LAYER_COUNTS, "keeps-layer-counts"),
    (abi::JKP_KEEPS_TOTAL_COUNT, "keeps-total-count"),
    (abi::JKP_KEEPS_MULTISET, "keeps-multiset"),
    (abi::JKP_KEEPS_KEPT_MULTISET, "keeps-kept-multiset"),
    (abi::JKP_CHANGES_OUTPUT, "changes-output"),
    (abi::JKP_ROWWISE, "rowwise"),
    (abi::JKP_NESTED, "nested"),
];

/// Whether a promise can be verified on this output.
pub(crate) fn applies(bit: u32, kind: Kind, output: Output) -> bool {
    use Output::*;
    match (kind, bit) {
        (Kind::Check, abi::JKP_CHANGES_OUTPUT) => true,
        (Kind::Check, abi::JKP_KEEPS_MULTISET) => output != Subset,
        (Kind::Check, abi::JKP_KEEPS_LAYER_COUNTS) => output == Masks,
        (Kind::Check, abi::JKP_KEEPS_TOTAL_COUNT) => output == Masks,
        (Kind::Check, abi::JKP_KEEPS_KEPT_MULTISET) => output == Weights,
        (Kind::Check, abi::JKP_ROWWISE) => output == Images,
        (Kind::Method, abi::JKP_KEEPS_TOTAL_COUNT) => matches!(output, Masks | Counts),
        (Kind::Method, abi::JKP_NESTED) => matches!(output, Masks | Scores),
        _ => false,
    }
}

/// What was asked and what is known besides input and output.
pub(crate) struct Facts<'a> {
    pub(crate) network: &'a Network,
    pub(crate) kind: Kind,
    pub(crate) promises: u32,
    /// The mask so far.
    pub(crate) mask: &'a Mask,
    /// The total that the density asks for.
    pub(crate) keep_count: u64,
}

impl Facts<'_> {
    fn promised(&self, bit: u32) -> bool {
        self.promises & bit != 0
    }
}

/// Verifies every promise; the certificate says what was verified and how much changed.
pub(crate) fn verify(
    facts: &Facts<'_>,
    input: Option<&Value>,
    output: &Value,
) -> Result<serde_json::Value, Failure> {
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
    }
    Ok(certificate.into())
}

/// One promise: how it was verified, or how it was broken.
fn one(
    facts: &Facts<'_>,
    bit: u32,
    input: Option<&Value>,
    output: &Value,
) -> Result<&'static str, String> {
    match (bit, input, output) {
        (abi::JKP_KEEPS_LAYER_COUNTS, Some(Value::Masks(before)), Value::Masks(after)) => {
            layer_counts(before, after)?;
        }
        (abi::JKP_KEEPS_TOTAL_COUNT, Some(Value::Masks(before)), Value::Masks(after)) => {
            total(before.kept(), after.kept())?;
        }
        (abi::JKP_KEEPS_TOTAL_COUNT, None, Value::Masks(after)) => {
            total(facts.keep_count, after.kept())?;
        }
        (abi::JKP_KEEPS_TOTAL_COUNT, None, Value::Counts(counts)) => {
            total(facts.keep_count, counts.iter().sum())?;
        }
        (abi::JKP_KEEPS_MULTISET, Some(before), after) => multiset(facts, before, after)?,
        (abi::JKP_KEEPS_KEPT_MULTISET, Some(Value::Weights(before)), Value::Weights(after)) => {
            kept_multiset(facts, before, after)?;
        }
        // `changes` counts it, and refuses a check that changed nothing.
        (abi::JKP_CHANGES_OUTPUT, Some(_), _) => return Ok("see `changed`"),
        (abi::JKP_ROWWISE, _, _) => return Ok("the worker ran it twice with other blocks of rows"),
        (abi::JKP_NESTED, _, Value::Masks(after)) => nested(facts.mask, after)?,
        (abi::JKP_NESTED, _, _) => return Ok("one round: nothing to compare"),
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
    match found == expected {
        true => Ok(()),
        false => Err(format!(
            "{expected} weights were to be kept over all layers and {found} are"
        )),
    }
}

fn nested(before: &Mask, after: &Mask) -> Result<(), String> {
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

/// Tensors of both sides; for rows that a check treats one by one, `by_row` cuts them.
fn pairs(facts: &Facts<'_>, before: &Value, after: &Value, by_row: bool) -> Vec<Pair> {
    fn bits<T: Copy>(values: &[T], to: impl Fn(T) -> u64) -> Vec<u64> {
        values.iter().map(|v| to(*v)).collect()
    }
    let named = |columns: Vec<(Vec<u64>, Vec<u64>)>| {
        let names = facts
            .network
            .layers
            .iter()
            .map(|l| format!("layer `{}`", l.name));
        let pair = |(name, (before, after))| Pair {
            name,
            before,
            after,
        };
        names.zip(columns).map(pair).collect()
    };
    match (before, after) {
        (Value::Masks(b), Value::Masks(a)) => named(
            b.layers
                .iter()
                .zip(&a.layers)
                .map(|(b, a)| (bits(&b.kept, u64::from), bits(&a.kept, u64::from)))
                .collect(),
        ),
        (Value::Scores(b), Value::Scores(a)) => named(
            b.iter()
                .zip(a)
                .map(|(b, a)| (bits(b, f64::to_bits), bits(a, f64::to_bits)))
                .collect(),
        ),
        (Value::Weights(b), Value::Weights(a)) => {
            let wide = |v: &[f32]| bits(v, |x| u64::from(x.to_bits()));
            named(b.iter().zip(a).map(|(b, a)| (wide(b), wide(a))).collect())
        }
        (Value::Images { pixels: b, row }, Value::Images { pixels: a, .. }) => {
            let length = if by_row {
                (*row).max(1)
            } else {
                b.len().max(1)
            };
            let chunks = b.chunks(length).zip(a.chunks(length)).enumerate();
            let pair = |(i, (b, a)): (usize, (&[u8], &[u8]))| Pair {
                name: if by_row {
                    format!("image {i}")
                } else {
                    "images".into()
                },
                before: bits(b, u64::from),
                after: bits(a, u64::from),
            };
            chunks.map(pair).collect()
        }
        (Value::Labels(b), Value::Labels(a)) => {
            let bits = |v: &[i64]| bits(v, |x| x as u64);
            vec![Pair {
                name: "labels".into(),
                before: bits(b),
                after: bits(a),
            }]
        }
        (Value::Subset(b), Value::Subset(a)) => vec![Pair {
            name: "subset".into(),
            before: bits(b, u64::from),
            after: bits(a, u64::from),
        }],
        _ => Vec::new(),
    }
}

fn sorted(mut values: Vec<u64>) -> Vec<u64> {
    values.sort_unstable();
    values
}

fn multiset(facts: &Facts<'_>, before: &Value, after: &Value) -> Result<(), String> {
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

fn kept_multiset(facts: &Facts<'_>, before: &[Vec<f32>], after: &[Vec<f32>]) -> Result<(), String> {
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

fn kept(mask: &jackpot_net::mask::LayerMask, values: &[f32]) -> Vec<u64> {
    let under_mask = values.iter().zip(&mask.kept).filter(|(_, kept)| **kept);
    under_mask.map(|(v, _)| u64::from(v.to_bits())).collect()
}

/// The tensors that a change is looked for in: under the mask where only kept values move.
fn changeable(facts: &Facts<'_>, before: &Value, after: &Value) -> Vec<Pair> {
    if let (true, Value::Weights(b), Value::Weights(a)) =
        (facts.promised(abi::JKP_KEEPS_KEPT_MULTISET), before, after)
    {
        let layers = facts.mask.layers.iter().zip(b).zip(a);
        return layers
            .map(|((mask, b), a)| Pair {
                name: format!("layer `{}`", mask.name),
                before: kept(mask, b),
                after: kept(mask, a),
            })
            .collect();
    }
    pairs(facts, before, after, facts.promised(abi::JKP_ROWWISE))
}

/// Promises under which a tensor of equal values has nowhere to go.
fn only_moves(facts: &Facts<'_>) -> bool {
    let moving =
        abi::JKP_KEEPS_LAYER_COUNTS | abi::JKP_KEEPS_MULTISET | abi::JKP_KEEPS_KEPT_MULTISET;
    facts.promises & moving != 0
}

fn is_constant(values: &[u64]) -> bool {
    values.windows(2).all(|w| w[0] == w[1])
}

/// Counts what could change and what did, in values and in tensors; nothing at all is an error.
fn changes(facts: &Facts<'_>, before: &Value, after: &Value) -> Result<serde_json::Value, Failure> {
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
    if possible > 0 && changed == 0 {
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
