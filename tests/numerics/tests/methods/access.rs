//! What a method's result depends on, with every door open: the same job on clean and on
//! corrupted images, the corrupted ones within reach whatever the method declares.
use crate::methods::real::{Real, word};
use crate::support::*;
use jackpot_data::Images;
use jackpot_net::{Activation, Network};
use jackpot_protocol::{ConfigValue, DataAccess};
use jackpot_rng::{Key, permutation};

/// Labels dealt anew and the values of every image permuted.
fn corrupted(clean: &Images) -> Images {
    let size = clean.pixels.len() / clean.labels.len();
    let rows = permutation(Key::from_seed(8), clean.labels.len());
    let shuffled = |(row, image): (usize, &[u8])| -> Vec<u8> {
        let order = permutation(Key::from_seed(9).fold(row as u64), size);
        order.iter().map(|&from| image[from as usize]).collect()
    };
    let images = clean.pixels.chunks(size).enumerate();
    Images {
        pixels: images.flat_map(shuffled).collect(),
        labels: rows.iter().map(|&row| clean.labels[row as usize]).collect(),
        ..*clean
    }
}

fn open(network: &Network, data: &Images) -> Real {
    let mut real = Real::new(network, &first_weights(network));
    real.access = DataAccess::Everything;
    real.keep = 0.1;
    real.sampled(data);
    real
}

/// Output and, of a method of rounds, mask.
fn outcome(real: &mut Real, plugin: &str, id: &str, given: &[(&str, ConfigValue)]) -> Vec<u8> {
    real.rounds = None;
    if ["synflow", "force"].contains(&id) {
        real.rounds(2, "0.9");
    }
    let ran = real.run(plugin, id, given);
    assert_eq!(ran.access, "everything", "{id}");
    let mask = ran.mask.map(|mask| mask.to_bytes());
    [ran.bytes, mask.unwrap_or_default()].concat()
}

#[test]
fn data_free_methods_give_the_same_bytes_under_corrupted_data() {
    let network = small(Activation::Relu);
    let clean = images(&network, 90, 2);
    let mut reals = [open(&network, &clean), open(&network, &corrupted(&clean))];
    for (plugin, id) in [
        ("magnitude", "magnitude"),
        ("random", "random"),
        ("saliency", "synflow"),
        ("allocations", "erk"),
        ("allocations", "smart-ratio"),
    ] {
        let given: &[(&str, ConfigValue)] = match id {
            "smart-ratio" => &[("profile", word("corrected"))],
            _ => &[],
        };
        let [a, b] = reals
            .each_mut()
            .map(|real| outcome(real, plugin, id, given));
        assert_eq!(a, b, "{id}");
    }
}

#[test]
fn methods_that_read_data_change_with_it_and_with_the_batch() {
    let network = small(Activation::Relu);
    let clean = images(&network, 90, 2);
    let mut reals = [
        open(&network, &clean),
        open(&network, &corrupted(&clean)),
        open(&network, &clean),
    ];
    // Another clean batch: a change alone proves access, not dependence.
    reals[2].key = Key::from_seed(4);
    for (plugin, id) in [
        ("snip", "snip"),
        ("grasp", "grasp"),
        ("saliency", "force"),
        ("saliency", "taylor"),
    ] {
        let given: &[(&str, ConfigValue)] = match id {
            "force" => &[("batch_size", ConfigValue::Int(30))],
            _ => &[],
        };
        let [a, b, other] = reals
            .each_mut()
            .map(|real| outcome(real, plugin, id, given));
        assert!(a != b && a != other, "{id}");
        assert_eq!(a, outcome(&mut reals[0], plugin, id, given), "{id} again");
    }
}
