//! Words that judge. Dependence on data or structure is a property of a ticket, so a report says
//! *sensitive* or *insensitive*, never that something passes, fails, wins or is good.

/// Each alone. `failed` is not among them: it is what becomes of a run that crashed. Nor is
/// `inferior`: the name of a test.
const WORDS: [&str; 33] = [
    "bad",
    "badly",
    "beat",
    "beats",
    "better",
    "defeat",
    "disappointing",
    "excellent",
    "fail",
    "fails",
    "failure",
    "failures",
    "good",
    "impressive",
    "lose",
    "loser",
    "loses",
    "outperform",
    "outperforms",
    "pass",
    "passes",
    "poor",
    "poorly",
    "succeed",
    "succeeds",
    "success",
    "successful",
    "win",
    "winner",
    "wins",
    "won",
    "worse",
    "worst",
];

/// Two that judge together: the best *epoch* is a number, the best *method* a judgement.
const PAIRS: [[&str; 2]; 7] = [
    ["best", "check"],
    ["best", "method"],
    ["best", "methods"],
    ["best", "ticket"],
    ["best", "tickets"],
    ["failed", "check"],
    ["passed", "check"],
];

/// Every judging word of a text, each with what stands around it.
pub fn judging(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    // Digits belong to words, so that a hash in hexadecimal is one and not several.
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty() && *w != "the" && *w != "a")
        .collect();
    let around = |i: usize| words[i.saturating_sub(4)..words.len().min(i + 5)].join(" ");
    let judges = |i: &usize| {
        let pair = |p: &[&str; 2]| words[*i] == p[0] && words.get(i + 1) == Some(&p[1]);
        WORDS.contains(&words[*i]) || PAIRS.iter().any(pair)
    };
    (0..words.len()).filter(judges).map(around).collect()
}

/// What a reader is shown of a file: pages without their script, style and pictures.
pub fn shown(name: &str, text: &str) -> String {
    if !name.ends_with(".html") {
        return text.to_owned();
    }
    let mut left = text;
    let mut out = String::new();
    let cuts = [
        ("<style>", "</style>"),
        ("<script>", "</script>"),
        ("src=\"data:", "\""),
    ];
    loop {
        let next = cuts
            .iter()
            .filter_map(|(from, to)| Some((left.find(from)?, from, to)));
        let Some((at, from, to)) = next.min() else {
            return out + left;
        };
        out += &left[..at];
        let rest = &left[at + from.len()..];
        left = rest.split_once(to).map_or("", |(_, after)| after);
    }
}
