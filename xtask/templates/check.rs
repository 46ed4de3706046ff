//! new-plugin: moves what each layer keeps some places on, around the end.
//!
//! Replace the change. A check that changes nothing fails, and what it promises is verified on
//! every output; `plugins/checks/rearrange` draws its places, `core/abi/CONTRACT.md` has the
//! rules.
use jackpot_sdk::{Item, Out, Output, Param, Result, Run, export, promises};

const NEW_PLUGIN: Item = Item {
    summary: c"moves the kept weights of each layer some places on",
    promises: promises::KEEPS_LAYER_COUNTS | promises::KEEPS_TOTAL_COUNT | promises::CHANGES_OUTPUT,
    params: &[&Param::int(c"places", 1, c"how far").between(1.0, 1e9)],
    ..Item::check(c"org.example.new-plugin", Output::Masks, check)
};
export!(NEW_PLUGIN);

fn check(run: &Run, out: &mut Out) -> Result {
    let places = run.count("places")?;
    for (mask, new) in run.input()?.iter().zip(out.masks()?) {
        new.copy_from_slice(mask.u8()?);
        if !new.is_empty() {
            new.rotate_right((places % new.len() as u64) as usize);
        }
    }
    Ok(())
}
