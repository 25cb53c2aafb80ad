//! A strategy without WebAssembly: the test bench, and the way to run it over columns that are there already.
//!
//! The component and this module run the same code; only the columns come from elsewhere. Tests on the bench take
//! microseconds, so they can be many. What they cannot show is what the sandbox adds: fuel, memory and the
//! boundary itself, which `stratagem strategy check` tries on the component.
//!
//! - [`Bench`] asks about a [`Customer`] made of a few columns, and panics where a host would refuse the answer.
//! - [`Walk`] goes through a history step by step and shows whether the wake times miss anything.
//! - [`configure`] and [`evaluate`] are the bare calls, over a [`BatchView`](crate::BatchView) of plain slices.

mod bench;
mod columns;
mod customer;
mod walk;

use std::cell::RefCell;

pub use crate::engine::{configure, evaluate};
use crate::log::Level;
pub use bench::{Answer, Asked, Bench, Moment};
pub use customer::{Cell, Customer};
pub use walk::{Touch, Walk};

/// As many bytes as a host keeps of one call.
const LOG_BYTES_MAX: usize = 16 << 10;

thread_local! {
    static LOG: RefCell<Vec<(Level, String)>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn keep_log(level: Level, message: &str) {
    LOG.with_borrow_mut(|lines| {
        let bytes: usize = lines.iter().map(|(_, line)| line.len()).sum();
        if bytes + message.len() <= LOG_BYTES_MAX {
            lines.push((level, message.to_owned()));
        }
    });
}

/// Takes what strategies have logged on this thread, oldest first: 16 KiB at most.
pub fn take_log() -> Vec<(Level, String)> {
    LOG.take()
}
