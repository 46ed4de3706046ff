//! Every command there is, as the program's own help lists them, with arguments that make each
//! do its work: what holds for all commands is tested over these.
use crate::support::{Place, call, finished};
use std::{fs, path::Path, process::Command};

/// The names of all commands, `data list` and the like among them.
fn listed(before: &[&str]) -> Vec<String> {
    let (code, help, err) = call(&[before, &["--help"]].concat());
    assert_eq!(code, 0, "{before:?}: {err}");
    let Some((_, commands)) = help.split_once("Commands:\n") else {
        return vec![before.join(" ")];
    };
    let block = commands.lines().take_while(|line| !line.is_empty());
    // A description goes on further to the right.
    let names = block.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    let within = |name: &str| listed(&[before, &[name]].concat());
    names
        .filter(|name| *name != "help")
        .flat_map(within)
        .collect()
}

/// A place with the finished tiny study, files for the steps by hand, and every command ready to
/// run on them. Some change the place, so every test takes its own.
pub struct Commands {
    pub place: Place,
    ready: Vec<(&'static str, Vec<String>)>,
}

impl Commands {
    pub fn new() -> Commands {
        let place = finished().copy();
        let mut commands = Commands {
            ready: Vec::new(),
            place,
        };
        commands.fill();
        let mut known: Vec<String> = commands.ready.iter().map(|c| c.0.to_owned()).collect();
        known.push("__serve".into());
        known.push("__practice".into());
        for name in listed(&[]) {
            assert!(
                known.contains(&name),
                "`jackpot {name}` is a new command: say in `commands.rs` how it is called"
            );
        }
        commands
    }

    /// Each command by its name, ready to run.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, Command)> {
        self.ready.iter().map(|(name, arguments)| {
            let mut command = crate::support::jackpot();
            command.arg("--store").arg(self.place.store());
            command.args(arguments);
            (*name, command)
        })
    }

    fn add(&mut self, name: &'static str, more: &[&str]) {
        let words = name.split(' ').chain(more.iter().copied());
        self.ready.push((name, words.map(str::to_owned).collect()));
    }

    fn fill(&mut self) {
        let folder = self.place.folder.path().to_owned();
        let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let study = at("tiny");
        let object = |kind: &str, output: &str| -> (String, String) {
            let actions = self.place.actions();
            let found = actions.iter().find_map(|(key, outputs)| {
                let recipe = fs::read_to_string(self.place.object(key)).unwrap();
                let is_kind = recipe.contains(&format!("\"kind\":\"{kind}\""));
                let digest = outputs[output].as_str()?;
                is_kind.then(|| (key.clone(), digest.to_owned()))
            });
            found.unwrap_or_else(|| panic!("no {output} of a {kind}"))
        };
        let (train, _) = object("train", "metrics");
        let (_, weights) = object("init", "weights");
        let (select, _) = object("select", "mask");
        let weights_file = self.place.object(&weights);
        let weights_file = weights_file.to_str().unwrap().to_owned();
        let batch = at("batch.safetensors");
        batch_file(Path::new(&batch));
        let bundle = at("tiny.tar");
        let exported = self.call(&["bundle", "export", "tiny", "--out", &bundle]);
        assert_eq!(exported.0, 0, "{}", exported.2);
        let mask = at("mask.safetensors");
        let exported = self.call(&["export", &select[..16], "--out", &mask]);
        assert_eq!(exported.0, 0, "{}", exported.2);
        let network = "--network resnet8 --width 8 --classes 10 --input 1x14x14";
        let network: Vec<&str> = network.split(' ').collect();
        let by_hand = |more: &[&'static str]| [more, &network[..]].concat();
        let c_snip = crate::support::binaries().join("plugins/libjackpot_random.so");
        let c_snip = c_snip.to_str().unwrap().to_owned();

        self.add("plan", &[&study]);
        self.add("run", &[&study, "-j", "4096"]);
        self.add("report", &[&study]);
        self.add("probe", &[&study, "--sparsity", "0.9"]);
        self.add("list", &[]);
        self.add("plugin check", &[&c_snip]);
        self.add("describe", &["resnet32"]);
        self.add("data list", &[]);
        self.add("data verify", &["fashion-mnist-10k"]);
        // Nobody listens there.
        let mirror = [
            "mnist",
            "--to",
            &at("mnist"),
            "--mirror",
            "http://127.0.0.1:9",
        ];
        self.add("data fetch", &mirror);
        self.add("show", &[&train[..16]]);
        self.add("tensorboard", &[&study, "--out", &at("events")]);
        self.add("audit", &["--deep"]);
        self.add("explain", &[&train[..16]]);
        self.add("diff", &[&train[..16], &train[..16]]);
        self.add("gc", &[]);
        self.add("pin list", &[]);
        self.add("pin add", &["kept", &train[..16]]);
        self.add("pin remove", &["nobody"]);
        self.add("bundle export", &["tiny", "--out", &at("again.tar")]);
        self.add("bundle import", &[&bundle, "--replace-pins"]);
        self.add("bundle verify", &[&bundle]);
        let given = ["--weights", &weights_file, "--batch", &batch];
        let out = at("scores.safetensors");
        let snip = by_hand(&["--method", "snip"]);
        let more = [&snip[..], &given, &["--out", &out]].concat();
        self.add("score", &more);
        let out = at("made.safetensors");
        let sparse = ["--sparsity", "0.9", "--out", &out];
        self.add("mask", &[&snip[..], &given, &sparse].concat());
        let uniform = ["--allocation", "uniform", "--sparsity", "0.9"];
        let allocate = by_hand(&uniform);
        self.add("allocate", &allocate);
        let out = at("checked.safetensors");
        let check = by_hand(&["--check", "layerwise-rearrange"]);
        self.add(
            "check",
            &[&check[..], &["--in", &mask, "--out", &out]].concat(),
        );
        let steps = by_hand(&["--steps", "200"]);
        self.add("steps", &[&steps[..], &given].concat());
        let import = [&[weights_file.as_str()][..], &network].concat();
        self.add("import", &import);
        self.add("export", &[&select[..16], "--out", &at("out.safetensors")]);
    }

    fn call(&self, arguments: &[&str]) -> (i32, String, String) {
        let store = self.place.store();
        call(&[&["--store", store.to_str().unwrap()], arguments].concat())
    }
}

/// Twenty images that are neither constant nor linear in the pixel.
fn batch_file(path: &Path) {
    use safetensors::{Dtype, tensor::TensorView};
    let x: Vec<u8> = (0..20 * 196)
        .flat_map(|i: u32| ((f64::from(i) * 0.37).sin() as f32).to_le_bytes())
        .collect();
    let y: Vec<u8> = (0..20).flat_map(|i: i64| (i % 10).to_le_bytes()).collect();
    let tensor = |kind, shape: &[usize], data| TensorView::new(kind, shape.to_vec(), data).unwrap();
    let views = [
        ("x", tensor(Dtype::F32, &[20, 1, 14, 14], &x)),
        ("y", tensor(Dtype::I64, &[20], &y)),
    ];
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// Every command works on what it is given: the tests that are over all of them test something.
#[test]
fn every_command_has_arguments_with_which_it_works() {
    let commands = Commands::new();
    for (name, mut command) in commands.all() {
        let (code, out, err) = crate::support::outcome(command.output().unwrap());
        let refused = ["data fetch", "pin remove"].contains(&name);
        assert_eq!(code != 0, refused, "{name}: {code}\n{out}{err}");
    }
}
