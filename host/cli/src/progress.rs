//! Progress bars, and Ctrl-C.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use stratagem_replay::Progress;

use crate::output::quit;

/// A bar that shows itself only on a terminal, and only if the work takes over a second.
pub(crate) fn bar(total: u64, template: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden()).with_style(style);
    let shown = bar.downgrade();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(1));
        if let Some(bar) = shown.upgrade()
            && !bar.is_finished()
        {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.enable_steady_tick(Duration::from_millis(100));
        }
    });
    bar
}

/// A flag that Ctrl-C sets. A second Ctrl-C ends the process at once.
pub(crate) fn stop_flag() -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    ctrlc::set_handler(move || {
        if set.swap(true, Ordering::SeqCst) {
            quit();
        }
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(flag)
}

/// Lets Ctrl-C end the process at once, for work that never looks at a flag. The flag that is given is never set.
pub(crate) fn stop_at_once() -> anyhow::Result<AtomicBool> {
    ctrlc::set_handler(|| quit()).context("cannot listen for Ctrl-C")?;
    Ok(AtomicBool::new(false))
}

/// Runs work beside a bar that follows its progress and a flag that cancels it.
pub(crate) fn watched<T: Send>(
    what: &str,
    stop: &AtomicBool,
    progress: &Progress,
    work: impl FnOnce() -> T + Send,
) -> T {
    let bar = bar(0, "{msg} {wide_bar} {percent}% {eta}");
    bar.set_message(what.to_owned());
    std::thread::scope(|scope| {
        let handle = scope.spawn(work);
        while !handle.is_finished() {
            if stop.load(Ordering::SeqCst) {
                progress.is_cancelled.store(true, Ordering::SeqCst);
            }
            bar.set_length(progress.total.load(Ordering::Relaxed));
            bar.set_position(progress.done.load(Ordering::Relaxed));
            std::thread::park_timeout(Duration::from_millis(if bar.is_hidden() { 5 } else { 50 }));
        }
        bar.finish_and_clear();
        match handle.join() {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
