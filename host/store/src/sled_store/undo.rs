//! Taking back what only one ingest says.
//!
//! # Invariants
//!
//! - **A refusal changes nothing**: every contradiction is found before the first write.
//! - **A customer is changed whole**, as when it is appended to. What stops halfway is completed by undoing again: the
//!   record of the source goes last.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use sled::Batch;
use stratagem_model::{BUCKETS, CustomerId};

use super::dictionaries::Dictionaries;
use super::disk::{Disk, unreadable};
use super::keys::{self, Section};
use super::layout::{self, Op, Values};
use super::read::{self, Raw};
use super::sources;
use super::totals::StoredTotals;
use crate::claims::Amounts;
use crate::first_known::{FirstKnown, NEVER};
use crate::{Source, StoreError, Undone};

/// A sled batch is closed once it has this many keys.
const OPS_PER_BATCH: usize = 500;

/// What a customer becomes.
struct Change {
    customer: CustomerId,
    before: Amounts,
    now: Amounts,
    is_gone: bool,
    ops: Vec<Op>,
}

/// Undoes a source. The caller holds `totals` locked.
pub(super) fn undo(
    disk: &Disk,
    dictionaries: &Dictionaries,
    totals: &mut StoredTotals,
    source: &Source,
    stop: &AtomicBool,
) -> Result<Undone, StoreError> {
    let known = sources::all(disk)?.into_iter().find(|(_, other)| sources::is_same(other, source));
    let Some((code, mut record)) = known else { return Ok(Undone::default()) };
    let buckets = (0..BUCKETS).into_par_iter().map(|bucket| {
        if stop.load(Ordering::Relaxed) {
            return Err(StoreError::Interrupted);
        }
        changes_of_bucket(disk, bucket, code)
    });
    let mut changes: Vec<Change> = buckets.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    changes.extend(change(disk, keys::FILINGS, code)?);
    // From here on it is known to be unfinished.
    record.is_complete = false;
    sources::put(disk, &record)?;
    dictionaries.mark(disk)?;
    let undone = write(disk, totals, &changes, stop)?;
    recount(disk, dictionaries, totals)?;
    sources::remove(disk, source)?;
    disk.commit()?;
    Ok(undone)
}

fn changes_of_bucket(disk: &Disk, bucket: u16, code: u32) -> Result<Vec<Change>, StoreError> {
    let mut changes = vec![];
    for customer in customers(disk, bucket)? {
        changes.extend(change(disk, customer, code)?);
    }
    Ok(changes)
}

fn customers(disk: &Disk, bucket: u16) -> Result<Vec<CustomerId>, StoreError> {
    let (from, to) = keys::bounds(&(bucket..bucket + 1));
    let mut customers = vec![];
    for key in disk.timelines.range(from..to).keys() {
        let key = key.map_err(unreadable)?;
        let (customer, section) =
            keys::parse(&key).map_err(|problem| keys::corrupt("timelines", &key, problem))?;
        if section == Section::Profile {
            customers.push(customer);
        }
    }
    Ok(customers)
}

fn change(disk: &Disk, customer: CustomerId, code: u32) -> Result<Option<Change>, StoreError> {
    let Some(raw) = Raw::read(&disk.timelines, customer)? else { return Ok(None) };
    let history = raw.history(customer)?;
    let external_id = read::decode_profile(customer, &raw.profile)?.external_id.to_owned();
    let Some(without) = history.without(&external_id, code)? else { return Ok(None) };
    let new = match without.is_empty() {
        true => Values::new(),
        false => layout::lay_out(customer, &external_id, &without),
    };
    let ops = layout::changes(raw.into_values(customer), new);
    let (before, now) = (Amounts::of(&history.timeline), Amounts::of(&without.timeline));
    Ok(Some(Change { customer, before, now, is_gone: without.is_empty(), ops }))
}

fn write(
    disk: &Disk,
    totals: &mut StoredTotals,
    changes: &[Change],
    stop: &AtomicBool,
) -> Result<Undone, StoreError> {
    let mut undone = Undone::default();
    let (mut batch, mut ops, mut left) = (Batch::default(), 0, totals.clone());
    for (done, change) in (1..).zip(changes) {
        for (key, value) in &change.ops {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        ops += change.ops.len();
        undone.changed += 1;
        if change.customer != keys::FILINGS {
            let gone = u64::from(change.is_gone);
            undone.customers_gone += gone;
            left.customers = left.customers.saturating_sub(gone);
            left.replace(&change.before, &change.now);
        }
        if ops < OPS_PER_BATCH && done < changes.len() {
            continue;
        }
        left.revision += 1;
        batch.insert(keys::TOTALS, left.encode());
        disk.apply(&disk.timelines, std::mem::take(&mut batch))?;
        totals.clone_from(&left);
        ops = 0;
        if stop.load(Ordering::Relaxed) && done < changes.len() {
            disk.commit()?;
            return Err(StoreError::Interrupted);
        }
    }
    Ok(undone)
}

/// Counts anew what cannot be taken back: the first and the last of anything.
pub(super) fn recount(
    disk: &Disk,
    dictionaries: &Dictionaries,
    totals: &mut StoredTotals,
) -> Result<(), StoreError> {
    let (known, mut counted) = count(disk, dictionaries)?;
    counted.revision = totals.revision + 1;
    let mut batch = Batch::default();
    batch.insert(keys::TOTALS, counted.encode());
    disk.apply(&disk.timelines, batch)?;
    *totals = counted;
    dictionaries.reset(disk, known)
}

/// What all timelines together are: totals, and when words were first known.
pub(super) fn count(
    disk: &Disk,
    dictionaries: &Dictionaries,
) -> Result<(FirstKnown, StoredTotals), StoreError> {
    let nothing = vec![NEVER; dictionaries.times("product").len()];
    let of_bucket = |(mut known, mut totals): (FirstKnown, StoredTotals), bucket: u16| {
        read::scan(&disk.timelines, &(bucket..bucket + 1), read::EVERYTHING, &mut |_, timeline| {
            known.add(timeline);
            totals.customers += 1;
            totals.replace(&Amounts::default(), &Amounts::of(timeline));
        })?;
        Ok::<_, StoreError>((known, totals))
    };
    let empty = || (FirstKnown::new(&nothing), StoredTotals::default());
    let buckets = (0..BUCKETS).into_par_iter().try_fold(empty, of_bucket);
    let (mut known, totals) = buckets.try_reduce(empty, |(known, mut totals), (more, counted)| {
        totals.add(&counted);
        Ok((known.merge(more), totals))
    })?;
    read::visit(&disk.timelines, &[keys::FILINGS], read::EVERYTHING, &mut |_, filings| known.add(filings))?;
    Ok((known, totals))
}
