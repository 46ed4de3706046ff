//! `jackpot pin`
use crate::{Places, study};
use anyhow::{Result, bail};
use jackpot_store::{Digest, Found, canonical, digests};
use serde_json::{Value, json};
use std::{collections::BTreeSet, process::ExitCode};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(clap::Subcommand)]
enum What {
    /// Say what is pinned (the default)
    List,
    /// Keep actions or objects, with all that they are made of, from `jackpot gc`
    Add {
        /// Of the pin; one that is there gets more
        name: String,
        /// First digits of a sha256, as `jackpot import` prints it
        #[arg(required = true)]
        hashes: Vec<String>,
    },
    /// Remove a pin; what it alone held goes with the next `jackpot gc --apply`
    Remove {
        /// Of the pin
        name: String,
    },
}

pub fn run(places: &Places, arguments: &Arguments) -> Result<ExitCode> {
    let store = study::store(places)?;
    match arguments.what.as_ref().unwrap_or(&What::List) {
        What::List => {
            for name in store.pin_names()? {
                let said = read(&store, &name)?.unwrap_or_default();
                let title = said["title"].as_str().unwrap_or_default();
                let digests = digests(&said).len();
                match of_user(&said) {
                    Some(_) => println!("{name}: {digests} actions and objects"),
                    None => println!("{name}: a study's results, {digests} digests  {title}"),
                }
            }
        }
        What::Add { name, hashes } => {
            let mut all = match read(&store, name)? {
                None => BTreeSet::new(),
                Some(said) => match of_user(&said) {
                    Some(pinned) => pinned,
                    None => bail!("the pin `{name}` holds a study's results; take another name"),
                },
            };
            for hash in hashes {
                let digest = match study::one(&store, hash)? {
                    Found::Action(digest) | Found::Object(digest) => digest,
                };
                all.insert(digest);
            }
            let pin = json!({"format": 1, "pinned": all});
            store.write_pin(name, &canonical::to_bytes(&pin)?)?;
            println!("{name}: {} actions and objects", all.len());
        }
        What::Remove { name } => {
            if !store.remove_pin(name)? {
                let known = store.pin_names()?.join(", ");
                bail!("no pin `{name}`; there are: {known}");
            }
            println!("removed the pin {name}; nothing else has gone");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read(store: &jackpot_store::Store, name: &str) -> Result<Option<Value>> {
    let bytes = store.read_pin(name)?;
    Ok(bytes.map(|bytes| canonical::parse(&bytes)).transpose()?)
}

/// What a pin made by `jackpot pin add` holds; `None` if the pin is a study's.
fn of_user(said: &Value) -> Option<BTreeSet<Digest>> {
    let pinned = said.get("pinned")?.as_array()?;
    Some(
        pinned
            .iter()
            .filter_map(|d| d.as_str()?.parse().ok())
            .collect(),
    )
}
