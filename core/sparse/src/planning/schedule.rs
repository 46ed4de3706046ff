//! The backward pass as a list of steps over gradients: what each group reads and writes,
//! decided once.
use crate::planning::plan::{Plan, Pool, Shortcut};

/// One group's part of the backward pass.
#[derive(Debug)]
pub(crate) struct Step {
    pub group: usize,
    /// The group whose output is made again before: this step is the first to read it.
    pub again: Option<usize>,
    /// For each of its convolutions: the gradient of its normalised output.
    pub gradients: Vec<usize>,
    /// Where the gradient of the group's input goes; none for the image.
    pub input: Option<InputStep>,
}

#[derive(Debug)]
pub(crate) struct InputStep {
    /// What else flows into the same input.
    pub residual: Option<usize>,
    /// The residual itself, to which is added in place where nothing else needs it.
    pub out: usize,
    /// The gradient is complete and goes through activation and pooling here.
    pub last: bool,
    /// Where it goes from a pooled map.
    pub unpooled: Option<usize>,
}

/// The steps in order, and what they are about.
#[derive(Debug)]
pub(crate) struct Schedule {
    pub steps: Vec<Step>,
    pub gradients: Vec<Gradient>,
    /// The logits' gradient.
    pub logits: usize,
}

/// Lines a tile, and the first and last step that need it.
#[derive(Debug)]
pub(crate) struct Gradient {
    pub lines: usize,
    pub born: usize,
    pub last: usize,
    /// The convolution on whose output it lies, row by row: each is read before it is written,
    /// and nothing reads it again.
    pub over: Option<usize>,
}

impl Schedule {
    pub fn new(plan: &Plan) -> Schedule {
        let mut gradients: Vec<Gradient> = Vec::new();
        let mut new = |lines, born, over| {
            gradients.push(Gradient {
                lines,
                born,
                last: born,
                over,
            });
            gradients.len() - 1
        };
        let mut of = vec![usize::MAX; plan.convolutions.len()];
        let mut pending: Vec<Option<usize>> = vec![None; plan.sources.len()];
        let classifier = plan.classifier();
        let logits = new(plan.convolutions[classifier].lines(), 0, None);
        of[classifier] = logits;
        let mut steps = Vec::new();
        for (at, group) in (0..plan.groups.len()).rev().enumerate() {
            let this = &plan.groups[group];
            let source = &plan.sources[this.source];
            let gradients = this.convolutions.iter().map(|&c| of[c]).collect();
            let input = source.main.map(|main| {
                let residual = pending[this.source].take();
                let left = || plan.groups[..=group].iter().flat_map(|g| &g.convolutions);
                let free = |r: &usize| left().all(|&c| of[c] != *r);
                let out = residual.filter(free);
                let mut like = this.convolutions.iter().copied().filter(|&c| {
                    let convolution = &plan.convolutions[c];
                    // Logits are wider than other maps.
                    convolution.stride == 1 && convolution.output == source.shape && c != classifier
                });
                let out = out.unwrap_or_else(|| new(source.lines(), at, like.next()));
                let unpooled = (this.first && source.pool != Pool::None)
                    .then(|| new(source.map.iter().product(), at, None));
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
                again: (0..group).find(|&made| plan.last_reader(made) == Some(group)),
                gradients,
                input,
            });
        }
        for (at, step) in steps.iter().enumerate() {
            let input = step.input.iter();
            let input = input.flat_map(|i| [i.residual, Some(i.out), i.unpooled]);
            for used in step.gradients.iter().copied().chain(input.flatten()) {
                gradients[used].last = at;
            }
        }
        Schedule {
            steps,
            gradients,
            logits,
        }
    }
}
