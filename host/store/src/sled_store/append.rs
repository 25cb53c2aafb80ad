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
use stratagem_model::CustomerId;

use super::disk::Disk;
use super::keys;
use super::layout::{self, Op};
use super::profile::EXTERNAL_ID_BYTES_MAX;
use super::read::{self, Raw};
use super::totals::StoredTotals;
use crate::claims::{self, Amounts, History, Merged};
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

/// What one customer becomes.
pub(super) struct Plan {
    pub(super) ops: Vec<Op>,
    pub(super) before: Amounts,
    pub(super) now: Amounts,
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
    let before = Amounts::of(&existing.timeline);
    let (ops, now) = if is_new || merged.is_changed {
        let old = stored.map(|raw| raw.into_values(customer)).unwrap_or_default();
        let new = layout::lay_out(customer, external_id, &merged.history);
        (layout::changes(old, new), Amounts::of(&merged.history.timeline))
    } else {
        (Vec::new(), before)
    };
    let Merged { added, corrected, unchanged, .. } = merged;
    let appended = Appended { customers_new: is_new.into(), added, corrected, unchanged };
    Ok(Plan { ops, before, now, appended })
}

/// Applies what was planned. The caller holds `totals` locked, and commits before it acknowledges.
pub(super) fn write(
    disk: &Disk,
    totals: &mut StoredTotals,
    plans: Vec<Plan>,
    watch: &mut Watch<'_>,
) -> Result<Appended, StoreError> {
    let mut appended = Appended::default();
    let (mut batch, mut ops, mut grown) = (Batch::default(), 0, totals.clone());
    let last = plans.len();
    for (done, plan) in (1..).zip(plans) {
        ops += plan.ops.len();
        for (key, value) in plan.ops {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        grown.customers += plan.appended.customers_new;
        grown.replace(&plan.before, &plan.now);
        appended += plan.appended;
        if ops < OPS_PER_BATCH && done < last {
            continue;
        }
        if ops > 0 {
            grown.revision += 1;
            batch.insert(keys::TOTALS, grown.encode());
            disk.apply(&disk.timelines, std::mem::take(&mut batch))?;
            totals.clone_from(&grown);
            ops = 0;
        }
        (watch.progress)(done as u64);
        if done < last && watch.stop.load(Ordering::Relaxed) {
            disk.commit()?;
            return Err(StoreError::Interrupted);
        }
    }
    Ok(appended)
}

/// Applies what was planned for the filings of products, which no totals count.
pub(super) fn write_filings(
    disk: &Disk,
    totals: &mut StoredTotals,
    plan: Plan,
) -> Result<Appended, StoreError> {
    let mut batch = Batch::default();
    for (key, value) in plan.ops {
        match value {
            Some(value) => batch.insert(key, value),
            None => batch.remove(key),
        }
    }
    let mut grown = totals.clone();
    grown.revision += 1;
    batch.insert(keys::TOTALS, grown.encode());
    disk.apply(&disk.timelines, batch)?;
    *totals = grown;
    Ok(plan.appended)
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
