//! The backward pass as a list of steps over a few buffers: what each group reads and writes,
//! decided once.
use crate::plan::{Plan, Pool, Shortcut};

/// One group's part of the backward pass.
#[derive(Debug)]
pub(crate) struct Step {
    pub group: usize,
    /// For each of its convolutions: the buffer with the gradient of its normalised output.
    pub gradients: Vec<usize>,
    /// Where the gradient of the group's input goes; none for the image.
    pub input: Option<InputStep>,
}

#[derive(Debug)]
pub(crate) struct InputStep {
    /// What else flows into the same input.
    pub residual: Option<usize>,
    pub out: usize,
    /// The gradient is complete and goes through activation and pooling here.
    pub last: bool,
    /// Where it goes from a pooled map.
    pub unpooled: Option<usize>,
}

/// The steps in order, and the sizes of the buffers in lines a tile.
#[derive(Debug)]
pub(crate) struct Schedule {
    pub steps: Vec<Step>,
    pub buffers: Vec<usize>,
    /// The buffer of the logits' gradient.
    pub logits: usize,
}

/// A gradient before it has a buffer: its size, and the first and last step that need it.
struct Gradient {
    lines: usize,
    born: usize,
    last: usize,
}

impl Schedule {
    pub fn new(plan: &Plan) -> Schedule {
        let mut gradients: Vec<Gradient> = Vec::new();
        let mut new = |lines, born| {
            gradients.push(Gradient {
                lines,
                born,
                last: born,
            });
            gradients.len() - 1
        };
        let mut of = vec![usize::MAX; plan.convolutions.len()];
        let mut pending: Vec<Option<usize>> = vec![None; plan.sources.len()];
        let classifier = plan.classifier();
        of[classifier] = new(plan.convolutions[classifier].lines(), 0);
        let mut steps = Vec::new();
        for (at, group) in (0..plan.groups.len()).rev().enumerate() {
            let this = &plan.groups[group];
            let source = &plan.sources[this.source];
            let gradients = this.convolutions.iter().map(|&c| of[c]).collect();
            let input = source.main.map(|main| {
                let residual = pending[this.source].take();
                let out = new(source.shape.iter().product(), at);
                let unpooled = (this.first && source.pool != Pool::None)
                    .then(|| new(source.map.iter().product(), at));
                if this.first {
                    let done = unpooled.unwrap_or(out);
                    of[main] = done;
                    match source.shortcut {
                        None => {}
                        Some(Shortcut::Projection(c)) => of[c] = done,
                        Some(Shortcut::Source(from)) => pending[from] = Some(done),
                    }
                } else {
                    pending[this.source] = Some(out);
                }
                InputStep {
                    residual,
                    out,
                    last: this.first,
                    unpooled,
                }
            });
            steps.push(Step {
                group,
                gradients,
                input,
            });
        }
        for (at, step) in steps.iter().enumerate() {
            let residual = step.input.as_ref().and_then(|input| input.residual);
            for &used in step.gradients.iter().chain(&residual) {
                gradients[used].last = at;
            }
        }
        let (places, buffers) = allot(&gradients, &steps);
        for step in &mut steps {
            let input = step.input.iter_mut();
            let input =
                input.flat_map(|i| [Some(&mut i.out), i.residual.as_mut(), i.unpooled.as_mut()]);
            let all = step.gradients.iter_mut().chain(input.flatten());
            all.for_each(|gradient| *gradient = places[*gradient]);
        }
        Schedule {
            steps,
            buffers,
            logits: places[0],
        }
    }
}

/// Gives every gradient a buffer: that of its residual where it can be added in place, else
/// the free one of the nearest size.
fn allot(gradients: &[Gradient], steps: &[Step]) -> (Vec<usize>, Vec<usize>) {
    let mut places = vec![usize::MAX; gradients.len()];
    let mut buffers: Vec<usize> = Vec::new();
    // For each buffer, the gradient that it holds.
    let mut held: Vec<Option<usize>> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        for place in &mut held {
            place.take_if(|gradient| gradients[*gradient].last < at);
        }
        for (index, gradient) in gradients.iter().enumerate() {
            if gradient.born != at || places[index] != usize::MAX {
                continue;
            }
            let input = step.input.as_ref().filter(|input| input.out == index);
            let residual = input.and_then(|input| input.residual).filter(|r| {
                gradients[*r].last == at
                    && gradients[*r].lines == gradient.lines
                    && !step.gradients.contains(r)
            });
            let free = |&place: &usize| held[place].is_none();
            let far = |place: &usize| buffers[*place].abs_diff(gradient.lines);
            let place = match residual {
                Some(residual) => places[residual],
                None => (0..buffers.len())
                    .filter(free)
                    .min_by_key(far)
                    .unwrap_or(buffers.len()),
            };
            if place == buffers.len() {
                buffers.push(0);
                held.push(None);
            }
            buffers[place] = buffers[place].max(gradient.lines);
            held[place] = Some(index);
            places[index] = place;
        }
    }
    (places, buffers)
}
