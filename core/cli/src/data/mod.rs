//! `jackpot data`: what data sets there are, whether one is whole, and fetching one.
mod fetch;
mod unpack;

use crate::{offers::list, progress::bar};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use jackpot_data::{Layout, OpenOptions, RowOrder, remotes};
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the data sets, with their licences and addresses
    List,
    /// Hash a data set's files and read every image; exit 2 and the file's name if one is wrong
    Verify(Verify),
    /// Download a published data set, check it and unpack it
    Fetch(Fetch),
}

#[derive(Args)]
struct Verify {
    /// As `jackpot data list` names it
    name: String,
    /// Folder of the files, as a study's `data.folder`
    #[arg(long)]
    folder: Option<PathBuf>,
    /// The folder holds a part of the published set
    #[arg(long)]
    partial: bool,
    /// Order of the rows, as a study's `data.order`; `canonical` reads CIFAR-10 from class
    /// folders of PNG images too, and prints the sum that recipes name
    #[arg(long, default_value = "stored")]
    order: RowOrder,
}

#[derive(Args)]
struct Fetch {
    /// As `jackpot data list` names it
    name: String,
    /// Folder to put it in; a download that was cut off there is gone on with
    #[arg(long)]
    to: PathBuf,
    /// Address of a folder that holds the same files, instead of the published one
    #[arg(long, value_name = "URL")]
    mirror: Option<String>,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.command {
        Command::List => list_sets(),
        Command::Verify(verify) => verify_set(verify)?,
        Command::Fetch(fetch) => fetch_set(fetch)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list_sets() {
    for info in jackpot_data::list() {
        println!("{}", list::data_set(info));
        match remotes(info.name) {
            Ok(files) => {
                for file in files {
                    println!("    {}{} ({} bytes)", file.folder, file.name, file.bytes);
                }
            }
            Err(why) => println!("    {why}"),
        }
    }
}

fn verify_set(asked: &Verify) -> Result<()> {
    let access = OpenOptions {
        folder: asked.folder.as_deref(),
        partial: asked.partial,
        order: asked.order,
        sums: None,
    };
    let source = jackpot_data::open_as(&asked.name, &access)?;
    let bar = bar("{bar:30} {pos} of {len} images, {eta} left");
    jackpot_data::verify(&source, &mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    for file in source.named() {
        let hex: String = file.sha256.iter().map(|b| format!("{b:02x}")).collect();
        println!("{hex}  {}  {} bytes", file.name, file.bytes);
    }
    let info = &source.info;
    let [channels, height, width] = info.image;
    let shape = match info.layout {
        Layout::ImageFolder => "of JPEG and PNG".to_owned(),
        _ => format!("of {channels}×{height}×{width}"),
    };
    println!(
        "{}: {} training and {} test images {shape}, {} classes: whole",
        info.name, info.train_rows, info.test_rows, info.classes
    );
    Ok(())
}

fn fetch_set(asked: &Fetch) -> Result<()> {
    let files = remotes(&asked.name)?;
    let info = jackpot_data::info(&asked.name)?;
    eprintln!("{}: {}", info.name, info.licence);
    let agent = fetch::agent();
    let mut folder = asked.to.clone();
    for remote in &files {
        if let Some(top) = remote.unpacks_to {
            folder = asked.to.join(top);
            // It appeared when all of it had been unpacked.
            if folder.is_dir() {
                continue;
            }
        }
        let from = match &asked.mirror {
            Some(url) => format!("{}/", url.trim_end_matches('/')),
            None => remote.folder.to_owned(),
        };
        let bar = bar("{msg} {bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left");
        bar.set_length(remote.bytes);
        bar.set_message(remote.name.clone());
        let path = fetch::file(&agent, &from, remote, &asked.to, &mut |have| {
            bar.set_position(have);
        })?;
        bar.finish_and_clear();
        eprintln!(
            "{}: {} bytes, sha256 as published",
            path.display(),
            remote.bytes
        );
        if let Some(top) = remote.unpacks_to {
            unpack::archive(&path, &asked.to, top)?;
            fs::remove_file(&path).with_context(|| format!("`{}`", path.display()))?;
        }
    }
    verified(&asked.name, &folder)
}

/// The fetched set opens as a study would open it.
fn verified(name: &str, folder: &Path) -> Result<()> {
    let source = jackpot_data::open(name, Some(folder))?;
    println!(
        "{name}: {} + {} images; in `[data]` of a study.toml: set = \"{name}\", folder = \"{}\"",
        source.info.train_rows,
        source.info.test_rows,
        std::path::absolute(folder)
            .unwrap_or_else(|_| folder.to_owned())
            .display()
    );
    Ok(())
}
