//! What a bundle says of itself, as functions of what is in it.

use super::{METADATA, Member, Pins, pin_path};
use crate::{Action, Digest, canonical};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// RO-Crate wants a date; the bytes of a bundle depend on no clock.
const NO_DATE: &str = "1970-01-01";

/// RO-Crate 1.2 (<https://w3id.org/ro/crate/1.2>): the metadata document of an attached crate
/// with these files, in this order.
pub(super) fn metadata(members: &[Member]) -> Vec<u8> {
    let file = |member: &Member| {
        json!({
            "@id": member.path,
            "@type": "File",
            "contentSize": member.size.to_string(),
            "sha256": member.sha256,
        })
    };
    let part = |member: &Member| json!({"@id": member.path});
    let mut graph = vec![
        json!({
            "@id": METADATA,
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.2"},
        }),
        json!({
            "@id": "./",
            "@type": "Dataset",
            "name": "Part of a Jackpot store",
            "description": "Finished actions with their recipes and results, every file named by the sha256 of its bytes. The date is none: equal contents are equal bytes.",
            "datePublished": NO_DATE,
            "license": "As the study that the results are of.",
            "hasPart": members.iter().map(part).collect::<Vec<_>>(),
        }),
    ];
    graph.extend(members.iter().map(file));
    let crate_ = json!({
        "@context": "https://w3id.org/ro/crate/1.2/context",
        "@graph": graph,
    });
    canonical::to_bytes(&crate_).expect("texts only, four levels deep")
}

/// The files that a metadata document declares; `Err` says what was found instead. Whoever
/// reads compares its bytes with those of [`metadata`].
pub(super) fn members(bytes: &[u8]) -> Result<Vec<Member>, String> {
    let value = canonical::parse(bytes).map_err(|error| error.to_string())?;
    let Some(graph) = value.get("@graph").and_then(Value::as_array) else {
        return Err("no `@graph`".into());
    };
    let files = graph.iter().filter(|entity| entity["@type"] == "File");
    files.map(member).collect()
}

fn member(entity: &Value) -> Result<Member, String> {
    let text = |name: &str| {
        let text = entity[name].as_str();
        text.ok_or_else(|| format!("a file without `{name}`: {entity}"))
    };
    let path = text("@id")?.to_owned();
    let size = text("contentSize")?;
    let size = size
        .parse()
        .map_err(|_| format!("`{path}`: `contentSize`: `{size}` is no number of bytes"))?;
    let sha256 = text("sha256")?.parse();
    let sha256 = sha256.map_err(|error| format!("`{path}`: `sha256`: {error}"))?;
    Ok(Member { path, size, sha256 })
}

/// in-toto Statement v1 (<https://in-toto.io/Statement/v1>) of every pin and every output,
/// named `KEY/OUTPUT`; the predicate lists the outputs whose bytes are not in the bundle.
pub(super) fn statement(pins: &Pins, actions: &[Action], objects: &BTreeSet<Digest>) -> Vec<u8> {
    let subject =
        |name: String, digest: Digest| json!({"name": name, "digest": {"sha256": digest}});
    let pinned = pins
        .iter()
        .map(|(name, bytes)| subject(pin_path(name), Digest::of(bytes)));
    let outputs = || {
        actions.iter().flat_map(|action| {
            let named = action.outputs.iter();
            named.map(|(name, digest)| (format!("{}/{name}", action.key), *digest))
        })
    };
    let made = outputs().map(|(name, digest)| subject(name, digest));
    let absent = outputs().filter(|(_, digest)| !objects.contains(digest));
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": pinned.chain(made).collect::<Vec<_>>(),
        "predicateType": "urn:jackpot:bundle:1",
        "predicate": {"left_out": absent.map(|(name, _)| name).collect::<Vec<_>>()},
    });
    canonical::to_bytes(&statement).expect("texts only, four levels deep")
}
