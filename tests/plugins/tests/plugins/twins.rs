//! The broken twins: the host refuses each by what the good one declares.
use crate::bench::Bench;
use crate::data;
use crate::layers::{architecture, first_mask, initial_weights, random_mask, scores, write_scores};
use jackpot_rng::Key;

fn check(bench: &Bench, id: &str, kind: &str, says: &str) {
    let failure = match bench.run(id, &[]) {
        Ok(_) => panic!("`{id}` passed"),
        Err(failure) => failure,
    };
    assert_eq!(failure.kind, kind, "{failure}");
    assert!(failure.message.contains(says), "`{id}`: {failure}");
    assert!(failure.message.contains(id), "does not name it: {failure}");
}

#[test]
fn masks_that_are_not_what_they_say() {
    let mut bench = Bench::twins(architecture());
    bench.change(&first_mask());
    let donor = random_mask(Key::from_seed(2), first_mask().kept() as usize);
    bench.donor = Some(bench.file("donor", &donor.to_bytes()));
    let check = |id: &str, says: &str| check(&bench, id, "promise", says);
    check("org.test.rebinds", "changed nothing of");
    check(
        "org.test.layerwise-is-global",
        "`keeps-layer-counts`, but layer `conv1.weight` kept 21 weights",
    );
    check(
        "org.test.global-is-layerwise",
        "`changes-structure`, but each of 10 layers keeps as many weights as before",
    );
    check("org.test.transport-forgets", "changed nothing of");
}

#[test]
fn weights_that_are_not_what_they_say() {
    let mut bench = Bench::twins(architecture());
    bench.input = Some(bench.file("weights", &initial_weights(1)));
    bench.under(&first_mask());
    let check = |id: &str, says: &str| check(&bench, id, "promise", says);
    check(
        "org.test.kept-is-all",
        "`keeps-kept-multiset`, but the kept values of layer `conv1.weight` are others",
    );
    check("org.test.kept-is-redrawn", "others than before");
    check(
        "org.test.all-is-kept",
        "`changes-structure`, but in each of 10 layers the kept weights are the same values",
    );
}

#[test]
fn scores_that_are_not_what_they_say() {
    let mut bench = Bench::twins(architecture());
    bench.input = Some(bench.file("scores", &write_scores(&scores())));
    check(&bench, "org.test.divides", "numeric", "is NaN");
    check(
        &bench,
        "org.test.scales",
        "promise",
        "stand in the same order",
    );
    let says = "`keeps-multiset`, but the values of layer `conv1.weight` are others";
    check(&bench, "org.test.between-layers", "promise", says);
}

#[test]
fn data_that_is_not_what_it_says() {
    let mut bench = Bench::twins(architecture());
    bench.rows = data::ROWS as u64;
    bench.input = Some(bench.file("train", &data::images().to_safetensors().unwrap()));
    let check = |id: &str, says: &str| check(&bench, id, "promise", says);
    check(
        "org.test.pixels-are-rows",
        "none of 2500 images holds other values in its rows and in its columns",
    );
    check("org.test.pixels-by-block", "with other blocks of rows");
    let share = "the rows of each of 10 classes still share one label";
    check("org.test.labels-of-class-0", share);
    check("org.test.labels-renamed", share);
    check("org.test.keeps-all-rows", "changed nothing of 2500");
}
