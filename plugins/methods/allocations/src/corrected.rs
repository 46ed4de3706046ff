//! Smart-ratio as it was meant: the exact budget, no layer starved, no surplus lost.
//!
//! Linear layers keep `linear_keep_ratio`. A convolution's density is the published shape
//! times one scale, kept between one weight per filter and all weights; the scale is the one
//! that meets the budget (clipped layers hand on what they cannot take, whichever they
//! are), and whole numbers follow by largest remainders. `ascending` ascends: it is not
//! divided by l² on a VGG.
use crate::apportion::apportion;
use crate::layer::{Allocation, Form, Layer, Rule, Shape};
use crate::proportion::{Bounds, share};

/// Counts that add up to `budget`, or why none do.
pub fn counts(layers: &[Layer], rule: &Rule, budget: u64) -> Result<Allocation, String> {
    rule.check_depth(layers)?;
    let mut notes = Vec::new();
    let weights = |linear: bool| -> Vec<u64> {
        let chosen = layers.iter().filter(|layer| layer.linear == linear);
        chosen.map(|layer| layer.weights).collect()
    };
    let (conv, linear) = (weights(false), weights(true));
    let (all_conv, all_linear) = (conv.iter().sum::<u64>(), linear.iter().sum::<u64>());
    if budget > all_conv + all_linear {
        return Err(format!(
            "{budget} weights to keep, but there are {}",
            all_conv + all_linear
        ));
    }
    let wanted = (all_linear as f64 * rule.linear_keep_ratio).round_ties_even() as u64;
    if budget <= wanted {
        return Err(format!(
            "linear layers alone keep {wanted} weights (`linear_keep_ratio` {}), but the budget is {budget}: lower `linear_keep_ratio` or the sparsity",
            rule.linear_keep_ratio
        ));
    }
    let kept_linear = wanted.max(budget.saturating_sub(all_conv));
    if kept_linear > wanted {
        notes.push(format!(
            "every convolution is whole, so linear layers keep {kept_linear} weights instead of {wanted}"
        ));
    }
    let mut linear_counts = apportion(kept_linear, &linear)?.into_iter();
    let mut conv_counts = convolutions(layers, rule, budget - kept_linear, &mut notes).into_iter();
    let counts = layers.iter().filter_map(|layer| {
        if layer.linear {
            linear_counts.next()
        } else {
            conv_counts.next()
        }
    });
    Ok(Allocation {
        counts: counts.collect(),
        notes,
    })
}

fn convolutions(layers: &[Layer], rule: &Rule, budget: u64, notes: &mut Vec<String>) -> Vec<u64> {
    let mut bounds: Vec<Bounds> = layers
        .iter()
        .enumerate()
        .filter(|(_, layer)| !layer.linear)
        .map(|(l, layer)| Bounds {
            wish: density(l, rule) * layer.weights as f64,
            least: layer.filters.min(layer.weights),
            most: layer.weights,
        })
        .collect();
    if bounds.iter().map(|b| b.least).sum::<u64>() > budget {
        let least = u64::from(bounds.len() as u64 <= budget);
        bounds.iter_mut().for_each(|b| b.least = least.min(b.most));
        notes.push(format!(
            "{budget} weights are fewer than the convolutions have filters: at least {least} a layer instead of 1 a filter"
        ));
    }
    share(&bounds, budget)
}

fn density(l: usize, rule: &Rule) -> f64 {
    let place = l as u64 + 1;
    let density = rule.shape.density(place, rule.depth);
    match (rule.form, rule.shape) {
        (Form::Resnet, _) | (_, Shape::Ascending | Shape::Uniform) => density,
        (Form::Vgg, _) => density / (place * place) as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::published;
    use proptest::prelude::*;

    fn network(layers: &[(u64, u64, bool)]) -> Vec<Layer> {
        let layer = |(l, &(weights, filters, linear)): (usize, &(u64, u64, bool))| Layer {
            name: format!("layer{}", l + 1),
            weights,
            filters,
            linear,
        };
        layers.iter().enumerate().map(layer).collect()
    }

    /// The published ResNet-14 for 10 classes: widths 32, 64, 128.
    fn resnet14() -> Vec<Layer> {
        let mut layers = vec![(864, 32, false)];
        layers.extend([(9_216, 32, false); 4]);
        layers.extend([(18_432, 64, false), (36_864, 64, false), (2_048, 64, false)]);
        layers.extend([(36_864, 64, false); 2]);
        layers.extend([
            (73_728, 128, false),
            (147_456, 128, false),
            (8_192, 128, false),
        ]);
        layers.extend([(147_456, 128, false); 2]);
        layers.push((1_280, 10, true));
        network(&layers)
    }

    fn rule(shape: Shape, form: Form, layers: &[Layer]) -> Rule {
        Rule {
            shape,
            form,
            linear_keep_ratio: 0.3,
            depth: layers.len() as u64,
        }
    }

    #[test]
    fn agrees_with_the_published_counts_where_those_clip_nothing() {
        let layers = resnet14();
        let all: u64 = layers.iter().map(|layer| layer.weights).sum();
        for shape in [Shape::Quadratic, Shape::Linear] {
            let rule = rule(shape, Form::Resnet, &layers);
            let budget = all / 20;
            let found = counts(&layers, &rule, budget).unwrap().counts;
            assert_eq!(found.iter().sum::<u64>(), budget);
            let keep = budget as f64 / all as f64;
            let released = published::counts(&layers, &rule, keep).unwrap().counts;
            for (l, (found, released)) in found.iter().zip(&released).enumerate() {
                assert!(found.abs_diff(*released) <= 3, "{l}: {found}, {released}");
            }
        }
    }

    #[test]
    fn ascending_ascends_on_both_forms_and_starves_no_layer() {
        let layers = resnet14();
        let all: u64 = layers.iter().map(|layer| layer.weights).sum();
        for form in [Form::Resnet, Form::Vgg] {
            let rule = rule(Shape::Ascending, form, &layers);
            let found = counts(&layers, &rule, all / 50).unwrap();
            let kept = found.counts;
            assert_eq!(kept.iter().sum::<u64>(), all / 50);
            let floors = layers.iter().filter(|layer| !layer.linear);
            assert!(floors.zip(&kept).all(|(layer, &c)| c >= layer.filters));
            assert_eq!(kept[0], 32);
            // Where the floor of one weight per filter does not act, the density ascends.
            let free: Vec<f64> = layers
                .iter()
                .zip(&kept)
                .filter(|(layer, count)| !layer.linear && **count > layer.filters)
                .map(|(layer, &count)| count as f64 / layer.weights as f64)
                .collect();
            assert!(free.len() >= 10 && free.is_sorted(), "{free:?}");
            assert!(free[free.len() - 1] > 3.0 * free[0]);
        }
        let rule = rule(Shape::Ascending, Form::Resnet, &layers);
        let released = published::counts(&layers, &rule, 0.02).unwrap().counts;
        assert_eq!(released[0], 0, "the defect that this profile corrects");
    }

    #[test]
    fn surplus_of_any_layer_reaches_the_others() {
        let layers = network(&[(1_000, 10, false), (10, 2, false), (10, 2, true)]);
        let rule = rule(Shape::Ascending, Form::Resnet, &layers);
        // Layer 2 wants 14.8 of its 10; the published rule loses the rest.
        assert_eq!(counts(&layers, &rule, 510).unwrap().counts, [497, 10, 3]);
    }

    #[test]
    fn a_budget_beyond_the_convolutions_goes_to_linear_layers() {
        let layers = network(&[(100, 10, false), (60, 6, true), (40, 4, true)]);
        let rule = rule(Shape::Quadratic, Form::Vgg, &layers);
        let found = counts(&layers, &rule, 190).unwrap();
        assert_eq!(found.counts, [100, 54, 36]);
        assert!(found.notes[0].contains("90 weights instead of 30"));
        assert!(
            counts(&layers, &rule, 201)
                .unwrap_err()
                .contains("there are 200")
        );
        let error = counts(&layers, &rule, 30).unwrap_err();
        assert!(
            error.contains("linear layers alone keep 30 weights"),
            "{error}"
        );
    }

    #[test]
    fn fewer_weights_than_filters_still_reach_every_layer() {
        let layers = network(&[(90, 10, false), (900, 10, false), (0, 2, true)]);
        let rule = rule(Shape::Quadratic, Form::Resnet, &layers);
        let found = counts(&layers, &rule, 12).unwrap();
        assert_eq!(found.counts.iter().sum::<u64>(), 12);
        assert!(found.counts[0] >= 1 && found.counts[1] >= 1);
        assert!(found.notes[0].contains("1 a layer"), "{:?}", found.notes);
    }

    proptest! {
        #[test]
        fn the_budget_is_met_within_the_bounds(
            sizes in proptest::collection::vec((1u64..40, 1u64..2_000), 1..30),
            classes in 1u64..20, shape in 0usize..5, vgg in any::<bool>(), share in 0.0..1.0f64
        ) {
            let mut layers: Vec<_> = sizes.iter().map(|&(f, n)| (f * n, f, false)).collect();
            layers.push((classes * 8, classes, true));
            let layers = network(&layers);
            let shape = [
                Shape::Quadratic, Shape::Linear, Shape::Cubic, Shape::Ascending, Shape::Uniform,
            ][shape];
            let form = if vgg { Form::Vgg } else { Form::Resnet };
            let rule = rule(shape, form, &layers);
            let all: u64 = layers.iter().map(|layer| layer.weights).sum();
            let linear = (classes as f64 * 8.0 * 0.3).round_ties_even() as u64;
            let budget = linear + 1 + ((all - linear - 1) as f64 * share) as u64;
            let found = counts(&layers, &rule, budget).unwrap();
            prop_assert_eq!(found.counts.iter().sum::<u64>(), budget);
            let filters: u64 = sizes.iter().map(|&(f, _)| f).sum();
            let enough = budget - linear >= filters;
            for (&count, layer) in found.counts.iter().zip(&layers) {
                prop_assert!(count <= layer.weights);
                prop_assert!(layer.linear || !enough || count >= layer.filters);
            }
            if shape == Shape::Uniform && enough {
                // Where no bound acts, densities are equal but for one weight of rounding.
                let free = || layers.iter().zip(&found.counts).filter(|(layer, count)| {
                    !layer.linear && **count > layer.filters + 1 && **count + 1 < layer.weights
                });
                for ((a, x), (b, y)) in free().flat_map(|a| free().map(move |b| (a, b))) {
                    let apart = *x as f64 / a.weights as f64 - *y as f64 / b.weights as f64;
                    let rounding = 1.0 / a.weights as f64 + 1.0 / b.weights as f64;
                    prop_assert!(apart <= rounding + 1e-9);
                }
            }
        }
    }
}
