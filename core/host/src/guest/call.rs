//! Calls an item and looks at everything that it may have done.
use super::context::{Context, HOST};
use super::memory::Guarded;
use super::outputs::{Block, Poison, compare, ranges};
use super::problem::RunInputs;
use super::process_state::ProcessState;
use super::{disturb, fault, load, rounds};
use crate::{
    Services,
    supervisor::progress::{Page, Phase},
};
use jackpot_abi as abi;
use jackpot_protocol::{Batches, Failure, Kind, Output, PluginJob, RAW};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

/// How many images one call is given. The second run of a row-wise check cuts them elsewhere.
const BLOCK: usize = 1024;
/// A prime: rows that a check mixes in groups (pairs, threes, fours) are cut apart.
const OTHER_BLOCK: usize = 769;

/// Which call of how many, and what it is to reach.
pub(super) struct Round {
    pub(super) index: u32,
    pub(super) keep: f64,
    pub(super) keep_count: u64,
    pub(super) key: abi::jkp_key,
}

/// Runs the item (in rounds, or twice where a second look is needed), writes the raw outputs,
/// and returns what the run used.
pub(super) fn call(
    folder: &Path,
    page: &'static Page,
    job: &PluginJob,
    problem: &'static RunInputs,
    item: &'static abi::jkp_item,
    services: Option<Box<dyn Services>>,
) -> Result<Value, Failure> {
    let context: &'static Context = Box::leak(Box::new(Context {
        page,
        problem,
        item: job.item.clone(),
        access: job.access,
        round: AtomicU32::new(0),
        rounds: job.rounds.as_ref().map_or(1, |r| r.count),
        services: RefCell::new(services),
        used: RefCell::default(),
        given_rows: matches!(job.batches, Some(Batches::Given { .. })).then_some(job.rows),
        batches: RefCell::default(),
        refused: RefCell::default(),
        service_error: RefCell::default(),
        over_budget: Cell::new(None),
        service_lacked_memory: Cell::new(false),
        budget: Cell::new(job.limits.scratch),
        scratch: RefCell::default(),
        thread: std::thread::current().id(),
        called_off_thread: AtomicBool::new(false),
        process_state: RefCell::new(ProcessState::now()),
        runs: [lent_run()?, lent_run()?].map(RefCell::new),
        calls: Cell::new(0),
    }));
    let (raw, kept) = match &job.rounds {
        Some(rounds) => rounds::run(folder, context, job, rounds, item)?,
        None => (once(context, job, item)?, Vec::new()),
    };
    std::fs::write(folder.join(RAW), &raw)
        .map_err(|e| Failure::new("error", format!("`{RAW}`: {e}")))?;
    let used: Vec<String> = context.used.borrow().iter().cloned().collect();
    let batches = context.batches.borrow().clone();
    Ok(json!({ "services": used, "batches": batches, "kept": kept }))
}

/// The outputs of an item that is asked once.
fn once(
    context: &'static Context,
    job: &PluginJob,
    item: &abi::jkp_item,
) -> Result<Vec<u8>, Failure> {
    let raw = run_all(context, job, item, Poison::First, BLOCK)?;
    // Bytes of a check are cheap to make again; of images any byte is valid, so only two runs
    // with different poison tell what was written.
    let by_bytes = matches!(
        job.item.output,
        Output::Images | Output::Masks | Output::Labels | Output::Subset
    );
    if job.item.kind == Kind::Check && by_bytes {
        let rowwise = job.item.promises & abi::JKP_ROWWISE != 0;
        let block = if rowwise {
            other_block(input_rows(context.problem))
        } else {
            BLOCK
        };
        let again = run_all(context, job, item, Poison::Second, block)?;
        compare(&raw, &again, rowwise)?;
    }
    Ok(raw)
}

/// Rows a call of the second run: at least two calls if there are two rows, and no even
/// number of rows in the first, or a check that pairs rows by their index would pass.
fn other_block(rows: usize) -> usize {
    let half = rows.div_ceil(2);
    OTHER_BLOCK
        .min(half.saturating_sub(usize::from(half.is_multiple_of(2))))
        .max(1)
}

fn input_rows(problem: &RunInputs) -> usize {
    match &problem.input {
        super::problem::Input::Images(images) => images.rows(),
        _ => 1,
    }
}

fn run_all(
    context: &'static Context,
    job: &PluginJob,
    item: &abi::jkp_item,
    poison: Poison,
    block: usize,
) -> Result<Vec<u8>, Failure> {
    let problem = context.problem;
    let round = Round {
        index: 0,
        keep: job.keep,
        keep_count: problem.keep_count,
        key: problem.key,
    };
    let mut raw = Vec::new();
    for rows in ranges(job.item.output, problem, block) {
        let named = fault::mark();
        let block = Block::new(job, problem, rows, poison)?;
        watched(context, job, item, &block, poison, &round)?;
        block.append_to(&mut raw);
        fault::forget_after(named);
    }
    Ok(raw)
}

/// One call, and everything that it may have done.
pub(super) fn watched(
    context: &'static Context,
    job: &PluginJob,
    item: &abi::jkp_item,
    block: &Block,
    poison: Poison,
    round: &Round,
) -> Result<(), Failure> {
    let named = fault::mark();
    context.budget.set(job.limits.scratch);
    let outcome = invoke(context, item, block, round);
    let scratch = context.scratch.take();
    let overrun = block.check_canaries().and_then(|()| {
        scratch
            .iter()
            .try_for_each(|buffer| buffer.check_canaries())
    });
    // Damaged memory explains whatever else went wrong.
    overrun.and(outcome)?;
    fault::forget_after(named);
    block.check_written(job.item.output, poison)
}

/// Calls the item once, and looks at what the call did to the process.
fn invoke(
    context: &'static Context,
    item: &abi::jkp_item,
    block: &Block,
    round: &Round,
) -> Result<(), Failure> {
    let problem = context.problem;
    let all = |t: Option<&[*const abi::jkp_tensor]>| t.map_or(std::ptr::null(), |t| t.as_ptr());
    let run = abi::jkp_run {
        struct_size: size_of::<abi::jkp_run>() as u64,
        host: &HOST.0,
        host_ctx: std::ptr::from_ref(context).cast_mut().cast(),
        params: problem.params.as_ptr(),
        masks: problem.masks.as_ptr(),
        r#in: all(block.input),
        out: block.out.as_ptr(),
        n: problem.network.layers.len() as u64,
        n_out: block.out.len() as u64,
        config: problem.config.as_ptr(),
        n_config: problem.config.len() as u64,
        keep: round.keep,
        round: round.index,
        rounds: context.rounds,
        first_row: block.first_row,
        key: round.key,
        task: problem.task,
        donor: all(problem.donor),
        r#ref: all(problem.reference),
        keep_count: round.keep_count,
    };
    let mut error = abi::jkp_error::new();
    let function = item.run.expect("the table was checked");
    let (us, before) = (std::process::id(), load::float_control());
    // Two in turn, so that a pointer kept from the call before leads nowhere.
    let turn = context.calls.replace(context.calls.get() + 1);
    let mut page = context.runs[turn % 2].borrow_mut();
    // SAFETY: a struct without padding, and all of its bytes.
    let bytes = unsafe {
        std::slice::from_raw_parts((&raw const run).cast::<u8>(), size_of::<abi::jkp_run>())
    };
    page.rewrite(bytes)?;
    let lent: *const abi::jkp_run = page.pointer().cast();
    context.page.enter(Phase::Plugin);
    disturb::fill_stack();
    // SAFETY: the plugin's own code, which is what this process is for: every buffer is
    // guarded, and the supervisor sees whatever becomes of the process.
    let status = unsafe { function(lent, &mut error) };
    if std::process::id() != us {
        // The plugin forked and came back twice: only one of us is the worker.
        // SAFETY: ends this process at once, and runs nothing of the plugin's.
        unsafe { libc::_exit(1) };
    }
    context.page.enter(Phase::Host);
    page.forbid()?;
    let contract = |why| Failure::new("contract", why);
    load::check_float_control(before).map_err(contract)?;
    outcome(context, status, &error)?;
    context.process_state.borrow().check().map_err(contract)
}

/// A page for one call's `jkp_run`: read-only while the call lasts, out of reach afterwards.
fn lent_run() -> Result<Guarded, Failure> {
    let what = "a `jkp_run`, which lasts as long as its call".to_string();
    Guarded::read_only(&[0; size_of::<abi::jkp_run>()], what)
}

/// Whether the call succeeded, or why not. The return value takes precedence over `error.code`.
fn outcome(
    context: &Context,
    status: abi::jkp_status,
    error: &abi::jkp_error,
) -> Result<(), Failure> {
    if context.called_off_thread.load(Relaxed) {
        let why = "called a function of the run thread (`service`, `scratch`, `tensors`, or one of \
                   `jackpot.autodiff/1`) on another thread";
        return Err(Failure::new("contract", why));
    }
    if let Some(refused) = context.refused.take() {
        return Err(Failure::new("contract", refused));
    }
    let (kind, name) = match status {
        abi::JKP_OK => return Ok(()),
        abi::JKP_E_INVALID => ("invalid", "JKP_E_INVALID"),
        abi::JKP_E_UNSUPPORTED => ("error", "JKP_E_UNSUPPORTED"),
        abi::JKP_E_CANCELLED => ("error", "JKP_E_CANCELLED"),
        abi::JKP_E_NOMEM => ("memory", "JKP_E_NOMEM"),
        abi::JKP_E_NUMERIC => ("numeric", "JKP_E_NUMERIC"),
        abi::JKP_E_INTERNAL => ("error", "JKP_E_INTERNAL"),
        abi::JKP_E_PANIC => ("panic", "JKP_E_PANIC"),
        other => {
            return Err(Failure::new(
                "contract",
                format!("returned {other}, which is no status"),
            ));
        }
    };
    let said = error.text();
    let mut message = if said.is_empty() {
        format!("returned {name} without a message")
    } else {
        format!("returned {name}: {said}")
    };
    let refused_scratch = context.over_budget.get();
    if let Some((asked, left)) = refused_scratch {
        message +=
            &format!("; it had asked for {asked} bytes of scratch with {left} left of its budget");
    }
    if let Some(service_error) = context.service_error.take()
        && !said.contains(&service_error)
    {
        message += &format!("; a host service had said: {service_error}");
    }
    // Whoever passes on a lack of memory by another status lacks it all the same.
    let passed_on = matches!(status, abi::JKP_E_INTERNAL | abi::JKP_E_PANIC);
    let lacked = refused_scratch.is_some() || context.service_lacked_memory.get();
    let kind = if passed_on && lacked { "memory" } else { kind };
    // Within the budget it is the process that had no more.
    let over_scratch =
        kind == "memory" && refused_scratch.is_some_and(|(asked, left)| asked > left);
    Err(Failure {
        over_scratch,
        ..Failure::new(kind, message)
    })
}
