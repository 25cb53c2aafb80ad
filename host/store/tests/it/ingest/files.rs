//! A scratch file, what it is ingested as, and a store to show as text.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use stratagem_model::{Currency, EventKind, FlatEvent, Line, NO_ABOUT, NO_ITEM, NO_TAG, Order, Time, Zone};
use stratagem_store::ingest::{IngestError, Kind, Mapping, Options, Report, ingest_file};
use stratagem_store::{
    MemoryStore, Projection, Settings, Store, attribute_values, subject_dictionary, tag_values,
};
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
    let words = Words { zone: Zone::new(&store.settings().zone).unwrap(), store };
    let mut customers = vec![];
    store
        .scan(0..1024, Projection { lines: true, events: true }, &mut |id, timeline| {
            let mut text = format!("{}\n", store.external_id(id).unwrap().unwrap());
            let mut lines = timeline.lines.iter();
            for order in &timeline.orders {
                text += &words.order(order, &mut lines);
            }
            // Events of one instant are in the order of their kinds and ids, which are hashes.
            let mut events: Vec<_> =
                timeline.events.iter().map(|event| (event.known_time, words.event(event))).collect();
            events.sort();
            text.extend(events.into_iter().map(|(_, shown)| shown));
            customers.push(text);
        })
        .unwrap();
    customers.sort();
    customers.concat()
}

/// The filings of a store, as [`show`] shows events.
pub(crate) fn show_filings(store: &dyn Store) -> String {
    let words = Words { zone: Zone::new(&store.settings().zone).unwrap(), store };
    let filings = store.filings().unwrap();
    let mut shown: Vec<_> = filings.iter().map(|filing| (filing.known_time, words.event(filing))).collect();
    shown.sort();
    shown.into_iter().map(|(_, shown)| shown).collect()
}

struct Words<'s> {
    zone: Zone,
    store: &'s dyn Store,
}

impl Words<'_> {
    fn word(&self, dictionary: &str, code: u32) -> String {
        self.store.dictionary(dictionary).unwrap()[code as usize].clone()
    }

    fn times(&self, event: Time, known: Time, is_correction: bool) -> String {
        let show = |time| if time == Time::MIN { "always".into() } else { self.zone.minute(time) };
        let known = if known == event { String::new() } else { format!(" known {}", show(known)) };
        format!("  {}{known}{}", show(event), if is_correction { " corrected" } else { "" })
    }

    fn order<'l>(&self, order: &Order, lines: &mut impl Iterator<Item = &'l Line>) -> String {
        let currency = &self.store.settings().currency;
        let mut shown: Vec<_> = lines
            .take(order.lines as usize)
            .map(|line| {
                let product = self.word("product", line.product);
                format!(" {} {product} {}", line.quantity, currency.format(line.gross))
            })
            .collect();
        shown.sort();
        let codes = [
            ("channel", order.channel),
            ("store", order.store),
            ("coupon", order.coupon),
            ("staff", order.staff),
        ];
        let details = codes.iter().filter(|(_, code)| *code != NO_ITEM);
        let details: String =
            details.map(|(name, code)| format!(" {name} {}", self.word(name, *code))).collect();
        format!(
            "{}{} order {} less {}{details}:{}\n",
            self.times(order.event_time, order.known_time, order.is_correction),
            if order.has_hour { "" } else { " (a date)" },
            currency.format(order.gross),
            currency.format(order.discount),
            shown.join(","),
        )
    }

    fn event(&self, event: &FlatEvent) -> String {
        let times = self.times(event.event_time, event.known_time, event.is_correction);
        let subject = match event.subject {
            NO_ITEM => String::new(),
            code => self.word(subject_dictionary(event.kind), code),
        };
        let code = || u32::try_from(event.value).unwrap();
        let value = match event.kind {
            EventKind::Attribute => self.word(&attribute_values(&subject), code()),
            EventKind::Tag if event.value == NO_TAG => "taken away".into(),
            EventKind::Tag => self.word(&tag_values(&subject), code()),
            EventKind::Filing => self.word("category", code()),
            _ => event.value.to_string(),
        };
        let space = if subject.is_empty() { "" } else { " " };
        let about = match event.about {
            NO_ABOUT => String::new(),
            about => format!(" about {about:016x}"),
        };
        format!("{times} {}{space}{subject} = {value}{about}\n", event.kind.name())
    }
}
