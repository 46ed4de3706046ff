//! The provenance of the page's numbers: every run with the hashes that identify it, and every line
//! of their recipes, each stored once.

use crate::model::analysis::headlines::Headline;
use crate::model::cells::Cell;
use crate::model::format::six_decimals;
use crate::model::grid::Grid;
use crate::model::sweep::Grids;
use crate::tables::table::Table;
use crate::tables::value::NOTHING;
use jackpot_results::{Before, RunOutcome, TrainedRun};
use jackpot_store::Digest;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The data that the page's script reads, as JSON.
#[derive(Serialize)]
pub(super) struct Provenance {
    runs: Vec<Origin>,
    /// Lines of recipes, `field: value`. A run refers to its lines by their indices.
    lines: Vec<String>,
    #[serde(skip)]
    places: BTreeMap<Digest, usize>,
}

/// One action (a training or an evaluation) or object (a mask) from which numbers were computed.
#[derive(Serialize)]
struct Origin {
    name: String,
    /// For each fact its name, its value, and whether the value is a hash.
    facts: Vec<(&'static str, String, bool)>,
    /// Commands that a reader can paste into a shell.
    commands: Vec<String>,
    recipe: Vec<usize>,
}

impl Provenance {
    /// Every finished training of the grid, and the masks of runs that were not trained.
    pub fn new(grid: &Grid<'_>) -> Provenance {
        let all = std::iter::once((grid, None));
        Provenance::of(all, |_| true)
    }

    /// The runs behind some tables and findings that cover all settings.
    pub fn of_settings(
        grids: Grids<'_, '_>,
        tables: &[&Table],
        findings: &[Headline],
    ) -> Provenance {
        let sections = tables.iter().flat_map(|table| &table.sections);
        let entries = sections.flat_map(|section| section.rows.iter().flatten());
        let pieces = findings.iter().flat_map(|finding| &finding.pieces);
        let said = pieces.flat_map(|piece| &piece.sources);
        let shown = entries.flat_map(|entry| &entry.sources).chain(said);
        let shown: BTreeSet<Digest> = shown.copied().collect();
        let named = |grid| {
            let setting = grids.setting(grid).map(|s| s.named.title.as_str());
            (grid, setting)
        };
        Provenance::of(grids.all.iter().map(named), |digest| shown.contains(digest))
    }

    /// The wanted runs of several grids. Each grid comes with the title of the setting that is put
    /// before the names of its runs.
    fn of<'g, 'a: 'g>(
        grids: impl Iterator<Item = (&'g Grid<'a>, Option<&'g str>)>,
        is_wanted: impl Fn(&Digest) -> bool,
    ) -> Provenance {
        let mut found = Provenance {
            runs: Vec::new(),
            lines: Vec::new(),
            places: BTreeMap::new(),
        };
        let mut lines = BTreeMap::new();
        for (grid, setting) in grids {
            found.add_grid(grid, setting, &is_wanted, &mut lines);
        }
        let mut ordered: Vec<(String, usize)> = lines.into_iter().collect();
        ordered.sort_by_key(|(_, place)| *place);
        found.lines = ordered.into_iter().map(|(line, _)| line).collect();
        found
    }

    fn add_grid(
        &mut self,
        grid: &Grid<'_>,
        setting: Option<&str>,
        is_wanted: &impl Fn(&Digest) -> bool,
        lines: &mut BTreeMap<String, usize>,
    ) {
        let mut recipe = |key: &Digest| -> Vec<usize> {
            let recipe = grid.results.recipes.get(key);
            let recipe = recipe.map(recipe_lines).unwrap_or_default();
            let place = |line| {
                let next = lines.len();
                *lines.entry(line).or_insert(next)
            };
            recipe.into_iter().map(place).collect()
        };
        let runs = grid.cells.iter().flat_map(|cell| {
            let runs = cell.runs.iter();
            runs.filter_map(move |(seed, run)| Some((cell, *seed, (*run)?)))
        });
        for (cell, seed, run) in runs {
            let name = name(setting, cell, seed);
            match (&run.outcome, &run.facts) {
                (RunOutcome::Done(trained), _) => {
                    let before = trained.before.as_ref().filter(|b| is_wanted(&b.key));
                    let name_before = format!("{name}, before its training");
                    if is_wanted(&trained.key) {
                        let own = recipe(&trained.key);
                        self.add(trained.key, training(name, seed, trained, own));
                    }
                    if let Some(before) = before {
                        let own = recipe(&before.key);
                        self.add(before.key, evaluation(name_before, seed, before, own));
                    }
                }
                (_, Some(facts)) if is_wanted(&facts.mask) => {
                    self.add(facts.mask, mask(name, seed, facts.mask));
                }
                _ => {}
            }
        }
    }

    /// Adds one run. Two runs may share one training: the first keeps its entry, and the entry
    /// names the second.
    fn add(&mut self, digest: Digest, origin: Origin) {
        if let Some(place) = self.places.get(&digest) {
            let known = &mut self.runs[*place];
            known.facts.push(("the same as", origin.name, false));
            return;
        }
        self.places.insert(digest, self.runs.len());
        self.runs.push(origin);
    }

    /// The indices of these runs, separated by spaces, as the page's buttons hold them. It is empty
    /// if no run is known.
    pub fn places(&self, sources: &[Digest]) -> String {
        let mut places: Vec<usize> = sources
            .iter()
            .filter_map(|d| self.places.get(d).copied())
            .collect();
        places.sort_unstable();
        let places: Vec<String> = places.iter().map(usize::to_string).collect();
        places.join(" ")
    }

    /// The JSON text. It contains no `<`, so that it can be embedded in a page.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string(self)?.replace('<', "\\u003c"))
    }
}

fn name(setting: Option<&str>, cell: &Cell<'_>, seed: u64) -> String {
    let setting = setting.map_or(String::new(), |title| format!("{title}: "));
    let check = cell.check.map_or("unmodified", |c| c.title.as_str());
    let sparsity = crate::model::format::sparsity(cell.sparsity);
    format!(
        "{setting}{}, {check}, {sparsity}, seed {seed}",
        cell.ticket.title
    )
}

fn training(name: String, seed: u64, trained: &TrainedRun, recipe: Vec<usize>) -> Origin {
    let mask = trained.mask.map_or(NOTHING.into(), |m| m.to_string());
    let number = |x: f64| format!("{}", six_decimals(x));
    let key = trained.key;
    Origin {
        name,
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

/// The evaluation of the pruned network before its training.
fn evaluation(name: String, seed: u64, before: &Before, recipe: Vec<usize>) -> Origin {
    Origin {
        name,
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

/// Two commands: one describes the object, the other verifies its whole provenance by computing
/// every hash again.
fn commands(digest: Digest) -> Vec<String> {
    vec![
        format!("jackpot show {digest}"),
        format!("jackpot audit {digest}"),
    ]
}

fn mask(name: String, seed: u64, digest: Digest) -> Origin {
    Origin {
        name,
        facts: vec![
            ("seed", seed.to_string(), false),
            ("mask", digest.to_string(), true),
        ],
        commands: commands(digest),
        recipe: Vec::new(),
    }
}

/// A recipe's leaves, `training.lr: 2e-1`, in the order of their names.
fn recipe_lines(recipe: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    push_lines("", recipe, &mut lines);
    lines
}

fn push_lines(path: &str, value: &Value, lines: &mut Vec<String>) {
    let below = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                push_lines(&below(name), value, lines);
            }
        }
        Value::Array(values) if values.iter().any(|v| v.is_object() || v.is_array()) => {
            for (i, value) in values.iter().enumerate() {
                push_lines(&below(&i.to_string()), value, lines);
            }
        }
        Value::String(text) => lines.push(format!("{path}: {text}")),
        other => lines.push(format!("{path}: {other}")),
    }
}
