//! `jackpot describe`: a network's layers with their weights and multiply-adds.
use crate::network::{NetworkOptions, named};
use anyhow::{Context, Result, bail};
use jackpot_net::{Description, Network};
use jackpot_study::{Setting, Study};
use serde_json::json;
use std::{collections::BTreeMap, path::Path, process::ExitCode};

/// Which network, as a name or as a study has it.
#[derive(clap::Args)]
pub struct Arguments {
    /// A family with `--depth`, a name such as `resnet32`, `wrn-28-10`, `resnet50`, or a
    /// study's folder or file
    network: String,
    /// Number of classes [default: the family's, 10 or 1000]
    #[arg(long)]
    classes: Option<u32>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    options: NetworkOptions,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let networks = networks(arguments)?;
    match networks.as_slice() {
        [(None, network)] if arguments.json => println!("{:#}", as_json(network)),
        [(None, network)] => print!("{}", table(network)),
        all if arguments.json => {
            let named = all
                .iter()
                .map(|(name, n)| (name.clone().unwrap_or_default(), as_json(n)));
            println!("{:#}", json!(named.collect::<BTreeMap<_, _>>()));
        }
        all => {
            for (name, network) in all {
                let name = name.as_deref().unwrap_or_default();
                println!("setting {name}\n{}", table(network));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The network of that name; of a study with settings, each with its setting's name.
fn networks(arguments: &Arguments) -> Result<Vec<(Option<String>, Network)>> {
    let name = &arguments.network;
    let path = Path::new(name);
    // A name is never a path: `./resnet32` is how to say a folder of that name.
    match named(name) {
        Ok(choice) => arguments
            .options
            .build(choice, arguments.classes)
            .with_context(|| format!("`{name}`"))
            .map(|network| vec![(None, network)]),
        Err(_) if path.exists() => {
            if arguments.classes.is_some() || arguments.options.any() {
                bail!("`{name}` is a study, which says all of its network; leave the options out");
            }
            let built = |s: Setting| Ok((s.name, s.architecture.build()?));
            Study::load(path)?.settings.into_iter().map(built).collect()
        }
        Err(error) => Err(error.context("no study there and no network of that name")),
    }
}

/// Whose names and first weights the network has.
fn origin(network: &Network) -> &'static str {
    network.architecture.family.facts().code
}

fn sides(numbers: impl IntoIterator<Item = impl ToString>) -> String {
    let numbers: Vec<String> = numbers.into_iter().map(|n| n.to_string()).collect();
    numbers.join("×")
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A few words, one row per layer in forward order, the totals.
fn table(network: &Network) -> String {
    let a = &network.architecture;
    let (classes, width) = (a.classes, a.width);
    let mut out = format!(
        "{} of width {width}, {classes} classes, images of {}; names as in {}\n\n",
        a.title(),
        sides(a.input),
        origin(network)
    );
    let mut rows = vec![["layer", "shape", "weights", "multiply-adds", "role"].map(String::from)];
    rows.extend(network.describe().into_iter().map(row));
    let widths: [usize; 5] = std::array::from_fn(|column| {
        let lengths = rows.iter().map(|row| row[column].chars().count());
        lengths.max().unwrap_or(0)
    });
    for [layer, shape, weights, adds, role] in rows {
        let [a, b, c, d, _] = widths;
        out += &format!("  {layer:a$}  {shape:b$}  {weights:>c$}  {adds:>d$}  {role}\n");
    }
    out += "\nnot prunable: the other entries of the state_dict\n";
    for (module, entries, shape) in others(network) {
        out += &format!("  {module:20}  {shape:>8}  {}\n", entries.join(", "));
    }
    let totals = [
        ("prunable weights", network.prunable_weights()),
        ("all parameters", network.trained_parameters()),
        ("multiply-adds", network.multiply_adds()),
    ];
    out.push('\n');
    for (name, total) in totals {
        out += &format!("  {name:16}  {:>15}\n", grouped(total));
    }
    out
}

/// What a state_dict holds beside the prunable weights: modules with the names and the shape of
/// their entries, in its order.
fn others(network: &Network) -> Vec<(&str, Vec<&str>, String)> {
    let mut rows: Vec<(&str, Vec<&str>, String)> = Vec::new();
    let is_layer = |name: &str| network.layers.iter().any(|layer| layer.name == name);
    for parameter in network.parameters.iter().filter(|p| !is_layer(&p.name)) {
        let (module, entry) = parameter
            .name
            .rsplit_once('.')
            .unwrap_or(("", &parameter.name));
        let shape = sides(parameter.shape.iter());
        match rows.last_mut() {
            Some((last, entries, of)) if *last == module && *of == shape => entries.push(entry),
            _ => rows.push((module, vec![entry], shape)),
        }
    }
    rows
}

fn row(layer: Description) -> [String; 5] {
    [
        layer.name,
        sides(layer.shape),
        grouped(layer.weights),
        grouped(layer.multiply_adds),
        layer.role,
    ]
}

fn as_json(network: &Network) -> serde_json::Value {
    let a = &network.architecture;
    let layer = |layer: Description| {
        json!({
            "name": layer.name,
            "role": layer.role,
            "shape": layer.shape,
            "weights": layer.weights,
            "multiply_adds": layer.multiply_adds,
        })
    };
    let layers: Vec<_> = network.describe().into_iter().map(layer).collect();
    json!({
        "network": a.title(),
        "family": a.family.name(),
        "depth": a.depth,
        "width": a.width,
        "classes": a.classes,
        "input": a.input,
        "block": a.block.name(),
        "stem": a.stem.name(),
        "layers": layers,
        "state_dict": network.parameters.iter().map(|p| json!({
            "name": p.name, "shape": p.shape,
        })).collect::<Vec<_>>(),
        "prunable": network.prunable_weights(),
        "parameters": network.trained_parameters(),
        "multiply_adds": network.multiply_adds(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jackpot_net::NetworkChoice;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (11_689_512, "11,689,512"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn the_table_has_every_layer_and_the_published_totals() {
        let choice = NetworkChoice::named("resnet18").unwrap();
        let network = choice.architecture().unwrap().build().unwrap();
        let text = table(&network);
        assert!(text.starts_with("ResNet-18 for ImageNet of width 64, 1000 classes"));
        let has = |words: &[&str]| {
            let mut lines = text.lines();
            lines.any(|line| line.split_whitespace().eq(words.iter().copied()))
        };
        assert!(has(&[
            "conv1.weight",
            "64×3×7×7",
            "9,408",
            "118,013,952",
            "conv,",
            "first"
        ]));
        assert!(has(&[
            "fc.weight",
            "1000×512",
            "512,000",
            "512,000",
            "linear,",
            "classifier"
        ]));
        assert!(has(&[
            "bn1",
            "64",
            "weight,",
            "bias,",
            "running_mean,",
            "running_var"
        ]));
        assert!(has(&["fc", "1000", "bias"]));
        assert!(has(&["all", "parameters", "11,689,512"]));
        assert!(has(&["multiply-adds", "1,814,073,344"]));
        assert_eq!(text.lines().filter(|l| l.contains(".weight")).count(), 21);
    }

    #[test]
    fn json_holds_the_same() {
        let choice = NetworkChoice::named("lenet-5").unwrap();
        let network = choice.architecture().unwrap().build().unwrap();
        let value = as_json(&network);
        assert_eq!(value["parameters"], 431_080);
        assert_eq!(value["prunable"], 430_500);
        // Four layers, each with a weight and a bias.
        assert_eq!(value["state_dict"].as_array().unwrap().len(), 8);
        let sum = |field: &str| -> u64 {
            let layers = value["layers"].as_array().unwrap().iter();
            layers.map(|layer| layer[field].as_u64().unwrap()).sum()
        };
        assert_eq!(sum("weights"), 430_500);
        assert_eq!(value["multiply_adds"], sum("multiply_adds"));
    }
}
