//! What the SDK does at the boundary: nothing unwinds, and every refusal says why.
use crate::table::{items, text};
use crate::toy::{Toy, Values};
use jackpot_abi::*;
use jackpot_rng::Key;
use jackpot_sdk::{Choices, Error, Item, Out, Output, Param, Result, Run, choices, export, needs};

const WORDS: Choices = choices![c"index", c"text", c"number", c"none"];
const MISBEHAVES: Item = Item {
    summary: c"panics in the way it is told",
    params: &[&Param::text(c"how", c"index", c"what to panic with").one_of(WORDS)],
    ..Item::method(c"org.test.panics", Output::Scores, misbehaves)
};
const GIVES_UP: Item = Item::method(c"org.test.gives-up", Output::Scores, gives_up);
const UNDECLARED: Item = Item {
    params: &[&Param::int(c"what", 0, c"what to ask for").between(0.0, 9.0)],
    ..Item::method(c"org.test.undeclared", Output::Scores, undeclared)
};
const WORKS: Item = Item {
    needs: needs::WEIGHTS,
    params: &[
        &Param::float(c"factor", 0.5, c"a factor"),
        &Param::flag(c"negate", true, c"a sign"),
    ],
    ..Item::method(c"org.test.works", Output::Scores, works)
};
export!(MISBEHAVES, GIVES_UP, UNDECLARED, WORKS);

fn misbehaves(run: &Run, _out: &mut Out) -> Result {
    let nothing: [u8; 0] = [];
    match run.text("how")? {
        "index" => assert_eq!(nothing[run.params().len()], 0),
        "text" => panic!("a plain text"),
        "number" => std::panic::panic_any(7),
        _ => {}
    }
    Ok(())
}

fn gives_up(run: &Run, _out: &mut Out) -> Result {
    run.poll(0.5)?;
    Err(Error::numeric("layer `fc.weight`: the variance is 0"))
}

fn undeclared(run: &Run, out: &mut Out) -> Result {
    match run.int("what")? {
        0 => run.rng().map(drop),
        1 => run.autodiff().map(drop),
        2 => run.params().get(0).f32().map(drop),
        3 => run.input().map(drop),
        4 => run.donor().map(drop),
        5 => run.reference().map(drop),
        6 => run.float("what").map(drop),
        7 => run.flag("nothing").map(drop),
        8 => out.masks().map(drop),
        _ => out.labels().map(drop),
    }
}

fn works(run: &Run, out: &mut Out) -> Result {
    let factor = run.float("factor")? * if run.flag("negate")? { -1.0 } else { 1.0 };
    let mut scaled = run.zeros()?;
    assert!(scaled.iter().all(|layer| layer.iter().all(|&x| x == 0.0)));
    for (to, from) in scaled.iter_mut().zip(run.params().iter()) {
        for (to, from) in to.iter_mut().zip(from.f32()?) {
            *to = factor * f64::from(*from);
        }
    }
    for (layer, scores) in out.scores()?.into_iter().enumerate() {
        scores.copy_from_slice(&scaled[layer]);
    }
    Ok(())
}

fn toy() -> Toy {
    Toy {
        weights: vec![vec![1.0, -2.0], vec![4.0]],
        masks: vec![vec![1, 0], vec![1]],
        key: Key([1, 2]),
        config: vec![],
        cancel: false,
    }
}

fn item(index: usize) -> &'static jkp_item {
    // SAFETY: the table is a constant of this binary.
    items(unsafe { &*jackpot_entry_v1() })[index]
}

/// Calls `item` with its word parameter set.
fn told(word: &'static std::ffi::CStr) -> (jkp_status, String) {
    // SAFETY: the item has one parameter.
    let mut param = unsafe { **item(0).params };
    param.def.s = word.as_ptr();
    let params: [*const jkp_param; 1] = [&param];
    let told = jkp_item {
        params: params.as_ptr(),
        ..*item(0)
    };
    match toy().run(&told) {
        Ok(_) => (JKP_OK, String::new()),
        Err(error) => error,
    }
}

#[test]
fn a_panic_becomes_an_error_with_its_message() {
    let (status, message) = told(c"index");
    assert_eq!(status, JKP_E_PANIC);
    assert!(
        message.contains("index out of bounds: the len is 0"),
        "{message}"
    );
    assert_eq!(
        told(c"text"),
        (JKP_E_PANIC, "panicked: a plain text".to_owned())
    );
    assert_eq!(told(c"number").0, JKP_E_PANIC);
    // The same function, not told to panic, is fine; and so is one after a panic.
    assert_eq!(told(c"none").0, JKP_OK);
}

#[test]
fn an_error_keeps_its_status_and_sentence() {
    let (status, message) = toy().run(item(1)).unwrap_err();
    assert_eq!(status, JKP_E_NUMERIC);
    assert_eq!(message, "layer `fc.weight`: the variance is 0");
    let cancelled = Toy {
        cancel: true,
        ..toy()
    };
    assert_eq!(cancelled.run(item(1)).unwrap_err().0, JKP_E_CANCELLED);
}

#[test]
fn what_was_not_declared_is_refused_with_what_to_do() {
    for (what, status, expected) in [
        (0, JKP_E_UNSUPPORTED, "`needs::RNG`"),
        (1, JKP_E_UNSUPPORTED, "`needs::GRAD`"),
        (2, JKP_E_UNSUPPORTED, "`needs::WEIGHTS`"),
        (3, JKP_E_UNSUPPORTED, "`needs::SCORES`"),
        (4, JKP_E_UNSUPPORTED, "`needs::DONOR`"),
        (5, JKP_E_UNSUPPORTED, "`needs::REF`"),
        (
            6,
            JKP_E_INTERNAL,
            "`what` was read as type 2, but is of type 1",
        ),
        (7, JKP_E_INTERNAL, "`nothing` was read, but is not among"),
        (
            8,
            JKP_E_INTERNAL,
            "was read as u8, but its DLPack type is (2, 64, 1)",
        ),
        (9, JKP_E_INTERNAL, "was read as i64"),
    ] {
        let asks = Toy {
            config: vec![("what", what)],
            ..toy()
        };
        let (found, message) = asks.run(item(2)).unwrap_err();
        assert_eq!(found, status, "{message}");
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn what_was_declared_is_given() {
    let scores = toy().run(item(3)).unwrap();
    assert_eq!(
        scores,
        [Values::F64(vec![-0.5, 1.0]), Values::F64(vec![-2.0])]
    );
}

#[test]
fn a_run_of_an_older_host_is_refused() {
    let mut error = jkp_error::new();
    let size = (size_of::<jkp_run>() - 8) as u64;
    let short = [size, 0];
    let run = item(3).run.unwrap();
    // SAFETY: struct_size says that nothing after it may be read.
    let status = unsafe { run(short.as_ptr().cast(), &mut error) };
    assert_eq!(status, JKP_E_INVALID);
    assert!(
        error.text().contains("152 bytes, expected at least 160"),
        "{}",
        error.text()
    );
    // SAFETY: NULL is what is being tested.
    assert_eq!(unsafe { run(std::ptr::null(), &mut error) }, JKP_E_INVALID);
}

#[test]
fn the_macro_tells_who_made_the_plugin() {
    // SAFETY: the table is a constant of this binary.
    let plugin = unsafe { &*jackpot_entry_v1() };
    assert_eq!(text(plugin.name), env!("CARGO_PKG_NAME"));
    assert_eq!(text(plugin.version), env!("CARGO_PKG_VERSION"));
    assert_eq!(text(plugin.license), env!("CARGO_PKG_LICENSE"));
    assert_eq!(plugin.n_items, 4);
    // SAFETY: one parameter with five words, the last NULL.
    let words: Vec<_> = unsafe {
        let choices = (**item(0).params).choices;
        (0..4).map(|i| text(*choices.add(i))).collect()
    };
    assert_eq!(words, ["index", "text", "number", "none"]);
}
