//! One store, several machines. A second machine is a process in a UTS namespace of its own, with
//! another host name; that its lock is seen elsewhere is then up to the file system, here the
//! same kernel's.
use crate::support::{Place, finished, jackpot, outcome, ran};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Output, Stdio},
};

const ELSEWHERE: &str = "elsewhere.test";

/// The command as another machine would run it.
fn elsewhere(command: Command) -> Command {
    let mut other = Command::new("unshare");
    other.args(["--uts", "--map-root-user", "sh", "-c"]);
    other.arg(format!("hostname {ELSEWHERE} && exec \"$@\""));
    other.arg("sh").arg(command.get_program());
    other.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => other.env(name, value),
            None => other.env_remove(name),
        };
    }
    other.current_dir(std::env::temp_dir());
    other
}

fn spawned(mut command: Command) -> Child {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Namespaces are the kernel's to give; who may not have one must know what was not tried.
#[test]
fn another_machine_can_be_had() {
    let mut name = Command::new("uname");
    name.arg("-n");
    let (code, out, err) = outcome(elsewhere(name).output().unwrap());
    assert_eq!(
        (code, out.trim()),
        (0, ELSEWHERE),
        "a user namespace is needed (`sysctl kernel.unprivileged_userns_clone=1`): {err}"
    );
}

#[test]
fn two_machines_train_each_network_once() {
    let place = Place::new();
    let run = || place.command("run", &["--workers", "1"]);
    let (here, there) = (spawned(run()), spawned(elsewhere(run())));
    let ended = |child: Child| -> Output { child.wait_with_output().unwrap() };
    let (here, there) = (outcome(ended(here)), outcome(ended(there)));
    assert_eq!((here.0, there.0), (0, 0), "{}{}", here.2, there.2);
    let each = [ran(&here.1), ran(&there.1)];
    assert_eq!(each[0] + each[1], place.actions().len() as u64, "{each:?}");
    assert!(each.iter().all(|n| *n > 0), "both worked: {each:?}");
    assert_eq!(place.actions(), finished().actions());
    assert_eq!(place.pin(), finished().pin());
    let (code, out, err) = place.audit();
    assert_eq!(code, 0, "{out}{err}");
}

/// What another machine holds is named with it; what it left when it died is not swept as if it
/// were this one's, and goes when somebody says that it is dead.
#[test]
fn a_machine_that_died_is_named_and_let_go_by_name() {
    let place = Place::new();
    let mut other = spawned(elsewhere(place.command("run", &["--workers", "1"])));
    let mut said = BufReader::new(other.stderr.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().starts_with("done ")));
    let gc = |more: &[&str]| {
        let mut command = jackpot();
        command
            .arg("--store")
            .arg(place.store())
            .arg("gc")
            .args(more);
        outcome(command.output().unwrap())
    };
    let (code, out, err) = gc(&["--apply"]);
    assert_eq!(code, 2, "{out}");
    assert!(err.contains(&format!("of machine `{ELSEWHERE}`")), "{err}");
    // `exec` all the way: the child is the program itself.
    other.kill().unwrap();
    other.wait().unwrap();

    let left = || {
        let names = std::fs::read_dir(place.store().join("tmp")).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(ELSEWHERE)).count()
    };
    assert!(left() > 0);
    let (code, out, err) = gc(&[]);
    assert_eq!(code, 0, "{err}");
    let advice = format!("`jackpot gc --apply --dead {ELSEWHERE}`");
    assert!(out.contains(&advice), "{out}");
    assert!(left() > 0, "this machine does not sweep another's");
    // Its lock ended with it: the study goes on here.
    place.run(&["--workers", "2"]);
    assert_eq!(place.actions(), finished().actions());
    let (code, out, err) = gc(&["--apply", "--dead", ELSEWHERE]);
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(left(), 0);
    assert!(!out.contains(ELSEWHERE), "{out}");
    let (code, out, err) = place.audit();
    assert_eq!(code, 0, "{out}{err}");
}
