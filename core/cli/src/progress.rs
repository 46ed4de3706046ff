//! What a run shows: bars on a terminal, one line an event elsewhere.
use crate::study;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use jackpot_net::Collapse;
use jackpot_study::{Event, LOCK, Plan};
use std::{
    collections::BTreeMap,
    io::IsTerminal,
    sync::{Mutex, MutexGuard},
    time::Instant,
};

/// A bar of no length yet on a terminal, nothing elsewhere.
pub fn bar(template: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    ProgressBar::no_length().with_style(style(template))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is well-formed")
}

/// Shows the events of one run on standard error.
pub struct Display<'a> {
    plan: &'a Plan,
    shown: Mutex<Shown>,
    bars: Option<MultiProgress>,
    start: Instant,
}

#[derive(Default)]
struct Shown {
    total: Option<ProgressBar>,
    running: BTreeMap<usize, (ProgressBar, f64)>,
    /// Estimated seconds of all that was left when the run began.
    planned: f64,
    /// Estimated seconds of what is left now, running actions counted whole.
    left: f64,
    actions: usize,
}

/// How far one action is.
pub const ONE: &str = "  {bar:24} {percent:>3} %  {msg}";

/// Steps of a bar: a hundredth of a percent.
const STEPS: u64 = 10_000;

impl<'a> Display<'a> {
    pub fn new(plan: &'a Plan) -> Self {
        let bars = std::io::stderr().is_terminal().then(MultiProgress::new);
        Display {
            plan,
            shown: Mutex::default(),
            bars,
            start: Instant::now(),
        }
    }

    /// Takes the bars away.
    pub fn close(&self) {
        if let Some(bars) = &self.bars {
            // Nothing depends on whether a terminal could be cleared.
            let _ = bars.clear();
        }
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().expect("no thread panics while it draws")
    }

    pub fn event(&self, event: Event) {
        match event {
            Event::Declared(declared) => println!(
                "analysis plan {} written to {LOCK}, {}",
                &declared.sha256[..12],
                declared.when()
            ),
            Event::Left(summary) => {
                let mut shown = self.shown();
                shown.left = summary.seconds;
                shown.actions = summary.to_run + summary.unknown;
                if shown.planned == 0.0 {
                    shown.planned = summary.seconds;
                }
                self.total(&mut shown);
            }
            Event::Started { node } => self.started(node),
            Event::Progress { node, done } => {
                let mut shown = self.shown();
                if let Some((bar, at)) = shown.running.get_mut(&node) {
                    *at = done;
                    bar.set_position((done * STEPS as f64) as u64);
                }
                self.total(&mut shown);
            }
            Event::Finished {
                node,
                seconds,
                diverged,
            } => {
                self.ended(node);
                // Steps of milliseconds would drown the trainings.
                if self.plan.nodes[node].recipe.kind() == "train" || self.bars.is_none() {
                    let title = &self.plan.nodes[node].title;
                    let how = diverged.map(|epoch| format!(": diverged in epoch {epoch}"));
                    let how = how.unwrap_or_default();
                    self.line(&format!("done   {title} ({seconds:.1} s){how}"));
                }
            }
            Event::Predicted { node, collapse } => {
                let title = &self.plan.nodes[node].title;
                match collapse {
                    Collapse::None => {}
                    Collapse::AtRisk(why) => self.line(&format!("at risk {title}: {why}")),
                    Collapse::Certain(why) => {
                        self.line(&format!("certain to collapse {title}: {why}"));
                    }
                }
            }
            Event::Skipped { node, why } => {
                let title = &self.plan.nodes[node].title;
                self.line(&format!("skipped {title}: certain to collapse: {why}"));
            }
            Event::Failed { node, why } => {
                self.ended(node);
                self.line(&format!("failed {}: {why}", self.plan.nodes[node].title));
            }
        }
    }

    fn line(&self, text: &str) {
        match &self.bars {
            Some(bars) => {
                let _ = bars.println(text);
            }
            None => eprintln!("{text}"),
        }
    }

    fn started(&self, node: usize) {
        let Some(bars) = &self.bars else { return };
        let bar = bars.add(ProgressBar::new(STEPS).with_style(style(ONE)));
        bar.set_message(self.plan.nodes[node].title.clone());
        self.shown().running.insert(node, (bar, 0.0));
    }

    fn ended(&self, node: usize) {
        if let (Some(bars), Some((bar, _))) = (&self.bars, self.shown().running.remove(&node)) {
            bars.remove(&bar);
        }
    }

    /// The bar of the whole run, with the time that is left at the speed so far.
    fn total(&self, shown: &mut Shown) {
        let Some(bars) = &self.bars else { return };
        let total = shown.total.get_or_insert_with(|| {
            let style = style("{bar:26} {percent:>3} %  {msg}");
            bars.insert(0, ProgressBar::new(STEPS).with_style(style))
        });
        let running = shown.running.iter();
        let under_way: f64 = running
            .map(|(node, (_, done))| done * self.plan.nodes[*node].seconds)
            .sum();
        let share = 1.0 - (shown.left - under_way).max(0.0) / shown.planned.max(1e-9);
        let share = share.clamp(0.0, 1.0);
        total.set_position((share * STEPS as f64) as u64);
        let elapsed = self.start.elapsed().as_secs_f64();
        // Under a percent the speed is a guess.
        let remaining = match share > 0.01 {
            true => format!(
                ", {} left",
                study::duration(elapsed * (1.0 - share) / share)
            ),
            false => String::new(),
        };
        let actions = shown.actions;
        total.set_message(format!("{actions} actions to go{remaining}"));
    }
}
