//! One JSON object a line; its keys are the columns. Empty lines do not count.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value as Json};

use super::error::{CORRECT_IT, IngestError, Problem, shorten};
use super::file::{Input, Visit};
use super::value::Cell;

/// Cuts lines off a file.
#[derive(Debug)]
pub(super) struct Ndjson {
    reader: BufReader<File>,
    rows_per_batch: usize,
    line: u64,
    bytes: u64,
    path: std::path::PathBuf,
}

/// Lines with their numbers.
#[derive(Debug)]
pub(super) struct Lines(Vec<(u64, Vec<u8>)>);

/// The keys of all objects, in the order in which they first appear: a row late in the file may be the only one to
/// have one. Lines that are no objects are left to the reading proper.
pub(super) fn columns(input: &Input) -> Result<Vec<String>, IngestError> {
    let mut reader = Ndjson::new(input, 1024)?;
    let mut keys = Keys::default();
    while let Some(lines) = reader.next()? {
        for (_, line) in &lines.0 {
            // An error is not lost: the same line is parsed again and reported with its number.
            let _ = keys.deserialize_object(line);
        }
    }
    Ok(keys.ordered)
}

impl Ndjson {
    pub(super) fn new(input: &Input, rows_per_batch: usize) -> Result<Self, IngestError> {
        let reader = BufReader::with_capacity(1 << 18, input.open_file()?);
        Ok(Self { reader, rows_per_batch, line: 0, bytes: 0, path: input.path.clone() })
    }

    pub(super) fn next(&mut self) -> Result<Option<Lines>, IngestError> {
        let mut lines = Vec::with_capacity(self.rows_per_batch);
        while lines.len() < self.rows_per_batch {
            let mut line = vec![];
            let read = self.reader.read_until(b'\n', &mut line).map_err(|source| IngestError::Io {
                doing: "read",
                path: self.path.clone(),
                source,
            })?;
            if read == 0 {
                break;
            }
            self.line += 1;
            self.bytes += read as u64;
            if self.line == 1 && line.starts_with(b"\xef\xbb\xbf") {
                line.drain(..3);
            }
            if !line.trim_ascii().is_empty() {
                lines.push((self.line, line));
            }
        }
        Ok((!lines.is_empty()).then_some(Lines(lines)))
    }

    pub(super) fn done(&self) -> u64 {
        self.bytes
    }
}

impl Lines {
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.0.iter().map(|(number, line)| (*number, line.trim_ascii()))
    }

    pub(super) fn visit(&self, input: &Input, columns: &[usize], visit: &mut Visit<'_>) {
        for (number, line) in self.iter() {
            match serde_json::from_slice::<Map<String, Json>>(line) {
                Ok(object) => {
                    let cell = |column: &usize| Cell::json(object.get(&input.columns[*column]));
                    let cells: Vec<_> = columns.iter().map(cell).collect();
                    visit(number, Ok(&cells));
                }
                Err(_) => {
                    let text = shorten(&String::from_utf8_lossy(line));
                    let problem = format!("`{text}` is not a JSON object");
                    visit(number, Err(Problem::new("", &text, problem, CORRECT_IT)));
                }
            }
        }
    }
}

/// Collects the keys of objects without building their values.
#[derive(Debug, Default)]
struct Keys {
    known: HashSet<String>,
    ordered: Vec<String>,
}

impl Keys {
    fn deserialize_object(&mut self, line: &[u8]) -> serde_json::Result<()> {
        let mut deserializer = serde_json::Deserializer::from_slice(line);
        deserializer.deserialize_map(&mut *self)
    }
}

impl<'de> Visitor<'de> for &mut Keys {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key_seed(Key(self))?.is_some() {
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

struct Key<'k>(&'k mut Keys);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<(), E> {
        if !self.0.known.contains(key) {
            self.0.known.insert(key.into());
            self.0.ordered.push(key.into());
        }
        Ok(())
    }
}
