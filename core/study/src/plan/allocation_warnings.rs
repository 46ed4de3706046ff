//! What is known of allocations before anything runs: those that need neither weights nor
//! scores are called while a study is planned, what they would ruin is said, what they cannot
//! hold is refused, and how long trainings under them take is estimated from their counts.
use crate::{
    Error,
    actions::{
        allocate::AllocateRecipe,
        recipe::{ActionInput, Recipe},
        select::SelectionCounts,
    },
    plan::graph::Plan,
    toolbox::Programs,
};
use jackpot_net::Network;
use jackpot_prune::{Granularity, LayerConstraints, SelectionRule, counts_kept};
use jackpot_store::Store;
use std::collections::{BTreeMap, BTreeSet};

/// Fewer kept inputs a live filter than this starve a layer.
const LEAST_FAN_IN: f64 = 2.0;

/// One sentence for each allocation of the plan that empties a layer, starves it, or that its
/// own plugin warns of. Allocations that read weights or scores are not known yet and left out.
/// What they leave of the network goes into the plan's estimates.
///
/// # Errors
/// A floor that a selection of the plan cannot hold, by the ticket's field.
pub fn allocation_warnings(
    plan: &mut Plan,
    store: &Store,
    programs: &Programs,
) -> Result<Vec<String>, Error> {
    let mut said = BTreeSet::new();
    let mut warnings = Vec::new();
    let mut foreseen = BTreeMap::new();
    for (index, node) in plan.nodes.iter().enumerate() {
        let Some(allocation) = known_beforehand(&node.recipe) else {
            continue;
        };
        let context = plan.action_context(node.setting, store, programs);
        let network = &plan.networks[node.setting];
        let mut found: Vec<String> = Vec::new();
        match allocation.counts_beforehand(&context) {
            Ok((counts, log)) => {
                let mut is_changed = false;
                for choice in choices(plan, index) {
                    let kept = match choice.kept(plan, &counts) {
                        Err(e) if choice.reserve.min_weights == 0 => {
                            found.push(e.0);
                            continue;
                        }
                        kept => kept?,
                    };
                    is_changed |= kept != counts;
                    foreseen.insert(choice.node, network.share_left(&kept));
                    // A whole filter has all its inputs, and no convolution loses every filter.
                    if choice.unit.is_weights() {
                        found.extend(starved(network, &kept));
                    }
                }
                // The rule does not know what is reserved.
                let before = if is_changed {
                    " (of the rule's own counts, before `floor`, `whole` and `unit`)"
                } else {
                    ""
                };
                let own = log.lines().filter_map(|l| l.strip_prefix("warning: "));
                found.splice(0..0, own.map(|line| format!("{line}{before}")));
            }
            // The plan is still worth reading, and the run will fail with the same words.
            Err(failure) => found.push(failure.message),
        }
        for warning in found {
            let line = format!("{}: {warning}", node.title);
            if said.insert(line.clone()) {
                warnings.push(line);
            }
        }
    }
    plan.expect(foreseen);
    warnings.extend(plan.nodes.iter().filter_map(|node| {
        let why = exceeded(&plan.networks[node.setting], &node.recipe)?;
        Some(format!("{}: this will fail: {why}", node.title))
    }));
    Ok(warnings)
}

/// Refuses what [`allocation_warnings`] refuses: floors that counts cannot hold.
pub(crate) fn refuse_reserves(
    plan: &Plan,
    store: &Store,
    programs: &Programs,
) -> Result<(), Error> {
    for (index, node) in plan.nodes.iter().enumerate() {
        let mut choices = choices(plan, index);
        choices.retain(|c| c.reserve.min_weights > 0);
        let Some(allocation) = known_beforehand(&node.recipe).filter(|_| !choices.is_empty())
        else {
            continue;
        };
        let context = plan.action_context(node.setting, store, programs);
        // What fails here fails as the action that it is.
        if let Ok((counts, _)) = allocation.counts_beforehand(&context) {
            for choice in choices {
                choice.kept(plan, &counts)?;
            }
        }
    }
    Ok(())
}

/// Why a selection over all layers cannot keep what is kept whole, if it cannot. A grid has one
/// list of sparsities for all tickets, so that one of them may be too high for one ticket alone.
fn exceeded(network: &Network, recipe: &Recipe) -> Option<String> {
    let selection = recipe.as_select()?;
    let SelectionCounts::Global {
        scope,
        sparsity,
        rule: SelectionRule::Exact,
    } = &selection.by
    else {
        return None;
    };
    let why = selection.reserve.fits(network, sparsity, *scope).err()?;
    Some(why.to_string())
}

/// The allocation, if its counts depend on no result.
fn known_beforehand(recipe: &Recipe) -> Option<&AllocateRecipe> {
    let allocation = recipe.as_allocate()?;
    allocation.is_known_beforehand().then_some(allocation)
}

/// A selection by counts.
struct CountsChoice {
    node: usize,
    reserve: LayerConstraints,
    unit: Granularity,
}

/// The selections by the counts of this node.
fn choices(plan: &Plan, counts: usize) -> Vec<CountsChoice> {
    let nodes = plan.nodes.iter().enumerate();
    let by_counts = nodes.filter_map(|(node, n)| {
        let selection = n.recipe.as_select()?;
        match selection.by {
            SelectionCounts::Counts(ActionInput::Node(r)) if r.node == counts => {
                Some(CountsChoice {
                    node,
                    reserve: selection.reserve,
                    unit: selection.unit,
                })
            }
            _ => None,
        }
    });
    by_counts.collect()
}

impl CountsChoice {
    /// What is kept of each layer.
    fn kept(&self, plan: &Plan, counts: &[u64]) -> Result<Vec<u64>, Error> {
        let node = &plan.nodes[self.node];
        let network = &plan.networks[node.setting];
        counts_kept(network, counts, &self.reserve, self.unit).map_err(|e| {
            let field = match self.reserve.min_weights {
                0 => "allocation",
                _ => "allocation.floor",
            };
            let tickets = &plan.study.settings[node.setting].tickets;
            let asks =
                |reserve: LayerConstraints, unit| (reserve, unit) == (self.reserve, self.unit);
            let ticket = tickets.iter().find(|t| {
                let sparse = t.sparse.as_ref();
                sparse.is_some_and(|s| s.allocation.item().is_some() && asks(s.reserve, s.unit))
            });
            let place = ticket.map_or(String::new(), |t| format!("ticket `{}`: ", t.name));
            Error(format!("{place}`{field}`: {}: {e}", node.title))
        })
    }
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
