//! The host's side of `wit/`, generated.

wasmtime::component::bindgen!({
    path: "../../wit/1.0.0",
    world: "strategy",
    ownership: Borrowing { duplicate_if_necessary: true },
    imports: { default: trappable },
});
