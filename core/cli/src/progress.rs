//! What a run shows: bars on a terminal; elsewhere a line when a training starts, one when an action
//! ends, and one a minute that says what is running and how far it is.
use crate::study;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use jackpot_prune::Collapse;
use jackpot_study::{LOCK, Plan, RunEvent};
use std::{
    collections::BTreeMap,
    io::IsTerminal,
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
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
    running: BTreeMap<usize, Running>,
    /// When a log was last told what is running.
    told: Option<Instant>,
    /// Estimated seconds of all that was left when the run began.
    planned: f64,
    /// Estimated seconds of what is left now, running actions counted whole.
    left: f64,
    actions: usize,
}

/// An action that is under way.
struct Running {
    /// The bar of the action, on a terminal.
    bar: Option<ProgressBar>,
    /// Share of it that is done, 0 to 1.
    done: f64,
}

/// How often a log is told what is running.
const REMINDER: Duration = Duration::from_secs(60);

/// Actions of a reminder that are named; there may be as many as workers.
const NAMED: usize = 4;

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

    pub fn event(&self, event: RunEvent) {
        match event {
            RunEvent::Declared(declared) => println!(
                "analysis plan {} written to {LOCK}, {}",
                &declared.sha256[..12],
                declared.when()
            ),
            RunEvent::Left(summary) => {
                let mut shown = self.shown();
                shown.left = summary.seconds;
                shown.actions = summary.to_run + summary.unknown;
                if shown.planned == 0.0 {
                    shown.planned = summary.seconds;
                }
                self.total(&mut shown);
            }
            RunEvent::Started { node } => self.started(node),
            RunEvent::Progress { node, done } => {
                let mut shown = self.shown();
                if let Some(running) = shown.running.get_mut(&node) {
                    running.done = done;
                    if let Some(bar) = &running.bar {
                        bar.set_position((done * STEPS as f64) as u64);
                    }
                }
                self.total(&mut shown);
                self.remind(&mut shown);
            }
            RunEvent::Finished {
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
            RunEvent::Predicted { node, collapse } => {
                let title = &self.plan.nodes[node].title;
                match collapse {
                    Collapse::None => {}
                    Collapse::AtRisk(why) => self.line(&format!("at risk {title}: {why}")),
                    Collapse::Certain(why) => {
                        self.line(&format!("certain to collapse {title}: {why}"));
                    }
                }
            }
            RunEvent::Warned { node, why } => {
                let title = &self.plan.nodes[node].title;
                self.line(&format!("warning {title}: {why}"));
            }
            RunEvent::Skipped { node, why } => {
                let title = &self.plan.nodes[node].title;
                self.line(&format!("skipped {title}: certain to collapse: {why}"));
            }
            RunEvent::Failed { node, why } => {
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
        let action = &self.plan.nodes[node];
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new(STEPS).with_style(style(ONE)));
            bar.set_message(action.title.clone());
            bar
        });
        if bar.is_none() && action.recipe.kind() == "train" {
            self.line(&format!("start  {}", action.title));
        }
        self.shown()
            .running
            .insert(node, Running { bar, done: 0.0 });
    }

    fn ended(&self, node: usize) {
        let ended = self.shown().running.remove(&node);
        if let (Some(bars), Some(Running { bar: Some(bar), .. })) = (&self.bars, ended) {
            bars.remove(&bar);
        }
    }

    /// The share of the work that is done, 0 to 1, and the time that is left at the speed so far.
    fn progress(&self, shown: &Shown) -> (f64, Option<String>) {
        let running = shown.running.iter();
        let under_way: f64 = running
            .map(|(node, running)| running.done * self.plan.nodes[*node].seconds)
            .sum();
        let share = 1.0 - (shown.left - under_way).max(0.0) / shown.planned.max(1e-9);
        let share = share.clamp(0.0, 1.0);
        let elapsed = self.start.elapsed().as_secs_f64();
        // Under a percent the speed is a guess.
        let known = share > 0.01;
        let left = known.then(|| study::duration(elapsed * (1.0 - share) / share));
        (share, left)
    }

    /// The bar of the whole run.
    fn total(&self, shown: &mut Shown) {
        let Some(bars) = &self.bars else { return };
        let (share, left) = self.progress(shown);
        let total = shown.total.get_or_insert_with(|| {
            let style = style("{bar:26} {percent:>3} %  {msg}");
            bars.insert(0, ProgressBar::new(STEPS).with_style(style))
        });
        total.set_position((share * STEPS as f64) as u64);
        let left = left.map(|left| format!(", {left} left"));
        let actions = shown.actions;
        total.set_message(format!(
            "{actions} actions to go{}",
            left.unwrap_or_default()
        ));
    }

    /// A log of a long training would else be silent from its start to its end.
    fn remind(&self, shown: &mut Shown) {
        if self.bars.is_some() || shown.told.unwrap_or(self.start).elapsed() < REMINDER {
            return;
        }
        shown.told = Some(Instant::now());
        let (share, left) = self.progress(shown);
        let running = shown.running.iter().map(|(node, running)| {
            let title = self.plan.nodes[*node].title.as_str();
            (title, running.done)
        });
        self.line(&reminder(
            share,
            left,
            shown.actions,
            &running.collect::<Vec<_>>(),
        ));
    }
}

/// How far the run and each of its running actions is.
fn reminder(share: f64, left: Option<String>, actions: usize, running: &[(&str, f64)]) -> String {
    let percent = |share: f64| (share * 100.0).floor();
    let shown = running.iter().take(NAMED);
    let mut named: Vec<String> = shown
        .map(|(title, done)| format!("{title} {} %", percent(*done)))
        .collect();
    if running.len() > NAMED {
        named.push(format!("{} more", running.len() - NAMED));
    }
    let left = left.map_or(String::new(), |left| format!(", {left} left"));
    format!(
        "now    {} % of the run, {actions} actions to go{left}: {}",
        percent(share),
        named.join("; ")
    )
}

#[cfg(test)]
mod tests {
    use super::reminder;

    #[test]
    fn a_reminder_says_how_far_the_run_and_its_actions_are() {
        let one = [("train dense, seed 1", 0.345)];
        assert_eq!(
            reminder(0.129, Some("3 min".into()), 12, &one),
            "now    12 % of the run, 12 actions to go, 3 min left: train dense, seed 1 34 %"
        );
        let six = [
            ("a", 0.0),
            ("b", 0.5),
            ("c", 1.0),
            ("d", 0.0),
            ("e", 0.0),
            ("f", 0.0),
        ];
        assert_eq!(
            reminder(0.0, None, 6, &six),
            "now    0 % of the run, 6 actions to go: a 0 %; b 50 %; c 100 %; d 0 %; 2 more"
        );
    }
}
