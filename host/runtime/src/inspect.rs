//! What a component is made of, read before anything of it is compiled.

use wasmparser::{ComponentExternalKind, Encoding, Parser, Payload};

use crate::engine::Limits;
use crate::error::LoadError;

/// The contract this host speaks.
pub const CONTRACT_VERSION: &str = "1.0.0";

const CONTRACT: &str = "stratagem:strategy/";
const GUEST: &str = "stratagem:strategy/guest@";
const OWN_IMPORTS: [&str; 2] = ["stratagem:strategy/log@1.", "stratagem:strategy/types@1."];
/// What the runtimes of languages link in. Answered deterministically; see `wasi`.
const WASI_PACKAGES: [&str; 6] =
    ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/"];

/// The outside of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Imported interfaces, in the component's order, without those that hold only types.
    pub imports: Vec<String>,
    pub exports: Vec<String>,
    pub needs_wasi: bool,
}

/// Checks everything that can be said without compiling: size, kind, imports, contract version, memories.
///
/// # Errors
/// The first rule of the contract that the bytes break.
pub(crate) fn inspect(bytes: &[u8], limits: &Limits) -> Result<Shape, LoadError> {
    if bytes.len() > limits.component_bytes {
        return Err(LoadError::TooLarge { bytes: bytes.len(), limit: limits.component_bytes });
    }
    if !bytes.starts_with(b"\0asm") {
        return Err(LoadError::NotWasm("it does not begin with the magic bytes".into()));
    }
    let not_wasm = |error: wasmparser::BinaryReaderError| LoadError::NotWasm(error.message().to_owned());
    let mut shape = Shape { imports: vec![], exports: vec![], needs_wasi: false };
    let mut memories = 0;
    // Nested modules and components are parsed inline: depth 0 is the strategy itself.
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(not_wasm)? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err(LoadError::CoreModule);
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::MemorySection(section) => {
                for memory in section {
                    memories += 1;
                    if memory.map_err(not_wasm)?.shared {
                        return Err(LoadError::Threads);
                    }
                }
            }
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    add_import(&mut shape, import.map_err(not_wasm)?.name.name)?;
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    let export = export.map_err(not_wasm)?;
                    if export.kind == ComponentExternalKind::Instance {
                        shape.exports.push(export.name.name.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    check_contract(&shape)?;
    if memories != 1 {
        return Err(LoadError::Memories(memories));
    }
    Ok(shape)
}

fn add_import(shape: &mut Shape, name: &str) -> Result<(), LoadError> {
    let is_own = OWN_IMPORTS.iter().any(|own| name.starts_with(own));
    // A strategy of another contract imports that contract's interfaces: the version is what is wrong with it.
    if !is_own && let Some((_, found)) = name.strip_prefix(CONTRACT).and_then(|name| name.split_once('@')) {
        return Err(LoadError::ContractVersion { found: found.to_owned(), supported: CONTRACT_VERSION });
    }
    let is_wasi = WASI_PACKAGES.iter().any(|package| name.starts_with(package)) && name.contains("@0.2.");
    if !is_own && !is_wasi {
        return Err(LoadError::ForbiddenImport(name.to_owned()));
    }
    shape.needs_wasi |= is_wasi;
    if !name.starts_with("stratagem:strategy/types@") {
        shape.imports.push(name.to_owned());
    }
    Ok(())
}

fn check_contract(shape: &Shape) -> Result<(), LoadError> {
    let version = shape.exports.iter().find_map(|name| name.strip_prefix(GUEST));
    match version {
        None => Err(LoadError::NotAStrategy),
        Some(CONTRACT_VERSION) => Ok(()),
        Some(found) => {
            Err(LoadError::ContractVersion { found: found.to_owned(), supported: CONTRACT_VERSION })
        }
    }
}
