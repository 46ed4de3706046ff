//! What was built for ABI 1.0 is what it was: the committed binary gives the recorded masks,
//! which are also those worked out by hand.
use crate::bench::{Bench, compile_old};
use crate::rounds::{flat, job, largest, mask_of};
use jackpot_host::PluginOutput;
use jackpot_prune::Mask;
use jackpot_store::Digest;

const RECORDED: &str = include_str!("../../../abi/compat/1.0/masks.sha256");

fn recorded(item: &str) -> String {
    let mut lines = RECORDED.lines().filter_map(|line| line.split_once("  "));
    let found = lines.find(|(_, name)| *name == item);
    found.expect("every item has a mask").0.to_owned()
}

fn bytes(file: &std::path::Path) -> Vec<u8> {
    std::fs::read(file).expect("it is there")
}

/// The masks of both items, against the record and against arithmetic.
fn check(bench: &Bench) {
    let scored: PluginOutput = (bench.run_job(&job(bench, "scores", 1, "0.9"))).expect("it runs");
    let mask = mask_of(&scored);
    let mut scores = Vec::new();
    for (l, weights) in bench.weights().iter().enumerate() {
        let mut drawn = vec![0.0; weights.len()];
        jackpot_rng::uniform(bench.key().fold(l as u64), &mut drawn);
        // Twice, as its default says, in this order.
        scores.extend((weights.iter().zip(&drawn)).map(|(w, u)| w.abs() * u * u));
    }
    let k = (scores.len() as f64 * 0.1).round_ties_even() as usize;
    assert_eq!(flat(&mask), largest(&scores, &vec![true; scores.len()], k));
    assert_eq!(Digest::of(&mask.to_bytes()).to_string(), recorded("scores"));

    let reversed = bench.run("reverse").expect("it runs");
    let mut by_hand = bench.mask();
    by_hand.layers.iter_mut().for_each(|l| l.kept.reverse());
    let found = bytes(&reversed.file);
    assert_eq!(Mask::from_bytes(&found).expect("a mask"), by_hand);
    assert_eq!(Digest::of(&found).to_string(), recorded("reverse"));
}

/// The binary is x86-64's: elsewhere its source, with its own header, stands for it.
#[test]
fn a_binary_of_the_first_version_gives_the_recorded_masks() {
    #[cfg(target_arch = "x86_64")]
    check(&Bench::with(
        "old",
        include_bytes!("../../../abi/compat/1.0/plugin-x86_64.so"),
    ));
    check(&Bench::with("old", &compile_old()));
}
