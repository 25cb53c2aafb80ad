//! `stratagem ingest`.

use std::path::Path;

use anyhow::Context;
use stratagem_model::{Currency, Zone};
use stratagem_report::Format;
use stratagem_store::ingest::{self, Mapping, OnError, Options, Report, Stage};
use stratagem_store::{Settings, SledStore, Store, Totals};

use crate::args::{IngestArgs, NewStoreArgs, OnErrorArg};
use crate::exit::Usage;
use crate::{output, progress};

pub(crate) fn run(args: &IngestArgs) -> anyhow::Result<()> {
    let options = Options {
        mapping: Mapping::parse(&args.map)?,
        delimiter: args.delimiter.map(delimiter).transpose()?,
        on_error: match args.on_error {
            OnErrorArg::Stop if args.rejects.is_some() => {
                return Err(
                    Usage::new("`--rejects` needs `--on-error skip`", "add it, or leave both out").into()
                );
            }
            OnErrorArg::Stop => OnError::Stop,
            OnErrorArg::Skip => OnError::Skip { rejects: args.rejects.clone() },
        },
        source_zone: args.source_zone.as_deref().map(zone).transpose()?,
        round_money: args.round,
        ..Options::new(args.kind)
    };
    let is_new = !args.store.store.exists();
    let store = open_or_create(&args.store.store, &args.new)?;
    let stop = progress::stop_flag()?;
    let report = match file(&store, &args.file, &options, &stop) {
        Ok(report) => report,
        Err(error) => {
            // A store that was made for a file that could not be read would only fix its zone and currency.
            if is_new && store.totals().is_ok_and(|totals| totals == Totals::default()) {
                drop(store);
                std::fs::remove_dir_all(&args.store.store)
                    .context("cannot remove the store that was just made")?;
            }
            return Err(error);
        }
    };
    output::print(&stratagem_report::ingested(&report, format(args.format), output::style()))
}

/// Ingests a file beside a progress bar.
pub(crate) fn file(
    store: &dyn Store,
    path: &Path,
    options: &Options,
    stop: &std::sync::atomic::AtomicBool,
) -> anyhow::Result<Report> {
    let bar = progress::bar(0, "{msg} {wide_bar} {percent}% {eta}");
    let mut watch = |progress: ingest::Progress| {
        bar.set_message(match progress.stage {
            Stage::Reading => "reading",
            Stage::Writing => "writing",
        });
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    };
    let report = ingest::ingest_file(store, path, options, &mut watch, stop);
    bar.finish_and_clear();
    Ok(report?)
}

/// Opens a store, or makes it with these settings. What was fixed when it was made must not be given otherwise.
pub(crate) fn open_or_create(path: &Path, new: &NewStoreArgs) -> anyhow::Result<SledStore> {
    let zone_name = new.time_zone.as_deref().map(|name| zone(name).map(|_| name)).transpose()?;
    let currency = new.currency.as_deref().map(currency).transpose()?;
    let settings = || Settings {
        zone: zone_name.unwrap_or("UTC").into(),
        currency: currency.clone().unwrap_or(Currency { code: "USD".into(), digits: 2 }),
    };
    let store = SledStore::open_or_create(path, settings)?;
    let fixed = store.settings();
    if let Some(zone) = zone_name.filter(|zone| *zone != fixed.zone) {
        let message = format!("the store's time zone is `{}`, not `{zone}`", fixed.zone);
        return Err(Usage::new(message, "leave `--time-zone` out, or make another store").into());
    }
    if let Some(currency) = currency.filter(|currency| *currency != fixed.currency) {
        let message = format!("the store's currency is `{}`, not `{}`", fixed.currency.code, currency.code);
        return Err(Usage::new(message, "leave `--currency` out, or make another store").into());
    }
    Ok(store)
}

pub(crate) fn zone(name: &str) -> anyhow::Result<Zone> {
    Zone::new(name).map_err(|error| {
        let (message, hint) =
            (format!("unknown time zone `{}`", error.0), "use an IANA name such as `Asia/Shanghai`");
        Usage::new(message, hint).into()
    })
}

fn currency(code: &str) -> anyhow::Result<Currency> {
    let unknown = || Usage::new(format!("`{code}` is not a currency"), "use an ISO 4217 code such as `CNY`");
    Ok(Currency::new(code).ok_or_else(unknown)?)
}

fn delimiter(character: char) -> anyhow::Result<u8> {
    let wide =
        || Usage::new(format!("`{character}` cannot separate columns"), "use a single ASCII character");
    Ok(u8::try_from(character).ok().filter(u8::is_ascii).ok_or_else(wide)?)
}

pub(crate) fn format(format: crate::args::FormatArg) -> Format {
    match format {
        crate::args::FormatArg::Text => Format::Text,
        crate::args::FormatArg::Json => Format::Json,
        crate::args::FormatArg::Csv => Format::Csv,
    }
}
