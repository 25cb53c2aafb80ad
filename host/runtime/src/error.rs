//! What can go wrong with a strategy, before it runs and while it does.

use std::io;
use std::path::PathBuf;

use stratagem_model::Reason;
use stratagem_model::parameter::ParameterError;

/// Why a strategy could not be loaded.
///
/// The message says what is wrong and with which value; [`LoadError::hint`] what to do; the cause is `source()`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    #[error("cannot start the WebAssembly engine")]
    Engine {
        #[source]
        source: wasmtime::Error,
    },
    #[error("cannot read strategy `{}`", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the strategy has {bytes} bytes, at most {limit} are allowed")]
    TooLarge { bytes: usize, limit: usize },
    #[error("this is not a WebAssembly component: {0}")]
    NotWasm(String),
    #[error("this is a core module, but a strategy is a component")]
    CoreModule,
    #[error("the strategy imports `{0}`, which this host does not provide")]
    ForbiddenImport(String),
    #[error("the strategy exports no `stratagem:strategy/guest`")]
    NotAStrategy,
    #[error("the strategy speaks contract {found}, this host speaks {supported}")]
    ContractVersion { found: String, supported: &'static str },
    #[error("the strategy has {0} memories, exactly one is allowed")]
    Memories(usize),
    #[error("the strategy uses shared memory, and strategies have no threads")]
    Threads,
    #[error("cannot compile the strategy")]
    Compile {
        #[source]
        source: wasmtime::Error,
    },
    #[error("`describe` failed: {0}")]
    Describe(Failure),
    #[error("the strategy describes itself wrongly: {0}")]
    BadDescription(String),
}

impl LoadError {
    /// The next thing to try.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Engine { .. } => Some("the pooling allocator reserves address space: raise `ulimit -v`"),
            Self::Read { path, .. } if path.extension().is_none_or(|ext| ext != "wasm") => {
                Some("pass the built `.wasm` file; `stratagem strategy build DIR` prints its path")
            }
            Self::Read { .. } => None,
            Self::TooLarge { .. } => {
                Some("build it with `stratagem strategy build DIR`, which leaves debug information out")
            }
            Self::Compile { .. } => Some("rebuild it with the SDK of this host's version"),
            Self::NotWasm(_) | Self::CoreModule | Self::NotAStrategy => {
                Some("build it with `stratagem strategy build DIR`, which also wraps it as a component")
            }
            Self::ForbiddenImport(_) => {
                Some("a strategy may only log: it has no clock, files, environment or network of its own")
            }
            Self::ContractVersion { .. } => Some("rebuild it with the SDK of this host's version"),
            Self::Memories(_) | Self::Threads => {
                Some("compile it without multi-memory and threads, as `stratagem strategy build` does")
            }
            Self::Describe(_) | Self::BadDescription(_) => {
                Some("`stratagem strategy check FILE` tries every export and shows its log")
            }
        }
    }
}

/// Why a strategy could not be configured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigureError {
    /// The operator's setting is wrong.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// The strategy refused the combination.
    #[error("the strategy refused its parameters: {}", list(.0))]
    Refused(Vec<ParameterError>),
    #[error("`configure` failed: {0}")]
    Failed(Failure),
    #[error("the strategy's plan is wrong: {0}")]
    BadPlan(String),
}

fn list(errors: &[ParameterError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Why a call gave no answer: the reason to record, and a text that is the same on every machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub reason: Reason,
    pub message: String,
}
