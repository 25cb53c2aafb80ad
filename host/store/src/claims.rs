//! What a customer's events are, given what each ingest said of them.
//!
//! Each ingest *claims*: this content of this id was known then. Claims of one content make one row, known at the
//! earliest of them; contents of one id are corrections of each other in the order in which they became known.
//!
//! # Invariants
//!
//! - **A function of the set of claims.** Order of arrival leaves no trace, and a claim that is taken back leaves what
//!   would be there without it.
//! - **A correction says when it became known**: later than the content before, and later than it happened. Anything
//!   else under a known id is a conflict, whether the two meet in a batch or years apart.
//!
//! # Not here
//!
//! How rows and notes are laid out in bytes is `chunk`; which keys they have is `sled_store`.

use stratagem_model::{EventKind, FlatEvent, Line, Order, Time, Timeline};
use xxhash_rust::xxh3::Xxh3Default;

use crate::{CustomerEvents, StoreError};

/// A claim beside the one that gave a row its known time; or, without a kind, that the customer is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Note {
    pub(crate) kind: Option<EventKind>,
    pub(crate) id: u64,
    /// A hash of what was claimed.
    pub(crate) content: u64,
    pub(crate) source: u32,
    pub(crate) known_ms: i64,
}

/// Everything of one customer, with where it came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) timeline: Timeline,
    /// By order and by event: the source of the claim that is the row's known time.
    pub(crate) order_sources: Vec<u32>,
    pub(crate) event_sources: Vec<u32>,
    /// Ascending.
    pub(crate) notes: Vec<Note>,
}

/// What came of a merge.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    pub(crate) history: History,
    /// Whether anything is other than before, be it but a note.
    pub(crate) is_changed: bool,
    pub(crate) added: u64,
    pub(crate) corrected: u64,
    pub(crate) unchanged: u64,
}

impl History {
    /// Whether nothing says that there is such a customer.
    pub(crate) fn is_empty(&self) -> bool {
        self.timeline.orders.is_empty() && self.timeline.events.is_empty() && self.notes.is_empty()
    }

    fn says(&self, source: u32) -> bool {
        self.order_sources.contains(&source)
            || self.event_sources.contains(&source)
            || self.notes.iter().any(|note| note.source == source)
    }

    /// What would be there if a source had never been ingested; `None` if that is all of it.
    ///
    /// # Errors
    /// Two other sources contradict each other without it.
    pub(crate) fn without(&self, external_id: &str, source: u32) -> Result<Option<Self>, StoreError> {
        if !self.says(source) {
            return Ok(None);
        }
        let mut merged = Merged::default();
        let is_kept = |claim: &Kept| claim.source != source;
        let mut orders = claims(&with_lines(external_id, &self.timeline)?, &self.order_sources, &self.notes);
        let mut events =
            claims(&self.timeline.events.iter().collect::<Vec<_>>(), &self.event_sources, &self.notes);
        orders.retain(|claim| is_kept(&claim.kept));
        events.retain(|claim| is_kept(&claim.kept));
        settle(external_id, orders, &mut merged)?;
        settle(external_id, events, &mut merged)?;
        let members = self.notes.iter().filter(|note| note.kind.is_none() && note.source != source);
        merged.history.notes.extend(members);
        merged.history.notes.sort_unstable();
        Ok(Some(merged.history))
    }
}

/// Merges what is claimed into what is there, in any order.
///
/// # Errors
/// Something contradicts what is known by its id, or an order has another number of lines than came with it.
pub(crate) fn merge(
    external_id: &str,
    existing: &History,
    incoming: &[&CustomerEvents],
) -> Result<Merged, StoreError> {
    let mut merged = Merged::default();
    let mut orders =
        claims(&with_lines(external_id, &existing.timeline)?, &existing.order_sources, &existing.notes);
    let old: Vec<_> = existing.timeline.events.iter().collect();
    let mut events = claims(&old, &existing.event_sources, &existing.notes);
    for said in incoming {
        let new = |known: Time| Kept { known_ms: known.0, source: said.source, is_new: true };
        let with_lines = with_lines(external_id, &said.timeline)?;
        orders.extend(with_lines.into_iter().map(|item| Claim { item, kept: new(item.order.known_time) }));
        events.extend(said.timeline.events.iter().map(|item| Claim { item, kept: new(item.known_time) }));
    }
    settle(external_id, orders, &mut merged)?;
    settle(external_id, events, &mut merged)?;
    // Who says more of a customer than that they are there has no note of it, whichever it says first.
    let members =
        existing.notes.iter().filter(|note| note.kind.is_none() && !merged.history.says(note.source));
    let members: Vec<_> = members.copied().collect();
    merged.history.notes.extend(members);
    for said in
        incoming.iter().filter(|said| said.timeline.orders.is_empty() && said.timeline.events.is_empty())
    {
        if !merged.history.says(said.source) {
            let note = Note { kind: None, id: 0, content: 0, source: said.source, known_ms: 0 };
            merged.history.notes.push(note);
            merged.is_changed = true;
        }
    }
    merged.history.notes.sort_unstable();
    Ok(merged)
}

/// Something known by its kind and id.
trait Identified: Copy {
    fn kind(self) -> EventKind;
    fn id(self) -> u64;
    fn known_ms(self) -> i64;
    fn event_ms(self) -> i64;
    fn is_same(self, other: Self) -> bool;
    /// A hash of what it says, without when it became known.
    fn content(self) -> u64;
    /// Appends it as a row.
    fn push(self, known: Time, is_correction: bool, source: u32, to: &mut History);
}

#[derive(Debug, Clone, Copy)]
struct WithLines<'a> {
    order: &'a Order,
    lines: &'a [Line],
}

impl WithLines<'_> {
    fn said(&self) -> Order {
        Order { known_time: Time(0), is_correction: false, ..self.order.clone() }
    }
}

impl Identified for WithLines<'_> {
    fn kind(self) -> EventKind {
        EventKind::Order
    }

    fn id(self) -> u64 {
        self.order.id.0
    }

    fn known_ms(self) -> i64 {
        self.order.known_time.0
    }

    fn event_ms(self) -> i64 {
        self.order.event_time.0
    }

    fn is_same(self, other: Self) -> bool {
        self.said() == other.said() && self.lines == other.lines
    }

    fn content(self) -> u64 {
        let Order { event_time, gross, discount, has_hour, channel, store, coupon, staff, .. } = self.order;
        let mut hash = Xxh3Default::new();
        for number in [event_time.0, *gross, *discount, i64::from(*has_hour)] {
            hash.update(&number.to_le_bytes());
        }
        for code in [channel, store, coupon, staff] {
            hash.update(&code.to_le_bytes());
        }
        for line in self.lines {
            hash.update(&line.product.to_le_bytes());
            hash.update(&line.quantity.to_le_bytes());
            hash.update(&line.gross.to_le_bytes());
        }
        hash.digest()
    }

    fn push(self, known: Time, is_correction: bool, source: u32, to: &mut History) {
        to.timeline.orders.push(Order { known_time: known, is_correction, ..self.order.clone() });
        to.timeline.lines.extend_from_slice(self.lines);
        to.order_sources.push(source);
    }
}

impl Identified for &FlatEvent {
    fn kind(self) -> EventKind {
        self.kind
    }

    fn id(self) -> u64 {
        self.id.0
    }

    fn known_ms(self) -> i64 {
        self.known_time.0
    }

    fn event_ms(self) -> i64 {
        self.event_time.0
    }

    fn is_same(self, other: Self) -> bool {
        let said = |e: &FlatEvent| (e.event_time, e.subject, e.value, e.about);
        said(self) == said(other)
    }

    fn content(self) -> u64 {
        let mut hash = Xxh3Default::new();
        hash.update(&self.event_time.0.to_le_bytes());
        hash.update(&self.subject.to_le_bytes());
        hash.update(&self.value.to_le_bytes());
        hash.update(&self.about.to_le_bytes());
        hash.digest()
    }

    fn push(self, known: Time, is_correction: bool, source: u32, to: &mut History) {
        to.timeline.events.push(FlatEvent { known_time: known, is_correction, ..self.clone() });
        to.event_sources.push(source);
    }
}

fn with_lines<'a>(external_id: &str, timeline: &'a Timeline) -> Result<Vec<WithLines<'a>>, StoreError> {
    let uneven = || StoreError::Uneven { customer: external_id.into() };
    let mut lines = timeline.lines.as_slice();
    let mut orders = Vec::with_capacity(timeline.orders.len());
    for order in &timeline.orders {
        let (own, rest) = lines.split_at_checked(order.lines as usize).ok_or_else(uneven)?;
        lines = rest;
        orders.push(WithLines { order, lines: own });
    }
    if lines.is_empty() { Ok(orders) } else { Err(uneven()) }
}

/// Who claims when.
#[derive(Debug, Clone, Copy)]
struct Kept {
    known_ms: i64,
    source: u32,
    is_new: bool,
}

#[derive(Debug, Clone, Copy)]
struct Claim<T> {
    item: T,
    kept: Kept,
}

/// The claims that rows and notes stand for.
fn claims<T: Identified>(rows: &[T], sources: &[u32], notes: &[Note]) -> Vec<Claim<T>> {
    let mut claims: Vec<_> = rows
        .iter()
        .zip(sources)
        .map(|(item, source)| {
            let kept = Kept { known_ms: item.known_ms(), source: *source, is_new: false };
            Claim { item: *item, kept }
        })
        .collect();
    if notes.is_empty() {
        return claims;
    }
    for item in rows {
        let of_id = (Some(item.kind()), item.id());
        let from = notes.partition_point(|note| (note.kind, note.id) < of_id);
        let mut same = notes[from..].iter().take_while(|note| (note.kind, note.id) == of_id).peekable();
        if same.peek().is_none() {
            continue;
        }
        let content = item.content();
        let kept = |note: &Note| Kept { known_ms: note.known_ms, source: note.source, is_new: false };
        claims.extend(
            same.filter(|note| note.content == content).map(|note| Claim { item: *item, kept: kept(note) }),
        );
    }
    claims
}

/// A content of an id, with those who claim it.
struct Content<T> {
    item: T,
    claims: Vec<Kept>,
}

impl<T> Content<T> {
    /// The claim that gives it its known time.
    fn first(&self) -> Kept {
        let claims = self.claims.iter().copied();
        claims.min_by_key(|kept| (kept.known_ms, kept.source)).expect("a content is claimed by someone")
    }
}

/// Makes rows and notes of claims: rows in the order of `(known_time, event_time, kind, id)`.
fn settle<T: Identified>(
    external_id: &str,
    mut claims: Vec<Claim<T>>,
    merged: &mut Merged,
) -> Result<(), StoreError> {
    // Old before new, so that what is new is compared with what was there.
    claims.sort_unstable_by_key(|claim| (claim.item.id(), claim.item.kind(), claim.kept.is_new));
    let mut rows: Vec<(T, Kept, bool)> = Vec::with_capacity(claims.len());
    let is_same_id =
        |a: &Claim<T>, b: &Claim<T>| (a.item.id(), a.item.kind()) == (b.item.id(), b.item.kind());
    for same in claims.chunk_by(is_same_id) {
        if let [claim] = same {
            merged.added += u64::from(claim.kept.is_new);
            merged.is_changed |= claim.kept.is_new;
            rows.push((claim.item, claim.kept, false));
            continue;
        }
        let contents = contents(same, merged);
        check(external_id, &contents)?;
        for (number, content) in contents.iter().enumerate() {
            let first = content.first();
            rows.push((content.item, first, number > 0));
            let others = content.claims.iter().filter(|kept| kept.source != first.source);
            merged.history.notes.extend(others.map(|kept| Note {
                kind: Some(content.item.kind()),
                id: content.item.id(),
                content: content.item.content(),
                source: kept.source,
                known_ms: kept.known_ms,
            }));
        }
    }
    rows.sort_unstable_by_key(|(item, kept, _)| (kept.known_ms, item.event_ms(), item.kind(), item.id()));
    for (item, kept, is_correction) in rows {
        item.push(Time(kept.known_ms), is_correction, kept.source, &mut merged.history);
    }
    Ok(())
}

/// The contents of one id in the order in which they became known.
fn contents<T: Identified>(claims: &[Claim<T>], merged: &mut Merged) -> Vec<Content<T>> {
    let mut contents: Vec<Content<T>> = vec![];
    for Claim { item, kept } in claims {
        let known = contents.iter().position(|content| content.item.is_same(*item));
        let Some(at) = known else {
            merged.is_changed |= kept.is_new;
            match (kept.is_new, contents.is_empty()) {
                (false, _) => {}
                (true, true) => merged.added += 1,
                (true, false) => merged.corrected += 1,
            }
            contents.push(Content { item: *item, claims: vec![*kept] });
            continue;
        };
        if !kept.is_new {
            // Of sources that are all different: they were settled before.
            contents[at].claims.push(*kept);
            continue;
        }
        merged.unchanged += 1;
        // One source says a thing once: what it says twice was known the first time.
        match contents[at].claims.iter_mut().find(|other| other.source == kept.source) {
            Some(other) if other.known_ms <= kept.known_ms => {}
            Some(other) => {
                other.known_ms = kept.known_ms;
                merged.is_changed = true;
            }
            None => {
                contents[at].claims.push(*kept);
                merged.is_changed = true;
            }
        }
    }
    contents.sort_by_key(|content| content.first().known_ms);
    contents
}

fn check<T: Identified>(external_id: &str, contents: &[Content<T>]) -> Result<(), StoreError> {
    let contradicts = |pair: &[Content<T>]| {
        let known_ms = pair[1].first().known_ms;
        known_ms <= pair[0].first().known_ms || known_ms <= pair[1].item.event_ms()
    };
    match contents.windows(2).find(|pair| contradicts(pair)) {
        None => Ok(()),
        Some(pair) => Err(StoreError::Conflict {
            customer: external_id.into(),
            kind: pair[0].item.kind().name().into(),
            id: pair[0].item.id(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use stratagem_model::EventId;

    use super::*;

    fn visit(id: u64, known_ms: i64, value: i64) -> FlatEvent {
        let event = FlatEvent::new(EventKind::Visit, EventId(id), Time(known_ms));
        FlatEvent { event_time: Time(5), value, ..event }
    }

    fn said(source: u32, events: Vec<FlatEvent>) -> CustomerEvents {
        let timeline = Timeline { events, ..Timeline::default() };
        CustomerEvents { external_id: "c".into(), source, timeline }
    }

    fn rows(history: &History) -> Vec<(u64, i64, i64, bool)> {
        let row = |e: &FlatEvent| (e.id.0, e.known_time.0, e.value, e.is_correction);
        history.timeline.events.iter().map(row).collect()
    }

    #[test]
    fn the_same_content_keeps_the_earliest_known_time_and_what_is_taken_back_leaves_the_rest() {
        let (a, b) = (said(1, vec![visit(7, 20, 3)]), said(2, vec![visit(7, 10, 3), visit(8, 5, 0)]));
        for order in [[&a, &b], [&b, &a]] {
            let mut history = History::default();
            for one in order {
                history = merge("c", &history, &[one]).unwrap().history;
            }
            assert_eq!(history, merge("c", &History::default(), &order).unwrap().history);
            assert_eq!(rows(&history), [(8, 5, 0, false), (7, 10, 3, false)]);
            let without = history.without("c", 2).unwrap().unwrap();
            assert_eq!(without, merge("c", &History::default(), &[&a]).unwrap().history);
            assert!(history.without("c", 3).unwrap().is_none(), "it says nothing");
            assert!(without.without("c", 1).unwrap().unwrap().is_empty());
        }
    }

    #[test]
    fn a_correction_is_known_later_than_what_it_corrects_and_than_it_happened() {
        let first = said(1, vec![visit(7, 5, 1)]);
        let history = merge("c", &History::default(), &[&first]).unwrap().history;
        for (known_ms, is_taken) in [(5, false), (4, false), (6, true)] {
            let later = said(2, vec![visit(7, known_ms, 2)]);
            let merged = merge("c", &history, &[&later]);
            assert_eq!(merged.is_ok(), is_taken, "known at {known_ms}");
            let Ok(merged) = merged else { continue };
            assert_eq!((merged.added, merged.corrected, merged.unchanged), (0, 1, 0));
            assert_eq!(rows(&merged.history), [(7, 5, 1, false), (7, 6, 2, true)]);
            let again = merge("c", &merged.history, &[&later]).unwrap();
            assert!(!again.is_changed && again.unchanged == 1);
        }
    }

    #[test]
    fn a_member_of_whom_nothing_is_said_is_there_as_long_as_a_source_says_so() {
        let member = merge("c", &History::default(), &[&said(4, vec![])]).unwrap();
        assert!(member.is_changed && !member.history.is_empty());
        assert!(!merge("c", &member.history, &[&said(4, vec![])]).unwrap().is_changed);
        assert!(member.history.without("c", 4).unwrap().unwrap().is_empty());
        let event = said(4, vec![visit(7, 5, 1)]);
        let after = merge("c", &member.history, &[&event]).unwrap().history;
        assert_eq!(after, merge("c", &History::default(), &[&event]).unwrap().history, "it leaves no trace");
        assert!(!merge("c", &after, &[&said(4, vec![])]).unwrap().is_changed);
    }
}
