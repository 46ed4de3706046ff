//! From the gradient of a pooled source to that of what is under its activation.
use crate::kernels::{Finish, Kernels, Line, Lines, Row};
use crate::passes::backward::Through;
use crate::passes::maps::{At, Maker, row_of, row_of_mut, window, window_rows};
use crate::planning::plan::{Pool, Source};

/// One row of a pooled source: its activation's gradient is there.
#[expect(clippy::too_many_arguments, reason = "the borrows of one step, apart")]
fn finish<P: Kernels>(
    maker: &Maker,
    source: &Source,
    at: At,
    active: &mut [Line],
    (gradient, broadcast, factor): (&[Line], bool, f32),
    through: &Through,
    out: &mut [Line],
    totals: &mut [Line],
) {
    let [channels, _, width] = source.map;
    maker.slopes::<P>(active, width, width);
    P::finish(Finish {
        row: Row { channels, width },
        gradient,
        broadcast,
        factor,
        active,
        relu: through.relu,
        z: row_of(through.z, source.map, at),
        projection: through.projection.map(|z| row_of(z, source.map, at)),
        out: row_of_mut(out, source.map, at),
        sums: totals,
    });
}

/// The gradient of a pooled source of a batch tile.
pub(crate) fn source<P: Kernels>(
    maker: &Maker,
    source: &Source,
    tile: usize,
    pooled: &[Line],
    through: &Through,
    out: &mut [Line],
    totals: &mut [Line],
) {
    match source.pool {
        Pool::Average => unaverage::<P>(maker, source, tile, pooled, through, out, totals),
        _ => unpool::<P>(maker, source, tile, pooled, through, out, totals),
    }
}

/// The gradient of a globally averaged map of a batch tile.
fn unaverage<P: Kernels>(
    maker: &Maker,
    source: &Source,
    tile: usize,
    pooled: &[Line],
    through: &Through,
    out: &mut [Line],
    totals: &mut [Line],
) {
    let [channels, height, width] = source.map;
    let mut active = Lines::new(channels * width);
    let gradient = row_of(pooled, source.shape, At { tile, y: 0 });
    let factor = 1.0 / (height * width) as f32;
    for y in 0..height {
        let at = At { tile, y };
        maker.activation::<P>(source, at, &mut active, width);
        finish::<P>(
            maker,
            source,
            at,
            &mut active,
            (gradient, true, factor),
            through,
            out,
            totals,
        );
    }
}

/// The gradient of a max-pooled map of a batch tile.
fn unpool<P: Kernels>(
    maker: &Maker,
    source: &Source,
    tile: usize,
    pooled: &[Line],
    through: &Through,
    out: &mut [Line],
    totals: &mut [Line],
) {
    let Pool::Max {
        kernel,
        stride,
        padding,
    } = source.pool
    else {
        unreachable!("only a max-pooling is undone here")
    };
    let [channels, height, width] = source.map;
    let row = channels * width;
    // Rows under the window: activations and their gradients, by row modulo the kernel.
    let mut active: Vec<Lines> = (0..kernel).map(|_| Lines::new(row)).collect();
    let mut gradients: Vec<Lines> = (0..kernel).map(|_| Lines::new(row)).collect();
    let (mut made, mut done) = (0, 0);
    for pooled_y in 0..=source.shape[1] {
        let rows = window_rows(source, pooled_y, kernel, stride, padding);
        // What no later window sees is complete; after the last, everything.
        let complete = if pooled_y == source.shape[1] {
            height
        } else {
            rows.start
        };
        while done < complete {
            let at = At { tile, y: done };
            let k = done % kernel;
            if done >= made {
                maker.activation::<P>(source, at, &mut active[k], width);
                gradients[k].fill(Line::ZERO);
                made = done + 1;
            }
            let gradient = (&gradients[k][..], false, 1.0);
            finish::<P>(
                maker,
                source,
                at,
                &mut active[k],
                gradient,
                through,
                out,
                totals,
            );
            done += 1;
        }
        if pooled_y == source.shape[1] {
            break;
        }
        while made < rows.end {
            let k = made % kernel;
            maker.activation::<P>(source, At { tile, y: made }, &mut active[k], width);
            gradients[k].fill(Line::ZERO);
            made += 1;
        }
        let seen: Vec<&[Line]> = rows.clone().map(|y| &active[y % kernel][..]).collect();
        let mut order: Vec<(usize, &mut [Line])> = gradients
            .iter_mut()
            .map(|row| &mut row[..])
            .enumerate()
            .collect();
        let place = |k: usize| rows.clone().position(|y| y % kernel == k);
        order.retain(|(k, _)| place(*k).is_some());
        order.sort_by_key(|(k, _)| place(*k));
        let mut to: Vec<&mut [Line]> = order.into_iter().map(|(_, row)| row).collect();
        let gradient = row_of(pooled, source.shape, At { tile, y: pooled_y });
        P::unpool(window(source, &seen), gradient, &mut to);
    }
}
