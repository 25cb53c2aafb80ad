//! Diagnostics. Lines go to the run's log and never change a result; only a call that writes more than 128 MiB of
//! them runs out of fuel.
//!
//! The host keeps at most 1,000 bytes of a line and 16 KiB of a call; logging for every customer is for debugging
//! only. Outside a component the lines wait for [`native::take_log`](crate::native::take_log).

/// How loud a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// For the author.
    Debug,
    /// Worth knowing.
    Info,
    /// Looks wrong, but an answer was given.
    Warn,
    /// No answer could be given. A panic is logged like this before it traps.
    Error,
}

/// Adds a line.
pub fn write(level: Level, message: &str) {
    #[cfg(target_arch = "wasm32")]
    crate::wasm::write_log(level, message);
    #[cfg(not(target_arch = "wasm32"))]
    crate::native::keep_log(level, message);
}

/// Adds a line for the author.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// Adds a line worth knowing.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// Adds a line about something that looks wrong.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// Adds a line about why no answer could be given.
pub fn error(message: &str) {
    write(Level::Error, message);
}
