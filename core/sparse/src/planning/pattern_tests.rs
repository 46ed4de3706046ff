//! The lists against the definition of a convolution, number by number: no kernel runs here.
use super::{Geometry, Lists};
use crate::planning::plan::Convolution;
use jackpot_rng::Key;

/// A map of numbers; 0 outside.
struct Map {
    shape: [usize; 3],
    numbers: Vec<f64>,
}

impl Map {
    fn draw(key: Key, shape: [usize; 3]) -> Map {
        let mut numbers = vec![0.0; shape.iter().product()];
        jackpot_rng::uniform(key, &mut numbers);
        Map { shape, numbers }
    }

    fn at(&self, channel: usize, y: isize, x: isize) -> Option<usize> {
        let [_, height, width] = self.shape;
        let inside = (0..height as isize).contains(&y) && (0..width as isize).contains(&x);
        inside.then(|| (channel * height + y as usize) * width + x as usize)
    }

    fn read(&self, channel: usize, y: isize, x: isize) -> f64 {
        self.at(channel, y, x).map_or(0.0, |at| self.numbers[at])
    }
}

/// The output of a convolution, and what its gradient `dz` gives to the input's.
fn dense(c: &Convolution, kept: &[u32], weights: &[f32], x: &Map, dz: &Map, dx: &mut Map) -> Map {
    let mut z = Map::draw(Key::from_seed(0), c.output);
    z.numbers.fill(0.0);
    for (&index, &weight) in kept.iter().zip(weights) {
        let (out, channel, row, column) = c.place(index as usize);
        for y in 0..c.output[1] {
            for at in 0..c.output[2] {
                let from = [y * c.stride + row, at * c.stride + column];
                let [from_y, from_x] = from.map(|from| from as isize - c.padding as isize);
                let place = (out * c.output[1] + y) * c.output[2] + at;
                if let Some(from) = x.at(channel, from_y, from_x) {
                    z.numbers[place] += f64::from(weight) * x.numbers[from];
                    dx.numbers[from] += f64::from(weight) * dz.numbers[place];
                }
            }
        }
    }
    z
}

/// What a kernel would add up: `read` gets a row of the table and a line of the row.
fn walk(lists: &Lists, channel: usize, read: impl Fn(usize, usize) -> f64) -> f64 {
    let entries = lists.of(channel).iter();
    let products = entries.map(|entry| {
        assert_eq!(entry.offset % 64, 0);
        f64::from(entry.weight) * read(entry.row as usize, entry.offset as usize / 64)
    });
    products.sum()
}

/// Whether both directions of a group agree with the definition.
fn agree(seed: u64, group: &[Convolution], shift: isize) -> bool {
    let key = Key::from_seed(seed);
    let all: Vec<&Convolution> = group.iter().collect();
    let geometry = Geometry::new(&all);
    let (stride, pad) = (geometry.stride, geometry.pad as isize);
    let x = Map::draw(key.fold(1), all[0].input);
    let mut dx = Map::draw(key, all[0].input);
    dx.numbers.fill(0.0);
    let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
    let mut same = true;
    let (mut kept, mut weights, mut gradients) = (Vec::new(), Vec::new(), Vec::new());
    for (which, c) in all.iter().enumerate() {
        let key = key.fold(2 + which as u64);
        let drawn = Map::draw(key, [c.weights(), 1, 1]).numbers;
        let index: Vec<u32> = (0..)
            .zip(&drawn)
            .filter(|(_, w)| **w < 0.4)
            .map(|(i, _)| i)
            .collect();
        let values: Vec<f32> = index.iter().map(|&i| drawn[i as usize] as f32).collect();
        let dz = Map::draw(key.fold(9), c.output);
        let z = dense(c, &index, &values, &x, &dz, &mut dx);
        let mut lists = geometry.forward(c, &index);
        lists.set(values.iter().copied());
        for out in 0..c.output[0] {
            for y in 0..c.output[1] {
                for column in 0..c.output[2] {
                    let got = walk(&lists, out, |tap, line| {
                        let line = line + column * stride;
                        let at = (line % geometry.pitch) as isize - pad;
                        x.read(line / geometry.pitch, (y * stride + tap) as isize - pad, at)
                    });
                    same &= near(got, z.read(out, y as isize + shift, column as isize));
                }
            }
        }
        kept.push(index);
        weights.push(values);
        gradients.push(dz);
    }
    let kept: Vec<&[u32]> = kept.iter().map(|kept| &kept[..]).collect();
    for (class, (mut lists, from)) in geometry.transposed(&all, &kept).into_iter().enumerate() {
        lists.set(
            from.iter()
                .map(|&(c, at)| weights[usize::from(c)][at as usize]),
        );
        for channel in 0..x.shape[0] {
            for y in (class / stride..x.shape[1]).step_by(stride) {
                for column in (class % stride..x.shape[2]).step_by(stride) {
                    let got = walk(&lists, channel, |tap, line| {
                        let before = |halo: &super::Halo| halo.first <= tap;
                        let which = geometry.halos.iter().rposition(before).unwrap();
                        let halo = geometry.halos[which];
                        let line = line + column / stride;
                        let row = (y / stride) as isize + halo.low + (tap - halo.first) as isize;
                        let at = (line % halo.pitch) as isize - halo.left as isize;
                        gradients[which].read(line / halo.pitch, row, at)
                    });
                    same &= near(got, dx.read(channel, y as isize, column as isize));
                }
            }
        }
    }
    same
}

fn convolution(
    input: [usize; 3],
    out: usize,
    [kernel, stride, padding]: [usize; 3],
) -> Convolution {
    let side = |side: usize| (side + 2 * padding - kernel) / stride + 1;
    Convolution {
        weight: 0,
        bias: None,
        norm: None,
        kernel,
        stride,
        padding,
        input,
        output: [out, side(input[1]), side(input[2])],
        flattened: None,
    }
}

#[test]
fn lists_are_the_convolution_in_both_directions() {
    let kernels = [
        [1, 1, 0],
        [3, 1, 1],
        [3, 2, 1],
        [1, 2, 0],
        [5, 1, 0],
        [7, 2, 3],
        [2, 2, 0],
    ];
    for (seed, kernel) in (0..).zip(kernels) {
        for (height, width) in [(7, 8), (9, 7), (8, 10)] {
            let one = convolution([3, height, width], 4, kernel);
            assert!(agree(seed, std::slice::from_ref(&one), 0), "{one:?}");
            assert!(
                !agree(seed, &[one], 1),
                "a map that is one row off must differ"
            );
        }
    }
}

#[test]
fn a_projection_shares_the_lists_of_the_main_path() {
    for (seed, stride) in [(1, 1), (2, 2)] {
        for side in [7, 8] {
            let main = convolution([2, side, side], 3, [3, stride, 1]);
            let projection = convolution([2, side, side], 5, [1, stride, 0]);
            assert!(agree(seed, &[main.clone(), projection.clone()], 0));
            assert!(!agree(seed, &[main, projection], 1));
        }
    }
}
