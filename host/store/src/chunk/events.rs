//! Events that are no orders, and notes, in a chunk.

use stratagem_model::time::Time;
use stratagem_model::{EventId, EventKind, FlatEvent, NO_ABOUT, NO_ITEM};

use super::{Opened, Row, Sourced, end, open_with_ids};
use crate::claims::Note;
use crate::codec::{Malformed, put_signed, put_varint};

const HAS_LAG: u8 = 1;
const HAS_SUBJECT: u8 = 2;
const HAS_VALUE: u8 = 4;
const HAS_ABOUT: u8 = 8;
const IS_CORRECTION: u8 = 16;
const HAS_SOURCE: u8 = 32;

impl Row for Sourced<'_, FlatEvent> {
    const HAS_ID: bool = true;

    fn known_ms(&self) -> i64 {
        self.row.known_time.0
    }

    fn id(&self) -> u64 {
        self.row.id.0
    }

    fn source(&self) -> u32 {
        self.source
    }

    fn put(&self, since: u64, source: Option<u32>, out: &mut Vec<u8>) {
        let event = self.row;
        let lag = event.known_time.0.wrapping_sub(event.event_time.0);
        let flags = if lag == 0 { 0 } else { HAS_LAG }
            | if event.subject == NO_ITEM { 0 } else { HAS_SUBJECT }
            | if event.value == 0 { 0 } else { HAS_VALUE }
            | if event.about == NO_ABOUT { 0 } else { HAS_ABOUT }
            | if event.is_correction { IS_CORRECTION } else { 0 }
            | if source.is_some() { HAS_SOURCE } else { 0 };
        out.extend([event.kind as u8, flags]);
        put_varint(out, since);
        if lag != 0 {
            put_signed(out, lag);
        }
        if event.subject != NO_ITEM {
            put_varint(out, event.subject.into());
        }
        if event.value != 0 {
            put_signed(out, event.value);
        }
        if event.about != NO_ABOUT {
            out.extend_from_slice(&event.about.to_le_bytes());
        }
        if let Some(source) = source {
            put_varint(out, source.into());
        }
    }
}

/// Appends the events of a chunk to `out`, and the source of each to `sources` if they are asked for.
pub(crate) fn decode_events(
    body: &[u8],
    out: &mut Vec<FlatEvent>,
    mut sources: Option<&mut Vec<u32>>,
) -> Result<(), Malformed> {
    let Opened { mut rows, mut known_ms, mut source, ids } = open_with_ids(body)?;
    out.reserve(ids.len());
    for id in ids {
        let kind = EventKind::from_code(rows.byte()?).ok_or(Malformed("an event has no known kind"))?;
        let flags = rows.byte()?;
        known_ms = known_ms.wrapping_add_unsigned(rows.varint()?);
        let lag = if flags & HAS_LAG == 0 { 0 } else { rows.signed()? };
        let mut event = FlatEvent::new(kind, EventId(u64::from_le_bytes(*id)), Time(known_ms));
        event.event_time = Time(known_ms.wrapping_sub(lag));
        if flags & HAS_SUBJECT != 0 {
            event.subject = rows.small()?;
        }
        if flags & HAS_VALUE != 0 {
            event.value = rows.signed()?;
        }
        if flags & HAS_ABOUT != 0 {
            event.about = rows.fixed()?;
        }
        event.is_correction = flags & IS_CORRECTION != 0;
        if flags & HAS_SOURCE != 0 {
            source = rows.small()?;
        }
        out.push(event);
        if let Some(sources) = &mut sources {
            sources.push(source);
        }
    }
    end(&rows)
}

impl Row for &Note {
    const HAS_ID: bool = true;

    /// All in one run: notes are read together or not at all.
    fn known_ms(&self) -> i64 {
        0
    }

    fn id(&self) -> u64 {
        self.id
    }

    fn source(&self) -> u32 {
        0
    }

    fn put(&self, _: u64, _: Option<u32>, out: &mut Vec<u8>) {
        out.push(self.kind.map_or(0, |kind| kind as u8));
        out.extend_from_slice(&self.content.to_le_bytes());
        put_varint(out, self.source.into());
        put_signed(out, self.known_ms);
    }
}

/// Appends the notes of a chunk to `out`.
pub(crate) fn decode_notes(body: &[u8], out: &mut Vec<Note>) -> Result<(), Malformed> {
    let Opened { mut rows, ids, .. } = open_with_ids(body)?;
    out.reserve(ids.len());
    for id in ids {
        let kind = match rows.byte()? {
            0 => None,
            code => Some(EventKind::from_code(code).ok_or(Malformed("a note has no known kind"))?),
        };
        let (id, content) = (u64::from_le_bytes(*id), rows.fixed()?);
        out.push(Note { kind, id, content, source: rows.small()?, known_ms: rows.signed()? });
    }
    end(&rows)
}
