//! What columns say of a store as of an instant.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod as_of;
