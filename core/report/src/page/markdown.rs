//! `README.md`: the page in Markdown.

use crate::LOCK;
use crate::figures::Figure;
use crate::formats::markdown;
use crate::model::analysis::headlines::Headline;
use crate::model::grid::Grid;
use crate::model::settings;
use crate::model::summary::{count, failures};
use crate::page::overview::SettingsOverview;
use crate::tables::table::Table;
use jackpot_results::{EVIDENCE, Outline};

/// The page of a study or of one of its settings.
pub(crate) fn page(grid: &Grid<'_>, tables: &[Table], figures: &[Figure]) -> String {
    let mut text = format!("# {}\n\n", markdown::escape(&grid.outline.title));
    text += "*This page is written by the report from the study's results; `study.toml` says what \
             was asked. [index.html](index.html) is the same page with links, every number with the \
             runs behind it.*\n\n## The study\n\n";
    text += &markdown::facts(grid.outline, grid.results);
    text += &format!("\n{}\n", count(grid));
    for (i, failure) in failures(grid).iter().enumerate() {
        let before = if i == 0 { "\n" } else { "" };
        text += &format!("{before}- {}\n", markdown::escape(failure));
    }
    text += &findings_in_markdown(&grid.findings.headlines);
    for figure in figures {
        text += &figure_in_markdown(figure);
    }
    for table in tables.iter().filter(|t| t.is_shown()) {
        text += &table_in_markdown(table);
    }
    text += &audit(grid);
    text
}

/// A figure with its caption and links to its files.
fn figure_in_markdown(figure: &Figure) -> String {
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

/// A table with its description and links to its files.
fn table_in_markdown(table: &Table) -> String {
    let mut text = format!("\n## Table: {}\n", table.title);
    for paragraph in &table.about {
        text += &format!("\n{paragraph}\n");
    }
    text += &markdown::body(table);
    text += &format!("\n{}; inputs `{}`\n", markdown::links(table), table.inputs);
    text
}

/// The headlines as a list, or nothing if there are none.
fn findings_in_markdown(headlines: &[Headline]) -> String {
    let items = headlines.iter().map(|h| {
        format!(
            "- **{}.** {}\n",
            markdown::escape(&h.title),
            markdown::escape(&h.text())
        )
    });
    let items: String = items.collect();
    if items.is_empty() {
        items
    } else {
        format!("\n## Findings\n\n{items}")
    }
}

fn audit(grid: &Grid<'_>) -> String {
    let name = &grid.outline.name;
    let part = settings::folder(grid.outline);
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

/// The page of a study with several settings: a summary of each setting, a link to its page, and
/// the figures and tables that compare settings.
pub(crate) fn overview(overview: &SettingsOverview<'_, '_>, outline: &Outline) -> String {
    let mut text = format!("# {}\n\n", markdown::escape(&outline.title));
    text += "*This page is written by the report from the study's results; `study.toml` says \
             what was asked.* The same tickets and checks in several settings, each with a \
             report of its own:\n";
    text += &findings_in_markdown(&overview.findings);
    for summary in &overview.summaries {
        let title = markdown::escape(&summary.title);
        text += &format!("\n## [{title}]({}README.md)\n\n", summary.folder);
        for (name, value) in &summary.facts {
            text += &format!(
                "- **{}**: {}\n",
                markdown::escape(name),
                markdown::escape(value)
            );
        }
        for line in &summary.lines {
            text += &format!("- {}\n", markdown::escape(line));
        }
        for (title, said) in &summary.findings {
            text += &format!(
                "- **{}.** {}\n",
                markdown::escape(title),
                markdown::escape(said)
            );
        }
    }
    for figure in &overview.figures {
        text += &figure_in_markdown(figure);
    }
    for table in overview.shown(outline) {
        text += &table_in_markdown(table);
    }
    if !overview.tables.is_empty() {
        text += "\n## All settings in one table\n\n";
    }
    for table in &overview.tables {
        text += &format!("- {}: {}\n", table.title, markdown::links(table));
    }
    text
}
