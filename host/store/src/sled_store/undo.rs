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

use super::append::{self, Change, amounts};
use super::dictionaries::Dictionaries;
use super::disk::{Disk, unreadable};
use super::keys::{self, Section};
use super::layout::{self, Values};
use super::read::{self, Raw};
use super::sources;
use super::totals::StoredTotals;
use crate::amounts::Amounts;
use crate::first_known::{FirstKnown, NEVER};
use crate::{Source, StoreError, Undone};

/// Undoes a source. The caller holds `totals` locked.
pub(super) fn undo(
    disk: &Disk,
    dictionaries: &Dictionaries,
    totals: &mut StoredTotals,
    source: &Source,
    stop: &AtomicBool,
) -> Result<Undone, StoreError> {
    let known = sources::all(disk)?.into_iter().find(|(_, other)| other.is_same(source));
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
    let gone = changes.iter().filter(|change| change.customers < 0).count();
    let undone = Undone { customers_gone: gone as u64, changed: changes.len() as u64 };
    append::write(disk, totals, changes, &mut append::Watch { progress: &mut |_| {}, stop })?;
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
    let without = history.without(&external_id, code).map_err(StoreError::of_others)?;
    let Some(without) = without else { return Ok(None) };
    let new = match without.is_empty() {
        true => Values::new(),
        false => layout::lay_out(customer, &external_id, &without),
    };
    let ops = layout::changes(raw.into_values(customer), new);
    let (before, now) = (amounts(customer, &history.timeline), amounts(customer, &without.timeline));
    let customers = -i64::from(without.is_empty() && customer != keys::FILINGS);
    Ok(Some(Change { customers, before, now, ops }))
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
