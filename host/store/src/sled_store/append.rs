//! Appending: from a batch in any order to sled batches of whole customers.
//!
//! # Invariants
//!
//! - **A refusal writes nothing**: the whole batch is merged, and every conflict found, before the first write.
//! - **A customer is written whole**: all its keys, and the totals that count it, are in one sled batch. A crash, or
//!   a wish to stop, falls between customers, and sending the batch again completes it.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use sled::{Batch, Tree};
use stratagem_model::{CustomerId, Timeline};

use super::disk::Disk;
use super::keys;
use super::layout::{self, Op};
use super::profile::EXTERNAL_ID_BYTES_MAX;
use super::read::{self, Raw};
use super::totals::StoredTotals;
use crate::amounts::Amounts;
use crate::claims::{self, History, Merged};
use crate::{Appended, CustomerEvents, StoreError};

/// A sled batch is closed once it has this many keys. It blocks readers while it is applied.
const OPS_PER_BATCH: usize = 500;

/// Batches of fewer customers are not worth waking other threads.
const PARALLEL_CUSTOMERS_MIN: usize = 64;

/// What a caller sees of a long append, and how it ends one.
pub(super) struct Watch<'a> {
    /// Called with the number of customers done.
    pub(super) progress: &'a mut dyn FnMut(u64),
    pub(super) stop: &'a AtomicBool,
}

/// A batch in key order, customers together.
pub(super) struct Sorted(Vec<(u16, CustomerId, CustomerEvents)>);

impl Sorted {
    pub(super) fn events(&self) -> impl Iterator<Item = &CustomerEvents> {
        self.0.iter().map(|(_, _, events)| events)
    }
}

/// What a customer, or what is filed of products, becomes.
pub(super) struct Change {
    /// 1 of a new customer, -1 of one who is gone.
    pub(super) customers: i64,
    pub(super) before: Amounts,
    pub(super) now: Amounts,
    pub(super) ops: Vec<Op>,
}

/// A change that an append makes, and what it counts as.
pub(super) struct Plan {
    pub(super) change: Change,
    pub(super) appended: Appended,
}

/// Sorts a batch, and refuses ids that cannot be keys.
pub(super) fn sort(batch: Vec<CustomerEvents>) -> Result<Sorted, StoreError> {
    if let Some(long) = batch.iter().find(|events| events.external_id.len() > EXTERNAL_ID_BYTES_MAX) {
        return Err(StoreError::too_long("customer id", &long.external_id, EXTERNAL_ID_BYTES_MAX));
    }
    let keyed = batch.into_iter().map(|events| {
        let customer = CustomerId::from_external(&events.external_id);
        (customer.bucket(), customer, events)
    });
    let mut sorted: Vec<_> = keyed.collect();
    sorted.sort_by_key(|(bucket, customer, _)| (*bucket, *customer));
    Ok(Sorted(sorted))
}

/// Merges a batch into what is stored, and finds every conflict. The caller holds the lock.
pub(super) fn plan_all(disk: &Disk, batch: &Sorted, stop: &AtomicBool) -> Result<Vec<Plan>, StoreError> {
    let customers: Vec<_> = batch.0.chunk_by(|a, b| a.1 == b.1).collect();
    let plan = |customer: &&[_]| {
        if stop.load(Ordering::Relaxed) {
            Err(StoreError::Interrupted)
        } else {
            plan(&disk.timelines, customer)
        }
    };
    let plans: Vec<Result<Plan, StoreError>> = if customers.len() < PARALLEL_CUSTOMERS_MIN {
        customers.iter().map(plan).collect()
    } else {
        customers.par_iter().map(plan).collect()
    };
    // In order, so that the same batch is refused for the same reason each time.
    plans.into_iter().collect()
}

/// Merges one customer's part of a batch into what is stored.
fn plan(timelines: &Tree, batch: &[(u16, CustomerId, CustomerEvents)]) -> Result<Plan, StoreError> {
    let incoming: Vec<_> = batch.iter().map(|(_, _, events)| events).collect();
    plan_of(timelines, batch[0].1, &incoming)
}

/// Merges what is said of one customer, or of products, into what is stored.
pub(super) fn plan_of(
    timelines: &Tree,
    customer: CustomerId,
    incoming: &[&CustomerEvents],
) -> Result<Plan, StoreError> {
    let external_id = incoming[0].external_id.as_str();
    let collision = |first: &str, second: &str| {
        Err(StoreError::IdCollision { first: first.into(), second: second.into() })
    };
    if let Some(other) = incoming.iter().find(|events| events.external_id != external_id) {
        return collision(external_id, &other.external_id);
    }
    let stored = Raw::read(timelines, customer)?;
    let mut existing = History::default();
    if let Some(raw) = &stored {
        let known_as = read::decode_profile(customer, &raw.profile)?.external_id;
        if known_as != external_id {
            return collision(known_as, external_id);
        }
        existing = raw.history(customer)?;
    }
    let merged = claims::merge(external_id, &existing, incoming)?;
    let is_new = stored.is_none();
    let before = amounts(customer, &existing.timeline);
    let (ops, now) = if is_new || merged.is_changed {
        let old = stored.map(|raw| raw.into_values(customer)).unwrap_or_default();
        let new = layout::lay_out(customer, external_id, &merged.history);
        (layout::changes(old, new), amounts(customer, &merged.history.timeline))
    } else {
        (Vec::new(), before)
    };
    let is_customer = customer != keys::FILINGS;
    let (customers, customers_new) = (i64::from(is_new && is_customer), u64::from(is_new && is_customer));
    let Merged { added, corrected, unchanged, .. } = merged;
    let appended = Appended { customers_new, added, corrected, unchanged };
    Ok(Plan { change: Change { customers, before, now, ops }, appended })
}

/// What totals count of a timeline: nothing of filings.
pub(super) fn amounts(customer: CustomerId, timeline: &Timeline) -> Amounts {
    if customer == keys::FILINGS { Amounts::default() } else { Amounts::of(timeline) }
}

/// Applies changes, some at a time. The caller holds `totals` locked, and commits before it acknowledges.
///
/// # Errors
/// [`StoreError::Interrupted`] once it is to stop: what was applied until then is durable.
pub(super) fn write(
    disk: &Disk,
    totals: &mut StoredTotals,
    changes: Vec<Change>,
    watch: &mut Watch<'_>,
) -> Result<(), StoreError> {
    let (mut batch, mut ops, mut next) = (Batch::default(), 0, totals.clone());
    let last = changes.len();
    for (done, change) in (1..).zip(changes) {
        ops += change.ops.len();
        for (key, value) in change.ops {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        next.customers = next.customers.saturating_add_signed(change.customers);
        next.replace(&change.before, &change.now);
        if ops < OPS_PER_BATCH && done < last {
            continue;
        }
        if ops > 0 {
            next.revision += 1;
            batch.insert(keys::TOTALS, next.encode());
            disk.apply(&disk.timelines, std::mem::take(&mut batch))?;
            totals.clone_from(&next);
            ops = 0;
        }
        (watch.progress)(done as u64);
        if done < last && watch.stop.load(Ordering::Relaxed) {
            disk.commit()?;
            return Err(StoreError::Interrupted);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No two texts with one hash are known, so one of them is put there by hand.
    #[test]
    fn two_customers_with_one_id_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let db = sled::open(directory.path()).unwrap();
        let events = |id: &str| CustomerEvents::new(id, Default::default());
        let b = CustomerId::from_external("b");
        for (key, value) in layout::lay_out(b, "a", &History::default()) {
            db.insert(key, value).unwrap();
        }
        let with_stored = plan(&db, &[(b.bucket(), b, events("b"))]);
        let within_batch = plan(&db, &[(b.bucket(), b, events("a")), (b.bucket(), b, events("b"))]);
        for refused in [with_stored, within_batch] {
            let Err(StoreError::IdCollision { first, second }) = refused else {
                panic!("two customers became one");
            };
            assert_eq!((first.as_str(), second.as_str()), ("a", "b"));
        }
    }
}
