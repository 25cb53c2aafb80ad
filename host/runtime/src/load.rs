//! From bytes to a strategy that can be configured: inspect, compile or take from the cache, describe.

use std::fmt;
use std::fs;
use std::path::Path;

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use stratagem_model::Plan;
use stratagem_model::parameter::{Value, resolve};
use stratagem_model::plan::Description;
use wasmtime::component::Component;

use crate::bindings::StrategyPre;
use crate::cache;
use crate::convert;
use crate::engine::Engine;
use crate::error::{ConfigureError, Failure, LoadError};
use crate::evaluate::{Guest, MESSAGE_BYTES};
use crate::inspect::{Shape, inspect};
use crate::state::{HostState, truncated};

/// SHA-256 of a component's bytes: what identifies a strategy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A line that a strategy logged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LogLine {
    /// `debug`, `info`, `warn` or `error`.
    pub level: &'static str,
    pub message: String,
}

/// A loaded strategy. Cheap to clone; its instances are made by an [`Evaluator`](crate::Evaluator).
#[derive(Clone)]
pub struct Strategy {
    pub(crate) engine: Engine,
    pub(crate) pre: StrategyPre<HostState>,
    digest: Digest,
    shape: Shape,
    description: Description,
    was_cached: bool,
}

impl fmt::Debug for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Strategy")
            .field("name", &self.description.name)
            .field("version", &self.description.version)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Loads a strategy from a file.
    ///
    /// # Errors
    /// The file cannot be read, or is not a strategy this host can run.
    pub fn load_file(&self, path: &Path) -> Result<Strategy, LoadError> {
        let bytes = fs::read(path).map_err(|source| LoadError::Read { path: path.into(), source })?;
        self.load(&bytes)
    }

    /// Loads a strategy from a component's bytes.
    ///
    /// # Errors
    /// The bytes are not a strategy this host can run.
    pub fn load(&self, bytes: &[u8]) -> Result<Strategy, LoadError> {
        let shape = inspect(bytes, &self.inner.options.limits)?;
        let digest = Digest(Sha256::digest(bytes).into());
        let (component, was_cached) = self.component(bytes, &digest)?;
        let linker = if shape.needs_wasi { &self.inner.wasi_linker } else { &self.inner.linker };
        let pre = linker
            .instantiate_pre(&component)
            .and_then(StrategyPre::new)
            .map_err(|source| LoadError::Compile { source })?;
        let mut guest = Guest::new(self, &pre, &shape).map_err(LoadError::Describe)?;
        let raw = guest.call(0, |guest, store| guest.call_describe(store)).map_err(LoadError::Describe)?;
        let description = convert::description(raw)
            .map_err(|problem| LoadError::BadDescription(truncated(problem, MESSAGE_BYTES)))?;
        Ok(Strategy { engine: self.clone(), pre, digest, shape, description, was_cached })
    }

    fn component(&self, bytes: &[u8], digest: &Digest) -> Result<(Component, bool), LoadError> {
        let compile = |source| LoadError::Compile { source };
        let wasm = &self.inner.wasm;
        let Some(cache) = &self.inner.options.cache else {
            return Ok((Component::from_binary(wasm, bytes).map_err(compile)?, false));
        };
        let name = cache::name(&digest.0, wasm);
        if let Some(code) = cache.read(&name)
            && let Ok(component) = deserialize(wasm, &code)
        {
            return Ok((component, true));
        }
        let code = wasm.precompile_component(bytes).map_err(compile)?;
        // A cache that cannot be written costs time and nothing else.
        let _ = cache.write(&name, &code);
        Ok((deserialize(wasm, &code).map_err(compile)?, false))
    }
}

fn deserialize(wasm: &wasmtime::Engine, code: &[u8]) -> wasmtime::Result<Component> {
    #[expect(unsafe_code, reason = "the one place where native code is taken in")]
    // SAFETY: `code` was compiled by this process a moment ago, or read from the cache, which hands out only what
    // this user's key authenticates as written by `Cache::write` above, under a name made of the digests of the
    // component and of the engine's settings.
    unsafe {
        Component::deserialize(wasm, code)
    }
}

impl Strategy {
    /// SHA-256 of the component.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What the strategy says it is.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Its imports and exports.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// What a receipt names: engine, version and the settings that can change a result.
    pub fn engine_name(&self) -> String {
        self.engine.name()
    }

    /// Whether compiled code came from the cache.
    pub fn was_cached(&self) -> bool {
        self.was_cached
    }

    /// Makes an instance and drops it: what each fresh batch pays before it starts.
    ///
    /// # Errors
    /// The component traps while it starts.
    pub fn instantiate(&self) -> Result<(), Failure> {
        Guest::new(&self.engine, &self.pre, &self.shape).map(drop)
    }

    /// Configures the strategy with what was set by name, and defaults for the rest.
    ///
    /// # Errors
    /// A setting is wrong, the strategy refuses the combination, fails, or returns a plan that breaks the contract.
    pub fn configure(&self, settings: &[(String, String)]) -> Result<Configured, ConfigureError> {
        self.configure_values(resolve(&self.description.parameters, settings)?)
    }

    /// Configures the strategy with a value for each parameter in schema order.
    ///
    /// # Errors
    /// As [`Strategy::configure`].
    pub fn configure_values(&self, values: Vec<Value>) -> Result<Configured, ConfigureError> {
        let mut guest = Guest::new(&self.engine, &self.pre, &self.shape).map_err(ConfigureError::Failed)?;
        let raw = convert::values(&values);
        let answer = guest
            .call(0, |guest, store| guest.call_configure(store, &raw))
            .map_err(ConfigureError::Failed)?
            .map_err(|errors| ConfigureError::Refused(convert::parameter_errors(errors)))?;
        let plan = convert::plan(answer)
            .map_err(|problem| ConfigureError::BadPlan(truncated(problem, MESSAGE_BYTES)))?;
        Ok(Configured { strategy: self.clone(), values, plan })
    }
}

/// A strategy with its parameters: what a run runs.
#[derive(Debug, Clone)]
pub struct Configured {
    strategy: Strategy,
    values: Vec<Value>,
    plan: Plan,
}

impl Configured {
    /// The strategy.
    pub fn strategy(&self) -> &Strategy {
        &self.strategy
    }

    /// Its parameters in schema order.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// What it needs and can do.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
}
