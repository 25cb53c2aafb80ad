//! Customers read one by one, as a live host reads those that are due.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use stratagem_insight::{Needs, StoreContext, Timelines};
use stratagem_model::money::group;
use stratagem_model::{Currency, CustomerId, Time, Zone};
use stratagem_store::generate::{Spec, generate};
use stratagem_store::{Settings, SledStore, Store};

use crate::Paths;
use crate::table::{Table, show};

const REACH: &str = "<= 15 us";
const READ: usize = 1_000;
/// A shop of a common size, with lines of orders.
const SHOP: u32 = 200_000;

pub(crate) fn run(paths: &Paths, table: &mut Table) -> Result<()> {
    let shop = paths.work.join("store-reads");
    if !shop.exists() {
        let settings = Settings {
            zone: "America/New_York".into(),
            currency: Currency { code: "USD".into(), digits: 2 },
        };
        let store = SledStore::create(&shop, settings)?;
        let spec = Spec { customers: SHOP, ..Spec::default() };
        generate(&store, &spec, &mut |_| (), &AtomicBool::new(false))?;
    }
    one_by_one(&shop, SHOP, table)?;
    let path = paths.work.join(format!("store-{}", paths.customers));
    if paths.customers < READ as u32 || !path.exists() {
        table.skip(&what(paths.customers), REACH, "no generated store");
        return Ok(());
    }
    one_by_one(&path, paths.customers, table)
}

fn what(customers: u32) -> String {
    format!("read one of {} customers, store just opened", group(customers.into()))
}

fn one_by_one(path: &Path, customers: u32, table: &mut Table) -> Result<()> {
    // Ids are hashes, so that customers with numbers in a row lie anywhere.
    let numbers = (0..customers).step_by(customers as usize / READ).take(READ);
    let ids: Vec<_> = numbers.map(|number| CustomerId::from_external(&Spec::external_id(number))).collect();
    let mut times = vec![];
    // Opened anew each time: the database's own cache is empty.
    for _ in 0..5 {
        let store = SledStore::open(path)?;
        let zone = Zone::new(&store.settings().zone).context("a store has a known zone")?;
        let context = StoreContext::read(&store, zone, None)?;
        let needs = Needs { days: true, events: true, categories: false };
        let mut found = 0;
        let start = Instant::now();
        for customer in &ids {
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
    table.add(&what(customers), measured, REACH, median / READ as u32 <= Duration::from_micros(15));
    Ok(())
}
