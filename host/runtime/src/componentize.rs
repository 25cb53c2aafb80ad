//! Wraps the core module that a compiler made into a component, in process.
//!
//! A guest compiled for `wasm32-unknown-unknown` is a core module whose contract lies in a custom section that the
//! SDK's bindings wrote. Encoding it here, rather than by a tool the author would have to install, is what lets
//! `stratagem strategy build` be one command. A component passes through unchanged, so that the same call serves
//! `wasm32-wasip2`, whose linker has already wrapped its output.
//!
//! # Not here
//!
//! Whether the component may be loaded is [`inspect`](crate::inspect).

use wasmparser::Parser;
use wit_component::ComponentEncoder;

/// Why a core module could not be made a component.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The bytes are neither a module nor a component.
    #[error("the compiler's output is not WebAssembly")]
    NotWasm,
    /// The module does not say which world it implements, or not in a way that can be read.
    #[error("the module does not describe the strategy world")]
    NoContract(#[source] Cause),
    /// The module imports or exports something that its world does not have.
    #[error("the module does not fit the strategy world")]
    Encode(#[source] Cause),
}

/// What the encoder found, with its chain of causes in one line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Cause(String);

impl BuildError {
    /// The next thing to try.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotWasm => {
                Some("build with `--target wasm32-unknown-unknown` and `crate-type = [\"cdylib\"]`")
            }
            Self::NoContract(_) => Some("call `stratagem_sdk::export!` with the type of the strategy"),
            Self::Encode(_) => Some("strategies link nothing but the SDK: no WASI, no JavaScript bindings"),
        }
    }
}

/// The component around a core module; a component is returned as it is.
///
/// The same bytes in give the same bytes out, so a component's digest is as reproducible as its compiler.
///
/// # Errors
/// The bytes are not WebAssembly, the module names no world, or it does not fit the one it names.
pub fn componentize(core_module: &[u8]) -> Result<Vec<u8>, BuildError> {
    if Parser::is_component(core_module) {
        return Ok(core_module.to_vec());
    }
    if !Parser::is_core_wasm(core_module) {
        return Err(BuildError::NotWasm);
    }
    let encoder = ComponentEncoder::default()
        .module(core_module)
        .map_err(|e| BuildError::NoContract(Cause(chain(&e))))?;
    encoder.validate(true).encode().map_err(|e| BuildError::Encode(Cause(chain(&e))))
}

/// An error and what caused it, from the outside in.
fn chain(error: &dyn std::fmt::Debug) -> String {
    format!("{error:?}").lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY_MODULE: &[u8] = b"\0asm\x01\0\0\0";
    const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn what_is_no_strategy_is_refused_and_a_component_passes() {
        assert!(matches!(componentize(b"not wasm"), Err(BuildError::NotWasm)));
        assert!(matches!(componentize(b""), Err(BuildError::NotWasm)));
        assert_eq!(componentize(EMPTY_COMPONENT).unwrap(), EMPTY_COMPONENT);
        // The encoder makes an empty component of a module without a world: not a strategy, which loading finds.
        let bytes = componentize(EMPTY_MODULE).unwrap();
        assert!(Parser::is_component(&bytes));
    }
}
