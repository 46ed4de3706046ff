//! What is measured, part by part.

use crate::Failure;
use crate::child::{MEMORY, STOCK};
use crate::process::Waiting;
use jackpot_net::{Architecture, Network, Precision};
use jackpot_sparse::Isa;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const SPARSITIES: [&str; 4] = ["0.9", "0.95", "0.98", "0.99"];
/// At which AVX2 and two workers are measured.
const ONE: &str = "0.98";
/// Of two workers: milliseconds of a turn, long enough for both to be at it, and the least steps.
const TURN: f64 = 1000.0;
const STEPS: usize = 4;

/// One network and how it is measured.
#[derive(Clone)]
struct Subject {
    title: &'static str,
    family: &'static str,
    architecture: Architecture,
    /// Of the smart ratio, for `jackpot allocate`.
    form: &'static str,
    batch: usize,
    /// Steps of a turn, the first of which is not counted.
    steps: usize,
    rounds: usize,
}

#[derive(Clone, Copy)]
enum What {
    /// Both engines in both precisions, every sparsity by this allocation.
    Speed(&'static str),
    Avx2,
    Workers,
}

/// A few minutes of measuring that are done whole or not at all.
pub struct Part {
    subject: Subject,
    what: What,
}

/// In the order in which they are measured.
pub fn all(quick: bool) -> Vec<Part> {
    let subject = |title, family, depth, width, input, steps, rounds| Subject {
        title,
        family,
        architecture: match family {
            "vgg" => Architecture::vgg(depth, width, 10, input),
            _ => Architecture::resnet(depth, width, 10, input),
        },
        form: "auto",
        batch: if quick { 64 } else { 128 },
        steps,
        rounds: if quick { 3 } else { rounds },
    };
    let vgg = subject("VGG-16", "vgg", 16, 64, [3, 32, 32], 3, 4);
    let subjects = [
        subject("ResNet-8", "resnet", 8, 16, [1, 28, 28], 6, 15),
        subject("ResNet-20", "resnet", 20, 16, [1, 28, 28], 4, 12),
        subject("ResNet-32", "resnet", 32, 32, [3, 32, 32], 3, 6),
        vgg.clone(),
        // The smart ratio's form for a VGG leaves its first layers whole, and with them three
        // times the multiply-adds of the form without l².
        Subject {
            title: "VGG-16 without l²",
            form: "resnet",
            ..vgg
        },
    ];
    let whats = [
        What::Speed("smart-ratio"),
        What::Speed("uniform"),
        What::Avx2,
        What::Workers,
    ];
    let parts = subjects.iter().flat_map(|subject| {
        whats.map(|what| Part {
            subject: subject.clone(),
            what,
        })
    });
    // What has no smart ratio is the same in both forms.
    let again =
        |part: &Part| part.subject.form != "auto" && matches!(part.what, What::Speed("uniform"));
    parts.filter(|part| !again(part)).collect()
}

/// One engine at one setting.
struct Entry {
    engine: &'static str,
    storage: &'static str,
    isa: &'static str,
    /// Of the sparse engine: allocation, sparsity and what each layer keeps.
    ticket: Option<(&'static str, &'static str, Vec<u64>)>,
}

impl Part {
    /// As `--only` and the file name it.
    pub fn name(&self) -> String {
        let what = match self.what {
            What::Speed(allocation) => allocation,
            What::Avx2 => "avx2",
            What::Workers => "two workers",
        };
        format!("{}, {what}", self.subject.title)
    }

    /// One row an engine and setting.
    pub fn measure(&self, binaries: &Path) -> Result<Vec<Value>, Failure> {
        let storages = storages()?;
        let dense = |engine, storage, isa| Entry {
            engine,
            storage,
            isa,
            ticket: None,
        };
        let sparse = |storage, isa, allocation, sparsity| {
            let counts = self.subject.counts(binaries, allocation, sparsity)?;
            Ok::<Entry, Failure>(Entry {
                engine: "sparse",
                storage,
                isa,
                ticket: Some((allocation, sparsity, counts)),
            })
        };
        let mut entries = Vec::new();
        match self.what {
            What::Speed(allocation) => {
                for &storage in &storages {
                    entries.push(dense("libtorch", storage, "best"));
                }
                entries.push(dense(STOCK, "f32", "best"));
                for sparsity in SPARSITIES {
                    for &storage in &storages {
                        entries.push(sparse(storage, "best", allocation, sparsity)?);
                    }
                }
                self.in_turns(&entries)
            }
            What::Avx2 => {
                entries.push(dense("libtorch", "f32", "avx2"));
                entries.push(sparse("f32", "avx2", "smart-ratio", ONE)?);
                self.in_turns(&entries)
            }
            What::Workers => {
                for &storage in &storages {
                    entries.push(sparse(storage, "best", "smart-ratio", ONE)?);
                }
                entries.push(dense("libtorch", "f32", "best"));
                entries.push(dense(MEMORY, "f32", "best"));
                self.together(&entries)
            }
        }
    }

    /// All engines, one after the other, round after round, to and fro.
    fn in_turns(&self, entries: &[Entry]) -> Result<Vec<Value>, Failure> {
        let specs: Vec<Value> = entries.iter().map(|e| self.subject.spec(e)).collect();
        let waiting = specs.iter().map(Waiting::start);
        let mut waiting: Vec<Waiting> = waiting.collect::<Result<_, _>>()?;
        let mut times: Vec<Vec<f64>> = vec![Vec::new(); entries.len()];
        for round in 0..=self.subject.rounds {
            let mut order: Vec<usize> = (0..entries.len()).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for i in order {
                waiting[i].begin(self.subject.steps)?;
                let turn = waiting[i].end()?;
                // The first round is for warming up.
                if round > 0 {
                    times[i].extend(turn);
                }
            }
        }
        let mut rows = Vec::new();
        for ((entry, waiting), times) in entries.iter().zip(waiting).zip(times) {
            let memory = waiting.finish()?;
            let mut row = self.subject.row(entry)?;
            row["ms"] = summary(times);
            row["process_mib"] = json!(memory.process_mib);
            row["training_mib"] = json!(memory.training_mib);
            rows.push(row);
        }
        Ok(rows)
    }

    /// One worker alone and two at once, in turns, engine after engine in every round: what
    /// else the machine does in these minutes is shared by all.
    fn together(&self, entries: &[Entry]) -> Result<Vec<Value>, Failure> {
        let mut all = Vec::new();
        for entry in entries {
            let spec = self.subject.spec(entry);
            let both = [Waiting::start(&spec)?, Waiting::start(&spec)?];
            all.push((both, STEPS, Vec::new(), [Vec::new(), Vec::new()]));
        }
        for round in 0..=self.subject.rounds {
            for (both, steps, alone, together) in &mut all {
                both[round % 2].begin(*steps)?;
                let one = both[round % 2].end()?;
                both.iter_mut()
                    .try_for_each(|worker| worker.begin(*steps))?;
                let mut turns = Vec::new();
                for worker in both.iter_mut() {
                    turns.push(worker.end()?);
                }
                if round == 0 {
                    // For warming up, and to see how many steps a turn has.
                    let steps_a_turn = TURN / one[one.len() - 1];
                    *steps = (steps_a_turn as usize).max(STEPS);
                    continue;
                }
                alone.extend(one);
                for (turn, times) in turns.iter().zip(together) {
                    // The last steps of the slower one had the machine for themselves.
                    times.extend(&turn[..turn.len() - turn.len().div_ceil(8)]);
                }
            }
        }
        let mut rows = Vec::new();
        for (entry, (_, _, alone, together)) in entries.iter().zip(all) {
            let mut row = self.subject.row(entry)?;
            row["ms"] = summary(alone);
            row["together_ms"] = json!(together.map(summary));
            rows.push(row);
        }
        Ok(rows)
    }
}

impl Subject {
    fn network(&self) -> Result<Network, Failure> {
        Ok(self.architecture.build()?)
    }

    /// What each layer keeps, as `jackpot allocate` says.
    fn counts(
        &self,
        binaries: &Path,
        allocation: &str,
        sparsity: &str,
    ) -> Result<Vec<u64>, Failure> {
        let [channels, height, width] = self.architecture.input;
        let input = format!("{channels}x{height}x{width}");
        let number = |n: u32| n.to_string();
        let output = Command::new(binaries.join("jackpot"))
            .args(["allocate", "--network", self.family, "--classes", "10"])
            .args(["--depth", &number(self.architecture.depth)])
            .args(["--width", &number(self.architecture.width)])
            .args(["--input", &input, "--json"])
            .args(["--allocation", allocation, "--sparsity", sparsity])
            .args(match allocation {
                "smart-ratio" => vec!["--param".to_owned(), format!("form={}", self.form)],
                _ => Vec::new(),
            })
            .output()?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            return Err(
                format!("`jackpot allocate` ended with {}:\n{words}", output.status).into(),
            );
        }
        let said: Value = serde_json::from_slice(&output.stdout)?;
        let layers = said["layers"].as_array().ok_or("no `layers`")?;
        let kept = layers.iter().map(|layer| layer["kept"].as_u64());
        Ok(kept
            .collect::<Option<_>>()
            .ok_or("a layer without `kept`")?)
    }

    fn spec(&self, entry: &Entry) -> Value {
        json!({
            "architecture": self.architecture, "batch": self.batch, "engine": entry.engine,
            "storage": entry.storage, "isa": entry.isa,
            "counts": entry.ticket.as_ref().map(|ticket| &ticket.2),
        })
    }

    /// What is known of a row before it is measured.
    fn row(&self, entry: &Entry) -> Result<Value, Failure> {
        let mut row = json!({
            "network": self.title, "batch": self.batch, "engine": entry.engine,
            "storage": entry.storage, "isa": entry.isa,
        });
        if let Some((allocation, sparsity, counts)) = &entry.ticket {
            row["allocation"] = json!(allocation);
            row["sparsity"] = json!(sparsity);
            row["multiply_adds"] = json!(self.network()?.share_left(counts));
        }
        Ok(row)
    }
}

/// The precisions that this CPU has for the sparse engine.
fn storages() -> Result<Vec<&'static str>, Failure> {
    if let Err(error) = Isa::best()?.check(Precision::Bf16) {
        eprintln!("bf16 is left out: {error}");
        return Ok(vec!["f32"]);
    }
    Ok(vec!["f32", "bf16"])
}

/// Least, quartiles, and how many; milliseconds.
fn summary(mut times: Vec<f64>) -> Value {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    json!({
        "least": at(0.0), "quarter": at(0.25), "median": at(0.5), "three_quarters": at(0.75),
        "steps": times.len(),
    })
}
