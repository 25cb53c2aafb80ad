//! The derive macros of the Stratagem guest SDK, which re-exports and documents them.
//!
//! The generated code names the SDK by its crate name, so a strategy depends on `stratagem-sdk` and nothing else.

mod attribute;
mod choice;
mod parameters;

use proc_macro::TokenStream;
use syn::{DeriveInput, Error, parse_macro_input};

/// Makes a struct of named fields the parameters of a strategy.
///
/// Each field is a parameter: its name in kebab case, its documentation the help that operators read, and its type
/// and bounds what is accepted. Every field has a default:
///
/// | field type | attribute |
/// |---|---|
/// | `i64` | `#[parameter(default = 21, min = 1, max = 365, unit = "days")]`; bounds are inclusive |
/// | `bool` | `#[parameter(default = false)]` |
/// | `String` | `#[parameter(default = "app-push", max_bytes = 40)]` |
/// | an enum with [`#[derive(Choice)]`](macro@Choice) | `#[parameter(default = Timing::Fixed)]` |
///
/// The unit of a number is `days`, `hours`, `minor` (money), `ppm`, `count`, or left out. Defaults and bounds are
/// constant expressions; a default outside the bounds is a compile error.
#[proc_macro_derive(Parameters, attributes(parameter))]
pub fn derive_parameters(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    parameters::expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

/// Makes an enum without fields the type of a parameter: an operator chooses a variant by its name in kebab case.
#[proc_macro_derive(Choice)]
pub fn derive_choice(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    choice::expand(&input).unwrap_or_else(Error::into_compile_error).into()
}
