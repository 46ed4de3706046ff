//! Every way to misbehave meets the real host in a real worker process, and each ends in a
//! definite verdict that names plugin, item, action and cause; after each, a good item runs.
mod access;
mod bench;
mod compat;
mod kit;
mod modes;
mod rounds;

use bench::Bench;
use jackpot_protocol::Batches;
use modes::{CPP, FUTURES, LOADS, MODES, PROCESS, RUST, SIZES, TIDY};
use std::io::Write;

/// What was tried, and what was not contained.
#[derive(Default)]
struct Judge {
    tried: usize,
    escaped: Vec<String>,
}

impl Judge {
    fn of(&mut self, mode: &str, verdict: Result<(), String>) {
        self.tried += 1;
        if let Err(why) = verdict {
            self.escaped.push(format!("{mode}: {why}"));
        }
    }

    /// Each item of a source must fail as it should, and a good one run after it.
    fn source(&mut self, bench: &Bench, modes: &[(&str, &str, &str)]) {
        for (item, kind, says) in modes {
            let failed = bench.expect_failure(item, kind, says);
            self.of(item, failed.and_then(|()| bench.expect_good()));
        }
    }

    /// Past the test harness's capture: this line is what the suite is for.
    fn end(self) {
        let contained = self.tried - self.escaped.len();
        let line = format!(
            "\njackpot-count: hostile modes contained = {contained} / {}\n",
            self.tried
        );
        let _ = std::io::stdout().write_all(line.as_bytes());
        assert!(self.escaped.is_empty(), "{}", self.escaped.join("\n"));
    }
}

#[test]
fn every_hostile_mode_in_c_is_contained() {
    let (bench, mut judge) = (Bench::new(), Judge::default());
    judge.source(&bench, MODES);
    judge.end();
}

#[test]
fn a_process_that_is_not_left_as_it_was_is_noticed() {
    let (bench, mut judge) = (Bench::of("process.c"), Judge::default());
    judge.source(&bench, PROCESS);
    for item in TIDY {
        assert!(bench.run(item).is_ok(), "{item}");
    }
    // The smallest numbers there are arrive as they are.
    for scores in bench.scores("denormals") {
        let found: Vec<u64> = scores.iter().map(|s| s.to_bits()).collect();
        assert_eq!(found, (1..=scores.len() as u64).collect::<Vec<_>>());
    }
    judge.end();
}

#[test]
fn a_byte_beside_an_output_is_noticed_at_every_size() {
    let (bench, mut judge) = (Bench::of("process.c"), Judge::default());
    for &n in SIZES {
        for (item, says) in [
            ("over", "past the end of output `layer1.weight`"),
            ("mask_over", "past the end of output `layer1.weight`"),
            ("under", "before the start of output `layer1.weight`"),
            ("mask_under", "before the start of output `layer1.weight`"),
        ] {
            let verdict = bench.expect_overrun(item, &[64, n], says);
            judge.of(&format!("{item} {n}"), verdict);
        }
    }
    judge.of("the good item", bench.expect_good());
    judge.end();
}

#[test]
fn every_hostile_mode_in_cpp_and_rust_is_contained() {
    let mut judge = Judge::default();
    judge.source(&Bench::of("throws.cpp"), CPP);
    let rust = Bench::of("rust");
    judge.source(&rust, RUST);
    assert!(rust.run("joins_threads").is_ok());
    judge.end();
}

#[test]
fn what_cannot_be_loaded_is_refused_with_its_reason() {
    let (bench, mut judge) = (Bench::new(), Judge::default());
    for (load, kind, says) in LOADS {
        judge.of(load, bench.expect_load_failure(load, kind, says));
    }
    judge.of("LINKED", bench.expect_linked());
    for (what, verdict) in bench.broken_files() {
        judge.of(what, verdict);
    }
    let future = Bench::of("process.c");
    for (defines, says) in FUTURES {
        let path = future.future(defines);
        judge.of(defines[0], future.expect_refusal(&path, "load", says));
    }
    // Larger structs alone are nobody's business: that is how the ABI grows.
    let larger = future.expect_good_of(&future.future(&[]));
    judge.of("larger structs", larger);
    judge.of("good item at the end", bench.expect_good());
    judge.end();
}

#[test]
fn services_give_exact_numbers_and_cost_no_time() {
    use jackpot_test_hostile::coefficient;
    let bench = Bench::new();
    let weights = bench.weights();
    // Two batches of two parts: the sum has four terms.
    let expected = |f: &dyn Fn(f64, f64) -> f64| -> Vec<Vec<f64>> {
        let layer = |(l, w): (usize, &Vec<f64>)| {
            w.iter()
                .enumerate()
                .map(|(i, w)| f(coefficient(l, i), *w))
                .collect()
        };
        weights.iter().enumerate().map(layer).collect()
    };
    let grad = bench.scores("grad");
    assert_eq!(grad, expected(&|a, w| 4.0 * a * w));
    // H g at twice the weights: 4a · (4a · 2w).
    let mut hvp = bench.scores("hvp");
    let loss: f64 = expected(&|a, w| 4.0 * 0.5 * a * (2.0 * w) * (2.0 * w))
        .iter()
        .flatten()
        .sum();
    assert!(
        (hvp[0][0] - loss).abs() <= 1e-12 * loss.abs(),
        "{} {loss}",
        hvp[0][0]
    );
    let mut exact = expected(&|a, w| 4.0 * a * (4.0 * a * (2.0 * w)));
    (hvp[0][0], exact[0][0]) = (0.0, 0.0);
    assert_eq!(hvp, exact);
    // 1.5 s in the service under a limit of 1 s of the plugin's own time.
    assert_eq!(bench.scores("service_is_slow"), grad);
    let certificate = bench.run("grad").expect("a good item").certificate;
    let used = certificate["services"].to_string();
    assert_eq!(
        used,
        r#"["jackpot.autodiff/1","jackpot.autodiff/1 batches","jackpot.autodiff/1 grad"]"#
    );
    // As studies have it: these bytes are part of results.
    assert_eq!(
        certificate["batches"].to_string(),
        format!(
            r#"[{{"augment":false,"batch_size":"0","key":"{}","n_batches":"2","parts":"2","per_class":"3","shuffle":false}}]"#,
            bench.key().to_hex()
        )
    );
}

#[test]
fn of_a_given_batch_no_sampling_is_claimed() {
    let bench = Bench::new();
    let mut job = bench.job("grad");
    job.rows = 5;
    job.batches = Some(Batches::Given {
        batch: bench.batch_of(5),
    });
    let output = bench.run_job(&job).expect("a good item");
    assert_eq!(
        output.certificate["batches"].to_string(),
        r#"[{"given":true,"parts":"2","rows":"5"}]"#
    );
    // The file says how many rows there are, not the job.
    job.rows = 6;
    let failure = bench.run_job(&job).expect_err("another number of rows");
    assert!(
        failure.kind == "invalid" && failure.message.contains("holds 5 labels"),
        "{failure}"
    );
}

#[test]
fn what_a_plugin_is_given_is_what_was_asked() {
    let bench = Bench::new();
    let mut heard = Vec::new();
    let output = bench
        .run_observed("uniform", &mut |done| heard.push(done))
        .expect("a good item");
    assert!(
        output.log.contains("info: drawing scores"),
        "{}",
        output.log
    );
    assert!(output.peak_memory > 1 << 20 && output.seconds > 0.0);
    for (layer, scores) in bench.scores("uniform").iter().enumerate() {
        let mut expected = vec![0.0; scores.len()];
        jackpot_rng::uniform(bench.key().fold(layer as u64), &mut expected);
        assert_eq!(*scores, expected);
    }
    assert_eq!(
        output.certificate["services"].to_string(),
        r#"["jackpot.rng/1"]"#
    );
    // The same job twice: the same bytes and the same certificate.
    let again = bench.run("uniform").expect("a good item");
    assert_eq!(output.certificate, again.certificate);
    assert_eq!(bench.magnitudes(), bench.scores("good"));
}

#[test]
fn c_draws_the_bits_that_rust_draws() {
    let bench = Bench::new();
    for (layer, found) in bench.scores("draws").into_iter().enumerate() {
        let (key, n) = (bench.key().fold(layer as u64), found.len());
        let mut expected = vec![0.0; n];
        match layer {
            0 => jackpot_rng::uniform(key, &mut expected),
            1 => {
                expected = jackpot_rng::permutation(key, n)
                    .iter()
                    .map(|i| *i as f64)
                    .collect()
            }
            2 => {
                let mut normals = vec![0.0f32; n];
                jackpot_rng::normal(key, &mut normals);
                expected = normals.iter().map(|x| f64::from(*x)).collect();
            }
            3 => {
                let mut words = vec![0; n];
                jackpot_rng::bits(key, &mut words);
                expected = words.iter().map(|w| (w >> 11) as f64).collect();
            }
            _ => {}
        }
        assert_eq!(found, expected, "layer {layer}");
    }
}

#[test]
fn good_checks_and_allocations_come_back_as_files() {
    use jackpot_prune::Mask;
    let bench = Bench::new();
    let read = |item: &str| {
        let output = bench.run(item).expect("a good item");
        (
            std::fs::read(&output.file).expect("the file is there"),
            output.certificate,
        )
    };
    let before = bench.mask();
    let (bytes, certificate) = read("reverse");
    let mask = Mask::from_bytes(&bytes).expect("a mask");
    assert_eq!(mask.counts(), before.counts());
    let changed = 2
        * (before.kept()
            - before
                .overlap(&mask)
                .expect("same network")
                .iter()
                .sum::<u64>());
    assert_eq!(certificate["promises"]["changed"]["changed"], changed);
    assert_eq!(certificate["promises"]["keeps-layer-counts"], "verified");
    assert_eq!(certificate["achieved"]["kept"], before.kept());

    let negated = bench.layers_of(&read("negate").0);
    let minus: Vec<Vec<f64>> = bench
        .weights()
        .iter()
        .map(|l| l.iter().map(|w| -w).collect())
        .collect();
    assert_eq!(negated, minus);

    let (bytes, certificate) = read("first_layers");
    let counts = String::from_utf8(bytes).expect("JSON");
    assert!(
        counts.starts_with(r#"[["conv1.weight",18],["layer1.0.conv1.weight",6],"#),
        "{counts}"
    );
    assert_eq!(certificate["achieved"]["kept"], 24);
}

#[test]
fn good_checks_on_data_come_back_as_data() {
    use jackpot_data::Images;
    let bench = Bench::new();
    let read = |item: &str| {
        let output = bench.run(item).expect("a good item");
        (
            std::fs::read(&output.file).expect("the file is there"),
            output.certificate,
        )
    };
    let data = bench.data();
    let pixels = data.pixels.len() / data.rows();
    let (bytes, certificate) = read("flip");
    let flipped = Images::from_safetensors(&bytes).expect("a data object");
    let expected: Vec<u8> = data
        .pixels
        .chunks(pixels)
        .flat_map(|i| i.iter().rev().copied())
        .collect();
    assert_eq!((flipped.pixels, &flipped.labels), (expected, &data.labels));
    assert!(certificate["promises"]["rowwise"].is_string());

    let shifted = Images::from_safetensors(&read("shift_labels").0).expect("a data object");
    assert_eq!(
        shifted.labels,
        data.labels.iter().map(|l| (l + 1) % 3).collect::<Vec<_>>()
    );
    assert_eq!(shifted.pixels, data.pixels);

    let half = Images::from_safetensors(&read("half").0).expect("a data object");
    assert_eq!(
        half.labels,
        data.labels.iter().copied().step_by(2).collect::<Vec<_>>()
    );
    assert_eq!(
        half.pixels[pixels..2 * pixels],
        data.pixels[2 * pixels..3 * pixels]
    );
}

#[test]
fn a_dead_supervisor_leaves_no_worker() {
    let bench = Bench::new();
    let folder = bench.folder();
    std::fs::create_dir_all(&folder).expect("a folder");
    let job = serde_json::to_string(&bench.job("deaf")).expect("a job is JSON");
    std::fs::write(folder.join("job.json"), job).expect("the job is written");
    let mut supervisor = std::process::Command::new(bench::WORKER)
        .arg("supervise")
        .arg(&folder)
        .spawn()
        .expect("the toy supervisor starts");
    let worker = folder.join("run");
    let worker = worker.to_string_lossy();
    let until = |alive: bool| {
        for _ in 0..200 {
            if bench::runs(&worker) == alive {
                return true;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        false
    };
    assert!(until(true), "the worker never started");
    supervisor.kill().expect("it runs");
    supervisor.wait().expect("it is ours");
    assert!(until(false), "the worker outlived its supervisor");
}

#[test]
fn jobs_of_many_threads_do_not_disturb_each_other() {
    let bench = Bench::new();
    std::thread::scope(|scope| {
        for item in [
            "good",
            "aborts",
            "leaves_child",
            "grad",
            "nan_scores",
            "good",
        ] {
            let bench = &bench;
            scope.spawn(move || {
                let good = matches!(item, "good" | "grad");
                for _ in 0..3 {
                    assert_eq!(bench.run(item).is_ok(), good, "{item}");
                }
            });
        }
    });
}
