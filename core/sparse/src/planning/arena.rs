//! Where the maps of a step lie: in one piece of memory, each from the pass that makes it to
//! the last that needs it. What the backward pass is done with makes room for its gradients,
//! and what it makes again leaves its place to others in between.
use crate::kernels::{Line, Lines};
use crate::planning::plan::Plan;
use crate::planning::schedule::Schedule;
use std::cmp::Reverse;
use std::ops::Range;

/// A map of a step: `[batch tile][row][channel][column]` of lines.
#[derive(Clone, Copy)]
pub(crate) enum Map {
    Image,
    /// The raw output of a convolution.
    Z(usize),
    /// The values of a source, of the first tiles, if it is kept.
    Kept(usize),
    /// A gradient of the schedule.
    Gradient(usize),
}

/// A map before it has a place: its lines per batch tile and the passes that need it, every
/// group forward and then every step back. Between the two it is held, unless it is made again.
#[derive(Clone, Default)]
struct Life {
    lines: usize,
    forward: Range<usize>,
    back: Range<usize>,
}

impl Life {
    fn meets(&self, other: &Life) -> bool {
        let met = |a| meet(a, &other.forward) || meet(a, &other.back);
        met(&self.forward) || met(&self.back)
    }
}

/// Whether two ranges have something in common; an empty one has nothing.
fn meet(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start.max(b.start) < a.end.min(b.end)
}

/// In which memory a map lies, and which lines of it, for one batch tile.
struct Place {
    memory: usize,
    lines: Range<usize>,
}

/// The place of every map.
pub(crate) struct Places {
    /// The image, outputs of convolutions, sources, gradients.
    places: Vec<Place>,
    convolutions: usize,
    sources: usize,
    tiles: usize,
}

/// The life of every map, in the order of [`Places`].
fn lives(plan: &Plan, schedule: &Schedule, wide: usize) -> Vec<Life> {
    let (groups, convolutions) = (plan.groups.len(), plan.convolutions.len());
    let mut lives = vec![Life::default(); 1 + convolutions + plan.sources.len()];
    let mut live = |place: usize, lines, forward, back| {
        lives[place] = Life {
            lines,
            forward,
            back,
        };
    };
    for (at, group) in plan.groups.iter().enumerate() {
        // What a group makes or is the first to read is needed until its own step back.
        let (forward, back) = (at..groups, groups..2 * groups - at);
        let source = &plan.sources[group.source];
        if source.main.is_none() {
            live(0, source.lines(), 0..groups, groups..2 * groups);
        } else if group.first {
            let place = 1 + convolutions + group.source;
            live(place, source.kept, forward.clone(), back.clone());
        }
        let (forward, back) = match plan.last_reader(at) {
            Some(last) => (at..last + 1, 2 * groups - 1 - last..back.end),
            None => (forward, back),
        };
        for &c in &group.convolutions {
            let wide = if c == plan.classifier() { wide } else { 1 };
            let lines = plan.convolutions[c].lines() * wide;
            live(1 + c, lines, forward.clone(), back.clone());
        }
    }
    for gradient in &schedule.gradients {
        let (born, end) = (groups + gradient.born, groups + gradient.last + 1);
        let own = match gradient.over {
            Some(c) => {
                lives[1 + c].back.end = end;
                0
            }
            None => gradient.lines,
        };
        lives.push(Life {
            lines: own,
            forward: 0..0,
            back: born..end,
        });
    }
    lives
}

/// For each, the largest first, the lowest place that is free while it lives: small ones fill
/// what large ones leave.
fn place(lives: &[Life]) -> Vec<Range<usize>> {
    let mut order: Vec<usize> = (0..lives.len()).collect();
    order.sort_by_key(|&life| Reverse(lives[life].lines));
    let mut places = vec![0..0; lives.len()];
    let mut placed: Vec<usize> = Vec::new();
    for life in order {
        let lines = lives[life].lines;
        let mut at = 0..lines;
        for &other in &placed {
            let Range { start, end } = places[other];
            if lives[other].meets(&lives[life]) && meet(&(start..end), &at) {
                at = end..end + lines;
            }
        }
        places[life] = at;
        placed.push(life);
        placed.sort_by_key(|&life| places[life].start);
    }
    places
}

impl Places {
    /// `wide`: lines of the logits, which are f32, for each line of another map.
    pub fn new(plan: &Plan, schedule: &Schedule, wide: usize) -> Places {
        let mut places = place(&lives(plan, schedule, wide));
        let first = places.len() - schedule.gradients.len();
        for (index, gradient) in schedule.gradients.iter().enumerate() {
            if let Some(c) = gradient.over {
                places[first + index] = places[1 + c].clone();
            }
        }
        Places {
            places: places
                .into_iter()
                .map(|lines| Place { memory: 0, lines })
                .collect(),
            convolutions: plan.convolutions.len(),
            sources: plan.sources.len(),
            tiles: 0,
        }
    }

    /// Lines a batch tile of each memory.
    fn sizes(&self) -> Vec<usize> {
        let mut sizes = Vec::new();
        for Place { memory, lines } in &self.places {
            sizes.resize(sizes.len().max(memory + 1), 0);
            sizes[*memory] = lines.end.max(sizes[*memory]);
        }
        sizes
    }

    /// In which memory a map lies, and which lines of it.
    fn of(&self, map: Map) -> (usize, Range<usize>) {
        let place = &self.places[match map {
            Map::Image => 0,
            Map::Z(c) => 1 + c,
            Map::Kept(source) => 1 + self.convolutions + source,
            Map::Gradient(gradient) => 1 + self.convolutions + self.sources + gradient,
        }];
        let Range { start, end } = place.lines;
        (place.memory, start * self.tiles..end * self.tiles)
    }
}

/// The memory of all maps.
pub(crate) struct Arena {
    places: Places,
    memory: Vec<Lines>,
}

/// What can be read while some maps are written.
pub(crate) struct Maps<'a> {
    places: &'a Places,
    /// Pieces of a memory, from a line on.
    pieces: Vec<(usize, usize, &'a [Line])>,
}

impl Arena {
    pub fn new(places: Places) -> Arena {
        Arena {
            places,
            memory: Vec::new(),
        }
    }

    /// Room for so many batch tiles; what the maps held is gone if there was less.
    pub fn reserve(&mut self, tiles: usize) {
        if tiles > self.places.tiles {
            self.places.tiles = tiles;
            self.memory.clear();
            let sizes = self.places.sizes().into_iter();
            self.memory
                .extend(sizes.map(|size| Lines::new(size * tiles)));
        }
    }

    /// Batch tiles that there is room for.
    pub fn tiles(&self) -> usize {
        self.places.tiles
    }

    /// Puts every map into memory in which nothing lies beside it.
    pub fn separate(&mut self) {
        let places = &mut self.places.places;
        let all: Vec<_> = places.iter().map(|place| place.lines.clone()).collect();
        for place in places {
            // What lies on another map still does.
            let same = all.iter().position(|lines| *lines == place.lines);
            place.memory = same.unwrap_or_default();
            place.lines = 0..place.lines.len();
        }
        self.places.tiles = 0;
    }

    /// The maps that are to be written, in the order of `written`, and all others to be read.
    pub fn open(&mut self, written: &[Map]) -> (Vec<&mut [Line]>, Maps<'_>) {
        let places: Vec<_> = written.iter().map(|&map| self.places.of(map)).collect();
        let mut order: Vec<usize> = (0..written.len()).collect();
        order.sort_by_key(|&i| places[i].1.start);
        let mut out: Vec<&mut [Line]> = written.iter().map(|_| &mut [][..]).collect();
        let mut pieces = Vec::new();
        for (memory, lines) in self.memory.iter_mut().enumerate() {
            let (mut rest, mut at) = (&mut lines[..], 0);
            for &i in order.iter().filter(|&&i| places[i].0 == memory) {
                let Range { start, end } = places[i].1;
                let (before, after) = rest.split_at_mut(start - at);
                pieces.push((memory, at, &*before));
                (out[i], rest) = after.split_at_mut(end - start);
                at = end;
            }
            pieces.push((memory, at, &*rest));
        }
        (
            out,
            Maps {
                places: &self.places,
                pieces,
            },
        )
    }

    pub fn of(&self, map: Map) -> &[Line] {
        let (memory, lines) = self.places.of(map);
        &self.memory[memory][lines]
    }

    pub fn of_mut(&mut self, map: Map) -> &mut [Line] {
        let (memory, lines) = self.places.of(map);
        &mut self.memory[memory][lines]
    }
}

impl<'a> Maps<'a> {
    /// A map; none of it is written at the same time.
    pub fn of(&self, map: Map) -> &'a [Line] {
        let (memory, lines) = self.places.of(map);
        let mut pieces = self.pieces.iter().rev();
        let piece = pieces.find(|(of, at, _)| *of == memory && *at <= lines.start);
        let (_, at, piece) = piece.expect("a map that is not written");
        &piece[lines.start - at..lines.end - at]
    }
}

#[cfg(test)]
#[path = "arena_tests.rs"]
mod tests;
