//! A method that declares no data gives the same scores whatever data lie within its reach,
//! and one that only says so is found out.
use crate::bench::Bench;
use jackpot_data::{Images, Normalisation};
use jackpot_net::Augment;
use jackpot_protocol::{Batches, DataAccess, PluginJob};

/// A job with data to reach for: the clean ones, or these corrupted.
fn job(bench: &Bench, item: &str, access: DataAccess, corrupt: impl Fn(&mut Images)) -> PluginJob {
    let mut data = bench.data();
    corrupt(&mut data);
    let mut job = bench.job(item);
    job.access = access;
    job.weights = Some(bench.weights_file());
    job.batches = Some(Batches::Sampled {
        train: bench.file("offered", &data.to_safetensors().expect("a data object")),
        normalisation: Normalisation {
            mean: vec![0.5],
            std: vec![0.25],
        },
        augment: Augment::default(),
        memory: 1 << 30,
    });
    job
}

fn clean(_: &mut Images) {}
fn other_labels(data: &mut Images) {
    data.labels.rotate_right(1);
}
fn other_pixels(data: &mut Images) {
    data.pixels.iter_mut().for_each(|p| *p = 255 - *p);
}
fn half(data: &mut Images) {
    data.labels.truncate(6);
    data.pixels.truncate(6 * 64);
}

/// The scores on each of four data sets.
fn all(bench: &Bench, item: &str) -> Vec<Vec<u8>> {
    let corruptions: [fn(&mut Images); 4] = [clean, other_labels, other_pixels, half];
    let scores = |corrupt: &fn(&mut Images)| {
        let job = job(bench, item, DataAccess::Everything, corrupt);
        let output = bench.run_job(&job).expect("everything is served");
        assert_eq!(output.certificate["access"], "everything");
        std::fs::read(output.file).expect("scores")
    };
    corruptions.iter().map(scores).collect()
}

#[test]
fn data_free_scores_are_the_same_bytes_under_corrupted_data() {
    let hostile = Bench::new();
    for item in ["good", "draws"] {
        let found = all(&hostile, item);
        assert!(found.windows(2).all(|w| w[0] == w[1]), "{item}");
        // As they are with the denial on.
        let denied = job(&hostile, item, DataAccess::Declared, clean);
        let output = hostile.run_job(&denied).expect("a good item");
        assert!(output.certificate.get("access").is_none());
        assert_eq!(std::fs::read(output.file).expect("scores"), found[0]);
    }
    // The switch is open indeed: who looks at the data sees the difference, one by one.
    let bench = Bench::of("rounds.c");
    let found = all(&bench, "peeks");
    for (i, a) in found.iter().enumerate() {
        assert!(
            found[..i].iter().all(|b| a != b),
            "data set {i} was not seen"
        );
    }
}

#[test]
fn who_declares_no_data_and_asks_for_a_batch_is_refused() {
    let bench = Bench::of("rounds.c");
    let failure = bench
        .run_job(&job(&bench, "peeks", DataAccess::Declared, clean))
        .expect_err("it declares no data");
    assert_eq!(failure.kind, "contract");
    assert!(
        failure.message.contains("does not declare data"),
        "{failure}"
    );
}
