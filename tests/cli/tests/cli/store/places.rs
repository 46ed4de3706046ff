//! Where stores and libtorch may lie, and what is said of places where they cannot.
use crate::support::{Place, binaries, jackpot, outcome};
use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::Path,
    process::{Command, Output},
};

const STUDY: &str = include_str!("../studies/everything.toml");

fn run(store: &Path, study: &Path) -> Output {
    let mut run = jackpot();
    run.arg("--store").arg(store).arg("run").arg(study);
    run.output().unwrap()
}

#[test]
fn a_store_whose_path_cannot_be_told_is_refused_before_anything_is_written() {
    let place = Place::with(STUDY);
    for (name, why) in [
        (&b"st\xe9"[..], "is not UTF-8"),
        (b"st$ORIGIN", "`$ORIGIN`"),
        (b"in/${LIB}/store", "`$LIB`"),
        (b"$PLATFORM", "`$PLATFORM`"),
    ] {
        let store = place
            .folder
            .path()
            .join("stores")
            .join(OsStr::from_bytes(name));
        let (code, _, err) = outcome(run(&store, &place.study()));
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(why) && err.contains("--store"), "{err}");
        assert!(!place.folder.path().join("stores").exists(), "{err}");
    }
}

#[test]
fn a_store_of_any_other_path_works() {
    let place = Place::new();
    let (head, _) = crate::support::TINY.split_once("[[ticket]]").unwrap();
    place.write(&format!(
        "{head}[[ticket]]\nname = \"smart\"\nscores = {{ method = \"random\" }}\nallocation = \"smart-ratio\"\n"
    ));
    let store = place.folder.path().join("two words, größer:\n$HOME");
    let (code, out, err) = outcome(run(&store, &place.study()));
    assert_eq!(code, 0, "{out}{err}");
}

/// `script` as root in a namespace of its own; none: the kernel gives none.
fn as_root(script: &str, arguments: &[&OsStr]) -> Option<(i32, String, String)> {
    let mut command = Command::new("unshare");
    command.args([
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        script,
        "sh",
    ]);
    let (code, out, err) = outcome(command.args(arguments).output().ok()?);
    if code == 77 || (out.is_empty() && err.starts_with("unshare")) {
        eprintln!("NOT TRIED: a file system of one's own, for {err}");
        return None;
    }
    Some((code, out, err))
}

#[test]
fn a_store_or_plugin_where_nothing_may_be_executed_is_said_to_lie_there() {
    let place = Place::with(STUDY);
    let mount = place.folder.path().join("mount");
    fs::create_dir(&mount).unwrap();
    let script = "mount -t tmpfs -o noexec none \"$1\" || exit 77; cp \"$4\" \"$1/plugin.so\"; \
                  \"$2\" --store \"$1/store\" run \"$3\"; echo \"run $?\"; ls \"$1\"; \
                  \"$2\" plugin check \"$1/plugin.so\" 2>&1; echo \"check $?\"";
    let plugin = binaries().join("plugins/libjackpot_random.so");
    let program = binaries().join("jackpot");
    let study = place.study();
    let all = [&mount, &program, &study, &plugin].map(|path| path.as_os_str());
    let Some((_, out, err)) = as_root(script, &all) else {
        return;
    };
    assert!(out.contains("run 2\nplugin.so\n"), "{out}{err}");
    assert!(
        err.contains("mounted `noexec`") && err.contains("--store"),
        "{err}"
    );
    assert!(!out.contains("check 0"), "{out}");
    assert!(out.contains("mounted `noexec`"), "{out}");
}

/// A worker whose libtorch lies where this user cannot look; root can look everywhere, so there
/// it is a folder that is gone.
#[test]
fn a_worker_without_its_libtorch_names_the_place_and_the_cure() {
    let place = Place::with(STUDY);
    let home = place.folder.path().join("home");
    let lib = home.join("cache/lib");
    fs::create_dir_all(&lib).unwrap();
    let source = place.folder.path().join("worker.c");
    fs::write(
        &source,
        "int there(void);\nint main(void) { return there(); }\n",
    )
    .unwrap();
    let library = place.folder.path().join("there.c");
    fs::write(&library, "int there(void) { return 0; }\n").unwrap();
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let compile = |arguments: &[&OsStr]| {
        let done = Command::new(&compiler).args(arguments).status();
        assert!(done.unwrap().success());
    };
    let so = lib.join("libtorch_cpu.so");
    let soname = "-Wl,-soname,libtorch_cpu.so";
    let [shared, pic, soname, o] = ["-shared", "-fPIC", soname, "-o"].map(OsStr::new);
    compile(&[shared, pic, soname, o, so.as_os_str(), library.as_os_str()]);
    let worker = place.folder.path().join("worker");
    let rpath = format!("-Wl,-rpath,{}", lib.display());
    let rpath = OsStr::new(&rpath);
    compile(&[
        o,
        worker.as_os_str(),
        source.as_os_str(),
        so.as_os_str(),
        rpath,
    ]);
    let plan = || {
        let mut plan = place.command("plan", &[]);
        plan.env("JACKPOT_WORKER", &worker);
        // Cargo gives its tests places to look in that no user has.
        plan.env_remove("LD_LIBRARY_PATH");
        outcome(plan.output().unwrap())
    };
    let named = |err: &str| {
        let needs = format!("needs `libtorch_cpu.so` of `{}`", lib.display());
        assert!(err.contains(&needs) && err.contains("`LIBTORCH`"), "{err}");
    };
    fs::set_permissions(&home, fs::Permissions::from_mode(0o000)).unwrap();
    let is_root = fs::read_dir(&home).is_ok();
    if !is_root {
        let (code, _, err) = plan();
        assert_eq!(code, 2, "{err}");
        named(&err);
        let closed = format!("cannot read `{}`", home.display());
        assert!(err.contains(&closed), "{err}");
    }
    fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(&so).unwrap();
    let (code, _, err) = plan();
    assert_eq!(code, 2, "{err}");
    named(&err);
    assert!(err.contains("it is not there"), "{err}");
    assert!(!err.contains("cannot read"), "{err}");
}
