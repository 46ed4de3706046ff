//! The one place where C calls Rust: nothing unwinds past it.
use crate::{Error, Out, Result, Run};
use jackpot_abi::{JKP_E_INVALID, JKP_E_PANIC, JKP_OK, jkp_error, jkp_run, jkp_status};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls an item's function for the host.
///
/// # Safety
/// `run` and everything it points at is as `jackpot.h` says and unchanged for the call,
/// `error` is writable or NULL, and no other thread uses either.
pub unsafe fn call(
    item: fn(&Run, &mut Out) -> Result,
    run: *const jkp_run,
    error: *mut jkp_error,
) -> jkp_status {
    // SAFETY: the caller's promise.
    let error = unsafe { error.as_mut() };
    // SAFETY: the caller's promise; struct_size comes first in every version.
    let outcome = match unsafe { checked(run) } {
        Err(message) => Err((JKP_E_INVALID, message)),
        Ok(run) => match catch_unwind(AssertUnwindSafe(|| {
            item(&Run::new(run), &mut Out::new(run))
        })) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(said)) => Err(explain(&said)),
            Err(payload) => Err((JKP_E_PANIC, panicked(payload.as_ref()))),
        },
    };
    match outcome {
        Ok(()) => JKP_OK,
        Err((status, message)) => {
            if let Some(error) = error {
                error.set(status, &message);
            }
            status
        }
    }
}

/// The run, if its writer knew at least the fields of 1.0.
///
/// # Safety
/// `run` is NULL or points at a `jkp_run` of any version.
unsafe fn checked<'a>(run: *const jkp_run) -> std::result::Result<&'a jkp_run, String> {
    let expected = size_of::<jkp_run>() as u64;
    let found = if run.is_null() {
        0
    } else {
        // SAFETY: not NULL, and struct_size comes first in every version.
        unsafe { (*run).struct_size }
    };
    if found < expected {
        return Err(format!(
            "`jkp_run` is {found} bytes, expected at least {expected}: the host is too old"
        ));
    }
    // SAFETY: every field that this crate knows is there.
    Ok(unsafe { &*run })
}

fn explain(error: &Error) -> (jkp_status, String) {
    (error.status(), error.message().to_owned())
}

/// What `panic!` was given; the place is on stderr, which the host keeps.
fn panicked(payload: &(dyn Any + Send)) -> String {
    let said = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", said.unwrap_or("(a value that is no text)"))
}
