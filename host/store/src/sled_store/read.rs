//! Timelines out of the tree: one customer's, or all of a range of buckets.
//!
//! # Invariants
//!
//! - **A customer is seen whole.** A scan is no snapshot, and appends go on meanwhile: a customer of several values is
//!   taken only if its profile is the same after they were read, and every append that changes a customer changes its
//!   profile. A customer of one value cannot be torn.

use std::ops::Range;

use sled::{IVec, Tree};
use stratagem_model::{CustomerId, Timeline};

use super::disk::unreadable;
use super::keys::{self, Section};
use super::layout::{self, Values};
use super::profile::Profile;
use crate::claims::{History, Note};
use crate::codec::{Malformed, unseal};
use crate::{Projection, StoreError, chunk};

/// Everything a timeline has.
pub(super) const EVERYTHING: Projection = Projection { lines: true, events: true };

const TREE: &str = "timelines";

/// The values of one customer, as they lie in the tree.
#[derive(Debug, Default)]
pub(super) struct Raw {
    pub(super) profile: IVec,
    chunks: Vec<(Section, IVec, IVec)>,
}

/// Visits every customer of the buckets in key order.
pub(super) fn scan(
    tree: &Tree,
    buckets: &Range<u16>,
    projection: Projection,
    visit: &mut dyn FnMut(CustomerId, &Timeline),
) -> Result<(), StoreError> {
    let mut timeline = Timeline::default();
    let mut deliver = |customer, raw: &mut Raw| {
        if raw.decode_settled(tree, customer, projection, &mut timeline)? {
            visit(customer, &timeline);
        }
        Ok(())
    };
    let (from, to) = keys::bounds(buckets);
    let mut current: Option<CustomerId> = None;
    let mut raw = Raw::default();
    for entry in tree.range(from.as_slice()..to.as_slice()) {
        let (key, value) = entry.map_err(unreadable)?;
        let (customer, section) = keys::parse(&key).map_err(|problem| keys::corrupt(TREE, &key, problem))?;
        if current != Some(customer) {
            if let Some(done) = current.replace(customer) {
                deliver(done, &mut raw)?;
            }
            // Stays empty if the customer began after the scan had passed its profile.
            raw.profile = IVec::default();
            raw.chunks.clear();
        }
        match section {
            Section::Profile => raw.profile = value,
            _ => raw.chunks.push((section, key, value)),
        }
    }
    current.map_or(Ok(()), |done| deliver(done, &mut raw))
}

/// Visits those of the customers that there are, in the order given.
pub(super) fn visit(
    tree: &Tree,
    customers: &[CustomerId],
    projection: Projection,
    visit: &mut dyn FnMut(CustomerId, &Timeline),
) -> Result<(), StoreError> {
    let mut timeline = Timeline::default();
    for customer in customers {
        let Some(mut raw) = Raw::read(tree, *customer)? else { continue };
        if raw.decode_settled(tree, *customer, projection, &mut timeline)? {
            visit(*customer, &timeline);
        }
    }
    Ok(())
}

impl Raw {
    /// The values of one customer, if there is such a customer. Where others may be
    /// writing, they must be settled.
    pub(super) fn read(tree: &Tree, customer: CustomerId) -> Result<Option<Self>, StoreError> {
        let Some(profile) = tree.get(keys::profile(customer)).map_err(unreadable)? else {
            return Ok(None);
        };
        let mut raw = Self { profile, chunks: Vec::new() };
        if decode_profile(customer, &raw.profile)?.keyed_chunks > 0 {
            raw.reread(tree, customer)?;
        }
        Ok(Some(raw))
    }

    /// All values under a customer's keys, also those that its profile does not count.
    pub(super) fn read_all(tree: &Tree, customer: CustomerId) -> Result<Option<Self>, StoreError> {
        let mut raw = Self::default();
        raw.reread(tree, customer)?;
        Ok(if raw.profile.is_empty() { None } else { Some(raw) })
    }

    /// [`decode`](Self::decode) of values that were read while others may have been writing; false if the customer is
    /// gone.
    fn decode_settled(
        &mut self,
        tree: &Tree,
        customer: CustomerId,
        projection: Projection,
        timeline: &mut Timeline,
    ) -> Result<bool, StoreError> {
        if self.chunks.is_empty() && self.decode(customer, projection, timeline).is_ok() {
            return Ok(true);
        }
        if !self.settle(tree, customer)? {
            return Ok(false);
        }
        self.decode(customer, projection, timeline).map(|()| true)
    }

    /// Reads again until no append came in between. Says whether the customer is still there.
    fn settle(&mut self, tree: &Tree, customer: CustomerId) -> Result<bool, StoreError> {
        loop {
            match tree.get(keys::profile(customer)).map_err(unreadable)? {
                Some(profile) if profile == self.profile => return Ok(true),
                Some(_) => self.reread(tree, customer)?,
                // Undoing an ingest took the last that was known of them.
                None if !self.profile.is_empty() => return Ok(false),
                None => {
                    let problem = Malformed("a customer has events and no profile");
                    return Err(keys::corrupt(TREE, &keys::profile(customer), problem));
                }
            }
        }
    }

    fn reread(&mut self, tree: &Tree, customer: CustomerId) -> Result<(), StoreError> {
        self.chunks.clear();
        for entry in tree.scan_prefix(keys::prefix(customer)) {
            let (key, value) = entry.map_err(unreadable)?;
            match keys::parse(&key).map_err(|problem| keys::corrupt(TREE, &key, problem))?.1 {
                Section::Profile => self.profile = value,
                section => self.chunks.push((section, key, value)),
            }
        }
        Ok(())
    }

    /// Replaces `timeline` by what the values hold.
    pub(super) fn decode(
        &self,
        customer: CustomerId,
        projection: Projection,
        timeline: &mut Timeline,
    ) -> Result<(), StoreError> {
        timeline.clear();
        self.decode_into(customer, projection, timeline, None)
    }

    /// Everything that the values hold.
    pub(super) fn history(&self, customer: CustomerId) -> Result<History, StoreError> {
        let (mut timeline, mut origins) = (Timeline::default(), Origins::default());
        self.decode_into(customer, EVERYTHING, &mut timeline, Some(&mut origins))?;
        let Origins { order_sources, event_sources, notes } = origins;
        Ok(History { timeline, order_sources, event_sources, notes })
    }

    fn decode_into(
        &self,
        customer: CustomerId,
        projection: Projection,
        timeline: &mut Timeline,
        mut origins: Option<&mut Origins>,
    ) -> Result<(), StoreError> {
        let profile = decode_profile(customer, &self.profile)?;
        for (section, key, value) in &self.chunks {
            unseal(value)
                .and_then(|body| decode_chunk(*section, body, projection, timeline, origins.as_deref_mut()))
                .map_err(|problem| keys::corrupt(TREE, key, problem))?;
        }
        decode_tails(&profile, projection, timeline, origins.as_deref_mut())
            .and_then(|()| self.check_counts(&profile, projection, timeline))
            .and_then(|()| check_notes(&profile, origins.as_deref()))
            .map_err(|problem| keys::corrupt(TREE, &keys::profile(customer), problem))
    }

    /// A missing or doubled chunk would otherwise go unseen.
    fn check_counts(
        &self,
        profile: &Profile<'_>,
        projection: Projection,
        timeline: &Timeline,
    ) -> Result<(), Malformed> {
        let (want, found) = (profile.counts, layout::counts(timeline));
        let lines_of_orders: u64 = timeline.orders.iter().map(|order| u64::from(order.lines)).sum();
        if profile.keyed_chunks != self.chunks.len() as u64 {
            return Err(Malformed("the customer has not as many chunks as its profile says"));
        }
        if want.orders != found.orders || want.lines != lines_of_orders {
            return Err(Malformed("the customer has not as many orders as its profile says"));
        }
        if projection.lines && want.lines != found.lines {
            return Err(Malformed("the customer has not as many lines as its profile says"));
        }
        if projection.events && want.events != found.events {
            return Err(Malformed("the customer has not as many events as its profile says"));
        }
        Ok(())
    }

    /// Keys and values, to compare with others.
    pub(super) fn into_values(self, customer: CustomerId) -> Values {
        let mut values: Values = self.chunks.into_iter().map(|(_, key, value)| (key, value)).collect();
        values.insert(keys::profile(customer).as_slice().into(), self.profile);
        values
    }
}

pub(super) fn decode_profile(customer: CustomerId, value: &[u8]) -> Result<Profile<'_>, StoreError> {
    Profile::decode(value).map_err(|problem| keys::corrupt(TREE, &keys::profile(customer), problem))
}

/// Where rows came from: what a scan does not read.
#[derive(Debug, Default)]
struct Origins {
    order_sources: Vec<u32>,
    event_sources: Vec<u32>,
    notes: Vec<Note>,
}

fn check_notes(profile: &Profile<'_>, origins: Option<&Origins>) -> Result<(), Malformed> {
    match origins {
        Some(origins) if origins.notes.len() as u64 != profile.counts.notes => {
            Err(Malformed("the customer has not as many notes as its profile says"))
        }
        _ => Ok(()),
    }
}

fn decode_tails(
    profile: &Profile<'_>,
    projection: Projection,
    timeline: &mut Timeline,
    mut origins: Option<&mut Origins>,
) -> Result<(), Malformed> {
    let tails = [
        (Section::Orders, profile.orders),
        (Section::Lines, profile.lines),
        (Section::Events, profile.events),
        (Section::Notes, profile.notes),
    ];
    for (section, body) in tails {
        if !body.is_empty() {
            decode_chunk(section, body, projection, timeline, origins.as_deref_mut())?;
        }
    }
    Ok(())
}

fn decode_chunk(
    section: Section,
    body: &[u8],
    projection: Projection,
    timeline: &mut Timeline,
    origins: Option<&mut Origins>,
) -> Result<(), Malformed> {
    match (section, origins) {
        (Section::Orders, origins) => {
            chunk::decode_orders(body, &mut timeline.orders, origins.map(|all| &mut all.order_sources))
        }
        (Section::Lines, _) if projection.lines => chunk::decode_lines(body, &mut timeline.lines),
        (Section::Events, origins) if projection.events => {
            chunk::decode_events(body, &mut timeline.events, origins.map(|all| &mut all.event_sources))
        }
        (Section::Notes, Some(origins)) => chunk::decode_notes(body, &mut origins.notes),
        _ => Ok(()),
    }
}
