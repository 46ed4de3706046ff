//! `[analysis]` of `study.toml`.
use super::{
    Analysis, Arm, ArmPair, CollapsedRuns, Contrast, ControlOf, Dose, LOSS_MARGIN, MARGIN, Margin,
    Margins, Role,
    factorial::{EffectsSection, Factorial},
    standard,
};
use crate::{
    Error,
    messages::hint,
    spec::{checks::Check, repeat::Sweep, ticket::tickets::Ticket},
};
use jackpot_stats::{Claim, Spending, Variance};
use serde::Deserialize;
use toml::Value;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AnalysisSection {
    margin: Option<MarginSection>,
    loss_margin: Option<MarginSection>,
    variance: Option<Variance>,
    collapsed: CollapsedRuns,
    looks: Option<Vec<u32>>,
    spending: Option<Spending>,
    standard: Option<bool>,
    pilot: Option<String>,
    contrast: Vec<ContrastSection>,
    effects: Vec<EffectsSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContrastSection {
    claim: Claim,
    family: Option<String>,
    #[serde(default)]
    role: Role,
    control: Option<ControlOf>,
    plus: Option<Arm>,
    minus: Option<Arm>,
    less: Option<ArmPair>,
    trend: Option<Arm>,
    margin: Option<MarginSection>,
    loss_margin: Option<MarginSection>,
}

/// `0.5`, or `{ share = 0.25, of = "dense − uniform" }`.
#[derive(Clone, Deserialize)]
#[serde(try_from = "Value")]
struct MarginSection(Margin);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShareTable {
    share: f64,
    of: String,
}

impl TryFrom<Value> for MarginSection {
    type Error = String;
    fn try_from(value: Value) -> Result<MarginSection, String> {
        let positive = |x: f64| {
            if x.is_finite() && x > 0.0 {
                Ok(x)
            } else {
                Err(format!("a margin must be a number above 0, found {x}"))
            }
        };
        let margin = match value {
            Value::Float(x) => Margin::Fixed(positive(x)?),
            Value::Integer(x) => Margin::Fixed(positive(x as f64)?),
            Value::Table(_) => {
                let table: ShareTable = value
                    .try_into()
                    .map_err(|e: toml::de::Error| e.message().to_owned())?;
                let gap = table.of.split_once(" − ").or(table.of.split_once(" - "));
                let (plus, minus) = gap.ok_or_else(|| {
                    format!(
                        "`of`: expected two arms (`dense − uniform`), found `{}`",
                        table.of
                    )
                })?;
                Margin::Share {
                    share: positive(table.share).map_err(|e| format!("`share`: {e}"))?,
                    plus: Arm::try_from(plus.to_owned())?,
                    minus: Arm::try_from(minus.to_owned())?,
                }
            }
            other => {
                return Err(format!(
                    "a margin is a number or `{{ share = 0.25, of = \"dense − uniform\" }}`, found {}",
                    crate::messages::value_kind(&other)
                ));
            }
        };
        Ok(MarginSection(margin))
    }
}

/// What the section is checked against.
pub(crate) struct Asked<'a> {
    pub tickets: &'a [Ticket],
    pub checks: &'a [Check],
    /// Names of the settings; empty in a study without.
    pub settings: &'a [&'a str],
    pub seeds: usize,
    /// Of the plan that was declared for these seeds, where one was.
    pub variance: Option<Variance>,
}

impl AnalysisSection {
    pub(crate) fn read(self, asked: &Asked) -> Result<Analysis, Error> {
        let looks = looks(self.looks, self.spending.is_some(), asked.seeds)?;
        let margins = Margins {
            accuracy: self.margin.map_or(Margin::Fixed(MARGIN), |m| m.0),
            test_loss: self.loss_margin.map_or(Margin::Fixed(LOSS_MARGIN), |m| m.0),
        };
        let mut contrasts = if self.standard.unwrap_or(true) {
            standard::contrasts(asked.tickets, asked.checks)
        } else {
            Vec::new()
        };
        let mut written = Vec::new();
        for (i, section) in self.contrast.into_iter().enumerate() {
            let control = section.control;
            let field = format!("`analysis.contrast` {}", i + 1);
            let own = (section.contrast(&margins, asked))
                .map_err(|Error(what)| Error(format!("{field}: {what}")))?;
            if control.is_some() && !matches!(own.role, Role::Question | Role::Positive) {
                return Err(Error(format!(
                    "{field}: `control`: expected only with `role = \"question\"` or `\"positive\"`: no control says what another control could have seen"
                )));
            }
            written.extend(control.map(|_| own.name()));
            if own.plus == own.minus {
                return Err(Error(format!(
                    "{field}: `{}` is compared with itself",
                    own.plus
                )));
            }
            let same = |c: &&mut Contrast| c.name() == own.name();
            match contrasts.iter_mut().find(same) {
                Some(standard) => *standard = own,
                None => contrasts.push(own),
            }
        }
        controlled(&mut contrasts, &written, asked)?;
        let effects = self.effects.into_iter().enumerate().map(|(i, section)| {
            let field = format!("`analysis.effects` {}", i + 1);
            (section.read(asked)).map_err(|Error(what)| Error(format!("{field}: {what}")))
        });
        let effects: Vec<Factorial> = effects.collect::<Result<_, _>>()?;
        let analysis = Analysis {
            format: 1,
            contrasts,
            margins,
            variance: self.variance.or(asked.variance).unwrap_or_default(),
            collapsed: self.collapsed,
            looks,
            spending: self.spending.unwrap_or_default(),
            pilot: self.pilot,
            effects,
        };
        known(&analysis, asked)?;
        Ok(analysis)
    }
}

impl ContrastSection {
    fn contrast(self, margins: &Margins, asked: &Asked) -> Result<Contrast, Error> {
        let own = self.margin.is_some() || self.loss_margin.is_some();
        let family = self.family.unwrap_or_else(|| self.claim.word().into());
        let (plus, minus, trend) = match (self.plus, self.minus, self.trend) {
            (Some(plus), Some(minus), None) => (plus, minus, Vec::new()),
            (None, None, Some(block)) if self.less.is_none() => {
                let doses = doses(&block, asked)?;
                let end = |dose: Option<&Dose>| dose.map(|d| d.arm.clone());
                let ends = end(doses.last()).zip(end(doses.first()));
                let (plus, minus) = ends.ok_or_else(|| Error("`trend`: no arms".into()))?;
                (plus, minus, doses)
            }
            _ => {
                return Err(Error(
                    "expected `plus` and `minus`, with `less` for a difference of differences, or `trend` alone".into(),
                ));
            }
        };
        Ok(Contrast {
            claim: self.claim,
            family,
            role: self.role,
            control: self.control.unwrap_or_default(),
            plus,
            minus,
            less: self.less,
            trend,
            margins: own.then(|| Margins {
                accuracy: self.margin.map_or(margins.accuracy.clone(), |m| m.0),
                test_loss: self.loss_margin.map_or(margins.test_loss.clone(), |m| m.0),
            }),
        })
    }
}

/// The arms that a block with `each` over one list of numbers stands for, from the smallest number
/// to the largest. Where it is a check's, the unmodified ticket stands at 0.
fn doses(block: &Arm, asked: &Asked) -> Result<Vec<Dose>, Error> {
    let number = |series: &Sweep| match series.levels.as_slice() {
        [level] => level.number,
        _ => None,
    };
    let is = |series: &Option<Sweep>, name: &str| {
        let of_block = series.as_ref().filter(|s| s.name == name);
        of_block.map(number)
    };
    let (found, wanted): (Vec<(Option<f64>, Arm)>, &str) = match &block.check {
        Some(name) => {
            let of = |c: &Check| {
                let check = Some(c.name.clone());
                Some((
                    is(&c.series, name)?,
                    Arm {
                        check,
                        ..block.clone()
                    },
                ))
            };
            let unmodified = block.unmodified();
            let all = asked.checks.iter().filter_map(of);
            (all.chain([(Some(0.0), unmodified)]).collect(), name)
        }
        None => {
            let of = |t: &Ticket| {
                let ticket = t.name.clone();
                Some((
                    is(&t.series, &block.ticket)?,
                    Arm {
                        ticket,
                        ..block.clone()
                    },
                ))
            };
            (asked.tickets.iter().filter_map(of).collect(), &block.ticket)
        }
    };
    let numbers: Option<Vec<Dose>> = found
        .into_iter()
        .map(|(at, arm)| Some(Dose { at: at?, arm }))
        .collect();
    let mut doses = numbers.unwrap_or_default();
    doses.sort_by(|a, b| a.at.total_cmp(&b.at));
    let rises = doses.windows(2).all(|w| w[0].at < w[1].at);
    if doses.len() < 3 || !rises {
        return Err(Error(format!(
            "`trend`: expected a check's or ticket's block with `each` over one list of numbers, at least three places with the unmodified ticket's 0 (`snip under labels-{{share}}`), found `{wanted}`"
        )));
    }
    Ok(doses)
}

/// Where the plan has a positive control of placement, it is that of the questions about which
/// weights are kept, but for those whose control is `written`.
fn controlled(contrasts: &mut [Contrast], written: &[String], asked: &Asked) -> Result<(), Error> {
    let of_placement = |c: &Contrast| c.control == ControlOf::Placement;
    let is_control = |c: &Contrast| c.role == Role::Positive && of_placement(c);
    if !contrasts.iter().any(is_control) {
        return match contrasts.iter().find(|c| of_placement(c)) {
            None => Ok(()),
            Some(c) => Err(Error(format!(
                "`analysis.contrast`: `{}`: `control`: the plan has no control of placement; expected one contrast with `role = \"positive\"` and `control = \"placement\"`",
                c.name()
            ))),
        };
    }
    let open = |c: &&mut Contrast| c.role == Role::Question && !written.contains(&c.name());
    for contrast in contrasts.iter_mut().filter(open) {
        if standard::asks_placement(contrast, asked.tickets, asked.checks) {
            contrast.control = ControlOf::Placement;
        }
    }
    Ok(())
}

/// More seeds are a typing error.
const MOST_SEEDS: u32 = 100_000;

/// The planned numbers of seeds: those of the file, else the study's own.
fn looks(given: Option<Vec<u32>>, spending: bool, seeds: usize) -> Result<Vec<u32>, Error> {
    let Some(looks) = given else {
        return if spending {
            Err(Error(
                "`analysis.spending` says how looks share the level, but there are no `looks`; expected `looks = [3, 5, 10]` or no `spending`".into(),
            ))
        } else {
            Ok(vec![seeds as u32])
        };
    };
    let rise = looks.windows(2).all(|w| w[0] < w[1]);
    if looks.is_empty() || looks[0] == 0 || !rise {
        return Err(Error(format!(
            "`analysis.looks`: expected rising numbers of seeds (`[3, 5, 10]`), found {looks:?}"
        )));
    }
    if let Some(last) = looks.last().filter(|last| **last > MOST_SEEDS) {
        return Err(Error(format!(
            "`analysis.looks`: expected at most {MOST_SEEDS} seeds, found {last}"
        )));
    }
    if !looks.contains(&(seeds as u32)) {
        return Err(Error(format!(
            "`analysis.looks`: the study has {seeds} seeds, which is no planned look; expected one of {looks:?}"
        )));
    }
    Ok(looks)
}

/// Every arm is of this study.
fn known(analysis: &Analysis, asked: &Asked) -> Result<(), Error> {
    let mut arms: Vec<&Arm> = Vec::new();
    let mut margins = vec![&analysis.margins];
    for contrast in &analysis.contrasts {
        let own: Vec<&Arm> = contrast.terms().into_iter().map(|term| term.arm).collect();
        if own
            .iter()
            .any(|arm| arm.setting.is_some() != contrast.is_across_settings())
        {
            return Err(Error(format!(
                "`analysis`: `{}`: expected a setting for every arm (`snip in long`) or for none, which compares them in each",
                contrast.name()
            )));
        }
        arms.extend(own);
        margins.extend(contrast.margins.as_ref());
    }
    for margin in margins.iter().flat_map(|m| [&m.accuracy, &m.test_loss]) {
        if let Margin::Share { plus, minus, .. } = margin {
            arms.extend([plus, minus]);
        }
    }
    let tickets = || asked.tickets.iter().map(|t| t.name.as_str());
    let checks = || asked.checks.iter().map(|c| c.name.as_str());
    for arm in arms {
        if let Some(setting) = &arm.setting
            && !asked.settings.contains(&setting.as_str())
        {
            return Err(unknown(
                "setting",
                arm,
                setting,
                asked.settings.iter().copied(),
            ));
        }
        if !tickets().any(|t| t == arm.ticket) {
            return Err(unknown("ticket", arm, &arm.ticket, tickets()));
        }
        let Some(check) = &arm.check else { continue };
        let Some(found) = asked.checks.iter().find(|c| c.name == *check) else {
            return Err(unknown("check", arm, check, checks()));
        };
        if !found.applies_to(&arm.ticket) {
            return Err(Error(format!(
                "`analysis`: `{arm}`: the check `{check}` is not asked for on `{}`; its `tickets` says on which",
                arm.ticket
            )));
        }
    }
    Ok(())
}

fn unknown<'a>(what: &str, arm: &Arm, word: &str, known: impl Iterator<Item = &'a str>) -> Error {
    Error(format!(
        "`analysis`: `{arm}`: expected a {what} of this study, found `{word}`{}",
        hint(word, known)
    ))
}
