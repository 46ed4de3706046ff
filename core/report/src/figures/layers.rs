//! Figures `layers` and `corruption`: the kept share of each layer by method, and on clean against
//! changed data.

use super::Figure;
use crate::Error;
use crate::figures::drawing::profile::{Line, Panel, Profile};
use crate::model::cells::Cell;
use crate::model::format;
use crate::model::grid::Grid;
use crate::model::groups::smart_random_ticket;
use crate::model::inputs::inputs_of;
use crate::model::kept::{self, TicketShares};
use jackpot_results::Named;

/// Every unmodified ticket, one panel a sparsity.
pub(super) fn figure(grid: &Grid<'_>) -> Result<Figure, Error> {
    let inputs = inputs_of(kept::masks(grid));
    let has = |t: &&Named| kept::shown(grid).any(|c| c.ticket == *t);
    let tickets: Vec<&Named> = grid.outline.tickets.iter().filter(has).collect();
    let place = |ticket: &Named| tickets.iter().position(|t| *t == ticket);
    let panels = kept::all(grid)?.into_iter().map(|kept| Panel {
        heading: format::sparsity(kept.sparsity),
        layers: kept.layers.iter().map(|l| l.0.to_owned()).collect(),
        lines: (kept.tickets.iter())
            .filter_map(|by| Some(line(place(by.ticket)?, by)))
            .collect(),
    });
    let profile = Profile {
        name: "layers",
        series: tickets.iter().map(|t| t.title.clone()).collect(),
        over: smart_random_ticket(grid).and_then(place),
        panels: panels.filter(|p| !p.lines.is_empty()).collect(),
        inputs: inputs.clone(),
        study: grid.outline.name.clone(),
    };
    Ok(Figure {
        name: "layers",
        title: "Kept share of each layer by method",
        caption: "Share of each layer's weights that the unmodified ticket keeps, the mean over \
                  seeds, layers in forward order, logarithmic scale; the smart ratio is drawn over \
                  the others, in black; a layer that is left empty stands below the scale at 0."
            .into(),
        inputs,
        points: None,
        drawing: profile.draw()?,
    })
}

fn line(series: usize, by: &TicketShares<'_>) -> Line {
    Line {
        series,
        shares: by.shares.iter().map(|s| s.0).collect(),
    }
}

/// Clean masks against those of checks on data: one panel a ticket, at the highest sparsity.
pub(super) fn corruption(grid: &Grid<'_>) -> Result<Figure, Error> {
    let sparsity = |s: &&str| s.parse::<f64>().unwrap_or_default();
    let sparsities = grid.sparsities();
    let highest = sparsities
        .iter()
        .max_by(|a, b| sparsity(a).total_cmp(&sparsity(b)));
    let checks: Vec<&Named> = (grid.outline.checks.iter())
        .filter(|c| grid.outline.changes.get(&c.name).is_some_and(|c| c.on_data))
        .collect();
    let mut used: Vec<&Cell<'_>> = Vec::new();
    let mut panels = Vec::new();
    for ticket in &grid.outline.tickets {
        let named = std::iter::once(None).chain(checks.iter().map(|c| Some(*c)));
        let cells = named.enumerate().filter_map(|(i, check)| {
            let check = check.map_or(crate::model::cells::UNMODIFIED, |c| c.name.as_str());
            let cell = grid.cell(highest?, &ticket.name, check)?;
            (!grid.identical(cell)).then_some((i, cell))
        });
        let cells: Vec<(usize, &Cell<'_>)> = cells.collect();
        let mut found = Vec::new();
        for (series, cell) in &cells {
            if let Some((layers, by)) = kept::of_cell(cell)? {
                found.push((layers, line(*series, &by)));
            }
        }
        if found.len() > 1 {
            used.extend(cells.iter().map(|(_, cell)| *cell));
            let layers = found[0].0.iter().map(|l| l.0.to_owned()).collect();
            panels.push(Panel {
                heading: match highest {
                    Some(sparsity) => format!("{}, {}", ticket.title, format::percent(sparsity)),
                    None => ticket.title.clone(),
                },
                layers,
                lines: found.into_iter().map(|(_, line)| line).collect(),
            });
        }
    }
    let masks = used
        .iter()
        .flat_map(|c| c.trained())
        .filter_map(|(_, t)| t.mask);
    let inputs = inputs_of(masks);
    let mut series = vec!["clean data".to_owned()];
    series.extend(checks.iter().map(|c| c.title.clone()));
    let profile = Profile {
        name: "corruption",
        series,
        over: None,
        panels,
        inputs: inputs.clone(),
        study: grid.outline.name.clone(),
    };
    let at = highest.map_or(String::new(), |s| format!(" at {}", format::percent(s)));
    Ok(Figure {
        name: "corruption",
        title: "Kept share of each layer, clean against changed data",
        caption: format!(
            "Share of each layer's weights that a ticket keeps{at}, the highest sparsity of the \
             study, the mean over seeds: masks made on clean data and under checks that change \
             it. One panel a ticket that sees data before its own training."
        ),
        inputs,
        points: Some(profile.points()?),
        drawing: profile.draw()?,
    })
}
