//! The speed of the sparse engine beside libtorch, as measured by `cargo xtask bench`: tables and a
//! figure. These numbers describe a machine and not a study.

mod figure;

use crate::model::format::{number, percent};
use crate::{Error, ReportFiles};
use figure::Curve;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The name of the file with the measurements.
pub const MEASUREMENTS: &str = "speed.json";
/// The sparsity of the first table.
const ONE: &str = "0.98";
/// Two comparisons: libtorch in a process that returns freed memory to the kernel, as processes
/// other than Jackpot's do, and plain loops over memory, which are not an engine.
const STOCK: &str = "stock libtorch";
const MEMORY: &str = "memory";
/// The rule as the study file and `jackpot allocate` name it.
const SMART: &str = "smart-ratio";

/// The measurements, and the machine on which they were made.
#[derive(Deserialize)]
struct Measured {
    machine: Machine,
    libtorch: String,
    parts: BTreeMap<String, Part>,
}

#[derive(Deserialize)]
struct Machine {
    cpu: String,
    cores: u32,
    memory_gib: u32,
}

#[derive(Deserialize)]
struct Part {
    load_before: f64,
    rows: Vec<Row>,
}

/// One engine in one configuration.
#[derive(Clone, Deserialize)]
struct Row {
    network: String,
    batch: u32,
    engine: String,
    storage: String,
    isa: String,
    allocation: Option<String>,
    sparsity: Option<String>,
    /// The multiply-adds as a share of those of the dense network.
    multiply_adds: Option<f64>,
    ms: Times,
    /// The times of two workers that run at the same time.
    together_ms: Option<[Times; 2]>,
    process_mib: Option<f64>,
    training_mib: Option<f64>,
}

/// Milliseconds of a step.
#[derive(Clone, Deserialize)]
struct Times {
    least: f64,
    quarter: f64,
    median: f64,
    three_quarters: f64,
    steps: u32,
}

/// A ratio of medians, with the ratios of quartiles between which it lies.
#[derive(Clone, Copy)]
pub(crate) struct Ratio {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

impl Times {
    /// How many times faster `self` is than `slower`.
    fn faster_than(&self, slower: &Times) -> Ratio {
        Ratio {
            median: slower.median / self.median,
            low: slower.quarter / self.three_quarters,
            high: slower.three_quarters / self.quarter,
        }
    }
}

/// The files drawn from the bytes of [`MEASUREMENTS`].
///
/// # Errors
/// When the bytes are not such measurements, or a measurement lacks its comparison.
pub fn render_speed(bytes: &[u8]) -> Result<ReportFiles, Error> {
    let measured: Measured = serde_json::from_slice(bytes).map_err(|e| Error::File {
        path: MEASUREMENTS.into(),
        message: format!("is not what `cargo xtask bench` writes: {e}"),
    })?;
    let networks = measured.networks();
    let curves = measured.curves(&networks)?;
    let (svg, png) = figure::files(&curves)?;
    Ok(ReportFiles::from([
        ("speed.md".to_owned(), measured.markdown(&networks)?.into()),
        ("speed.csv".to_owned(), measured.csv().into()),
        ("speed.svg".to_owned(), svg),
        ("speed.png".to_owned(), png),
    ]))
}

impl Measured {
    /// The rows of the part of a network that is named `what`.
    fn rows<'a>(&'a self, network: &str, what: &str) -> impl Iterator<Item = &'a Row> + use<'a> {
        let name = format!("{network}, {what}");
        let part = self.parts.get(&name);
        part.into_iter().flat_map(|part| &part.rows)
    }

    fn all(&self) -> impl Iterator<Item = &Row> {
        self.parts.values().flat_map(|part| &part.rows)
    }

    /// The networks from the fastest to the slowest dense step, which is the order of their sizes.
    fn networks(&self) -> Vec<String> {
        let mut networks: Vec<(f64, String)> = Vec::new();
        for row in self.all().filter(|r| is(r, "libtorch", "f32", "best")) {
            if !networks.iter().any(|(_, name)| *name == row.network) {
                networks.push((row.ms.median, row.network.clone()));
            }
        }
        networks.sort_by(|a, b| a.0.total_cmp(&b.0));
        networks.into_iter().map(|(_, name)| name).collect()
    }

    /// The row of an engine in one part.
    fn engine(&self, network: &str, what: &str, engine: &str, storage: &str) -> Option<&Row> {
        let mut rows = self.rows(network, what);
        rows.find(|r| r.engine == engine && r.storage == storage)
    }

    fn libtorch(&self, network: &str, what: &str, storage: &str) -> Result<&Row, Error> {
        let found = self.engine(network, what, "libtorch", storage);
        found.ok_or_else(|| Error::File {
            path: MEASUREMENTS.into(),
            message: format!("`{network}, {what}` has no libtorch in {storage}"),
        })
    }

    fn sparse(&self, network: &str, what: &str, storage: &str, sparsity: &str) -> Option<&Row> {
        self.rows(network, what).find(|r| {
            r.engine == "sparse" && r.storage == storage && r.sparsity.as_deref() == Some(sparsity)
        })
    }

    /// The curves of the figure.
    fn curves(&self, networks: &[String]) -> Result<Vec<Curve>, Error> {
        let mut curves: Vec<Curve> = Vec::new();
        for network in networks {
            for allocation in [SMART, "uniform"] {
                for row in self
                    .rows(network, allocation)
                    .filter(|r| r.engine == "sparse")
                {
                    let libtorch = self.libtorch(network, allocation, "f32")?;
                    let same = |c: &&mut Curve| {
                        c.network == *network
                            && c.allocation == allocation
                            && c.storage == row.storage
                    };
                    let point = (
                        row.sparsity.clone().unwrap_or_default(),
                        row.ms.faster_than(&libtorch.ms),
                    );
                    match curves.iter_mut().find(same) {
                        Some(curve) => curve.points.push(point),
                        None => curves.push(Curve {
                            network: network.clone(),
                            allocation: allocation.to_owned(),
                            storage: row.storage.clone(),
                            points: vec![point],
                        }),
                    }
                }
            }
        }
        Ok(curves)
    }

    fn markdown(&self, networks: &[String]) -> Result<String, Error> {
        let Machine {
            cpu,
            cores,
            memory_gib,
        } = &self.machine;
        let batches: Vec<u32> = self.all().map(|row| row.batch).collect();
        let batch = batches.first().copied().unwrap_or_default();
        let busiest = self
            .parts
            .values()
            .map(|p| p.load_before)
            .fold(0.0, f64::max);
        let mut text = format!(
            "# The sparse engine beside libtorch\n\n\
             One training step (forward, backward, SGD with momentum and weight decay) on one thread, \
             batch {batch}, f32 weights and sums; libtorch {} with channels last trains the dense \
             network, for a mask saves it nothing. Both in processes of their own that take turns. \
             libtorch runs as Jackpot's workers run it, in processes that keep the memory that a \
             step frees; stock libtorch gives it back to the kernel and asks for it again. \
             {cpu}, {cores} cores, {memory_gib} GiB; load before a part at most {}. \
             `cargo xtask bench --only engines` measures it again, and writes `{MEASUREMENTS}`.\n\n\
             Times faster is a ratio of medians, in brackets between which ratios of quartiles.\n\n\
             ## At 98 % sparsity, smart ratio\n\n",
            self.libtorch,
            number(busiest, 1),
        );
        self.first_table(networks, &mut text)?;
        text += "\nbf16: activations and their gradients are held in it. Memory: the most that training \
                 adds to its process, as a share of what stock libtorch, which takes less, adds in f32. \
                 Two workers: how much longer a step takes each when two of the same run at once, the \
                 slower of the two; last a loop that adds to 32 MiB of numbers, which is no engine: what \
                 it loses is the machine's.\n\n\
                 ![Times faster than libtorch](speed.png)\n\n## All\n\n";
        self.second_table(networks, &mut text)?;
        Ok(text)
    }

    fn first_table(&self, networks: &[String], text: &mut String) -> Result<(), Error> {
        *text += "| network | f32 | bf16 | bf16 against libtorch's bf16 | AVX2 against AVX2 | stock libtorch: f32, bf16 | memory: f32, bf16 | two workers: f32, bf16, libtorch, memory |\n\
                  |---|--:|--:|--:|--:|--:|--:|--:|\n";
        for network in networks {
            let against = |what: &str, storage: &str, than: &str| -> Result<String, Error> {
                let Some(row) = self.sparse(network, what, storage, ONE) else {
                    return Ok("–".into());
                };
                let libtorch = self.libtorch(network, what, than)?;
                Ok(times(row.ms.faster_than(&libtorch.ms)))
            };
            let stock = self.engine(network, SMART, STOCK, "f32");
            let beside_stock = |cell: &dyn Fn(&Row, &Row) -> Option<String>| {
                let of = |storage| cell(self.sparse(network, SMART, storage, ONE)?, stock?);
                listed(&["f32", "bf16"].map(of))
            };
            let beside = "two workers";
            let rows = [
                self.sparse(network, beside, "f32", ONE),
                self.sparse(network, beside, "bf16", ONE),
                self.libtorch(network, beside, "f32").ok(),
                self.engine(network, beside, MEMORY, "f32"),
            ];
            let workers = rows.map(|row| {
                let (row, [a, b]) = (row?, row?.together_ms.as_ref()?);
                let slower = a.median.max(b.median) / row.ms.median - 1.0;
                Some(format!("{} %", number(100.0 * slower, 0)))
            });
            let cells = [
                network.clone(),
                against(SMART, "f32", "f32")?,
                against(SMART, "bf16", "f32")?,
                against(SMART, "bf16", "bf16")?,
                against("avx2", "f32", "f32")?,
                beside_stock(&|row, stock| Some(number(row.ms.faster_than(&stock.ms).median, 1))),
                beside_stock(&|row, stock| {
                    let share = row.training_mib? / stock.training_mib?;
                    Some(format!("{} %", number(100.0 * share, 0)))
                }),
                listed(&workers),
            ];
            line(text, &cells);
        }
        Ok(())
    }

    fn second_table(&self, networks: &[String], text: &mut String) -> Result<(), Error> {
        *text += "| network | allocation | sparsity | multiply-adds | f32, ms | times faster | bf16, ms | times faster | MiB f32 | MiB bf16 |\n\
                  |---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n";
        for network in networks {
            for allocation in [SMART, "uniform"] {
                let mut rows = self.rows(network, allocation).peekable();
                if rows.peek().is_none() {
                    continue;
                }
                let wide = self.libtorch(network, allocation, "f32")?;
                let half = self.libtorch(network, allocation, "bf16").ok();
                let ms = |row: Option<&Row>| row.map_or("–".into(), |r| number(r.ms.median, 1));
                let mib = |row: Option<&Row>| {
                    let held = row.and_then(|row| row.training_mib);
                    held.map_or("–".into(), |x| number(x, 0))
                };
                let ratio = |row: Option<&Row>| {
                    row.map_or("–".into(), |r| times(r.ms.faster_than(&wide.ms)))
                };
                let stock = self.engine(network, allocation, STOCK, "f32");
                let mut dense = |name: &str, wide: &Row, times: String, half: Option<&Row>| {
                    let cells = [
                        network.clone(),
                        format!("{name}, dense"),
                        "0 %".into(),
                        "100 %".into(),
                        ms(Some(wide)),
                        times,
                        ms(half),
                        ratio(half),
                        mib(Some(wide)),
                        mib(half),
                    ];
                    line(text, &cells);
                };
                dense("libtorch", wide, "1".into(), half);
                if let Some(stock) = stock {
                    dense(STOCK, stock, ratio(Some(stock)), None);
                }
                for row in rows.filter(|r| r.engine == "sparse" && r.storage == "f32") {
                    let sparsity = row.sparsity.as_deref().unwrap_or_default();
                    let half = self.sparse(network, allocation, "bf16", sparsity);
                    let left = row.multiply_adds.map_or("–".into(), |share| {
                        format!("{} %", number(100.0 * share, 1))
                    });
                    let cells = [
                        network.clone(),
                        allocation.into(),
                        percent(sparsity),
                        left,
                        ms(Some(row)),
                        ratio(Some(row)),
                        ms(half),
                        ratio(half),
                        mib(Some(row)),
                        mib(half),
                    ];
                    line(text, &cells);
                }
            }
        }
        Ok(())
    }

    /// Everything that was measured, one in each row.
    fn csv(&self) -> String {
        let mut text = "network,batch,engine,storage,isa,allocation,sparsity,multiply_adds,workers,\
                        least_ms,quarter_ms,median_ms,three_quarters_ms,steps,process_mib,training_mib\n"
            .to_owned();
        for row in self.all() {
            let times = std::iter::once((1, &row.ms));
            let together = row.together_ms.iter().flatten().map(|times| (2, times));
            for (workers, ms) in times.chain(together) {
                let optional = |x: Option<f64>| x.map_or(String::new(), |x| x.to_string());
                let cells = [
                    row.network.clone(),
                    row.batch.to_string(),
                    row.engine.clone(),
                    row.storage.clone(),
                    row.isa.clone(),
                    row.allocation.clone().unwrap_or_default(),
                    row.sparsity.clone().unwrap_or_default(),
                    optional(row.multiply_adds),
                    workers.to_string(),
                    ms.least.to_string(),
                    ms.quarter.to_string(),
                    ms.median.to_string(),
                    ms.three_quarters.to_string(),
                    ms.steps.to_string(),
                    optional(row.process_mib),
                    optional(row.training_mib),
                ];
                text += &cells.join(",");
                text.push('\n');
            }
        }
        text
    }
}

fn is(row: &Row, engine: &str, storage: &str, isa: &str) -> bool {
    row.engine == engine && row.storage == storage && row.isa == isa
}

/// The values in sequence, with a dash for each that was not measured. A single dash if none was.
fn listed(cells: &[Option<String>]) -> String {
    if cells.iter().all(Option::is_none) {
        return "–".into();
    }
    let cells: Vec<&str> = cells.iter().map(|c| c.as_deref().unwrap_or("–")).collect();
    cells.join(", ")
}

/// `5.3 (5.1 to 5.5)`.
fn times(ratio: Ratio) -> String {
    let Ratio { median, low, high } = ratio;
    let short = |x: f64| number(x, 1);
    format!("{} ({} to {})", short(median), short(low), short(high))
}

fn line(text: &mut String, cells: &[String]) {
    // Writing into a string cannot fail.
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}
