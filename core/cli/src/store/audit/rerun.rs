//! `jackpot audit --rerun N`
use super::{Arguments, Subject, counted, subject};
use crate::{
    Places,
    progress::{ONE, bar},
    study,
};
use anyhow::{Context, Result, bail};
use jackpot_results::Tracer;
use jackpot_store::{Digest, Found, ProducerIndex, Store};
use jackpot_study::{Rerun, RerunOutcome, behind, chosen};
use serde_json::{Value, json};
use std::{io::Read, process::ExitCode};

/// Exit 0: all N were done again and are the same. 1: one is not. 2: fewer than N could be
/// done, or one that is named could not.
pub fn run(places: &Places, store: &Store, arguments: &Arguments, n: usize) -> Result<ExitCode> {
    let key = match &arguments.key {
        None => fresh()?,
        Some(text) => text.clone(),
    };
    let producers = ProducerIndex::read(store)?;
    let mut tracer = Tracer::new(store, &producers)?;
    let (named, order) = order(store, &producers, &mut tracer, arguments, &key)?;
    if order.is_empty() {
        bail!("`--rerun`: expected finished actions to do again, found none");
    }
    let (programs, _, libtorch) = study::tools(places)?;
    let mut rerun = Rerun::new(store, &producers, &programs, libtorch)?;
    let mut done: Vec<(Digest, String, RerunOutcome)> = Vec::new();
    let repeated = |done: &[(Digest, String, RerunOutcome)]| {
        let again = |a: &&(Digest, String, RerunOutcome)| !matches!(a.2, RerunOutcome::NotHere(_));
        done.iter().filter(again).count()
    };
    for action in order {
        if repeated(&done) == n {
            break;
        }
        let title = tracer.title(&action)?;
        let bar = bar(ONE);
        bar.set_length(100);
        bar.set_message(title.clone());
        let again = rerun.action(&action, &mut |share| {
            bar.set_position((share * 100.0) as u64)
        })?;
        bar.finish_and_clear();
        if !arguments.json {
            print(&action, &title, &again);
        }
        done.push((action, title, again));
    }
    let same = done
        .iter()
        .filter(|(.., a)| matches!(a, RerunOutcome::Same { .. }))
        .count();
    let repeated = repeated(&done);
    if arguments.json {
        let actions: Vec<Value> = done
            .iter()
            .map(|(key, title, again)| json!({ "key": key, "action": title, "again": again }))
            .collect();
        println!(
            "{:#}",
            json!({ "key": key, "asked": n, "done": repeated, "same": same, "actions": actions })
        );
    } else {
        println!(
            "{} of {n} done again, {same} the same; chosen by `--key {}`",
            counted(repeated, "action"),
            key
        );
    }
    let missed = |a: &(Digest, String, RerunOutcome)| matches!(a.2, RerunOutcome::NotHere(_));
    let all = repeated == n && !done.iter().take(named).any(missed);
    Ok(match (same == repeated, all) {
        (false, _) => ExitCode::from(1),
        (true, false) => ExitCode::from(2),
        (true, true) => ExitCode::SUCCESS,
    })
}

/// How many are named, and in which order actions are done: those first, then what is behind
/// them, or all of the store, as the key says.
fn order(
    store: &Store,
    producers: &ProducerIndex,
    tracer: &mut Tracer<'_>,
    arguments: &Arguments,
    key: &str,
) -> Result<(usize, Vec<Digest>)> {
    let mut named = Vec::new();
    for what in &arguments.what {
        match subject(store, what)? {
            Subject::Store(Found::Action(action)) => named.push(action),
            Subject::Store(Found::Object(digest)) => {
                named.push(producers.first(&digest).with_context(|| {
                    format!("`{what}`: no action of the store made this object")
                })?);
            }
            Subject::Report(folder, path) => {
                let tree = tracer.report_file(&folder, &path)?;
                named.extend(tree.from.iter().flat_map(|l| &l.from).map(|l| l.hash));
            }
        }
    }
    if named.is_empty() {
        return Ok((0, chosen(key, &store.action_keys()?)?));
    }
    let mut others = behind(store, producers, &named)?;
    others.retain(|action| !named.contains(action));
    others.sort();
    let asked = named.len();
    named.extend(chosen(key, &others)?);
    Ok((asked, named))
}

/// Another choice every time: a key that an auditor has not seen before.
fn fresh() -> Result<String> {
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("`/dev/urandom`, for a random key; or name one with `--key`")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn print(action: &Digest, title: &str, again: &RerunOutcome) {
    let hash = &action.to_string()[..12];
    match again {
        RerunOutcome::Same { outputs } => {
            println!("same      {hash} {title}: {}", counted(*outputs, "output"));
        }
        RerunOutcome::Different { outputs } => {
            println!("DIFFERENT {hash} {title}");
            for (name, kept, here) in outputs {
                let here = here.map_or("nothing".to_owned(), |d| d.to_string());
                println!("          `{name}`: the store has {kept}, here came {here}");
            }
        }
        RerunOutcome::NotHere(why) => println!("not here  {hash} {title}: {why}"),
        RerunOutcome::Failed(why) => println!("FAILED    {hash} {title}: {why}"),
    }
}
