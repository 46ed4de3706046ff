//! Every number of a probe as CSV.
use super::{MaskComparison, MaskRow};
use std::fmt::Display;

/// Quoted where it holds a comma, a quote or a newline.
fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn line(cells: &[&dyn Display]) -> String {
    let cells: Vec<String> = cells.iter().map(|c| cell(&c.to_string())).collect();
    cells.join(",") + "\n"
}

fn share(x: Option<f64>) -> String {
    x.map_or(String::new(), |x| format!("{x:.6}"))
}

pub(super) fn comparisons(all: &[MaskComparison]) -> String {
    let mut csv = line(&[
        &"ticket",
        &"sparsity",
        &"seed",
        &"with",
        &"mask",
        &"overlap",
        &"chance",
        &"chance_low",
        &"chance_high",
        &"index",
        &"allocation_distance",
    ]);
    for c in all {
        let shares = [c.overlap, c.chance, c.low, c.high, c.allocation];
        let [overlap, chance, low, high, allocation] = shares.map(|x| share(Some(x)));
        csv += &line(&[
            &c.ticket,
            &c.sparsity,
            &c.seed,
            &c.with,
            &c.mask,
            &overlap,
            &chance,
            &low,
            &high,
            &share(c.index),
            &allocation,
        ]);
    }
    csv
}

pub(super) fn masks(all: &[MaskRow]) -> String {
    let mut csv = line(&[
        &"width",
        &"ticket",
        &"sparsity",
        &"seed",
        &"mask",
        &"uses",
        &"weights",
        &"kept",
        &"effective",
        &"constant_channels",
        &"smallest_layer",
        &"smallest_kept",
        &"empty_layers",
        &"depth_correlation",
        &"projections",
        &"classifier",
        &"collapse",
        &"why",
    ]);
    for m in all {
        csv += &line(&[
            &m.width,
            &m.ticket,
            &m.sparsity,
            &m.seed,
            &m.mask,
            &m.access.join(" "),
            &m.weights,
            &m.kept,
            &m.effective,
            &m.constant,
            &m.smallest,
            &m.smallest_kept,
            &m.empty.len(),
            &share(m.depth),
            &share(m.projections),
            &share(m.classifier),
            &m.collapse,
            &m.why,
        ]);
    }
    csv
}

pub(super) fn layers(all: &[MaskRow]) -> String {
    let mut csv = line(&[
        &"ticket",
        &"sparsity",
        &"seed",
        &"layer",
        &"weights",
        &"kept",
        &"scale_alone",
    ]);
    for m in all {
        for l in &m.layers {
            csv += &line(&[
                &m.ticket,
                &m.sparsity,
                &m.seed,
                &l.name,
                &l.weights,
                &l.kept,
                &share(l.null),
            ]);
        }
    }
    csv
}
