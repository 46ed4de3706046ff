//! Compiles the tables with a real LaTeX (Debian's packages `texlive-latex-base` and
//! `texlive-latex-recommended`).

#![allow(clippy::unwrap_used)] // helpers of tests, too, may unwrap

mod synthetic;

use jackpot_report::{ReportFiles, render, write_report};
use jackpot_results::Outline;
use std::fs;
use std::path::Path;
use std::process::Command;
use synthetic::{outline, results};

/// Compiles one document with every table. Returns the log of pdflatex, also if it fails.
fn compile(folder: &Path, files: &ReportFiles) -> Result<String, String> {
    write_report(folder, files).unwrap();
    let tables = files.keys().filter(|name| name.ends_with(".tex"));
    let inputs: String = tables.map(|name| format!("\\input{{{name}}}\n")).collect();
    let document = format!(
        "\\documentclass{{article}}\n\\usepackage{{booktabs}}\n\\usepackage{{graphicx}}\n\
         \\begin{{document}}\n{inputs}\\end{{document}}\n"
    );
    fs::write(folder.join("all.tex"), document).unwrap();
    let output = Command::new("pdflatex")
        .args([
            "-interaction=nonstopmode",
            "-halt-on-error",
            "-no-shell-escape",
            "all.tex",
        ])
        .current_dir(folder)
        .output()
        .expect("pdflatex starts: install Debian's texlive-latex-recommended");
    let log = fs::read_to_string(folder.join("all.log")).unwrap_or_default();
    if output.status.success() {
        Ok(log)
    } else {
        Err(log)
    }
}

/// Every character with a special meaning in LaTeX, and characters for which its fonts have no
/// glyph.
const HOSTILE: &str = r#"SNIP & 50 % of $x_i$ #1 {a}~b^2 \end{tabular} <c> |d| "e" 'f' `g` – −1 ± 2 × 3 … é ρ 雪 [h]"#;

fn hostile() -> Outline {
    let mut outline = outline();
    outline.title = format!("Study {HOSTILE}");
    outline.tickets[2].title = HOSTILE.into();
    outline.checks[0].title = format!("[1ex] {HOSTILE}");
    outline
}

#[test]
fn all_tables_of_a_study_compile_in_one_document() {
    let folder = tempfile::tempdir().unwrap();
    let log = compile(folder.path(), &render(&hostile(), &results()).unwrap());
    let log = log.unwrap_or_else(|log| panic!("{log}"));
    assert!(log.contains("Output written on all.pdf"), "{log}");
    for wrong in [
        "Missing character",
        "Overfull",
        "Undefined",
        "multiply defined",
        "too large",
    ] {
        assert!(!log.contains(wrong), "{wrong}: {log}");
    }
    if let Some(place) = std::env::var_os("JACKPOT_DRAW_TO") {
        fs::copy(
            folder.path().join("all.pdf"),
            Path::new(&place).join("all.pdf"),
        )
        .unwrap();
    }
}

/// The test above would notice a single character that is not escaped.
#[test]
fn a_character_that_is_not_escaped_is_seen() {
    let mut files = render(&hostile(), &results()).unwrap();
    let table = String::from_utf8(files["tables/accuracy.tex"].clone()).unwrap();
    let bent = table.replacen("Dense", "De_nse", 1);
    assert_ne!(table, bent);
    files.insert("tables/accuracy.tex".into(), bent.into_bytes());
    let folder = tempfile::tempdir().unwrap();
    let log = compile(folder.path(), &files).unwrap_err();
    assert!(log.contains("Missing $ inserted"), "{log}");
}
