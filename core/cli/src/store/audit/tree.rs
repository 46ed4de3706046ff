//! A derivation on a terminal: one line per node, indented.
use jackpot_results::{NodeVerdict, ProvenanceNode};
use serde_json::{Value, json};

/// Prints the tree, and below it what is wrong with the path to each.
pub fn print(link: &ProvenanceNode) {
    print!("{}", text(link));
    for (path, what) in link.problems() {
        println!("problem {path}: {what}");
    }
}

/// The tree with whole hashes, and its problems with their paths.
pub fn in_json(what: &str, link: &ProvenanceNode) -> Value {
    let problems = link.problems();
    let problems: Vec<Value> = problems
        .iter()
        .map(|(path, what)| json!({ "path": path, "what": what }))
        .collect();
    json!({ "of": what, "tree": link.to_json(), "problems": problems })
}

/// How many results a report's file may have before a sound one takes one line.
const UNFOLDED: usize = 2;

fn text(link: &ProvenanceNode) -> String {
    let mut text = line(link);
    // A table of a hundred runs is a page, not a book: each sound run is one line.
    let fold = link.role.contains('/') || link.role.contains('.');
    let fold = fold && link.from.len() > UNFOLDED;
    below(link, "", fold, &mut text);
    text
}

fn below(link: &ProvenanceNode, indent: &str, fold: bool, text: &mut String) {
    let seen_above: Vec<&ProvenanceNode> = link
        .from
        .iter()
        .filter(|l| l.mark == NodeVerdict::SeenAbove)
        .collect();
    let shown: Vec<&ProvenanceNode> = link
        .from
        .iter()
        .filter(|l| l.mark != NodeVerdict::SeenAbove)
        .collect();
    for (at, link) in shown.iter().enumerate() {
        let last = at + 1 == shown.len() && seen_above.is_empty();
        let (branch, inner) = if last {
            ("└─ ", "   ")
        } else {
            ("├─ ", "│  ")
        };
        let folded = fold && link.problems().is_empty();
        *text += &format!("{indent}{branch}{}", line_of(link, folded));
        if !folded {
            below(link, &format!("{indent}{inner}"), false, text);
        }
    }
    if !seen_above.is_empty() {
        *text += &format!("{indent}└─ ↑ {}: as above\n", listed(&seen_above));
    }
}

/// "weights, train, 60 × mask".
fn listed(nodes: &[&ProvenanceNode]) -> String {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for link in nodes {
        match counted.iter_mut().find(|(role, _)| *role == link.role) {
            Some((_, n)) => *n += 1,
            None => counted.push((&link.role, 1)),
        }
    }
    let words = counted.iter().map(|(role, n)| match n {
        1 => (*role).to_owned(),
        n => format!("{n} × {role}"),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn line(link: &ProvenanceNode) -> String {
    line_of(link, false)
}

fn line_of(link: &ProvenanceNode, folded: bool) -> String {
    let mark = match &link.mark {
        NodeVerdict::Sound => "✓",
        NodeVerdict::NotKept => "·",
        NodeVerdict::SeenAbove => "↑",
        NodeVerdict::Wrong(_) => "✗",
    };
    let hash = &link.hash.to_string()[..12];
    let folded = match (folded, link.from.first()) {
        (true, Some(made)) => {
            let nodes = link.nodes() - 1;
            let sound = match link.not_kept().len() {
                0 => "all sound".to_owned(),
                n => format!("sound but for {n} that are not kept"),
            };
            format!("; {}; {nodes} more nodes, {sound}", made.words)
        }
        _ => String::new(),
    };
    let words = if link.words.is_empty() {
        String::new()
    } else {
        format!("  {}", link.words)
    };
    format!("{mark} {} {hash}{words}{folded}\n", link.role)
}
