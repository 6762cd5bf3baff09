/*
 * kbs/rego/src/lib.rs - Rego policies behind a C ABI
 *
 * Policies come from the owner, input and reference values from guests and the
 * owner. Evaluation is bounded in time, its input by the caller, nesting by the
 * engine's parser; a panic becomes an error. ../rego.h says what each function
 * promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
use std::ffi::{c_char, c_int, CString};
use std::num::NonZeroU32;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use anyhow::{anyhow, bail, Result};
use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, Value};

/// Package that every policy must be of, as upstream's are.
const PACKAGE: &str = "data.policy";

/// How many steps pass between two looks at the clock.
const TIMER_STEPS: u32 = 64;

const OK: c_int = 0;
const FAILED: c_int = -1;

/// A policy, parsed and scheduled once.
pub struct Policy {
    engine: Engine,
    /// What query_reference_value() answers from; locked for a whole evaluation.
    references: Arc<Mutex<Value>>,
}

/// What query_reference_value(name) gives: the value, or null.
fn reference(values: &Value, params: &[Value]) -> Result<Value> {
    let [name] = params else {
        bail!("query_reference_value takes one argument");
    };
    name.as_string()
        .map_err(|_| anyhow!("query_reference_value takes a string"))?;
    match values.as_object() {
        Ok(members) => Ok(members.get(name).cloned().unwrap_or(Value::Null)),
        Err(_) => Ok(Value::Null),
    }
}

/// What query_reference_value() answers from, read once. The engine shares it among
/// evaluations, from whatever thread.
pub struct Values(Value);

fn parse(text: &str, limit_ms: u32) -> Result<Policy> {
    let mut engine = Engine::new();
    // print() in a policy must not write to the program's stderr.
    engine.set_gather_prints(true);
    engine.set_execution_timer_config(ExecutionTimerConfig {
        limit: Duration::from_millis(u64::from(limit_ms)),
        check_interval: NonZeroU32::new(TIMER_STEPS).unwrap_or(NonZeroU32::MIN),
    });

    let references = Arc::new(Mutex::new(Value::new_object()));
    let answers = Arc::clone(&references);
    engine.add_extension(
        "query_reference_value".to_string(),
        1,
        Box::new(move |params: Vec<Value>| {
            let values = match answers.lock() {
                Ok(values) => values.clone(),
                Err(_) => bail!("reference values are lost"),
            };
            reference(&values, &params)
        }),
    )?;

    engine.add_policy("policy.rego".to_string(), text.to_string())?;
    if !engine.get_packages()?.iter().any(|name| name == PACKAGE) {
        bail!("the policy must be of package policy");
    }
    // Schedules the rules, so that what cannot be evaluated is refused now. The
    // name is nobody's: only the preparation counts.
    match engine.eval_rule(format!("{PACKAGE}.no rule has this name")) {
        Err(err) if !is_no_rule(&err) => Err(err),
        _ => Ok(Policy { engine, references }),
    }
}

fn is_no_rule(err: &anyhow::Error) -> bool {
    err.to_string().contains("not a valid rule path")
}

/// Members: each rule of `rules` that exists and is defined.
fn evaluate(
    policy: &Policy,
    rules: &str,
    input: &str,
    data: Option<&str>,
    references: Option<&Values>,
) -> Result<String> {
    let mut engine = policy.engine.clone();

    if let Some(data) = data {
        engine.add_data_json(data)?;
    }
    engine.set_input_json(input)?;
    let values = match references {
        Some(Values(values)) => values.clone(),
        None => Value::new_object(),
    };
    *policy
        .references
        .lock()
        .map_err(|_| anyhow!("reference values are lost"))? = values;

    let mut members = Vec::new();
    for rule in rules.split(' ').filter(|rule| !rule.is_empty()) {
        match engine.eval_rule(format!("{PACKAGE}.{rule}")) {
            Ok(Value::Undefined) => {}
            Ok(value) => {
                let name = serde_json::to_string(rule)?;
                members.push(format!("{name}:{}", serde_json::to_string(&value)?));
            }
            Err(err) if is_no_rule(&err) => {}
            Err(err) => return Err(err),
        }
    }
    Ok(format!("{{{}}}", members.join(",")))
}

/// The caller's text; lengths are trusted, bytes are not.
///
/// # Safety
/// `text` must point to `len` readable bytes that outlive the result.
unsafe fn borrow<'a>(text: *const c_char, len: usize) -> Result<&'a str> {
    let bytes = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), len) };
    Ok(std::str::from_utf8(bytes)?)
}

/// # Safety
/// `text` must be NULL or point to `len` readable bytes that outlive the result.
unsafe fn borrow_opt<'a>(text: *const c_char, len: usize) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    Ok(Some(unsafe { borrow(text, len) }?))
}

/// NULL when there is a NUL inside: no text of ours has one.
fn give(text: String) -> *mut c_char {
    CString::new(text.replace('\0', " ")).map_or(std::ptr::null_mut(), CString::into_raw)
}

/// Where in a policy, the line, and what is wrong with it; not the picture of it.
fn on_one_line(why: &str) -> String {
    let lines = why.lines().map(str::trim);
    let told: Vec<&str> = lines
        .filter(|line| !line.is_empty() && !line.starts_with('|'))
        .collect();
    told.join(" ")
}

/// Runs `work`; what it says or a panic goes to `*error`.
fn guarded<T>(error: *mut *mut c_char, work: impl FnOnce() -> Result<T>) -> Option<T> {
    static SILENCE: Once = Once::new();
    // A library does not print: a panic is reported as an error, not on stderr.
    SILENCE.call_once(|| std::panic::set_hook(Box::new(|_| {})));

    let why = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => return Some(value),
        Ok(Err(err)) => on_one_line(&format!("{err:#}")),
        Err(_) => "the policy engine panicked".to_string(),
    };
    if !error.is_null() {
        // SAFETY: the caller gave a place for a pointer, or NULL.
        unsafe { *error = give(why) };
    }
    None
}

/// # Safety
/// As in rego.h: `text` has `len` bytes, `ret` and `error` are places for a pointer.
#[no_mangle]
pub unsafe extern "C" fn coco_rego_new(
    text: *const c_char,
    len: usize,
    limit_ms: u32,
    ret: *mut *mut Policy,
    error: *mut *mut c_char,
) -> c_int {
    match guarded(error, || parse(unsafe { borrow(text, len) }?, limit_ms)) {
        Some(policy) => {
            unsafe { *ret = Box::into_raw(Box::new(policy)) };
            OK
        }
        None => FAILED,
    }
}

/// What an evaluation is given; the same structure as in rego.h.
#[repr(C)]
pub struct Question {
    rules: *const c_char,
    rules_len: usize,
    input: *const c_char,
    input_len: usize,
    data: *const c_char,
    data_len: usize,
    references: *const Values,
}

/// # Safety
/// As in rego.h: `policy` is from coco_rego_new(), no other thread evaluates it.
#[no_mangle]
pub unsafe extern "C" fn coco_rego_eval(
    policy: *const Policy,
    question: *const Question,
    ret: *mut *mut c_char,
    error: *mut *mut c_char,
) -> c_int {
    let answer = guarded(error, || {
        let policy = unsafe { &*policy };
        let q = unsafe { &*question };
        evaluate(
            policy,
            unsafe { borrow(q.rules, q.rules_len) }?,
            unsafe { borrow(q.input, q.input_len) }?,
            unsafe { borrow_opt(q.data, q.data_len) }?,
            unsafe { q.references.as_ref() },
        )
    });
    match answer {
        Some(text) => {
            unsafe { *ret = give(text) };
            OK
        }
        None => FAILED,
    }
}

/// # Safety
/// `policy` is NULL or from coco_rego_new() and not used again.
#[no_mangle]
pub unsafe extern "C" fn coco_rego_free(policy: *mut Policy) {
    if !policy.is_null() {
        let _ = catch_unwind(AssertUnwindSafe(|| drop(unsafe { Box::from_raw(policy) })));
    }
}

/// # Safety
/// As in rego.h: `text` has `len` bytes, `ret` and `error` are places for a pointer.
#[no_mangle]
pub unsafe extern "C" fn coco_rego_values_new(
    text: *const c_char,
    len: usize,
    ret: *mut *mut Values,
    error: *mut *mut c_char,
) -> c_int {
    match guarded(error, || Value::from_json_str(unsafe { borrow(text, len) }?)) {
        Some(values) => {
            unsafe { *ret = Box::into_raw(Box::new(Values(values))) };
            OK
        }
        None => FAILED,
    }
}

/// # Safety
/// `values` is NULL or from coco_rego_values_new() and not used again.
#[no_mangle]
pub unsafe extern "C" fn coco_rego_values_free(values: *mut Values) {
    if !values.is_null() {
        let _ = catch_unwind(AssertUnwindSafe(|| drop(unsafe { Box::from_raw(values) })));
    }
}

/// # Safety
/// `text` is NULL or was given by a function of this file and is not used again.
#[no_mangle]
pub unsafe extern "C" fn coco_rego_text_free(text: *mut c_char) {
    if !text.is_null() {
        drop(unsafe { CString::from_raw(text) });
    }
}
