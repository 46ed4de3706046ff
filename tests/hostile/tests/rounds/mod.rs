//! Methods of many rounds against a second, naive way to work out their masks, and their
//! broken twins.
use crate::bench::Bench;
use jackpot_host::PluginOutput;
use jackpot_protocol::{Failure, PluginJob};
use jackpot_prune::{LayerConstraints, Mask, PruningRounds, PruningScope, RoundSchedule, Sparsity};
use jackpot_test_hostile::coefficient;

pub fn job(bench: &Bench, item: &str, count: u32, sparsity: &str) -> PluginJob {
    PluginJob {
        rounds: Some(PruningRounds {
            count,
            schedule: RoundSchedule::Exponential,
            sparsity: Sparsity::try_from(sparsity.to_string()).expect("a sparsity"),
            scope: PruningScope::All,
            constraints: LayerConstraints::default(),
        }),
        ..bench.job(item)
    }
}

pub fn mask_of(output: &PluginOutput) -> Mask {
    let file = output.mask.as_ref().expect("rounds end in a mask");
    Mask::from_bytes(&std::fs::read(file).expect("it is there")).expect("a mask")
}

fn failure(bench: &Bench, job: &PluginJob) -> Failure {
    bench.run_job(job).expect_err("a broken twin")
}

/// Flat positions of the `k` largest, by a stable sort: ties by index.
pub fn largest(scores: &[f64], allowed: &[bool], k: usize) -> Vec<bool> {
    let mut order: Vec<usize> = (0..scores.len()).filter(|&i| allowed[i]).collect();
    order.sort_by(|&i, &j| scores[j].partial_cmp(&scores[i]).expect("finite"));
    let mut kept = vec![false; scores.len()];
    order[..k].iter().for_each(|&i| kept[i] = true);
    kept
}

pub fn flat(mask: &Mask) -> Vec<bool> {
    mask.layers.iter().flat_map(|l| l.kept.clone()).collect()
}

#[test]
fn nested_rounds_are_gradients_under_the_mask_so_far() {
    let bench = Bench::of("rounds.c");
    let weights = bench.weights();
    let slopes: Vec<f64> = (weights.iter().enumerate())
        .flat_map(|(l, w)| (w.iter().enumerate()).map(move |(i, w)| (coefficient(l, i) * w).abs()))
        .collect();
    let n = slopes.len();
    // 0.05^(r/4) of n, by hand.
    let counts: Vec<usize> = (1..=4)
        .map(|r| (n as f64 * 0.05f64.powf(f64::from(r) / 4.0)).round_ties_even() as usize)
        .collect();
    let mut kept = vec![true; n];
    for &k in &counts {
        let scores: Vec<f64> = (slopes.iter().zip(&kept))
            .map(|(s, kept)| if *kept { *s } else { 0.0 })
            .collect();
        kept = largest(&scores, &kept, k);
    }
    let mut heard = Vec::new();
    let job = job(&bench, "climbs", 4, "0.95");
    let output = bench.run_job_observed(&job, &mut |done| heard.push(done));
    let output = output.expect("a good item");
    assert_eq!(flat(&mask_of(&output)), kept);
    let certificate = &output.certificate;
    assert_eq!(
        certificate["rounds"],
        serde_json::json!({ "schedule": "exponential", "kept": counts })
    );
    assert_eq!(certificate["achieved"]["kept"], counts[3]);
    assert_eq!(certificate["promises"]["nested"], "verified");
    // A batch a round, each of its own key.
    let keys: Vec<String> = (certificate["batches"].as_array().expect("a list").iter())
        .map(|b| b["key"].as_str().expect("a key").to_string())
        .collect();
    let folded: Vec<String> = (0..4).map(|r| bench.key().fold(r).to_hex()).collect();
    assert_eq!(keys, folded);
    assert!(heard.windows(2).all(|w| w[0] <= w[1]), "{heard:?}");
    assert!(output.selected.is_some());
    // The same job twice: the same bytes and the same certificate.
    let again = bench.run_job(&job).expect("a good item");
    assert_eq!(again.certificate, output.certificate);
    let bytes = |o: &PluginOutput| std::fs::read(&o.file).expect("scores");
    assert_eq!(bytes(&again), bytes(&output));
}

#[test]
fn rounds_that_promise_nothing_select_from_all_weights() {
    let bench = Bench::of("rounds.c");
    let mut job = job(&bench, "revives", 3, "0.5");
    job.key = bench.key().to_hex();
    let output = bench.run_job(&job).expect("a good item");
    let uniforms = |key: jackpot_rng::Key| -> Vec<f64> {
        let lengths = bench.weights().into_iter().map(|l| l.len()).enumerate();
        let layer = |(i, n): (usize, usize)| {
            let mut out = vec![0.0; n];
            jackpot_rng::uniform(key.fold(i as u64), &mut out);
            out
        };
        lengths.flat_map(layer).collect()
    };
    let last = uniforms(bench.key().fold(2));
    let k = mask_of(&output).kept() as usize;
    assert_eq!(
        flat(&mask_of(&output)),
        largest(&last, &vec![true; last.len()], k)
    );
    // Nested it would have been another mask: the twin that promises it is held to it.
    let before = uniforms(bench.key().fold(1));
    let revived = (flat(&mask_of(&output)).iter())
        .zip(largest(&before, &vec![true; before.len()], k))
        .filter(|(now, then)| **now && !*then)
        .count();
    assert!(revived > 0);
    // One round is one call with the run's own key.
    job.rounds = job.rounds.map(|r| PruningRounds { count: 1, ..r });
    let once = bench.run_job(&job).expect("a good item");
    let all = uniforms(bench.key());
    assert_eq!(
        flat(&mask_of(&once)),
        largest(&all, &vec![true; all.len()], k)
    );
}

#[test]
fn rounds_keep_what_is_reserved() {
    let bench = Bench::of("rounds.c");
    let mut job = job(&bench, "climbs", 4, "0.6");
    let reserve = LayerConstraints {
        keep_first_dense: true,
        keep_classifier_dense: true,
        min_weights: 5,
    };
    job.rounds = job.rounds.map(|r| PruningRounds {
        constraints: reserve,
        ..r
    });
    let mask = mask_of(&bench.run_job(&job).expect("a good item"));
    let counts = mask.counts();
    let lengths: Vec<u64> = mask.layers.iter().map(|l| l.kept.len() as u64).collect();
    assert_eq!((counts[0], counts.last()), (lengths[0], lengths.last()));
    assert!(counts.iter().all(|&n| n >= 5), "{counts:?}");
    // What is reserved does not fit any more.
    job.rounds = job.rounds.map(|r| PruningRounds {
        sparsity: Sparsity::try_from("0.99".to_string()).expect("a sparsity"),
        ..r
    });
    let failure = failure(&bench, &job);
    assert!(failure.message.contains("keeps whole, has 42"), "{failure}");
}

#[test]
fn masks_of_their_own_are_held_to_their_promises_every_round() {
    let bench = Bench::of("rounds.c");
    let output = bench.run_job(&job(&bench, "own_masks", 4, "0.9"));
    let output = output.expect("a good item");
    assert_eq!(Some(&output.file), output.mask.as_ref());
    let kept = flat(&mask_of(&output));
    let k = kept.iter().filter(|k| **k).count();
    assert!(kept[..k].iter().all(|k| *k));
    for (item, kind, says) in [
        ("turns_back", "promise", "round 2 of 4: promises `nested`"),
        ("turns_back_at_last", "promise", "promises `nested`"),
        (
            "one_short",
            "promise",
            "round 2 of 4: promises `keeps-total-count`",
        ),
        (
            "unwritten_later",
            "unwritten",
            "round 3 of 4: left 18 of 18",
        ),
        (
            "overruns_later",
            "overrun",
            "round 2 of 4: wrote 8 byte(s) before the start of output",
        ),
        (
            "writes_mask_later",
            "crash",
            "mask `conv1.weight`, which is read-only",
        ),
        ("holds_handle", "error", "no handle 1"),
        (
            "infinite_later",
            "numeric",
            "round 2 of 4: scores of layer `layer1.0.conv1.weight`: entry 2",
        ),
        ("slow", "hang", "ran for more than 1 s of its own time"),
    ] {
        let failure = failure(&bench, &job(&bench, item, 4, "0.9"));
        assert_eq!(failure.kind, kind, "{failure}");
        assert!(failure.message.contains(says), "{failure}");
    }
    // 10 MB of scratch a round under a budget of 16: each round begins anew.
    bench
        .run_job(&job(&bench, "greedy_later", 4, "0.9"))
        .expect("a good item");
}

#[test]
fn what_cannot_work_in_rounds_is_refused_by_name() {
    let bench = Bench::of("rounds.c");
    let says = |job: &PluginJob, text: &str| {
        let failure = failure(&bench, job);
        assert_eq!(failure.kind, "invalid");
        assert!(failure.message.contains(text), "{failure}");
    };
    says(&bench.job("climbs"), "works in rounds (4 as published)");
    says(
        &job(&bench, "climbs", 0, "0.9"),
        "expected 1 to 10000, found 0",
    );
    let hostile = Bench::new();
    let many = failure(&hostile, &hostile.job("many_rounds"));
    assert!(many.message.contains("works in rounds (100 as published)"));
    let counts = job(&hostile, "first_layers", 3, "0.9");
    let refused = failure(&hostile, &counts);
    assert!(
        refused.message.contains("`org.test.first_layers`"),
        "{refused}"
    );
    assert!(
        refused
            .message
            .contains("only a method that gives scores or masks")
    );
}

#[test]
fn a_hundred_rounds_take_the_memory_of_two() {
    // 0.7 M weights: a mask or an output left behind each round would be 70 or 560 MB.
    let mut bench = Bench::of("rounds.c");
    bench.widen(48);
    let peak = |count: u32| {
        let mut job = job(&bench, "revives", count, "0.9");
        job.limits.plugin_seconds = 60.0;
        bench.run_job(&job).expect("a good item").peak_memory
    };
    let (two, hundred) = (peak(2), peak(100));
    assert!(hundred < two + (12 << 20), "{two} {hundred}");
}
