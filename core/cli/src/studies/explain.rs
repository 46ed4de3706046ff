//! `jackpot explain ACTION`
use crate::{Places, store::audit, study};
use anyhow::{Context, Result, bail};
use jackpot_results::RunName;
use jackpot_store::{Found, Store};
use jackpot_study::{
    ActionExplanation, AssessmentCache, CacheVerdict, CellContent, NearestRecipe, Origins,
    RecipeIndex, assess, explain, explain_node,
};
use serde_json::json;
use std::{path::Path, process::ExitCode};

#[derive(clap::Args)]
pub struct Arguments {
    /// The first digits of an action's key, or a run: `quick/snip/none/0.98/1`
    action: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The most differing fields that are told of one action.
const MOST_FIELDS: usize = 12;

pub fn run(places: &Places, arguments: &Arguments) -> Result<ExitCode> {
    let store = study::store(places)?;
    let recipes = RecipeIndex::read(&store)?;
    let explained = match RunName::parse(&arguments.action) {
        Some(name) => of_run(places, &store, &recipes, &name)?,
        None => match audit::subject(&store, &arguments.action)? {
            audit::Subject::Store(Found::Action(key) | Found::Object(key)) => {
                vec![explain(&store, &recipes, &key)?]
            }
            audit::Subject::Report(..) => bail!(
                "`{}` is a file of a report: `jackpot audit {0}` tells what it was drawn from",
                arguments.action
            ),
        },
    };
    if arguments.json {
        println!("{:#}", json!(explained));
    } else {
        let alone = explained.len() == 1;
        explained.iter().for_each(|e| print(e, alone));
    }
    Ok(ExitCode::SUCCESS)
}

/// A run and every action before it, as its study plans them now.
fn of_run(
    places: &Places,
    store: &Store,
    recipes: &RecipeIndex,
    name: &RunName,
) -> Result<Vec<ActionExplanation>> {
    let (plan, _) = study::plan(places, Path::new(&name.study), None)?;
    let a = assess(&plan, store, &mut AssessmentCache::default(), &mut |d| {
        store.has(d)
    })?;
    let cell = plan.cells.iter().find(|c| {
        let setting = &plan.study.settings[c.setting].name;
        *setting == name.setting
            && c.ticket == name.ticket
            && c.check == name.check
            && c.sparsity == name.sparsity
            && c.seed == name.seed
    });
    // The pin names what there is, and the nearest of what was meant.
    let cell = match cell {
        Some(cell) => cell,
        None => {
            name.pinned(store)?;
            bail!("the study `{}` no longer has this run", name.study)
        }
    };
    match &cell.content {
        CellContent::Identical { because } => {
            bail!("nothing is run for this: {because}")
        }
        CellContent::NotApplicable { field, weights } => {
            let because = Origins::of(&plan, store)?.because(field, weights);
            bail!("nothing is run for this: the check is not applicable: {because}")
        }
        CellContent::Run { train, .. } => {
            explain_node(&plan, &a, store, recipes, *train).context("the actions before this run")
        }
    }
}

/// Of a run's actions those that are there need no more words; an action that was asked for is
/// compared whatever it is.
fn print(explained: &ActionExplanation, alone: bool) {
    let key = explained.key.map_or("not yet knowable".to_owned(), |k| {
        k.to_string()[..12].to_owned()
    });
    let verdict = match &explained.verdict {
        CacheVerdict::Hit => "hit: the store has its result".to_owned(),
        CacheVerdict::Gone(output) => format!("miss: it ran, and its output `{output}` is gone"),
        CacheVerdict::Failed(why) => format!("miss: it ran and failed: {why}"),
        CacheVerdict::Miss => "miss: no action with this recipe was ever finished here".to_owned(),
        CacheVerdict::Unknown => {
            "not yet knowable: an action before it has to run first".to_owned()
        }
    };
    println!("{} {key}  {}\n  {verdict}", explained.kind, explained.title);
    match (&explained.nearest, &explained.verdict) {
        (_, CacheVerdict::Unknown) => {}
        (_, CacheVerdict::Hit) if !alone => {}
        (None, _) => println!("  the store has no other action of this kind"),
        (Some(near), _) => print_fields(near),
    }
}

fn print_fields(near: &NearestRecipe) {
    println!(
        "  the nearest other, {}, differs in {} of its fields:",
        &near.key.to_string()[..12],
        near.fields.len()
    );
    println!("    {:<34} {:<22} there", "field", "here");
    for field in near.fields.iter().take(MOST_FIELDS) {
        println!(
            "    {:<34} {:<22} {}",
            field.field,
            short(field.here.as_deref()),
            short(field.there.as_deref())
        );
    }
    if near.fields.len() > MOST_FIELDS {
        println!("    and {} more", near.fields.len() - MOST_FIELDS);
    }
}

/// A value on one line; of a hash its first digits.
pub fn short(value: Option<&str>) -> String {
    let value = value.unwrap_or("–");
    let hash = value.len() >= 32 && value.bytes().all(|b| b.is_ascii_hexdigit());
    if hash {
        format!("{}…", &value[..12])
    } else {
        value.to_owned()
    }
}
