//! What is made again on the way back is what would have been held, bit for bit.
use super::{Net, Run};
use crate::Isa;
use crate::Storage;
use crate::arena::{Arena, Places};
use crate::kernels::{Bf16Avx512, F32Avx2, F32Avx512, Kernels};
use crate::parameter::{describe, gathered};
use crate::schedule::Schedule;
use jackpot_net::{Activation, Architecture, Family, Mask, Training};
use jackpot_rng::Key;

/// Parameters after some steps, one image of the last batch missing from a tile.
fn trained<P: Kernels>(architecture: &Architecture, hold: bool) -> Vec<Vec<f32>> {
    let key = Key::from_seed(3);
    let network = architecture.build().unwrap();
    let normal = |at: u64, count: usize| {
        let mut numbers = vec![0.0; count];
        jackpot_rng::normal(key.fold(at), &mut numbers);
        numbers
    };
    let parameter = |(at, p): (usize, &jackpot_net::Parameter)| -> Vec<f32> {
        let numbers = normal(at as u64, p.shape.iter().product());
        match p.shape.len() {
            1 => numbers.iter().map(|x| 1.0 + 0.1 * x).collect(),
            _ => numbers.iter().map(|x| 0.1 * x).collect(),
        }
    };
    let parameters: Vec<_> = network
        .parameters
        .iter()
        .enumerate()
        .map(parameter)
        .collect();
    let mut mask = Mask::dense(&network);
    for layer in &mut mask.layers {
        layer
            .kept
            .iter_mut()
            .step_by(3)
            .for_each(|kept| *kept = false);
    }
    let training = Training::su2020();
    let described = describe(&network, &mask).unwrap();
    let values = gathered(&network, &described, &parameters).unwrap();
    let mut net = Net::<P>::new(&network, described, values, &training).unwrap();
    assert!(net.plan.groups.iter().any(|group| group.again));
    if hold {
        net.plan
            .groups
            .iter_mut()
            .for_each(|group| group.again = false);
        net.schedule = Schedule::new(&net.plan);
        net.arena = Arena::new(Places::new(&net.plan, &net.schedule, P::IMAGES / 16));
    }
    let size = architecture.input.iter().product::<u32>() as usize;
    for step in 0..3 {
        let images = normal(100 + step, 63 * size);
        let labels: Vec<i64> = (0..63).map(|i| i % 5).collect();
        net.step(&images, &labels, 0.1).unwrap();
    }
    net.parameters()
}

#[test]
fn what_is_made_again_is_what_would_be_held() {
    fn same<P: Kernels>(architecture: &Architecture) {
        let [again, held] = [false, true].map(|hold| trained::<P>(architecture, hold));
        let bits =
            |all: &[Vec<f32>]| -> Vec<u32> { all.iter().flatten().map(|x| x.to_bits()).collect() };
        assert!(again.iter().flatten().all(|x| x.is_finite()));
        assert!(bits(&again) == bits(&held), "{architecture:?}");
    }
    let of = |family, depth, input| Architecture::new(family, depth, 8, 5, input);
    for architecture in [
        of(Family::Resnet, 20, [1, 11, 9]),
        of(Family::Vgg, 13, [3, 32, 32]),
        Architecture {
            activation: Activation::Tanh,
            ..of(Family::Resnet, 8, [2, 8, 8])
        },
    ] {
        for (storage, isa, test) in [
            (
                Storage::F32,
                Isa::Avx2,
                same::<F32Avx2> as fn(&Architecture),
            ),
            (Storage::F32, Isa::Avx512, same::<F32Avx512>),
            (Storage::Bf16, Isa::Avx512, same::<Bf16Avx512>),
        ] {
            if isa.check(storage).is_ok() {
                test(&architecture);
            }
        }
    }
}
