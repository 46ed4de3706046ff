//! `index.html`: the report as one file that needs no network.
//!
//! Its content security policy admits the one style and the one script in the file by their sha256,
//! and embedded images, and nothing else. A click on a number opens the runs from which it was
//! computed.

use super::provenance::Provenance;
use crate::figures::Figure;
use crate::model::analysis::headlines::Headline;
use crate::model::format::six_decimals;
use crate::model::grid::Grid;
use crate::model::settings;
use crate::model::summary::{count, failures};
use crate::page::overview::SettingsOverview;
use crate::tables::table::{ColumnKind, Section, Table};
use crate::tables::value::Entry;
use crate::{Error, LOCK};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jackpot_results::Outline;
use jackpot_store::Digest;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("page.js");

/// The whole page of a study or of one of its settings. Each figure comes with the bytes of its PNG
/// file.
pub(crate) fn page(
    grid: &Grid<'_>,
    tables: &[Table],
    figures: &[(&Figure, &[u8])],
) -> Result<Vec<u8>, Error> {
    let provenance = Provenance::new(grid);
    let json = json(&provenance)?;
    let title = &grid.outline.title;
    let findings = &grid.findings.headlines;
    let shown: Vec<&Table> = tables.iter().filter(|t| t.is_shown()).collect();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body {
                a.skip href="#content" { "Skip to the content" }
                header {
                    h1 { (title) }
                    nav aria-label="Contents" { ul {
                        @if !findings.is_empty() { li { a href="#findings" { "Findings" } } }
                        li { a href="#study" { "The study" } }
                        @for (figure, _) in figures {
                            li { a href={ "#figure-" (figure.name) } { (figure.title) } }
                        }
                        @for table in &shown {
                            li { a href={ "#table-" (table.name) } { "Table: " (table.title) } }
                        }
                        li { a href="#check" { "How to check a number" } }
                    } }
                }
                main #content {
                    @if !findings.is_empty() { (found(findings, &provenance)) }
                    (study(grid))
                    @for (drawn, png) in figures { (figure(drawn, png)) }
                    @for table in &shown { (table_section(table, &provenance)) }
                    (check(grid))
                }
                (dialog())
                script #provenance type="application/json" { (PreEscaped(json)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    Ok(page.into_string().into_bytes())
}

/// The page of a study with several settings: the facts and means of each setting, a link to its
/// own page, and the tables and figures that compare settings.
pub(crate) fn overview(
    overview: &SettingsOverview<'_, '_>,
    outline: &Outline,
    figures: &[(&Figure, &[u8])],
) -> Result<Vec<u8>, Error> {
    let title = &outline.title;
    let shown = overview.shown(outline);
    let findings = &overview.findings;
    let provenance = Provenance::of_settings(overview.grids, &shown, findings);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body {
                header { h1 { (title) } }
                main {
                    p { "The same tickets and checks in several settings, each with a page of its own." }
                    @if !findings.is_empty() { (found(findings, &provenance)) }
                    @for summary in &overview.summaries {
                        section {
                            h2 { a href={ (summary.folder) "index.html" } { (summary.title) } }
                            dl.facts {
                                @for (name, value) in &summary.facts { dt { (name) } dd { (inline(value)) } }
                            }
                            ul { @for line in &summary.lines { li { (line) } } }
                            @if !summary.findings.is_empty() {
                                h3 { a href={ (summary.folder) "index.html#findings" } { "Findings" } }
                                ul.findings {
                                    @for (title, text) in &summary.findings {
                                        li { em { (inline(title)) } ". " (inline(text)) }
                                    }
                                }
                            }
                        }
                    }
                    @for (drawn, png) in figures { (figure(drawn, png)) }
                    @for table in &shown { (table_section(table, &provenance)) }
                    @if !overview.tables.is_empty() {
                        section #together aria-labelledby="together-title" {
                            h2 #together-title { "All settings in one table" }
                            ul { @for table in &overview.tables { li { (table.title) ": " (links(table)) } } }
                        }
                    }
                    p { a href=(LOCK) { (LOCK) } " lists every file with its sha256." }
                }
                @if !shown.is_empty() || !findings.is_empty() {
                    (dialog())
                    script #provenance type="application/json" { (PreEscaped(json(&provenance)?)) }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        }
    };
    Ok(page.into_string().into_bytes())
}

fn json(provenance: &Provenance) -> Result<String, Error> {
    provenance.json().map_err(|e| Error::Draw {
        output: "index.html".into(),
        message: e.to_string(),
    })
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy());
            meta name="viewport" content="width=device-width, initial-scale=1";
            title { (title) }
            style { (PreEscaped(STYLE)) }
        }
    }
}

/// The content security policy: the browser fetches nothing and runs no other script.
fn policy() -> String {
    let hash = |text: &str| BASE64.encode(Digest::of(text.as_bytes()).0);
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; \
         base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

/// The findings. A click on one of their numbers opens its runs.
fn found(findings: &[Headline], provenance: &Provenance) -> Markup {
    html! {
        section #findings aria-labelledby="findings-title" {
            h2 #findings-title { "Findings" }
            ul.findings {
                @for finding in findings {
                    li {
                        em { (inline(&finding.title)) } ". "
                        @for piece in &finding.pieces {
                            @let runs = provenance.places(&piece.sources);
                            @if runs.is_empty() { (inline(&piece.text)) }
                            @else {
                                button.from type="button" aria-haspopup="dialog" data-runs=(runs)
                                    data-of=(piece.subject) { (piece.text) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn study(grid: &Grid<'_>) -> Markup {
    html! {
        section #study aria-labelledby="study-title" {
            h2 #study-title { "The study" }
            dl.facts {
                @for (name, value) in settings::facts(grid.outline, grid.results) {
                    dt { (name) }
                    dd { (inline(&value)) }
                }
            }
            p { (count(grid)) }
            @let failures = failures(grid);
            @if !failures.is_empty() {
                ul { @for failure in &failures { li { (inline(failure)) } } }
            }
        }
    }
}

fn figure(figure: &Figure, png: &[u8]) -> Markup {
    let id = format!("figure-{}", figure.name);
    let title = format!("{id}-title");
    html! {
        section id=(id) aria-labelledby=(title) {
            h2 id=(title) { (figure.title) }
            figure {
                img src={ "data:image/png;base64," (BASE64.encode(png)) } width="680"
                    alt={ (figure.title) ". " (figure.caption) };
                figcaption {
                    (inline(&figure.caption)) " "
                    @for (i, (ending, name)) in figure.formats().iter().enumerate() {
                        @if i > 0 { ", " }
                        a href={ "figures/" (figure.name) "." (ending) } { (name) }
                    }
                    "; inputs " code { (figure.inputs) }
                }
            }
        }
    }
}

fn table_section(table: &Table, provenance: &Provenance) -> Markup {
    let id = format!("table-{}", table.name);
    let title = format!("{id}-title");
    html! {
        section id=(id) aria-labelledby=(title) {
            h2 id=(title) { "Table: " (table.title) }
            @for paragraph in &table.about { p { (inline(paragraph)) } }
            @for (i, section) in table.sections.iter().enumerate() {
                (rows(section, &format!("{id}-{}", i + 1), provenance))
            }
            p.quiet { (links(table)) "; inputs " code { (table.inputs) } }
        }
    }
}

/// Links to the files of a table.
fn links(table: &Table) -> Markup {
    html! {
        @for (i, (ending, name)) in FORMATS.iter().enumerate() {
            @if i > 0 { ", " }
            a href={ "tables/" (table.name) "." (ending) } { (name) }
        }
    }
}

const FORMATS: [(&str, &str); 4] = [
    ("md", "Markdown"),
    ("tex", "LaTeX"),
    ("csv", "CSV"),
    ("parquet", "Parquet"),
];

/// The rows of a section. A wide table scrolls in its own box, which can be reached with the
/// keyboard.
fn rows(section: &Section, id: &str, provenance: &Provenance) -> Markup {
    let number = |kind: ColumnKind| (!kind.is_text()).then_some("number");
    let first = section.shown().next().map(|(i, ..)| i);
    html! {
        div.scroll role="region" tabindex="0" aria-labelledby=(id) {
            table {
                caption id=(id) { (section.heading) }
                thead { tr {
                    @for (_, title, kind) in section.shown() {
                        th scope="col" aria-sort="none" class=[number(kind)] {
                            button.sort type="button" { (title) }
                        }
                    }
                } }
                tbody {
                    @for row in &section.rows {
                        tr {
                            @for (i, _, kind) in section.shown() {
                                @let entry = &row[i];
                                @if Some(i) == first {
                                    th scope="row" { (value(entry, provenance)) }
                                } @else {
                                    td class=[class(kind)] data-value=[entry.value.sort_key().map(six_decimals)] {
                                        (value(entry, provenance))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn class(kind: ColumnKind) -> Option<&'static str> {
    match kind {
        ColumnKind::Text => None,
        ColumnKind::Notes => Some("notes"),
        _ => Some("number"),
    }
}

/// The value of an entry, as a button that shows its runs if it was computed from any.
fn value(entry: &Entry, provenance: &Provenance) -> Markup {
    let text = entry.value.format();
    let runs = provenance.places(&entry.sources);
    html! {
        @if runs.is_empty() || text.is_empty() { (text) }
        @else {
            button.from type="button" aria-haspopup="dialog" data-runs=(runs) { (text) }
        }
    }
}

fn check(grid: &Grid<'_>) -> Markup {
    let name = &grid.outline.name;
    let part = settings::folder(grid.outline);
    let up = if part.is_empty() { "" } else { "../" };
    html! {
        section #check aria-labelledby="check-title" {
            h2 #check-title { "How to check a number" }
            ul {
                li { "A number in a finding or a table opens the runs that it came from: their recipes, hashes "
                     "and seeds, and the commands that check them." }
                li { code { "jackpot audit --deep" } " hashes every object of the store again and names "
                     "what does not fit." }
                li { code { "cargo xtask report " (name) " --check" } " draws this folder again "
                     "and compares every byte." }
                li { a href={ (up) (LOCK) } { (LOCK) } " lists each file with its own sha256 and the "
                     "results it was drawn from; " code { "jackpot audit reports/" (name) "/" (part) "README.md" }
                     ", or any other file, follows them back to keys, data and plugins; " a href="tables/runs.csv" { "tables/runs.csv" } " lists every "
                     "run with its digests; " a href="README.md" { "README.md" } " is this page "
                     "as Markdown." }
            }
        }
    }
}

fn dialog() -> Markup {
    html! {
        dialog #from aria-labelledby="from-title" {
            button.close type="button" { "Close" }
            h2 #from-title { "Provenance" }
            div.body {}
        }
    }
}

/// Text with Markdown's `*emphasis*` and code between backticks; everything else is text.
fn inline(text: &str) -> Markup {
    let mut out = Vec::new();
    for (i, part) in text.split('`').enumerate() {
        if i % 2 == 1 {
            out.push(html! { code { (part) } });
            continue;
        }
        // An unpaired star is printed as a star.
        let pairs = part.matches('*').count() % 2 == 0;
        if !pairs {
            out.push(html! { (part) });
            continue;
        }
        for (i, part) in part.split('*').enumerate() {
            out.push(html! { @if i % 2 == 1 { em { (part) } } @else { (part) } });
        }
    }
    html! { @for part in out { (part) } }
}

#[cfg(test)]
mod tests {
    use super::{inline, policy};

    #[test]
    fn inline_text_is_escaped() {
        let html = inline("*n* of `a<b` & <script>").into_string();
        assert_eq!(
            html,
            "<em>n</em> of <code>a&lt;b</code> &amp; &lt;script&gt;"
        );
        assert_eq!(inline("lr*").into_string(), "lr*");
    }

    #[test]
    fn the_policy_lets_nothing_in_but_what_it_names() {
        let policy = policy();
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}
