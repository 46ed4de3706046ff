//! Every network on every data set, through the command: scored, pruned, trained, tested, each
//! set written in its published format.
use crate::{
    images,
    support::{Place, jackpot, outcome},
};
use serde_json::Value;
use std::{collections::BTreeSet, fs};

const STUDY: &str = include_str!("networks.toml");

#[test]
fn every_network_is_pruned_and_trained_on_every_data_set() {
    let place = Place::with(STUDY);
    let at = |name: &str| place.study().join(name);
    for (other, name) in ["mnist", "kmnist", "fashion"].into_iter().enumerate() {
        images::mnist(&at(name), 20, other);
    }
    images::cifar_10(&at("cifar-10"), 4);
    images::cifar_100(&at("cifar-100"), 20);
    images::tiny_imagenet(&at("tiny-imagenet"), 10);
    images::image_folder(&at("imagenet"), 10);

    // Scores, mask and training of each pair.
    let ran = place.run(&["--workers", "2"]);
    let pin: Value = serde_json::from_slice(&place.pin()).unwrap();
    let cells = pin["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 12 * 8);
    assert!(ran >= 2 * cells.len() as u64, "{ran}");

    let actions = place.actions();
    let read = |digest: &str| -> Value {
        serde_json::from_slice(&fs::read(place.object(digest)).unwrap()).unwrap()
    };
    let (mut pairs, mut trained) = (BTreeSet::new(), BTreeSet::new());
    for cell in cells {
        let key = cell["action"].as_str().unwrap_or_else(|| panic!("{cell}"));
        let recipe = read(key);
        let metrics = actions[key]["metrics"].as_str().unwrap();
        trained.insert(metrics);
        let metrics = read(metrics);
        let loss: f64 = metrics["epochs"][0]["train_loss"]
            .as_str()
            .and_then(|number| number.parse().ok())
            .unwrap_or_else(|| panic!("{metrics}"));
        assert!(loss.is_finite() && loss > 0.0, "{cell} {metrics}");
        let family = recipe["architecture"]["family"]
            .as_str()
            .unwrap()
            .to_owned();
        pairs.insert((family, cell["setting"].to_string()));
    }
    assert_eq!(pairs.len(), cells.len());
    // No two of them are the same network trained on the same images.
    assert_eq!(trained.len(), cells.len());
    assert_eq!(place.run(&[]), 0);
}

/// What is shipped later is asked for here.
#[test]
fn no_family_and_no_data_set_is_left_out() {
    let (code, out, err) = outcome(jackpot().arg("list").output().unwrap());
    assert_eq!(code, 0, "{err}");
    let named = |heading: &str| -> Vec<String> {
        let part = out.split(heading).nth(1).unwrap_or_else(|| panic!("{out}"));
        let lines = part.lines().take_while(|line| !line.is_empty());
        let names = lines.filter_map(|line| line.strip_prefix("  ")?.split_once(": "));
        let names = names.map(|(name, _)| name.to_owned());
        names
            .filter(|name| !name.starts_with(' ') && name != "all")
            .collect()
    };
    let (networks, sets) = (named("\nnetworks\n"), named("\ndata sets\n"));
    assert!(networks.len() >= 7 && sets.len() >= 8, "{out}");
    for name in networks {
        assert!(STUDY.contains(&format!("family = \"{name}\"")), "{name}");
    }
    for name in sets {
        assert!(STUDY.contains(&format!("set = \"{name}\"")), "{name}");
    }
}
