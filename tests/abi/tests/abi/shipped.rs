//! The plugins that people copy: their tables are sane, and C and Rust give the same bytes.
use crate::build::{c_plugin, compiler, root, run_well, rust_plugin};
use crate::table::{items, load, text};
use crate::toy::{Toy, Values, gradient};
use jackpot_abi::*;
use jackpot_rng::Key;
use std::fs;

/// Weights with every kind of value that floating point has to offer, short of NaN.
fn toy() -> Toy {
    let mut weights = vec![
        vec![0.0f32; 300],
        vec![0.0; 41],
        vec![-0.0, 1e-45, -3.5, f32::MAX],
    ];
    for (layer, weights) in weights.iter_mut().take(2).enumerate() {
        jackpot_rng::normal(Key([3, layer as u64]), weights);
    }
    let masks = weights.iter().enumerate();
    let masks = masks.map(|(layer, w)| {
        (0..w.len())
            .map(|i| (i % (layer + 3) == 0).into())
            .collect()
    });
    Toy {
        masks: masks.collect(),
        weights,
        key: Key([11, 12]),
        config: vec![],
        cancel: false,
    }
}

fn only(plugin: &'static jkp_plugin) -> &'static jkp_item {
    let items = items(plugin);
    assert_eq!(items.len(), 1);
    items[0]
}

fn bytes(outputs: &[Values]) -> Vec<Vec<u8>> {
    outputs.iter().map(Values::bytes).collect()
}

#[test]
fn the_tables_say_what_they_are() {
    let scoring = JKP_NEEDS_WEIGHTS | JKP_NEEDS_INPUTS | JKP_NEEDS_LABELS | JKP_NEEDS_GRAD;
    let moved = JKP_KEEPS_LAYER_COUNTS | JKP_KEEPS_TOTAL_COUNT | JKP_CHANGES_OUTPUT;
    for (file, id, kind, output, needs, promises, n_params) in [
        (
            rust_plugin("jackpot-magnitude"),
            "magnitude",
            1,
            JKP_SCORES,
            JKP_NEEDS_WEIGHTS,
            0,
            0,
        ),
        (
            rust_plugin("jackpot-random"),
            "random",
            1,
            JKP_SCORES,
            JKP_NEEDS_RNG,
            0,
            0,
        ),
        (
            rust_plugin("jackpot-snip"),
            "snip",
            1,
            JKP_SCORES,
            scoring,
            0,
            5,
        ),
        (
            c_plugin("snip"),
            "org.jackpot.c.snip",
            1,
            JKP_SCORES,
            scoring,
            0,
            5,
        ),
        (
            rust_plugin("jackpot-check-rearrange"),
            "layerwise-rearrange",
            2,
            JKP_MASKS,
            JKP_NEEDS_RNG,
            moved,
            0,
        ),
        (
            c_plugin("rearrange"),
            "org.jackpot.c.layerwise-rearrange",
            2,
            JKP_MASKS,
            JKP_NEEDS_RNG,
            moved,
            0,
        ),
    ] {
        let plugin = load(&file);
        let item = only(plugin);
        let (major, minor) = (plugin.abi_major, plugin.abi_minor);
        assert_eq!((major, minor), (JKP_ABI_MAJOR, JKP_ABI_MINOR), "{id}");
        assert_eq!(plugin.struct_size, size_of::<jkp_plugin>() as u64);
        assert_eq!(item.struct_size, size_of::<jkp_item>() as u64);
        assert_eq!(text(plugin.license), env!("CARGO_PKG_LICENSE"));
        assert!(!text(plugin.name).is_empty() && !text(plugin.version).is_empty());
        assert_eq!(text(item.id), id);
        assert!(!text(item.version).is_empty() && text(item.summary).len() > 20);
        let found = (
            item.kind,
            item.output,
            item.needs,
            item.promises,
            item.n_params,
        );
        assert_eq!(found, (kind, output, needs, promises, n_params), "{id}");
        assert!(
            std::ptr::eq(plugin, load(&file)),
            "the table is one constant"
        );
    }
}

/// Two languages declare the same parameters.
#[test]
fn c_and_rust_snip_take_the_same_parameters() {
    let params = |file: &std::path::Path| -> Vec<_> {
        let item = only(load(file));
        // SAFETY: n_params pointers to parameters, by the contract.
        let param = |i| unsafe { **item.params.add(i) };
        (0..item.n_params as usize)
            .map(param)
            .map(|p| {
                (
                    text(p.def.name),
                    text(p.doc),
                    p.def.r#type,
                    p.def.i,
                    p.min,
                    p.max,
                )
            })
            .collect()
    };
    assert_eq!(
        params(&rust_plugin("jackpot-snip")),
        params(&c_plugin("snip"))
    );
}

#[test]
fn magnitude_is_the_absolute_value() {
    let scores = toy()
        .run(only(load(&rust_plugin("jackpot-magnitude"))))
        .unwrap();
    for (scores, weights) in scores.iter().zip(toy().weights) {
        let expected = weights.iter().map(|w| f64::from(w.abs())).collect();
        assert_eq!(scores.bytes(), Values::F64(expected).bytes());
    }
}

#[test]
fn snip_is_weight_times_gradient_in_both_languages() {
    let (rust, c) = (rust_plugin("jackpot-snip"), c_plugin("snip"));
    for config in [
        vec![],
        vec![("samples_per_class", 0), ("batch_size", 64), ("batches", 3)],
        vec![("augment", 0), ("shuffle", 1)],
    ] {
        let mut toy = toy();
        toy.config = config.clone();
        let get = |name, default| config.iter().find(|c| c.0 == name).map_or(default, |c| c.1);
        let spec = jkp_batch_spec {
            struct_size: 64,
            key: jkp_key { w: toy.key.0 },
            n_batches: get("batches", 1) as u64,
            batch_size: get("batch_size", 128) as u64,
            per_class: get("samples_per_class", 10) as u64,
            parts: 1,
            augment: get("augment", 1) as u32,
            shuffle: get("shuffle", 0) as u32,
        };
        let expected: Vec<Vec<u8>> = toy
            .weights
            .iter()
            .enumerate()
            .map(|(layer, weights)| {
                let score = |&w: &f32| (f64::from(w) * gradient(w, layer, &spec, 1.0)).abs();
                Values::F64(weights.iter().map(score).collect()).bytes()
            })
            .collect();
        assert_eq!(
            bytes(&toy.run(only(load(&rust))).unwrap()),
            expected,
            "{config:?}"
        );
        assert_eq!(
            bytes(&toy.run(only(load(&c))).unwrap()),
            expected,
            "{config:?}"
        );
    }
}

#[test]
fn what_the_host_says_arrives_in_both_languages() {
    for file in [rust_plugin("jackpot-snip"), c_plugin("snip")] {
        let item = only(load(&file));
        let mut greedy = toy();
        greedy.config = vec![("samples_per_class", 101)];
        let (status, message) = greedy.run(item).unwrap_err();
        assert_eq!(status, JKP_E_INVALID);
        assert_eq!(message, "class 0 has 100 images");

        let denied = jkp_item {
            needs: item.needs & !JKP_NEEDS_GRAD,
            ..*item
        };
        let (status, message) = toy().run(&denied).unwrap_err();
        assert_eq!(status, JKP_E_UNSUPPORTED);
        assert!(message.contains("needs"), "{message}");
    }
}

/// The k largest random scores of each layer, k copied from the mask.
fn random_with_counts_of(toy: &Toy) -> Vec<Vec<u8>> {
    let scores = toy.run(only(load(&rust_plugin("jackpot-random")))).unwrap();
    let select = |(scores, mask): (&Values, &Vec<u8>)| {
        let Values::F64(scores) = scores else {
            panic!("scores are f64")
        };
        assert!(scores.iter().all(|s| (0.0..1.0).contains(s)));
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
        let kept = mask.iter().filter(|&&m| m == 1).count();
        let mut new = vec![0; mask.len()];
        order[..kept].iter().for_each(|&position| new[position] = 1);
        new
    };
    scores.iter().zip(&toy.masks).map(select).collect()
}

#[test]
fn rearrange_is_random_scores_with_the_counts_of_the_mask() {
    let expected = random_with_counts_of(&toy());
    assert_ne!(expected, toy().masks);
    for file in [
        rust_plugin("jackpot-check-rearrange"),
        c_plugin("rearrange"),
    ] {
        let item = only(load(&file));
        assert_eq!(bytes(&toy().run(item).unwrap()), expected);
        let mut other = toy();
        other.key = Key([11, 13]);
        assert_ne!(
            bytes(&other.run(item).unwrap()),
            expected,
            "the key changes nothing"
        );
    }
}

/// The comparisons above can fail: small faults in the C sources show.
#[test]
fn a_faulty_twin_gives_other_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for (source, from, to) in [
        (
            "snip",
            "fabs(weight[i] * score[i])",
            "fabsf(weight[i] * (float)score[i])",
        ),
        (
            "snip",
            "count(run, \"batches\")",
            "1 + count(run, \"batches\")",
        ),
        (
            "rearrange",
            "rng->fold(&run->key, l, &key);",
            "key = run->key;",
        ),
        ("rearrange", "i < kept; i++", "i + 1 < kept; i++"),
    ] {
        let text = fs::read_to_string(root().join(format!("plugins/c/{source}.c"))).unwrap();
        assert!(text.contains(from), "`{from}` is not in {source}.c");
        let name = format!("{source}{}", to.len());
        let (file, library) = (
            format!("{name}.c"),
            folder.path().join(format!("lib{name}.so")),
        );
        fs::write(folder.path().join(&file), text.replace(from, to)).unwrap();
        run_well(
            compiler("CC", "cc")
                .args(["-std=c11", "-O2", "-fPIC", "-shared", "-I"])
                .arg(root().join("core/abi/include"))
                .args([&file, "-o"])
                .arg(&library)
                .current_dir(folder.path()),
        );
        let right = toy().run(only(load(&c_plugin(source)))).unwrap();
        let wrong = toy().run(only(load(&library))).unwrap();
        assert_ne!(bytes(&right), bytes(&wrong), "{to}");
    }
}

/// The first example will be copied: it stays short.
#[test]
fn the_examples_are_short() {
    let code = |path: &str| -> Vec<String> {
        let text = fs::read_to_string(root().join(path)).unwrap();
        text.lines().map(str::to_owned).collect()
    };
    for name in ["methods/magnitude", "methods/random", "checks/rearrange"] {
        let lines = code(&format!("plugins/{name}/src/lib.rs")).len();
        assert!(lines <= 40, "{name}: {lines} lines");
    }
    for (name, start) in [
        ("snip", "static jkp_status snip"),
        ("rearrange", "static jkp_status rearrange"),
    ] {
        let lines = code(&format!("plugins/c/{name}.c"));
        let from = lines
            .iter()
            .position(|line| line.starts_with(start))
            .unwrap();
        let length = lines[from..].iter().position(|line| line == "}").unwrap() + 1;
        assert!(length <= 20, "{name}.c: {length} lines");
    }
}
