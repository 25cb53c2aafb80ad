//! Chunks come back, stay small, and any bytes are a chunk or an error.

use proptest::prelude::*;

use stratagem_model::time::Time;
use stratagem_model::{EventId, EventKind, FlatEvent, NO_ABOUT, NO_ITEM, Order};

use super::*;
use crate::claims::Note;

fn any_code() -> impl Strategy<Value = u32> {
    prop_oneof![4 => Just(NO_ITEM), 1 => any::<u32>()]
}

fn any_order() -> impl Strategy<Value = (Order, u32)> {
    let times = prop_oneof![any::<(i64, i64)>(), (0..2_000_000_000_000_i64).prop_map(|at| (at, at))];
    let amounts = (any::<i64>(), prop_oneof![Just(0), any::<i64>()]);
    let codes = (any_code(), any_code(), any_code(), any_code());
    let flags = any::<(bool, bool)>();
    (any::<u64>(), times, amounts, any::<u32>(), flags, codes, 0..3_u32).prop_map(
        |(id, (event, known), (gross, discount), lines, flags, (channel, store, coupon, staff), source)| {
            let order = Order {
                id: EventId(id),
                event_time: Time(event),
                known_time: Time(known),
                gross,
                discount,
                lines,
                has_hour: flags.0,
                is_correction: flags.1,
                channel,
                store,
                coupon,
                staff,
            };
            (order, source)
        },
    )
}

fn any_event() -> impl Strategy<Value = (FlatEvent, u32)> {
    let kind = prop::sample::select(EventKind::ALL);
    let about = prop_oneof![Just(NO_ABOUT), any::<u64>()];
    (kind, any::<(u64, i64, i64, bool)>(), any_code(), any::<i64>(), about, 0..3_u32).prop_map(
        |(kind, (id, event, known, is_correction), subject, value, about, source)| {
            let times =
                FlatEvent { event_time: Time(event), ..FlatEvent::new(kind, EventId(id), Time(known)) };
            (FlatEvent { subject, value, about, is_correction, ..times }, source)
        },
    )
}

fn any_note() -> impl Strategy<Value = Note> {
    let kind = prop::option::of(prop::sample::select(EventKind::ALL));
    (kind, any::<(u64, u64, u32, i64)>()).prop_map(|(kind, (id, content, source, known_ms))| Note {
        kind,
        id,
        content,
        source,
        known_ms,
    })
}

fn from<T>(rows: &[(T, u32)]) -> Vec<Sourced<'_, T>> {
    rows.iter().map(|(row, source)| Sourced { row, source: *source }).collect()
}

proptest! {
    #[test]
    fn chunks_come_back_and_stay_small(
        orders in prop::collection::vec(any_order(), 0..400),
        events in prop::collection::vec(any_event(), 0..400),
        lines in prop::collection::vec(any::<(u32, i32, i64)>(), 0..400),
        notes in prop::collection::vec(any_note(), 0..400),
    ) {
        let chunks = encode(&from(&orders));
        let (mut decoded, mut sources) = (Vec::new(), Vec::new());
        for chunk in &chunks {
            prop_assert!(chunk.body.len() <= CHUNK_BYTES_MAX);
            prop_assert_eq!(chunk.first_ms, orders[decoded.len()].0.known_time.0);
            prop_assert_eq!(decode_orders(&chunk.body, &mut decoded, Some(&mut sources)), Ok(()));
        }
        prop_assert_eq!(decoded.into_iter().zip(sources).collect::<Vec<_>>(), orders);

        let (mut decoded, mut sources) = (Vec::new(), Vec::new());
        for chunk in encode(&from(&events)) {
            prop_assert!(chunk.body.len() <= CHUNK_BYTES_MAX);
            prop_assert_eq!(decode_events(&chunk.body, &mut decoded, Some(&mut sources)), Ok(()));
        }
        prop_assert_eq!(decoded.into_iter().zip(sources).collect::<Vec<_>>(), events);

        let mut decoded = Vec::new();
        for chunk in encode(&notes.iter().collect::<Vec<_>>()) {
            prop_assert!(chunk.body.len() <= CHUNK_BYTES_MAX);
            prop_assert_eq!(decode_notes(&chunk.body, &mut decoded), Ok(()));
        }
        prop_assert_eq!(decoded, notes);

        let line = |(product, quantity, gross)| Line { product, quantity, gross };
        let lines: Vec<_> = lines.into_iter().map(line).collect();
        let rows: Vec<_> = lines.iter().map(|line| OrderLine { known_ms: -5, line }).collect();
        let mut decoded = Vec::new();
        for chunk in encode(&rows) {
            prop_assert!(chunk.body.len() <= CHUNK_BYTES_MAX);
            prop_assert_eq!(decode_lines(&chunk.body, &mut decoded), Ok(()));
        }
        prop_assert_eq!(decoded, lines);
    }

    #[test]
    fn any_bytes_are_a_chunk_or_an_error(
        bytes: Vec<u8>,
        orders in prop::collection::vec(any_order(), 1..20),
        flips: Vec<(prop::sample::Index, u8)>,
    ) {
        let mut damaged = encode(&from(&orders)).remove(0).body;
        for (at, with) in flips {
            let at = at.index(damaged.len());
            damaged[at] ^= with;
        }
        for bytes in [bytes, damaged] {
            let _ = decode_orders(&bytes, &mut Vec::new(), None);
            let _ = decode_lines(&bytes, &mut Vec::new());
            let _ = decode_events(&bytes, &mut Vec::new(), Some(&mut Vec::new()));
            let _ = decode_notes(&bytes, &mut Vec::new());
        }
    }
}

#[test]
fn what_comes_later_moves_no_earlier_chunk() {
    let order = |n: i64| {
        let time = Time(n * 86_400_000);
        (Order { lines: 3, ..Order::new(EventId(n as u64), time, n * 37 % 10_000) }, 1)
    };
    let orders: Vec<_> = (0..1_000).map(order).collect();
    let all = encode(&from(&orders));
    let fewer = encode(&from(&orders[..900]));
    assert!(fewer.len() > 2);
    assert_eq!(all[..fewer.len() - 1], fewer[..fewer.len() - 1]);
}
