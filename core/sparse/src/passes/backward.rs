//! The backward pass of a group: gradients of its kept weights and of its source.
use crate::kernels::{Ahead, Kernels, Line, Residual};
use crate::net::{Batch, Net};
use crate::passes::block::{self, Block, Output};
use crate::passes::maps::{At, Maker, rows_of};
use crate::passes::unpool;
use crate::planning::arena::Map;
use crate::planning::plan::Shortcut;
use jackpot_net::Activation;

/// What the gradient of a source goes through.
pub(crate) struct Through<'a> {
    pub z: &'a [Line],
    pub projection: Option<&'a [Line]>,
    pub relu: bool,
}

impl<P: Kernels> Net<P> {
    /// Runs a step of the schedule.
    pub(crate) fn backward(&mut self, at: usize, batch: &Batch) {
        let step = &self.schedule.steps[at];
        let this = &self.plan.groups[step.group];
        let source = &self.plan.sources[this.source];
        let mut weight_sums = std::mem::take(&mut self.weight_sums);
        let mut left = &mut weight_sums[..];
        let mut sums: Vec<&mut [Line]> = Vec::new();
        for lists in &self.work[step.group].lists {
            let (lines, rest) = left.split_at_mut(lists.entries());
            lines.fill(Line::ZERO);
            sums.push(lines);
            left = rest;
        }
        self.sums.fill(Line::ZERO);
        let written = step.input.iter();
        let written = written.flat_map(|input| [Some(input.out), input.unpooled]);
        let written: Vec<Map> = written.flatten().map(Map::Gradient).collect();
        let (written, maps) = self.arena.open(&written);
        let mut written = written.into_iter();
        let (mut out, unpooled) = (written.next(), written.next());
        let mut totals = std::mem::take(&mut self.sums);
        let maker = Maker {
            plan: &self.plan,
            layers: &self.layers,
            maps: &maps,
            activation: self.activation,
            keeps: None,
        };
        let through = source.main.map(|main| Through {
            z: maps.of(Map::Z(main)),
            projection: match source.shortcut {
                Some(Shortcut::Projection(c)) => Some(maps.of(Map::Z(c))),
                _ => None,
            },
            relu: self.activation == Activation::Relu,
        });
        let over = step.input.as_ref();
        let over = over.and_then(|input| self.schedule.gradients[input.out].over);
        // Through the activation at once, if this step has all of the gradient.
        let last = step
            .input
            .as_ref()
            .is_some_and(|i| i.last && i.unpooled.is_none());
        let work = &self.work[step.group];
        let rings = &mut self.rings;
        rings.fit(work);
        let stride = work.geometry.stride;
        let [_, height, _] = this.input;
        let [_, out_height, _] = self.plan.convolutions[this.convolutions[0]].output;
        let in_rows = if step.input.is_some() {
            height.div_ceil(stride)
        } else {
            out_height
        };
        let backwards = step.group.is_multiple_of(2);
        for (tile, count) in work.blocks(batch.tiles, batch.ragged.is_some(), backwards) {
            rings.restart();
            let mut done = 0;
            while done < out_height.max(in_rows) {
                let whole = done + work.rows <= out_height.min(in_rows);
                let block = Block {
                    tile,
                    count,
                    done,
                    rows: if whole { work.rows } else { 1 },
                };
                block::fill::<P>(&maker, work, rings, this, &block, last, &mut self.scratch);
                let output = |(x, &c)| Output {
                    x,
                    c,
                    gradient: maps.of(Map::Gradient(step.gradients[x])),
                    z: match &out {
                        Some(out) if over == Some(c) => out,
                        _ => maps.of(Map::Z(c)),
                    },
                };
                let outputs: Vec<_> = this.convolutions.iter().enumerate().map(output).collect();
                for output in &outputs {
                    block::fill_gradient::<P>(&maker, work, rings, output, &block, batch);
                }
                // What is read next: by this block's gradient of the input, by the next fills.
                let (mut now, mut next) = (Ahead::default(), Ahead::default());
                if count == 1 {
                    let rows = block.rows * stride;
                    let from = At {
                        tile,
                        y: done * stride,
                    };
                    if let Some(through) = through.as_ref().filter(|_| last) {
                        // What is not kept was made from z just before.
                        let kept = maker.kept(this.source, tile);
                        let z = kept.map(|_| through.z);
                        let maps = [z, through.projection, out.as_deref()];
                        for map in maps.into_iter().flatten() {
                            now.add(rows_of(map, source.map, from, rows));
                        }
                    }
                    next = block::ahead(&maker, work, rings, this, &outputs, &block);
                }
                if done + block.rows <= out_height {
                    let ahead = if step.input.is_some() { now } else { next };
                    block::weights::<P>(work, rings, &self.zero, &block, &mut sums, ahead);
                }
                if let (Some(input), Some(out), Some(through)) = (&step.input, &mut out, &through) {
                    let residual = match input.residual {
                        None => Residual::None,
                        Some(gradient) if gradient == input.out => Residual::InPlace,
                        Some(gradient) => Residual::Map(maps.of(Map::Gradient(gradient))),
                    };
                    if done + block.rows <= in_rows {
                        let through = last.then_some(through);
                        block::inputs::<P>(
                            work,
                            rings,
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
        if let (Some(unpooled), Some(pooled), Some(through)) = (unpooled, &out, &through) {
            for tile in 0..batch.tiles {
                unpool::source::<P>(&maker, source, tile, pooled, through, unpooled, &mut totals);
            }
        }
        self.sums = totals;
        self.settle(at, batch, &sums);
        self.weight_sums = weight_sums;
    }

    /// Turns the sums of a step into the gradients of parameters.
    fn settle(&mut self, at: usize, batch: &Batch, sums: &[&mut [Line]]) {
        let step = &self.schedule.steps[at];
        let this = &self.plan.groups[step.group];
        let source = &self.plan.sources[this.source];
        for (&c, sums) in this.convolutions.iter().zip(sums) {
            let weight = self.plan.convolutions[c].weight;
            for (gradient, line) in self.gradients[weight].iter_mut().zip(sums.iter()) {
                *gradient = line.sum(16) as f32;
            }
        }
        if step.input.as_ref().is_some_and(|input| input.last) {
            let main = source.main.map(|c| (c, 1));
            let projection = match source.shortcut {
                Some(Shortcut::Projection(c)) => Some((c, 2)),
                _ => None,
            };
            let count = (batch.images * source.map[1] * source.map[2]) as f64;
            for (c, product) in main.into_iter().chain(projection) {
                let of = |channel: usize| [0, product].map(|k| self.sums[3 * channel + k].sum(16));
                let convolution = &self.plan.convolutions[c];
                self.layers[c].go_back(convolution, of, count, &self.values, &mut self.gradients);
            }
        }
    }
}
