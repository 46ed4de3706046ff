//! Runs what a plan still lacks: claim, run, validate, commit, look again.
//!
//! The store is the only truth about what is done. After every action the plan is assessed
//! again, so an action whose result turns out to be there already is not run, and one that
//! vanished is. A failure stops that action and those that read it; the rest goes on.
mod upkeep;

use crate::{
    Error,
    actions::{
        context::{Made, WARNING},
        recipe::Recipe,
        validate,
    },
    analysis::{DeclaredAnalysis, declare},
    floats::floats_to_text,
    masks::summary::summary_for_evidence,
    plan::{
        allocation_warnings::refuse_reserves,
        assess::{ActionState, Assessment, AssessmentCache, PlanSummary, assess},
        graph::Plan,
        origins::Origins,
        require::require,
    },
    run::{
        manifest::RunManifest,
        outcome::{Ended, Failed, blame, pinned, place},
    },
    spec::{run_section::CollapsePolicy, setting::Setting},
    toolbox::Programs,
};
use jackpot_protocol::Failure;
use jackpot_prune::Collapse;
use jackpot_store::{ActionLock, Committed, Digest, Running, Store};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    sync::{
        Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread::{Builder, Scope},
    time::{Duration, Instant, SystemTime},
};

/// How a plan is run. None of it changes a result.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// Actions at once.
    pub workers: NonZeroUsize,
    /// Replace the pin of another study whose folder has the same name.
    pub replace_pin: bool,
    /// Write the analysis plan into `study.lock`, unless it stands there: after everything that
    /// may refuse the run, before its first action. What answers nothing declares nothing.
    pub declare: bool,
}

/// What happens while a plan runs.
#[derive(Clone, Debug)]
pub enum RunEvent<'a> {
    /// The analysis plan was written into `study.lock`.
    Declared(&'a DeclaredAnalysis),
    /// How much is left, after every look at the store.
    Left(PlanSummary),
    /// An action started.
    Started {
        /// Index of the node.
        node: usize,
    },
    /// How far it is.
    Progress {
        /// Index of the node.
        node: usize,
        /// 0 to 1.
        done: f64,
    },
    /// It was committed.
    Finished {
        /// Index of the node.
        node: usize,
        /// Wall-clock.
        seconds: f64,
        /// The epoch in which this training diverged: a result, but a bad one.
        diverged: Option<u64>,
    },
    /// The mask of a training that starts says that it may or will learn nothing.
    Predicted {
        /// Index of the node.
        node: usize,
        /// At risk or certain.
        collapse: &'a Collapse,
    },
    /// It was made, and there is something to be said about it, which its record keeps.
    Warned {
        /// Index of the node.
        node: usize,
        /// In words.
        why: &'a str,
    },
    /// It is certain to collapse, so the study does not start it.
    Skipped {
        /// Index of the node.
        node: usize,
        /// In words.
        why: &'a str,
    },
    /// It failed; what reads it is not run.
    Failed {
        /// Index of the node.
        node: usize,
        /// In words.
        why: &'a str,
    },
}

/// How it ended.
#[derive(Clone, Debug, Default)]
pub struct RunSummary {
    /// Actions that ran and were committed.
    pub ran: usize,
    /// What the store has and lacks now.
    pub left: PlanSummary,
    /// Trainings that diverged, of all that are done, in this run or before.
    pub diverged: usize,
    /// Title and cause of each action that failed.
    pub failures: Vec<(String, String)>,
    /// Title and cause of each training that was not started, for its mask is certain to
    /// collapse.
    pub collapsed: Vec<(String, String)>,
    /// Titles of actions that wait for a failed one.
    pub blocked: Vec<String>,
    /// Whether it was stopped from outside.
    pub interrupted: bool,
}

/// Runs the plan until nothing more can run, and pins the result. `stop` ends it early: no
/// action is started any more, and what is finished stays.
pub fn run(
    plan: &Plan,
    store: &Store,
    programs: &Programs,
    options: RunOptions,
    stop: &AtomicBool,
    observe: &(dyn Fn(RunEvent) + Sync),
) -> Result<RunSummary, Error> {
    if !options.replace_pin {
        RunManifest::refuse_strangers(store, &plan.study.name, &plan.study.title)?;
    }
    let ready = || {
        if options.declare
            && let Some(declared) = declare(plan, store)?
        {
            observe(RunEvent::Declared(&declared));
        }
        Ok(())
    };
    let end = drive(plan, store, programs, options, stop, (&ready, observe))?;
    let ended = Ended {
        assessment: &end.assessment,
        failed: &end.failed,
        collapsed: &end.collapsed,
    };
    let origins = Origins::of(plan, store)?;
    let cell = |c| pinned(plan, &ended, &origins, c);
    let mut pin = RunManifest {
        format: 1,
        study: plan.study.digest,
        title: Some(plan.study.title.clone()),
        device_class: plan.device.class.clone(),
        libtorch: plan.libtorch.clone(),
        architecture: match plan.study.settings.as_slice() {
            [
                Setting {
                    name: None,
                    architecture,
                    ..
                },
            ] => Some(architecture.clone()),
            _ => None,
        },
        settings: (plan.study.settings.iter())
            .filter_map(|s| Some((s.name.clone()?, s.architecture.clone())))
            .collect(),
        cells: plan.cells.iter().map(cell).collect(),
        actions: end.assessment.finished(),
        survey: None,
    };
    pin.survey = summary_for_evidence(store, &plan.study.name, &pin)?;
    pin.write(store, &plan.study.name)?;
    Ok(end.finish)
}

/// Where a plan stands after nothing more of it could run.
pub(crate) struct End {
    pub finish: RunSummary,
    pub assessment: Assessment,
    pub failed: Failed,
    pub collapsed: Failed,
}

/// What is done when nothing can refuse the run any more, and what sees it.
type Around<'a> = (
    &'a dyn Fn() -> Result<(), Error>,
    &'a (dyn Fn(RunEvent) + Sync),
);

/// Runs the plan until nothing more can run; pins nothing.
pub(crate) fn drive(
    plan: &Plan,
    store: &Store,
    programs: &Programs,
    options: RunOptions,
    stop: &AtomicBool,
    (ready, observe): Around<'_>,
) -> Result<End, Error> {
    require(plan, store)?;
    refuse_reserves(plan, store, programs)?;
    let running = store.running().map_err(Error::from_store)?;
    store.forget_leftovers().map_err(Error::from_store)?;
    ready()?;
    let executor = Executor {
        running,
        plan,
        store,
        programs,
        queue: Mutex::default(),
        changed: Condvar::new(),
        stop,
        observe,
        place: place(plan),
    };
    std::thread::scope(|scope| executor.work(scope, options.workers.get() - 1));
    executor.finish()
}

/// What is known while the plan runs; one lock guards it.
#[derive(Default)]
struct Queue {
    memo: AssessmentCache,
    /// Objects whose bytes were verified in this run.
    verified: BTreeSet<Digest>,
    assessment: Option<Assessment>,
    running: BTreeSet<Digest>,
    failed: Failed,
    /// Trainings that are not started, for their masks leave no path.
    collapsed: Failed,
    /// What the masks of trainings say of them, by setting.
    predicted: BTreeMap<(usize, Digest), Collapse>,
    ran: usize,
    fatal: Option<Error>,
}

/// Runs the actions of a plan; every worker thread has a reference to it.
struct Executor<'a> {
    plan: &'a Plan,
    store: &'a Store,
    programs: &'a Programs,
    /// Says to other runs on this store that checkpoints may be read.
    running: Running,
    queue: Mutex<Queue>,
    changed: Condvar,
    stop: &'a AtomicBool,
    observe: &'a (dyn Fn(RunEvent) + Sync),
    /// Machine and commit, for records.
    place: Value,
}

/// One action to run; held so that nobody else runs it meanwhile.
struct Task {
    node: usize,
    key: Digest,
    recipe: Recipe,
    /// What its mask says of a training.
    collapse: Collapse,
    _claim: ActionLock,
}

/// What became of an action that ran.
struct Done {
    committed: Committed,
    /// The epoch in which it diverged, if it is a training that did.
    diverged: Option<u64>,
}

enum Next {
    Run(Box<Task>),
    /// Nothing can start until another action ends, here or in another process.
    Wait {
        elsewhere: bool,
    },
    Nothing,
}

impl Executor<'_> {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue
            .lock()
            .expect("no thread panics while it holds the queue")
    }

    /// Runs actions until none can start any more. Whoever has found one starts the next worker,
    /// so that there is at most one more than actions that were ready at once.
    fn work<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, mut others: usize) {
        while let Some(task) = self.wait_for_task() {
            if let Some(further) = others.checked_sub(1) {
                let next = Builder::new().spawn_scoped(scope, move || self.work(scope, further));
                // Where the system gives no further thread now, it may at the next action.
                if next.is_ok() {
                    others = 0;
                }
            }
            let node = task.node;
            (self.observe)(RunEvent::Started { node });
            if task.collapse != Collapse::None {
                let collapse = &task.collapse;
                (self.observe)(RunEvent::Predicted { node, collapse });
            }
            let start = Instant::now();
            let result = self.perform(&task, start);
            self.settle(&task, result, start.elapsed().as_secs_f64());
        }
    }

    fn wait_for_task(&self) -> Option<Box<Task>> {
        let mut queue = self.lock();
        loop {
            if self.stop.load(Ordering::SeqCst) || queue.fatal.is_some() {
                return None;
            }
            match self.next(&mut queue) {
                Ok(Next::Run(task)) => return Some(task),
                Ok(Next::Nothing) => return None,
                Ok(Next::Wait { elsewhere }) => {
                    let wait = self.changed.wait_timeout(queue, Duration::from_millis(200));
                    queue = wait.expect("no thread panics while it holds the queue").0;
                    if elsewhere {
                        queue.assessment = None;
                    }
                }
                Err(error) => {
                    queue.fatal = Some(error);
                    self.changed.notify_all();
                    return None;
                }
            }
        }
    }

    fn next(&self, queue: &mut Queue) -> Result<Next, Error> {
        let store = self.store;
        let mut elsewhere = false;
        let a = self.assessed(queue)?;
        for node in 0..self.plan.nodes.len() {
            let settled = queue.failed.contains_key(&node) || queue.collapsed.contains_key(&node);
            if a.states[node] != ActionState::ToRun || settled {
                continue;
            }
            let (Some(key), Some(recipe)) = (a.keys[node], &a.recipes[node]) else {
                continue;
            };
            if queue.running.contains(&key) || !a.ready(node, &mut queue.present(store)) {
                continue;
            }
            let collapse = self.predicted(queue, node, recipe)?;
            if self.skips(queue, node, &collapse) {
                continue;
            }
            let Some(claim) = store.claim(&key).map_err(Error::from_store)? else {
                elsewhere = true;
                continue;
            };
            // Another process may have finished it between the look and the claim.
            let now = store.action(&key).map_err(Error::from_store)?;
            if now.is_some() && a.outputs[node].is_none() {
                queue.assessment = None;
                return self.next(queue);
            }
            queue.running.insert(key);
            let task = Task {
                node,
                key,
                recipe: recipe.clone(),
                collapse,
                _claim: claim,
            };
            queue.assessment = Some(a);
            return Ok(Next::Run(Box::new(task)));
        }
        queue.assessment = Some(a);
        Ok(match (elsewhere, queue.running.is_empty()) {
            (false, true) => Next::Nothing,
            _ => Next::Wait { elsewhere },
        })
    }

    /// What the mask of a training says of it, before it is started.
    fn predicted(
        &self,
        queue: &mut Queue,
        node: usize,
        recipe: &Recipe,
    ) -> Result<Collapse, Error> {
        let Some(mask) = recipe.trained_mask() else {
            return Ok(Collapse::None);
        };
        let digest = mask.object()?;
        let place = (self.plan.nodes[node].setting, digest);
        if let Some(known) = queue.predicted.get(&place) {
            return Ok(known.clone());
        }
        let bytes = self.store.get(&digest).map_err(Error::from_store)?;
        let network = self.plan.network_of(node);
        let mask = validate::mask(&bytes, network).map_err(Error::from_host)?;
        let collapse = jackpot_prune::flow(network, &mask).collapse;
        queue.predicted.insert(place, collapse.clone());
        Ok(collapse)
    }

    /// Whether the study does not start this training; never in silence.
    fn skips(&self, queue: &mut Queue, node: usize, collapse: &Collapse) -> bool {
        match collapse {
            Collapse::Certain(why) if self.plan.study.run.collapsed == CollapsePolicy::Skip => {
                (self.observe)(RunEvent::Skipped { node, why });
                queue.collapsed.insert(node, why.clone());
                true
            }
            _ => false,
        }
    }

    /// The last look at the store, or a new one where something has changed since.
    fn assessed(&self, queue: &mut Queue) -> Result<Assessment, Error> {
        if let Some(a) = queue.assessment.take() {
            return Ok(a);
        }
        let (plan, store) = (self.plan, self.store);
        let mut memo = std::mem::take(&mut queue.memo);
        let a = assess(plan, store, &mut memo, &mut queue.present(store));
        queue.memo = memo;
        let a = a?;
        self.restore_recipes(queue, &a)?;
        self.forget_checkpoints(queue, &a)?;
        (self.observe)(RunEvent::Left(a.summary(plan)));
        Ok(a)
    }

    fn perform(&self, task: &Task, start: Instant) -> Result<Done, Failure> {
        let node = task.node;
        let mut progress = |done: f64| (self.observe)(RunEvent::Progress { node, done });
        let setting = self.plan.nodes[node].setting;
        let context = self.plan.action_context(setting, self.store, self.programs);
        let made = task.recipe.execute(&context, &task.key, &mut progress)?;
        let recipe = task.recipe.to_value()?;
        let record = self.record(&made, start.elapsed().as_secs_f64())?;
        let committed = self.store.commit(&recipe, &made.outputs, &record);
        if let Some(why) = made.record[WARNING].as_str() {
            (self.observe)(RunEvent::Warned { node, why });
        }
        Ok(Done {
            committed: committed.map_err(Error::from_store)?,
            diverged: diverged(self.store, &made.outputs)?,
        })
    }

    /// Who, when, where, how long: beside the result, never in it.
    fn record(&self, made: &Made, seconds: f64) -> Result<Value, Error> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let mut record = self.place.clone();
        record["unix_seconds"] = json!(now.map_or(0, |d| d.as_secs()));
        record["wall_seconds"] = json!(seconds);
        record["worker"] = made.record.clone();
        floats_to_text(&mut record)?;
        Ok(record)
    }

    fn settle(&self, task: &Task, result: Result<Done, Failure>, seconds: f64) {
        let mut queue = self.lock();
        queue.running.remove(&task.key);
        queue.assessment = None;
        let node = task.node;
        let diverged = result.as_ref().ok().and_then(|done| done.diverged);
        let failed = match result.map(|done| done.committed) {
            Ok(Committed::New | Committed::Same) => None,
            Ok(Committed::Diverged { .. }) => Some(Failure::new(
                "divergence",
                format!(
                    "action {}: this run gave other bytes than the one in the store; both are kept, `jackpot audit` lists them",
                    task.key
                ),
            )),
            Err(failure) => Some(failure),
        };
        match failed {
            None => {
                queue.ran += 1;
                (self.observe)(RunEvent::Finished {
                    node,
                    seconds,
                    diverged,
                });
            }
            // Not the action's fault: it is simply not done.
            Some(failure) if failure.kind == "interrupted" => {}
            Some(failure) => {
                (self.observe)(RunEvent::Failed {
                    node,
                    why: &failure.message,
                });
                self.remember(task, &failure);
                queue.failed.insert(node, failure.message);
            }
        }
        drop(queue);
        self.changed.notify_all();
    }

    fn remember(&self, task: &Task, failure: &Failure) {
        let value = json!({
            "kind": failure.kind, "message": failure.message, "log": failure.log,
        });
        let recorded = task.recipe.to_value().map(|recipe| {
            let store = self.store;
            store.record_failure(&recipe, &value)
        });
        if let Ok(Err(error)) = recorded {
            // The failure itself is shown all the same.
            (self.observe)(RunEvent::Failed {
                node: task.node,
                why: &format!("and the failure could not be recorded: {error}"),
            });
        }
    }

    fn finish(self) -> Result<End, Error> {
        let mut queue = self.lock();
        if let Some(error) = queue.fatal.take() {
            return Err(error);
        }
        queue.assessment = None;
        let a = self.assessed(&mut queue)?;
        let plan = self.plan;
        let open = |n: &usize| a.states[*n] != ActionState::Cached;
        let title = |n: usize| plan.nodes[n].title.clone();
        let failed = queue.failed.iter().filter(|(n, _)| open(n));
        let collapsed = queue.collapsed.iter().filter(|(n, _)| open(n));
        let blocked = (0..plan.nodes.len())
            .filter(|n| open(n) && !queue.failed.contains_key(n))
            .filter(|n| blame(plan, &queue.failed, *n).is_some());
        let finish = RunSummary {
            ran: queue.ran,
            left: a.summary(plan),
            diverged: self.diverged(&a)?,
            failures: failed.map(|(n, why)| (title(*n), why.clone())).collect(),
            collapsed: collapsed.map(|(n, why)| (title(*n), why.clone())).collect(),
            blocked: blocked.map(title).collect(),
            interrupted: self.stop.load(Ordering::SeqCst),
        };
        Ok(End {
            finish,
            assessment: a,
            failed: std::mem::take(&mut queue.failed),
            collapsed: std::mem::take(&mut queue.collapsed),
        })
    }

    /// How many of the finished trainings diverged; one that fills several cells counts once.
    fn diverged(&self, a: &Assessment) -> Result<usize, Error> {
        let mut keys = BTreeSet::new();
        for (key, outputs) in a.keys.iter().zip(&a.outputs) {
            let (Some(key), Some(outputs)) = (key, outputs) else {
                continue;
            };
            if !keys.contains(key) && diverged(self.store, outputs)?.is_some() {
                keys.insert(*key);
            }
        }
        Ok(keys.len())
    }
}

/// The epoch in which the training with these outputs diverged; `None` if it did not, or they are
/// not a training's.
fn diverged(store: &Store, outputs: &BTreeMap<String, Digest>) -> Result<Option<u64>, Error> {
    let Some(metrics) = outputs.get("metrics").filter(|m| store.has(m)) else {
        return Ok(None);
    };
    let bytes = store.get(metrics).map_err(Error::from_store)?;
    Ok(validate::diverged(&bytes))
}

impl Queue {
    /// Verifies an object once a run: a broken one goes to quarantine and is made again.
    fn present<'q>(&'q mut self, store: &'q Store) -> impl FnMut(&Digest) -> bool + 'q {
        let verified = &mut self.verified;
        move |digest| {
            if verified.contains(digest) {
                return true;
            }
            let there = store.has(digest) && store.verified_path(digest).is_ok();
            if there {
                verified.insert(*digest);
            }
            there
        }
    }
}
