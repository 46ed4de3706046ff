//! What the maps of a step take, against what has to be there at once.
use super::{Life, Places, lives, place};
use crate::plan::Plan;
use crate::schedule::Schedule;
use jackpot_net::{Architecture, Block, Family, Stem};
use std::ops::Range;

fn planned(architecture: &Architecture) -> (Plan, Schedule) {
    let plan = Plan::new(&architecture.build().unwrap()).unwrap();
    let schedule = Schedule::new(&plan);
    (plan, schedule)
}

/// Numbers of an image's convolution outputs in a ResNet of n blocks a stage: the first
/// stage's maps, of which the first convolution makes one, are two and four times those of
/// the others, which have a projection.
fn resnet(n: usize, first: usize) -> usize {
    (2 * n + 1) * (first + first / 2 + first / 4)
}

/// Convolution outputs cannot go. A 24th is spent on block outputs; beside those that a chain
/// of five blocks keeps, gradients and all else take little.
#[test]
fn a_step_takes_little_more_than_its_convolution_outputs() {
    let small = [1, 28, 28];
    let vgg = 1024 * (2 * 64 + 2 * 32 + 3 * 16 + 3 * 8 + 3 * 2);
    for (architecture, outputs, most) in [
        // On the way back into its first stage there are three gradients beside most maps.
        (
            Architecture::resnet(8, 16, 10, small),
            resnet(1, 16 * 784),
            0.16,
        ),
        (
            Architecture::resnet(20, 16, 10, small),
            resnet(3, 16 * 784),
            0.07,
        ),
        (
            Architecture::resnet(32, 32, 10, [3, 32, 32]),
            resnet(5, 32 * 1024),
            0.16,
        ),
        (Architecture::vgg(16, 64, 10, [3, 32, 32]), vgg, 0.05),
    ] {
        let (plan, schedule) = planned(&architecture);
        let more = Places::new(&plan, &schedule, 1).sizes()[0] as f64 / outputs as f64 - 1.0;
        assert!((0.0..most).contains(&more), "{architecture:?}: {more}");
    }
}

fn meet(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start.max(b.start) < a.end.min(b.end)
}

#[test]
fn maps_that_live_together_lie_apart() {
    let of = |family, depth, width, input| Architecture::new(family, depth, width, 10, input);
    let bottleneck = |depth| Architecture {
        block: Block::Bottleneck,
        ..of(Family::Resnet, depth, 2, [2, 9, 5])
    };
    for architecture in [
        of(Family::Resnet, 44, 2, [1, 9, 8]),
        bottleneck(8),
        bottleneck(50),
        of(Family::ResnetImagenet, 18, 1, [1, 37, 34]),
        Architecture {
            stem: Stem::Small,
            ..of(Family::ResnetImagenet, 34, 1, [1, 9, 10])
        },
        of(Family::Vgg, 11, 1, [1, 33, 35]),
        of(Family::Lenet5, 4, 3, [1, 18, 17]),
        of(Family::Lenet300, 3, 7, [3, 3, 5]),
    ] {
        let (plan, schedule) = planned(&architecture);
        let lives = lives(&plan, &schedule, 2);
        let places = place(&lives);
        let of = |i: usize| (&lives[i], &places[i]);
        for a in 0..lives.len() {
            let (Life { lines, passes }, place) = of(a);
            assert_eq!(place.len(), *lines);
            for (other, beside) in (0..a).map(of) {
                let together = meet(&other.passes, passes);
                assert!(!together || !meet(beside, place), "{architecture:?}");
            }
        }
    }
}
