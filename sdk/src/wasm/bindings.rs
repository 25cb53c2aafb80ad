//! The contract as Rust, generated from `wit/`.
//!
//! Strategies do not touch this; guests that mean to break the contract do. It is kept in a module of its own because
//! the exported macro of the generator collides with its re-export at the root of a crate.
#![allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unsafe_code,
    clippy::allow_attributes,
    clippy::undocumented_unsafe_blocks,
    clippy::too_many_lines,
    reason = "generated code; the contract is documented in `wit/`"
)]

wit_bindgen::generate!({
    path: "../wit/1.0.0",
    world: "strategy",
    pub_export_macro: true,
    export_macro_name: "export_guest",
});
