//! A year of recall waves: over Complete Journey against pandas, over ten times the data, and over a million
//! generated customers; and ingest.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::Paths;
use crate::process::{Cost, run as process};
use crate::table::{Table, show};

/// What is where in Complete Journey's transactions.
pub(crate) const MAP: &str = "customer=household_id,order=basket_id,time=transaction_timestamp,product=product_id,\
                   quantity=quantity,gross=sales_value+retail_disc+coupon_match_disc,\
                   discount=retail_disc+coupon_match_disc";
/// Lines of Complete Journey's transactions.
pub(crate) const LINES: f64 = 1_469_307.0;
const TEN: &str = "ten times the data";
const MILLION: &str = "1 M generated customers, 365 days, with gates";

pub(crate) fn run(paths: &Paths, table: &mut Table) -> Result<()> {
    match &paths.data {
        Some(data) => complete_journey(paths, data, table)?,
        None => {
            for (what, reach) in [
                ("ingest of 1.47 M lines", ">= 250,000 lines/s"),
                ("a year", "faster than pandas"),
                (TEN, "<= 11x"),
            ] {
                table.skip(what, reach, "no data");
            }
        }
    }
    match paths.customers {
        0 => table.skip(MILLION, "<= 30 s, <= 4 GB", "left out"),
        customers => generated(paths, customers, table)?,
    }
    Ok(())
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("the benchmark makes its own names")
}

/// Makes room for a new store.
pub(crate) fn fresh(path: &Path) -> Result<()> {
    if path.exists() {
        std::fs::remove_dir_all(path).with_context(|| format!("cannot remove `{}`", path.display()))?;
    }
    Ok(())
}

fn ingest(paths: &Paths, file: &Path, store: &Path) -> Result<Cost> {
    fresh(store)?;
    let zones = ["--time-zone", "America/New_York", "--source-zone", "UTC"];
    let mut arguments = vec!["ingest", text(file), "--store", text(store), "--map", MAP];
    arguments.extend(zones);
    process(&paths.stratagem, &arguments)
}

/// The best of a few runs: what else the machine does only adds.
fn backtest(paths: &Paths, store: &Path, runs: usize, more: &[&str]) -> Result<Cost> {
    let component = paths.components.join("recall-waves.wasm");
    let mut arguments = vec!["backtest", text(&component), "--store", text(store), "--format", "json"];
    arguments.extend(more);
    // The first run digests the data and compiles the strategy, once for all that follow.
    process(&paths.stratagem, &arguments)?;
    let costs = (0..runs).map(|_| process(&paths.stratagem, &arguments)).collect::<Result<Vec<_>>>()?;
    costs.into_iter().min_by_key(|cost| cost.time).context("there is at least one run")
}

fn complete_journey(paths: &Paths, data: &Path, table: &mut Table) -> Result<()> {
    let store = paths.work.join("store");
    let cost = ingest(paths, &data.join("transactions.csv"), &store)?;
    let rate = LINES / cost.time.as_secs_f64();
    let measured = format!("{rate:.0} lines/s ({}, {} MB)", show(cost.time), cost.peak_mb);
    table.add("ingest of 1.47 M lines, CSV", measured, ">= 250,000 lines/s", rate >= 250_000.0);

    let one = backtest(paths, &store, 5, &[])?;
    match &paths.python {
        Some(python) => {
            let parquet = data.join("transactions.parquet");
            let peer = process(python, &[&paths.script("recall_waves_pandas.py"), text(&parquet)])?;
            let peer: Value = serde_json::from_str(peer.stdout.lines().last().unwrap_or_default())
                .context("the peer prints JSON on its last line")?;
            let seconds =
                |name: &str| peer[name].as_f64().with_context(|| format!("the peer prints no {name}"));
            let pandas = seconds("orders_from_lines_s")? + seconds("replay_s")?;
            let ratio = one.time.as_secs_f64() / pandas;
            let measured =
                format!("{ratio:.2}x ({}, pandas {pandas:.3} s, {} MB)", show(one.time), one.peak_mb);
            table.add("a year of recall-waves, open to report", measured, "faster than pandas", ratio < 1.0);
        }
        None => table.skip("a year of recall-waves, open to report", "faster than pandas", "no pandas"),
    }

    let many = data.join("transactions-10x.parquet");
    if !many.is_file() {
        table.skip(TEN, "<= 11x, <= 1.5 GB", "no data");
        return Ok(());
    }
    let store = paths.work.join("store-10x");
    ingest(paths, &many, &store)?;
    let ten = backtest(paths, &store, 3, &[])?;
    let growth = ten.time.as_secs_f64() / one.time.as_secs_f64();
    let measured = format!("{growth:.1}x ({}, {} MB)", show(ten.time), ten.peak_mb);
    table.add(TEN, measured, "<= 11x, <= 1.5 GB", growth <= 11.0 && ten.peak_mb <= 1_500);
    Ok(())
}

fn generated(paths: &Paths, customers: u32, table: &mut Table) -> Result<()> {
    let store = paths.work.join(format!("store-{customers}"));
    let count = customers.to_string();
    if !store.exists() {
        let options =
            ["--orders", "20", "--days", "365", "--start", "2024-01-01", "--no-lines", "--seed", "7"];
        let mut arguments = vec!["generate", "--store", text(&store), "--customers", &count];
        arguments.extend(options);
        let cost = process(&paths.stratagem, &arguments)?;
        table.note("generate them into a store", format!("{} ({} MB)", show(cost.time), cost.peak_mb));
    }
    let cost = backtest(paths, &store, 1, &["--cap", "2/14d"])?;
    let measured = format!("{} ({} MB)", show(cost.time), cost.peak_mb);
    let is_reached = cost.time.as_secs_f64() <= 30.0 && cost.peak_mb <= 4_000 && customers >= 1_000_000;
    table.add(MILLION, measured, "<= 30 s, <= 4 GB", is_reached);
    Ok(())
}
