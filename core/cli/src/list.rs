//! `jackpot list`
use crate::Places;
use anyhow::Result;
use jackpot_data::{Info, Layout};
use jackpot_host::{Item, Kind, Param};
use jackpot_net::Family;
use jackpot_study::{Plugins, Programs, word};
use std::process::ExitCode;

pub fn run(places: &Places) -> Result<ExitCode> {
    let programs = Programs::of_this_process()?;
    let plugins = Plugins::open(&programs, places.plugins.as_deref())?;
    println!("plugins");
    for plugin in &plugins.all {
        println!(
            "  {} {} ({}), {}, sha256 {}",
            plugin.name,
            plugin.version,
            plugin.license,
            plugin.path.display(),
            &plugin.sha256[..16.min(plugin.sha256.len())]
        );
        plugin.items.iter().for_each(print_item);
    }
    if plugins.all.is_empty() {
        println!("  none; build them, or name their folder with `--plugins`");
    }
    networks();
    data_sets();
    Ok(ExitCode::SUCCESS)
}

fn print_item(item: &Item) {
    let kind = match item.kind {
        Kind::Method => "method",
        Kind::Check => "check",
    };
    let mut given = Vec::new();
    for (needed, word) in [
        (item.needs_weights(), "weights"),
        (item.needs_data(), "data"),
        (item.needs_autodiff(), "gradients"),
        (item.needs_rng(), "random numbers"),
    ] {
        if needed {
            given.push(word);
        }
    }
    let given = match given.is_empty() {
        true => "shapes only".to_owned(),
        false => given.join(", "),
    };
    let output = word(item.output);
    println!("    {kind} `{}` gives {output} from {given}", item.id);
    println!("      {}", item.summary);
    item.params.iter().for_each(print_param);
}

fn print_param(param: &Param) {
    let range = match (
        param.choices.is_empty(),
        param.min == 0.0 && param.max == 0.0,
    ) {
        (false, _) => format!(", one of {}", param.choices.join(", ")),
        (true, false) => format!(", {} to {}", param.min, param.max),
        (true, true) => String::new(),
    };
    println!(
        "      {} = {}{range}: {}",
        param.name, param.default, param.doc
    );
}

fn networks() {
    println!("\nnetworks");
    for family in Family::ALL {
        let facts = family.facts();
        let [channels, height, width] = facts.input;
        println!(
            "  {}: {}, made for {} classes of {channels}×{height}×{width}; names as in {}",
            facts.name, facts.title, facts.classes, facts.code
        );
        println!("    depth {}", facts.depths);
        println!("    width {} as published: {}", facts.width, facts.width_is);
        if family == Family::Wrn {
            println!("    widen: the widen factor, instead of the width");
        }
        if family.has_block() {
            println!(
                "    block = published: basic, bottleneck (9n+2 layers) from depth 54; or one of the two"
            );
        }
        if family.has_stem() {
            println!("    stem = imagenet as published, or small for small images");
        }
    }
    println!(
        "  all: activation relu, tanh or softplus; any number of channels and classes\n  `jackpot describe NETWORK` shows the layers"
    );
}

fn data_sets() {
    println!("\ndata sets");
    for info in jackpot_data::list() {
        println!("{}", data_set(info));
    }
    println!("    options: resize, crop, pad_to, train_subset, partial, memory_mb");
}

/// What a data set is, in lines.
pub fn data_set(info: &Info) -> String {
    let [channels, height, width] = info.image;
    let place = match info.embedded {
        true => "built in",
        false => "from files: `folder = \"…\"`",
    };
    let images = match info.layout {
        Layout::ImageFolder => "as many images and classes as the folder holds".to_owned(),
        _ => format!(
            "{} + {} images of {channels}×{height}×{width}, {} classes",
            info.train_rows, info.test_rows, info.classes
        ),
    };
    format!(
        "  {}: {}\n    {images}, {place}; licence: {}",
        info.name, info.summary, info.licence
    )
}
