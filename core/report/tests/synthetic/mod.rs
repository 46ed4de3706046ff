//! A synthetic study. Its numbers are pseudo-random, so that nobody can mistake them for a finding,
//! but its shape is realistic: two sparsities, three seeds, five tickets, two checks, cells that
//! cannot differ, and runs that collapsed, failed or are missing.

use jackpot_results::{
    CheckSummary, Named, Outline, PruningSummary, Results, Run, RunOutcome, Subject, TicketSummary,
    TrainedRun,
};
use jackpot_stats::Claim;
use jackpot_store::Digest;
use jackpot_study::{
    Analysis, Arm, CheckTarget, CollapsedRuns, Contrast, Margin, Margins, Role, TicketKind,
};
use std::collections::BTreeMap;

pub const SEEDS: [u64; 3] = [1, 2, 3];
pub const SPARSITIES: [&str; 2] = ["0.9", "0.98"];
pub const TICKETS: [(&str, &str); 6] = [
    ("dense", "Dense"),
    ("lottery", "Lottery ticket"),
    ("snip", "SNIP"),
    ("grasp", "GraSP"),
    ("smart", "Smart random"),
    ("uniform", "Uniform random"),
];
pub const CHECKS: [(&str, &str); 2] = [
    ("corrupted", "Corrupted data"),
    ("rearrange", "Layerwise rearrange"),
];
/// The tables that the synthetic study asks for. Tests add others themselves, because drawing takes
/// time.
pub const ASKED: [&str; 7] = [
    "accuracy",
    "differences",
    "layers",
    "masks",
    "collapse",
    "stages",
    "verdicts",
];
pub const LAYERS: [(&str, u64); 10] = [
    ("conv1.weight", 144),
    ("layer1.0.conv1.weight", 2304),
    ("layer1.0.conv2.weight", 2304),
    ("layer2.0.conv1.weight", 4608),
    ("layer2.0.conv2.weight", 9216),
    ("layer2.0.shortcut.0.weight", 512),
    ("layer3.0.conv1.weight", 18432),
    ("layer3.0.conv2.weight", 36864),
    ("layer3.0.shortcut.0.weight", 2048),
    ("linear.weight", 640),
];

/// A number between −1 and 1 that depends only on the text.
pub fn draw(text: &str) -> f64 {
    let Digest(bytes) = Digest::of(text.as_bytes());
    let integer = u64::from_le_bytes(bytes[..8].try_into().unwrap());
    integer as f64 / u64::MAX as f64 * 2.0 - 1.0
}

fn named(all: &[(&str, &str)]) -> Vec<Named> {
    let one = |(name, title): &(&str, &str)| Named {
        name: (*name).into(),
        title: (*title).into(),
        series: None,
    };
    all.iter().map(one).collect()
}

/// The analysis that `[analysis]` gives a study with these tickets and checks.
pub fn analysis() -> Analysis {
    let contrast = |claim, family: &str, role, plus: Arm, minus: Arm| Contrast {
        claim,
        family: family.into(),
        role,
        plus,
        minus,
        control: Default::default(),
        less: None,
        trend: Vec::new(),
        margins: None,
    };
    let mut contrasts = Vec::new();
    for (check, family) in [("corrupted", "data"), ("rearrange", "kept-weights")] {
        for (ticket, _) in &TICKETS[1..] {
            let random = matches!(*ticket, "smart" | "uniform") && check == "rearrange";
            let (family, role) = if random {
                ("same-law", Role::SameDistribution)
            } else {
                (family, Role::Question)
            };
            let arms = (Arm::of(ticket), Arm::under(ticket, check));
            contrasts.push(contrast(Claim::Equivalence, family, role, arms.0, arms.1));
        }
    }
    for ticket in ["lottery", "snip", "grasp"] {
        let arms = (Arm::of("smart"), Arm::of(ticket));
        let claim = Claim::NonInferiority;
        contrasts.push(contrast(
            claim,
            "random-tickets",
            Role::Question,
            arms.0,
            arms.1,
        ));
    }
    let arms = (Arm::of("smart"), Arm::of("uniform"));
    let claim = Claim::Superiority;
    contrasts.push(contrast(
        claim,
        "positive-control",
        Role::Positive,
        arms.0,
        arms.1,
    ));
    Analysis {
        format: 1,
        contrasts,
        margins: Margins {
            accuracy: Margin::Fixed(0.5),
            test_loss: Margin::Fixed(0.02),
        },
        variance: Default::default(),
        collapsed: CollapsedRuns::default(),
        looks: vec![3],
        spending: Default::default(),
        pilot: None,
        effects: Vec::new(),
    }
}

pub fn outline() -> Outline {
    let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Outline {
        name: "made-up".into(),
        title: "Made-up results".into(),
        digest: Digest::of(b"study.toml"),
        settings: Vec::new(),
        tickets: named(&TICKETS),
        checks: named(&CHECKS),
        sparsities: SPARSITIES.map(String::from).to_vec(),
        seeds: SEEDS.to_vec(),
        tables: ASKED.iter().map(|t| (*t).to_owned()).collect(),
        figures: vec!["accuracy".to_owned(), "layers".to_owned()],
        ways: ways(),
        changes: changes(),
        subject: Subject {
            classes: 10,
            ..Subject::default()
        },
        learning_rate: Some(0.1),
        references: Vec::new(),
        analysis: analysis(),
        declared: Vec::new(),
        facts: vec![
            fact(
                "data",
                "none, the numbers are drawn: 4000 test images of 1×14×14, 10 classes",
            ),
            fact("network", "ResNet-8, width 16 (77,072 weights to prune)"),
        ],
    }
}

fn ways() -> BTreeMap<String, TicketSummary> {
    let sparse = |ticket: &str| {
        let (method, rule) = match ticket {
            "lottery" => ("magnitude", "global"),
            "smart" => ("random", "smart-ratio"),
            "uniform" => ("random", "uniform"),
            other => (other, "global"),
        };
        PruningSummary {
            scores: method.into(),
            method: method.into(),
            of: "the initial weights".into(),
            of_learned: ticket == "lottery",
            of_object: false,
            allocation: rule.into(),
            rule: rule.into(),
            unit: Default::default(),
            start: "the initial weights".into(),
            start_learned: false,
            start_object: false,
            rounds: None,
            kind: Some(match (method, rule) {
                ("random", "smart-ratio") => TicketKind::Smart,
                ("random", _) => TicketKind::Random,
                _ => TicketKind::Initial,
            }),
        }
    };
    let way = |(ticket, _): &(&str, &str)| {
        let way = TicketSummary {
            epochs: 5,
            learning_rate: 0.1,
            sparse: (*ticket != "dense").then(|| sparse(ticket)),
        };
        ((*ticket).to_owned(), way)
    };
    TICKETS.iter().map(way).collect()
}

fn changes() -> BTreeMap<String, CheckSummary> {
    let change = |target, item: &str| CheckSummary {
        steps: vec![(target, item.into())],
        items: vec![item.into()],
        on_data: target == CheckTarget::Data,
    };
    let corrupted = change(CheckTarget::Data, "random-labels");
    let rearrange = change(CheckTarget::Mask, "layerwise-rearrange");
    BTreeMap::from([
        ("corrupted".to_owned(), corrupted),
        ("rearrange".to_owned(), rearrange),
    ])
}

/// A training whose digests are computed from its name.
pub fn trained(
    name: &str,
    accuracy: f64,
    loss: f64,
    layers: Vec<(String, u64, u64)>,
) -> TrainedRun {
    TrainedRun {
        key: Digest::of(format!("action {name}").as_bytes()),
        metrics: Digest::of(format!("metrics {name}").as_bytes()),
        mask: (!layers.is_empty()).then(|| Digest::of(format!("mask {name}").as_bytes())),
        accuracy,
        best_accuracy: (accuracy + 0.15).min(100.0),
        selected_accuracy: None,
        test_loss: loss,
        layers,
        bits: None,
        lineage: None,
        curve: Vec::new(),
        pretraining: None,
        before: None,
    }
}

/// Counts of kept weights that depend on the ticket.
pub fn layers(ticket: &str, sparsity: &str, seed: u64) -> Vec<(String, u64, u64)> {
    let density = 1.0 - sparsity.parse::<f64>().unwrap();
    let layer = |(i, (name, weights)): (usize, &(&str, u64))| {
        let depth = i as f64 / (LAYERS.len() - 1) as f64;
        let tilt = match ticket {
            "lottery" => 2.2 - 1.9 * depth,
            "snip" => 5.0 * (-2.6 * depth).exp() + 0.1,
            "grasp" => 1.6 - 1.2 * (depth - 0.4).abs(),
            "smart" => 3.4 * (1.0 - depth).powi(2) + 0.3,
            _ => 1.0,
        };
        let noise = 1.0 + 0.08 * draw(&format!("{ticket} {sparsity} {seed} {name}"));
        let share = (density * tilt * noise).min(1.0);
        let empty = ticket == "snip" && sparsity == "0.98" && *name == "layer3.0.shortcut.0.weight";
        let kept = if empty {
            0
        } else {
            (*weights as f64 * share).round() as u64
        };
        ((*name).to_owned(), *weights, kept)
    };
    LAYERS.iter().enumerate().map(layer).collect()
}

fn outcome(ticket: &str, check: &str, sparsity: &str, seed: u64) -> RunOutcome {
    let data_free = matches!(ticket, "smart" | "uniform");
    if check == "corrupted" && data_free {
        let because = "the ticket reads no data".into();
        return RunOutcome::Identical { because };
    }
    match (ticket, check, sparsity, seed) {
        ("grasp", "rearrange", "0.98", 2) => {
            return RunOutcome::Failed {
                why:
                    "plugin `grasp`, item `grasp`, action 12ab: scores | not finite\nlayer `conv1`"
                        .into(),
                diverged: false,
            };
        }
        ("lottery", "corrupted", "0.9", 3) => return RunOutcome::Missing,
        ("lottery", "corrupted", "0.98", _) if seed > 1 => {
            let name = format!("{ticket} {check} {sparsity} {seed}");
            return RunOutcome::Done(trained(&name, 10.0, 2.5, layers(ticket, sparsity, seed)));
        }
        ("uniform", "rearrange", "0.98", _) => {
            return RunOutcome::Failed {
                why: "out of memory: 512 MB asked, 256 MB allowed".into(),
                diverged: false,
            };
        }
        _ => {}
    }
    let base = if sparsity == "0.98" { 72.5 } else { 83.9 };
    let ticket_effect = match ticket {
        "smart" => 0.8,
        "uniform" => {
            if sparsity == "0.98" {
                -6.0
            } else {
                -0.6
            }
        }
        _ => 0.5 * draw(ticket),
    };
    let seed_effect = 0.5 * draw(&format!("seed {seed} {sparsity}"));
    let noise = 0.45 * draw(&format!("{ticket} {check} {sparsity} {seed}"));
    // 4,000 test images: an accuracy is a multiple of 0.025 points.
    let accuracy = ((base + ticket_effect + seed_effect + noise) / 0.025).round() * 0.025;
    // Under corrupted data SNIP happens to give the same mask at 90 %: the same training.
    let shared = (ticket, check, sparsity) == ("snip", "corrupted", "0.9");
    let name = if shared { "none" } else { check };
    let accuracy = if shared {
        match outcome(ticket, "none", sparsity, seed) {
            RunOutcome::Done(t) => t.accuracy,
            _ => accuracy,
        }
    } else {
        accuracy
    };
    let name = format!("{ticket} {name} {sparsity} {seed}");
    RunOutcome::Done(trained(
        &name,
        accuracy,
        2.6 - accuracy / 40.0,
        layers(ticket, sparsity, seed),
    ))
}

pub fn results() -> Results {
    let mut runs = Vec::new();
    let mut push = |ticket: &str, check: &str, sparsity: &str, seed, outcome| {
        runs.push(Run {
            setting: None,
            ticket: ticket.into(),
            check: check.into(),
            sparsity: sparsity.into(),
            seed,
            outcome,
            facts: None,
        });
    };
    for seed in SEEDS {
        let accuracy = 87.0 + 0.3 * draw(&format!("dense {seed}"));
        let dense = trained(&format!("dense {seed}"), accuracy, 0.38, Vec::new());
        push("dense", "none", "0", seed, RunOutcome::Done(dense));
        for sparsity in SPARSITIES {
            for (ticket, _) in &TICKETS[1..] {
                for check in ["none", "corrupted", "rearrange"] {
                    push(
                        ticket,
                        check,
                        sparsity,
                        seed,
                        outcome(ticket, check, sparsity, seed),
                    );
                }
            }
        }
    }
    Results {
        study: Digest::of(b"study.toml"),
        device_class: "cpu-avx2".into(),
        libtorch: "2.13.0".into(),
        recipes: recipes(&runs).into(),
        runs,
        overlaps: Vec::new(),
    }
}

/// A small recipe for every training. Their keys are synthetic, too.
fn recipes(runs: &[Run]) -> BTreeMap<Digest, serde_json::Value> {
    let recipe = |run: &Run| match &run.outcome {
        RunOutcome::Done(trained) => {
            let inputs = serde_json::json!({ "mask": trained.mask.map(|m| m.to_string()) });
            let recipe = serde_json::json!({
                "kind": "train", "revision": 1, "inputs": inputs, "epochs": 5,
                "order": format!("seed {}", run.seed),
            });
            Some((trained.key, recipe))
        }
        _ => None,
    };
    runs.iter().filter_map(recipe).collect()
}
