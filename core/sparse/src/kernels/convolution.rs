//! The three kernels that touch kept weights. Each computes R rows by C columns of all
//! channels of one row block; the pixels stay in registers while a list of kept weights goes
//! by, one broadcast and R·C multiply-adds with memory operands a weight.
#![expect(
    clippy::needless_range_loop,
    reason = "row and column name a register and an address at once"
)]
use super::memory::Line;
use super::pixel::Pixel;
use super::tasks::{Begin, Forward, Inputs, Places, Residual, TAPS, Weights, reads_inside};
use super::vector::Vector;
use crate::planning::pattern::Entry;

/// Adds the products of a list to R rows by C columns.
///
/// What follows it are loops of few instructions each: only those are unrolled whole, and an
/// array that is read in a loop stays in memory while the list goes by.
#[inline(always)]
unsafe fn accumulate<P: Pixel, const R: usize, const C: usize, const S: usize>(
    mut sums: [[P::Value; C]; R],
    entries: &[Entry],
    table: *const *const Line,
) -> [[P::Value; C]; R] {
    // SAFETY: the caller checked that the entries read inside the rows of the table.
    unsafe {
        for entry in entries {
            let weight = P::Value::splat(entry.weight);
            for i in 0..R {
                let row = *table.add(entry.row as usize + i * TAPS);
                let from = row.byte_add(entry.offset as usize);
                for j in 0..C {
                    sums[i][j] = sums[i][j].fma(weight, P::load(from.add(j * S)));
                }
            }
        }
        sums
    }
}

/// R rows by C columns of a map, `step` lines from one column to the next.
#[inline(always)]
unsafe fn load<P: Pixel, const R: usize, const C: usize>(
    rows: [*const Line; R],
    step: usize,
) -> [[P::Value; C]; R] {
    // SAFETY: the caller vouches for the rows.
    unsafe {
        let mut values = [[P::Value::splat(0.0); C]; R];
        for i in 0..R {
            for j in 0..C {
                values[i][j] = P::load(rows[i].add(j * step));
            }
        }
        values
    }
}

#[inline(always)]
unsafe fn add_to<V: Vector>(line: *mut Line, sums: V) {
    // SAFETY: the caller vouches for the line.
    unsafe {
        V::load(line.cast::<f32>().cast_const())
            .add(sums)
            .store(line.cast())
    }
}

/// Mean over the images of R rows by C columns.
#[inline(always)]
unsafe fn mean<P: Pixel, const R: usize, const C: usize>(
    z: &[[P::Value; C]; R],
    images: &[f32; 32],
) -> f32 {
    #[repr(align(64))]
    struct Numbers([f32; 32]);
    // SAFETY: 32 aligned numbers.
    unsafe {
        let mut sum = P::Value::splat(0.0);
        for row in z {
            for &pixel in row {
                sum = sum.add(pixel);
            }
        }
        let mut numbers = Numbers([0.0; 32]);
        sum.store(numbers.0.as_mut_ptr());
        let (mut sum, mut count) = (0.0, 0.0);
        for l in 0..P::IMAGES {
            sum += numbers.0[l] * images[l];
            count += images[l];
        }
        sum / (count * (R * C) as f32)
    }
}

const ALL: [f32; 32] = [1.0; 32];

#[inline(always)]
pub(super) unsafe fn forward<P: Pixel, const R: usize, const C: usize, const S: usize>(
    task: Forward,
) {
    let lists = task.lists;
    let channels = lists.len();
    let beside = if task.wide { P::IMAGES / 16 - 1 } else { 0 };
    assert!(
        reads_inside(lists, task.rows, task.column, C, S)
            && beside <= task.out.len()
            && task.places.fit::<R, C>(channels, task.out.len() - beside)
            && task.start.len() >= channels
            && (task.sums.is_empty() || task.sums.len() >= 2 * channels),
        "a block inside its rows and its map"
    );
    #[repr(align(64))]
    struct Numbers([f32; 32]);
    let images = Numbers(*task.images.unwrap_or(&ALL));
    let table = task.rows.moved::<R>(lists.taps, task.column);
    let out = task.out.as_mut_ptr();
    // SAFETY: all lists read inside the rows and all channels lie inside the map (asserted);
    // the CPU has the instructions (`compiled.rs`).
    unsafe {
        let quotas = task.ahead.quotas(channels);
        for channel in 0..channels {
            task.ahead.fetch(&quotas, channel);
            let entries = lists.of(channel);
            let start = task.start.get_unchecked_mut(channel);
            let first = if task.begin == Begin::At { *start } else { 0.0 };
            let start_values = [[P::Value::splat(first); C]; R];
            let mut z = accumulate::<P, R, C, S>(start_values, entries, table.as_ptr());
            if task.begin == Begin::Centered {
                *start = -mean::<P, R, C>(&z, &images.0);
            }
            if task.begin != Begin::At {
                let shift = P::Value::splat(*start);
                for row in &mut z {
                    for pixel in row {
                        *pixel = pixel.add(shift);
                    }
                }
            }
            let base = out.add(channel * task.places.pitch);
            if task.wide {
                for i in 0..R {
                    for j in 0..C {
                        let to = base.add(task.places.rows[i] + j * task.places.step);
                        z[i][j].store(to.cast());
                    }
                }
            } else {
                for i in 0..R {
                    for j in 0..C {
                        let to = base.add(task.places.rows[i] + j * task.places.step);
                        P::store(z[i][j], to);
                    }
                }
            }
            if task.sums.is_empty() {
                continue;
            }
            let mut sum = [P::Value::splat(0.0); 2];
            let mut square = sum;
            if task.images.is_some() {
                let images = P::Value::load(images.0.as_ptr());
                for row in &mut z {
                    for pixel in row {
                        *pixel = pixel.mul(images);
                    }
                }
            }
            for row in &z {
                for (j, &pixel) in row.iter().enumerate() {
                    sum[j & 1] = sum[j & 1].add(pixel);
                    square[j & 1] = square[j & 1].fma(pixel, pixel);
                }
            }
            let sums = task.sums.as_mut_ptr().add(2 * channel);
            add_to(sums, P::fold(sum[0].add(sum[1])));
            add_to(sums.add(1), P::fold(square[0].add(square[1])));
        }
    }
}

#[inline(always)]
pub(super) unsafe fn weights<P: Pixel, const R: usize, const C: usize, const S: usize>(
    task: Weights,
) {
    let lists = task.lists;
    let channels = lists.len();
    let gradients = channels.saturating_sub(1) * task.gradient_pitch + task.gradient_column + C;
    assert!(
        reads_inside(lists, task.rows, task.column, C, S)
            && gradients <= task.gradient.length
            && task.sums.len() >= lists.entries(),
        "a block inside its rows and its gradient"
    );
    let table = task.rows.moved::<R>(lists.taps, task.column);
    let gradient = task.gradient.moved::<R>(1, task.gradient_column);
    let mut to = task.sums.as_mut_ptr();
    // SAFETY: all lists read inside the rows, all channels lie inside the rows of the
    // gradient, and there is a line for each entry (asserted); the CPU has the instructions.
    unsafe {
        let quotas = task.ahead.quotas(channels);
        for channel in 0..channels {
            task.ahead.fetch(&quotas, channel);
            let entries = lists.of(channel);
            if entries.is_empty() {
                continue;
            }
            let mut dz = [[P::stored(gradient[0]); C]; R];
            for i in 0..R {
                let from = gradient[i * TAPS].add(channel * task.gradient_pitch);
                for j in 0..C {
                    dz[i][j] = P::stored(from.add(j));
                }
            }
            for entry in entries {
                let mut sums = [P::Sums::splat(0.0); 4];
                for i in 0..R {
                    let row = *table.as_ptr().add(entry.row as usize + i * TAPS);
                    let from = row.byte_add(entry.offset as usize);
                    for j in 0..C {
                        let k = (i * C + j) & 3;
                        sums[k] = P::dot(sums[k], dz[i][j], from.add(j * S));
                    }
                }
                add_to(to, sums[0].add(sums[1]).add(sums[2].add(sums[3])));
                to = to.add(1);
            }
        }
    }
}

#[inline(always)]
pub(super) unsafe fn inputs<P: Pixel, const R: usize, const C: usize>(task: Inputs) {
    let lists = task.lists;
    let channels = lists.len();
    let Places { rows, pitch, step } = task.places;
    let fits = |map: &[Line]| task.places.fit::<R, C>(channels, map.len());
    assert!(
        reads_inside(lists, task.rows, task.column, C, 1) && fits(task.out),
        "a block inside its rows and its map"
    );
    let table = task.rows.moved::<R>(lists.taps, task.column);
    let out = task.out.as_mut_ptr();
    let residual = match task.residual {
        Residual::None => std::ptr::null(),
        Residual::InPlace => out.cast_const(),
        Residual::Map(map) => {
            assert!(fits(map), "a residual of the same shape");
            map.as_ptr()
        }
    };
    let last = task.last.map(|last| {
        let active = channels.saturating_sub(1) * last.active_pitch + (C - 1) * step;
        assert!(
            fits(last.z)
                && last.projection.is_none_or(fits)
                && last.active_column + active < last.active.length
                && last.sums.len() >= 3 * channels,
            "maps of the same shape"
        );
        let active = last.active.moved::<R>(1, last.active_column);
        let projection = last.projection.map_or(std::ptr::null(), <[Line]>::as_ptr);
        let sums = last.sums.as_mut_ptr();
        (active, projection, sums, last)
    });
    // SAFETY: all lists read inside the rows; all channels lie inside the maps and the rows of
    // the activation (asserted); the CPU has the instructions.
    unsafe {
        let quotas = task.ahead.quotas(channels);
        for channel in 0..channels {
            task.ahead.fetch(&quotas, channel);
            let at = |map: *const Line| -> [*const Line; R] {
                std::array::from_fn(|i| map.wrapping_add(channel * pitch + rows[i]))
            };
            let start = if residual.is_null() {
                [[P::Value::splat(0.0); C]; R]
            } else {
                load::<P, R, C>(at(residual), step)
            };
            let mut g = accumulate::<P, R, C, 1>(start, lists.of(channel), table.as_ptr());
            if let Some((active, projection, to, last)) = &last {
                let active: [*const Line; R] = std::array::from_fn(|i| {
                    active[i * TAPS].wrapping_add(channel * last.active_pitch)
                });
                let to = to.add(3 * channel);
                if last.relu && projection.is_null() {
                    // Pixel by pixel: each is stored and leaves its register.
                    let (z, out) = (at(last.z.as_ptr()), at(out));
                    let mut sums = [P::Value::splat(0.0); 2];
                    for i in 0..R {
                        for j in 0..C {
                            let a = P::load(active[i].add(j * step));
                            let g = g[i][j].where_positive(a);
                            P::store(g, out[i].add(j * step).cast_mut());
                            sums[0] = sums[0].add(g);
                            sums[1] = sums[1].fma(g, P::load(z[i].add(j * step)));
                        }
                    }
                    add_to(to, P::fold(sums[0]));
                    add_to(to.add(1), P::fold(sums[1]));
                    continue;
                }
                if last.relu {
                    for i in 0..R {
                        for j in 0..C {
                            let a = P::load(active[i].add(j * step));
                            g[i][j] = g[i][j].where_positive(a);
                        }
                    }
                } else {
                    for i in 0..R {
                        for j in 0..C {
                            let a = P::load(active[i].add(j * step));
                            g[i][j] = g[i][j].mul(a);
                        }
                    }
                }
                let mut sums = [P::Value::splat(0.0); 2];
                for i in 0..R {
                    for j in 0..C {
                        sums[j & 1] = sums[j & 1].add(g[i][j]);
                    }
                }
                add_to(to, P::fold(sums[0].add(sums[1])));
                add_to(
                    to.add(1),
                    products::<P, R, C>(&g, at(last.z.as_ptr()), step),
                );
                if !projection.is_null() {
                    add_to(to.add(2), products::<P, R, C>(&g, at(*projection), step));
                }
            }
            let to = at(out);
            for i in 0..R {
                for j in 0..C {
                    P::store(g[i][j], to[i].add(j * step).cast_mut());
                }
            }
        }
    }
}

/// The sums of g times a map.
#[inline(always)]
unsafe fn products<P: Pixel, const R: usize, const C: usize>(
    g: &[[P::Value; C]; R],
    rows: [*const Line; R],
    step: usize,
) -> P::Sums {
    // SAFETY: the caller vouches for the rows.
    unsafe {
        let mut sums = [P::Value::splat(0.0); 2];
        for i in 0..R {
            for j in 0..C {
                sums[j & 1] = sums[j & 1].fma(g[i][j], P::load(rows[i].add(j * step)));
            }
        }
        P::fold(sums[0].add(sums[1]))
    }
}
