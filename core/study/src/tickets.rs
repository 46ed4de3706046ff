//! Tickets and checks as a study asks for them.
use crate::{
    Error,
    file::{NO_CHECK, distinct, hint},
    sections::{AllocationSection, CheckSection, Selection, Stage, Target, TicketSection},
};
use jackpot_host::{ConfigValue, Scope};
use std::collections::BTreeMap;

/// One way to get a network.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// In files.
    pub name: String,
    /// In tables.
    pub title: String,
    /// None: the dense network.
    pub sparse: Option<Sparse>,
}

/// Scores, allocation, selection, and which weights training starts from.
#[derive(Clone, Debug)]
pub struct Sparse {
    /// The item that scores.
    pub method: String,
    /// As given; defaults are filled in when the plugin is known.
    pub params: BTreeMap<String, ConfigValue>,
    /// Which weights are scored.
    pub of: Stage,
    /// How many each layer keeps.
    pub allocation: Allocation,
    /// Which weights are trained.
    pub start: Stage,
    /// Ties and rounding.
    pub selection: Selection,
}

/// How many weights each layer keeps.
#[derive(Clone, Debug)]
pub enum Allocation {
    /// The largest scores of all layers in scope.
    Global(Scope),
    /// A plugin's counts.
    Rule {
        /// The item.
        item: String,
        /// As given.
        params: BTreeMap<String, ConfigValue>,
    },
    /// The counts of another ticket's mask in the same cell.
    Copy(String),
}

/// A change made to what a ticket sees or is.
#[derive(Clone, Debug)]
pub struct Check {
    /// In files.
    pub name: String,
    /// In tables.
    pub title: String,
    /// What is changed.
    pub on: Target,
    /// Items, applied in this order, with their parameters as given.
    pub steps: Vec<(String, BTreeMap<String, ConfigValue>)>,
    /// Names of the tickets it is applied to; none: all.
    pub tickets: Option<Vec<String>>,
}

impl Check {
    /// Whether the study asks for this check on that ticket.
    pub fn applies_to(&self, ticket: &str) -> bool {
        self.tickets
            .as_ref()
            .is_none_or(|t| t.iter().any(|x| x == ticket))
    }
}

fn slug(field: &str, name: &str) -> Result<(), Error> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(good) {
        return Err(Error(format!(
            "`{field}.name`: expected lower-case letters, digits and `-`, found `{name}`"
        )));
    }
    if name == NO_CHECK {
        return Err(Error(format!(
            "`{field}.name`: `{NO_CHECK}` is reserved for the unmodified ticket"
        )));
    }
    Ok(())
}

pub(crate) fn tickets(given: Vec<TicketSection>) -> Result<Vec<Ticket>, Error> {
    let names: Vec<String> = given.iter().map(|t| t.name.clone()).collect();
    distinct("ticket.name", names.clone())?;
    let mut out: Vec<Ticket> = Vec::new();
    for t in given {
        slug("ticket", &t.name)?;
        let title = t.title.clone().unwrap_or_else(|| t.name.clone());
        let name = t.name.clone();
        let sparse = if t.dense {
            dense(&t)?
        } else {
            Some(sparse(t)?)
        };
        if let Some(Allocation::Copy(donor)) = sparse.as_ref().map(|s| &s.allocation) {
            // Only an earlier ticket can be copied, so no circle can be written.
            match out.iter().find(|o| o.name == *donor) {
                Some(Ticket {
                    sparse: Some(_), ..
                }) => {}
                Some(_) => {
                    return Err(Error(format!(
                        "ticket `{name}`: `allocation.copy`: `{donor}` is dense and has no mask"
                    )));
                }
                None => {
                    let earlier = out.iter().map(|o| o.name.as_str());
                    return Err(Error(format!(
                        "ticket `{name}`: `allocation.copy`: expected a ticket that stands above it, found `{donor}`{}",
                        hint(donor, earlier)
                    )));
                }
            }
        }
        out.push(Ticket {
            name,
            title,
            sparse,
        });
    }
    Ok(out)
}

fn dense(t: &TicketSection) -> Result<Option<Sparse>, Error> {
    let extra = [
        ("scores", t.scores.is_some()),
        ("allocation", t.allocation.is_some()),
        ("start", t.start.is_some()),
        ("selection", t.selection.is_some()),
    ];
    match extra.iter().find(|(_, given)| *given) {
        None => Ok(None),
        Some((field, _)) => Err(Error(format!(
            "ticket `{}`: `{field}` has no meaning with `dense = true`; remove one of the two",
            t.name
        ))),
    }
}

fn sparse(t: TicketSection) -> Result<Sparse, Error> {
    let name = &t.name;
    let missing = |field: &str, example: &str| {
        Error(format!(
            "ticket `{name}`: expected `{field} = {example}` (or `dense = true`), found nothing"
        ))
    };
    let scores = t
        .scores
        .ok_or_else(|| missing("scores", "{ method = \"magnitude\" }"))?;
    let a = t
        .allocation
        .ok_or_else(|| missing("allocation", "\"global\""))?;
    Ok(Sparse {
        allocation: allocation(name, a)?,
        method: scores.method,
        params: scores.params,
        of: scores.of,
        start: t.start.unwrap_or_default(),
        selection: t.selection.unwrap_or_default(),
    })
}

fn allocation(ticket: &str, a: AllocationSection) -> Result<Allocation, Error> {
    let refuse = |what: &str| Err(Error(format!("ticket `{ticket}`: `allocation`: {what}")));
    match (a.rule, a.copy) {
        (Some(_), Some(_)) => refuse("expected `rule` or `copy`, found both"),
        (None, None) => refuse("expected `rule` or `copy`, found neither"),
        (None, Some(_)) if a.scope.is_some() || !a.params.is_empty() => {
            refuse("`scope` and `params` have no meaning with `copy`")
        }
        (None, Some(donor)) => Ok(Allocation::Copy(donor)),
        (Some(rule), None) if rule == "global" => {
            if !a.params.is_empty() {
                return refuse("`params` has no meaning with `rule = \"global\"`");
            }
            Ok(Allocation::Global(a.scope.unwrap_or_default()))
        }
        (Some(_), None) if a.scope.is_some() => {
            refuse("`scope` has a meaning with `rule = \"global\"` only")
        }
        (Some(item), None) => Ok(Allocation::Rule {
            item,
            params: a.params,
        }),
    }
}

pub(crate) fn checks(given: Vec<CheckSection>, tickets: &[Ticket]) -> Result<Vec<Check>, Error> {
    if !given.is_empty() {
        distinct(
            "check.name",
            given.iter().map(|c| c.name.clone()).collect::<Vec<_>>(),
        )?;
    }
    let mut out = Vec::new();
    for c in given {
        slug("check", &c.name)?;
        if c.steps.is_empty() {
            return Err(Error(format!(
                "check `{}`: `steps`: expected at least one check, found an empty list: it would change nothing",
                c.name
            )));
        }
        let names = || tickets.iter().map(|t| t.name.as_str());
        for t in c.tickets.iter().flatten() {
            if !names().any(|n| n == t) {
                return Err(Error(format!(
                    "check `{}`: `tickets`: expected a ticket of this study, found `{t}`{}",
                    c.name,
                    hint(t, names())
                )));
            }
        }
        out.push(Check {
            title: c.title.unwrap_or_else(|| c.name.clone()),
            name: c.name,
            on: c.on,
            steps: c.steps.into_iter().map(|s| (s.check, s.params)).collect(),
            tickets: c.tickets,
        });
    }
    Ok(out)
}
