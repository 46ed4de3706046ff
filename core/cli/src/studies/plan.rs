//! `jackpot plan STUDY`
use crate::{Places, studies::engines, study};
use anyhow::Result;
use jackpot_results::{PlannedPower, asked_margin, planned_power};
use jackpot_study::{
    ActionState, Assessment, AssessmentCache, CellContent, Collapse, CollapsePolicy, LEAST_SEEDS,
    Lineage, MaskFacts, NO_CHECK, Origins, Plan, Setting, Variance, alike, allocation_warnings,
    assess, predictions, require,
};
use serde_json::json;
use std::{collections::BTreeMap, num::NonZeroUsize, path::PathBuf, process::ExitCode};

#[derive(clap::Args)]
pub struct Arguments {
    /// A folder, a study file, or the name of a folder under `reports/`
    study: PathBuf,
    /// Name every action
    #[arg(long)]
    actions: bool,
    #[command(flatten)]
    workers: study::Workers,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(places: &Places, arguments: &Arguments) -> Result<ExitCode> {
    let looked_in = study::store_if_any(places)?;
    let store = &looked_in.store;
    let (mut plan, programs, missing) = study::plan_for_reading(places, &arguments.study)?;
    let mut warnings = missing;
    require(&plan, store)?;
    warnings.extend(allocation_warnings(&mut plan, store, &programs)?);
    let a = assess(&plan, store, &mut AssessmentCache::default(), &mut |d| {
        store.has(d)
    })?;
    let origins = Origins::of(&plan, store)?;
    let workers = arguments.workers.count();
    if arguments.json {
        println!("{:#}", in_json(&plan, &a, &origins, workers, &warnings));
        return Ok(ExitCode::SUCCESS);
    }
    print(&plan, &a, &origins, workers);
    engines::print(&plan, &a);
    print_margins(&plan, &planned_power(&plan.study, store)?);
    print_predictions(&plan, &predictions(&plan, &a, store)?);
    for warning in &warnings {
        println!("warning  {warning}");
    }
    if let Some(note) = plan.unsaid_precision() {
        println!("note     {note}");
    }
    if arguments.actions {
        println!();
        for (node, state) in plan.nodes.iter().zip(&a.states) {
            println!("{:<17} {}", word(*state), node.title);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn word(state: ActionState) -> &'static str {
    match state {
        ActionState::Cached => "cached",
        ActionState::ToRun => "to run",
        ActionState::Unknown => "not yet knowable",
    }
}

/// Seconds with so many workers: never less than the work divided by them.
pub fn estimate(seconds: f64, workers: NonZeroUsize) -> f64 {
    seconds / workers.get() as f64
}

fn print(plan: &Plan, a: &Assessment, origins: &Origins, workers: NonZeroUsize) {
    let s = a.summary(plan);
    println!("{}: {}", plan.study.name, plan.study.title);
    for (name, fact) in plan.study.facts() {
        println!("  {name:<9} {fact}");
    }
    println!(
        "  {:<9} libtorch {}, {}",
        "device", plan.libtorch, plan.device.class
    );
    print_stages(plan);
    print_cells(plan, origins);
    for rows in alike(plan) {
        println!("         one recipe, trained once: {}", rows.join("; "));
    }
    println!(
        "\nactions  {}: {} cached, {} to run, {} not yet knowable; {} more are shared",
        s.actions, s.cached, s.to_run, s.unknown, s.shared
    );
    println!(
        "         {:<9} {:>6} {:>6} {:>6} {:>12}",
        "kind", "all", "cached", "to run", "not knowable"
    );
    for (kind, counts) in kinds(plan, a) {
        println!(
            "         {kind:<9} {:>6} {:>6} {:>6} {:>12}",
            counts.iter().sum::<usize>(),
            counts[0],
            counts[1],
            counts[2]
        );
    }
    if s.to_run + s.unknown == 0 {
        println!("\nnothing to run");
    } else if plan.study.run.is_gpu() {
        println!(
            "\nestimate {:.0} GPU hours (of one V100 in f32, at the 367 images a second of ResNet-50 that NVIDIA published; small images use a GPU less well), {} on disk (at most: what is not yet knowable may turn out to be cached)",
            s.seconds / 3600.0,
            study::bytes(s.bytes)
        );
    } else {
        println!(
            "\nestimate {} with {workers} workers, {} on disk (at most: what is not yet knowable may turn out to be cached)",
            study::duration(estimate(s.seconds, workers)),
            study::bytes(s.bytes)
        );
    }
}

/// What the planned seeds can settle.
fn print_margins(plan: &Plan, all: &[PlannedPower]) {
    let analysis = &plan.study.analysis;
    if analysis.contrasts.is_empty() {
        return;
    }
    println!(
        "\nanalysis {} contrasts; margin of accuracy {} points; variance {}; plan {}",
        analysis.contrasts.len(),
        asked_margin(analysis),
        match analysis.variance {
            Variance::Cell => "of each contrast its own",
            Variance::Pooled => "pooled over a sparsity",
        },
        analysis
            .digest()
            .map_or("–".into(), |d| d.to_string()[..12].to_owned())
    );
    for s in all {
        let settled = match s.margin {
            Some(margin) if margin.is_finite() => {
                format!("settle a margin of {margin:.2} points with 80 % power")
            }
            Some(_) => "settle nothing: this look spends next to none of the level".into(),
            None => format!("settle nothing: a verdict needs {LEAST_SEEDS} seeds"),
        };
        println!(
            "         {}: {} seeds {settled} (sd {:.2}, {:.0} degrees of freedom; {})",
            s.what, s.seeds, s.sd, s.df, s.source
        );
    }
}

/// What known masks say of the trainings that are not done.
fn print_predictions(plan: &Plan, known: &[(usize, MaskFacts)]) {
    if known.is_empty() {
        return;
    }
    let certain = match plan.study.run.collapsed {
        CollapsePolicy::Run => "certain to collapse, run all the same",
        CollapsePolicy::Skip => "certain to collapse, skipped",
    };
    println!("\nmasks    {} known of trainings to run", known.len());
    for (node, facts) in known {
        let (word, why) = match &facts.collapse {
            Collapse::None => continue,
            Collapse::AtRisk(why) => ("at risk", why),
            Collapse::Certain(why) => (certain, why),
        };
        println!("         {}: {word}: {why}", plan.nodes[*node].title);
    }
}

/// " of SETTING", or nothing in a study without settings.
fn of(setting: &Setting) -> String {
    let name = setting.name.as_ref();
    name.map_or(String::new(), |name| format!(" of {name}"))
}

/// Every ticket and check in words, and which data each stage of them sees.
fn print_stages(plan: &Plan) {
    for (at, setting) in plan.study.settings.iter().enumerate() {
        println!("\ntickets{}", of(setting));
        for ticket in &setting.tickets {
            let mut name = ticket.name.as_str();
            for stage in plan.stages(at, ticket) {
                println!("  {name:<14} {stage}");
                name = "";
            }
        }
    }
    if !plan.study.checks.is_empty() {
        println!("\nchecks");
    }
    for check in &plan.study.checks {
        println!("  {:<14} {}", check.name, check.describe());
    }
    println!("\ndata that each stage sees (tests are on clean data)");
    println!(
        "  {:<28} {:<24} {:<24} {:<10} epochs in all",
        "", "pretraining", "scoring", "training"
    );
    for row in lineages(plan) {
        let setting = of(&plan.study.settings[row.setting]);
        let name = if row.check == NO_CHECK {
            format!("{}{setting}", row.ticket)
        } else {
            format!("{}, {}{setting}", row.ticket, row.check)
        };
        let word = |data: &Option<String>| data.clone().unwrap_or_else(|| "–".into());
        println!(
            "  {name:<28} {:<24} {:<24} {:<10} {}",
            word(&row.lineage.pretraining),
            word(&row.lineage.scoring),
            row.lineage.training,
            row.epochs.join(", ")
        );
    }
}

/// A ticket under a check, over all sparsities.
struct Row<'a> {
    setting: usize,
    ticket: &'a str,
    check: &'a str,
    lineage: Lineage,
    /// The epochs of all sparsities, each number once.
    epochs: Vec<String>,
}

/// Each ticket under each check that is run, in the plan's order.
fn lineages(plan: &Plan) -> Vec<Row<'_>> {
    let mut rows: Vec<Row> = Vec::new();
    for cell in &plan.cells {
        let Some(lineage) = plan.lineage(cell) else {
            continue;
        };
        let (ticket, check) = (cell.ticket.as_str(), cell.check.as_str());
        let here =
            |row: &&mut Row| (row.setting, row.ticket, row.check) == (cell.setting, ticket, check);
        match rows.iter_mut().find(here) {
            Some(row) if row.epochs.contains(&lineage.epochs) => {}
            Some(row) => row.epochs.push(lineage.epochs),
            None => rows.push(Row {
                setting: cell.setting,
                ticket,
                check,
                epochs: vec![lineage.epochs.clone()],
                lineage,
            }),
        }
    }
    rows
}

/// How many cells there are, and why some of them are not run.
fn print_cells(plan: &Plan, origins: &Origins) {
    let mut not_run: BTreeMap<(&str, &str, String), usize> = BTreeMap::new();
    let [mut runs, mut identical, mut not_applicable] = [0; 3];
    for cell in &plan.cells {
        let why = match &cell.content {
            CellContent::Run { .. } => {
                runs += 1;
                continue;
            }
            CellContent::Identical { because } => {
                identical += 1;
                because.clone()
            }
            CellContent::NotApplicable { field, weights } => {
                not_applicable += 1;
                format!("not applicable: {}", origins.because(field, weights))
            }
        };
        let key = (cell.ticket.as_str(), cell.check.as_str(), why);
        *not_run.entry(key).or_insert(0) += 1;
    }
    let apart = match not_applicable {
        0 => String::new(),
        n => format!(", {n} not applicable"),
    };
    println!(
        "\ncells    {} in the grid: {runs} trainings, {identical} identical by construction{apart}",
        plan.cells.len(),
    );
    for ((ticket, check, why), n) in not_run {
        println!("         {ticket} under {check}: {n} not run: {why}");
    }
}

/// Actions of each kind: cached, to run, not yet knowable.
fn kinds(plan: &Plan, a: &Assessment) -> Vec<(&'static str, [usize; 3])> {
    let order = [
        "data", "init", "score", "allocate", "select", "check", "evaluate", "train",
    ];
    let count = |kind: &str, state: ActionState| {
        let both = plan.nodes.iter().zip(&a.states);
        both.filter(|(n, s)| n.recipe.kind() == kind && **s == state)
            .count()
    };
    let states = [
        ActionState::Cached,
        ActionState::ToRun,
        ActionState::Unknown,
    ];
    order
        .iter()
        .map(|kind| (*kind, states.map(|s| count(kind, s))))
        .filter(|(_, counts)| counts.iter().sum::<usize>() > 0)
        .collect()
}

/// The stages of every ticket in every setting.
fn tickets(plan: &Plan) -> Vec<serde_json::Value> {
    let mut rows = Vec::new();
    for (at, setting) in plan.study.settings.iter().enumerate() {
        for ticket in &setting.tickets {
            let mut row = json!({ "name": ticket.name, "stages": plan.stages(at, ticket) });
            if let Some(name) = &setting.name {
                row["setting"] = json!(name);
            }
            rows.push(row);
        }
    }
    rows
}

fn in_json(
    plan: &Plan,
    a: &Assessment,
    origins: &Origins,
    workers: NonZeroUsize,
    warnings: &[String],
) -> serde_json::Value {
    let s = a.summary(plan);
    let cells = plan.cells.iter().map(|c| {
        let mut cell = json!({
            "ticket": c.ticket, "check": c.check, "sparsity": c.sparsity, "seed": c.seed,
        });
        if let Some(setting) = &plan.study.settings[c.setting].name {
            cell["setting"] = json!(setting);
        }
        match &c.content {
            CellContent::Run { train, .. } => {
                cell["action"] = json!(a.keys[*train]);
                cell["state"] = json!(word(a.states[*train]));
                cell["lineage"] = json!(plan.lineage(c));
            }
            CellContent::Identical { because } => cell["identical"] = json!(because),
            CellContent::NotApplicable { field, weights } => {
                cell["not_applicable"] = json!(origins.because(field, weights));
            }
        }
        cell
    });
    let actions = plan.nodes.iter().zip(&a.states).zip(&a.keys);
    json!({
        "study": plan.study.name, "digest": plan.study.digest,
        "device_class": plan.device.class, "libtorch": plan.libtorch,
        "actions": s.actions, "cached": s.cached, "to_run": s.to_run,
        "not_yet_knowable": s.unknown, "shared": s.shared,
        "estimated_seconds": estimate(s.seconds, workers), "estimated_bytes": s.bytes,
        "unmodified": NO_CHECK,
        "alike": alike(plan),
        "warnings": warnings,
        "notes": plan.unsaid_precision().as_slice(),
        "tickets": tickets(plan),
        "engines": engines::in_json(plan, a),
        "checks": plan.study.checks.iter().map(|c| json!({
            "name": c.name, "changes": c.describe(),
        })).collect::<Vec<_>>(),
        "cells": cells.collect::<Vec<_>>(),
        "nodes": actions.map(|((n, state), key)| json!({
            "kind": n.recipe.kind(), "title": n.title, "state": word(*state), "key": key,
        })).collect::<Vec<_>>(),
    })
}
