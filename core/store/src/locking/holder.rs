//! Who holds a lock, for people: a lock that will not be given back must have a name.
//!
//! On a shared folder the holder may be another machine. Its name stands in lock files and in
//! the names of `tmp/`, and nowhere else.

use std::{fmt, fs, path::Path};

/// A process on a machine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// The machine's own name for itself, in letters, digits, `.`, `_`.
    pub machine: String,
    /// The number of the process on that machine.
    pub process: u32,
}

impl Holder {
    /// This process.
    pub(crate) fn this() -> Holder {
        let name = rustix::system::uname();
        let name = name.nodename().to_string_lossy();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
        let spelled = name.chars().map(|c| if fits(c) { c } else { '_' });
        let machine: String = spelled.take(64).collect();
        Holder {
            machine: if machine.is_empty() {
                "unnamed".to_owned()
            } else {
                machine
            },
            process: std::process::id(),
        }
    }

    /// The holder of a session's files in `tmp/`, whose name is `MACHINE-PROCESS-NUMBER`; `None`
    /// for a name that this program never wrote.
    pub(crate) fn of_session(name: &str) -> Option<Holder> {
        let (name, number) = name.rsplit_once('-')?;
        number.parse::<u64>().ok()?;
        Holder::parse(&name.replacen('-', " ", 1))
    }

    /// `MACHINE PROCESS`, as a lock file says it.
    pub(crate) fn parse(text: &str) -> Option<Holder> {
        let (machine, process) = text.trim_end().split_once(' ')?;
        Some(Holder {
            machine: (!machine.is_empty()).then(|| machine.to_owned())?,
            process: process.parse().ok()?,
        })
    }

    /// The holder that the lock file names; `None` if it names nobody yet or cannot be read.
    pub(crate) fn of_file(path: &Path) -> Option<Holder> {
        Holder::parse(&fs::read_to_string(path).ok()?)
    }

    /// Whether it is a process of this machine.
    pub fn is_here(&self) -> bool {
        self.machine == Holder::this().machine
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} of machine `{}`", self.process, self.machine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sessions() {
        let this = Holder::this();
        let name = format!("{}-{}-0", this.machine, this.process);
        assert_eq!(Holder::of_session(&name), Some(this.clone()));
        assert!(this.is_here());
        for other in ["", "12-0", "a", "a-b-0", "a-1", "-1-0", "a-1-x", "a-b-1-0"] {
            assert_eq!(Holder::of_session(other), None, "{other}");
        }
        let other = Holder::parse("elsewhere 7\n").unwrap();
        assert!(!other.is_here());
        assert_eq!(other.to_string(), "process 7 of machine `elsewhere`");
    }
}
