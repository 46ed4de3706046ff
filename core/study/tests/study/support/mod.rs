//! Plugins that are only described, and plans of texts: nothing runs here.

use jackpot_protocol::{ConfigValue, Kind, Output, Param, Plugin, PluginItem};
use jackpot_store::{Digest, Store};
use jackpot_study::{
    ActionInput, ActionState, AssessmentCache, CellContent, GridCell, Libtorch, Plan, Plugins,
    Recipe, Study, assess, plan,
};
use serde_json::json;
use std::{collections::BTreeMap, path::Path};

/// The first release of `reports/quick`, which golden keys and old stores are of.
pub const QUICK: &str = include_str!("quick.toml");
/// Two settings for the grid of [`QUICK`]: see [`over`].
pub const TWO_SETTINGS: &str = r#"
[[setting]]
name = "narrow"
title = "Narrow"
network = { family = "resnet", depth = 8, width = 8 }

[[setting]]
name = "vgg"
network = { family = "vgg", depth = 19, width = 8 }
data = { set = "fashion-mnist-10k", pad_to = 32 }
training = { epochs = 3, augment = { flip = false } }
"#;

// Bits of `needs` in jackpot.h.
pub const WEIGHTS: u32 = 1;
pub const DATA: u32 = 2 | 4;
pub const GRAD: u32 = 8;
pub const RNG: u32 = 32;
pub const DONOR: u32 = 128;
pub const REF: u32 = 256;

/// The grid of `quick` without its network, over settings.
pub fn over(settings: &str) -> String {
    let text = QUICK.replace(
        "[network]\nfamily = \"resnet\"\ndepth = 8\nwidth = 16\n",
        "",
    );
    format!("{text}\n{settings}")
}

pub fn item(id: &str, kind: Kind, output: Output, needs: u32) -> PluginItem {
    PluginItem {
        id: id.into(),
        version: "1.0.0".into(),
        summary: String::new(),
        kind,
        output,
        needs,
        promises: 0,
        params: Vec::new(),
        rounds_hint: 0,
    }
}

fn profile() -> Param {
    Param {
        name: "profile".into(),
        doc: String::new(),
        default: ConfigValue::Text("published".into()),
        min: 0.0,
        max: 0.0,
        choices: vec!["published".into(), "corrected".into()],
    }
}

pub fn plugins(build: u8) -> Plugins {
    let method = |id: &str, output, needs| item(id, Kind::Method, output, needs);
    let check = |id: &str, output, needs| item(id, Kind::Check, output, needs);
    let items = vec![
        method("magnitude", Output::Scores, WEIGHTS),
        method("random", Output::Scores, RNG),
        method("snip", Output::Scores, WEIGHTS | DATA | GRAD),
        PluginItem {
            params: vec![profile()],
            ..method("grasp", Output::Scores, WEIGHTS | DATA | GRAD)
        },
        PluginItem {
            rounds_hint: 100,
            ..method("synflow", Output::Scores, WEIGHTS | GRAD)
        },
        PluginItem {
            params: vec![profile()],
            ..method("smart-ratio", Output::Counts, 0)
        },
        method("uniform", Output::Counts, 0),
        method("by-weights", Output::Counts, WEIGHTS),
        check("random-labels", Output::Labels, RNG),
        check("random-pixels", Output::Images, RNG),
        check("subset", Output::Subset, RNG),
        check("layerwise-rearrange", Output::Masks, RNG),
        check("transport", Output::Masks, DONOR),
        check("invert", Output::Scores, 0),
        check("shuffle-scores", Output::Scores, RNG),
        check("shuffle-kept", Output::Weights, RNG),
        check("sign-only", Output::Weights, REF),
    ];
    Plugins {
        all: vec![Plugin {
            path: "/plugins/all.so".into(),
            sha256: Digest([build; 32]).to_string(),
            name: "all".into(),
            version: "1.0.0".into(),
            license: "MIT".into(),
            items,
        }],
        refused: Vec::new(),
    }
}

pub fn libtorch() -> Libtorch {
    Libtorch {
        version: "2.13.0".into(),
        build: "0".repeat(16),
    }
}

pub fn try_plan(text: &str) -> Result<Plan, String> {
    planned(text, Path::new("/somewhere/quick"))
}

/// The plan of a study that lies in `folder`.
pub fn planned(text: &str, folder: &Path) -> Result<Plan, String> {
    let study = Study::parse(text, folder).map_err(|e| e.to_string())?;
    plan(study, plugins(1), libtorch()).map_err(|e| e.to_string())
}

/// Actions of a kind.
pub fn count(plan: &Plan, kind: &str) -> usize {
    plan.nodes
        .iter()
        .filter(|n| n.recipe.kind() == kind)
        .count()
}

/// Everything of the shipped study before its first ticket.
pub fn head() -> &'static str {
    &QUICK[..QUICK.find("[[ticket]]").unwrap()]
}

pub fn cell<'a>(
    plan: &'a Plan,
    ticket: &str,
    check: &str,
    sparsity: &str,
    seed: u64,
) -> &'a GridCell {
    let here = |c: &&GridCell| {
        c.ticket == ticket && c.check == check && c.sparsity == sparsity && c.seed == seed
    };
    plan.cells
        .iter()
        .find(here)
        .unwrap_or_else(|| panic!("no cell {ticket} {check} {sparsity} {seed}"))
}

/// The recipe behind an input, and which of its outputs is read.
pub fn behind<'a>(plan: &'a Plan, input: &ActionInput) -> (&'a Recipe, &'static str) {
    match input {
        ActionInput::Node(r) => (&plan.nodes[r.node].recipe, r.output),
        ActionInput::Object(_) => panic!("a plan names nodes"),
    }
}

/// The training of a cell.
pub fn trained<'a>(plan: &'a Plan, cell: &GridCell) -> &'a Recipe {
    match &cell.content {
        CellContent::Run { train, .. } => &plan.nodes[*train].recipe,
        other => panic!("{} under {}: {other:?}", cell.ticket, cell.check),
    }
}

/// Pretends that every action that can be looked up was run, with outputs named after the key.
pub fn pretend(plan: &Plan, store: &Store, kinds: &[&str]) -> usize {
    let mut memo = AssessmentCache::default();
    let a = assess(plan, store, &mut memo, &mut |d| store.has(d)).unwrap();
    let mut ran = 0;
    for (index, node) in plan.nodes.iter().enumerate() {
        let (ActionState::ToRun, Some(recipe), Some(key)) =
            (a.states[index], &a.recipes[index], a.keys[index])
        else {
            continue;
        };
        if !kinds.contains(&node.recipe.kind()) {
            continue;
        }
        let names: &[&str] = match node.recipe.kind() {
            "data" => &["train", "test", "normalisation"],
            "init" => &["weights"],
            "score" => &["scores"],
            "allocate" => &["counts"],
            "check" => &["train", "mask"],
            "select" => &["mask"],
            "evaluate" => &["metrics", "bits"],
            _ => &["metrics", "bits", "checkpoint"],
        };
        let outputs: BTreeMap<String, Digest> = names
            .iter()
            .map(|n| {
                (
                    (*n).to_owned(),
                    store.put(format!("{n} of {key}").as_bytes()).unwrap(),
                )
            })
            .collect();
        let recipe = recipe.to_value().unwrap();
        store.commit(&recipe, &outputs, &json!({})).unwrap();
        ran += 1;
    }
    ran
}

/// Every kind of action.
pub const ALL: &[&str] = &[
    "data", "init", "train", "score", "allocate", "select", "check", "evaluate",
];
