//! A probe's result as tables: means over seeds for people, every number for programs.
use super::{LayerRow, MaskComparison, MaskRow, ProbeResult, csv};

/// One table.
#[derive(Clone, Debug)]
pub struct ProbeTable {
    /// The file's name without its ending.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// What a reader must know to read it.
    pub about: &'static str,
    /// One a column.
    pub header: Vec<String>,
    /// As many cells as columns.
    pub rows: Vec<Vec<String>>,
}

/// How a table is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    /// Columns under each other, for a terminal.
    Text,
    /// A heading, the explanation and a table.
    Markdown,
}

impl ProbeTable {
    /// The table's text, with a newline at its end.
    pub fn format(&self, how: OutputFormat) -> String {
        match how {
            OutputFormat::Text => self.text(),
            OutputFormat::Markdown => self.markdown(),
        }
    }

    fn text(&self) -> String {
        let all = || std::iter::once(&self.header).chain(&self.rows);
        let width = |column: usize| all().map(|r| r[column].chars().count()).max();
        let widths: Vec<usize> = (0..self.header.len())
            .map(|column| width(column).unwrap_or(0))
            .collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, &width)| {
                let fill = " ".repeat(width - cell.chars().count());
                if cell.starts_with(|c: char| c.is_ascii_digit() || c == '−' || c == '–') {
                    format!("{fill}{cell}")
                } else {
                    format!("{cell}{fill}")
                }
            });
            let cells: Vec<String> = cells.collect();
            format!("  {}\n", cells.join("  ").trim_end())
        };
        let lines: String = all().map(line).collect();
        format!("{}\n{lines}", self.title)
    }

    fn markdown(&self) -> String {
        let line = |row: &Vec<String>| {
            let cells: Vec<String> = row.iter().map(|c| c.replace('|', "\\|")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rule = vec!["---".to_owned(); self.header.len()];
        let rows: String = self.rows.iter().map(line).collect();
        let head = format!("{}{}", line(&self.header), line(&rule));
        format!("## {}\n\n{}\n\n{head}{rows}", self.title, self.about)
    }
}

impl ProbeResult {
    /// Every table that has something to say.
    pub fn tables(&self) -> Vec<ProbeTable> {
        let all = [self.dependence(), self.kept(), self.map(), self.scale()];
        all.into_iter().filter(|t| !t.rows.is_empty()).collect()
    }

    /// Every number: the name of each file, and its content.
    pub fn csv(&self) -> Vec<(&'static str, String)> {
        vec![
            ("dependence.csv", csv::comparisons(&self.comparisons)),
            ("masks.csv", csv::masks(&self.masks)),
            ("layers.csv", csv::layers(&self.masks)),
        ]
    }

    fn dependence(&self) -> ProbeTable {
        let groups = groups(&self.comparisons, |c| (&c.ticket, &c.sparsity, &c.with));
        ProbeTable {
            name: "dependence",
            title: "Dependence of the mask on the batch and on the initialisation",
            about: "Overlap: share of the ticket's kept weights that the other mask keeps too. \
                    Chance: the same if only the counts of each layer were alike, with the interval \
                    of the stratified hypergeometric law. Index: (clean − check) / (clean − chance), \
                    where clean is the overlap with another batch of the clean data: 0 no more \
                    change than another batch makes, 1 chance; none where another batch itself \
                    lands on chance. Allocation distance: total variation of the kept counts. \
                    Another initialisation with the same batch is the probe's own control: it lands \
                    on chance, up to what a weight's place in its layer explains (taps that see \
                    padding). Means over seeds; \"on chance\" counts seeds inside the interval.",
            header: words(&[
                "ticket",
                "sparsity",
                "against",
                "overlap %",
                "chance %",
                "95 % of chance",
                "index",
                "allocation distance",
                "on chance",
            ]),
            rows: groups.iter().map(|g| compared(g)).collect(),
        }
    }

    fn kept(&self) -> ProbeTable {
        let own = self.masks.iter().filter(|m| m.width == self.width);
        let groups = groups(own, |m| (&m.ticket, &m.sparsity, &m.width));
        ProbeTable {
            name: "masks",
            title: "What each mask keeps",
            about: "Uses: host services that the method's plugins used, from their certificates. \
                    Effective: only weights on a path of kept weights from the image to a logit \
                    count as kept. Depth ρ: Spearman's rank correlation (mid-ranks) of the kept \
                    share with depth over the convolutions in forward order; projections and \
                    classifier apart, as kept shares. Means over seeds; the smallest layer of all \
                    seeds.",
            header: words(&[
                "ticket",
                "sparsity",
                "uses",
                "achieved %",
                "effective %",
                "smallest layer",
                "empty layers",
                "depth ρ",
                "projections %",
                "classifier %",
                "collapse",
            ]),
            rows: groups.iter().map(|g| kept(g)).collect(),
        }
    }

    fn map(&self) -> ProbeTable {
        let mut sparsities: Vec<&str> = Vec::new();
        for mask in &self.masks {
            if !sparsities.contains(&mask.sparsity.as_str()) {
                sparsities.push(&mask.sparsity);
            }
        }
        let groups = groups(&self.masks, |m| (&m.ticket, &m.width, &m.width));
        let row = |group: &Vec<&MaskRow>| {
            let at = |s: &&str| verdict(group.iter().filter(|m| m.sparsity == **s).copied());
            let names = [group[0].ticket.clone(), group[0].width.to_string()];
            names.into_iter().chain(sparsities.iter().map(at)).collect()
        };
        let header = ["ticket", "width"].into_iter().chain(sparsities.clone());
        ProbeTable {
            name: "collapse",
            title: "Collapse by ticket, width and sparsity",
            about: "Certain: no path of kept weights leads from the image to a logit. At risk: a \
                    place that every path crosses is narrower than the number of classes (where \
                    the dense network's is not) or than 5 % of its channels. In seeds.",
            header: header.map(String::from).collect(),
            rows: groups.iter().map(row).collect(),
        }
    }

    fn scale(&self) -> ProbeTable {
        let known = |m: &&MaskRow| m.layers.iter().any(|l| l.null.is_some());
        let known = self.masks.iter().filter(known);
        let groups = groups(known, |m| (&m.ticket, &m.sparsity, &m.width));
        ProbeTable {
            name: "scale",
            title: "Magnitude of the first weights: what the initial scale alone explains",
            about: "A global mask by magnitude against the closed form n·2(1 − Φ(t/σ)) of each \
                    layer's initial law, with one threshold t for all layers. The first seed.",
            header: words(&[
                "ticket",
                "sparsity",
                "allocation distance",
                "furthest layer",
                "kept %",
                "scale alone %",
            ]),
            rows: groups.iter().map(|g| scaled(g[0])).collect(),
        }
    }
}

fn words(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

/// Rows of equal names, in the order of their first.
fn groups<'a, T, A: PartialEq + 'a, B: PartialEq + 'a, C: PartialEq + 'a>(
    rows: impl IntoIterator<Item = &'a T>,
    name: impl Fn(&'a T) -> (&'a A, &'a B, &'a C),
) -> Vec<Vec<&'a T>> {
    let mut groups: Vec<Vec<&T>> = Vec::new();
    for row in rows {
        match groups.iter_mut().find(|g| name(g[0]) == name(row)) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

fn mean<T>(rows: &[&T], of: impl Fn(&T) -> Option<f64>) -> Option<f64> {
    let values: Vec<f64> = rows.iter().filter_map(|r| of(r)).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// With a true minus sign; never −0; a dash for nothing.
fn number(value: Option<f64>, digits: usize) -> String {
    let Some(x) = value else {
        return "–".to_owned();
    };
    let text = format!("{:.digits$}", x.abs());
    let zero = text.chars().all(|c| matches!(c, '0' | '.'));
    if x < 0.0 && !zero {
        format!("−{text}")
    } else {
        text
    }
}

fn compared(group: &[&MaskComparison]) -> Vec<String> {
    let first = group[0];
    let percent = |of: fn(&MaskComparison) -> f64| number(mean(group, |c| Some(100.0 * of(c))), 2);
    let inside = |c: &&&MaskComparison| (c.low..=c.high).contains(&c.overlap);
    vec![
        first.ticket.clone(),
        first.sparsity.clone(),
        first.with.clone(),
        percent(|c| c.overlap),
        percent(|c| c.chance),
        format!("{} to {}", percent(|c| c.low), percent(|c| c.high)),
        number(mean(group, |c| c.index), 3),
        number(mean(group, |c| Some(c.allocation)), 4),
        format!("{} of {}", group.iter().filter(inside).count(), group.len()),
    ]
}

fn pruned(kept: u64, weights: u64) -> Option<f64> {
    Some(100.0 * (weights - kept) as f64 / weights as f64)
}

fn kept(group: &[&MaskRow]) -> Vec<String> {
    let first = group[0];
    let average =
        |of: &dyn Fn(&MaskRow) -> Option<f64>, digits: usize| number(mean(group, of), digits);
    let least = group.iter().min_by_key(|m| m.smallest_kept);
    let least = least.unwrap_or(&group[0]);
    let percent = |x: Option<f64>| x.map(|x| 100.0 * x);
    vec![
        first.ticket.clone(),
        first.sparsity.clone(),
        if first.access.is_empty() {
            "nothing".to_owned()
        } else {
            services(&first.access)
        },
        average(&|m| pruned(m.kept, m.weights), 3),
        average(&|m| pruned(m.effective, m.weights), 3),
        format!("{}: {}", least.smallest, least.smallest_kept),
        average(&|m| Some(m.empty.len() as f64), 1),
        average(&|m| m.depth, 3),
        average(&|m| percent(m.projections), 2),
        average(&|m| percent(m.classifier), 2),
        verdict(group.iter().copied()),
    ]
}

/// "autodiff batches grad" of `jackpot.autodiff/1`, `jackpot.autodiff/1 batches` and so on.
fn services(used: &[String]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for service in used {
        let (name, function) = service.split_once(' ').unwrap_or((service, ""));
        let name = name.strip_prefix("jackpot.").unwrap_or(name);
        let name = name.split('/').next().unwrap_or(name);
        for word in [name, function] {
            if !word.is_empty() && !words.contains(&word) {
                words.push(word);
            }
        }
    }
    words.join(" ")
}

/// "certain 2 of 3, at risk 1 of 3", or a dash.
fn verdict<'a>(masks: impl Iterator<Item = &'a MaskRow>) -> String {
    let masks: Vec<&MaskRow> = masks.collect();
    let count = |word: &str| masks.iter().filter(|m| m.collapse == word).count();
    let words = ["certain", "at risk"].into_iter().filter(|w| count(w) > 0);
    let words: Vec<String> = words
        .map(|w| format!("{w} {} of {}", count(w), masks.len()))
        .collect();
    match (masks.is_empty(), words.is_empty()) {
        (true, _) => "not made".to_owned(),
        (false, true) => "–".to_owned(),
        (false, false) => words.join(", "),
    }
}

fn scaled(mask: &MaskRow) -> Vec<String> {
    let apart = |l: &LayerRow| (l.kept as f64 - l.null.unwrap_or_default()).abs();
    let distance = mask.layers.iter().map(apart).sum::<f64>() / mask.kept as f64 / 2.0;
    let relative = |l: &&LayerRow| apart(l) / l.weights as f64;
    let furthest = mask.layers.iter();
    let furthest = furthest.max_by(|a, b| relative(a).total_cmp(&relative(b)));
    let percent = |of: fn(&LayerRow) -> Option<f64>| {
        let share = furthest.and_then(|l| Some(100.0 * of(l)? / l.weights as f64));
        number(share, 2)
    };
    vec![
        mask.ticket.clone(),
        mask.sparsity.clone(),
        number(Some(distance), 4),
        furthest.map_or(String::new(), |l| l.name.clone()),
        percent(|l| Some(l.kept as f64)),
        percent(|l| l.null),
    ]
}
