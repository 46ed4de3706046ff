//! `[[reference]]`: numbers of others that a report shows beside the study's own.
use crate::{
    Error,
    describe::titles,
    messages::hint,
    spec::{names::NO_CHECK, setting::Setting, ticket::tickets::Ticket},
};
use jackpot_prune::Sparsity;
use serde::Deserialize;

/// One number of somebody else, as the study file gives it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Name of the setting that it belongs to; `None` if it stands in all.
    pub setting: Option<String>,
    /// Name of the ticket that it is to be compared with.
    pub ticket: String,
    /// Name of the check, or `none`.
    #[serde(default = "no_check")]
    pub check: String,
    /// Of the dense network: 0.
    pub sparsity: f64,
    /// Percent.
    pub accuracy: f64,
    /// Standard deviation over its runs, in points.
    pub sd: Option<f64>,
    /// How many runs it is the mean of.
    pub runs: Option<u32>,
    /// Where it stands: a paper's table, a repository, a notebook.
    pub source: String,
    /// Whose number it is: `the paper's`, `a reproduction's`, …
    pub whose: String,
    /// How it was made otherwise than this study's.
    #[serde(default)]
    pub differences: String,
}

fn no_check() -> String {
    NO_CHECK.to_owned()
}

/// Refuses rows that could stand beside no cell of the study.
pub(crate) fn checked(
    rows: Vec<Reference>,
    tickets: &[Ticket],
    checks: &[crate::Check],
    sparsities: &[Sparsity],
    settings: &[Setting],
) -> Result<Vec<Reference>, Error> {
    let given: Vec<f64> = (sparsities.iter())
        .filter_map(|s| s.text().parse().ok())
        .collect();
    for (place, row) in rows.iter().enumerate() {
        let field = |name: &str| format!("reference {}: `{name}`", place + 1);
        for (name, text) in [
            ("source", &row.source),
            ("whose", &row.whose),
            ("differences", &row.differences),
        ] {
            titles::showable(&field(name), text)?;
        }
        let mut names = settings.iter().filter_map(|s| s.name.as_deref());
        if let Some(setting) = &row.setting
            && !names.clone().any(|n| n == setting)
        {
            return Err(Error(format!(
                "{}: expected a setting of the study, found `{setting}`{}",
                field("setting"),
                hint(setting, &mut names)
            )));
        }
        let names = tickets.iter().map(|t| t.name.as_str());
        let Some(ticket) = tickets.iter().find(|t| t.name == row.ticket) else {
            return Err(Error(format!(
                "{}: expected a ticket of the study, found `{}`{}",
                field("ticket"),
                row.ticket,
                hint(&row.ticket, names)
            )));
        };
        let names = checks.iter().map(|c| c.name.as_str());
        if row.check != NO_CHECK && !checks.iter().any(|c| c.name == row.check) {
            return Err(Error(format!(
                "{}: expected a check of the study or `{NO_CHECK}`, found `{}`{}",
                field("check"),
                row.check,
                hint(&row.check, names)
            )));
        }
        let dense = ticket.sparse.is_none();
        if (dense && row.sparsity != 0.0) || (!dense && !given.contains(&row.sparsity)) {
            let expected = if dense {
                "0, for the ticket is dense"
            } else {
                "one of the study's `sparsities`"
            };
            return Err(Error(format!(
                "{}: expected {expected}, found {}",
                field("sparsity"),
                row.sparsity
            )));
        }
        let sd = row.sd.unwrap_or(0.0);
        let percent = (0.0..=100.0).contains(&row.accuracy);
        if !percent || !(0.0..=100.0).contains(&sd) || row.runs == Some(0) {
            return Err(Error(format!(
                "{}: expected percent between 0 and 100, `sd` in points and `runs` of at least 1",
                field("accuracy")
            )));
        }
        for (name, text) in [("source", &row.source), ("whose", &row.whose)] {
            if text.trim().is_empty() {
                return Err(Error(format!(
                    "{}: expected words, found none",
                    field(name)
                )));
            }
        }
    }
    Ok(rows)
}
