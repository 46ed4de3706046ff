//! The settings of a study, and the facts that every page states.

use jackpot_results::{Outline, Results};

/// The outline and the results of each setting, with the setting's title added to the study's.
pub(crate) fn parts(outline: &Outline, results: &Results) -> Vec<(Outline, Results)> {
    let mut parts = outline.parts(results);
    for (part, _) in &mut parts {
        if let Some(setting) = part.settings.first() {
            part.title = format!("{}: {}", part.title, setting.named.title);
        }
    }
    parts
}

/// The folder of a setting's report within the study's folder, ending with `/`. It is empty in a
/// study without settings.
pub(crate) fn folder(part: &Outline) -> String {
    let only = part.settings.first().map(|s| format!("{}/", s.named.name));
    only.unwrap_or_default()
}

/// The facts of a study as names and values, one line each. Code stands between backticks.
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
