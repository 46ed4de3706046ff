//! What a study is run with: plugins, worker programs, libtorch, the kernel level.
use crate::{
    Error,
    messages::hint,
    spec::{data::sums_file, run_section::RunSettings},
};
use jackpot_host::Server;
use jackpot_protocol::{Kind, Plugin, PluginItem};
use jackpot_store::Digest;
use serde::Deserialize;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

/// Which libtorch computes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Libtorch {
    /// For example `2.13.0`.
    pub version: String,
    /// First 16 hexadecimal digits of the library's sha256.
    pub build: String,
}

impl std::fmt::Display for Libtorch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (build {})", self.version, self.build)
    }
}

/// The two programs that run actions.
#[derive(Clone, Debug)]
pub struct Programs {
    /// Serves plugins that need no gradient.
    pub jackpot: PathBuf,
    /// Links libtorch: trains, and serves plugins that differentiate.
    pub worker: PathBuf,
}

impl Programs {
    /// The running program, and `$JACKPOT_WORKER` or `jackpot-worker` beside it.
    pub fn of_this_process() -> Result<Programs, Error> {
        let jackpot = std::env::current_exe()
            .and_then(|p| p.canonicalize())
            .map_err(|e| Error(format!("cannot find the running program: {e}")))?;
        let worker = match std::env::var_os("JACKPOT_WORKER") {
            Some(path) => PathBuf::from(path),
            None => jackpot.with_file_name("jackpot-worker"),
        };
        Ok(Programs { jackpot, worker })
    }

    /// Whether the worker is there: whatever needs no gradient runs without it.
    pub fn require_worker(&self) -> Result<(), Error> {
        if self.worker.is_file() {
            return Ok(());
        }
        Err(Error(format!(
            "{}: expected the worker program, found nothing; build it with `cargo build --release` or set `JACKPOT_WORKER`",
            self.worker.display()
        )))
    }

    /// Serves plugins without libtorch.
    pub fn light_server(&self) -> Server {
        Server {
            program: self.jackpot.clone(),
            arguments: vec!["__serve".into()],
            environment: BTreeMap::new(),
        }
    }

    /// Serves everything, on the kernels of `device`.
    pub fn worker_server(&self, device: &Device) -> Server {
        Server {
            program: self.worker.clone(),
            arguments: Vec::new(),
            environment: device.environment.clone(),
        }
    }

    /// Asks the worker which libtorch it runs on.
    pub fn libtorch(&self) -> Result<Libtorch, Error> {
        self.require_worker()?;
        let fail = |what: String| {
            Error(format!(
                "{}: `--describe`: {what}; rebuild it with `cargo build --release -p jackpot-worker`",
                self.worker.display()
            ))
        };
        let out = Command::new(&self.worker)
            .arg("--describe")
            .output()
            .map_err(|e| fail(e.to_string()))?;
        let text = String::from_utf8_lossy(&out.stdout);
        if !out.status.success() {
            let log = String::from_utf8_lossy(&out.stderr);
            if let Some(why) = self.missing_library(&log) {
                return Err(why);
            }
            return Err(fail(format!("{}: {}", out.status, log.trim())));
        }
        let value: serde_json::Value = serde_json::from_str(text.trim())
            .map_err(|e| fail(format!("expected JSON, found `{}`: {e}", text.trim())))?;
        let field = |name: &str| {
            value[name]
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| fail(format!("expected a text `{name}`, found `{}`", text.trim())))
        };
        let (version, build) = (field("libtorch")?, field("build")?);
        if let Some(library) = value["library"].as_str() {
            self.require_build(Path::new(library), &build)?;
        }
        Ok(Libtorch { version, build })
    }

    /// Results are kept under the libtorch that the worker was built with: it must be the one
    /// that it runs on.
    fn require_build(&self, library: &Path, build: &str) -> Result<(), Error> {
        let sums = library.parent().and_then(sums_file);
        let sum = jackpot_data::sum_of(library, sums.as_deref())
            .map_err(|e| Error(format!("{}: its libtorch: {e}", self.worker.display())))?;
        let found = Digest(sum).to_string();
        if found.starts_with(build) {
            return Ok(());
        }
        Err(Error(format!(
            "{}: built with the libtorch whose sha256 begins with {build}, and runs on `{}`, whose sha256 is {found}; put the first back, or build the worker anew (`cargo clean --release -p jackpot-worker`, then `cargo build --release`)",
            self.worker.display(),
            library.display()
        )))
    }
}

impl Programs {
    /// What is to be done where the dynamic linker found no libtorch; `None` if it found it.
    fn missing_library(&self, log: &str) -> Option<Error> {
        let (before, _) = log.split_once(": cannot open shared object file")?;
        let library = before.rsplit([' ', '\n']).next()?;
        let worker = self.worker.display();
        let shared = "build it again with `LIBTORCH` set to a folder that all who call it can read";
        let Some(place) = self.looked_in(library) else {
            return Some(Error(format!(
                "{worker}: needs `{library}`, which the dynamic linker does not find; {shared}"
            )));
        };
        let closed = closed_to_us(&place.join(library));
        let place = place.display();
        Some(Error(match closed {
            Some((at, why)) => format!(
                "{worker}: needs `{library}` of `{place}`, where libtorch was when it was built, and this user cannot read `{}` ({why}); open it to this user, or {shared}",
                at.display()
            ),
            None => format!(
                "{worker}: needs `{library}` of `{place}`, where libtorch was when it was built, and it is not there; put it back (`cargo xtask setup`), or {shared}"
            ),
        }))
    }

    /// The folder that the dynamic linker tries first: the worker's run path.
    fn looked_in(&self, library: &str) -> Option<PathBuf> {
        let mut worker = Command::new(&self.worker);
        let out = worker.arg("--describe").env("LD_DEBUG", "libs").output();
        let log = String::from_utf8_lossy(&out.ok()?.stderr).into_owned();
        let tried = log.lines().filter_map(|l| l.split_once("trying file="));
        let is_it = |file: &&Path| file.file_name().is_some_and(|name| name == library);
        let folders: Vec<&Path> = tried
            .map(|(_, file)| Path::new(file))
            .filter(is_it)
            .filter_map(Path::parent)
            .collect();
        // Before the folder itself come those within it for a processor's levels.
        let first = folders.first()?;
        let around = folders.iter().filter(|folder| first.starts_with(folder));
        let outermost = around.min_by_key(|folder| folder.as_os_str().len())?;
        Some(outermost.to_path_buf())
    }
}

/// The outermost folder on the way to a file that this user may not enter, or the file itself,
/// and why.
fn closed_to_us(file: &Path) -> Option<(PathBuf, std::io::Error)> {
    let mut way: Vec<PathBuf> = file.ancestors().skip(1).map(|at| at.join(".")).collect();
    way.reverse();
    way.push(file.to_owned());
    let refused = way.iter().find_map(|at| {
        let why = std::fs::File::open(at).err()?;
        Some((at.components().collect(), why))
    });
    refused.filter(|(_, why)| why.kind() == std::io::ErrorKind::PermissionDenied)
}

/// Where tensors live and which kernels compute on them.
#[derive(Clone, Debug)]
pub struct Device {
    /// `cpu` or `cuda:N`.
    pub name: String,
    /// As recipes spell it.
    pub class: String,
    /// What pins the kernels; set before libtorch loads.
    pub environment: BTreeMap<String, String>,
}

impl Device {
    /// The device that the study asks for.
    ///
    /// # Errors
    /// This machine cannot be of its class.
    pub fn of(run: &RunSettings) -> Result<Device, Error> {
        Device::new(&run.device, &run.device_class, run.threads)
    }

    /// A device by its name and class, `cpu-avx2` or `native`, and the threads of a worker on it.
    ///
    /// # Errors
    /// This machine cannot be of the class.
    pub fn new(name: &str, class: &str, threads: u32) -> Result<Device, Error> {
        let level = cpu_level();
        let (class, kernels) = match class {
            "cpu-avx2" if level == "base" => {
                return Err(Error(
                    "`run.device_class`: expected a CPU with AVX2 and FMA for `cpu-avx2`, found none; write `device_class = \"native\"` (its digests are this machine's own)".into(),
                ));
            }
            "cpu-avx2" => ("cpu-avx2".to_owned(), "avx2"),
            _ if name != "cpu" => ("native-cuda".to_owned(), level),
            _ => (format!("native-{level}"), level),
        };
        let mut environment = BTreeMap::new();
        let threads = threads.to_string();
        environment.insert("OMP_NUM_THREADS".to_owned(), threads.clone());
        environment.insert("MKL_NUM_THREADS".to_owned(), threads);
        let pins: &[(&str, &str)] = match kernels {
            "avx2" => &[
                ("ONEDNN_MAX_CPU_ISA", "AVX2"),
                ("ATEN_CPU_CAPABILITY", "avx2"),
                ("MKL_CBWR", "AVX2"),
            ],
            "avx512" => &[
                ("ONEDNN_MAX_CPU_ISA", "ALL"),
                ("ATEN_CPU_CAPABILITY", "avx512"),
                ("MKL_CBWR", "AVX512"),
            ],
            _ => &[
                ("ONEDNN_MAX_CPU_ISA", "ALL"),
                ("ATEN_CPU_CAPABILITY", "default"),
                ("MKL_CBWR", "COMPATIBLE"),
            ],
        };
        // A training frees and asks for the same blocks every step: glibc would give them back
        // to the kernel each time, and a tenth of the run would be page faults.
        let memory = [
            ("MALLOC_MMAP_THRESHOLD_", "1073741824"),
            ("MALLOC_TRIM_THRESHOLD_", "2147483648"),
        ];
        for (name, value) in pins.iter().chain(&memory) {
            environment.insert((*name).to_owned(), (*value).to_owned());
        }
        Ok(Device {
            name: name.to_owned(),
            class,
            environment,
        })
    }
}

#[cfg(target_arch = "x86_64")]
fn cpu_level() -> &'static str {
    if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") {
        "avx512"
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        "avx2"
    } else {
        "base"
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn cpu_level() -> &'static str {
    "base"
}

/// Every plugin that was found, described.
#[derive(Clone, Debug, Default)]
pub struct Plugins {
    /// By folder, then by name, as [`jackpot_host::discover`] has them; each file's bytes once.
    pub all: Vec<Plugin>,
    /// What is called a plugin and cannot be had as one. It costs what needs it, and nothing else.
    pub refused: Vec<RefusedPlugin>,
}

/// A file that could not be described.
#[derive(Clone, Debug)]
pub struct RefusedPlugin {
    /// Where it lies.
    pub path: PathBuf,
    /// What it is, or does, instead.
    pub why: String,
}

impl std::fmt::Display for RefusedPlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

impl Plugins {
    /// Finds and describes them, each in a fresh process of its own, in these folders, those of
    /// `$JACKPOT_PLUGINS` and the one beside the program.
    ///
    /// # Errors
    /// A folder that was named cannot be read. A faulty plugin is none: see [`Plugins::refused`].
    pub fn open(programs: &Programs, folders: &[PathBuf]) -> Result<Plugins, Error> {
        let paths = jackpot_host::discover(folders).map_err(Error::from_host)?;
        let server = programs.light_server();
        let described: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = paths
                .iter()
                .map(|p| scope.spawn(|| jackpot_host::describe(&server, p)))
                .collect();
            threads
                .into_iter()
                .map(|t| t.join().expect("describing a plugin does not panic"))
                .collect()
        });
        let mut plugins = Plugins::default();
        for (path, described) in paths.into_iter().zip(described) {
            match described {
                Ok(plugin) => plugins.add(plugin),
                Err(failure) if failure.kind == "interrupted" => {
                    return Err(Error::from_host(failure));
                }
                Err(failure) => plugins
                    .refused
                    .push(RefusedPlugin::of(path, &failure.message)),
            }
        }
        Ok(plugins)
    }

    /// The same file in two places is one plugin.
    fn add(&mut self, plugin: Plugin) {
        if self.all.iter().all(|known| known.sha256 != plugin.sha256) {
            self.all.push(plugin);
        }
    }

    /// The plugin whose item of this id another one is used for: that of a folder which was named
    /// before its own.
    pub fn instead_of(&self, plugin: &Plugin, id: &str) -> Option<&Plugin> {
        let first = self
            .all
            .iter()
            .find(|p| p.items.iter().any(|i| i.id == id))?;
        (first.path.parent() != plugin.path.parent()).then_some(first)
    }

    /// The one item of that id and kind. Where folders offer the same id, the folder that was named
    /// first has it.
    pub fn item(&self, id: &str, kind: Kind, field: &str) -> Result<(&Plugin, &PluginItem), Error> {
        let items = || {
            self.all
                .iter()
                .flat_map(|p| p.items.iter().map(move |i| (p, i)))
                .filter(|(_, i)| i.kind == kind)
        };
        let mut found = items().filter(|(_, i)| i.id == id);
        let Some((plugin, item)) = found.next() else {
            return Err(self.unknown(id, kind, field));
        };
        let mut beside = found.filter(|(other, _)| other.path.parent() == plugin.path.parent());
        if let Some((other, _)) = beside.next() {
            return Err(Error(format!(
                "{field}: `{id}` is offered by two plugins of one folder, {} and {}; remove one of them",
                plugin.path.display(),
                other.path.display()
            )));
        }
        Ok((plugin, item))
    }

    /// What is said of an id that nobody offers: what could have been meant, and which plugins
    /// could not be asked.
    fn unknown(&self, id: &str, kind: Kind, field: &str) -> Error {
        let items = self.all.iter().flat_map(|p| &p.items);
        let known: Vec<&str> = items
            .filter(|i| i.kind == kind)
            .map(|i| i.id.as_str())
            .collect();
        let word = match kind {
            Kind::Method => "method",
            Kind::Check => "check",
        };
        let names = if known.is_empty() {
            "none".to_owned()
        } else {
            crate::messages::quoted(&known)
        };
        let refused = self.refused.iter();
        let refused: String = refused
            .map(|refused| format!("\n  it may be in this plugin, which is left out: {refused}"))
            .collect();
        Error(format!(
            "{field}: expected a {word} of a plugin, found `{id}`{}; known: {names} (plugins are looked for in `--plugins`, `$JACKPOT_PLUGINS` and `plugins/` beside the program){refused}",
            hint(id, known.iter().copied()),
        ))
    }
}

impl RefusedPlugin {
    /// `why` may begin with the file's name, which stands before it already.
    fn of(path: PathBuf, why: &str) -> RefusedPlugin {
        let named = format!("plugin `{}`: describe: ", path.display());
        RefusedPlugin {
            why: why.strip_prefix(&named).unwrap_or(why).to_owned(),
            path,
        }
    }
}
