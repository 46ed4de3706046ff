//! `jackpot bundle`
use crate::{Places, progress::bar, study};
use anyhow::{Context, Result, bail};
use jackpot_store::{Error, Listing, Packing, Store};
use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Write a study's finished actions and their results as one file
    Export {
        /// The study's name, as it is pinned, or its folder
        study: PathBuf,
        /// `NAME.tar`, or `NAME.tar.zst` for a compressed one
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Take along too what can be computed again: scores, weights, data, checkpoints,
        /// plugins
        #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
        with: Vec<Heavy>,
    },
    /// Verify a bundle and take what it holds into the store
    Import {
        /// As `jackpot bundle export` wrote it
        file: PathBuf,
        /// Replace pins of the same names
        #[arg(long)]
        replace_pins: bool,
    },
    /// Read a bundle to its end: every hash, name and size, and that the actions fit together;
    /// exit 0: it is what it declares, 1: it is not, 2: could not look
    Verify {
        /// As `jackpot bundle export` wrote it
        file: PathBuf,
    },
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Heavy {
    Scores,
    Weights,
    Data,
    Checkpoints,
    Plugins,
}

impl Heavy {
    /// Names of outputs.
    fn outputs(self) -> &'static [&'static str] {
        match self {
            Heavy::Scores => &["scores"],
            Heavy::Weights => &["weights"],
            Heavy::Data => &["train", "test"],
            Heavy::Checkpoints => &["checkpoint"],
            Heavy::Plugins => &[],
        }
    }
}

pub fn run(places: &Places, arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.what {
        What::Export { study, out, with } => export(places, study, out, with)?,
        What::Import { file, replace_pins } => {
            let store = study::store_to_fill(places)?;
            let imported = store.import(file, *replace_pins)?;
            say(file, &imported.listing);
            for key in &imported.diverged {
                println!("divergence of action {key}: the store has another result; both are kept");
            }
            println!(
                "{}: {} actions are new",
                store.root().display(),
                imported.new
            );
        }
        What::Verify { file } => match Store::verify_bundle(file) {
            Ok(listing) => say(file, &listing),
            Err(error @ Error::Bundle { .. }) => {
                eprintln!("problem: {error}");
                return Ok(ExitCode::from(1));
            }
            Err(error) => return Err(error.into()),
        },
    }
    Ok(ExitCode::SUCCESS)
}

fn export(places: &Places, study: &Path, out: &Path, with: &[Heavy]) -> Result<()> {
    let packing = match out.to_string_lossy() {
        name if name.ends_with(".tar") => Packing::Tar,
        name if name.ends_with(".tar.zst") => Packing::Zstd,
        name => bail!("expected a file name that ends with `.tar` or `.tar.zst`, found `{name}`"),
    };
    let store = study::store(places)?;
    let name = study::pinned_name(study)?;
    let mut selection = jackpot_results::selection(&store, &name)?;
    for output in with.iter().flat_map(|what| what.outputs()) {
        selection.without.remove(*output);
    }
    if with.contains(&Heavy::Plugins) {
        for key in &selection.actions {
            let plugin = store.recipe(key)?["plugin"]
                .as_str()
                .map(str::parse::<jackpot_store::Digest>);
            selection.objects.extend(plugin.transpose()?);
        }
    }
    let folder = match out.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let cannot = || format!("could not write `{}`", out.display());
    let mut file = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder)
        .with_context(cannot)?;
    let bar = bar("{bar:26} {bytes} of {total_bytes}, {eta} left");
    let mut sink = BufWriter::new(file.as_file_mut());
    let exported = store.export(&selection, packing, &mut sink, &|done, all| {
        bar.set_length(all);
        bar.set_position(done);
    })?;
    sink.flush().with_context(cannot)?;
    drop(sink);
    bar.finish_and_clear();
    let file = file.persist(out).with_context(cannot)?;
    println!(
        "{}: {} actions, {} objects, {}; {} outputs are left out, named by their sha256",
        out.display(),
        exported.actions,
        exported.objects,
        study::bytes(size(&file)),
        exported.left_out
    );
    Ok(())
}

fn size(file: &File) -> u64 {
    file.metadata().map_or(0, |found| found.len())
}

fn say(file: &Path, listing: &Listing) {
    let pins: Vec<&str> = listing.pins.keys().map(String::as_str).collect();
    println!(
        "{}: {} actions, {} objects, {} hashed, pins: {}",
        file.display(),
        listing.actions.len(),
        listing.objects.len(),
        study::bytes(listing.bytes),
        pins.join(", ")
    );
}
