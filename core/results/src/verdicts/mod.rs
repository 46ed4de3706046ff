//! The declared analysis, evaluated: findings with their verdicts, effects of factors, and what was
//! changed of the plan after the fact.

pub(crate) mod effects;
pub(crate) mod evaluate;
mod pairs;
pub(crate) mod plan_changes;
pub(crate) mod pools;
pub(crate) mod power;
pub(crate) mod table;
