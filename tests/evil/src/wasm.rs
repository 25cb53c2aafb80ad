//! The exports, written against the raw bindings: the SDK would not let them be this wrong.

use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};

use stratagem_sdk::prelude::*;
use stratagem_sdk::wasm::Component;
use stratagem_sdk::wasm::bindings::exports::stratagem::strategy::guest as wit;
use stratagem_sdk::wasm::bindings::stratagem::strategy::types;

use crate::{Greeter, Misbehave, ambient};

type Good = Component<Greeter>;

const HUGE_BYTES: usize = 32 << 20;

struct Evil;

impl wit::Guest for Evil {
    fn describe() -> wit::Description {
        if cfg!(feature = "trap-in-describe") {
            std::process::abort();
        }
        let mut description = <Good as wit::Guest>::describe();
        if cfg!(feature = "huge-description") {
            description.summary.english = "x".repeat(HUGE_BYTES);
        }
        description
    }

    fn configure(parameters: Vec<wit::Value>) -> Result<wit::Plan, Vec<wit::ParameterError>> {
        let misbehave = misbehaviour(&parameters);
        let mut plan = <Good as wit::Guest>::configure(parameters)?;
        match misbehave {
            Misbehave::SpinInConfigure => spin(),
            Misbehave::TrapInConfigure => std::process::abort(),
            Misbehave::RefuseInConfigure => {
                let (parameter, message) = ("misbehave".into(), "refused, as you wished".into());
                return Err(vec![wit::ParameterError { parameter, message }]);
            }
            Misbehave::HugePlan => plan.actions[0].content = "x".repeat(HUGE_BYTES),
            Misbehave::ManyColumns => plan.columns = vec![plan.columns[0].clone(); 1_000],
            _ => {}
        }
        Ok(plan)
    }

    fn evaluate(batch: wit::Batch) -> Result<wit::Output, wit::Failure> {
        // For what the SDK sets up on the way: a panic is logged before it traps.
        drop(black_box(<Good as wit::Guest>::describe()));
        if let [.., types::Value::Boolean(true)] = batch.parameters.as_slice() {
            // Only the frequent are greeted: nothing to break.
            return <Good as wit::Guest>::evaluate(batch);
        }
        match misbehaviour(&batch.parameters) {
            Misbehave::Spin => spin(),
            Misbehave::Recurse => drop(black_box(recurse(black_box(0)))),
            Misbehave::GrowTo4Gib => grow(),
            Misbehave::Panic => panic!("a panic, as you wished"),
            Misbehave::Trap => std::process::abort(),
            Misbehave::Refuse => return Err(failure("refused, as you wished")),
            Misbehave::HugeFailure => return Err(failure(&"x".repeat(HUGE_BYTES))),
            Misbehave::FloodLog => flood_log(),
            misbehave => {
                ambient::reach(misbehave, batch.now).map_err(|what| failure(&format!("escaped: {what}")))?;
                return Ok(answer(misbehave, &batch));
            }
        }
        Ok(answer(Misbehave::None, &batch))
    }
}

fn misbehaviour(parameters: &[wit::Value]) -> Misbehave {
    match parameters {
        [types::Value::Text(word), ..] => Misbehave::from_word(word).unwrap_or(Misbehave::None),
        _ => Misbehave::None,
    }
}

fn failure(message: &str) -> wit::Failure {
    wit::Failure { message: message.into() }
}

/// Greets every row, with every list at its full length, and then breaks it.
fn answer(misbehave: Misbehave, batch: &wit::Batch) -> wit::Output {
    let rows = batch.rows as usize;
    let mut output = wit::Output {
        rows: (0..batch.rows).collect(),
        actions: vec![0; rows],
        items: vec![7; rows],
        scores: vec![1; rows],
        times: vec![batch.now; rows],
        wakes: vec![NEVER; rows],
    };
    match misbehave {
        Misbehave::WrongLengthRows => output.rows.push(0),
        Misbehave::WrongLengthActions => output.actions.push(0),
        Misbehave::WrongLengthItems => output.items.push(8),
        Misbehave::WrongLengthScores => output.scores.push(1),
        Misbehave::WrongLengthTimes => output.times.push(batch.now),
        Misbehave::WrongLengthWakes => output.wakes.push(NEVER),
        Misbehave::RowOutOfRange => output.rows[0] = batch.rows,
        Misbehave::Duplicate => add_for_first_row(&mut output, 7, batch.now),
        Misbehave::UnknownAction => output.actions[0] = 2,
        Misbehave::ZeroScore => output.scores[0] = 0,
        Misbehave::NegativeScore => output.scores[0] = i64::MIN,
        Misbehave::TimeInThePast => output.times[0] = batch.now - 1,
        Misbehave::TimeTooLate => output.times[0] = batch.now + DAY_MS,
        Misbehave::TooManyProposals => {
            (0..16 * batch.rows).for_each(|i| add_for_first_row(&mut output, 8 + i, batch.now))
        }
        Misbehave::HugeOutput => {
            output = wit::Output { rows: vec![0; 16 << 20], actions: vec![0; 16 << 20], ..empty() };
        }
        Misbehave::Remember => {
            static CALLS: AtomicU32 = AtomicU32::new(0);
            if CALLS.fetch_add(1, Ordering::Relaxed) % 2 == 1 {
                output = empty();
            }
        }
        Misbehave::DependOnBatch => output = wit::Output { rows: vec![0], actions: vec![0], ..empty() },
        Misbehave::Random => output.items.fill(ambient::random() as u32),
        _ => {}
    }
    output
}

fn add_for_first_row(output: &mut wit::Output, item: u32, now: i64) {
    output.rows.push(0);
    output.actions.push(0);
    output.items.push(item);
    output.scores.push(1);
    output.times.push(now);
}

fn empty() -> wit::Output {
    wit::Output { rows: vec![], actions: vec![], items: vec![], scores: vec![], times: vec![], wakes: vec![] }
}

fn spin() -> ! {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

fn recurse(depth: u64) -> u64 {
    // Opaque to the compiler, which would make it a loop or see that it never ends.
    if black_box(depth) == u64::MAX { depth } else { recurse(depth + 1) + black_box(1) }
}

fn grow() {
    let mut hoard = vec![];
    while hoard.len() < 64 {
        hoard.push(black_box(vec![1_u8; 64 << 20]));
    }
}

fn flood_log() {
    let line = "x".repeat(64 << 10);
    for _ in 0..1_024 {
        log::info(&line);
    }
}

stratagem_sdk::wasm::bindings::export_guest!(Evil with_types_in stratagem_sdk::wasm::bindings);
