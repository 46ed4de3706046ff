//! A plugin in Rust that panics: `export!` must catch it before it reaches C.
use jackpot_sdk::{Item, Out, Output, Result, Run, export};

const PANICS: Item = Item {
    summary: c"reads past the end of a vector",
    ..Item::method(c"org.test.rust.panics", Output::Scores, panics)
};
const UNWRAPS: Item = Item {
    summary: c"unwraps what is not there",
    ..Item::method(c"org.test.rust.unwraps", Output::Scores, unwraps)
};
export!(PANICS, UNWRAPS);

fn panics(run: &Run, _out: &mut Out) -> Result {
    let none: Vec<u64> = Vec::new();
    let beyond = run.params().iter().count();
    std::hint::black_box(none[beyond]);
    Ok(())
}

fn unwraps(run: &Run, _out: &mut Out) -> Result {
    let params = run.params();
    let first = params.iter().next().filter(|_| false);
    std::hint::black_box(first.expect("the first of nothing"));
    Ok(())
}
