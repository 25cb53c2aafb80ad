//! The component around a strategy. Exists only where the target is WebAssembly; use [`export!`](crate::export).

pub mod bindings;
mod convert;

use std::marker::PhantomData;
use std::panic::PanicHookInfo;
use std::sync::Once;

use crate::batch::{BatchView, ColumnView, TableView};
use crate::engine;
use crate::log::Level;
use crate::parameters::Parameters;
use crate::strategy::Strategy;
use bindings::exports::stratagem::strategy::guest as wit;

/// The allocator that Rust has for this target anyway, in a version that uses the memory the linker gave first:
/// growing memory costs a system call, and `stratagem strategy build` has enough linked in for a batch.
#[cfg(all(feature = "allocator", target_os = "unknown"))]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

/// The exports of a strategy.
#[derive(Debug)]
pub struct Component<S>(PhantomData<S>);

impl<S: Strategy> wit::Guest for Component<S> {
    fn describe() -> wit::Description {
        log_panics();
        convert::description(&S::describe(), S::Parameters::schema())
    }

    fn configure(parameters: Vec<wit::Value>) -> Result<wit::Plan, Vec<wit::ParameterError>> {
        log_panics();
        let values: Vec<_> = parameters.into_iter().map(convert::value).collect();
        let plan = engine::configure::<S>(&values);
        plan.map(convert::plan).map_err(|errors| errors.into_iter().map(convert::parameter_error).collect())
    }

    fn evaluate(batch: wit::Batch) -> Result<wit::Output, wit::Failure> {
        log_panics();
        let values: Vec<_> = batch.parameters.into_iter().map(convert::value).collect();
        let columns: Vec<ColumnView<'_>> = batch.columns.iter().map(convert::column).collect();
        let tables: Vec<(u32, Vec<ColumnView<'_>>)> = batch
            .references
            .iter()
            .map(|table| (table.rows, table.columns.iter().map(convert::column).collect()))
            .collect();
        let references: Vec<TableView<'_>> =
            tables.iter().map(|(rows, columns)| TableView { rows: *rows, columns }).collect();
        let view = BatchView {
            now: batch.now,
            utc_offset_ms: batch.utc_offset_ms,
            rows: batch.rows,
            columns: &columns,
            references: &references,
        };
        match engine::evaluate::<S>(&values, &view) {
            Ok(output) => Ok(convert::output(output)),
            Err(failure) => Err(wit::Failure { message: failure.message }),
        }
    }
}

pub(crate) fn write_log(level: Level, message: &str) {
    bindings::stratagem::strategy::log::write(convert::level(level), message);
}

/// A panic says what and where in the log before it traps; the trap itself carries no text.
fn log_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| std::panic::set_hook(Box::new(log_panic)));
}

fn log_panic(info: &PanicHookInfo<'_>) {
    write_log(Level::Error, &info.to_string());
}
