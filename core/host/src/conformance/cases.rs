//! What is tried on every item. A case that asks for something extreme accepts a refusal in
//! words; none accepts a crash, a hang, a broken promise or an unfinished result.
use super::CaseOutcome;
use super::bench::{Bench, Outcome, TrialInputs};
use CaseOutcome::{Failed, NotApplicable, Passed};
use jackpot_protocol::{ConfigValue, DataAccess, Failure, Kind, Output, Param, PluginItem};
use std::collections::BTreeMap;

/// One case of the kit: its name, and how it is tried.
pub(super) struct Attempt {
    pub(super) name: &'static str,
    pub(super) run: fn(&Bench<'_>, &PluginItem) -> CaseOutcome,
}

const fn attempt(name: &'static str, run: fn(&Bench<'_>, &PluginItem) -> CaseOutcome) -> Attempt {
    Attempt { name, run }
}

/// All cases in the order of a report: what most plugins get wrong comes first.
pub(super) const ALL: &[Attempt] = &[
    attempt("says what it is and what its parameters mean", described),
    attempt("has an id that is its author's", own_id),
    attempt("a small ResNet of ten layers", small),
    attempt("the same run twice gives the same bytes", twice),
    attempt("another key changes nothing but what is drawn", another_key),
    attempt(
        "with all data within reach, uses none undeclared",
        data_free,
    ),
    attempt("layers of 1 and 3 weights", few_weights),
    attempt("a layer of 63 weights", |b, i| layers(b, i, &[63])),
    attempt("a layer of 64 weights", |b, i| layers(b, i, &[64])),
    attempt("a layer of 65 weights", |b, i| layers(b, i, &[65])),
    attempt("layers of 1 to 4,097 weights", |b, i| {
        layers(b, i, &[1, 63, 64, 65, 4097])
    }),
    attempt("a layer of 0 weights between others", empty_layer),
    attempt("a layer of 300,000 weights", |b, i| {
        layers(b, i, &[300_000])
    }),
    attempt("1,000 classes", |b, i| on_task(b, i, 1000, 60, false)),
    attempt("images of one class only", |b, i| {
        on_task(b, i, 3, 60, true)
    }),
    attempt("one image", |b, i| on_task(b, i, 3, 1, false)),
    attempt("1,500 images, in more than one block", |b, i| {
        on_task(b, i, 3, 1500, false)
    }),
    attempt("sparsities of 0.1 and 0.999", sparsities),
    attempt("computed in f64", double),
    attempt("two rounds, the second under the mask of the first", rounds),
    attempt("stops when it is asked to", stops),
    attempt(
        "without scratch: does without, or returns JKP_E_NOMEM",
        scratch,
    ),
    attempt("every parameter at its bounds", bounds),
    attempt("an unknown parameter is refused", unknown_parameter),
];

/// What a failed run is, where an extreme was asked for.
fn refused(failure: &Failure) -> Option<String> {
    let message = &failure.message;
    let idle = ["had nothing to change", "changed nothing of"];
    let polite = [
        "returned JKP_E_INVALID: ",
        "returned JKP_E_UNSUPPORTED: ",
        "returned JKP_E_NUMERIC: ",
    ];
    let at = |marks: &[&str]| marks.iter().find_map(|mark| message.find(mark));
    match failure.kind.as_str() {
        "promise" => at(&idle),
        "hang" => at(&["it stopped when it was asked to"]),
        _ => at(&polite),
    }
    .map(|at| message[at..].to_owned())
}

/// A run that must work.
fn works(outcome: Outcome) -> CaseOutcome {
    match outcome {
        Ok(_) => Passed(String::new()),
        Err(failure) => Failed(reason(&failure)),
    }
}

/// A run that must work or be refused in words.
fn works_or_refuses(outcome: Outcome) -> CaseOutcome {
    match outcome {
        Err(failure) => match refused(&failure) {
            Some(words) => Passed(words),
            None => Failed(reason(&failure)),
        },
        Ok(_) => Passed(String::new()),
    }
}

fn reason(failure: &Failure) -> String {
    format!("{}: {}", failure.kind, failure.message)
}

fn described(_: &Bench<'_>, item: &PluginItem) -> CaseOutcome {
    let mute = item.params.iter().find(|p| p.doc.trim().is_empty());
    match (item.summary.trim().is_empty(), mute) {
        (true, _) => {
            Failed("`summary` is empty: `jackpot list` shows it; write one sentence".into())
        }
        (false, Some(param)) => Failed(format!(
            "parameter `{}` has no `doc`: write what it does in one sentence",
            param.name
        )),
        (false, None) => Passed(String::new()),
    }
}

fn own_id(bench: &Bench<'_>, item: &PluginItem) -> CaseOutcome {
    if bench.is_jackpots() || item.id.contains('.') {
        return Passed(String::new());
    }
    Failed(format!(
        "`{}`: ids without a dot are reserved to Jackpot, which may have an item of that name one \
         day; write `org.you.{}` (letters, digits, `.`, `-` and `_`)",
        item.id, item.id
    ))
}

fn small(bench: &Bench<'_>, item: &PluginItem) -> CaseOutcome {
    works(bench.run(item, &TrialInputs::default()))
}

/// Two runs that must give the same, or why they do not.
fn same(one: &Outcome, other: &Outcome, else_: &str) -> CaseOutcome {
    match (one, other) {
        (Ok(one), Ok(other)) if one == other => Passed(String::new()),
        (Ok(one), Ok(other)) => {
            let pairs = one.iter().zip(other);
            let n = pairs.filter(|(a, b)| a != b).count();
            Failed(format!("{n} of {} bytes differ: {else_}", one.len()))
        }
        (Err(failure), _) | (_, Err(failure)) => Failed(reason(failure)),
    }
}

fn twice(bench: &Bench<'_>, item: &PluginItem) -> CaseOutcome {
    let ground = TrialInputs::default();
    let first = bench.run(item, &ground);
    let else_ = "an item is a pure function of its run (no clock, process number, entropy, address, \
                 environment, memory that was not written, order or number of threads, memory of \
                 calls before); another run had another of each";
    match same(&first, &bench.run_disturbed(item, &ground), else_) {
        // What threads come to by chance may be the same once.
        Passed(_) => same(&first, &bench.run(item, &ground), else_),
        failed => failed,
    }
}

fn another_key(bench: &Bench<'_>, item: &PluginItem) -> CaseOutcome {
    if item.needs_rng() || item.needs_data() {
        return NotApplicable("it declares random numbers or batches, which the key draws".into());
    }
    let run = |key| {
        bench.run(
            item,
            &TrialInputs {
                key,
                ..TrialInputs::default()
            },
        )
    };
    same(
        &run(1),
        &run(2),
        "it uses the key and does not declare random numbers (JKP_NEEDS_RNG)",
    )
}

fn data_free(bench: &Bench<'_>, item: &PluginItem) -> CaseOutcome {
    if item.kind == Kind::Check || item.needs_data() {
        return NotApplicable("it declares what it sees of the data".into());
    }
    let reach = |data| {
        bench.run(
            item,
            &TrialInputs {
                data,
                access: DataAccess::Everything,
                ..TrialInputs::default()
            },
        )
    };
    let why = "its result depends on data that it does not declare";
    let offered = reach(0);
    match same(&offered, &reach(1), why) {
        Passed(_) => same(&bench.run(item, &TrialInputs::default()), &offered, why),
        failed => failed,
    }
}

fn layers(bench: &Bench<'_>, item: &PluginItem, lengths: &[usize]) -> CaseOutcome {
    works_or_refuses(bench.run(item, &TrialInputs::of_layers(lengths)))
}

/// On so few that chance may change nothing: what had to change is not asked for here.
fn few_weights(bench: &Bench<'_>, item: &PluginItem) -> CaseOutcome {
    // One weight alone cannot be half pruned.
    let outcome = bench.run(item, &TrialInputs::of_layers(&[1, 3]));
    match outcome {
        Err(f) if f.kind == "promise" && f.message.contains("promises `changes-") => {
            Passed("changed too little, as chance may on so few".into())
        }
        outcome => works_or_refuses(outcome),
    }
}

fn empty_layer(bench: &Bench<'_>, item: &PluginItem) -> CaseOutcome {
    let on_masks = (item.kind, item.output) == (Kind::Check, Output::Masks);
    let under_mask = (item.kind, item.output) == (Kind::Check, Output::Weights);
    if on_masks || under_mask || item.needs_donor() || item.rounds_hint > 1 {
        return NotApplicable("a stored mask has no empty layer".into());
    }
    layers(bench, item, &[64, 0, 65])
}

fn on_task(
    bench: &Bench<'_>,
    item: &PluginItem,
    classes: u32,
    rows: usize,
    one_class: bool,
) -> CaseOutcome {
    works_or_refuses(bench.run(
        item,
        &TrialInputs {
            classes,
            rows,
            one_class,
            ..TrialInputs::default()
        },
    ))
}

fn sparsities(bench: &Bench<'_>, item: &PluginItem) -> CaseOutcome {
    if item.kind == Kind::Check || (item.output == Output::Scores && item.rounds_hint < 2) {
        return NotApplicable("it is not told a sparsity".into());
    }
    for sparsity in ["0.1", "0.999"] {
        let outcome = works_or_refuses(bench.run(
            item,
            &TrialInputs {
                sparsity,
                ..TrialInputs::default()
            },
        ));
        if let Failed(why) = outcome {
            return Failed(format!("at {sparsity}: {why}"));
        }
    }
    Passed(String::new())
}

fn double(bench: &Bench<'_>, item: &PluginItem) -> CaseOutcome {
    if !item.needs_autodiff() {
        return NotApplicable("it does not differentiate".into());
    }
    works(bench.run(
        item,
        &TrialInputs {
            precision: jackpot_net::ScorePrecision::F64,
            ..TrialInputs::default()
        },
    ))
}

fn rounds(bench: &Bench<'_>, item: &PluginItem) -> CaseOutcome {
    if !crate::catalog::rounds::possible(item) {
        return NotApplicable("only methods that give scores or masks work in rounds".into());
    }
    let run = || {
        bench.run(
            item,
            &TrialInputs {
                rounds: Some(2),
                sparsity: "0.9",
                ..TrialInputs::default()
            },
        )
    };
    same(
        &run(),
        &run(),
        "in rounds it is no pure function of its run and its masks",
    )
}

fn stops(bench: &Bench<'_>, item: &PluginItem) -> CaseOutcome {
    let ground = TrialInputs {
        seconds: Some(0.2),
        ..TrialInputs::of_layers(&[200_000])
    };
    match bench.run(item, &ground) {
        Err(f) if f.kind == "hang" && f.message.contains("stopped when it was asked to") => {
            Passed("returned when `poll` said so".into())
        }
        Err(f) if f.kind == "hang" => Failed(format!(
            "{}; a loop that may take a second calls `poll` and returns JKP_E_CANCELLED",
            reason(&f)
        )),
        outcome => works_or_refuses(outcome),
    }
}

fn scratch(bench: &Bench<'_>, item: &PluginItem) -> CaseOutcome {
    let ground = TrialInputs {
        scratch: 0,
        ..TrialInputs::default()
    };
    match bench.run(item, &ground) {
        Ok(_) => Passed("needs none".into()),
        Err(f) if f.message.contains("returned JKP_E_NOMEM") => {
            Passed("returned JKP_E_NOMEM".into())
        }
        Err(f) => Failed(reason(&f)),
    }
}

/// The values of a parameter at which mistakes are made, beside its default.
fn extremes(param: &Param) -> Vec<ConfigValue> {
    let bounded = param.min != 0.0 || param.max != 0.0;
    let values = match &param.default {
        ConfigValue::Bool(_) => vec![ConfigValue::Bool(false), ConfigValue::Bool(true)],
        ConfigValue::Text(_) => param
            .choices
            .iter()
            .cloned()
            .map(ConfigValue::Text)
            .collect(),
        ConfigValue::Int(_) if bounded => [param.min, param.max]
            .map(|v| ConfigValue::Int(v as i64))
            .to_vec(),
        ConfigValue::Float(_) if bounded => [param.min, param.max].map(ConfigValue::Float).to_vec(),
        _ => Vec::new(),
    };
    let others = values.into_iter().filter(|v| *v != param.default);
    others.filter(|v| param.accept(v).is_ok()).collect()
}

fn bounds(bench: &Bench<'_>, item: &PluginItem) -> CaseOutcome {
    let mut tried = 0;
    for param in &item.params {
        for value in extremes(param) {
            tried += 1;
            let at = format!("`{}` = {value}", param.name);
            let outcome = works_or_refuses(bench.run(
                item,
                &TrialInputs {
                    config: BTreeMap::from([(param.name.clone(), value)]),
                    ..TrialInputs::default()
                },
            ));
            if let Failed(why) = outcome {
                return Failed(format!(
                    "{at}: {why}; narrow the bounds, or refuse in words"
                ));
            }
        }
    }
    match tried {
        0 => NotApplicable("it has no parameter with bounds, choices or two values".into()),
        n => Passed(format!("{n} values")),
    }
}

fn unknown_parameter(bench: &Bench<'_>, item: &PluginItem) -> CaseOutcome {
    let config = BTreeMap::from([("no-such-parameter".to_owned(), ConfigValue::Int(1))]);
    let ground = TrialInputs {
        config,
        ..TrialInputs::default()
    };
    match bench.run(item, &ground) {
        Err(f) if f.kind == "invalid" && f.message.contains("no-such-parameter") => {
            Passed(String::new())
        }
        Err(f) => Failed(reason(&f)),
        Ok(_) => Failed("a run with a parameter that it does not have went through".into()),
    }
}
