//! The worker is a shell script, whose `$0` is the job folder: independent of our own worker.
use super::*;
use std::collections::BTreeMap;

fn run(script: &str, memory: u64) -> (Result<Finished, Failure>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        environment: BTreeMap::from([("GREETING".into(), "hello".into())]),
    };
    let limits = Limits {
        plugin_seconds: 1.0,
        memory,
        scratch: 0,
    };
    (
        supervise(&server, folder.path(), &limits, &mut |_| ()),
        folder,
    )
}

fn failure(script: &str) -> String {
    let failure = run(script, 0).0.unwrap_err();
    format!("{}: {}", failure.kind, failure.message)
}

/// Whether a process with this in its command line still runs.
fn runs(needle: &str) -> bool {
    let table = std::fs::read_dir("/proc").unwrap().flatten();
    table
        .filter_map(|e| std::fs::read(e.path().join("cmdline")).ok())
        .any(|c| {
            String::from_utf8_lossy(&c)
                .replace('\0', " ")
                .contains(needle)
        })
}

#[test]
fn a_record_is_success_and_the_environment_is_what_was_asked() {
    let script =
        r#"echo "$GREETING ${RUST_BACKTRACE-none}"; ulimit -c; echo '{"a":[1]}' > $0/done.json"#;
    let finished = run(script, 0).0.unwrap();
    assert_eq!(finished.result, serde_json::json!({"a": [1]}));
    assert_eq!(finished.log, "hello none\n0\n");
    assert!(finished.seconds < 10.0);
}

#[test]
fn anything_but_a_record_is_a_failure_that_says_why() {
    for (script, expected) in [
        (
            "exit 0",
            "crash: ended with exit status 0 and without a result",
        ),
        ("exit 3", "crash: ended with exit status 3 and without"),
        ("kill -SEGV $$", "crash: SIGSEGV (invalid memory access)"),
        ("kill -ABRT $$", "crash: SIGABRT"),
        (
            r#"echo '{"kind":"load","message":"no such thing"}' > $0/error.json; exit 1"#,
            "load: no such thing",
        ),
        (
            "echo nonsense > $0/error.json; exit 1",
            "error: its error report cannot be read",
        ),
        ("echo '{' > $0/done.json", "contract: its success record"),
        (
            "echo '{}' > $0/done.json; exit 4",
            "crash: wrote its result and then ended with exit status 4",
        ),
        ("echo '{}' > $0/done.json; kill -SEGV $$", "crash: SIGSEGV"),
        (
            "echo memory allocation of 9 bytes failed; kill -ABRT $$",
            "memory: ran out of memory (no limit",
        ),
    ] {
        let found = failure(script);
        assert!(found.starts_with(expected), "{script}: {found}");
    }
}

#[test]
fn a_stale_record_is_not_success() {
    let (_, folder) = run("exit 1", 0);
    std::fs::write(folder.path().join("done.json"), "{}").unwrap();
    let server = Server {
        program: "/bin/true".into(),
        arguments: vec![],
        environment: BTreeMap::new(),
    };
    let limits = Limits {
        plugin_seconds: 1.0,
        memory: 0,
        scratch: 0,
    };
    let failure = supervise(&server, folder.path(), &limits, &mut |_| ()).unwrap_err();
    assert!(failure.message.contains("without a result"), "{failure}");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server {
        program: "/nowhere/jackpot-worker".into(),
        arguments: vec![],
        environment: BTreeMap::new(),
    };
    let limits = Limits {
        plugin_seconds: 1.0,
        memory: 0,
        scratch: 0,
    };
    let failure = supervise(&server, folder.path(), &limits, &mut |_| ()).unwrap_err();
    assert!(
        failure.message.contains("/nowhere/jackpot-worker"),
        "{failure}"
    );
}

#[test]
fn no_descendant_is_left_in_or_out_of_the_group() {
    for (script, needle) in [
        ("sleep 98761 & echo '{}' > $0/done.json", "sleep 98761"),
        (
            "(setsid sleep 98762 &) ; echo '{}' > $0/done.json; sleep 0.1",
            "sleep 98762",
        ),
        (
            "setsid env -i sleep 98763 & sleep 1; echo '{}' > $0/done.json",
            "sleep 98763",
        ),
    ] {
        let failure = run(script, 0).0.unwrap_err();
        assert_eq!(failure.kind, "contract", "{failure}");
        assert!(
            failure.message.contains("left 1 process(es) running"),
            "{failure}"
        );
        assert!(!runs(needle), "{needle} still runs");
    }
}

#[test]
fn children_of_others_are_left_alone() {
    let mut stranger = Command::new("sleep").arg("98764").spawn().unwrap();
    let mut finished = Command::new("true").spawn().unwrap();
    let jobs: Vec<_> = (0..4)
        .map(|i| {
            std::thread::spawn(move || {
                run(
                    &format!("sleep 0.{i}; echo '{{\"i\":{i}}}' > $0/done.json"),
                    0,
                )
                .0
                .unwrap()
            })
        })
        .collect();
    for (i, job) in jobs.into_iter().enumerate() {
        assert_eq!(job.join().unwrap().result["i"], i);
    }
    assert!(
        finished.wait().unwrap().success(),
        "somebody else reaped it"
    );
    assert!(
        stranger.try_wait().unwrap().is_none(),
        "somebody else killed it"
    );
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn the_memory_limit_holds() {
    // The shell itself asks for the memory: a variable of 64 MB.
    let script =
        r#"x=$(head -c 67108864 /dev/zero | tr '\0' x); echo "{\"n\":${#x}}" > $0/done.json"#;
    assert_eq!(run(script, 0).0.unwrap().result["n"], 67108864);
    assert!(run(script, 32 << 20).0.is_err());
}

#[test]
fn endless_output_is_cut() {
    let failure = run("yes", 0).0.unwrap_err();
    assert!(
        failure.message.contains("printed more than 64 MB"),
        "{failure}"
    );
    assert!(failure.log.len() <= LOG_TAIL as usize);
}

#[test]
fn a_lower_limit_of_the_shell_stays() {
    assert_eq!(within(100, None), 100);
    assert_eq!(within(100, Some(50)), 50);
    assert_eq!(within(100, Some(200)), 100);
}
