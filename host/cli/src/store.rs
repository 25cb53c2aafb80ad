//! `stratagem store`.

use std::path::PathBuf;

use stratagem_model::BUCKETS;
use stratagem_model::money::group;
use stratagem_store::export::to_parquet;
use stratagem_store::{SledStore, Source, Store};

use crate::args::StoreCommand;
use crate::exit::{Exit, Usage, Verdict};
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
        StoreCommand::Undo { source, store, format: f } => {
            let store = SledStore::open(&store.store)?;
            let source = find_source(&store.sources()?, source)?;
            let stop = progress::stop_flag()?;
            let undone = store.undo(&source, &stop)?;
            output::print(&stratagem_report::store_undone(&source, &undone, format(*f), style()))
        }
        StoreCommand::Compact { store, format: f } => {
            let compacted = SledStore::compact(&store.store)?;
            output::print(&stratagem_report::store_compacted(&compacted, format(*f), style()))
        }
    }
}

/// The one source of this name, or whose fingerprint begins so.
fn find_source(sources: &[Source], wanted: &str) -> anyhow::Result<Source> {
    let is_it = |source: &&Source| {
        source.name == wanted || wanted.len() >= 4 && source.fingerprint.starts_with(wanted)
    };
    let found: Vec<_> = sources.iter().filter(is_it).collect();
    let list = |sources: &[&Source]| {
        let line = |source: &&Source| {
            format!(
                "{} ({}, {})",
                source.name,
                source.kind,
                &source.fingerprint[..12.min(source.fingerprint.len())]
            )
        };
        sources.iter().map(line).collect::<Vec<_>>().join(", ")
    };
    match found[..] {
        [one] => Ok(one.clone()),
        [] => {
            let all = list(&sources.iter().collect::<Vec<_>>());
            let hint =
                if all.is_empty() { "nothing was ingested yet".into() } else { format!("there are {all}") };
            Err(Usage::new(format!("the store has no source `{wanted}`"), hint).into())
        }
        _ => {
            let message = format!("`{wanted}` could be several sources: {}", list(&found));
            Err(Usage::new(message, "name it by the beginning of its fingerprint").into())
        }
    }
}
