//! The end of a method of many rounds, in the supervisor: the last mask is selected here, from
//! the last scores and the mask before, because no byte of a worker is trusted.
use crate::{
    Finished,
    verify::outputs::{OutputValue, read_file},
    verify::run::kept,
};
use jackpot_abi as abi;
use jackpot_net::Network;
use jackpot_protocol::{BEFORE, Failure, Output, PluginJob};
use jackpot_prune::{
    Mask, PruningBudget, PruningRounds, SelectionOptions, SelectionRule, ThresholdSharpness,
    select_values,
};
use std::path::Path;

/// What a method of many rounds came to.
pub(crate) struct LastRound {
    /// The mask before it, as the worker left it.
    pub(crate) before: Mask,
    /// Selected from its scores; None of a method that gave a mask itself.
    pub(crate) mask: Option<Mask>,
    pub(crate) selected: Option<ThresholdSharpness>,
    pub(crate) kept: u64,
    /// Kept weights after each round.
    pub(crate) each: Vec<u64>,
}

impl LastRound {
    /// Selects the last mask and holds the rounds before it to the schedule.
    pub(crate) fn read(
        folder: &Path,
        job: &PluginJob,
        rounds: &PruningRounds,
        network: &Network,
        finished: &Finished,
        output: &OutputValue,
    ) -> Result<LastRound, Failure> {
        let contract = |message: String| Failure::new("contract", message);
        let before = Mask::from_bytes(&read_file(&folder.join(BEFORE))?)
            .and_then(|mask| mask.check(network).map(|()| mask))
            .map_err(|e| contract(format!("the mask before the last round: {e}")))?;
        let said = finished.result.get("kept").cloned().unwrap_or_default();
        let mut each: Vec<u64> = serde_json::from_value(said)
            .map_err(|e| contract(format!("the worker's record of its rounds: {e}")))?;
        let counts = rounds.counts(network.prunable_weights());
        let (_, earlier) = counts.split_last().expect("at least one round");
        let selects = job.item.output == Output::Scores;
        let reached = if earlier.is_empty() {
            each.is_empty()
        } else {
            each.last() == Some(&before.kept()) && each.len() == earlier.len()
        };
        if !reached || (selects && each != earlier) {
            return Err(contract(format!(
                "its rounds kept {each:?} weights, expected {earlier:?}"
            )));
        }
        let chosen = match output {
            OutputValue::Scores(layers) => {
                let by = PruningBudget::Sparsity {
                    sparsity: &rounds.sparsity,
                    scope: rounds.scope,
                    rule: SelectionRule::Exact,
                };
                let choice = SelectionOptions {
                    within: (job.item.promises & abi::JKP_NESTED != 0).then_some(&before),
                    constraints: rounds.constraints,
                    ..by.into()
                };
                let values: Vec<&[f64]> = layers.iter().map(Vec::as_slice).collect();
                Some(select_values(network, &values, &choice)?)
            }
            _ => None,
        };
        let (mask, selected) = chosen.unzip();
        let kept = mask.as_ref().map(Mask::kept).or_else(|| kept(output));
        let kept = kept.expect("a method of many rounds gives scores or masks");
        each.push(kept);
        Ok(LastRound {
            before,
            mask,
            selected,
            kept,
            each,
        })
    }
}
