//! Whether an item can be called in rounds.
use jackpot_protocol::{Failure, Kind, Output, PluginItem};
use jackpot_prune::PruningRounds;

/// More rounds are a typing error.
const MOST: u32 = 10_000;

/// Whether an item can be called in rounds at all.
pub(crate) fn possible(item: &PluginItem) -> bool {
    item.kind == Kind::Method
        && matches!(item.output, Output::Scores | Output::Masks)
        && !item.needs_scores()
}

/// Whether an item can be called in these rounds.
pub(crate) fn check_item(item: &PluginItem, rounds: Option<&PruningRounds>) -> Result<(), Failure> {
    let Some(rounds) = rounds else {
        return match item.rounds_hint {
            0 | 1 => Ok(()),
            hint => Err(invalid(format!(
                "works in rounds ({hint} as published), and one call of it would be another \
                 method: give a number of rounds and a sparsity"
            ))),
        };
    };
    if !(1..=MOST).contains(&rounds.count) {
        let found = rounds.count;
        return Err(invalid(format!(
            "rounds: expected 1 to {MOST}, found {found}"
        )));
    }
    if possible(item) {
        return Ok(());
    }
    Err(invalid(format!(
        "{} rounds were asked of it, but only a method that gives scores or masks of its own \
         works in rounds",
        rounds.count
    )))
}

fn invalid(message: String) -> Failure {
    Failure::new("invalid", message)
}
