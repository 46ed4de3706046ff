//! `jackpot diff A B`
use crate::{Places, store::audit, studies::explain::short, study};
use anyhow::{Result, bail};
use jackpot_results::{RunDiff, diff};
use jackpot_store::{Digest, Found, Store};
use serde_json::json;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Arguments {
    /// A training: the first digits of its key, or a run: `quick/snip/none/0.98/1`
    first: String,
    /// Another one
    second: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(places: &Places, arguments: &Arguments) -> Result<ExitCode> {
    let store = study::store(places)?;
    let (first, second) = (
        training(&store, &arguments.first)?,
        training(&store, &arguments.second)?,
    );
    let found = diff(&store, &first, &second)?;
    if arguments.json {
        println!(
            "{:#}",
            json!({ "first": first, "second": second, "diff": found })
        );
    } else {
        print(&first, &second, &found);
    }
    Ok(ExitCode::SUCCESS)
}

fn training(store: &Store, what: &str) -> Result<Digest> {
    match audit::subject(store, what)? {
        audit::Subject::Store(Found::Action(key)) => Ok(key),
        audit::Subject::Store(Found::Object(digest)) => {
            bail!("`{what}`: expected a training, found the object {digest}")
        }
        audit::Subject::Report(..) => {
            bail!("`{what}`: expected a training, found a file of a report")
        }
    }
}

fn print(first: &Digest, second: &Digest, found: &RunDiff) {
    println!("first   {first}\nsecond  {second}");
    if found.recipes.is_empty() {
        println!("\nrecipes: the same action");
    } else {
        println!("\n{:<34} {:<22} second", "recipe", "first");
    }
    for field in &found.recipes {
        println!(
            "{:<34} {:<22} {}",
            field.field,
            short(field.here.as_deref()),
            short(field.there.as_deref())
        );
    }
    println!(
        "\n{:<34} {:>10} {:>10} {:>10}",
        "metrics", "first", "second", "second − first"
    );
    for pair in &found.metrics {
        println!(
            "{:<34} {:>10.4} {:>10.4} {:>+10.4}",
            pair.name,
            pair.first,
            pair.second,
            pair.second - pair.first
        );
    }
    if found.metrics.is_empty() {
        println!("one of the two diverged: it has no metrics");
    }
    if let Some(rows) = found.rows {
        println!(
            "test rows right                    in both {}, first alone {}, second alone {}, neither {}",
            rows.both, rows.first, rows.second, rows.neither
        );
    }
    print_masks(found);
}

fn print_masks(found: &RunDiff) {
    let (Some(layers), Some(whole)) = (&found.layers, &found.whole) else {
        println!("\nmasks: the two are of different networks");
        return;
    };
    println!(
        "\n{:<34} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "kept weights", "of", "first", "second", "both", "by chance"
    );
    let line = |name: &str, of, first, second, both, chance: f64| {
        println!("{name:<34} {of:>9} {first:>9} {second:>9} {both:>9} {chance:>9.1}");
    };
    for l in layers {
        line(&l.name, l.weights, l.first, l.second, l.both, l.chance);
    }
    let w = whole;
    line("all layers", w.weights, w.first, w.second, w.both, w.chance);
    let share = |n: f64| 100.0 * n / w.first.min(w.second).max(1) as f64;
    println!(
        "overlap {:.2} % of the smaller mask; by chance, the layers' counts given, {:.2} ± {:.2} % (95 %)",
        share(w.both as f64),
        share(w.chance),
        share(w.chance_width)
    );
}
