//! `stratagem store`.

use std::path::PathBuf;

use stratagem_model::BUCKETS;
use stratagem_model::money::group;
use stratagem_store::SledStore;
use stratagem_store::export::to_parquet;

use crate::args::StoreCommand;
use crate::exit::{Exit, Verdict};
use crate::ingest::format;
use crate::output::{self, style};
use crate::progress;

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
        StoreCommand::Export { store, dir } => {
            let store = SledStore::open(&store.store)?;
            let bar = progress::bar(BUCKETS.into(), "exporting {wide_bar} {percent}% {eta}");
            let exported = to_parquet(&store, dir, &mut |done| bar.set_position(done.into()));
            bar.finish_and_clear();
            let exported = exported?;
            let line = |(path, rows): &(PathBuf, u64)| format!("{}: {} rows", path.display(), group(*rows));
            output::print(&exported.files.iter().map(line).collect::<Vec<_>>().join("\n"))
        }
        StoreCommand::Compact { store, format: f } => {
            let compacted = SledStore::compact(&store.store)?;
            output::print(&stratagem_report::store_compacted(&compacted, format(*f), style()))
        }
    }
}
