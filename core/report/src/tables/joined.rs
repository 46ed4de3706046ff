//! Joins the tables of one name of all settings into one: their rows below each other, each with
//! its setting.

use crate::Error;
use crate::error::frame_error;
use crate::model::grid::Grid;
use crate::model::inputs::inputs_of;
use crate::model::sweep::Grids;
use crate::tables::frame;
use crate::tables::table::{Column, ColumnKind, Data, Section, Table};
use crate::tables::value::{Entry, Value};
use jackpot_results::Named;
use polars::prelude::{Column as Values, DataFrame, DataType, PlSmallStr, PolarsResult};

/// The first column of a table that covers several settings.
fn column() -> Column {
    Column::new(ColumnKind::Text, "setting", "setting")
}

/// The entry of that column for a row of one of the grids.
pub(crate) fn setting<'a>(grids: Grids<'_, 'a>, grid: &Grid<'a>) -> Entry {
    let setting = grids.setting(grid);
    setting.map_or(Value::Blank.into(), |s| Entry::named(&s.named))
}

/// Joins the tables of one name. `None` if there is no table.
pub(crate) fn table(parts: &[(&Named, &Table)]) -> Result<Option<Table>, Error> {
    let Some((_, first)) = parts.first() else {
        return Ok(None);
    };
    let results = parts.iter().flat_map(|(_, table)| &table.inputs.results);
    Ok(Some(Table {
        name: first.name,
        title: first.title,
        about: about(parts),
        sections: sections(parts),
        data: Data::Given(united(parts)?),
        // The rows of each setting are already sorted.
        keys: &["setting"],
        inputs: inputs_of(results.copied()),
    }))
}

/// Every paragraph once. A paragraph that not all settings have names its setting.
fn about(parts: &[(&Named, &Table)]) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    for (setting, table) in parts {
        for paragraph in &table.about {
            let everywhere = parts.iter().all(|(_, t)| t.about.contains(paragraph));
            let paragraph = if everywhere {
                paragraph.clone()
            } else {
                format!("`{}`: {paragraph}", setting.name)
            };
            if !said.contains(&paragraph) {
                said.push(paragraph);
            }
        }
    }
    said
}

/// The sections of all settings. Sections with the same heading and the same columns are merged.
fn sections(parts: &[(&Named, &Table)]) -> Vec<Section> {
    let mut all: Vec<Section> = Vec::new();
    for (setting, table) in parts {
        for section in &table.sections {
            let columns: Vec<Column> = std::iter::once(column())
                .chain(section.columns.iter().cloned())
                .collect();
            let row = |row: &Vec<Entry>| -> Vec<Entry> {
                std::iter::once(Entry::named(setting))
                    .chain(row.iter().cloned())
                    .collect()
            };
            let rows = section.rows.iter().map(row);
            let same = |s: &&mut Section| s.heading == section.heading && s.columns == columns;
            if let Some(known) = all.iter_mut().find(same) {
                known.rows.extend(rows);
            } else {
                all.push(Section {
                    heading: section.heading.clone(),
                    rows: rows.collect(),
                    columns,
                });
            }
        }
    }
    all
}

/// The data of all settings under the union of their columns. A column that a setting lacks is
/// empty in its rows.
fn united(parts: &[(&Named, &Table)]) -> Result<DataFrame, Error> {
    let mut frames = Vec::new();
    for (setting, table) in parts {
        let mut frame = frame::sorted(table)?;
        let names = vec![setting.name.as_str(); frame.height()];
        let column = Values::new("setting".into(), names);
        let added = frame.insert_column(0, column).map(|_| ());
        added.map_err(frame_error(table.name))?;
        frames.push(frame);
    }
    // A frame without rows does not know the types of its columns.
    if frames.iter().any(|f| f.height() > 0) {
        frames.retain(|f| f.height() > 0);
    }
    let mut columns: Vec<(PlSmallStr, DataType)> = Vec::new();
    for column in frames.iter().flat_map(|f| f.columns()) {
        if !columns.iter().any(|(name, _)| name == column.name()) {
            columns.push((column.name().clone(), column.dtype().clone()));
        }
    }
    let name = parts.first().map_or("", |(_, table)| table.name);
    stacked(&columns, frames).map_err(frame_error(name))
}

fn stacked(columns: &[(PlSmallStr, DataType)], frames: Vec<DataFrame>) -> PolarsResult<DataFrame> {
    let mut all = DataFrame::empty();
    for mut frame in frames {
        let height = frame.height();
        for (name, kind) in columns {
            if frame.column(name).is_err() {
                frame.with_column(Values::full_null(name.clone(), height, kind))?;
            }
        }
        let frame = frame.select(columns.iter().map(|(name, _)| name.as_str()))?;
        all.vstack_mut(&frame)?;
    }
    Ok(all)
}
