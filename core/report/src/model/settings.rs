//! The settings of a study, and the facts that every page states.

use jackpot_study::{Outline, Results};

/// The study's grids, each titled by its setting too.
pub(crate) fn parts(outline: &Outline, results: &Results) -> Vec<(Outline, Results)> {
    let mut parts = outline.parts(results);
    for (part, _) in &mut parts {
        if let Some(setting) = part.settings.first() {
            part.title = format!("{}: {}", part.title, setting.named.title);
        }
    }
    parts
}

/// The folder of a part's report, in the study's, with a `/` at its end; empty in a study without
/// settings.
pub(crate) fn folder(part: &Outline) -> String {
    let only = part.settings.first().map(|s| format!("{}/", s.named.name));
    only.unwrap_or_default()
}

/// The study's one-line facts: names and values, code between backticks.
pub(crate) fn facts(outline: &Outline, results: &Results) -> Vec<(String, String)> {
    let seeds: Vec<_> = outline.seeds.iter().map(u64::to_string).collect();
    let run = [
        ("seeds", seeds.join(", ")),
        ("device class", results.device_class.clone()),
        ("libtorch", results.libtorch.clone()),
        ("study.toml", format!("sha256 `{}`", outline.digest)),
    ];
    let study = outline.facts.iter();
    let study = study.filter(|(name, _)| !run.iter().any(|(known, _)| known == name));
    let run = run
        .iter()
        .map(|(name, value)| ((*name).into(), value.clone()));
    study.cloned().chain(run).collect()
}
