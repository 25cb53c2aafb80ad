//! Invariant 3: whatever a guest does, the host goes on, other strategies decide as before, and every row that was
//! asked has a decision.

use std::fmt::Write as _;

use stratagem_e2e::{component, configured_on, decisions, engine, generated};
use stratagem_gates::Policy;
use stratagem_model::decision::NO_ACTION;
use stratagem_model::parameter::ParameterType;
use stratagem_model::time::DAY_MS;
use stratagem_model::{Decision, Reason};
use stratagem_record::FailureCount;
use stratagem_replay::Backtest;
use stratagem_runtime::{ConfigureError, Configured, EngineOptions, Instances, Limits};
use stratagem_store::MemoryStore;
use stratagem_store::generate::Spec;

/// How a misbehaviour ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// It changes nothing: the decisions are those of a guest that behaves.
    Harmless,
    /// `configure` fails, and says this.
    Configure(&'static str),
    /// Every batch fails for this reason, and the message holds this text.
    Batches(Reason, &'static str),
    /// It breaks no rule that one batch can show: comparing batches of different sizes finds it.
    OtherBatches,
    /// It breaks no rule that one batch can show: comparing warm and fresh instances finds it.
    OtherInstances,
}

use End::{Batches, Configure, Harmless, OtherBatches, OtherInstances};
use Reason::{BrokenOutput, OutOfFuel, OutOfMemory, Refused, Trapped};

/// A rule to break, how it ends for a component without WASI, and how for one that links it.
#[rustfmt::skip]
const CASES: &[(&str, End, End)] = &[
    both("none",                 Harmless),
    both("spin",                 Batches(OutOfFuel, "all fuel consumed")),
    both("spin-in-configure",    Configure("all fuel consumed")),
    both("recurse",              Batches(Trapped, "call stack exhausted")),
    both("grow-to-4-gib",        Batches(OutOfMemory, "at most 25165824 are allowed")),
    both("panic",                Batches(Trapped, "a panic, as you wished")),
    both("trap",                 Batches(Trapped, "unreachable")),
    both("trap-in-configure",    Configure("unreachable")),
    both("refuse",               Batches(Refused, "refused, as you wished")),
    both("refuse-in-configure",  Configure("parameter `misbehave`: refused, as you wished")),
    both("wrong-length-rows",    Batches(BrokenOutput, "`actions` has")),
    both("wrong-length-actions", Batches(BrokenOutput, "`actions` has")),
    both("wrong-length-items",   Batches(BrokenOutput, "`items` has")),
    both("wrong-length-scores",  Batches(BrokenOutput, "`scores` has")),
    both("wrong-length-times",   Batches(BrokenOutput, "`times` has")),
    both("wrong-length-wakes",   Batches(BrokenOutput, "`wakes` has")),
    both("row-out-of-range",     Batches(BrokenOutput, "proposal 0 has row")),
    both("duplicate",            Batches(BrokenOutput, "row 0, action 0 and item 7 are proposed twice")),
    both("unknown-action",       Batches(BrokenOutput, "proposal 0 has action 2 of 2")),
    both("zero-score",           Batches(BrokenOutput, "proposal 0 has score 0")),
    both("negative-score",       Batches(BrokenOutput, "proposal 0 has score -9223372036854775808")),
    both("time-in-the-past",     Batches(BrokenOutput, "proposal 0 has time")),
    both("time-too-late",        Batches(BrokenOutput, "proposal 0 has time")),
    both("too-many-proposals",   Batches(BrokenOutput, "at most 16 a row")),
    both("huge-output",          Batches(OutOfMemory, "at most 25165824 are allowed")),
    both("huge-failure",         Batches(OutOfMemory, "at most 25165824 are allowed")),
    both("huge-plan",            Configure("at most 25165824 are allowed")),
    both("many-columns",         Configure("1000 columns, 0 to 64 are allowed")),
    both("flood-log",            Harmless),
    both("remember",             OtherInstances),
    both("depend-on-batch",      OtherBatches),
    // Without WASI the standard library has nothing to reach with: what cannot be refused traps.
    both("files",                Harmless),
    ("environment",              Batches(Trapped, "unreachable"), Harmless),
    both("network",              Harmless),
    ("clock",                    Batches(Trapped, "time not implemented"), Harmless),
    both("random",               OtherInstances),
    ("sleep",                    Batches(Trapped, "can't sleep"), Batches(Trapped, "a strategy cannot wait")),
    both("thread",               Harmless),
    both("print",                Harmless),
    ("exit",                     Batches(Trapped, "unreachable"), Batches(Trapped, "Exited with i32 exit status 0")),
];

const fn both(word: &'static str, end: End) -> (&'static str, End, End) {
    (word, end, end)
}

/// Limits that end a runaway guest soon, also without optimisation.
fn small() -> Limits {
    Limits { fuel_base: 20_000_000, fuel_per_row: 1_000, memory_bytes: 24 << 20, ..Limits::default() }
}

fn options() -> EngineOptions {
    EngineOptions { limits: small(), ..EngineOptions::default() }
}

fn store() -> MemoryStore {
    generated(&Spec { customers: 30, days: 60, orders_per_customer: 3.0, ..Spec::default() })
}

fn backtest() -> Backtest {
    Backtest { threads: 1, retry_days: 3, ..Backtest::new(Policy::open()) }
}

/// What a run left behind.
#[derive(Debug, PartialEq, Eq)]
struct Trace {
    decisions: Vec<Decision>,
    failures: Vec<FailureCount>,
    digest: String,
    evaluations: u64,
}

fn trace(store: &MemoryStore, configured: &Configured, backtest: &Backtest) -> Trace {
    let (decisions, result) = decisions(store, configured, backtest);
    Trace {
        decisions,
        failures: result.failures,
        digest: result.receipt.decisions_digest,
        evaluations: result.evaluations,
    }
}

fn every_case_ends_as_it_should(guest: &str, end_of: impl Fn(&(&'static str, End, End)) -> End) {
    let (engine, store) = (engine(options()), store());
    let bystander = configured_on(&engine, "recall-waves", &[("silence-days", "7")]);
    let undisturbed = trace(&store, &bystander, &backtest());
    assert!(undisturbed.decisions.len() > 10, "{} decisions are too few", undisturbed.decisions.len());
    let evil = engine.load_file(&component(guest)).unwrap();
    let behaved = trace(&store, &evil.configure(&[]).unwrap(), &backtest());
    assert_eq!(behaved.failures, []);
    let mut wrong = String::new();
    for case in CASES {
        for fallback in [true, false] {
            let settings = [("misbehave", case.0.to_owned()), ("fallback", fallback.to_string())];
            let configured = evil.configure(&settings.map(|(name, value)| (name.to_owned(), value)));
            if let Err(what) = check(&store, configured, end_of(case), &behaved) {
                writeln!(wrong, "{guest} {} with fallback {fallback}: {what}", case.0).unwrap();
            }
        }
        assert_eq!(
            trace(&store, &bystander, &backtest()),
            undisturbed,
            "another strategy after `{}`",
            case.0
        );
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

fn check(
    store: &MemoryStore,
    configured: Result<Configured, ConfigureError>,
    end: End,
    behaved: &Trace,
) -> Result<(), String> {
    if let Configure(text) = end {
        let said = configured.map(drop).map_err(|error| error.to_string());
        return match &said {
            Err(error) if error.contains(text) && error.len() < 3_000 => Ok(()),
            _ => Err(format!("{said:?}, not {text:?}")),
        };
    }
    let configured = configured.map_err(|error| error.to_string())?;
    let run = |backtest: Backtest| trace(store, &configured, &backtest);
    let differs = |backtest: Backtest, from: &Trace| run(backtest).digest != from.digest;
    let first = run(backtest());
    if run(backtest()) != first {
        return Err("a second run differs".into());
    }
    match end {
        Harmless if first.digest == behaved.digest && first.failures.is_empty() => Ok(()),
        Batches(reason, text) => each_row_fell_back(&first, reason, text, configured.plan().fallback),
        OtherBatches if differs(Backtest { batch_rows: 1, ..backtest() }, &first) => Ok(()),
        OtherInstances if differs(Backtest { instances: Instances::Warm, ..backtest() }, &first) => Ok(()),
        end => Err(format!("{:?} and {} decisions, not {end:?}", first.failures, first.decisions.len())),
    }
}

/// No gap: as many decisions as rows were asked, each with the reason, also where there is nothing to fall back on.
fn each_row_fell_back(run: &Trace, reason: Reason, text: &str, fallback: Option<u32>) -> Result<(), String> {
    let action = fallback.unwrap_or(NO_ACTION);
    let failed_rows: u64 = run.failures.iter().map(|failure| failure.rows).sum();
    let is_wrong = |d: &&Decision| d.reason != reason || d.action != action;
    let is_expected =
        |f: &&FailureCount| f.reason == reason && f.message.contains(text) && f.message.len() <= 2_000;
    if let Some(wrong) = run.failures.iter().find(|failure| !is_expected(failure)) {
        return Err(format!("{:?} {:.200}, not {reason:?} {text:?}", wrong.reason, wrong.message));
    }
    if let Some(decision) = run.decisions.iter().find(is_wrong) {
        return Err(format!("{decision:?}"));
    }
    let (asked, decided) = (run.evaluations, run.decisions.len() as u64);
    if asked < 30 || decided != asked || failed_rows != asked {
        return Err(format!("{asked} rows asked, {decided} decisions, {failed_rows} failed rows"));
    }
    // Rows are asked again after a failure: the strategy is not dropped without a word.
    let (first, last) = (run.decisions[0].time, run.decisions[run.decisions.len() - 1].time);
    if last.0 - first.0 < 9 * DAY_MS { Err(format!("nothing after {last}")) } else { Ok(()) }
}

#[test]
fn a_plain_guest_cannot_hurt_the_host() {
    every_case_ends_as_it_should("evil", |case| case.1);
}

#[test]
fn a_guest_with_wasi_cannot_hurt_the_host_and_reaches_nothing() {
    every_case_ends_as_it_should("evil-wasi", |case| case.2);
}

#[test]
fn every_misbehaviour_is_a_case() {
    let strategy = engine(options()).load_file(&component("evil")).unwrap();
    let parameters = &strategy.description().parameters;
    let misbehave = parameters.iter().find(|parameter| parameter.name == "misbehave").unwrap();
    let ParameterType::Choice(words) = &misbehave.r#type else { panic!("{:?}", misbehave.r#type) };
    let listed: Vec<_> = CASES.iter().map(|(word, ..)| *word).collect();
    assert_eq!(listed, *words, "list the new misbehaviour in `CASES`");
}
