//! A scratch file, what it is ingested as, and a store to show as text.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use stratagem_model::{Currency, NO_ITEM, Zone};
use stratagem_store::ingest::{IngestError, Kind, Mapping, Options, Report, ingest_file};
use stratagem_store::{MemoryStore, Projection, Settings, Store, subject_dictionary};
use tempfile::TempDir;

/// A directory with one file, and an empty store.
pub(crate) struct Scratch {
    pub(crate) directory: TempDir,
    pub(crate) store: MemoryStore,
}

pub(crate) fn settings() -> Settings {
    Settings { zone: "America/New_York".into(), currency: Currency::new("USD").unwrap() }
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), store: MemoryStore::new(settings()) }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    pub(crate) fn ingest(&self, name: &str, options: &Options) -> Result<Report, IngestError> {
        ingest_file(&self.store, &self.path(name), options, &mut |_| (), &AtomicBool::new(false))
    }

    /// Writes and ingests a file, and shows the store or what is wrong with the file.
    pub(crate) fn check(&self, name: &str, content: impl AsRef<[u8]>, options: &Options) -> String {
        self.write(name, content);
        match self.ingest(name, options) {
            Ok(_) => show(&self.store),
            Err(error) => failure(&error),
        }
    }
}

/// An error as the command line prints it.
pub(crate) fn failure(error: &IngestError) -> String {
    match error.hint() {
        Some(hint) => format!("{error}\nhint: {hint}"),
        None => error.to_string(),
    }
}

pub(crate) fn options(kind: Kind, mapping: &str) -> Options {
    Options { mapping: Mapping::parse(mapping).unwrap(), ..Options::new(kind) }
}

/// Everything in a store, with words for codes and local times.
pub(crate) fn show(store: &dyn Store) -> String {
    let zone = Zone::new(&store.settings().zone).unwrap();
    let currency = &store.settings().currency;
    let dictionary = |name: &str| store.dictionary(name).unwrap();
    let products = dictionary("product");
    let mut customers = vec![];
    store
        .scan(0..1024, Projection { lines: true, events: true }, &mut |id, timeline| {
            let mut text = format!("{}\n", store.external_id(id).unwrap().unwrap());
            let mut lines = timeline.lines.iter();
            for order in &timeline.orders {
                let known = match order.known_time == order.event_time {
                    true => String::new(),
                    false => format!(" known {}", zone.minute(order.known_time)),
                };
                let amounts = (currency.format(order.gross), currency.format(order.discount));
                let at = zone.minute(order.event_time);
                text += &format!("  {at}{known} order {} less {}:", amounts.0, amounts.1);
                let mut shown: Vec<_> = lines
                    .by_ref()
                    .take(order.lines as usize)
                    .map(|line| {
                        let product = &products[line.product as usize];
                        format!(" {} {product} {}", line.quantity, currency.format(line.gross))
                    })
                    .collect();
                shown.sort();
                text += &(shown.join(",") + "\n");
            }
            let mut events = vec![];
            for event in &timeline.events {
                let at = zone.minute(event.event_time);
                let known = match event.known_time == event.event_time {
                    true => String::new(),
                    false => format!(" known {}", zone.minute(event.known_time)),
                };
                let subjects = dictionary(subject_dictionary(event.kind));
                let subject = match event.subject {
                    NO_ITEM => String::new(),
                    code => format!(" {}", subjects[code as usize]),
                };
                let value = match event.kind.name() {
                    "attribute" => {
                        dictionary(&format!("attribute.{}", &subject[1..]))[event.value as usize].clone()
                    }
                    _ => event.value.to_string(),
                };
                let shown = format!("  {at}{known} {}{subject} = {value}\n", event.kind.name());
                events.push((event.known_time, shown));
            }
            // Events of one instant are in the order of their ids, which are hashes.
            events.sort();
            text.extend(events.into_iter().map(|(_, shown)| shown));
            customers.push(text);
        })
        .unwrap();
    customers.sort();
    customers.concat()
}
