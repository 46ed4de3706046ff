//! The forward pass of a group: rows of its source into the rings, kernels over them.
use crate::kernels::{Ahead, Begin, Forward, Kernels, Places, ROWS};
use crate::net::{Batch, Net};
use crate::passes::maps::{At, Maker};
use crate::planning::arena::Map;

/// What a forward pass is for.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Pass {
    /// Statistics are the running ones.
    Evaluate,
    /// Statistics are the batch's own.
    Train,
    /// The outputs of `Train` once more, bit for bit; nothing else moves.
    Again,
}

impl<P: Kernels> Net<P> {
    pub(crate) fn forward(&mut self, group: usize, batch: &Batch, pass: Pass) {
        let this = &self.plan.groups[group];
        let numbers = &this.convolutions;
        let mut layers: Vec<_> = Vec::new();
        for &c in numbers {
            let layer = &mut self.layers[c];
            layers.push((
                std::mem::take(&mut layer.start),
                std::mem::take(&mut layer.sums),
            ));
        }
        let kept = self.plan.sources[this.source].kept > 0;
        let keeps = (this.first && kept && pass != Pass::Again).then_some(this.source);
        let outs = numbers.iter().map(|&c| Map::Z(c));
        let written: Vec<Map> = outs.chain(keeps.map(Map::Kept)).collect();
        let (mut outs, maps) = self.arena.open(&written);
        let mut kept = keeps.and_then(|_| outs.pop());
        let maker = Maker {
            plan: &self.plan,
            layers: &self.layers,
            maps: &maps,
            activation: self.activation,
            keeps,
        };
        let work = &self.work[group];
        let rings = &mut self.rings;
        rings.fit(work);
        let stride = work.geometry.stride;
        let (pad, taps, pitch) = (work.geometry.pad, work.geometry.taps, work.geometry.pitch);
        let [_, height, _] = this.input;
        let [_, out_height, out_width] = self.plan.convolutions[numbers[0]].output;
        let begin = match pass {
            Pass::Evaluate => Begin::At,
            Pass::Train => Begin::Centered,
            Pass::Again => Begin::After,
        };
        let mut blocks = work.blocks(batch.tiles, batch.ragged.is_some(), group % 2 == 1);
        let (first, _) = blocks[0];
        if pass == Pass::Again {
            // The step that reads it next begins where this ends.
            blocks.reverse();
        }
        for (tile, count) in blocks {
            rings.restart();
            let mut done = 0;
            while done < out_height {
                let rows = if done + work.rows <= out_height {
                    work.rows
                } else {
                    1
                };
                let need = ((done + rows - 1) * stride + taps).saturating_sub(pad);
                for (t, ring) in rings.input.iter_mut().enumerate().take(count) {
                    while ring.next < need.min(height) {
                        let at = At {
                            tile: tile + t,
                            y: ring.next,
                        };
                        maker.fill::<P>(
                            this,
                            at,
                            ring.make(),
                            pad,
                            pitch,
                            kept.as_deref_mut(),
                            &mut self.scratch,
                        );
                    }
                }
                let table = work.table(rings, &self.zero, count, rows, done);
                let mut ahead = Ahead::default();
                if count == 1 {
                    let at = At {
                        tile,
                        y: rings.input[0].next,
                    };
                    maker.ahead(this.source, at, stride * rows, &mut ahead);
                }
                for (x, &c) in numbers.iter().enumerate() {
                    let convolution = &self.plan.convolutions[c];
                    // Logits stay f32: a line for every 16 images.
                    let wide = c == self.plan.classifier();
                    let lines = if wide { P::IMAGES / 16 } else { 1 };
                    let row = convolution.output[0] * out_width * lines;
                    for (call, &(column, columns)) in work.columns.iter().enumerate() {
                        let mut places = Places {
                            rows: [column; ROWS],
                            pitch: out_width * lines,
                            step: 1,
                        };
                        for i in 0..count * rows {
                            let y = (tile + i / rows) * out_height + done + i % rows;
                            places.rows[i] += y * row;
                        }
                        let (start, sums) = &mut layers[x];
                        P::forward(
                            (count * rows, columns),
                            stride,
                            Forward {
                                lists: &work.lists[x],
                                rows: &table,
                                column: column * stride,
                                out: outs[x],
                                places,
                                start,
                                begin: match convolution.norm {
                                    Some(_) if (tile, done, column) == (first, 0, 0) => begin,
                                    _ => Begin::At,
                                },
                                sums: match pass {
                                    Pass::Train => sums,
                                    Pass::Evaluate | Pass::Again => &mut [],
                                },
                                images: batch.places(tile),
                                wide,
                                ahead: match x {
                                    0 => ahead.part(call, work.columns.len()),
                                    _ => Ahead::default(),
                                },
                            },
                        );
                    }
                }
                done += rows;
            }
        }
        for (&c, (start, sums)) in numbers.iter().zip(layers) {
            self.layers[c].start = start;
            self.layers[c].sums = sums;
        }
        if pass == Pass::Train {
            let count = (batch.images * out_height * out_width) as f64;
            for &c in numbers {
                let convolution = &self.plan.convolutions[c];
                self.layers[c].end_batch(convolution, count, &mut self.values);
            }
        }
    }
}
