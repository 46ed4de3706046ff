//! SIGKILL at two hundred moments.
use crate::{
    chain::{Chain, Fell, When, Whom},
    mortal::{Left, Mortal},
};
use jackpot_test_faults::{Doing, Draws, count, say};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Chains at a time, each with one worker.
const LANES: u64 = 2;
/// Kills a lane, of each kind; the suite asks for 200 in all.
const ANY_TIME: usize = 30;
const IN_PLUGIN: usize = 14;
const IN_TRAINING: usize = 16;
const AT_STEP: usize = 32;
const IN_REPORT: usize = 10;

/// Every step of a write; the two beside the rename more often.
const STEPS: [&str; 9] = [
    "created",
    "written",
    "synced",
    "synced",
    "placed",
    "placed",
    "folder synced",
    "folder made",
    "removed",
];

#[test]
fn killed_at_two_hundred_moments_a_study_ends_in_the_same_bytes() {
    let start = Instant::now();
    let mut undisturbed = Chain::new();
    undisturbed.finish();
    let took = start.elapsed();
    let expected = undisturbed.mortal.left();
    let drawing = time_of_report(&undisturbed.mortal);

    let draws = Draws::printed("kills");
    let fallen: Vec<Vec<Fell>> = std::thread::scope(|scope| {
        let lane = |number| Lane {
            draws: draws.fork(number),
            expected: &expected,
            took,
            drawing,
        };
        let lanes: Vec<_> = (0..LANES)
            .map(|number| scope.spawn(move || lane(number).live()))
            .collect();
        lanes.into_iter().map(|l| l.join().unwrap()).collect()
    });

    let mut fell = BTreeMap::new();
    for one in fallen.iter().flatten() {
        *fell.entry(*one).or_insert(0) += 1;
    }
    let all = fell.values().sum();
    say(&format!(
        "kills by place: {fell:?}; {:.0?}",
        start.elapsed()
    ));
    count("kills survived", all, all);
    assert!(all >= 200, "only {all}");
    for (place, name) in [
        (Fell::Plugin, "in a plugin"),
        (Fell::Training, "in a training"),
        (Fell::Commit, "in a commit"),
        (Fell::Rename, "beside a rename"),
        (Fell::Report, "in a report"),
    ] {
        // None is none survived of none tried, which fails the suite, too.
        let number = fell.get(&place).copied().unwrap_or(0);
        count(&format!("kills survived: {name}"), number, number);
        assert!(number > 0, "no kill fell {name}");
    }
}

fn time_of_report(mortal: &Mortal) -> Duration {
    let start = Instant::now();
    assert!(mortal.start_report().wait().unwrap().success());
    start.elapsed()
}

struct Lane<'a> {
    draws: Draws,
    expected: &'a Left,
    /// The whole study, undisturbed.
    took: Duration,
    /// Its report.
    drawing: Duration,
}

impl Lane<'_> {
    fn live(mut self) -> Vec<Fell> {
        let mut fallen = Vec::new();
        let mut chain = Chain::new();
        let mut left = self.kills();
        while let Some((whom, when)) = left.pop() {
            match chain.kill(whom, when) {
                Some(fell) => fallen.push(fell),
                // The study was over before: this kill is for the next one.
                None => left.push((whom, when)),
            }
            if chain.finished() {
                self.end(&mut chain);
                chain = Chain::new();
            }
        }
        self.end(&mut chain);
        let mut reports = 0;
        for _ in 0..10 * IN_REPORT {
            // Sometimes the report is drawn before.
            let after = self.within(self.drawing);
            if let Some(fell) = chain.kill(Whom::Supervisor, When::Report(after)) {
                fallen.push(fell);
                reports += 1;
            }
            if reports == IN_REPORT {
                break;
            }
        }
        chain.mortal.left().assert_is(self.expected);
        fallen
    }

    fn end(&self, chain: &mut Chain) {
        chain.finish();
        chain.mortal.assert_sound("the end");
        chain.mortal.left().assert_is(self.expected);
    }

    /// Every kill of this lane, in an order of its own.
    fn kills(&mut self) -> Vec<(Whom, When)> {
        let whom = [Whom::Supervisor, Whom::Worker, Whom::Both];
        let mut kills = Vec::new();
        for n in 0..ANY_TIME {
            let pause = self.within(self.took / 2);
            kills.push((whom[n % 3], When::After(pause)));
        }
        for n in 0..IN_PLUGIN {
            let pause = self.within(Duration::from_millis(60));
            kills.push((whom[n % 3], When::In(Doing::Plugin, pause)));
        }
        for n in 0..IN_TRAINING {
            let pause = self.within(Duration::from_millis(60));
            kills.push((whom[n % 3], When::In(Doing::Training, pause)));
        }
        for _ in 0..AT_STEP {
            let step = self.draws.one(&STEPS);
            let most = if *step == "removed" { 2 } else { 40 };
            let when = When::Step(step, 1 + self.draws.below(most));
            kills.push((Whom::Supervisor, when));
        }
        for n in (1..kills.len()).rev() {
            let other = self.draws.below(n + 1);
            kills.swap(n, other);
        }
        kills
    }

    fn within(&mut self, longest: Duration) -> Duration {
        Duration::from_micros(self.draws.below(longest.as_micros() as usize) as u64)
    }
}
