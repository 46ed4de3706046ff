//! `jackpot probe STUDY`
use crate::{
    Places,
    progress::Display,
    studies::run::{report, stop_on_signals},
    study,
};
use anyhow::{Context, Result};
use jackpot_store::Store;
use jackpot_study::{OutputFormat, Probe, ProbeResult, Programs, RunOptions, RunSummary, Study};
use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Instant,
};

#[derive(clap::Args)]
pub struct Arguments {
    /// A folder, a study file, or the name of a folder under `reports/`
    study: PathBuf,
    #[command(flatten)]
    workers: study::Workers,
    /// Instead of the study's own, e.g. `0.9,0.98`
    #[arg(long, value_name = "S,S,…", value_delimiter = ',')]
    sparsity: Vec<String>,
    /// Print JSON: the content of `pins/NAME.probe.json`
    #[arg(long)]
    json: bool,
}

pub fn run(places: &Places, arguments: &Arguments) -> Result<ExitCode> {
    let start = Instant::now();
    let found = study::find(&arguments.study)?;
    let asked = Study::load(&found)?;
    let (name, folder) = (asked.name.clone(), asked.folder.clone());
    let (programs, plugins, libtorch) = study::tools(places)?;
    let probe = jackpot_study::probe(asked, &plugins, &libtorch, &arguments.sparsity)
        .with_context(|| found.display().to_string())?;
    let store = study::store_to_run(places)?;
    let (finish, probed) = answer(&probe, &store, &programs, arguments)?;
    let Some(probed) = probed else {
        return Ok(report(&finish));
    };
    if arguments.json {
        println!("{:#}", probed.to_value()?);
    } else {
        print(&probed);
    }
    let drawn = write(&probed, &name, &folder, &store, places)?;
    eprintln!(
        "{name}: {} masks, {} compared; {} actions ran, {} failed; {}; tables in {}{drawn}",
        probed.masks.len(),
        probed.comparisons.len(),
        finish.ran,
        finish.failures.len(),
        study::duration(start.elapsed().as_secs_f64()),
        folder.join("probe").display()
    );
    Ok(report(&finish))
}

/// Makes every mask and measures them; no answer if it was interrupted.
fn answer(
    probe: &Probe,
    store: &Store,
    programs: &Programs,
    arguments: &Arguments,
) -> Result<(RunSummary, Option<ProbeResult>)> {
    let options = RunOptions {
        workers: arguments.workers.count(),
        // A probe has a pin of its own.
        replace_pin: false,
        declare: false,
    };
    let stop = stop_on_signals()?;
    let mut whole = RunSummary::default();
    let mut made = Vec::new();
    for part in &probe.parts {
        let display = Display::new(&part.plan);
        let done = jackpot_study::make(part, store, programs, options, &stop, &|event| {
            display.event(event);
        });
        display.close();
        let (finish, masks) = done?;
        made.push(masks);
        whole.ran += finish.ran;
        whole.failures.extend(finish.failures);
        whole.blocked.extend(finish.blocked);
        whole.interrupted |= finish.interrupted;
    }
    if whole.interrupted {
        return Ok((whole, None));
    }
    let probed = jackpot_study::measure(probe, &made, store)?;
    Ok((whole, Some(probed)))
}

fn print(probed: &ProbeResult) {
    println!("{} of width {}\n", probed.network, probed.width);
    for table in probed.tables() {
        println!("{}", table.format(OutputFormat::Text));
    }
    for left_out in &probed.left_out {
        println!("left out `{}`: {}", left_out.ticket, left_out.why);
    }
}

/// Writes tables beside the study, and has the figure drawn; says where that is.
fn write(
    probed: &ProbeResult,
    name: &str,
    folder: &Path,
    store: &Store,
    places: &Places,
) -> Result<String> {
    let probe = folder.join("probe");
    std::fs::create_dir_all(&probe).with_context(|| probe.display().to_string())?;
    let put = |file: &str, text: &str| {
        let path = probe.join(file);
        std::fs::write(&path, text).with_context(|| path.display().to_string())
    };
    put("README.md", &page(probed, name))?;
    for (file, text) in probed.csv() {
        put(file, &text)?;
    }
    draw(folder, store, places)
}

fn page(probed: &ProbeResult, name: &str) -> String {
    let mut text = format!(
        "# {name}: what masks alone say\n\n{} of width {}; {}, libtorch {}; `study.toml` is sha256 `{}`. \
         Made by `jackpot probe {name}` without training.\n\n![the probe](probe.svg)\n\n",
        probed.network, probed.width, probed.device_class, probed.libtorch, probed.study
    );
    for table in probed.tables() {
        text += &table.format(OutputFormat::Markdown);
        text.push('\n');
    }
    for left_out in &probed.left_out {
        text += &format!("Left out: `{}`, for {}.\n", left_out.ticket, left_out.why);
    }
    text
}

/// The figure is the report program's: this one draws nothing.
fn draw(folder: &Path, store: &Store, places: &Places) -> Result<String> {
    let program = std::env::current_exe()
        .context("cannot find the running program")?
        .with_file_name("jackpot-report");
    if !program.is_file() {
        return Ok(format!(
            "; no figure: expected {} (`cargo build --release -p jackpot-report`)",
            program.display()
        ));
    }
    let root = places.store.as_deref().unwrap_or(store.root());
    let status = Command::new(&program)
        .arg(folder)
        .args(["--probe", "--store"])
        .arg(root)
        .stdout(std::process::Stdio::null())
        .status()
        .with_context(|| program.display().to_string())?;
    Ok(if status.success() {
        "; figure in probe.svg and probe.png".to_owned()
    } else {
        format!("; no figure: {} failed", program.display())
    })
}
