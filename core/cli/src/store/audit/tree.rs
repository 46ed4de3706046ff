//! A derivation on a terminal: one line per node, indented.
use jackpot_results::{Link, Mark};
use serde_json::{Value, json};

/// Prints the tree, and below it what is wrong with the path to each.
pub fn print(link: &Link) {
    print!("{}", text(link));
    for (path, what) in link.problems() {
        println!("problem {path}: {what}");
    }
}

/// The tree with whole hashes, and its problems with their paths.
pub fn in_json(what: &str, link: &Link) -> Value {
    let problems = link.problems();
    let problems: Vec<Value> = problems
        .iter()
        .map(|(path, what)| json!({ "path": path, "what": what }))
        .collect();
    json!({ "of": what, "tree": link.to_json(), "problems": problems })
}

/// How many results a report's file may have before a sound one takes one line.
const UNFOLDED: usize = 2;

fn text(link: &Link) -> String {
    let mut text = line(link);
    // A table of a hundred runs is a page, not a book: each sound run is one line.
    let fold = link.role.contains('/') || link.role.contains('.');
    let fold = fold && link.from.len() > UNFOLDED;
    below(link, "", fold, &mut text);
    text
}

fn below(link: &Link, indent: &str, fold: bool, text: &mut String) {
    let told: Vec<&Link> = link.from.iter().filter(|l| l.mark == Mark::Told).collect();
    let shown: Vec<&Link> = link.from.iter().filter(|l| l.mark != Mark::Told).collect();
    for (at, link) in shown.iter().enumerate() {
        let last = at + 1 == shown.len() && told.is_empty();
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
    if !told.is_empty() {
        *text += &format!("{indent}└─ ↑ {}: as above\n", listed(&told));
    }
}

/// "weights, train, 60 × mask".
fn listed(told: &[&Link]) -> String {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for link in told {
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

fn line(link: &Link) -> String {
    line_of(link, false)
}

fn line_of(link: &Link, folded: bool) -> String {
    let mark = match &link.mark {
        Mark::Sound => "✓",
        Mark::NotKept => "·",
        Mark::Told => "↑",
        Mark::Wrong(_) => "✗",
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
