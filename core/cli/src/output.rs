//! Standard output and standard error, where they have no room.
//!
//! The standard library's `println!` and `eprintln!` panic when a disk is full. Here, what
//! cannot be printed to standard output is an error with a line and an exit code of its own,
//! and what cannot be printed to standard error is lost: there is nobody left to tell. The
//! macros have the library's names, so that nobody has to remember others.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};

/// The exit code of a program whose reader has left: 128 and the signal's number.
const READER_LEFT: i32 = 141;

macro_rules! println {
    () => { $crate::output::print(format_args!("\n")) };
    ($($text:tt)*) => { $crate::output::print(format_args!("{}\n", format_args!($($text)*))) };
}

#[allow(unused_macros)] // Not every program prints lines in parts.
macro_rules! print {
    ($($text:tt)*) => { $crate::output::print(format_args!($($text)*)) };
}

macro_rules! eprintln {
    ($($text:tt)*) => { $crate::output::tell(format_args!("{}\n", format_args!($($text)*))) };
}

/// Prints, or ends the program.
pub fn print(text: Arguments<'_>) {
    let mut out = io::stdout().lock();
    if let Err(error) = out.write_fmt(text).and_then(|()| out.flush()) {
        drop(out);
        end(&error);
    }
}

/// Says something beside the output.
pub fn tell(text: Arguments<'_>) {
    let _ = io::stderr().lock().write_fmt(text);
}

fn end(error: &io::Error) -> ! {
    if error.kind() == ErrorKind::BrokenPipe {
        std::process::exit(READER_LEFT);
    }
    eprintln!("error: could not write to standard output: {error}");
    std::process::exit(2)
}

/// The command line, or its help or what is wrong with it, printed.
pub fn command_line<T: clap::Parser>() -> T {
    T::try_parse().unwrap_or_else(|answer| {
        let printed = answer.print().and_then(|()| io::stdout().flush());
        match printed {
            Err(error) if !answer.use_stderr() => end(&error),
            _ => std::process::exit(answer.exit_code()),
        }
    })
}
