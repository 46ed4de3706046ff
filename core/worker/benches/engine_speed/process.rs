//! The processes that the engines wait in.

use crate::Failure;
use crate::child::STOCK;
use jackpot_study::Device;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// What only Jackpot's workers have of their environment: they keep the memory that they free.
const KEEPING: &str = "MALLOC_";

/// One engine that waits for its turn.
pub struct Waiting {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// What a process held at its highest mark.
pub struct Memory {
    /// All of it, libtorch's code among it.
    pub process_mib: f64,
    /// What training added to what was held before the engine was made.
    pub training_mib: f64,
}

impl Waiting {
    /// Starts a process and waits until its engine is made.
    pub fn start(spec: &Value) -> Result<Waiting, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--child").arg(spec.to_string());
        let class = if spec["isa"] == "avx2" {
            "cpu-avx2"
        } else {
            "native"
        };
        let device = Device::new("cpu", class, 1)?;
        let stock = spec["engine"] == STOCK;
        for (name, value) in &device.environment {
            if stock && name.starts_with(KEEPING) {
                command.env_remove(name)
            } else {
                command.env(name, value)
            };
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let output = child.stdout.take().ok_or("a piped output is there")?;
        let mut waiting = Waiting {
            input: child.stdin.take(),
            output: BufReader::new(output),
            child,
        };
        match waiting.line()?.trim() {
            "ready" => Ok(waiting),
            other => Err(format!("{spec}: expected `ready`, found `{other}`").into()),
        }
    }

    /// Lets it begin so many steps.
    pub fn begin(&mut self, steps: usize) -> Result<(), Failure> {
        let input = self.input.as_mut().ok_or("it was ended")?;
        writeln!(input, "{steps}")?;
        Ok(input.flush()?)
    }

    /// Waits for the steps that were begun; their milliseconds, without the first one's.
    pub fn end(&mut self) -> Result<Vec<f64>, Failure> {
        let times: Vec<f64> = serde_json::from_str(&self.line()?)?;
        Ok(times[1..].to_vec())
    }

    /// Lets the process end, and reads what it held.
    pub fn finish(mut self) -> Result<Memory, Failure> {
        drop(self.input.take());
        let said: Value = serde_json::from_str(&self.line()?)?;
        let status = self.child.wait()?;
        if !status.success() {
            return Err(format!("an engine's process ended with {status}").into());
        }
        let number = |field: &str| {
            let number = said[field].as_f64();
            number.ok_or_else(|| format!("an engine said no `{field}`: {said}"))
        };
        Ok(Memory {
            process_mib: number("process_mib")?,
            training_mib: number("training_mib")?,
        })
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            let status = self.child.wait()?;
            return Err(format!("an engine's process ended with {status}").into());
        }
        Ok(line)
    }
}

/// A process whose measurement failed is not left behind.
impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.input.take());
        // One that has ended cannot be killed, and needs it no more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
