//! `engine_speed BINARIES FILE [--only NAME]… [--quick] [--again]`: milliseconds and memory of
//! a training step of the sparse engine beside libtorch, one thread each.
//!
//! Every engine waits in a process of its own and they take turns, so that a machine growing
//! slower favours nobody; a turn's first step warms the caches and is not counted. Four
//! networks, 90 to 99 % sparsity as smart ratio (for VGG-16 in both of its forms) and uniform;
//! at 98 % also AVX2 against AVX2, and two workers at once. libtorch trains dense: a mask saves
//! it nothing and is not charged. It runs as Jackpot's workers run it, whose environment lets a
//! process keep the memory that a step frees; and once as it runs without, "stock".
//!
//! What is measured goes into FILE, part by part; parts that are in it are left alone, so that
//! a measurement that was stopped goes on. `--only` takes a network's name or a part's.

mod child;
mod machine;
mod parts;
mod process;

use serde_json::{Value, json};
use std::path::{Path, PathBuf};

type Failure = Box<dyn std::error::Error>;

const USAGE: &str = "usage: engine_speed BINARIES FILE [--only NAME]… [--quick] [--again]";

/// What the command line asks for.
struct Request {
    /// Where `jackpot` and its plugins lie.
    binaries: PathBuf,
    file: PathBuf,
    only: Vec<String>,
    quick: bool,
    again: bool,
}

fn main() -> Result<(), Failure> {
    // `cargo bench` adds `--bench`.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    if let [first, spec] = &arguments[..]
        && first == "--child"
    {
        return child::serve(&serde_json::from_str(spec)?);
    }
    let asked = read(&arguments)?;
    let mut measured = begun(&asked)?;
    for part in parts::all(asked.quick) {
        let name = part.name();
        let wanted = asked.only.is_empty() || asked.only.iter().any(|only| name.contains(only));
        if !wanted || (!asked.again && measured["parts"].get(&name).is_some()) {
            continue;
        }
        eprintln!("{name}");
        let load = machine::load()?;
        let rows = part.measure(&asked.binaries)?;
        measured["parts"][&name] = json!({ "load_before": load, "rows": rows });
        write(&asked.file, &measured)?;
    }
    Ok(())
}

fn read(arguments: &[String]) -> Result<Request, Failure> {
    let [binaries, file, options @ ..] = arguments else {
        return Err(USAGE.into());
    };
    let mut asked = Request {
        binaries: binaries.into(),
        file: file.into(),
        only: Vec::new(),
        quick: false,
        again: false,
    };
    let mut options = options.iter();
    while let Some(option) = options.next() {
        match option.as_str() {
            "--only" => asked.only.push(options.next().ok_or(USAGE)?.clone()),
            "--quick" => asked.quick = true,
            "--again" => asked.again = true,
            other => return Err(format!("unknown option `{other}`\n{USAGE}").into()),
        }
    }
    let names: Vec<String> = parts::all(asked.quick).iter().map(|p| p.name()).collect();
    for only in &asked.only {
        if !names.iter().any(|name| name.contains(only)) {
            let names = names.join("`, `");
            return Err(
                format!("`--only {only}`: no part is named so; there are `{names}`").into(),
            );
        }
    }
    Ok(asked)
}

/// What the file holds already, which must be of this machine; or the head of a new one.
fn begun(asked: &Request) -> Result<Value, Failure> {
    let head = json!({
        "format": 1, "machine": machine::describe()?,
        "libtorch": env!("JACKPOT_LIBTORCH_VERSION"), "quick": asked.quick,
    });
    let mut measured = match std::fs::read(&asked.file) {
        Ok(bytes) => serde_json::from_slice::<Value>(&bytes)?,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Value::Null,
        Err(e) => return Err(format!("`{}`: {e}", asked.file.display()).into()),
    };
    let fields = head.as_object().ok_or("a head has fields")?;
    if measured.is_null() {
        measured = head.clone();
        measured["parts"] = json!({});
    }
    for (field, value) in fields {
        if &measured[field] != value {
            let file = asked.file.display();
            return Err(format!(
                "`{file}`: its `{field}` is {}, here it is {value}: measure into another file, or remove it",
                measured[field]
            )
            .into());
        }
    }
    Ok(measured)
}

/// In one move, so that a measurement that is stopped leaves a whole file.
fn write(file: &Path, measured: &Value) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(measured)?;
    text.push('\n');
    let fresh = file.with_extension("json.new");
    std::fs::write(&fresh, text)?;
    std::fs::rename(&fresh, file)?;
    Ok(())
}
