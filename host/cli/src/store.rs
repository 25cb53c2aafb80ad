//! `stratagem store`.

use stratagem_model::money::group;
use stratagem_store::SledStore;

use crate::args::StoreCommand;
use crate::exit::{Exit, Verdict};
use crate::ingest::format;
use crate::output::{self, style};

pub(crate) fn run(command: &StoreCommand) -> anyhow::Result<()> {
    match command {
        StoreCommand::Info { store, format: f } => {
            let info = SledStore::open(&store.store)?.info()?;
            output::print(&stratagem_report::store_info(&info, format(*f), style()))
        }
        StoreCommand::Verify { store, format: f } => {
            let verified = SledStore::open(&store.store)?.verify()?;
            output::print(&stratagem_report::store_verified(&verified, format(*f), style()))?;
            if verified.problems.is_empty() {
                return Ok(());
            }
            let message = format!("the store is damaged in {} places", verified.problems.len());
            Err(Verdict { exit: Exit::BadInput, message }.into())
        }
        StoreCommand::Export { store, dir } => anyhow::bail!("{store:?} {dir:?}"),
        StoreCommand::Compact { store, format: f } => {
            let compacted = SledStore::compact(&store.store)?;
            output::print(&stratagem_report::store_compacted(&compacted, format(*f), style()))
        }
    }
}
