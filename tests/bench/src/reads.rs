//! Customers read one by one, as a live host reads those that are due.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use stratagem_insight::{Needs, StoreContext, Timelines};
use stratagem_model::{CustomerId, Time, Zone};
use stratagem_store::generate::Spec;
use stratagem_store::{SledStore, Store};

use crate::Paths;
use crate::table::{Table, show};

const WHAT: &str = "read a customer alone, of 1,000 at random, store just opened";
const REACH: &str = "<= 15 us";
const READ: usize = 1_000;

pub(crate) fn run(paths: &Paths, table: &mut Table) -> Result<()> {
    let path = paths.work.join(format!("store-{}", paths.customers));
    if paths.customers < READ as u32 || !path.exists() {
        table.skip(WHAT, REACH, "no generated store");
        return Ok(());
    }
    // Ids are hashes, so that customers with numbers in a row lie anywhere.
    let numbers = (0..paths.customers).step_by(paths.customers as usize / READ).take(READ);
    let customers: Vec<_> =
        numbers.map(|number| CustomerId::from_external(&Spec::external_id(number))).collect();
    let mut times = vec![];
    // Opened anew each time: the database's own cache is empty.
    for _ in 0..5 {
        let store = SledStore::open(&path)?;
        let zone = Zone::new(&store.settings().zone).context("a store has a known zone")?;
        let context = StoreContext::read(&store, zone, None)?;
        let needs = Needs { days: true, events: true, categories: false };
        let mut found = 0;
        let start = Instant::now();
        for customer in &customers {
            let one = Timelines::load_customers(&store, &context, &[*customer], needs, Time::MAX)?;
            found += one.rows();
        }
        times.push(start.elapsed());
        anyhow::ensure!(found == READ, "{found} of {READ} customers were found");
    }
    times.sort_unstable();
    let each = |time: Duration| show(time / READ as u32);
    let (median, last) = (times[times.len() / 2], times[times.len() - 1]);
    let measured = format!("{} (slowest of five: {})", each(median), each(last));
    table.add(WHAT, measured, REACH, median / READ as u32 <= Duration::from_micros(15));
    Ok(())
}
