//! Misbehaving Rust: what `export!` must catch before it reaches C, and what it cannot.
use jackpot_sdk::{Error, Item, Out, Output, Result, Run, export, needs};
use std::hint::black_box;
use std::time::Duration;

macro_rules! items {
    ($($name:ident = $function:ident, $needs:expr;)*) => {
        $(const $name: Item = Item {
            summary: c"misbehaves in its own way",
            needs: $needs,
            // A text with its NUL, made at compile time.
            ..Item::method(
                match std::ffi::CStr::from_bytes_with_nul(
                    concat!("org.test.rust.", stringify!($function), "\0").as_bytes(),
                ) {
                    Ok(id) => id,
                    Err(_) => panic!("one NUL, at the end"),
                },
                Output::Scores,
                $function,
            )
        };)*
        export!($($name),*);
    };
}

items! {
    GOOD = good, 0;
    PANICS = panics, 0;
    UNWRAPS = unwraps, 0;
    PANICS_TWICE = panics_twice, 0;
    NULL = null_write, 0;
    DIVES = overflows, 0;
    ABORTS = aborts, 0;
    EXITS = exits, 0;
    DEAF = deaf, 0;
    POLITE = polite, 0;
    ALLOCATES = allocates, 0;
    NAN = nan_scores, 0;
    UNWRITTEN = unwritten, 0;
    UNDECLARED = undeclared, 0;
    THREAD = leaves_thread, 0;
    SCOPED = joins_threads, 0;
    ELSEWHERE = panics_elsewhere, 0;
    FOLDER = changes_folder, 0;
    FORGETS = forgets_file, 0;
    CHILD = leaves_child, 0;
    READS = reads_weights, needs::RNG;
}

fn good(_run: &Run, out: &mut Out) -> Result {
    for scores in out.scores()? {
        (scores.iter_mut().enumerate()).for_each(|(i, score)| *score = i as f64);
    }
    Ok(())
}
fn panics(run: &Run, _out: &mut Out) -> Result {
    let none: Vec<u64> = Vec::new();
    let beyond = run.params().iter().count();
    black_box(none[beyond]);
    Ok(())
}
fn unwraps(run: &Run, _out: &mut Out) -> Result {
    let params = run.params();
    let first = params.iter().next().filter(|_| false);
    black_box(first.expect("the first of nothing"));
    Ok(())
}
fn panics_twice(_run: &Run, _out: &mut Out) -> Result {
    struct Worse;
    impl Drop for Worse {
        fn drop(&mut self) {
            panic!("while it was already panicking");
        }
    }
    let _worse = Worse;
    panic!("the first of two");
}
fn null_write(run: &Run, out: &mut Out) -> Result {
    good(run, out)?;
    let nowhere: *mut u8 = std::ptr::null_mut();
    // SAFETY: none: that is the point.
    unsafe { black_box(nowhere).write_volatile(1) };
    Ok(())
}
fn dive(depth: u64) -> u64 {
    let here = black_box([depth; 64]);
    if black_box(true) {
        dive(here[7] + 1) + here[3]
    } else {
        depth
    }
}
fn overflows(_run: &Run, _out: &mut Out) -> Result {
    black_box(dive(0));
    Ok(())
}
fn aborts(_run: &Run, _out: &mut Out) -> Result {
    std::process::abort()
}
fn exits(_run: &Run, _out: &mut Out) -> Result {
    std::process::exit(0)
}
fn deaf(_run: &Run, _out: &mut Out) -> Result {
    loop {
        std::hint::spin_loop();
    }
}
fn polite(run: &Run, _out: &mut Out) -> Result {
    loop {
        run.poll(0.5)?;
        std::thread::sleep(Duration::from_millis(1));
    }
}
fn allocates(run: &Run, out: &mut Out) -> Result {
    let all = vec![1u8; 64 << 30];
    black_box(&all);
    good(run, out)
}
fn nan_scores(run: &Run, out: &mut Out) -> Result {
    good(run, out)?;
    out.scores()?[1][2] = f64::NAN;
    Ok(())
}
fn unwritten(_run: &Run, _out: &mut Out) -> Result {
    Ok(())
}
fn undeclared(run: &Run, out: &mut Out) -> Result {
    // It could go on without, and must fail all the same.
    let _ = run.rng();
    good(run, out)
}
fn leaves_thread(run: &Run, out: &mut Out) -> Result {
    std::thread::spawn(|| std::thread::sleep(Duration::from_secs(600)));
    good(run, out)
}
fn joins_threads(run: &Run, out: &mut Out) -> Result {
    std::thread::scope(|scope| (0..4).for_each(|i| _ = scope.spawn(move || black_box(i))));
    good(run, out)
}
fn panics_elsewhere(run: &Run, out: &mut Out) -> Result {
    let thread = std::thread::spawn(|| panic!("in a thread of its own"));
    let ended = thread.join();
    ended.map_err(|_| Error::internal("a thread panicked"))?;
    good(run, out)
}
fn changes_folder(run: &Run, out: &mut Out) -> Result {
    std::env::set_current_dir("/").map_err(|e| Error::internal(e.to_string()))?;
    good(run, out)
}
fn forgets_file(run: &Run, out: &mut Out) -> Result {
    let file = std::fs::File::open("/dev/null").map_err(|e| Error::internal(e.to_string()))?;
    std::mem::forget(file);
    good(run, out)
}
fn leaves_child(run: &Run, out: &mut Out) -> Result {
    let child = std::process::Command::new("sleep").arg("600").spawn();
    child.map_err(|e| Error::internal(e.to_string()))?;
    good(run, out)
}
fn reads_weights(run: &Run, out: &mut Out) -> Result {
    black_box(run.params().get(0).f32()?);
    good(run, out)
}
