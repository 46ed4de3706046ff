//! The conformance kit: what is fit passes, and each unfit item fails by its own case.
use crate::bench::{Bench, WORKER, build, build_with, server};
use crate::modes::{CPP, MODES, PROCESS};
use jackpot_host::{Case, CaseOutcome, Kit, Report, Server, conform};
use std::path::{Path, PathBuf};

/// One case in the toy worker, whose services are the kit's own but for its moods.
fn kit(case: Option<&str>) -> Kit {
    Kit {
        server: server(),
        seconds: 1.0,
        workers: 2,
        of_jackpot: Vec::new(),
        item: None,
        case: case.map(str::to_owned),
    }
}

/// The build of a source in a folder.
fn library(source: &'static str, folder: &Path) -> PathBuf {
    let library = folder.join("plugin.so");
    std::fs::write(&library, build(source)).expect("the folder is ours");
    library
}

fn report(source: &'static str, case: Option<&str>) -> Report {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let library = library(source, folder.path());
    conform(&kit(case), &library, &|_, _| ()).expect("the toy worker starts")
}

/// The names of an item's failed cases with their reasons.
fn failed<'a>(report: &'a Report, item: &str) -> Vec<(&'static str, &'a str)> {
    let of_item = |case: &&Case| case.item == item;
    let failed = |case: &'a Case| match &case.verdict {
        CaseOutcome::Failed(why) => Some((case.case, why.as_str())),
        _ => None,
    };
    report
        .cases
        .iter()
        .filter(of_item)
        .filter_map(failed)
        .collect()
}

#[test]
fn each_unfit_item_fails_by_its_own_case() {
    let report = report("unfit.c", None);
    let plugin = report.plugin.as_ref().expect("it loads");
    // Where the same fault shows in another case too.
    let also = |case: &str| match case {
        "a layer of 65 weights" => ["layers of 1 to 4,097", "a layer of 0"].as_slice(),
        // Every case that compares two runs.
        "the same run twice" => &["another key", "with all data", "two rounds"],
        "stops when" => &["a layer of 300,000"],
        _ => &[],
    };
    for item in &plugin.items {
        let (found, expected) = (failed(&report, &item.id), item.version.as_str());
        let begins = |case: &str| {
            case.starts_with(expected) || also(expected).iter().any(|a| case.starts_with(a))
        };
        let by_its_own = found.iter().any(|(case, _)| case.starts_with(expected));
        assert_eq!(by_its_own, !expected.is_empty(), "{}: {found:?}", item.id);
        assert!(
            found.iter().all(|(case, _)| begins(case)),
            "{}: {found:?}",
            item.id
        );
        assert!(found.iter().all(|(_, why)| why.len() > 20), "{found:?}");
    }
    assert!(report.failed() >= plugin.items.len() - 1);
}

/// Whatever a result may not depend on differs between the two runs that are compared.
#[test]
fn each_leak_into_a_result_is_found_by_running_it_twice() {
    let report = report("impure.c", Some("the same run twice"));
    let plugin = report.plugin.as_ref().expect("it loads");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut missed = Vec::new();
    for item in &plugin.items {
        let found = failed(&report, &item.id);
        let name = item.id.rsplit('.').next().expect("an id is no empty text");
        let leaks = match name {
            "pure" => false,
            "number_of_processors" => cores > 1,
            _ => true,
        };
        match found.as_slice() {
            [] if !leaks => {}
            [(_, why)] if leaks && why.contains("bytes differ") => {}
            other => missed.push(format!("{name}: {other:?}")),
        }
    }
    assert_eq!(plugin.items.len(), 16);
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// Ids without a dot are Jackpot's own plugins' alone.
#[test]
fn an_id_without_a_dot_fails_where_the_plugin_is_not_jackpots_own() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let library = folder.path().join("plugin.so");
    let named = build_with("unfit.c", &["-DPREFIX=\"unfit-\""]);
    std::fs::write(&library, &named).expect("the folder is ours");
    let tried = |of_jackpot: Vec<String>| {
        let kit = Kit {
            of_jackpot,
            ..kit(Some("has an id"))
        };
        conform(&kit, &library, &|_, _| ()).expect("the toy worker starts")
    };
    let report = tried(Vec::new());
    let plugin = report.plugin.as_ref().expect("it loads");
    let [(_, why)] = failed(&report, "unfit-fit")[..] else {
        panic!("one case was tried");
    };
    for words in [
        "reserved to Jackpot",
        "`org.you.unfit-fit`",
        "letters, digits",
    ] {
        assert!(why.contains(words), "{why}");
    }
    assert_eq!(tried(vec![plugin.sha256.clone()]).failed(), 0);
}

/// An id that would do harm in a page, a path or a terminal is refused when the plugin is loaded.
#[test]
fn an_id_of_other_characters_is_refused_with_those_that_it_may_have() {
    for prefix in [
        "org.<script>alert(1)</script>.",
        "org.a b\n",
        "org/../",
        "org.ä.",
        ".",
        "org..",
        "-",
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let library = folder.path().join("plugin.so");
        let escaped = prefix.escape_default().to_string().replace("\\u{e4}", "ä");
        let named = build_with("unfit.c", &[&format!("-DPREFIX=\"{escaped}\"")]);
        std::fs::write(&library, &named).expect("the folder is ours");
        let report = conform(&kit(None), &library, &|_, _| ()).expect("the toy worker starts");
        assert!(report.plugin.is_none(), "{prefix}");
        let [
            Case {
                verdict: CaseOutcome::Failed(why),
                ..
            },
        ] = report.cases.as_slice()
        else {
            panic!("{prefix}: loading alone was tried");
        };
        assert!(why.contains("item 0's id is"), "{prefix}: {why}");
    }
}

/// What the suite contains, the kit names: beside the few that only misbehave in a setting
/// of their own.
#[test]
fn hostile_items_do_not_pass_the_kit() {
    let small = Some("a small ResNet");
    let elsewhere = ["service_is_slow"];
    for (source, modes, prefix) in [
        ("hostile.c", MODES, "org.test."),
        ("process.c", PROCESS, "org.test."),
        ("throws.cpp", CPP, "org.test.cpp."),
    ] {
        let report = report(source, small);
        for (item, kind, _) in modes {
            let found = failed(&report, &format!("{prefix}{item}"));
            if elsewhere.contains(item) {
                continue;
            }
            let [(_, why)] = found.as_slice() else {
                panic!("{item}: one case was tried, {} failed", found.len());
            };
            assert!(why.starts_with(&format!("{kind}: ")), "{item}: {why}");
        }
        assert!(failed(&report, &format!("{prefix}good")).is_empty());
    }
}

#[test]
fn what_is_no_plugin_fails_by_loading_and_what_is_chosen_is_all_that_runs() {
    let bench = Bench::new();
    let file = bench.file("text.so", b"no library");
    let found = conform(&kit(None), &file, &|_, _| ()).expect("the toy worker starts");
    assert!(found.plugin.is_none() && found.failed() == 1);
    let [
        Case {
            verdict: CaseOutcome::Failed(why),
            ..
        },
    ] = found.cases.as_slice()
    else {
        panic!("loading alone was tried");
    };
    assert!(why.contains("cannot be loaded"), "{why}");
    let missing = Kit {
        server: Server {
            program: "/nowhere".into(),
            ..server()
        },
        ..kit(None)
    };
    let unable = conform(&missing, Path::new(WORKER), &|_, _| ()).expect_err("no server");
    assert!(unable.message.contains("cannot be started"), "{unable}");
    // One item, one case; an unknown one is refused with the nearest.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let library = library("unfit.c", folder.path());
    let chosen = |item: &str| Kit {
        item: Some(item.into()),
        ..kit(Some("one image"))
    };
    let one = conform(&chosen("org.test.unfit.fit"), &library, &|_, _| ()).expect("it runs");
    assert_eq!(one.cases.len(), 2);
    let unknown = conform(&chosen("org.test.unfit.fat"), &library, &|_, _| ());
    let unknown = unknown.expect_err("no such item");
    assert!(
        unknown
            .message
            .contains("did you mean `org.test.unfit.fit`"),
        "{unknown}"
    );
}

/// Every case of every plugin that ships, in C and in Rust.
#[test]
fn every_shipped_plugin_passes() {
    let programs = Path::new(WORKER).parent().expect("it lies in a folder");
    let folder = programs.join("plugins");
    let listed = std::fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("`{}`: {e}: run `cargo xtask build`", folder.display()));
    let mut libraries: Vec<_> = listed.map(|e| e.expect("an entry").path()).collect();
    libraries.retain(|path| path.extension().is_some_and(|e| e == "so"));
    libraries.sort();
    assert!(
        libraries.len() >= 13,
        "{libraries:?}: run `cargo xtask build`"
    );
    let (mut items, mut passed) = (0, 0);
    for library in libraries {
        let sum = jackpot_store::Digest::of_file(&library).expect("it can be read");
        let own = Kit {
            of_jackpot: vec![sum.to_string()],
            ..kit(None)
        };
        let report = conform(&own, &library, &|_, _| ()).expect("the toy worker starts");
        let plugin = report.plugin.as_ref().expect("it loads");
        for item in &plugin.items {
            let failed = failed(&report, &item.id);
            assert!(failed.is_empty(), "{}: {failed:?}", item.id);
        }
        items += plugin.items.len();
        let held = |case: &&Case| matches!(case.verdict, CaseOutcome::Passed(_));
        passed += report.cases.iter().filter(held).count();
    }
    assert!(
        items >= 20 && passed >= 14 * items,
        "{items} items, {passed} cases"
    );
}
