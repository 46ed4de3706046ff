//! Tables in LaTeX: a `table` float with the rules of booktabs for each section.
//!
//! The file is included with `\input` in a document that loads booktabs and graphicx. A table that
//! is too wide is shrunk to the line. Long notes stand below the table, each with a letter.

use crate::model::format;
use crate::tables::table::{ColumnKind, Section, Table};
use crate::tables::value::Entry;
use jackpot_results::Outline;
use std::fmt::Write;

/// The file of one table.
pub(crate) fn file(table: &Table, outline: &Outline) -> String {
    let mut text = format!(
        "% {}: {}. Written by the report; inputs sha256 {}\n\
         % needs \\usepackage{{booktabs}} and \\usepackage{{graphicx}}\n",
        format::one_line(&outline.title),
        format::one_line(table.title),
        table.inputs
    );
    for (i, section) in table.sections.iter().enumerate() {
        let caption = format!("{}: {}. {}.", outline.title, table.title, section.heading);
        let label = format!("tab:{}:{}:{}", outline.name, table.name, i + 1);
        float(section, &escape(&caption), &label, &mut text);
    }
    text
}

fn float(section: &Section, caption: &str, label: &str, text: &mut String) {
    let mut notes = Notes::default();
    let shown: Vec<_> = section
        .shown()
        .filter(|c| c.2 != ColumnKind::Notes)
        .collect();
    let aside: Vec<usize> = section
        .shown()
        .filter(|c| c.2 == ColumnKind::Notes)
        .map(|c| c.0)
        .collect();
    let alignment: String = shown
        .iter()
        .map(|c| if c.2.is_text() { 'l' } else { 'r' })
        .collect();
    let titles: Vec<_> = shown.iter().map(|c| escape(c.1)).collect();
    let _ = write!(
        text,
        "\n\\begin{{table}}[htbp]\n\\centering\n\\caption{{{caption}}}\\smallskip\n\\label{{{label}}}\n\\small\n\
         \\resizebox{{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}}{{!}}{{%\n\
         \\begin{{tabular}}{{@{{}}{alignment}@{{}}}}\n\\toprule\n{} \\\\\n\\midrule\n",
        line(&titles)
    );
    for row in &section.rows {
        let mut cells: Vec<_> = shown.iter().map(|c| cell(&row[c.0])).collect();
        let letters = notes.of(aside.iter().map(|i| row[*i].value.format()));
        if let (Some(first), false) = (cells.first_mut(), letters.is_empty()) {
            let _ = write!(first, "\\textsuperscript{{{letters}}}");
        }
        let _ = writeln!(text, "{} \\\\", line(&cells));
    }
    text.push_str("\\bottomrule\n\\end{tabular}}\n");
    for (i, note) in notes.0.iter().enumerate() {
        let _ = writeln!(
            text,
            "\\par\\smallskip\\parbox{{\\linewidth}}{{\\footnotesize\\raggedright\\textsuperscript{{{}}} {}}}",
            letter(i),
            escape(note)
        );
    }
    text.push_str("\\end{table}\n");
}

/// The cells of a row. A bracket or a star after `\\\\` or a rule would be taken for its argument.
fn line(cells: &[String]) -> String {
    let before = match cells.first() {
        Some(first) if first.starts_with(['[', '*']) => "{}",
        _ => "",
    };
    before.to_owned() + &cells.join(" & ")
}

/// The distinct notes of a table, in the order of their first row.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn of(&mut self, texts: impl Iterator<Item = String>) -> String {
        let mut letters = Vec::new();
        for text in texts.filter(|t| !t.is_empty()) {
            let known = self.0.iter().position(|n| *n == text);
            let place = known.unwrap_or_else(|| {
                self.0.push(text);
                self.0.len() - 1
            });
            letters.push(letter(place));
        }
        letters.join(",")
    }
}

/// a, b, …, z, aa, ab, …
fn letter(place: usize) -> String {
    let last = char::from(b'a' + (place % 26) as u8);
    match place / 26 {
        0 => last.to_string(),
        more => letter(more - 1) + &last.to_string(),
    }
}

fn cell(entry: &Entry) -> String {
    escape(&entry.value.format())
}

/// Text with every special character as LaTeX prints it. The numbers' minus, plus-minus and the
/// letters of titles go through math mode or inputenc's UTF-8; what pdfLaTeX has no glyph for is
/// shown as its code point, never dropped.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in format::one_line(text).chars() {
        match c {
            '\\' => out += "\\textbackslash{}",
            '~' => out += "\\textasciitilde{}",
            '^' => out += "\\textasciicircum{}",
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', c]),
            '<' => out += "\\textless{}",
            '>' => out += "\\textgreater{}",
            '|' => out += "\\textbar{}",
            '`' => out += "\\textasciigrave{}",
            '-' => out += "-{}",
            '−' => out += "$-$",
            '±' => out += "$\\pm$",
            '×' => out += "$\\times$",
            '·' => out += "$\\cdot$",
            '≤' => out += "$\\le$",
            '≥' => out += "$\\ge$",
            '≈' => out += "$\\approx$",
            '→' => out += "$\\rightarrow$",
            '–' => out += "--",
            '…' => out += "\\ldots{}",
            '\u{a0}' => out += "~",
            c if c.is_ascii() => out.push(c),
            c => out += &greek(c),
        }
    }
    out
}

/// Greek letters in math mode; Latin letters with accents as they are.
fn greek(c: char) -> String {
    const GREEK: [(char, &str); 10] = [
        ('α', "alpha"),
        ('β', "beta"),
        ('γ', "gamma"),
        ('δ', "delta"),
        ('ε', "epsilon"),
        ('λ', "lambda"),
        ('μ', "mu"),
        ('ρ', "rho"),
        ('σ', "sigma"),
        ('τ', "tau"),
    ];
    if let Some((_, name)) = GREEK.iter().find(|(letter, _)| *letter == c) {
        return format!("$\\{name}$");
    }
    if matches!(c, '\u{c0}'..='\u{17e}') && !matches!(c, 'ð' | 'Ð' | 'þ' | 'Þ') {
        return c.to_string();
    }
    format!("[U+{:04X}]", u32::from(c))
}
