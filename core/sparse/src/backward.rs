//! The backward pass of a group: gradients of its kept weights and of its source.
use crate::kernels::{
    Ahead, Final, Finish, Inputs, Kernels, Line, Lines, Normalize, Places, ROWS, Residual, Row,
    Rows, Weights,
};
use crate::lower::{Pool, Shortcut, Source};
use crate::maps::{At, Maker, row_of, row_of_mut, rows_of, window, window_rows};
use crate::net::{Batch, Net};
use crate::schedule::InputStep;
use crate::work::Work;
use jackpot_net::Activation;

/// What the gradient of a source goes through.
struct Through<'a> {
    z: &'a [Line],
    projection: Option<&'a [Line]>,
    relu: bool,
}

impl<P: Kernels> Net<P> {
    /// Runs a step of the schedule.
    pub(crate) fn backward(&mut self, at: usize, batch: &Batch) {
        let step = &self.schedule.steps[at];
        let this = &self.plan.groups[step.group];
        let source = &self.plan.sources[this.source];
        let mut sums: Vec<Lines> = Vec::new();
        for &c in &this.convolutions {
            let mut lines = std::mem::take(&mut self.layers[c].weight_sums);
            lines.fill(Line::ZERO);
            sums.push(lines);
        }
        self.sums.fill(Line::ZERO);
        let mut out = step
            .input
            .as_ref()
            .map(|input| std::mem::take(&mut self.buffers[input.out]));
        let mut totals = std::mem::take(&mut self.sums);
        let maker = Maker {
            plan: &self.plan,
            layers: &self.layers,
            maps: &self.maps,
            activation: self.activation,
            finished: true,
        };
        let through = source.main.map(|main| Through {
            z: &self.maps.z[main],
            projection: match source.shortcut {
                Some(Shortcut::Projection(c)) => Some(&self.maps.z[c][..]),
                _ => None,
            },
            relu: self.activation == Activation::Relu,
        });
        // Through the activation at once, if this step has all of the gradient.
        let last = step
            .input
            .as_ref()
            .is_some_and(|i| i.last && i.unpooled.is_none());
        let work = &mut self.work[step.group];
        let stride = work.geometry.stride;
        let [_, height, _] = this.input;
        let [_, out_height, _] = self.plan.convolutions[this.convolutions[0]].output;
        let in_rows = if step.input.is_some() {
            height.div_ceil(stride)
        } else {
            out_height
        };
        let backwards = step.group % 2 == 0;
        for (tile, count) in work.blocks(batch.tiles, batch.ragged.is_some(), backwards) {
            work.restart();
            let mut done = 0;
            while done < out_height.max(in_rows) {
                let whole = done + work.rows <= out_height.min(in_rows);
                let block = Block {
                    tile,
                    count,
                    done,
                    rows: if whole { work.rows } else { 1 },
                };
                fill::<P>(&maker, work, this, &block, last, &mut self.scratch);
                for (x, &c) in this.convolutions.iter().enumerate() {
                    let gradient = &self.buffers[step.gradients[x]];
                    fill_gradient::<P>(&maker, work, x, c, gradient, &block, batch);
                }
                // What is read next: by this block's gradient of the input, by the next fills.
                let (mut now, mut next) = (Ahead::default(), Ahead::default());
                if count == 1 {
                    let rows = block.rows * stride;
                    let mut from = At {
                        tile,
                        y: done * stride,
                    };
                    if let Some(through) = through.as_ref().filter(|_| last) {
                        now.add(rows_of(through.z, source.map, from, rows));
                        for map in through.projection.iter().chain(&out.as_deref()) {
                            now.add(rows_of(map, source.map, from, rows));
                        }
                    }
                    from.y = work.rings[0].next;
                    maker.ahead(this.source, from, rows, &mut next);
                    for (x, &c) in this.convolutions.iter().enumerate() {
                        let shape = self.plan.convolutions[c].output;
                        from.y = work.gradients[0][x].next;
                        for map in [&self.buffers[step.gradients[x]], &self.maps.z[c]] {
                            next.add(rows_of(map, shape, from, block.rows));
                        }
                    }
                }
                if done + block.rows <= out_height {
                    let ahead = if step.input.is_some() { now } else { next };
                    weights::<P>(work, &self.zero, &block, height, &mut sums, ahead);
                }
                if let (Some(input), Some(out), Some(through)) = (&step.input, &mut out, &through) {
                    let residual = match input.residual {
                        None => Residual::None,
                        Some(place) if place == input.out => Residual::InPlace,
                        Some(place) => Residual::Map(&self.buffers[place]),
                    };
                    if done + block.rows <= in_rows {
                        let through = last.then_some(through);
                        inputs::<P>(
                            work,
                            this.input,
                            out_height,
                            &self.zero,
                            &block,
                            residual,
                            through,
                            out,
                            &mut totals,
                            next,
                        );
                    }
                }
                done += block.rows;
            }
        }
        if let (
            Some(InputStep {
                last: true,
                unpooled: Some(place),
                ..
            }),
            Some(pooled),
            Some(through),
        ) = (&step.input, &out, &through)
        {
            let mut unpooled = std::mem::take(&mut self.buffers[*place]);
            for tile in 0..batch.tiles {
                match source.pool {
                    Pool::Average => unaverage::<P>(
                        &maker,
                        source,
                        tile,
                        pooled,
                        through,
                        &mut unpooled,
                        &mut totals,
                    ),
                    _ => unpool::<P>(
                        &maker,
                        source,
                        tile,
                        pooled,
                        through,
                        &mut unpooled,
                        &mut totals,
                    ),
                }
            }
            self.buffers[*place] = unpooled;
        }
        if let (Some(input), Some(out)) = (&step.input, out) {
            self.buffers[input.out] = out;
        }
        for (&c, sums) in this.convolutions.iter().zip(sums) {
            let weight = self.plan.convolutions[c].weight;
            for (gradient, line) in self.gradients[weight].iter_mut().zip(sums.iter()) {
                *gradient = line.sum(16) as f32;
            }
            self.layers[c].weight_sums = sums;
        }
        if step.input.as_ref().is_some_and(|input| input.last) {
            let main = source.main.map(|c| (c, 1));
            let projection = match source.shortcut {
                Some(Shortcut::Projection(c)) => Some((c, 2)),
                _ => None,
            };
            let count = (batch.images * source.map[1] * source.map[2]) as f64;
            for (c, product) in main.into_iter().chain(projection) {
                let of = |channel: usize| [0, product].map(|k| totals[3 * channel + k].sum(16));
                let convolution = &self.plan.convolutions[c];
                self.layers[c].go_back(convolution, of, count, &self.values, &mut self.gradients);
            }
        }
        self.sums = totals;
    }
}

/// Output rows (and rows of the input, over the stride) of some batch tiles.
struct Block {
    tile: usize,
    count: usize,
    done: usize,
    rows: usize,
}

/// Makes the rows of the source that the block reads, and their slopes.
fn fill<P: Kernels>(
    maker: &Maker,
    work: &mut Work,
    group: &crate::lower::Group,
    block: &Block,
    last: bool,
    scratch: &mut crate::maps::Scratch,
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
        let ring = &mut work.rings[t];
        while ring.next < need.min(height) {
            let at = At {
                tile: block.tile + t,
                y: ring.next,
            };
            let row = ring.make();
            maker.fill::<P>(group, at, row, pad, geometry.pitch, None, scratch);
            if let Some(slopes) = work.slopes.get_mut(t) {
                let to = slopes.make();
                to.copy_from_slice(row);
                maker.slopes::<P>(&mut to[pad..], geometry.pitch, width);
            }
        }
    }
}

/// Makes the rows of a convolution's gradient that the block reads.
fn fill_gradient<P: Kernels>(
    maker: &Maker,
    work: &mut Work,
    x: usize,
    c: usize,
    gradient: &[Line],
    block: &Block,
    batch: &Batch,
) {
    let convolution = &maker.plan.convolutions[c];
    let [channels, height, width] = convolution.output;
    let (layer, halo) = (&maker.layers[c], work.geometry.halos[x]);
    let need = (block.done + block.rows) as isize + halo.high.max(0);
    for t in 0..block.count {
        let ring = &mut work.gradients[t][x];
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
                    Some(_) => row_of(&maker.maps.z[c], convolution.output, at),
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

/// Gradients of the kept weights from the block's output rows.
fn weights<P: Kernels>(
    work: &Work,
    zero: &[Line],
    block: &Block,
    height: usize,
    sums: &mut [Lines],
    ahead: Ahead,
) {
    let geometry = &work.geometry;
    let mut table = Rows::new(zero);
    for t in 0..block.count {
        for i in 0..block.rows {
            for tap in 0..geometry.taps {
                let y = ((block.done + i) * geometry.stride + tap).wrapping_sub(geometry.pad);
                if y < height {
                    table.set(t * block.rows + i, tap, work.rings[t].row(y));
                }
            }
        }
    }
    for (x, sums) in sums.iter_mut().enumerate() {
        let halo = geometry.halos[x];
        let mut gradient = Rows::new(zero);
        for t in 0..block.count {
            for i in 0..block.rows {
                let row = work.gradients[t][x].row(block.done + i);
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
fn inputs<P: Kernels>(
    work: &Work,
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
                            let line = work.gradients[t][x].row(y as usize);
                            table.set(row, halo.first + tap, line);
                        }
                    }
                }
                let y = (block.done + i) * stride + class;
                places.rows[row] = ((block.tile + t) * height + y) * channels * width;
                if last.is_some() {
                    active.set(row, 0, work.slopes.get(t).unwrap_or(&work.rings[t]).row(y));
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
        maker.activation::<P>(source, at, &mut active, width, None);
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
                maker.activation::<P>(source, at, &mut active[k], width, None);
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
            maker.activation::<P>(source, At { tile, y: made }, &mut active[k], width, None);
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
