//! Every way to misbehave meets the real host in a real worker process, and each ends in a
//! definite verdict that names plugin, item, action and cause; after each, a good item runs.
mod bench;

use bench::Bench;
use std::io::Write;

/// Item, kind of failure, what its message says.
const MODES: &[(&str, &str, &str)] = &[
    // the six
    (
        "null_write",
        "crash",
        "inside the plugin: used a null pointer",
    ),
    ("aborts", "crash", "SIGABRT (aborted) inside the plugin"),
    (
        "deaf",
        "hang",
        "ran for more than 1 s of its own time (host services not counted); it did not stop",
    ),
    (
        "exits",
        "crash",
        "exit status 0 inside the plugin and without a result",
    ),
    (
        "nan_scores",
        "numeric",
        "`layer1.0.conv2.weight`: entry 5 is NaN",
    ),
    (
        "unwritten",
        "unwritten",
        "left 18 of 18 values of output `conv1.weight` unwritten",
    ),
    // crashes and hangs
    ("quits", "crash", "exit status 0 inside the plugin"),
    ("polite", "hang", "it stopped when it was asked to"),
    ("divides", "crash", "SIGFPE"),
    ("overflows", "crash", "SIG"),
    ("illegal", "crash", "SIGILL"),
    ("killed", "crash", "SIGKILL"),
    (
        "aborts_late",
        "crash",
        "SIGABRT (aborted) outside the plugin",
    ),
    ("floods", "error", "printed more than 64 MB"),
    ("leaves_child", "contract", "left 1 process(es) running"),
    ("leaves_daemon", "contract", "left 1 process(es) running"),
    // memory
    (
        "overruns",
        "overrun",
        "past the end of output `conv1.weight`",
    ),
    (
        "overruns_by_one",
        "overrun",
        "past the end of output `conv1.weight`",
    ),
    (
        "underruns",
        "overrun",
        "wrote 8 byte(s) before the start of output `layer1.0.conv1.weight`",
    ),
    (
        "writes_input",
        "crash",
        "weights `layer1.0.conv1.weight`, which is read-only",
    ),
    (
        "writes_mask",
        "crash",
        "mask `conv1.weight`, which is read-only",
    ),
    (
        "overruns_scratch",
        "overrun",
        "past the end of scratch of 10 bytes",
    ),
    ("greedy", "memory", "asked for 68719476736 bytes of scratch"),
    ("allocates", "memory", "malloc gave nothing"),
    // results that are none
    ("infinite", "numeric", "`conv1.weight`: entry 0 is inf"),
    (
        "one_unwritten",
        "unwritten",
        "left 1 of 36 values of output `layer1.0.conv1.weight` unwritten (the first is 0)",
    ),
    ("fails", "numeric", "JKP_E_NUMERIC: singular, sorry"),
    ("panics", "panic", "index out of bounds"),
    ("no_status", "contract", "returned 99, which is no status"),
    ("endless_message", "error", "JKP_E_INTERNAL: xxx"),
    ("rounds", "contract", "floating-point mode"),
    (
        "mask_of_twos",
        "contract",
        "weight 0: expected 0 or 1, found 2",
    ),
    ("mask_of_ones", "contract", "pruned nothing"),
    ("mask_of_noughts", "contract", "keeps no weight"),
    ("mask_unwritten", "unwritten", "left 1 of 36 values"),
    ("negative_count", "contract", "found -999982"),
    (
        "large_count",
        "contract",
        "expected 0 to 18 weights to keep",
    ),
    (
        "class_too_many",
        "contract",
        "label of row 4: expected 0 to 2, found 3",
    ),
    ("drops_all", "contract", "keeps no row"),
    ("nan_weights", "numeric", "`conv1.weight`: entry 3"),
    (
        "skips_pixel",
        "unwritten",
        "left 1 byte(s) of its output unwritten (the first is 9)",
    ),
    // broken promises
    (
        "other_total",
        "promise",
        "24 weights were to be kept over all layers and 23 are",
    ),
    ("same", "promise", "changed nothing of"),
    ("one_more", "promise", "`keeps-layer-counts`"),
    ("moves_between", "promise", "`keeps-layer-counts`"),
    ("impure", "promise", "no pure function of its run"),
    ("by_block", "promise", "with other blocks of rows"),
    ("brightens", "promise", "`keeps-multiset`"),
    // what was not declared
    (
        "takes_rng",
        "contract",
        "asked for `jackpot.rng/1`, which it does not declare",
    ),
    (
        "takes_autodiff",
        "contract",
        "asked for `jackpot.autodiff/1`, which it does not declare",
    ),
    (
        "takes_batch",
        "contract",
        "does not declare data (JKP_NEEDS_INPUTS and JKP_NEEDS_LABELS) and asked for a batch",
    ),
    ("takes_hvp", "contract", "does not declare JKP_NEEDS_HVP"),
    ("reads_weights", "crash", "used a null pointer"),
    ("other_thread", "error", "no service on this thread"),
    // services used wrongly
    ("service_panics", "error", "the host panicked: thirteen"),
    ("service_fails", "error", "the toy is out of order"),
    (
        "bad_temperature",
        "invalid",
        "temperature: expected a number above 0, found -1",
    ),
    ("no_handle", "invalid", "handle 0 stands for no batch"),
    (
        "into_params",
        "invalid",
        "`out`, layer `conv1.weight` is read-only",
    ),
    ("overlaps", "invalid", "`out` overlaps"),
    (
        "short_objective",
        "invalid",
        "jkp_objective.struct_size: expected 40, found 8",
    ),
];

/// `-DLOAD=`, what describing it says.
const LOADS: &[(&str, &str, &str)] = &[
    ("NO_SYMBOL", "load", "exports no `jackpot_entry_v1`"),
    (
        "WRONG_MAJOR",
        "load",
        "built for ABI 2.0, this host offers 1.0",
    ),
    (
        "NEWER_MINOR",
        "load",
        "built for ABI 1.7, this host offers 1.0",
    ),
    (
        "ABORTS",
        "crash",
        "SIGABRT (aborted) while the plugin was loading",
    ),
    ("HANGS", "hang", "of its own time"),
    ("NULL_TABLE", "load", "returned NULL"),
    ("TWO_ALIKE", "load", "two items `org.test.good`"),
    ("NOT_UTF8", "load", "is not UTF-8"),
    (
        "BAD_DEFAULT",
        "load",
        "parameter `number`: its own default is refused: expected 1 to 100, found 0",
    ),
    (
        "BAD_PROMISE",
        "load",
        "`keeps-layer-counts`, which cannot be verified",
    ),
    ("FLUSHES", "load", "-ffast-math"),
    ("SHORT_STRUCT", "load", "struct_size: expected at least"),
    ("NO_RUN", "load", "`run` is NULL"),
    ("DATA_UNUSED", "load", "declare JKP_NEEDS_GRAD too"),
];

#[test]
fn every_hostile_mode_is_contained() {
    let bench = Bench::new();
    let (mut contained, mut escaped) = (0, Vec::new());
    let mut judge = |mode: &str, verdict: Result<(), String>| match verdict {
        Ok(()) => contained += 1,
        Err(why) => escaped.push(format!("{mode}: {why}")),
    };
    for (item, kind, says) in MODES {
        judge(
            item,
            bench
                .expect_failure(item, kind, says)
                .and_then(|()| bench.expect_good()),
        );
    }
    for (load, kind, says) in LOADS {
        judge(load, bench.expect_load_failure(load, kind, says));
    }
    for (what, verdict) in bench.broken_files().into_iter().chain(bench.rust_panics()) {
        judge(what, verdict);
    }
    judge("good item at the end", bench.expect_good());
    let total = contained + escaped.len();
    // Past the test harness's capture: this line is what the suite is for.
    let line = format!(
        "hostile modes contained: {} of {}\n",
        contained - 1,
        total - 1
    );
    let _ = std::io::stderr().write_all(line.as_bytes());
    assert!(escaped.is_empty(), "{}", escaped.join("\n"));
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
    assert_eq!(certificate["batches"][0]["per_class"], "3");
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
    use jackpot_net::Mask;
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
