//! A block of output rows on the way back: the rows that it needs, and the two kernels.
use crate::kernels::{
    Ahead, Final, Inputs, Kernels, Line, Normalize, Places, ROWS, Residual, Row, Rows, Weights,
};
use crate::net::Batch;
use crate::passes::backward::Through;
use crate::passes::maps::{At, Maker, Scratch, row_of, rows_of};
use crate::passes::work::{Rings, Work};
use crate::planning::plan::Group;

/// Output rows (and rows of the input, over the stride) of some batch tiles.
pub(crate) struct Block {
    pub tile: usize,
    pub count: usize,
    pub done: usize,
    pub rows: usize,
}

/// An output of the group on the way back: its convolution, and the one's place in the group.
pub(crate) struct Output<'a> {
    pub x: usize,
    pub c: usize,
    pub gradient: &'a [Line],
    pub z: &'a [Line],
}

/// Makes the rows of the source that the block reads, and their slopes.
pub(crate) fn fill<P: Kernels>(
    maker: &Maker,
    work: &Work,
    rings: &mut Rings,
    group: &Group,
    block: &Block,
    last: bool,
    scratch: &mut Scratch,
) {
    let [_, height, width] = group.input;
    let geometry = &work.geometry;
    let (stride, pad) = (geometry.stride, geometry.pad);
    let end = block.done + block.rows;
    let mut need = ((end - 1) * stride + geometry.taps).saturating_sub(pad);
    if last {
        need = need.max(end * stride);
    }
    for t in 0..block.count {
        let ring = &mut rings.input[t];
        while ring.next < need.min(height) {
            let at = At {
                tile: block.tile + t,
                y: ring.next,
            };
            let row = ring.make();
            maker.fill::<P>(group, at, row, pad, geometry.pitch, None, scratch);
            if let Some(slopes) = rings.slopes.get_mut(t) {
                let to = slopes.make();
                to.copy_from_slice(row);
                maker.slopes::<P>(&mut to[pad..], geometry.pitch, width);
            }
        }
    }
}

/// Makes the rows of a convolution's gradient that the block reads.
pub(crate) fn fill_gradient<P: Kernels>(
    maker: &Maker,
    work: &Work,
    rings: &mut Rings,
    &Output { x, c, gradient, z }: &Output,
    block: &Block,
    batch: &Batch,
) {
    let convolution = &maker.plan.convolutions[c];
    let [channels, height, width] = convolution.output;
    let (layer, halo) = (&maker.layers[c], work.geometry.halos[x]);
    let need = (block.done + block.rows) as isize + halo.high.max(0);
    for t in 0..block.count {
        let ring = &mut rings.gradients[t][x];
        while ring.next < height.min(need as usize) {
            let at = At {
                tile: block.tile + t,
                y: ring.next,
            };
            let gradient = row_of(gradient, convolution.output, at);
            P::normalize(Normalize {
                row: Row { channels, width },
                gradient,
                // Without a normalisation its coefficient is 0.
                z: match convolution.norm {
                    Some(_) => row_of(z, convolution.output, at),
                    None => gradient,
                },
                by_gradient: &layer.by_gradient,
                by_z: &layer.by_z,
                constant: &layer.constant,
                images: batch.places(at.tile),
                out: &mut ring.make()[halo.left..],
                pitch: halo.pitch,
            });
        }
    }
}

/// What the next block will be made from.
pub(crate) fn ahead(
    maker: &Maker,
    work: &Work,
    rings: &Rings,
    group: &Group,
    outputs: &[Output],
    block: &Block,
) -> Ahead {
    let mut ahead = Ahead::default();
    let at = |y| At {
        tile: block.tile,
        y,
    };
    let rows = block.rows * work.geometry.stride;
    maker.ahead(group.source, at(rings.input[0].next), rows, &mut ahead);
    for output in outputs {
        let from = at(rings.gradients[0][output.x].next);
        for map in [output.gradient, output.z] {
            let shape = maker.plan.convolutions[output.c].output;
            ahead.add(rows_of(map, shape, from, block.rows));
        }
    }
    ahead
}

/// Gradients of the kept weights from the block's output rows.
pub(crate) fn weights<P: Kernels>(
    work: &Work,
    rings: &Rings,
    zero: &[Line],
    block: &Block,
    sums: &mut [&mut [Line]],
    ahead: Ahead,
) {
    let geometry = &work.geometry;
    let table = work.table(rings, zero, block.count, block.rows, block.done);
    for (x, sums) in sums.iter_mut().enumerate() {
        let halo = geometry.halos[x];
        let mut gradient = Rows::new(zero);
        for t in 0..block.count {
            for i in 0..block.rows {
                let row = rings.gradients[t][x].row(block.done + i);
                gradient.set(t * block.rows + i, 0, row);
            }
        }
        for (call, &(column, columns)) in work.columns.iter().enumerate() {
            P::weights(
                (block.count * block.rows, columns),
                geometry.stride,
                Weights {
                    lists: &work.lists[x],
                    rows: &table,
                    column: column * geometry.stride,
                    gradient: &gradient,
                    gradient_column: halo.left + column,
                    gradient_pitch: halo.pitch,
                    sums,
                    ahead: match x {
                        0 => ahead.part(call, work.columns.len()),
                        _ => Ahead::default(),
                    },
                },
            );
        }
    }
}

/// Gradient of the block's input rows, class by class.
#[expect(clippy::too_many_arguments, reason = "the borrows of one step, apart")]
pub(crate) fn inputs<P: Kernels>(
    work: &Work,
    rings: &Rings,
    [channels, height, width]: [usize; 3],
    out_height: usize,
    zero: &[Line],
    block: &Block,
    residual: Residual,
    last: Option<&Through>,
    out: &mut [Line],
    totals: &mut [Line],
    ahead: Ahead,
) {
    let geometry = &work.geometry;
    let stride = geometry.stride;
    let calls = stride * work.input_columns.iter().map(Vec::len).sum::<usize>();
    let mut call = 0;
    for class in 0..stride {
        let inside = |i: &usize| (block.done + i) * stride + class < height;
        let rows: Vec<usize> = (0..block.rows).filter(inside).collect();
        let all: Vec<(usize, usize)> = (0..block.count)
            .flat_map(|t| rows.iter().map(move |&i| (t, i)))
            .collect();
        // A block that the map's end cuts goes row by row: tiles are powers of two.
        let together = if rows.len() == block.rows {
            all.len()
        } else {
            1
        };
        for picked in all.chunks(together.max(1)) {
            let mut table = Rows::new(zero);
            let mut active = Rows::new(zero);
            let mut places = Places {
                rows: [0; ROWS],
                pitch: width,
                step: stride,
            };
            for (row, &(t, i)) in picked.iter().enumerate() {
                for (x, halo) in geometry.halos.iter().enumerate() {
                    for tap in 0..halo.rows() {
                        let y = (block.done + i) as isize + halo.low + tap as isize;
                        if (0..out_height as isize).contains(&y) {
                            let line = rings.gradients[t][x].row(y as usize);
                            table.set(row, halo.first + tap, line);
                        }
                    }
                }
                let y = (block.done + i) * stride + class;
                places.rows[row] = ((block.tile + t) * height + y) * channels * width;
                if last.is_some() {
                    active.set(
                        row,
                        0,
                        rings.slopes.get(t).unwrap_or(&rings.input[t]).row(y),
                    );
                }
            }
            for (column_class, columns) in work.input_columns.iter().enumerate() {
                for &(column, columns) in columns {
                    let at = column * stride + column_class;
                    let mut places = places;
                    places.rows.iter_mut().for_each(|row| *row += at);
                    let last = last.map(|through| Final {
                        active: &active,
                        active_column: geometry.pad + at,
                        active_pitch: geometry.pitch,
                        relu: through.relu,
                        z: through.z,
                        projection: through.projection,
                        sums: totals,
                    });
                    P::inputs(
                        (picked.len(), columns),
                        Inputs {
                            lists: &work.transposed[class * stride + column_class].0,
                            rows: &table,
                            column,
                            out,
                            places,
                            residual: match residual {
                                Residual::None => Residual::None,
                                Residual::InPlace => Residual::InPlace,
                                Residual::Map(map) => Residual::Map(map),
                            },
                            last,
                            ahead: ahead.part(call.min(calls), calls),
                        },
                    );
                    call += 1;
                }
            }
        }
    }
}
