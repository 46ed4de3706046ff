//! What is known of allocations before anything runs: those that need neither weights nor
//! scores are called while a study is planned, what they would ruin is said, and how long
//! trainings under them take is estimated from their counts.
use crate::{
    execute::Bench,
    plan::Plan,
    recipe::{By, Input, Recipe},
    toolbox::Programs,
};
use jackpot_net::Network;
use jackpot_store::Store;
use std::collections::{BTreeMap, BTreeSet};

/// Fewer kept inputs a live filter than this starve a layer.
const LEAST_FAN_IN: f64 = 2.0;

/// One sentence for each allocation of the plan that empties a layer, starves it, or that its
/// own plugin warns of. Allocations that read weights or scores are not known yet and left out.
/// What they leave of the network goes into the plan's estimates.
pub fn foresee(plan: &mut Plan, store: &Store, programs: &Programs) -> Vec<String> {
    let mut said = BTreeSet::new();
    let mut warnings = Vec::new();
    let mut foreseen = BTreeMap::new();
    for (index, node) in plan.nodes.iter().enumerate() {
        let Recipe::Allocate {
            scores: None,
            weights: None,
            ..
        } = &node.recipe
        else {
            continue;
        };
        let bench = Bench {
            given: plan.given_in(node.setting),
            store,
            programs,
        };
        let network = &plan.networks[node.setting];
        let found = match bench.counts_beforehand(&node.recipe) {
            Ok((counts, log)) => {
                foreseen.insert(index, network.share_left(&counts));
                let own = log.lines().filter_map(|l| l.strip_prefix("warning: "));
                let own = own.map(str::to_owned);
                // A whole filter has all its inputs, and no convolution loses every filter.
                let starved = match is_by_weights(plan, index) {
                    true => starved(network, &counts),
                    false => Vec::new(),
                };
                own.chain(starved).collect()
            }
            // The plan is still worth reading, and the run will fail with the same words.
            Err(failure) => vec![failure.message],
        };
        for warning in found {
            let line = format!("{}: {warning}", node.title);
            if said.insert(line.clone()) {
                warnings.push(line);
            }
        }
    }
    plan.expect(foreseen);
    warnings
}

/// Whether some selection chooses single weights by the counts of this node.
fn is_by_weights(plan: &Plan, counts: usize) -> bool {
    let chooses = |recipe: &Recipe| match recipe {
        Recipe::Select {
            by: By::Counts(Input::Node(r)),
            unit,
            ..
        } => r.node == counts && unit.is_weights(),
        _ => false,
    };
    plan.nodes.iter().any(|node| chooses(&node.recipe))
}

/// Layers with no weight, and those whose live filters keep too few inputs: at best, with
/// every filter alive, each keeps count / filters.
fn starved(network: &Network, counts: &[u64]) -> Vec<String> {
    let mut lines = Vec::new();
    for (layer, &count) in network.layers.iter().zip(counts) {
        let filters = layer.shape.first().copied().unwrap_or(1).max(1);
        let fan_in = count as f64 / filters as f64;
        let fits = layer.len() as f64 / filters as f64 >= LEAST_FAN_IN;
        if count == 0 {
            lines.push(format!(
                "cut: `{}` keeps none of its {} weights",
                layer.name,
                layer.len()
            ));
        } else if fits && fan_in < LEAST_FAN_IN {
            lines.push(format!(
                "`{}` keeps {count} of {} weights, {fan_in:.2} a filter: fewer than {LEAST_FAN_IN}",
                layer.name,
                layer.len()
            ));
        }
    }
    lines
}
