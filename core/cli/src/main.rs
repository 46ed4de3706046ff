//! `jackpot`: plans, runs and inspects studies, and runs single steps by hand.
//!
//! Every command is one file; the work is done by the libraries.
//!
//! **Invariant**: this program never links libtorch and, except as the hidden `__serve` and
//! `__practice`, never loads a plugin: it starts `jackpot-worker` or itself afresh.

#[macro_use]
mod output;

mod by_hand;
mod data;
mod network;
mod offers;
mod progress;
mod store;
mod studies;
mod study;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use jackpot_host::printable;
use offers::{describe, list, plugin};
use std::{
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
};
use store::{audit, bundle, diff, export, gc, import, pin, show, tensorboard};
use studies::{explain, plan, probe, report, run};

/// Sanity checks of neural-network pruning methods.
#[derive(Parser)]
#[command(name = "jackpot", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    places: Places,
    #[command(subcommand)]
    command: Command,
}

/// Where things are.
#[derive(Args)]
pub struct Places {
    /// Folder of results; else $JACKPOT_STORE, else `artifacts/` of the nearest parent folder
    /// that has one
    #[arg(long, global = true, value_name = "FOLDER")]
    pub store: Option<PathBuf>,
    /// Folder of plugins, beside those of $JACKPOT_PLUGINS (separated by `:`) and `plugins/` beside
    /// this program (can be repeated). Where two offer one id, a folder given here comes before
    /// $JACKPOT_PLUGINS, that before this program's own, and the first named before the next
    #[arg(long, global = true, value_name = "FOLDER")]
    pub plugins: Vec<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Say what a study would do: actions cached, to run, shared; time and disk
    Plan(plan::Arguments),
    /// Run a study, or what is left of it
    Run(run::Arguments),
    /// Draw a study's tables, figures and page from what its runs gave
    Report(report::Arguments),
    /// Answer from masks alone, without training: dependence on data, allocation, collapse
    Probe(probe::Arguments),
    /// List plugins, networks and data sets, with their parameters
    List,
    /// Hold a plugin of your own to the contract
    #[command(subcommand)]
    Plugin(plugin::Arguments),
    /// Show a network's layers: shapes, weights, multiply-adds and totals
    Describe(describe::Arguments),
    /// List, verify or fetch data sets
    Data(data::Arguments),
    /// Show an action or object by the first digits of its sha256
    Show(show::Arguments),
    /// Write the curves of a study's trainings as TensorBoard's event files
    Tensorboard(tensorboard::Arguments),
    /// Verify the store, or tell and verify where a number came from; exit 1: something is wrong
    Audit(audit::Arguments),
    /// Say why an action or run is cached or not, field by field
    Explain(explain::Arguments),
    /// Compare two trainings: recipes, metrics, kept weights, overlap of their masks
    Diff(diff::Arguments),
    /// Say what no pin and no report needs any more; remove it with `--apply`
    Gc(gc::Arguments),
    /// List pins; keep actions and objects from `gc`, or let them go
    Pin(pin::Arguments),
    /// Write, verify or take in a study's results as one file
    Bundle(bundle::Arguments),
    /// Score a network's weights with one method
    Score(by_hand::score::Arguments),
    /// Make a mask with one method and one allocation
    Mask(by_hand::mask::Arguments),
    /// Say how many weights an allocation keeps in each layer
    Allocate(by_hand::allocate::Arguments),
    /// Apply a check to a mask, scores, weights or data
    Check(by_hand::check::Arguments),
    /// Give the logits of a batch, and take a few training steps on it
    Steps(by_hand::steps::Arguments),
    /// Take a PyTorch state_dict into the store
    Import(import::Arguments),
    /// Write a mask or checkpoint of the store as PyTorch loads it
    Export(export::Arguments),
    #[command(name = "__serve", hide = true)]
    Serve { folder: PathBuf },
    #[command(name = "__practice", hide = true)]
    MockAutodiff { folder: PathBuf },
}

fn main() -> ExitCode {
    let cli: Cli = output::command_line();
    if !matches!(
        cli.command,
        Command::Serve { .. } | Command::MockAutodiff { .. }
    ) {
        end_with_the_reader();
        fail_at_the_limit();
    }
    let places = &cli.places;
    let done: Result<ExitCode> = match &cli.command {
        Command::Plan(arguments) => plan::run(places, arguments),
        Command::Run(arguments) => run::run(places, arguments),
        Command::Report(arguments) => report::run(places, arguments),
        Command::Probe(arguments) => probe::run(places, arguments),
        Command::List => list::run(places),
        Command::Plugin(arguments) => plugin::run(arguments),
        Command::Describe(arguments) => describe::run(arguments),
        Command::Data(arguments) => data::run(arguments),
        Command::Show(arguments) => show::run(places, arguments),
        Command::Tensorboard(arguments) => tensorboard::run(places, arguments),
        Command::Audit(arguments) => audit::run(places, arguments),
        Command::Explain(arguments) => explain::run(places, arguments),
        Command::Diff(arguments) => diff::run(places, arguments),
        Command::Gc(arguments) => gc::run(places, arguments),
        Command::Pin(arguments) => pin::run(places, arguments),
        Command::Bundle(arguments) => bundle::run(places, arguments),
        Command::Score(arguments) => by_hand::score::run(places, arguments),
        Command::Mask(arguments) => by_hand::mask::run(places, arguments),
        Command::Allocate(arguments) => by_hand::allocate::run(places, arguments),
        Command::Check(arguments) => by_hand::check::run(places, arguments),
        Command::Import(arguments) => import::run(places, arguments),
        Command::Export(arguments) => export::run(places, arguments),
        Command::Steps(arguments) => by_hand::steps::run(places, arguments),
        Command::Serve { folder } => Ok(jackpot_host::serve_main(folder)),
        Command::MockAutodiff { folder } => Ok(jackpot_host::serve_mock_autodiff(folder)),
    };
    for lack in jackpot_store::lacks() {
        eprintln!("note: {lack}");
    }
    done.unwrap_or_else(|error| {
        // A message may quote a file, a plugin or an argument.
        eprintln!("error: {}", printable(&format!("{error:#}")));
        ExitCode::from(2)
    })
}

/// `jackpot list | head` ends when `head` does, as every program does, instead of failing to
/// print. A study's finished work is in the store by then.
fn end_with_the_reader() {
    let always = Arc::new(AtomicBool::new(true));
    let code = 128 + signal_hook::consts::SIGPIPE;
    // Where it cannot be had, printing fails aloud: nothing is lost by going on.
    let _ = signal_hook::flag::register_conditional_shutdown(
        signal_hook::consts::SIGPIPE,
        code,
        always,
    );
}

/// A file that may not grow (`ulimit -f`) is an error of writing with its own words, not the end
/// of the program.
fn fail_at_the_limit() {
    let met = Arc::new(AtomicBool::new(false));
    // Where it cannot be had, the program ends at the limit: nothing finished is lost.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, met);
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
