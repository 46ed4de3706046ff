//! Tickets that a block with two lists of `each` stands for, every value of one with every value of
//! the other: how much of what they differ by each list explains.
use super::section::Asked;
use crate::{
    Error,
    messages::hint,
    spec::{repeat::Sweep, ticket::tickets::Ticket},
};
use serde::{Deserialize, Serialize};

/// Two factors and the tickets of their levels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Factorial {
    /// The tickets' block by its name as written: `{score}-in-{allocation}`.
    pub of: String,
    /// The factor whose levels are the rows of `tickets`.
    pub rows: Factor,
    /// The factor whose levels are its columns.
    pub columns: Factor,
    /// Their names, row by row.
    pub tickets: Vec<Vec<String>>,
}

/// A list of `each`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Factor {
    /// The list's name.
    pub name: String,
    /// In names, in the order in which they were written.
    pub levels: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EffectsSection {
    of: String,
}

impl EffectsSection {
    pub(super) fn read(self, asked: &Asked) -> Result<Factorial, Error> {
        let series = |t: &Ticket| -> Option<Sweep> { t.series.clone() };
        let written = || asked.tickets.iter().filter_map(series);
        let of_block = |t: &&Ticket| t.series.as_ref().is_some_and(|s| s.name == self.of);
        let tickets: Vec<&Ticket> = asked.tickets.iter().filter(of_block).collect();
        if tickets.is_empty() {
            let names: Vec<String> = written().map(|s| s.name).collect();
            return Err(Error(format!(
                "`of`: expected the name of a ticket's block with `each` over two lists (`{{score}}-in-{{allocation}}`), found `{}`{}",
                self.of,
                hint(&self.of, names.iter().map(String::as_str))
            )));
        }
        let factor = |place: usize| {
            let levels = tickets
                .iter()
                .filter_map(|t| t.series.as_ref()?.levels.get(place));
            let mut factor = Factor {
                name: String::new(),
                levels: Vec::new(),
            };
            for level in levels {
                factor.name.clone_from(&level.axis);
                if !factor.levels.contains(&level.name) {
                    factor.levels.push(level.name.clone());
                }
            }
            factor
        };
        let lists = tickets[0].series.as_ref().map_or(0, |s| s.levels.len());
        let factors: Vec<Factor> = (0..lists).map(factor).collect();
        let [rows, columns] = factors.as_slice() else {
            return Err(Error(format!(
                "`of`: `{}`: expected `each` over two lists, found {lists}",
                self.of
            )));
        };
        if let Some(factor) = factors.iter().find(|f| f.levels.len() < 2) {
            return Err(Error(format!(
                "`of`: `{}`: `{}`: expected at least two values, found {}",
                self.of,
                factor.name,
                factor.levels.len()
            )));
        }
        let ticket = |row: &String, column: &String| {
            let is = |t: &&&Ticket| {
                let levels = t.series.iter().flat_map(|s| &s.levels);
                levels.map(|l| &l.name).eq([row, column])
            };
            let found = tickets.iter().find(is).map(|t| t.name.clone());
            found.ok_or_else(|| {
                Error(format!(
                    "`of`: `{}`: there is no ticket of `{row}` and `{column}`",
                    self.of
                ))
            })
        };
        let row = |row| {
            columns
                .levels
                .iter()
                .map(|column| ticket(row, column))
                .collect()
        };
        let tickets = rows.levels.iter().map(row).collect::<Result<_, _>>()?;
        Ok(Factorial {
            rows: rows.clone(),
            columns: columns.clone(),
            tickets,
            of: self.of,
        })
    }
}
