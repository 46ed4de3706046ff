//! Smart-ratio as released (`pruner/SmartRatio.py` of JingtongSu/sanity-checking-pruning):
//! the same counts, with the f32 roundings and truncations that lead to them.
//!
//! The scale g is a Python float, densities and layer products are f32 tensors, and every
//! number of weights is truncated. What is odd in it stays: the total misses the budget by
//! a few weights; the surplus of a layer that is over 1 is passed on only while the walk
//! from layer 1 has some, so what a later layer is over is lost; `uniform` ignores both;
//! on a VGG the division by l² stays on for every shape, so `ascending` falls; and a layer
//! may be left with no weight at all.
use crate::layer::{Allocation, Form, Layer, Rule, Shape, named, names};

/// Counts for density `keep`. An error where the released code would crash or keep a
/// negative number of weights.
pub fn counts(layers: &[Layer], rule: &Rule, keep: f64) -> Result<Allocation, String> {
    rule.check_depth(layers)?;
    let goal = goal(layers, rule, keep)?;
    let mut densities = scaled(layers, rule, goal)?;
    pass_on_surplus(layers, &mut densities);
    let even = (goal as f32) * (1.0 / conv_weights(layers));
    let counts: Vec<u64> = layers
        .iter()
        .zip(&densities)
        .map(|(layer, &density)| {
            let weights = layer.weights as f32;
            match (layer.linear, rule.shape) {
                (true, _) => (rule.linear_keep_ratio as f32 * weights) as u64,
                (false, Shape::Uniform) => (even * weights) as u64,
                (false, _) if density >= 1.0 => layer.weights,
                (false, _) => (density * weights) as u64,
            }
        })
        .collect();
    let over = |l: usize| counts[l] > layers[l].weights;
    if let Some(over) = names(&named(layers), over) {
        return Err(format!(
            "{over} would keep more weights than there are, where the released code crashes: take a higher sparsity or `profile = \"corrected\"`"
        ));
    }
    let notes = notes(layers, rule, &densities);
    Ok(Allocation { counts, notes })
}

/// Weights that convolutions keep: int(N · keep) − int(N_linear · linear_keep_ratio).
fn goal(layers: &[Layer], rule: &Rule, keep: f64) -> Result<i64, String> {
    // Summed layer by layer in f32, as the tensors are.
    let sum = |linear_only: bool| {
        let chosen = layers.iter().filter(|layer| layer.linear || !linear_only);
        chosen.fold(0f32, |sum, layer| sum + layer.weights as f32)
    };
    let budget = (sum(false) * keep as f32) as i64;
    let linear = (sum(true) * rule.linear_keep_ratio as f32) as i64;
    if budget <= linear {
        return Err(format!(
            "linear layers alone keep {linear} weights (`linear_keep_ratio` {}), but the budget is {budget}: lower `linear_keep_ratio` or the sparsity",
            rule.linear_keep_ratio
        ));
    }
    Ok(budget - linear)
}

fn conv_weights(layers: &[Layer]) -> f32 {
    let sum = |linear: bool| {
        let chosen = layers.iter().filter(|layer| layer.linear || !linear);
        chosen.fold(0f32, |sum, layer| sum + layer.weights as f32)
    };
    sum(false) - sum(true)
}

/// The densities of convolutions, scaled so that their counts add up to about `goal`.
fn scaled(layers: &[Layer], rule: &Rule, goal: i64) -> Result<Vec<f32>, String> {
    // The released code leaves its default, k² + k, in place under `uniform`.
    let shape = match rule.shape {
        Shape::Uniform => Shape::Quadratic,
        shape => shape,
    };
    let raw = |l: usize| shape.density(l as u64 + 1, rule.depth) as f32;
    let square = |l: usize| ((l + 1) * (l + 1)) as f32;
    let convolutions = || layers.iter().enumerate().filter(|(_, layer)| !layer.linear);
    let whole: i64 = convolutions()
        .map(|(l, layer)| match rule.form {
            Form::Resnet => (layer.weights as f32 * raw(l)) as i64,
            Form::Vgg => (layer.weights as f32 * raw(l) / square(l)) as i64,
        })
        .sum();
    if whole == 0 {
        return Err(
            "every convolution's share truncates to 0: the network is too small".to_owned(),
        );
    }
    let scale = (goal as f64 / whole as f64) as f32;
    let mut densities: Vec<f32> = (0..layers.len()).map(raw).collect();
    for (l, _) in convolutions() {
        densities[l] *= scale;
        if rule.form == Form::Vgg {
            densities[l] /= square(l);
        }
    }
    Ok(densities)
}

/// Walks from layer 1: what is over 1 is collected, what has room takes it; stops at the
/// first layer with nothing left to hand out.
fn pass_on_surplus(layers: &[Layer], densities: &mut [f32]) {
    let mut surplus = 0i64;
    for (layer, density) in layers.iter().zip(densities) {
        let weights = layer.weights as f32;
        if !layer.linear {
            if *density >= 1.0 {
                surplus += ((*density - 1.0) * weights) as i64;
                *density = 1.0;
            } else {
                let room = ((1.0 - *density) * weights) as i64;
                if room >= surplus {
                    // An integer over a tensor is the tensor's reciprocal times it.
                    *density += surplus as f32 * (1.0 / weights);
                    surplus = 0;
                } else {
                    surplus -= room;
                    *density = 1.0;
                }
            }
        }
        if surplus == 0 {
            return;
        }
    }
}

fn notes(layers: &[Layer], rule: &Rule, densities: &[f32]) -> Vec<String> {
    let mut notes = Vec::new();
    if rule.shape == Shape::Ascending && rule.form == Form::Vgg {
        notes.push("not ascending: the released division by l^2 makes the density fall".to_owned());
    }
    if rule.shape != Shape::Uniform
        && let Some(over) = names(&named(layers), |l| !layers[l].linear && densities[l] > 1.0)
    {
        notes.push(format!("{over} is whole, and what it was over 1 is lost"));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The layers of a published network, the linear one last.
    fn network(sizes: &[u64]) -> Vec<Layer> {
        let layer = |(l, &weights): (usize, &u64)| Layer {
            name: format!("layer{}", l + 1),
            weights,
            filters: 1,
            linear: l + 1 == sizes.len(),
        };
        sizes.iter().enumerate().map(layer).collect()
    }

    fn rule(shape: Shape, form: Form, layers: &[Layer]) -> Rule {
        Rule {
            shape,
            form,
            linear_keep_ratio: 0.3,
            depth: layers.len() as u64,
        }
    }

    /// `smart_ratio_counts.json` was computed with the released formulas in PyTorch.
    #[test]
    fn counts_are_those_of_the_released_code() {
        let file = include_str!("../tests/smart_ratio_counts.json");
        let cases: serde_json::Value = serde_json::from_str(file).unwrap();
        let cases = cases.as_object().unwrap();
        assert_eq!(cases.len(), 10);
        for (name, case) in cases {
            let numbers = |field: &str| -> Vec<u64> {
                let list = case[field].as_array().unwrap();
                list.iter().map(|n| n.as_u64().unwrap()).collect()
            };
            let parts: Vec<&str> = name.split('/').collect();
            let shape = match parts[3] {
                "linear_decay" => Shape::Linear,
                "ascend" => Shape::Ascending,
                name => Shape::named(name).unwrap(),
            };
            let form = match parts[0] {
                "resnet32" => Form::Resnet,
                _ => Form::Vgg,
            };
            let sparsity: f64 = parts[2]["sparsity=".len()..].parse().unwrap();
            let layers = network(&numbers("total"));
            let found = counts(&layers, &rule(shape, form, &layers), 1.0 - sparsity).unwrap();
            let expected = numbers("keep");
            assert_eq!(found.counts, expected, "{name}");
        }
    }

    #[test]
    fn a_vgg_does_not_ascend_and_says_so() {
        let layers = network(&[1728, 36_864, 73_728, 147_456, 5_120]);
        let rule = rule(Shape::Ascending, Form::Vgg, &layers);
        let found = counts(&layers, &rule, 0.1).unwrap();
        let densities: Vec<f64> = layers[..4]
            .iter()
            .zip(&found.counts)
            .map(|(layer, &count)| count as f64 / layer.weights as f64)
            .collect();
        assert!(densities.is_sorted_by(|a, b| a > b), "{densities:?}");
        assert!(found.notes[0].starts_with("not ascending"));
    }

    /// By hand: L = 3, sizes 10, 100, 10; p = k² + k = 12, 6, (2); TEST = 120 + 600.
    #[test]
    fn a_whole_layer_hands_its_surplus_to_the_next() {
        let layers = network(&[10, 100, 10]);
        let rule = rule(Shape::Quadratic, Form::Resnet, &layers);
        // goal = 93 − 3 = 90; g = 1/8; densities 1.5 and 0.75: layer 1 hands on 5.
        let found = counts(&layers, &rule, 0.78).unwrap();
        assert_eq!(found.counts, [10, 80, 3]);
        assert!(found.notes.is_empty());
    }

    #[test]
    fn a_later_layers_surplus_is_lost_and_said() {
        let layers = network(&[1_000, 10, 10]);
        let rule = rule(Shape::Ascending, Form::Resnet, &layers);
        // p = 2, 6; TEST = 2,060; goal = 510 − 3: g = 0.2461: densities 0.492, 1.477
        let found = counts(&layers, &rule, 0.5).unwrap();
        assert_eq!(found.counts, [492, 10, 3]);
        assert!(
            found.notes[0].contains("`layer2` is whole"),
            "{:?}",
            found.notes
        );
    }

    #[test]
    fn what_the_released_code_cannot_do_is_refused() {
        let layers = network(&[90, 90, 640]);
        let rule = rule(Shape::Quadratic, Form::Resnet, &layers);
        let error = counts(&layers, &rule, 0.02).unwrap_err();
        assert!(
            error.contains("linear layers alone keep 192 weights"),
            "{error}"
        );
        assert!(error.contains("budget is 16"), "{error}");
        let uniform = Rule {
            shape: Shape::Uniform,
            ..rule
        };
        let error = counts(&layers, &uniform, 0.95).unwrap_err();
        assert!(
            error.contains("would keep more weights than there are"),
            "{error}"
        );
        let short = Rule { depth: 1, ..rule };
        let error = counts(&layers, &short, 0.5).unwrap_err();
        assert!(
            error.contains("`L` is 1, but `layer2` is layer 2"),
            "{error}"
        );
        let no_conv = network(&[10]);
        assert!(
            counts(&no_conv, &rule, 0.5)
                .unwrap_err()
                .contains("no convolution")
        );
    }

    #[test]
    fn l_is_a_parameter() {
        let layers = network(&[1_000, 1_000, 1_000, 100]);
        let with = |depth| {
            let rule = Rule {
                depth,
                ..rule(Shape::Linear, Form::Resnet, &layers)
            };
            counts(&layers, &rule, 0.1).unwrap().counts
        };
        // 280 in proportion 3:2:1, and 4:3:2
        assert_eq!(with(3), [140, 93, 46, 30]);
        assert_eq!(with(4), [124, 93, 62, 30]);
    }
}
