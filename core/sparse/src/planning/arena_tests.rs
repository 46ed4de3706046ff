//! What the maps of a step take, against what has to be there at once.
use super::{Life, Places, lives, meet, place};
use crate::planning::plan::Plan;
use crate::planning::schedule::Schedule;
use jackpot_net::{Architecture, Block, Family, Stem};

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

/// Of the outputs that are made again, a step that is well laid out takes nothing: what it
/// takes is the other outputs, a 24th of all for block outputs, and a few gradients.
#[test]
fn a_step_takes_less_than_its_convolution_outputs() {
    let small = [1, 28, 28];
    let vgg = 1024 * (2 * 64 + 2 * 32 + 3 * 16 + 3 * 8 + 3 * 2);
    // Made again: the first convolution of blocks whose shortcut is no projection, and every
    // other one of a VGG, the largest maps first.
    for (architecture, outputs, again, most) in [
        // On the way back into its first stage there are three gradients beside most maps.
        (
            Architecture::resnet(8, 16, 10, small),
            resnet(1, 16 * 784),
            &[1][..],
            0.97,
        ),
        (
            Architecture::resnet(20, 16, 10, small),
            resnet(3, 16 * 784),
            &[1, 3, 5, 10],
            0.79,
        ),
        (
            Architecture::resnet(32, 32, 10, [3, 32, 32]),
            resnet(5, 32 * 1024),
            &[1, 3, 5, 7, 9],
            0.9,
        ),
        (
            Architecture::vgg(16, 64, 10, [3, 32, 32]),
            vgg,
            &[0, 2],
            0.79,
        ),
    ] {
        let (plan, schedule) = planned(&architecture);
        let made = plan.groups.iter().filter(|group| group.again);
        let made: Vec<usize> = made.map(|group| group.convolutions[0]).collect();
        assert_eq!(made, again, "{architecture:?}");
        let share = Places::new(&plan, &schedule, 1).sizes()[0] as f64 / outputs as f64;
        assert!(
            (most - 0.02..most).contains(&share),
            "{architecture:?}: {share}"
        );
    }
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
            let (life, place) = of(a);
            assert_eq!(place.len(), life.lines);
            for (other, beside) in (0..a).map(of) {
                let together = (0..2 * plan.groups.len()).any(|pass| {
                    let lives = |of: &Life| of.forward.contains(&pass) || of.back.contains(&pass);
                    lives(life) && lives(other)
                });
                assert!(!together || !meet(beside, place), "{architecture:?}");
            }
        }
    }
}
