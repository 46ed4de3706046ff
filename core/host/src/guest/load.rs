//! Loading a plugin: its bytes, its constructors, its table.
use super::process_state::ProcessState;
use super::table;
use crate::supervisor::progress::{Page, Phase};
use jackpot_abi as abi;
use jackpot_protocol::{Failure, Plugin, PluginItem};
use jackpot_store::Digest;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::io::Read;
use std::path::Path;

/// A plugin in this process, until it ends.
pub(super) struct Loaded {
    pub(super) described: Plugin,
    /// The items of the table, in the order of `described.items`.
    items: Vec<&'static abi::jkp_item>,
}

impl Loaded {
    /// The item that the job names; the table must still say what the supervisor was told.
    pub(super) fn item(&self, asked: &PluginItem) -> Result<&'static abi::jkp_item, Failure> {
        let found = self
            .described
            .items
            .iter()
            .position(|item| item.id == asked.id);
        match found {
            None => Err(Failure::new(
                "contract",
                format!("the plugin has no item `{}`", asked.id),
            )),
            Some(i) if self.described.items[i] != *asked => Err(Failure::new(
                "contract",
                format!(
                    "item `{}` is not what the plugin's description said",
                    asked.id
                ),
            )),
            Some(i) => Ok(self.items[i]),
        }
    }
}

/// Checks the file's bytes, loads it, reads its table. It is never unloaded.
pub(super) fn load(path: &Path, sha256: &str, page: &Page) -> Result<Loaded, Failure> {
    let failed = |message: String| Failure::new("load", message);
    let found = Digest::of_file(path)
        .map_err(|e| failed(e.to_string()))?
        .to_string();
    if found != sha256 {
        return Err(failed(format!(
            "the file's sha256 is {found}, expected {sha256}: it is not the file that was described"
        )));
    }
    let path = std::path::absolute(path).map_err(|e| failed(e.to_string()))?;
    check_machine(&path).map_err(failed)?;
    jackpot_store::require_loadable(&path, "move it to another folder")
        .map_err(|e| failed(e.to_string()))?;
    let before = float_control();
    let process_state = ProcessState::now();
    page.enter(Phase::Loading);
    // SAFETY: runs the library's constructors: that is what a worker process is for. The
    // supervisor sees whatever they do to it.
    let library = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_LOCAL) }
        .map_err(|e| failed(format!("cannot be loaded: {}", causes(&e))))?;
    // Leaked: a plugin's threads or exit handlers may still run its code.
    let library: &'static Library = Box::leak(Box::new(library));
    // SAFETY: the symbol's name is that of a function of this type; the contract says so.
    let entry = unsafe { library.get::<abi::jkp_entry>(abi::ENTRY_SYMBOL) }.map_err(|e| {
        failed(format!(
            "exports no `jackpot_entry_v1`, so it is no plugin for ABI {}: {}",
            abi::JKP_ABI_MAJOR,
            causes(&e)
        ))
    })?;
    // SAFETY: as above; it takes nothing and returns a pointer that `table` checks.
    let pointer = unsafe { entry() };
    let loading = |why: String| failed(format!("while loading, it {why}"));
    check_float_control(before).map_err(loading)?;
    process_state.check().map_err(loading)?;
    // SAFETY: the library stays loaded, so its constant table lives as long as the process.
    let (mut described, items) = unsafe { table::read(pointer) }?;
    page.enter(Phase::Host);
    described.path = path;
    described.sha256 = found;
    Ok(Loaded { described, items })
}

/// Machines by their number in an ELF file.
const MACHINES: [(u16, &str); 4] = [
    (62, "x86_64"),
    (183, "aarch64"),
    (243, "riscv64"),
    (3, "x86"),
];

/// Whether a library was built for this machine: of one that was not, the dynamic linker only
/// says that it found no file. What is no ELF file is left for it to refuse.
fn check_machine(path: &Path) -> Result<(), String> {
    let mut head = [0u8; 20];
    let mut file = std::fs::File::open(path).map_err(|e| e.to_string())?;
    if file.read_exact(&mut head).is_err() || !head.starts_with(b"\x7fELF") {
        return Ok(());
    }
    let built_for = u16::from_le_bytes([head[18], head[19]]);
    let name = |(number, name): &(u16, &'static str)| (*number == built_for).then_some(*name);
    let found = MACHINES.iter().find_map(name);
    match found {
        Some(found) if found == std::env::consts::ARCH => Ok(()),
        found => Err(format!(
            "built for {} (ELF machine {built_for}), and this machine is {}: build it here",
            found.unwrap_or("another machine"),
            std::env::consts::ARCH
        )),
    }
}

/// An error with what caused it: libloading keeps the dynamic linker's words below.
fn causes(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", causes(source)),
        None => error.to_string(),
    }
}

/// The floating-point control bits of this thread: rounding, exceptions, flush to zero.
#[cfg(target_arch = "x86_64")]
pub(super) fn float_control() -> u64 {
    let mut mxcsr = 0u32;
    // SAFETY: stores the SSE control register into a local of its size.
    unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &mut mxcsr, options(nostack)) };
    // The low six bits only say which exceptions have happened.
    u64::from(mxcsr & !0x3f)
}

/// The floating-point control bits of this thread: rounding, exceptions, flush to zero.
#[cfg(target_arch = "aarch64")]
pub(super) fn float_control() -> u64 {
    let fpcr: u64;
    // SAFETY: reads a register.
    unsafe { std::arch::asm!("mrs {}, fpcr", out(reg) fpcr, options(nomem, nostack)) };
    fpcr
}

/// Whether a plugin left the thread's arithmetic as it found it.
pub(super) fn check_float_control(before: u64) -> Result<(), String> {
    let after = float_control();
    if after == before {
        return Ok(());
    }
    Err(format!(
        "changed the thread's floating-point mode ({before:#x} to {after:#x}): built or linked \
         with -ffast-math? Every later result would differ; build it without"
    ))
}
