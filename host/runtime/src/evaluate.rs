//! Calling a guest: an instance, its bounds for the call, and checking what comes back.

use std::fmt;

use stratagem_model::column::{Output, Proposal};
use stratagem_model::time::{DAY_MS, Time};
use stratagem_model::{Batch, NO_ITEM, Reason};
use wasmtime::{Store, Trap};

use crate::bindings::exports::stratagem::strategy::guest::Guest as Exports;
use crate::bindings::stratagem::strategy::types;
use crate::bindings::{self, StrategyPre};
use crate::convert;
use crate::engine::{Engine, Limits};
use crate::error::Failure;
use crate::inspect::Shape;
use crate::load::{Configured, LogLine};
use crate::state::{HostState, truncated};

/// Proposals a row on average; the contract promises this number.
const PROPOSALS_PER_ROW: usize = 16;
/// Bytes recorded of why a strategy failed; the contract promises this number.
pub(crate) const MESSAGE_BYTES: usize = 2_000;
/// Different log lines kept between two [`Evaluator::take_log`]: a talkative guest must not fill the host's memory.
const LOG_LINES: usize = 100;

/// Whether each batch gets an instance of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Instances {
    /// A new one for each batch: nothing can be carried from one to the next.
    #[default]
    Fresh,
    /// One for all batches until it fails.
    Warm,
}

/// An instance with its store.
pub(crate) struct Guest {
    store: Store<HostState>,
    exports: bindings::Strategy,
    limits: Limits,
    has_fuel: bool,
    has_epoch: bool,
    fuel_used: u64,
}

impl Guest {
    pub(crate) fn new(engine: &Engine, pre: &StrategyPre<HostState>, shape: &Shape) -> Result<Self, Failure> {
        let options = &engine.inner.options;
        let limits = options.limits;
        let mut store = Store::new(&engine.inner.wasm, HostState::new(&limits, shape.needs_wasi));
        store.limiter(|state| &mut state.bounds);
        store.set_hostcall_fuel(limits.hostcall_bytes);
        store.set_max_component_handles(1_000);
        let (has_fuel, has_epoch) = (options.interruption.has_fuel(), options.interruption.has_epoch());
        arm(&mut store, &limits, has_fuel, has_epoch, 0);
        match pre.instantiate(&mut store) {
            Ok(exports) => Ok(Self { store, exports, limits, has_fuel, has_epoch, fuel_used: 0 }),
            Err(error) => Err(failure(&error, store.data_mut())),
        }
    }

    /// Runs one export with the fuel for this many rows.
    pub(crate) fn call<T>(
        &mut self,
        rows: u32,
        export: impl FnOnce(&Exports, &mut Store<HostState>) -> wasmtime::Result<T>,
    ) -> Result<T, Failure> {
        let fuel = arm(&mut self.store, &self.limits, self.has_fuel, self.has_epoch, rows);
        let result = export(self.exports.stratagem_strategy_guest(), &mut self.store);
        if self.has_fuel {
            self.fuel_used = fuel - self.store.get_fuel().unwrap_or(0);
        }
        result.map_err(|error| failure(&error, self.store.data_mut()))
    }
}

fn arm(store: &mut Store<HostState>, limits: &Limits, has_fuel: bool, has_epoch: bool, rows: u32) -> u64 {
    let fuel = limits.fuel_base + limits.fuel_per_row * u64::from(rows);
    if has_fuel {
        store.set_fuel(fuel).expect("the engine was made with fuel");
    }
    if has_epoch {
        store.set_epoch_deadline(limits.deadline_ticks);
    }
    store.data_mut().log_allowance = limits.hostcall_bytes;
    fuel
}

/// The reason to record for an error, and a text that is the same on every machine.
fn failure(error: &wasmtime::Error, state: &mut HostState) -> Failure {
    let trap = error.downcast_ref::<Trap>();
    let reason = match trap {
        _ if state.bounds.is_exceeded => Reason::OutOfMemory,
        Some(Trap::OutOfFuel) => Reason::OutOfFuel,
        Some(Trap::Interrupt) => Reason::TimedOut,
        _ => Reason::Trapped,
    };
    let mut message = trap.map_or_else(|| error.root_cause().to_string(), ToString::to_string);
    // A guest that panics says why in its log before it traps.
    if let Some(line) = state.log.iter().rev().find(|line| line.level == "error") {
        message = format!("{message}: {}", line.message);
    }
    Failure { reason, message: truncated(message, MESSAGE_BYTES) }
}

/// Evaluates batches of one configured strategy on one thread.
pub struct Evaluator<'a> {
    configured: &'a Configured,
    instances: Instances,
    warm: Option<Guest>,
    log: Vec<LogLine>,
    fuel_used: u64,
}

impl fmt::Debug for Evaluator<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evaluator").field("instances", &self.instances).finish_non_exhaustive()
    }
}

impl<'a> Evaluator<'a> {
    /// An evaluator with no instance yet.
    pub fn new(configured: &'a Configured, instances: Instances) -> Self {
        Self { configured, instances, warm: None, log: vec![], fuel_used: 0 }
    }

    /// Asks the strategy about a batch whose columns and references are those of the plan, in order.
    ///
    /// # Errors
    /// Why there is no answer; the batch then gets the plan's fallback. The instance is gone.
    pub fn evaluate(&mut self, batch: &Batch<'_>) -> Result<Output, Failure> {
        let mut guest = match self.warm.take() {
            Some(guest) => guest,
            None => self.instantiate()?,
        };
        if let Some(wasi) = &guest.store.data().wasi {
            wasi.set_now(batch.now.0);
        }
        let columns = batch.columns.iter().map(convert::column).collect::<Vec<_>>();
        let reference_columns: Vec<Vec<types::Column<'_>>> = batch
            .references
            .iter()
            .map(|table| table.columns.iter().map(convert::column).collect())
            .collect();
        let references: Vec<_> = batch
            .references
            .iter()
            .zip(&reference_columns)
            .map(|(table, columns)| types::Table { rows: table.rows, columns })
            .collect();
        let parameters = convert::values(batch.parameters);
        let raw = types::Batch {
            now: batch.now.0,
            utc_offset_ms: batch.utc_offset_ms,
            parameters: &parameters,
            rows: batch.rows,
            columns: &columns,
            references: &references,
        };
        let answer = guest.call(batch.rows, |guest, store| guest.call_evaluate(store, raw));
        self.fuel_used += guest.fuel_used;
        self.keep_log(guest.store.data_mut().take_log());
        match answer? {
            Ok(output) => {
                let output = check(output, batch, self.configured.plan().actions.len())?;
                if self.instances == Instances::Warm {
                    self.warm = Some(guest);
                }
                Ok(output)
            }
            Err(types::Failure { message }) => {
                Err(Failure { reason: Reason::Refused, message: truncated(message, MESSAGE_BYTES) })
            }
        }
    }

    fn instantiate(&self) -> Result<Guest, Failure> {
        let strategy = self.configured.strategy();
        Guest::new(&strategy.engine, &strategy.pre, strategy.shape())
    }

    fn keep_log(&mut self, lines: Vec<LogLine>) {
        for line in lines {
            if self.log.len() == LOG_LINES {
                break;
            }
            if !self.log.contains(&line) {
                self.log.push(line);
            }
        }
    }

    /// Takes what the strategy logged since this was last called: the first 100 different lines.
    pub fn take_log(&mut self) -> Vec<LogLine> {
        std::mem::take(&mut self.log)
    }

    /// Fuel used by all calls so far; 0 without fuel.
    pub fn fuel_used(&self) -> u64 {
        self.fuel_used
    }
}

/// Checks an output against the contract and puts proposals in the order of row, action and item.
fn check(raw: types::Output, batch: &Batch<'_>, actions: usize) -> Result<Output, Failure> {
    let broken = |message: String| Failure { reason: Reason::BrokenOutput, message };
    let rows = batch.rows as usize;
    let count = raw.rows.len();
    let lengths = [
        ("actions", raw.actions.len(), false),
        ("items", raw.items.len(), true),
        ("scores", raw.scores.len(), true),
        ("times", raw.times.len(), true),
    ];
    for (list, len, may_be_empty) in lengths {
        if len != count && !(may_be_empty && len == 0) {
            return Err(broken(format!("`{list}` has {len} entries for {count} proposals")));
        }
    }
    if count > rows * PROPOSALS_PER_ROW {
        return Err(broken(format!("{count} proposals for {rows} rows, at most {PROPOSALS_PER_ROW} a row")));
    }
    if raw.wakes.len() != rows && !raw.wakes.is_empty() {
        return Err(broken(format!("`wakes` has {} entries for {rows} rows", raw.wakes.len())));
    }
    let mut proposals = Vec::with_capacity(count);
    for i in 0..count {
        let proposal = Proposal {
            row: raw.rows[i],
            action: raw.actions[i],
            item: raw.items.get(i).copied().unwrap_or(NO_ITEM),
            score: raw.scores.get(i).copied().unwrap_or(1),
            when: raw.times.get(i).map_or(batch.now, |at| Time(*at)),
        };
        let problem = if proposal.row >= batch.rows {
            format!("row {} of {rows}", proposal.row)
        } else if proposal.action as usize >= actions {
            format!("action {} of {actions}", proposal.action)
        } else if proposal.score < 1 {
            format!("score {}", proposal.score)
        } else if proposal.when < batch.now || proposal.when.0 - batch.now.0 >= DAY_MS {
            format!("time {} with now {}", proposal.when.0, batch.now.0)
        } else {
            proposals.push(proposal);
            continue;
        };
        return Err(broken(format!("proposal {i} has {problem}")));
    }
    if !proposals.is_sorted() {
        proposals.sort_unstable();
    }
    let key = |p: &Proposal| (p.row, p.action, p.item);
    if let Some(pair) = proposals.windows(2).find(|pair| key(&pair[0]) == key(&pair[1])) {
        let Proposal { row, action, item, .. } = pair[0];
        return Err(broken(format!("row {row}, action {action} and item {item} are proposed twice")));
    }
    let wakes = if raw.wakes.is_empty() { vec![i64::MAX; rows] } else { raw.wakes };
    Ok(Output { proposals, wakes })
}
