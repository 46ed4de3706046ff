//! One study that is killed again and again until it is finished.
use crate::mortal::Mortal;
use jackpot_test_faults::{Doing, Worker, await_none, kill, stop, workers};
use std::{
    fs,
    os::unix::process::ExitStatusExt,
    process::{Child, ExitStatus},
    time::{Duration, Instant},
};

/// Whom a kill meets.
#[derive(Clone, Copy, Debug)]
pub enum Whom {
    Supervisor,
    Worker,
    Both,
}

/// When it comes.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// So long after the start or after the last kill.
    After(Duration),
    /// So long after a plugin has begun, or a training has done its first step.
    In(Doing, Duration),
    /// When the store has reached this step of a write so often.
    Step(&'static str, usize),
    /// So long after a report has begun to be drawn.
    Report(Duration),
}

/// Where a kill fell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fell {
    Plugin,
    Training,
    Commit,
    Rename,
    Report,
    Between,
}

/// A study on its way, with the supervisor that may be running it.
pub struct Chain {
    pub mortal: Mortal,
    supervisor: Option<Child>,
    /// Of the run that goes on.
    worker_kills: usize,
    finished: bool,
}

/// Longest wait for anything: far more than the whole study takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

impl Chain {
    pub fn new() -> Chain {
        Chain {
            mortal: Mortal::new(),
            supervisor: None,
            worker_kills: 0,
            finished: false,
        }
    }

    /// Kills once. None: the study ended before that.
    pub fn kill(&mut self, whom: Whom, when: When) -> Option<Fell> {
        let fell = match when {
            When::Step(step, count) => self.die_at(step, count),
            When::Report(after) => self.kill_report(after),
            When::After(pause) => {
                self.supervise();
                std::thread::sleep(pause);
                self.strike(whom, None)
            }
            When::In(doing, pause) => {
                self.supervise();
                let worker = self.await_worker(|w| w.doing() == doing)?;
                std::thread::sleep(pause);
                self.strike(whom, Some(worker))
            }
        };
        self.mortal
            .assert_sound(&format!("{whom:?} {when:?}: {fell:?}"));
        fell
    }

    /// Whether the study is finished, by the word of a run that ended by itself.
    pub fn finished(&mut self) -> bool {
        if let Some(child) = &mut self.supervisor
            && let Some(status) = child.try_wait().unwrap()
        {
            self.supervisor = None;
            self.finished = self.judge(status);
        }
        self.finished
    }

    /// Lets it run to its end.
    pub fn finish(&mut self) {
        for _ in 0..3 {
            self.supervise();
            let status = self.supervisor.take().unwrap().wait().unwrap();
            if self.judge(status) {
                return;
            }
        }
        panic!("it does not finish: {}", self.mortal.said());
    }

    /// A run fails by the workers that were killed under it and by nothing else.
    fn judge(&mut self, status: ExitStatus) -> bool {
        let expected = if self.worker_kills > 0 { 1 } else { 0 };
        let said = self.mortal.said();
        // A worker that dies when it has already told its result was not needed any more.
        let fits = status.code() == Some(expected) || status.code() == Some(0);
        assert!(
            fits,
            "{status}, {} workers killed: {said}",
            self.worker_kills
        );
        self.worker_kills = 0;
        status.success()
    }

    fn supervise(&mut self) {
        if self.supervisor.is_none() {
            self.worker_kills = 0;
            self.supervisor = Some(self.mortal.start());
        }
    }

    /// Waits for a worker that is wanted; None: the run ended.
    fn await_worker(&mut self, wanted: impl Fn(&Worker) -> bool) -> Option<Worker> {
        let start = Instant::now();
        let store = self.mortal.place.store();
        let supervisor = self.supervisor.as_mut()?;
        while supervisor.try_wait().unwrap().is_none() {
            let found = workers(supervisor.id(), &store).into_iter().find(&wanted);
            if found.is_some() {
                return found;
            }
            assert!(start.elapsed() < PATIENCE, "{}", self.mortal.said());
            std::thread::sleep(Duration::from_millis(1));
        }
        None
    }

    fn strike(&mut self, whom: Whom, met: Option<Worker>) -> Option<Fell> {
        if self.supervisor.as_mut()?.try_wait().unwrap().is_some() {
            return None;
        }
        let fell = match whom {
            Whom::Worker => self.kill_worker(met)?,
            Whom::Supervisor | Whom::Both => self.kill_supervisor(matches!(whom, Whom::Both)),
        };
        Some(fell)
    }

    /// The supervisor lives on, and must say that the worker was killed.
    fn kill_worker(&mut self, met: Option<Worker>) -> Option<Fell> {
        let worker = match met {
            Some(worker) => worker,
            None => self.await_worker(|_| true)?,
        };
        stop(worker.pid);
        let fell = Fell::of(worker.doing());
        kill(worker.pid);
        self.worker_kills += 1;
        Some(fell)
    }

    fn kill_supervisor(&mut self, both: bool) -> Fell {
        let mut child = self.supervisor.take().unwrap();
        stop(child.id());
        let store = self.mortal.place.store();
        let at_work = workers(child.id(), &store);
        let fell = match at_work.first() {
            Some(worker) => Fell::of(worker.doing()),
            None if self.writes() => Fell::Commit,
            None => Fell::Between,
        };
        child.kill().unwrap();
        if both {
            at_work.iter().for_each(|worker| kill(worker.pid));
        }
        child.wait().unwrap();
        await_none(self.mortal.place.folder.path());
        fell
    }

    /// Whether a file is on its way into the store.
    fn writes(&self) -> bool {
        let tmp = fs::read_dir(self.mortal.place.store().join("tmp"));
        let sessions = tmp.into_iter().flatten().flatten();
        let files = sessions.flat_map(|s| fs::read_dir(s.path()).into_iter().flatten().flatten());
        let mut names = files.map(|f| f.file_name().to_string_lossy().into_owned());
        names.any(|name| name.starts_with("file-"))
    }

    fn die_at(&mut self, step: &'static str, count: usize) -> Option<Fell> {
        if self.supervisor.is_some() {
            self.kill_supervisor(false);
        }
        let mut child = self.mortal.start_to_die(step, count);
        let status = child.wait().unwrap();
        await_none(self.mortal.place.folder.path());
        if status.signal() != Some(9) {
            assert_eq!(
                status.code(),
                Some(0),
                "{step} {count}: {}",
                self.mortal.said()
            );
            self.finished = true;
            return None;
        }
        Some(match step {
            // Directly before a file gets its name, and directly after.
            "synced" | "placed" => Fell::Rename,
            _ => Fell::Commit,
        })
    }

    /// On a finished study only.
    fn kill_report(&mut self, after: Duration) -> Option<Fell> {
        let mut child = self.mortal.start_report();
        std::thread::sleep(after);
        let ended = child.try_wait().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        ended.is_none().then_some(Fell::Report)
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        if let Some(child) = &mut self.supervisor {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Fell {
    fn of(doing: Doing) -> Fell {
        match doing {
            Doing::Plugin => Fell::Plugin,
            Doing::Training => Fell::Training,
            Doing::Itself => Fell::Between,
        }
    }
}
