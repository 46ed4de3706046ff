//! The page of a study's folder, as Markdown and as HTML: its facts, tables and figures, and how
//! to check them.

mod html;
mod provenance;

use crate::cells::{DENSE, Grid, metrics, name_of};
use crate::digest::of_inputs;
use crate::figure::Figure;
use crate::format;
use crate::headline::Headline;
use crate::settings::Across;
use crate::table::{Table, spell};
use crate::{Error, LOCK, Output};
use jackpot_results::{EVIDENCE, Outline, RunOutcome as Outcome};
use std::collections::BTreeSet;

/// `index.html`; each figure with its PNG file.
///
/// # Errors
/// When a run cannot be written as JSON.
pub(crate) fn html(
    grid: &Grid<'_>,
    tables: &[Table],
    figures: &[(&Figure, &[u8])],
) -> Result<Output, Error> {
    Ok(Output {
        inputs: of_inputs(metrics(&grid.cells)),
        bytes: html::page(grid, tables, figures)?,
    })
}

/// What a study's page says of one of its settings.
pub(crate) struct Lead {
    pub title: String,
    /// Where its own pages are, with a `/` at its end.
    pub folder: String,
    pub facts: Vec<(String, String)>,
    pub lines: Vec<String>,
    /// The headlines, as in its own pages: what each is about, and what it says.
    pub findings: Vec<(String, String)>,
}

/// `index.html` of a study with settings; each figure with its PNG file.
///
/// # Errors
/// When a run cannot be written as JSON.
pub(crate) fn leads(
    across: &Across<'_, '_>,
    outline: &Outline,
    figures: &[(&Figure, Vec<u8>)],
) -> Result<Vec<u8>, Error> {
    html::leads(across, outline, figures)
}

/// `README.md`.
pub(crate) fn markdown(grid: &Grid<'_>, tables: &[Table], figures: &[Figure]) -> Output {
    let mut text = format!("# {}\n\n", spell::cell(&grid.outline.title));
    text += "*This page is written by the report from the study's results; `study.toml` says what \
             was asked. [index.html](index.html) is the same to click through, every number with the \
             runs behind it.*\n\n## The study\n\n";
    text += &spell::facts(grid.outline, grid.results);
    text += &format!("\n{}\n", count(grid));
    for (i, failure) in failures(grid).iter().enumerate() {
        let before = if i == 0 { "\n" } else { "" };
        text += &format!("{before}- {}\n", spell::cell(failure));
    }
    text += &findings_in_markdown(&grid.findings.headlines);
    for figure in figures {
        text += &figure_in_markdown(figure);
    }
    for table in tables.iter().filter(|t| t.is_shown()) {
        text += &table_in_markdown(table);
    }
    text += &audit(grid);
    Output {
        inputs: of_inputs(metrics(&grid.cells)),
        bytes: text.into_bytes(),
    }
}

/// A figure with its caption and files, in a page.
pub(crate) fn figure_in_markdown(figure: &Figure) -> String {
    let links = figure.formats().iter();
    let links = links.map(|(ending, name)| format!("[{name}](figures/{}.{ending})", figure.name));
    let links: Vec<String> = links.collect();
    format!(
        "\n## {}\n\n<img src=\"figures/{1}.png\" width=\"680\" alt=\"{0}\">\n\n{2}\n({3}; inputs `{4}`)\n",
        figure.title,
        figure.name,
        figure.caption,
        links.join(", "),
        figure.inputs
    )
}

/// A table with what is to be said of it and its files, in a page.
pub(crate) fn table_in_markdown(table: &Table) -> String {
    let mut text = format!("\n## Table: {}\n", table.title);
    for paragraph in &table.about {
        text += &format!("\n{paragraph}\n");
    }
    text += &format::markdown::body(table);
    text += &format!(
        "\n{}; inputs `{}`\n",
        format::markdown::links(table),
        table.inputs
    );
    text
}

/// The headlines, made from verdicts.
pub(crate) fn findings_in_markdown(headlines: &[Headline]) -> String {
    let items = headlines.iter().map(|h| {
        format!(
            "- **{}.** {}\n",
            spell::cell(&h.title),
            spell::cell(&h.text())
        )
    });
    let items: String = items.collect();
    match items.is_empty() {
        true => items,
        false => format!("\n## Findings\n\n{items}"),
    }
}

/// How many runs there are, and what became of them.
fn count(grid: &Grid<'_>) -> String {
    let outcomes = || {
        grid.cells
            .iter()
            .flat_map(|c| &c.runs)
            .map(|(_, r)| r.map(|r| &r.outcome))
    };
    let done = outcomes()
        .filter(|o| matches!(o, Some(Outcome::Done(_))))
        .count();
    let failed = outcomes()
        .filter(|o| matches!(o, Some(Outcome::Failed { .. })))
        .count();
    let not_run = outcomes()
        .filter(|o| matches!(o, Some(Outcome::Identical { .. })))
        .count();
    let skipped = outcomes()
        .filter(|o| matches!(o, Some(Outcome::Collapsed { .. })))
        .count();
    let not_applicable = outcomes()
        .filter(|o| matches!(o, Some(Outcome::NotApplicable { .. })))
        .count();
    let said = [
        (not_applicable, "not applicable"),
        (skipped, "skipped, certain to collapse"),
    ];
    let said = said.iter().filter(|(n, _)| *n > 0);
    let said: String = said.map(|(n, what)| format!(" {n} {what},")).collect();
    let asked = outcomes().count();
    let trained = grid
        .cells
        .iter()
        .flat_map(|c| c.trained())
        .map(|(_, t)| t.key);
    let trained = trained.collect::<BTreeSet<_>>().len();
    format!(
        "{asked} runs: {done} measured by {trained} trainings, {not_run} identical by construction \
         and not run,{said} {failed} failed, {} missing.",
        asked - done - failed - not_run - not_applicable - skipped
    )
}

/// What a terminal is told: how many runs there are, and how accurate each ticket is.
pub(crate) fn headline(grid: &Grid<'_>) -> Vec<String> {
    let mut lines = vec![count(grid)];
    for sparsity in std::iter::once(DENSE).chain(grid.sparsities()) {
        let unmodified = grid.at(sparsity).filter(|cell| cell.check.is_none());
        let tickets: Vec<String> = unmodified
            .map(|cell| {
                let accuracy = spell::mean_sd(grid.summary(cell).accuracy, 2);
                format!("{} {accuracy}", cell.ticket.title)
            })
            .collect();
        if !tickets.is_empty() {
            let sparsity = spell::sparsity(sparsity);
            lines.push(format!(
                "{sparsity}, test accuracy in %: {}",
                tickets.join("; ")
            ));
        }
    }
    lines
}

/// One line a failed run, as text.
fn failures(grid: &Grid<'_>) -> Vec<String> {
    let runs = grid.cells.iter().flat_map(|c| &c.runs);
    let failed = runs.filter_map(|(_, run)| match &(*run)?.outcome {
        Outcome::Failed { why, .. } => Some((name_of((*run)?), spell::reason(why))),
        _ => None,
    });
    failed
        .map(|(name, why)| format!("failed: {name}: {why}"))
        .collect()
}

fn audit(grid: &Grid<'_>) -> String {
    let name = &grid.outline.name;
    let part = crate::settings::folder(grid.outline);
    let up = if part.is_empty() { "" } else { "../" };
    format!(
        r#"
## How to check a number

- `jackpot audit --deep` hashes every object of the store again and names what does not fit.
- `cargo xtask report {name} --check` draws this folder again from the store and compares every byte.
- [`{LOCK}`]({up}{LOCK}) lists each file here with its own sha256 and the digest of its inputs: the
  sha256 of the digests of the results it was drawn from, sorted, without repeats, one a line; and
  it names these results. `jackpot audit reports/{name}/{part}README.md`, or any other file here,
  verifies the file, its results, and all that is behind them, back to keys, data and plugins; in
  a clone that has not run the study, with `--store reports/{name}/{EVIDENCE}`.
- [tables/runs.csv](tables/runs.csv) lists every run with the digest of its metrics, of the action
  that made them (`jackpot show DIGEST`) and of its mask. From it a shell gives the digests again:

```sh
cd reports/{name}/{part}tables
inputs() {{ grep . | LC_ALL=C sort -u | sha256sum; }}
tail -n +2 runs.csv | cut -d, -f6 | inputs                # this page, accuracy, differences, verdicts
tail -n +2 runs.csv | awk -F, '$1 != "0" && $3 == "none" {{ print $8 }}' | inputs   # layers
```
"#
    )
}
