//! `stratagem library`.

use stratagem_library::LibraryError;
use stratagem_store::SledStore;

use crate::args::LibraryCommand;
use crate::ingest::format;
use crate::output::{self, Output, say, style};
use crate::rerun;

pub(crate) fn run(command: &LibraryCommand) -> anyhow::Result<()> {
    let text = match command {
        LibraryCommand::List { store, format: f } => {
            let found = stratagem_library::runs(&SledStore::open(&store.store)?)?;
            found.unreadable.iter().for_each(left_out);
            stratagem_report::library_list(&found.runs, format(*f), style())
        }
        LibraryCommand::Show { run, store, output } => {
            let output = Output::new(output)?;
            return output.run(&stratagem_library::run(&SledStore::open(&store.store)?, run)?);
        }
        LibraryCommand::Compare { runs, store, format: f } => {
            let store = SledStore::open(&store.store)?;
            let runs = runs.iter().map(|id| stratagem_library::run(&store, id));
            let runs = runs.collect::<Result<Vec<_>, _>>()?;
            stratagem_report::compare(&runs, format(*f), style())
        }
        LibraryCommand::Rerun { run, strategy, store } => return rerun::run(run, strategy, &store.store),
    };
    output::print(&text)
}

/// Says which run is not in the list, and why.
fn left_out(error: &LibraryError) {
    let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
    say(&format!("left out: {error}{hint}"));
}
