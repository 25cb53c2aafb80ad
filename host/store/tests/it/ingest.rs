//! Files into a store: what they become, what is refused and how, and that neither order nor threads leave a trace.

mod files;
mod known;
mod orders;
mod others;
mod properties;
mod refusals;
