//! Writing results to standard output, or a file, whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use stratagem_record::Run;
use stratagem_report::{Format, Lang, Style};

use crate::args::OutputArgs;
use crate::exit::{Exit, Usage};
use crate::ingest::format;

/// Prints a result.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}

/// Says something to the person at the terminal.
pub(crate) fn say(text: &str) {
    // Nothing is left to do if standard error is gone.
    let _ = writeln!(io::stderr(), "{text}");
}

/// How to print for where standard output goes.
pub(crate) fn style() -> Style {
    let is_terminal = io::stdout().is_terminal();
    let color = is_terminal && std::env::var_os("NO_COLOR").is_none();
    let width = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0);
    Style { color, width }
}

/// A file that appears under its name once it is whole, so that no reader ever sees half of it.
///
/// What is begun and not whole is removed, also where the process ends at once.
pub(crate) struct WholeFile {
    path: PathBuf,
    partial: PathBuf,
    file: File,
}

impl WholeFile {
    /// Begins a file under a passing name: where nothing can be written, this fails before any work is done.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let failed = || cannot_write(path);
        anyhow::ensure!(!path.is_dir(), "{}: it is a directory", failed());
        // Emptied only once it is ours: two files of one name, of this run or another, would spoil each other.
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&partial);
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => anyhow::Error::from(Usage::new(
                format!("{}: there is no such folder", failed()),
                "make it first",
            )),
            _ => anyhow::Error::from(error).context(failed()),
        })?;
        if file.try_lock().is_err() {
            let message = format!("{}: it is being written already", failed());
            return Err(Usage::new(message, "give each file a name of its own").into());
        }
        file.set_len(0).with_context(failed)?;
        unfinished().push(partial.clone());
        Ok(Self { path: path.into(), partial, file })
    }

    /// Writes a whole text and gives the file its name.
    pub(crate) fn write(mut self, text: &str) -> anyhow::Result<()> {
        self.file.write_all(text.as_bytes()).with_context(|| self.failed())?;
        self.finish()
    }

    /// For a writer of another kind, before [`finish`](Self::finish).
    pub(crate) fn file(&self) -> anyhow::Result<File> {
        self.file.try_clone().with_context(|| self.failed())
    }

    /// Gives the file its name.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        std::fs::rename(&self.partial, &self.path).with_context(|| self.failed())
    }

    /// What to say when something about it fails.
    pub(crate) fn failed(&self) -> String {
        cannot_write(&self.path)
    }
}

/// What a command has to say: printed, and written as a report if one was asked for.
pub(crate) struct Output<'a> {
    args: &'a OutputArgs,
    file: Option<ReportFile>,
}

impl<'a> Output<'a> {
    /// Begins the report: where none can be written, this fails before any work is done.
    pub(crate) fn new(args: &'a OutputArgs) -> anyhow::Result<Self> {
        let file = args.report.as_deref().map(ReportFile::create).transpose()?;
        Ok(Self { args, file })
    }

    pub(crate) fn has_report(&self) -> bool {
        self.file.is_some()
    }

    /// A run: its report, then its text.
    pub(crate) fn run(self, run: &Run) -> anyhow::Result<()> {
        self.give(
            |is_html, lang| {
                if is_html {
                    stratagem_report::html(run, lang)
                } else {
                    stratagem_report::markdown(run, lang)
                }
            },
            |format, style, lang| stratagem_report::backtest(run, format, style, lang),
        )
    }

    /// Something else: the report as a page or as Markdown, then its text.
    pub(crate) fn give(
        self,
        page: impl FnOnce(bool, Lang) -> String,
        text: impl FnOnce(Format, Style, Lang) -> String,
    ) -> anyhow::Result<()> {
        let lang = self.args.lang.into();
        if let Some(ReportFile { file, is_html }) = self.file {
            file.write(&page(is_html, lang))?;
        }
        print(&text(format(self.args.format), style(), lang))
    }
}

/// A report that appears once it is whole, in the form that its name says.
struct ReportFile {
    file: WholeFile,
    is_html: bool,
}

impl ReportFile {
    fn create(path: &Path) -> anyhow::Result<Self> {
        let is_html = match path.extension().and_then(|extension| extension.to_str()) {
            Some("html" | "htm") => true,
            Some("md") => false,
            _ => {
                let message = format!("`{}` is neither a .html nor a .md file", path.display());
                return Err(Usage::new(message, "name the report `report.html` or `report.md`").into());
            }
        };
        Ok(Self { file: WholeFile::create(path)?, is_html })
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write `{}`", path.display())
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        // Under its own name it is no longer there.
        let _ = std::fs::remove_file(&self.partial);
        unfinished().retain(|partial| *partial != self.partial);
    }
}

/// The passing names of the files that are being written.
fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(vec![]);
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the process after Ctrl-C, without half a file left.
pub(crate) fn quit() -> ! {
    for partial in unfinished().iter() {
        let _ = std::fs::remove_file(partial);
    }
    std::process::exit(Exit::Interrupted as i32);
}
