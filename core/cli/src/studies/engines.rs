//! Which engine takes which trainings of a plan, and which would gain from another.
use crate::study::duration;
use jackpot_net::{Compute, Engine, Precision};
use jackpot_study::{Assessment, EngineGain, Plan};
use serde_json::{Value, json};

/// Says nothing of a plan that trains nothing.
pub fn print(plan: &Plan, assessment: &Assessment) {
    let mut head = "\nengines ";
    for one in plan.engines(assessment) {
        let kind = if one.sparse { "under masks" } else { "dense" };
        let left = match one.left {
            0 => "all cached".to_owned(),
            n => format!("{n} to run, about {} of one core", duration(one.seconds)),
        };
        println!(
            "{head} {} training{} {kind} by {}: {left}",
            one.trainings,
            if one.trainings == 1 { "" } else { "s" },
            one.compute.describe()
        );
        head = "        ";
    }
    for gain in plan.engine_gains(assessment) {
        println!(
            "         {} of {} trainings under masks would take about {} instead of {} with {}",
            gain.trainings,
            gain.of,
            duration(gain.instead),
            duration(gain.seconds),
            asked(gain.compute)
        );
    }
}

/// What a study writes for it.
fn asked(compute: Compute) -> String {
    let engine = format!("`engine = \"{}\"`", compute.engine.name());
    match (compute.engine, compute.precision) {
        (Engine::Sparse, Precision::Bf16) => format!("{engine} and `precision = \"bf16\"`"),
        _ => engine,
    }
}

/// The same as [`print`](fn@print), in seconds of one core.
pub fn in_json(plan: &Plan, assessment: &Assessment) -> Value {
    let gain = |g: &EngineGain| {
        json!({
            "engine": g.compute.engine, "precision": g.compute.precision,
            "trainings": g.trainings, "of": g.of, "seconds": g.seconds, "instead": g.instead,
        })
    };
    let uses = plan.engines(assessment);
    let uses = uses.iter().map(|one| {
        json!({
            "engine": one.compute.engine, "precision": one.compute.precision,
            "masked": one.sparse, "trainings": one.trainings, "left": one.left,
            "seconds": one.seconds,
        })
    });
    let gains = plan.engine_gains(assessment);
    json!({
        "uses": uses.collect::<Vec<_>>(),
        "gains": gains.iter().map(gain).collect::<Vec<_>>(),
    })
}
