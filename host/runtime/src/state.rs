//! What a store holds beside the instance: the guest's log, its bounds, and WASI for those that need it.

use wasmtime::{ResourceLimiter, Trap};

use crate::bindings::stratagem::strategy::{log, types};
use crate::engine::Limits;
use crate::load::LogLine;
use crate::wasi::Wasi;

/// Bytes kept of a line, and of all lines of a call; the contract promises these numbers.
const LOG_LINE_BYTES: usize = 1_000;
const LOG_CALL_BYTES: usize = 16 << 10;
/// What a line takes of the allowance beside its bytes, because crossing to the host takes time too.
const LOG_CALL_COST: usize = 64;

pub(crate) struct HostState {
    pub(crate) log: Vec<LogLine>,
    log_bytes: usize,
    /// Bytes the call may still write, kept or not: copying them takes time for which no fuel is charged.
    pub(crate) log_allowance: usize,
    pub(crate) bounds: Bounds,
    /// Present only for components that import it.
    pub(crate) wasi: Option<Box<Wasi>>,
}

impl HostState {
    pub(crate) fn new(limits: &Limits, needs_wasi: bool) -> Self {
        Self {
            log: vec![],
            log_bytes: 0,
            // Given to each call.
            log_allowance: 0,
            bounds: Bounds { memory: limits.memory_bytes, table: limits.table_elements, is_exceeded: false },
            wasi: needs_wasi.then(|| Box::new(Wasi::new())),
        }
    }

    /// Takes what was logged since the last call.
    pub(crate) fn take_log(&mut self) -> Vec<LogLine> {
        self.log_bytes = 0;
        std::mem::take(&mut self.log)
    }
}

impl types::Host for HostState {}

impl log::Host for HostState {
    fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        let allowance = self.log_allowance.checked_sub(message.len() + LOG_CALL_COST);
        self.log_allowance = allowance.ok_or(Trap::OutOfFuel)?;
        let room = LOG_CALL_BYTES.saturating_sub(self.log_bytes).min(LOG_LINE_BYTES);
        if room == 0 {
            return Ok(());
        }
        let message = truncated(message, room);
        self.log_bytes += message.len().max(1);
        let level = match level {
            log::Level::Debug => "debug",
            log::Level::Info => "info",
            log::Level::Warn => "warn",
            log::Level::Error => "error",
        };
        self.log.push(LogLine { level, message });
        Ok(())
    }
}

/// A text cut to at most this many bytes, at a character.
pub(crate) fn truncated(mut text: String, bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes));
    text
}

/// Ends a guest that wants more memory or larger tables than it may have, the same way each time.
#[derive(Debug)]
pub(crate) struct Bounds {
    memory: usize,
    table: usize,
    pub(crate) is_exceeded: bool,
}

impl Bounds {
    fn allow(&mut self, what: &str, desired: usize, limit: usize) -> wasmtime::Result<bool> {
        if desired <= limit {
            return Ok(true);
        }
        self.is_exceeded = true;
        wasmtime::bail!("asked for {desired} {what}, at most {limit} are allowed")
    }
}

impl ResourceLimiter for Bounds {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.allow("bytes of memory", desired, self.memory)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.allow("table elements", desired, self.table)
    }

    fn instances(&self) -> usize {
        16
    }

    fn memories(&self) -> usize {
        2
    }

    fn tables(&self) -> usize {
        8
    }
}
