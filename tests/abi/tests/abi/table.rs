//! Reads what a plugin exports.
use jackpot_abi::*;
use std::ffi::{CStr, CString, c_char};
use std::path::Path;

/// A plugin file that was loaded for the rest of this process, as the contract says.
pub fn load(file: &Path) -> &'static jkp_plugin {
    // SAFETY: our own plugins; loading runs no code of theirs but Rust's runtime.
    let library = unsafe { libloading::Library::new(file) }.unwrap();
    let library = Box::leak(Box::new(library));
    // SAFETY: the one exported symbol and its type, by the contract.
    let entry = unsafe { library.get::<jkp_entry>(ENTRY_SYMBOL) }.unwrap();
    // SAFETY: the entry takes nothing and its table lives as long as the library.
    unsafe { entry().as_ref() }.unwrap()
}

/// The items of a table.
pub fn items(plugin: &'static jkp_plugin) -> Vec<&'static jkp_item> {
    let n = plugin.n_items as usize;
    // SAFETY: n_items pointers to items, by the contract.
    (0..n).map(|i| unsafe { &**plugin.items.add(i) }).collect()
}

/// A text of a table.
pub fn text(start: *const c_char) -> String {
    assert!(!start.is_null());
    // SAFETY: not NULL, and a table's texts end in NUL.
    let text: CString = unsafe { CStr::from_ptr(start) }.to_owned();
    text.into_string().unwrap()
}
