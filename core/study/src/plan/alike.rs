//! Rows of a plan's grid that are one recipe: by construction, whatever their names say.
use crate::plan::graph::{CellContent, GridCell, Plan};
use std::collections::BTreeMap;

/// A setting, a ticket and a check.
type Row<'a> = (usize, &'a str, &'a str);

/// Rows whose every training is one and the same, in the plan's order, each row in words: `snip`,
/// `snip under rearrange`, `snip of low`. Where two tickets are one recipe, their rows under one
/// check are not named again. Cells that are not run are no trainings.
pub fn alike(plan: &Plan) -> Vec<Vec<String>> {
    let mut rows: Vec<(Row<'_>, Vec<&GridCell>)> = Vec::new();
    for cell in &plan.cells {
        let row = (cell.setting, cell.ticket.as_str(), cell.check.as_str());
        match rows.last_mut() {
            Some((known, cells)) if *known == row => cells.push(cell),
            _ => rows.push((row, vec![cell])),
        }
    }
    let mut groups: Vec<Vec<Row<'_>>> = Vec::new();
    let mut places: BTreeMap<Vec<(&str, u64, usize)>, usize> = BTreeMap::new();
    for (row, cells) in &rows {
        let Some(trainings) = trainings(cells) else {
            continue;
        };
        let place = *places.entry(trainings).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(*row),
            None => groups.push(vec![*row]),
        }
    }
    groups.retain(|group| group.len() > 1);
    let is_implied = |group: &Vec<Row<'_>>| {
        let (_, _, check) = group[0];
        let one_check = check != crate::NO_CHECK && group.iter().all(|row| row.2 == check);
        let together = |other: &Vec<Row<'_>>| {
            let mut unmodified = group.iter().map(|row| (row.0, row.1, crate::NO_CHECK));
            unmodified.all(|row| other.contains(&row))
        };
        one_check && groups.iter().any(together)
    };
    let told = groups.iter().filter(|group| !is_implied(group));
    told.map(|group| group.iter().map(|row| describe_row(plan, row)).collect())
        .collect()
}

/// Sparsity, seed and training of every cell; none where a cell is not run.
fn trainings<'a>(cells: &[&'a GridCell]) -> Option<Vec<(&'a str, u64, usize)>> {
    let training = |cell: &&'a GridCell| match &cell.content {
        CellContent::Run { train, .. } => Some((cell.sparsity.as_str(), cell.seed, *train)),
        _ => None,
    };
    cells.iter().map(training).collect()
}

fn describe_row(plan: &Plan, (setting, ticket, check): &Row<'_>) -> String {
    let under = match *check {
        crate::NO_CHECK => String::new(),
        check => format!(" under {check}"),
    };
    let name = plan.study.settings[*setting].name.as_ref();
    let of = name.map_or(String::new(), |name| format!(" of {name}"));
    format!("{ticket}{under}{of}")
}
