//! What is loaded and what is refused, compiled code kept on disk, and the limits at work.

use std::fs;
use std::path::{Path, PathBuf};

use stratagem_e2e::{component, configured_on, decisions, engine, generated};
use stratagem_gates::Policy;
use stratagem_model::column::{Batch, Column, ColumnKind};
use stratagem_model::{Reason, Time};
use stratagem_record::FailureCount;
use stratagem_replay::{Backtest, RunResult};
use stratagem_runtime::{
    Cache, Configured, Engine, EngineOptions, Evaluator, Instances, Interruption, Limits, LoadError,
};
use stratagem_store::generate::Spec;

fn bytes(name: &str) -> Vec<u8> {
    fs::read(component(name)).unwrap()
}

/// A component with each text replaced by another of the same length.
fn patched(name: &str, replacements: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = bytes(name);
    for (from, to) in replacements {
        assert_eq!(from.len(), to.len(), "another length would break the component");
        let starts: Vec<_> =
            (0..bytes.len()).filter(|start| bytes[*start..].starts_with(from.as_bytes())).collect();
        assert!(!starts.is_empty(), "`{name}` has no {from:?}");
        starts.iter().for_each(|start| bytes[*start..*start + to.len()].copy_from_slice(to.as_bytes()));
    }
    bytes
}

/// A component that exports an empty instance as the guest, around these definitions.
fn wat(definitions: &str) -> Vec<u8> {
    let guest = r#"(instance $guest) (export "stratagem:strategy/guest@1.0.0" (instance $guest))"#;
    wat::parse_str(format!("(component {definitions} {guest})")).unwrap()
}

#[test]
fn what_is_no_strategy_is_refused_with_what_to_do() {
    let small = Limits { component_bytes: 1_000, ..Limits::default() };
    let engine = engine(EngineOptions::default());
    let strict = stratagem_e2e::engine(EngineOptions { limits: small, ..EngineOptions::default() });
    let recall = bytes("recall-waves");
    let other_contract: Vec<_> = ["guest", "log", "types"]
        .map(|interface| (format!("{interface}@1.0.0"), format!("{interface}@2.0.0")))
        .into();
    let other_contract: Vec<_> =
        other_contract.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let http = r#"(import "wasi:http/outgoing-handler@0.2.0" (instance))"#;
    let newer_wasi = r#"(import "wasi:cli/environment@0.3.0" (instance))"#;
    #[rustfmt::skip]
    let cases = [
        // name              engine   bytes                                              message                    hint
        ("nothing",          &engine, vec![],                                            "this is not a WebAssembly component", "strategy build"),
        ("garbage",          &engine, b"customer,order,time".to_vec(),                   "this is not a WebAssembly component", "strategy build"),
        ("cut short",        &engine, recall[..recall.len() / 2].to_vec(),               "this is not a WebAssembly component", "strategy build"),
        ("core module",      &engine, b"\0asm\x01\0\0\0".to_vec(),                       "this is a core module", "wraps it as a component"),
        ("empty component",  &engine, b"\0asm\x0d\0\x01\0".to_vec(),                     "exports no `stratagem:strategy/guest`", "strategy build"),
        ("too large",        &strict, recall.clone(),                                    "bytes, at most 1000 are allowed", "debug information"),
        ("other contract",   &engine, patched("recall-waves", &other_contract),          "speaks contract 2.0.0, this host speaks 1.0.0", "SDK of this host"),
        ("other guest",      &engine, patched("recall-waves", &[("guest@1.0.0", "guest@1.1.0")]), "speaks contract 1.1.0", "SDK of this host"),
        ("network",          &engine, wat(http),                                         "imports `wasi:http/outgoing-handler@0.2.0`", "may only log"),
        ("newer WASI",       &engine, wat(newer_wasi),                                   "imports `wasi:cli/environment@0.3.0`", "may only log"),
        ("home call",        &engine, wat(r#"(import "evil:call/home" (func))"#),        "imports `evil:call/home`", "may only log"),
        ("bare function",    &engine, wat(r#"(import "home" (func))"#),                  "imports `home`", "may only log"),
        ("no memory",        &engine, wat(""),                                           "0 memories", "multi-memory"),
        ("two memories",     &engine, wat("(core module (memory 1) (memory 1))"),        "2 memories", "multi-memory"),
        ("nested memory",    &engine, wat("(core module (memory 1)) (component (core module (memory 1)))"), "2 memories", "multi-memory"),
        ("shared memory",    &engine, wat("(core module (memory 1 1 shared))"),          "shared memory", "threads"),
        ("empty guest",      &engine, wat("(core module (memory 1))"),                   "cannot compile the strategy", "SDK of this host"),
        ("trap in describe", &engine, bytes("evil-describe"),                            "`describe` failed: ", "strategy check"),
    ];
    for (name, engine, bytes, message, hint) in cases {
        let Err(error) = engine.load(&bytes) else { panic!("{name} was loaded") };
        assert!(error.to_string().contains(message), "{name}: {error}");
        assert!(error.hint().is_some_and(|said| said.contains(hint)), "{name}: {:?}", error.hint());
    }
    // The engine is as good as new.
    assert_eq!(engine.load(&recall).unwrap().description().name, "recall-waves");
}

#[test]
fn a_failing_describe_is_typed() {
    let error = engine(EngineOptions::default()).load(&bytes("evil-describe")).unwrap_err();
    let LoadError::Describe(failure) = error else { panic!("{error}") };
    assert_eq!(failure.reason, Reason::Trapped);
}

#[test]
fn a_huge_description_is_refused_in_a_short_message() {
    let error = engine(EngineOptions::default()).load(&bytes("evil-huge")).unwrap_err();
    let LoadError::BadDescription(problem) = error else { panic!("{error}") };
    assert!(problem.starts_with("`summary` has ") && problem.len() < 100, "{problem}");
}

fn cached(dir: &Path, interruption: Interruption) -> Engine {
    let cache = Some(Cache::open(dir).unwrap());
    engine(EngineOptions { interruption, cache, ..EngineOptions::default() })
}

fn compiled(dir: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "cwasm")).collect()
}

#[test]
fn compiled_code_is_kept_and_only_what_this_cache_wrote_is_run() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let load = |dir: &Path| {
        let strategy = cached(dir, Interruption::default()).load(&bytes("evil")).unwrap();
        assert_eq!(strategy.description().name, "stratagem-evil");
        (strategy.was_cached(), strategy.digest())
    };
    let (was_cached, digest) = load(dir.path());
    assert!(!was_cached, "the cache was empty");
    assert_eq!(load(dir.path()), (true, digest), "another engine of the same settings finds it");

    let file = compiled(dir.path()).pop().unwrap();
    let good = fs::read(&file).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let damaged = [
        vec![],
        good[..good.len() / 2].to_vec(),
        flipped(0),
        flipped(good.len() / 2),
        flipped(good.len() - 1),
    ];
    for content in damaged {
        fs::write(&file, content).unwrap();
        assert_eq!(load(dir.path()), (false, digest), "what is damaged is compiled again");
        assert_eq!(load(dir.path()), (true, digest), "and replaced");
    }

    load(other.path());
    let foreign = compiled(other.path()).pop().unwrap();
    assert_eq!(foreign.file_name(), file.file_name(), "the same component and engine, under another key");
    fs::copy(foreign, &file).unwrap();
    assert!(!load(dir.path()).0, "another key's code is not run");
}

#[test]
fn compiled_code_stands_in_for_no_other_strategy_or_engine() {
    let dir = tempfile::tempdir().unwrap();
    let load = |name: &str, interruption| cached(dir.path(), interruption).load(&bytes(name)).unwrap();
    load("evil", Interruption::default());
    let evil = compiled(dir.path()).pop().unwrap();
    assert!(!load("recall-waves", Interruption::default()).was_cached());
    let recall = compiled(dir.path()).into_iter().find(|path| *path != evil).unwrap();
    fs::copy(&evil, &recall).unwrap();
    let again = load("recall-waves", Interruption::default());
    assert!(!again.was_cached() && again.description().name == "recall-waves", "evil's code under its name");
    assert!(!load("recall-waves", Interruption::Epoch).was_cached(), "code without fuel is other code");
    assert_eq!(compiled(dir.path()).len(), 3);
}

fn run(configured: &Configured) -> RunResult {
    let store = generated(&Spec { customers: 12, days: 40, orders_per_customer: 3.0, ..Spec::default() });
    let backtest = Backtest { threads: 1, retry_days: 30, ..Backtest::new(Policy::open()) };
    decisions(&store, configured, &backtest).1
}

#[test]
fn without_fuel_the_clock_ends_a_guest_that_never_returns() {
    let limits = Limits { deadline_ticks: 1, ..Limits::default() };
    let engine =
        engine(EngineOptions { interruption: Interruption::Epoch, limits, ..EngineOptions::default() });
    let result = run(&configured_on(&engine, "evil", &[("misbehave", "spin")]));
    assert_eq!(result.failures.iter().map(|failure| failure.reason).collect::<Vec<_>>(), [Reason::TimedOut]);
    assert!(result.evaluations > 5 && result.receipt.decisions == result.evaluations, "{result:?}");
    assert_eq!(result.fuel, 0);
}

#[test]
fn fuel_grows_with_the_rows_and_is_spent_to_the_unit() {
    let limits = Limits { fuel_base: 1_000_000, fuel_per_row: 10_000, ..Limits::default() };
    let engine =
        engine(EngineOptions { interruption: Interruption::Fuel, limits, ..EngineOptions::default() });
    let result = run(&configured_on(&engine, "evil", &[("misbehave", "spin")]));
    assert_eq!(result.failures.iter().map(|failure| failure.reason).collect::<Vec<_>>(), [Reason::OutOfFuel]);
    let armed = 1_000_000 * result.batches + 10_000 * result.evaluations;
    assert!(
        result.fuel <= armed && armed - result.fuel < 1_000 * result.batches,
        "{} of {armed}",
        result.fuel
    );
}

/// The most memory this process ever used, bytes.
#[cfg(target_os = "linux")]
fn peak_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
}

#[cfg(target_os = "linux")]
#[test]
fn a_greedy_guest_takes_no_more_of_the_host_than_its_limit_and_an_answer() {
    // Fuel for all they want, so that it is the other limits that hold.
    let limits = Limits { fuel_base: 10_000_000_000, ..Limits::default() };
    let engine = engine(EngineOptions { limits, ..EngineOptions::default() });
    let cases = [
        ("grow-to-4-gib", Reason::OutOfMemory, "at most 268435456 are allowed"),
        ("huge-output", Reason::BrokenOutput, "16777216 proposals for"),
        ("huge-failure", Reason::Refused, "xxxxxxxx"),
    ];
    for (word, reason, text) in cases {
        let configured = configured_on(&engine, "evil", &[("misbehave", word)]);
        let before = peak_bytes();
        let result = run(&configured);
        let is_as_told =
            |f: &FailureCount| f.reason == reason && f.message.contains(text) && f.message.len() <= 2_000;
        assert!(
            !result.failures.is_empty() && result.failures.iter().all(is_as_told),
            "{word}: {:?}",
            result.failures
        );
        let (used, most) = (peak_bytes() - before, (limits.memory_bytes + 2 * limits.hostcall_bytes) as u64);
        assert!(used < most, "{word} took {used} bytes, {most} are enough");
    }
}

#[test]
fn a_guest_that_floods_the_log_runs_out_of_fuel_without_a_clock() {
    let limits = Limits { hostcall_bytes: 1 << 20, ..Limits::default() };
    let engine =
        engine(EngineOptions { limits, interruption: Interruption::Fuel, ..EngineOptions::default() });
    let result = run(&configured_on(&engine, "evil", &[("misbehave", "flood-log")]));
    assert!(!result.failures.is_empty());
    assert!(result.failures.iter().all(|f| f.reason == Reason::OutOfFuel), "{:?}", result.failures);
}

#[test]
fn a_talkative_guest_does_not_fill_the_host() {
    let engine = engine(EngineOptions::default());
    let configured = configured_on(&engine, "evil", &[("misbehave", "flood-log")]);
    let mut evaluator = Evaluator::new(&configured, Instances::Warm);
    let mut columns = [Column::flat(ColumnKind::S64), Column::ragged(ColumnKind::S64)];
    for _ in 0..4 {
        columns[0].push_s64(Some(0));
        columns[1].end_row();
    }
    for hour in 0..20 {
        let now = Time(hour * 3_600_000);
        let (parameters, references) = (configured.values(), &[][..]);
        let batch = Batch { now, utc_offset_ms: 0, parameters, rows: 4, columns: &columns, references };
        assert_eq!(evaluator.evaluate(&batch).unwrap().proposals.len(), 4);
    }
    let log = evaluator.take_log();
    assert!(!log.is_empty() && log.len() <= 100, "{} lines", log.len());
    assert!(log.iter().all(|line| line.message.len() <= 1_000));
    assert_eq!(evaluator.take_log(), []);
}
