//! `jackpot.autodiff/1`: the server's [`Services`](crate::Services) behind C functions.
//!
//! Everything that a plugin passes is checked before it becomes a slice: sizes, shapes, types,
//! strides, and that what is written overlaps nothing else.
use super::spans::{Point, Refused, Tensors, disjoint, invalid, read, sized, views, views_mut};
use crate::guest::context::Context;
use crate::{ServiceError, Services, supervisor::progress::Phase};
use jackpot_abi as abi;
use jackpot_data::BatchSpec;
use jackpot_net::{Loss, Objective, ObjectiveInput};
use jackpot_rng::Key;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(in crate::guest) static AUTODIFF: abi::jkp_autodiff_1 = abi::jkp_autodiff_1 {
    struct_size: size_of::<abi::jkp_autodiff_1>() as u64,
    batches: Some(batches),
    loss: Some(loss),
    grad: Some(grad),
    hvp: Some(hvp),
};

/// Runs one service call: the clock stops for the plugin, panics stop here, errors are told.
///
/// # Safety
/// `run` is NULL or a run of this host; `error` is NULL or valid.
unsafe fn service(
    run: *const abi::jkp_run,
    error: *mut abi::jkp_error,
    name: &str,
    body: impl FnOnce(&Context, &mut dyn Services) -> Result<(), Refused>,
) -> abi::jkp_status {
    // SAFETY: the caller's.
    let Some(context) = (unsafe { Context::of(run) }) else {
        return abi::JKP_E_INVALID;
    };
    let counts = |s: &Option<Box<dyn Services>>| s.as_ref().is_some_and(|s| s.on_the_clock());
    let phase = if context.services.try_borrow().is_ok_and(|s| counts(&s)) {
        Phase::Plugin
    } else {
        Phase::Service
    };
    let before = context.page.enter(phase);
    let served = AssertUnwindSafe(|| {
        let mut services = context.services.borrow_mut();
        let Some(services) = services.as_deref_mut() else {
            return Err((
                abi::JKP_E_UNSUPPORTED,
                "this server has no autodiff".to_string(),
            ));
        };
        context
            .used
            .borrow_mut()
            .insert(format!("jackpot.autodiff/1 {name}"));
        body(context, services)
    });
    let outcome = context.run_host_code(|| catch_unwind(served));
    let outcome = outcome.unwrap_or_else(|panic| {
        Err((
            abi::JKP_E_INTERNAL,
            format!("the host panicked: {}", crate::guest::panic_text(&*panic)),
        ))
    });
    let status = match outcome {
        Ok(()) => abi::JKP_OK,
        Err((status, why)) => {
            let message = format!("{name}: {why}");
            // SAFETY: NULL or a caller's error by the contract.
            if let Some(error) = unsafe { error.as_mut() }
                && error.struct_size >= size_of::<abi::jkp_error>() as u64
            {
                error.set(status, &message);
            }
            if status == abi::JKP_E_NOMEM {
                context.service_lacked_memory.set(true);
            }
            context.service_error.borrow_mut().get_or_insert(message);
            status
        }
    };
    context.page.enter(before);
    status
}

fn failed(error: ServiceError) -> Refused {
    match error {
        ServiceError::Memory(message) => (abi::JKP_E_NOMEM, message),
        ServiceError::Failed(message) => (abi::JKP_E_INTERNAL, message),
    }
}

unsafe extern "C" fn batches(
    run: *const abi::jkp_run,
    spec: *const abi::jkp_batch_spec,
    handle: *mut u64,
    error: *mut abi::jkp_error,
) -> abi::jkp_status {
    let body = |context: &Context, services: &mut dyn Services| {
        // Batches are balanced by their labels.
        if !(context.declares(abi::JKP_NEEDS_INPUTS) && context.declares(abi::JKP_NEEDS_LABELS)) {
            let why = "it does not declare data (JKP_NEEDS_INPUTS and JKP_NEEDS_LABELS) and asked \
                       for a batch";
            context.refuse(why.to_string());
            return Err((abi::JKP_E_UNSUPPORTED, why.to_string()));
        }
        // SAFETY: NULL or a batch spec by the contract.
        let spec = unsafe { sized(spec, "jkp_batch_spec") }?;
        // SAFETY: NULL or a number of the plugin's.
        let Some(handle) = (unsafe { handle.as_mut() }) else {
            return invalid("`handle` is NULL");
        };
        let size = if spec.per_class == 0 {
            spec.batch_size
        } else {
            spec.per_class
        };
        if spec.n_batches == 0 || size == 0 || spec.augment > 1 || spec.shuffle > 1 {
            return invalid("expected at least one batch of at least one image; flags are 0 or 1");
        }
        if spec.parts == 0 {
            return invalid("`parts` is 0, expected at least 1: a whole batch is one part");
        }
        let spec = BatchSpec {
            key: Key(spec.key.w),
            n_batches: spec.n_batches,
            batch_size: spec.batch_size,
            per_class: spec.per_class,
            parts: spec.parts,
            augment: spec.augment == 1,
            shuffle: spec.shuffle == 1,
        };
        // Drawing rows computes nothing: what it refuses is what was asked for.
        let refused = |error| match error {
            ServiceError::Failed(why) => (abi::JKP_E_INVALID, why),
            memory @ ServiceError::Memory(_) => failed(memory),
        };
        *handle = services.batches(&spec).map_err(refused)?;
        context.batches.borrow_mut().push(record(context, &spec));
        Ok(())
    };
    // SAFETY: the caller's.
    unsafe { service(run, error, "batches", body) }
}

/// A request as the certificate keeps it. Of a batch given by hand every request gets all rows,
/// so what was asked of sampling is not claimed.
fn record(context: &Context, spec: &BatchSpec) -> serde_json::Value {
    if let Some(rows) = context.given_rows {
        return serde_json::json!({
            "given": true,
            "rows": rows.to_string(),
            "parts": spec.parts.to_string(),
        });
    }
    serde_json::json!({
        "key": spec.key.to_hex(),
        "n_batches": spec.n_batches.to_string(),
        "batch_size": spec.batch_size.to_string(),
        "per_class": spec.per_class.to_string(),
        "parts": spec.parts.to_string(),
        "augment": spec.augment,
        "shuffle": spec.shuffle,
    })
}

unsafe extern "C" fn loss(
    run: *const abi::jkp_run,
    objective: *const abi::jkp_objective,
    handle: u64,
    point: Tensors,
    out: *mut f64,
    error: *mut abi::jkp_error,
) -> abi::jkp_status {
    let body = |context: &Context, services: &mut dyn Services| {
        // SAFETY: NULL or what the contract says.
        let (objective, point) = unsafe {
            (
                read_objective(context, objective, handle)?,
                Point::read(context, point)?,
            )
        };
        if out.is_null() {
            return invalid("`out` is NULL");
        }
        let value = services
            .loss(&objective, handle, point.views().as_deref())
            .map_err(failed)?;
        // SAFETY: a number of the plugin's; the views of the point are gone, so it may lie there.
        unsafe { out.write(value) };
        Ok(())
    };
    // SAFETY: the caller's.
    unsafe { service(run, error, "loss", body) }
}

unsafe extern "C" fn grad(
    run: *const abi::jkp_run,
    objective: *const abi::jkp_objective,
    handle: u64,
    point: Tensors,
    out: Tensors,
    error: *mut abi::jkp_error,
) -> abi::jkp_status {
    let body = |context: &Context, services: &mut dyn Services| {
        // SAFETY: NULL or what the contract says.
        let (objective, point, out) = unsafe {
            (
                read_objective(context, objective, handle)?,
                Point::read(context, point)?,
                read(context, out, "out", true)?,
            )
        };
        disjoint(&out, &[&point.0])?;
        // SAFETY: checked just now: writable by the contract, disjoint, of these lengths.
        let mut views = unsafe { views_mut(&out) };
        services
            .grad(&objective, handle, point.views().as_deref(), &mut views)
            .map_err(failed)
    };
    // SAFETY: the caller's.
    unsafe { service(run, error, "grad", body) }
}

unsafe extern "C" fn hvp(
    run: *const abi::jkp_run,
    objective: *const abi::jkp_objective,
    handle: u64,
    point: Tensors,
    v: Tensors,
    out: Tensors,
    error: *mut abi::jkp_error,
) -> abi::jkp_status {
    let body = |context: &Context, services: &mut dyn Services| {
        if !context.declares(abi::JKP_NEEDS_HVP) {
            let why = "it does not declare JKP_NEEDS_HVP and asked for a Hessian-vector product";
            context.refuse(why.to_string());
            return Err((abi::JKP_E_UNSUPPORTED, why.to_string()));
        }
        // SAFETY: NULL or what the contract says.
        let (objective, point, vector, out) = unsafe {
            (
                read_objective(context, objective, handle)?,
                Point::read(context, point)?,
                read(context, v, "v", false)?,
                read(context, out, "out", true)?,
            )
        };
        disjoint(&out, &[&point.0, &Some(vector.clone())])?;
        // SAFETY: checked just now: valid by the contract, disjoint from what is written.
        let (vector, mut views) = unsafe { (views(&vector), views_mut(&out)) };
        services
            .hvp(
                &objective,
                handle,
                point.views().as_deref(),
                &vector,
                &mut views,
            )
            .map_err(failed)
    };
    // SAFETY: the caller's.
    unsafe { service(run, error, "hvp", body) }
}

/// # Safety
/// `objective` is NULL or an objective.
unsafe fn read_objective(
    context: &Context,
    objective: *const abi::jkp_objective,
    handle: u64,
) -> Result<Objective, Refused> {
    // SAFETY: the caller's.
    let o = unsafe { sized(objective, "jkp_objective") }?;
    let loss = match o.loss {
        abi::JKP_LOSS_CROSS_ENTROPY => Loss::CrossEntropy,
        abi::JKP_LOSS_SUM_LOGITS => Loss::SumLogits,
        other => return Err((abi::JKP_E_UNSUPPORTED, format!("unknown loss {other}"))),
    };
    let input = match o.input {
        abi::JKP_INPUT_DATA => ObjectiveInput::Data,
        abi::JKP_INPUT_ONES => ObjectiveInput::Ones,
        other => return Err((abi::JKP_E_UNSUPPORTED, format!("unknown input {other}"))),
    };
    match (input, loss, handle) {
        (ObjectiveInput::Data, _, 0) => {
            return invalid("images asked for, but handle 0 stands for no batch");
        }
        (ObjectiveInput::Ones, _, 1..) => {
            return invalid("an all-ones input has no batch: handle must be 0");
        }
        (ObjectiveInput::Ones, Loss::CrossEntropy, _) => {
            return invalid("an all-ones input has no label: use JKP_LOSS_SUM_LOGITS");
        }
        _ => {}
    }
    if loss == Loss::CrossEntropy && !context.declares(abi::JKP_NEEDS_LABELS) {
        let why = "it declares no labels (JKP_NEEDS_LABELS) and asked for the cross-entropy";
        context.refuse(why.to_string());
        return Err((abi::JKP_E_UNSUPPORTED, why.to_string()));
    }
    if !(o.temperature.is_finite() && o.temperature > 0.0) {
        return invalid(format!(
            "temperature: expected a number above 0, found {}",
            o.temperature
        ));
    }
    if o.train_mode > 1 || o.compute_f64 > 1 || o.abs_rest > 1 {
        return invalid("train_mode, compute_f64 and abs_rest are 0 or 1");
    }
    Ok(Objective {
        loss,
        input,
        train_mode: o.train_mode == 1,
        compute_f64: o.compute_f64 == 1,
        temperature: o.temperature,
        abs_rest: o.abs_rest == 1,
    })
}
