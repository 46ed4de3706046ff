//! `jackpot plugin`: for those who write plugins.
use crate::{progress::bar, study};
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use jackpot_host::{Case, CaseOutcome, Kit, Report, beside_the_binary, conform};
use jackpot_study::Programs;
use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

#[derive(Subcommand)]
pub enum Arguments {
    /// Hold a plugin to the contract, case by case, each in a process of its own
    #[command(
        after_help = "Exit code: 0 every case holds, 1 some do not, 2 could not look. Gradients are those of a \
                      practice function, so that no libtorch is needed."
    )]
    Check(Check),
}

#[derive(clap::Args)]
pub struct Check {
    /// The plugin: a `.so` file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Seconds of its own that an item may take in one case
    #[arg(long, default_value_t = 10.0, value_name = "S", value_parser = study::seconds)]
    seconds: f64,
    /// Cases at the same time; else one per core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=study::MOST_WORKERS))]
    workers: Option<u32>,
    /// Only this item of the plugin
    #[arg(long, value_name = "ID")]
    item: Option<String>,
    /// Only cases whose name holds this
    #[arg(long, value_name = "TEXT")]
    case: Option<String>,
    /// Print one JSON document for machines
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let Arguments::Check(check) = arguments;
    if !check.file.is_file() {
        bail!(
            "`{}`: expected a plugin, a `.so` file; found no file",
            check.file.display()
        );
    }
    if !begins_as_a_library(&check.file)? {
        bail!(
            "`{}`: expected a plugin, a `.so` file; found no library (its first bytes are not those of one)",
            check.file.display()
        );
    }
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let mut server = Programs::of_this_process()?.light_server();
    server.arguments = vec!["__practice".into()];
    let kit = Kit {
        server,
        seconds: check.seconds,
        workers: check.workers.map_or_else(cores, |n| n as usize),
        of_jackpot: of_jackpot()?,
        item: check.item.clone(),
        case: check.case.clone(),
    };
    let bar = bar("{bar:26} {pos} of {len} cases");
    let report = conform(&kit, &check.file, &|done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    if check.json {
        let text = serde_json::to_string_pretty(&report).context("the report as JSON")?;
        println!("{text}");
    } else {
        print(&report);
    }
    Ok(match report.failed() {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(1),
    })
}

/// The sums of the plugins beside this program; `None` if it has none.
fn of_jackpot() -> Result<Vec<String>> {
    let folder = beside_the_binary()?;
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = files.filter(|file| file.path().is_file());
    // What cannot be read is not what is checked.
    let sums = files.filter_map(|file| jackpot_store::Digest::of_file(&file.path()).ok());
    Ok(sums.map(|sum| sum.to_string()).collect())
}

/// Whether it is a file for the loader at all: a damaged library is a plugin's fault, a letter
/// is none.
fn begins_as_a_library(file: &Path) -> Result<bool> {
    let mut first = Vec::new();
    let opened = File::open(file).map(|f| f.take(4).read_to_end(&mut first));
    opened
        .flatten()
        .with_context(|| format!("could not read `{}`", file.display()))?;
    Ok(first == *b"\x7fELF")
}

fn print(report: &Report) {
    if let Some(plugin) = &report.plugin {
        println!(
            "plugin `{}` {} ({}), sha256 {}",
            plugin.name, plugin.version, plugin.license, plugin.sha256
        );
    }
    let mut item = "";
    for case in &report.cases {
        if case.item != item {
            item = &case.item;
            println!("\n`{item}`");
        }
        println!("{}", line(case));
    }
    let held = report.cases.iter().filter(|c| !skipped(c)).count();
    println!(
        "\n{} of {held} cases hold{}",
        held - report.failed(),
        match report.cases.len() - held {
            0 => String::new(),
            n => format!(", {n} do not apply"),
        }
    );
}

fn skipped(case: &Case) -> bool {
    matches!(case.verdict, CaseOutcome::NotApplicable(_))
}

fn line(case: &Case) -> String {
    let (mark, why) = match &case.verdict {
        CaseOutcome::Passed(why) => ("ok  ", why),
        CaseOutcome::Failed(why) => ("FAIL", why),
        CaseOutcome::NotApplicable(why) => ("–   ", why),
    };
    if why.is_empty() {
        format!("  {mark} {}", case.case)
    } else {
        format!("  {mark} {}: {why}", case.case)
    }
}
