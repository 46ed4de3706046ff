//! The CPU's mode for denormal numbers.
use std::arch::asm;

/// Denormal inputs are zero, denormal results are flushed to zero.
const FLUSH: u32 = 0x8040;
/// All exceptions masked, round to nearest.
const DEFAULT: u32 = 0x1f80;

/// While it lives, this thread takes denormal numbers for 0: momentum that decays towards 0
/// would else cost a hundred times an ordinary number. Dropped, it restores the mode that it
/// found, which results do not depend on.
pub(crate) struct FlushedDenormals {
    before: u32,
}

impl FlushedDenormals {
    pub fn begin() -> FlushedDenormals {
        let mut before = 0_u32;
        // SAFETY: writes MXCSR to `before`; reads it back with other modes for denormals.
        unsafe {
            asm!("stmxcsr [{}]", in(reg) &raw mut before, options(nostack));
            let flushed = DEFAULT | FLUSH;
            asm!("ldmxcsr [{}]", in(reg) &raw const flushed, options(nostack));
        }
        FlushedDenormals { before }
    }
}

impl Drop for FlushedDenormals {
    fn drop(&mut self) {
        // SAFETY: restores the value that `begin` read.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const self.before, options(nostack)) }
    }
}
