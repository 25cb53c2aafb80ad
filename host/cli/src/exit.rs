//! How a command ends: the message, the hint and the documented exit code.

use std::io::Write;
use std::process::ExitCode;

use stratagem_library::LibraryError;
use stratagem_measure::Refusal;
use stratagem_replay::BacktestError;
use stratagem_runtime::{ConfigureError, LoadError};
use stratagem_store::StoreError;
use stratagem_store::ingest::IngestError;

/// Exit codes. Documented in `--help`; never renumbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Something that should not happen: a full disk, a broken pipe of ours, a bug.
    Failed = 1,
    /// The command line, a file or the store is not as it must be.
    BadInput = 2,
    /// The data cannot answer what was asked.
    Refused = 3,
    /// The strategy cannot be loaded or configured, or failed its check.
    BadStrategy = 4,
    /// An audit or a rerun found a difference.
    AuditFailed = 5,
    /// Ctrl-C.
    Interrupted = 130,
}

/// What a command found out that is neither success nor an error of its own.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Verdict {
    pub(crate) exit: Exit,
    pub(crate) message: String,
}

/// A message about the user's input, with what to do.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Usage {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Usage {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()) }
    }
}

/// Prints an error as `error: what`, `  because: why`, `hint: what to do`, and returns its exit code.
pub(crate) fn report(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    // A reader that has seen enough, such as `head`, is not an error.
    if error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    }) {
        return ExitCode::SUCCESS;
    }
    let mut text = format!("error: {error}\n");
    let mut said = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // A transparent wrapper says the same as what it wraps.
        if cause != said {
            text.push_str(&format!("  because: {cause}\n"));
        }
        said = cause;
    }
    if let Some(hint) = error.chain().find_map(hint) {
        text.push_str(&format!("hint: {hint}\n"));
    }
    // Nothing is left to do if standard error is gone.
    let _ = std::io::stderr().write_all(text.as_bytes());
    ExitCode::from(error.chain().find_map(code).unwrap_or(Exit::Failed) as u8)
}

type Cause = dyn std::error::Error + 'static;

fn hint(cause: &Cause) -> Option<String> {
    if let Some(usage) = cause.downcast_ref::<Usage>() {
        return usage.hint.clone();
    }
    if let Some(error) = cause.downcast_ref::<BacktestError>() {
        return error.hint();
    }
    if let Some(refusal) = cause.downcast_ref::<Refusal>() {
        return Some(refusal.hint());
    }
    if let Some(error) = cause.downcast_ref::<IngestError>() {
        return error.hint();
    }
    if let Some(error) = cause.downcast_ref::<StoreError>() {
        return error.hint().map(Into::into);
    }
    if let Some(error) = cause.downcast_ref::<LibraryError>() {
        return error.hint().map(Into::into);
    }
    if let Some(ConfigureError::Parameter(_) | ConfigureError::Refused(_)) = cause.downcast_ref() {
        return Some("`stratagem strategy inspect FILE` lists the parameters".into());
    }
    cause.downcast_ref::<LoadError>().and_then(LoadError::hint).map(Into::into)
}

fn code(cause: &Cause) -> Option<Exit> {
    if let Some(verdict) = cause.downcast_ref::<Verdict>() {
        return Some(verdict.exit);
    }
    if let Some(error) = cause.downcast_ref::<BacktestError>() {
        return Some(match error {
            BacktestError::Interrupted => Exit::Interrupted,
            BacktestError::Column(_) => Exit::BadStrategy,
            BacktestError::Store(_) | BacktestError::UnknownCustomers { .. } => Exit::BadInput,
            BacktestError::Sink(_) | BacktestError::Threads { .. } => Exit::Failed,
            _ => Exit::Refused,
        });
    }
    if matches!(cause.downcast_ref(), Some(StoreError::Interrupted))
        || matches!(cause.downcast_ref(), Some(IngestError::Interrupted))
    {
        return Some(Exit::Interrupted);
    }
    if cause.is::<Refusal>() {
        return Some(Exit::Refused);
    }
    if cause.is::<LoadError>() || cause.is::<ConfigureError>() {
        return Some(Exit::BadStrategy);
    }
    let is_input = cause.is::<Usage>()
        || cause.is::<IngestError>()
        || cause.is::<StoreError>()
        || cause.is::<LibraryError>();
    is_input.then_some(Exit::BadInput)
}
