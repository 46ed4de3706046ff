//! Where the page's numbers come from: every run once, with the hashes that lead back to it, and
//! every line of their recipes once.

use crate::cells::{Cell, Grid};
use crate::format::settle;
use crate::table::NOTHING;
use jackpot_store::Digest;
use jackpot_study::{Before, Outcome, Trained};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What the page's script reads.
#[derive(Serialize)]
pub(super) struct Provenance {
    runs: Vec<Origin>,
    /// Lines of recipes, `field: value`; a run names its own by their places.
    lines: Vec<String>,
    #[serde(skip)]
    places: BTreeMap<Digest, usize>,
}

/// One action (a training, an evaluation) or object (a mask) that numbers came from.
#[derive(Serialize)]
struct Origin {
    name: String,
    /// Name, value, and whether the value is a hash.
    facts: Vec<(&'static str, String, bool)>,
    /// To paste into a shell.
    commands: Vec<String>,
    recipe: Vec<usize>,
}

impl Provenance {
    /// Every finished training of the grid, and the masks of runs that were not trained.
    pub fn new(grid: &Grid<'_>) -> Provenance {
        let mut found = Provenance {
            runs: Vec::new(),
            lines: Vec::new(),
            places: BTreeMap::new(),
        };
        let mut lines = BTreeMap::new();
        for cell in &grid.cells {
            for (seed, run) in &cell.runs {
                let Some(run) = run else { continue };
                match (&run.outcome, &run.facts) {
                    (Outcome::Done(trained), _) => {
                        let mut recipe = |key: &Digest| -> Vec<usize> {
                            let recipe = grid.results.recipes.get(key);
                            let recipe = recipe.map(spelled).unwrap_or_default();
                            let place = |line| {
                                let next = lines.len();
                                *lines.entry(line).or_insert(next)
                            };
                            recipe.into_iter().map(place).collect()
                        };
                        let own = recipe(&trained.key);
                        found.add(trained.key, training(cell, *seed, trained, own));
                        if let Some(before) = &trained.before {
                            let own = recipe(&before.key);
                            found.add(before.key, evaluation(cell, *seed, before, own));
                        }
                    }
                    (_, Some(facts)) => found.add(facts.mask, mask(cell, *seed, facts.mask)),
                    _ => {}
                }
            }
        }
        let mut ordered: Vec<(String, usize)> = lines.into_iter().collect();
        ordered.sort_by_key(|(_, place)| *place);
        found.lines = ordered.into_iter().map(|(line, _)| line).collect();
        found
    }

    /// Two runs may be one training: the first that is named stands for it, and says so.
    fn add(&mut self, digest: Digest, origin: Origin) {
        if let Some(place) = self.places.get(&digest) {
            let known = &mut self.runs[*place];
            known.facts.push(("the same as", origin.name, false));
            return;
        }
        self.places.insert(digest, self.runs.len());
        self.runs.push(origin);
    }

    /// The places of these runs, as the page's buttons hold them; empty if none is known.
    pub fn places(&self, from: &[Digest]) -> String {
        let mut places: Vec<usize> = from
            .iter()
            .filter_map(|d| self.places.get(d).copied())
            .collect();
        places.sort_unstable();
        let places: Vec<String> = places.iter().map(usize::to_string).collect();
        places.join(" ")
    }

    /// As JSON that may stand in a page: no `<` in it.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string(self)?.replace('<', "\\u003c"))
    }
}

fn name(cell: &Cell<'_>, seed: u64) -> String {
    let check = cell.check.map_or("unmodified", |c| c.title.as_str());
    let sparsity = crate::table::spell::sparsity(cell.sparsity);
    format!("{}, {check}, {sparsity}, seed {seed}", cell.ticket.title)
}

fn training(cell: &Cell<'_>, seed: u64, trained: &Trained, recipe: Vec<usize>) -> Origin {
    let mask = trained.mask.map_or(NOTHING.into(), |m| m.to_string());
    let number = |x: f64| format!("{}", settle(x));
    let key = trained.key;
    Origin {
        name: name(cell, seed),
        facts: vec![
            ("seed", seed.to_string(), false),
            ("accuracy, %", number(trained.accuracy), false),
            ("best epoch, %", number(trained.best_accuracy), false),
            ("test loss", number(trained.test_loss), false),
            ("recipe (key)", key.to_string(), true),
            ("metrics", trained.metrics.to_string(), true),
            ("mask", mask, trained.mask.is_some()),
        ],
        commands: commands(key),
        recipe,
    }
}

/// The pruned network before its training.
fn evaluation(cell: &Cell<'_>, seed: u64, before: &Before, recipe: Vec<usize>) -> Origin {
    Origin {
        name: format!("{}, before its training", name(cell, seed)),
        facts: vec![
            ("seed", seed.to_string(), false),
            ("accuracy, %", before.accuracy.to_string(), false),
            ("test loss", before.test_loss.to_string(), false),
            ("recipe (key)", before.key.to_string(), true),
            ("metrics", before.metrics.to_string(), true),
        ],
        commands: commands(before.key),
        recipe,
    }
}

/// What is known of it, in words; and its whole derivation, every hash of it made again.
fn commands(digest: Digest) -> Vec<String> {
    vec![
        format!("jackpot show {digest}"),
        format!("jackpot audit {digest}"),
    ]
}

fn mask(cell: &Cell<'_>, seed: u64, digest: Digest) -> Origin {
    Origin {
        name: name(cell, seed),
        facts: vec![
            ("seed", seed.to_string(), false),
            ("mask", digest.to_string(), true),
        ],
        commands: commands(digest),
        recipe: Vec::new(),
    }
}

/// A recipe's leaves, `training.lr: 2e-1`, in the order of their names.
fn spelled(recipe: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    spell("", recipe, &mut lines);
    lines
}

fn spell(path: &str, value: &Value, lines: &mut Vec<String>) {
    let below = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                spell(&below(name), value, lines);
            }
        }
        Value::Array(values) if values.iter().any(|v| v.is_object() || v.is_array()) => {
            for (i, value) in values.iter().enumerate() {
                spell(&below(&i.to_string()), value, lines);
            }
        }
        Value::String(text) => lines.push(format!("{path}: {text}")),
        other => lines.push(format!("{path}: {other}")),
    }
}
