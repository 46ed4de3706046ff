//! What tickets, checks and settings may be called.
use crate::Error;

/// The name of "no check".
pub const NO_CHECK: &str = "none";

pub(crate) fn slug(field: &str, name: &str) -> Result<(), Error> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(good) {
        return Err(Error(format!(
            "`{field}.name`: expected lower-case letters, digits and `-`, found `{name}`"
        )));
    }
    if name == NO_CHECK {
        return Err(Error(format!(
            "`{field}.name`: `{NO_CHECK}` is reserved for the unmodified ticket"
        )));
    }
    Ok(())
}
