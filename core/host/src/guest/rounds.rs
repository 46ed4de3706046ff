//! A method of many rounds, in one process: call, select, show the new mask, call again.
//!
//! One set of output pages and one of mask pages serve every round. The last selection is left
//! to the supervisor, which believes no worker: it is given the last scores and the mask before.
use super::call::{Round, watched};
use super::context::Context;
use super::outputs::{Block, Poison};
use crate::{
    verify::outputs::{self as validate},
    verify::promises,
};
use jackpot_abi as abi;
use jackpot_protocol::{BEFORE, Failure, Output, PluginJob};
use jackpot_prune::{Mask, PruningBudget, PruningRounds, SelectionOptions, select_values};
use jackpot_rng::Key;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;

/// The last round's raw outputs, and how many weights each round before it kept.
pub(super) fn run(
    folder: &Path,
    context: &'static Context,
    job: &PluginJob,
    rounds: &PruningRounds,
    item: &abi::jkp_item,
) -> Result<(Vec<u8>, Vec<u64>), Failure> {
    let problem = context.problem;
    let counts = rounds.counts(problem.network.prunable_weights());
    let mut block = Block::new(job, problem, 0..0, Poison::First)?;
    let mut mask = problem.so_far.clone();
    let mut kept = Vec::new();
    for (index, &keep_count) in (0..).zip(&counts) {
        let within = |f: Failure| f.within(&format!("round {} of {}", index + 1, rounds.count));
        if index > 0 {
            block.poison(Poison::First);
        }
        context.round.store(index, Relaxed);
        let round = Round {
            index,
            keep: rounds.keep(index),
            keep_count,
            key: key(problem.key, index, rounds.count),
        };
        watched(context, job, item, &block, Poison::First, &round).map_err(within)?;
        if index + 1 == rounds.count {
            break;
        }
        let next = after(context, job, rounds, &block, &mask, keep_count).map_err(within)?;
        problem.set_mask(&next)?;
        if let Some(services) = context.services.borrow_mut().as_deref_mut() {
            let told = context.run_host_code(|| services.set_mask(&next));
            told.map_err(|e| Failure::new("error", format!("the next round's mask: {e}")))?;
        }
        kept.push(next.kept());
        mask = next;
    }
    std::fs::write(folder.join(BEFORE), mask.to_bytes())
        .map_err(|e| Failure::new("error", format!("`{BEFORE}`: {e}")))?;
    let mut raw = Vec::new();
    block.append_to(&mut raw);
    Ok((raw, kept))
}

/// One round's own key. Of one round it is the run's, so that it is what a single call gets.
fn key(key: abi::jkp_key, index: u32, count: u32) -> abi::jkp_key {
    match count {
        1 => key,
        _ => abi::jkp_key {
            w: Key(key.w).fold(u64::from(index)).0,
        },
    }
}

/// The mask after a round that is not the last.
fn after(
    context: &Context,
    job: &PluginJob,
    rounds: &PruningRounds,
    block: &Block,
    mask: &Mask,
    keep_count: u64,
) -> Result<Mask, Failure> {
    let network = &context.problem.network;
    let promised = |bit: u32| job.item.promises & bit != 0;
    let next = if job.item.output == Output::Masks {
        let mut raw = Vec::new();
        block.append_to(&mut raw);
        validate::read_mask(network, &raw)?
    } else {
        let by = PruningBudget::Total {
            kept: keep_count,
            scope: rounds.scope,
        };
        let choice = SelectionOptions {
            within: promised(abi::JKP_NESTED).then_some(mask),
            constraints: rounds.constraints,
            ..by.into()
        };
        select_values(network, &block.doubles(), &choice)?.0
    };
    let broken =
        |name: &str, why: String| Failure::new("promise", format!("promises `{name}`, but {why}"));
    if promised(abi::JKP_NESTED) {
        promises::nested(mask, &next).map_err(|why| broken("nested", why))?;
    }
    if promised(abi::JKP_KEEPS_TOTAL_COUNT) && next.kept() != keep_count {
        let found = next.kept();
        let why = format!("{keep_count} weights were to be kept over all layers and {found} are");
        return Err(broken("keeps-total-count", why));
    }
    Ok(next)
}
