//! What was changed of the analysis plan after the fact, beside each verdict that it touches.
use jackpot_store::Digest;
use jackpot_study::{Analysis, Contrast, DeclaredAnalysis, Error, Margin};
use std::collections::BTreeSet;

/// What a reader must know of how the analysis came to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanChanges {
    /// The plan that was declared first; `None` where none was.
    pub first: Option<DeclaredAnalysis>,
    /// Whether the plan in force is the one that was declared last.
    pub is_declared: bool,
    /// What was changed after the first training, in order.
    pub changes: Vec<PlanChange>,
}

/// One thing that was not planned before the first training.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanChange {
    /// What was changed, in words.
    pub what: String,
    /// Families whose verdicts it touches; `None` for all.
    pub families: Option<BTreeSet<String>>,
}

impl PlanChanges {
    /// Numbers, from 1, of the changes that touch a contrast's verdicts.
    pub fn touching(&self, contrast: &Contrast) -> Vec<usize> {
        let touches = |c: &PlanChange| {
            c.families
                .as_ref()
                .is_none_or(|f| f.contains(&contrast.family))
        };
        let all = self.changes.iter().enumerate().filter(|(_, c)| touches(c));
        all.map(|(i, _)| i + 1).collect()
    }
}

/// Compares what was declared with the analysis in force.
///
/// # Errors
/// When a plan in the lock cannot be read or does not have its digest.
pub fn plan_changes(
    declared: &[DeclaredAnalysis],
    analysis: &Analysis,
    seeds: &[u64],
) -> Result<PlanChanges, Error> {
    let mut found = PlanChanges {
        first: declared.first().cloned(),
        ..PlanChanges::default()
    };
    let mut all = |what: String| {
        found.changes.push(PlanChange {
            what,
            families: None,
        });
    };
    let Some(first) = declared.first() else {
        all("no analysis plan was declared before this report; `jackpot run` declares it".into());
        return Ok(found);
    };
    for one in declared {
        let digest = Digest::of(one.plan.as_bytes()).to_string();
        if digest != one.sha256 {
            return Err(Error(format!(
                "study.lock: the analysis plan {} hashes to {digest}: it was changed by hand",
                one.sha256
            )));
        }
    }
    if first.done > 0 {
        all(format!("the analysis plan was declared {}", first.when()));
    }
    for pair in declared.windows(2) {
        if pair[1].done > 0 {
            found.changes.extend(between(&pair[0], &pair[1])?);
        }
    }
    let last = declared.last().unwrap_or(first);
    found.is_declared = last.covers(&analysis.digest()?.to_string(), seeds);
    if !found.is_declared {
        found.changes.push(PlanChange {
            what:
                "study.toml asks for another analysis than was declared; `jackpot run` records it"
                    .into(),
            families: None,
        });
    }
    Ok(found)
}

/// What changed from one declared plan to the next.
fn between(old: &DeclaredAnalysis, new: &DeclaredAnalysis) -> Result<Option<PlanChange>, Error> {
    let (was, is) = (old.analysis()?, new.analysis()?);
    let mut words = Vec::new();
    let mut differ = |what: &str, was: String, is: String| {
        if was != is {
            words.push(format!("{what}: {was} → {is}"));
        }
    };
    for ((what, was), (_, is)) in rules(&was).into_iter().zip(rules(&is)) {
        differ(what, was, is);
    }
    if !old.seeds.iter().all(|s| new.seeds.contains(s)) || was.looks != is.looks {
        let [was, is] = [&old.seeds, &new.seeds].map(|s| format!("{s:?}"));
        differ("seeds", was, is);
    }
    let whole = !words.is_empty();
    let mut families = BTreeSet::new();
    for (these, those, what) in [(&was, &is, "removed"), (&is, &was, "added")] {
        for contrast in these
            .contrasts
            .iter()
            .filter(|c| !those.contrasts.contains(c))
        {
            words.push(format!("{what} {} ({})", contrast.name(), contrast.family));
            families.insert(contrast.family.clone());
        }
    }
    if words.is_empty() {
        return Ok(None);
    }
    Ok(Some(PlanChange {
        what: format!(
            "the analysis plan was changed {}: {}",
            new.when(),
            words.join("; ")
        ),
        families: (!whole).then_some(families),
    }))
}

/// The rules that hold for every contrast, in words.
fn rules(analysis: &Analysis) -> [(&'static str, String); 8] {
    let effects: Vec<&str> = analysis.effects.iter().map(|e| e.of.as_str()).collect();
    let or_none = |text: &str| if text.is_empty() { "none" } else { text }.to_owned();
    [
        ("margin of accuracy", words_of(&analysis.margins.accuracy)),
        ("margin of loss", words_of(&analysis.margins.test_loss)),
        ("variance", format!("{:?}", analysis.variance)),
        ("collapsed runs", format!("{:?}", analysis.collapsed)),
        ("looks", format!("{:?}", analysis.looks)),
        ("spending", format!("{:?}", analysis.spending)),
        ("effects of two factors", or_none(&effects.join(", "))),
        ("pilot", or_none(analysis.pilot.as_deref().unwrap_or(""))),
    ]
}

/// A margin, for people, without its unit.
pub(crate) fn words_of(margin: &Margin) -> String {
    match margin {
        Margin::Fixed(x) => x.to_string(),
        Margin::Share { share, plus, minus } => format!("{share} of ({plus} − {minus})"),
    }
}
