//! `jackpot list`
use crate::Places;
use anyhow::Result;
use jackpot_data::{Info, Layout};
use jackpot_host::printable;
use jackpot_net::{Family, Precision};
use jackpot_protocol::{Kind, Output, Param, PluginItem};
use jackpot_prune::SelectionRule;
use jackpot_sparse::Isa;
use jackpot_study::{Plugins, Profile, Programs, preset, published_rule, word};
use std::process::ExitCode;

pub fn run(places: &Places) -> Result<ExitCode> {
    let programs = Programs::of_this_process()?;
    let plugins = Plugins::open(&programs, &places.plugins)?;
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
        for item in &plugin.items {
            print_item(item);
            if let Some(first) = plugins.instead_of(plugin, &item.id) {
                println!(
                    "      not used: that of {} comes first",
                    first.path.display()
                );
            }
        }
    }
    for refused in &plugins.refused {
        println!("  left out: {}", printable(&refused.to_string()));
    }
    if plugins.all.is_empty() {
        println!("  none; build them, or name their folder with `--plugins`");
    }
    networks();
    engines();
    data_sets();
    Ok(ExitCode::SUCCESS)
}

fn print_item(item: &PluginItem) {
    let given: Vec<&str> = [
        (item.needs_weights(), "weights"),
        (item.needs_data(), "data"),
        (item.needs_autodiff(), "gradients"),
        (item.needs_rng(), "random numbers"),
        (item.needs_scores(), "scores"),
        (item.needs_donor(), "another ticket's mask"),
        (item.needs_reference(), "the initial weights"),
    ]
    .into_iter()
    .filter_map(|(needed, word)| needed.then_some(word))
    .collect();
    let (output, id, given) = (word(item.output), &item.id, given.join(", "));
    match (item.kind, given.is_empty()) {
        (Kind::Method, true) => println!("    method `{id}` gives {output} from shapes only"),
        (Kind::Method, false) => println!("    method `{id}` gives {output} from {given}"),
        (Kind::Check, true) => println!("    check `{id}` changes {output}"),
        (Kind::Check, false) => println!("    check `{id}` changes {output} with {given}"),
    }
    println!("      {}", item.summary);
    if item.rounds_hint > 1 {
        println!("      works in rounds, {} as published", item.rounds_hint);
    }
    promises(item);
    profiles(item);
    item.params.iter().for_each(print_param);
}

/// What the host verifies of every output.
fn promises(item: &PluginItem) {
    let (mut keeps, mut changes) = (Vec::new(), Vec::new());
    for name in item.promised() {
        match (name, item.output) {
            ("keeps-layer-counts", _) => keeps.push("the layers' counts"),
            ("keeps-total-count", _) => keeps.push("the total"),
            ("keeps-multiset", Output::Images) => keeps.push("the values of each image"),
            ("keeps-multiset", Output::Labels) => keeps.push("the classes' counts"),
            ("keeps-multiset", _) => keeps.push("the values of each layer"),
            ("keeps-kept-multiset", _) => keeps.push("the kept values of each layer"),
            ("nested", _) => keeps.push("what is pruned pruned"),
            ("changes-output", _) => changes.push("something"),
            ("changes-structure", Output::Images) => {
                changes.push("the values of pixel rows and columns");
            }
            ("changes-structure", Output::Labels) => changes.push("which rows share a label"),
            ("changes-structure", Output::Masks) => changes.push("the layers' counts"),
            ("changes-structure", Output::Weights) => changes.push("which values are kept"),
            ("changes-structure", _) => changes.push("the order"),
            // How the host may cut the rows: nothing that a reader of results asks for.
            _ => {}
        }
    }
    for (what, promised) in [("keep", keeps), ("change", changes)] {
        if !promised.is_empty() {
            println!("      must {what} {}", promised.join(", "));
        }
    }
}

/// What is different between the presets of an item, beside its own parameters.
fn profiles(item: &PluginItem) {
    let selection = published_rule(&item.id).map_or("", |rule| match rule {
        SelectionRule::PublishedSnip => {
            "; published keeps every score not below the k-th largest, k = int(n * (1 - sparsity)) in doubles, corrected exactly k, rounded half to even"
        }
        SelectionRule::PublishedGrasp => {
            "; published prunes what is above the r-th largest prune score, r = int(n * (1 - (1 - sparsity))) in doubles, one weight fewer than corrected, which keeps exactly k"
        }
        SelectionRule::Exact => "",
    });
    if preset(item, Profile::Published).is_some() {
        println!("      profiles published and corrected{selection}");
    }
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

/// Who can take the steps of a training, and what of it this CPU can.
fn engines() {
    println!("\nengines");
    println!(
        "  libtorch: every network and option, CPU or GPU; a mask costs what the dense net does"
    );
    println!(
        "  sparse: tickets alone, with their kept weights alone, on one core of a CPU a training"
    );
    let here = |class: &str| -> Vec<String> {
        let every = [Precision::F32, Precision::Bf16].into_iter();
        let able = every.filter(|precision| Isa::of_class(class, *precision).is_ok());
        able.map(|p| format!("{} on {class}", p.name())).collect()
    };
    let able = [here("cpu-avx2"), here("native-avx512")].concat();
    if able.is_empty() {
        println!("    here: nothing, it needs a CPU with AVX2 and FMA");
    } else {
        println!("    here: {}", able.join(", "));
    }
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
    let place = if info.embedded {
        "built in"
    } else {
        "from files: `folder = \"…\"`"
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
