//! `cargo xtask bench --against REV`: what this tree takes of what another revision takes, in turns.
//!
//! Each revision makes its own stores with its own binary, components and cache of compiled code: one may not be able
//! to read what the other wrote. Only options that both have are used. Who goes first changes from pair to pair, so
//! that what one leaves behind (pages to write, a warm processor) meets both. What fails on one side is printed as not
//! run, with the reason; nothing fails because of a time.
//!
//! What a verdict means is in `pairs`. Not here: the peers, and what is measured within the process.

mod comparison;
mod pairs;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use comparison::Comparison;
use pairs::Pairs;
use stratagem_model::money::group;

use crate::Paths;
use crate::process::{Cost, measure};
use crate::year::{LINES, MAP, fresh, text};

/// Pairs of what takes seconds.
const PAIRS: usize = 7;
/// Pairs of what takes minutes.
const LONG_PAIRS: usize = 3;
/// A replay may take less than a second: in each turn the best of so many counts, as what else the machine does only
/// adds.
const SHORT_RUNS: usize = 3;
/// Customers whose orders are generated for an ingest, a million lines.
const CSV_CUSTOMERS: u32 = 20_000;

const COMPLETE_JOURNEY: &str = "Complete Journey";
const GENERATED: &str = "generated orders";

/// The other revision; made by `cargo xtask bench --against`.
#[derive(Debug)]
pub(crate) struct Against {
    pub(crate) stratagem: PathBuf,
    pub(crate) components: PathBuf,
    /// What the other revision is, and what this one is.
    pub(crate) names: [String; 2],
}

/// One of the two revisions.
#[derive(Debug)]
struct Side {
    name: &'static str,
    stratagem: PathBuf,
    components: PathBuf,
    /// Room for its stores and its cache.
    work: PathBuf,
}

impl Side {
    fn run(&self, arguments: &[&str]) -> Result<Cost> {
        let mut command = Command::new(&self.stratagem);
        command.args(arguments).env("XDG_CACHE_HOME", self.work.join("cache"));
        let failed = || format!("`stratagem {}` failed, {}", arguments[0], self.name);
        measure(&mut command).with_context(failed)
    }

    fn store(&self, name: &str) -> PathBuf {
        self.work.join(name)
    }
}

/// What is measured in turns.
#[derive(Debug, Clone, Copy)]
struct Plan<'a> {
    what: &'a str,
    pairs: usize,
    /// Runs of a turn, of which the best counts.
    runs: usize,
    /// Whether each side runs once before anything counts.
    is_warmed_up: bool,
    /// Lines it reads, if that is how its speed is given.
    lines: Option<f64>,
}

/// Compares, prints progress to standard error, and gives the table.
pub(crate) fn run(paths: &Paths, against: &Against) -> Result<impl std::fmt::Display> {
    let work = paths.work.join("against");
    fresh(&work)?;
    let side = |name, stratagem: &Path, components: &Path| -> Result<Side> {
        let work = work.join(name);
        std::fs::create_dir_all(&work).with_context(|| format!("cannot make `{}`", work.display()))?;
        Ok(Side { name, stratagem: stratagem.into(), components: components.into(), work })
    };
    let mut turns = Turns {
        sides: [
            side("before", &against.stratagem, &against.components)?,
            side("now", &paths.stratagem, &paths.components)?,
        ],
        table: Comparison::default(),
    };
    match generated_orders(&turns.sides, &work, paths.customers) {
        Ok(orders) => turns.orders(&orders),
        Err(error) => {
            say(&format!("{error:#}"));
            turns.skip_orders(GENERATED, &error.to_string());
        }
    }
    match &paths.data {
        Some(data) => turns.orders(&complete_journey(data)),
        None => turns.skip_orders(COMPLETE_JOURNEY, "no data"),
    }
    match paths.customers {
        0 => turns.table.times_skipped("generated customers", "left out"),
        customers => turns.generated(customers),
    }
    // Stores of a million customers are not left behind twice.
    fresh(&work)?;
    Ok(turns.table)
}

/// A file of orders that both ingest.
#[derive(Debug)]
struct Orders {
    name: &'static str,
    file: PathBuf,
    lines: f64,
    /// How it is read.
    options: &'static [&'static str],
    /// What a budget leaves of a replay: some, and not all.
    budget: String,
}

fn ingest_of(name: &str) -> String {
    format!("ingest of {name}, CSV")
}

/// What is left out with it.
fn after_ingest(name: &str) -> String {
    format!("the same file again, and replays ({name})")
}

fn complete_journey(data: &Path) -> Orders {
    Orders {
        name: COMPLETE_JOURNEY,
        file: data.join("transactions.csv"),
        lines: LINES,
        options: &["--map", MAP, "--time-zone", "America/New_York", "--source-zone", "UTC"],
        budget: "25000.00".into(),
    }
}

/// Orders of a year, written by the older revision: what it wrote, a newer one still reads.
fn generated_orders(sides: &[Side; 2], work: &Path, customers: u32) -> Result<Orders> {
    let file = work.join("orders.csv");
    let customers = match customers {
        0 => CSV_CUSTOMERS,
        // 20,000 beside a million, and enough of them for something to happen in a small trial.
        scale => (scale / 50).clamp(500, CSV_CUSTOMERS),
    };
    let count = customers.to_string();
    let mut arguments = vec!["generate", "--csv", text(&file), "--customers", &count];
    arguments.extend(["--orders", "20", "--days", "365", "--start", "2024-01-01", "--seed", "7"]);
    sides[0].run(&arguments)?;
    let written = std::fs::read(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let ends = written.iter().filter(|byte| **byte == b'\n').count();
    Ok(Orders {
        name: GENERATED,
        file,
        // The first line names the columns.
        lines: ends.saturating_sub(1) as f64,
        options: &[],
        budget: format!("{}.00", customers * 10),
    })
}

/// The two revisions and what was found so far.
#[derive(Debug)]
struct Turns {
    sides: [Side; 2],
    table: Comparison,
}

impl Turns {
    /// Ingest, the same again, and replays over the store that it made.
    fn orders(&mut self, orders: &Orders) {
        let name = orders.name;
        let store = name.replace(' ', "-");
        let ingest = |side: &Side| {
            let mut arguments = vec!["ingest", text(&orders.file), "--store"];
            let store = side.store(&store);
            arguments.push(text(&store));
            arguments.extend(orders.options);
            side.run(&arguments)
        };
        let what = ingest_of(name);
        let once =
            Plan { what: &what, pairs: PAIRS, runs: 1, is_warmed_up: false, lines: Some(orders.lines) };
        let is_there = self.compare(once, |side| {
            fresh(&side.store(&store))?;
            ingest(side)
        });
        if !is_there {
            return self.table.times_skipped(&after_ingest(name), "no store");
        }
        let again = format!("the same file again ({name})");
        self.compare(Plan { what: &again, is_warmed_up: true, ..once }, ingest);

        let short = Plan { runs: SHORT_RUNS, is_warmed_up: true, lines: None, ..once };
        for component in ["recall-waves", "cross-sell"] {
            let what = format!("a year of {component}, open to report ({name})");
            self.replay(Plan { what: &what, ..short }, &store, component, &[]);
        }
        let what = format!("a year of recall-waves with a budget ({name})");
        self.replay(Plan { what: &what, ..short }, &store, "recall-waves", &["--budget", &orders.budget]);
    }

    fn skip_orders(&mut self, name: &str, why: &str) {
        self.table.times_skipped(&ingest_of(name), why);
        self.table.times_skipped(&after_ingest(name), why);
    }

    /// Many customers, made up by each revision itself.
    fn generated(&mut self, customers: u32) {
        let count = customers.to_string();
        let store = format!("store-{customers}");
        let name = format!("{} generated customers", group(customers.into()));
        let what = format!("generate {}", name.replace("generated ", ""));
        let plan = Plan { what: &what, pairs: LONG_PAIRS, runs: 1, is_warmed_up: false, lines: None };
        let is_there = self.compare(plan, |side| {
            let store = side.store(&store);
            fresh(&store)?;
            let mut arguments = vec!["generate", "--store", text(&store), "--customers", &count];
            arguments.extend(["--orders", "20", "--days", "365", "--start", "2024-01-01"]);
            arguments.extend(["--no-lines", "--seed", "7"]);
            side.run(&arguments)
        });
        let what = format!("{name}, 365 days, with a cap");
        if !is_there {
            return self.table.times_skipped(&what, "no store");
        }
        let plan = Plan { what: &what, is_warmed_up: true, ..plan };
        self.replay(plan, &store, "recall-waves", &["--cap", "2/14d"]);
    }

    fn replay(&mut self, plan: Plan<'_>, store: &str, component: &str, more: &[&str]) {
        let path = |side: &Side| side.components.join(component).with_extension("wasm");
        if let Some(side) = self.sides.iter().find(|side| !path(side).is_file()) {
            let why = format!("no component `{component}`, {}", side.name);
            return self.table.times_skipped(plan.what, &why);
        }
        self.compare(plan, |side| {
            let (component, store) = (path(side), side.store(store));
            let mut arguments = vec!["backtest", text(&component), "--store", text(&store)];
            arguments.extend(["--format", "json"]);
            arguments.extend(more);
            side.run(&arguments)
        });
    }

    /// Measures in turns and adds the rows; whether it could be run.
    fn compare(&mut self, plan: Plan<'_>, run: impl Fn(&Side) -> Result<Cost>) -> bool {
        match take_turns(&self.sides, plan, run) {
            Ok([times, peaks]) => {
                self.table.times(plan.what, &times, plan.lines);
                self.table.memory(&peaks);
                true
            }
            Err(error) => {
                say(&format!("{error:#}"));
                self.table.times_skipped(plan.what, &error.to_string());
                false
            }
        }
    }
}

/// Seconds and megabytes of all pairs.
fn take_turns(sides: &[Side; 2], plan: Plan<'_>, run: impl Fn(&Side) -> Result<Cost>) -> Result<[Pairs; 2]> {
    let mut taken = [Pairs::default(), Pairs::default()];
    if plan.is_warmed_up {
        for side in sides {
            say(&format!("{}: warming up, {}", plan.what, side.name));
            run(side)?;
        }
    }
    for pair in 0..plan.pairs {
        let order = if pair % 2 == 0 { [0, 1] } else { [1, 0] };
        for at in order {
            let side = &sides[at];
            say(&format!("{}: pair {} of {}, {}", plan.what, pair + 1, plan.pairs, side.name));
            let costs = (0..plan.runs).map(|_| run(side)).collect::<Result<Vec<_>>>()?;
            let least = costs.iter().map(|cost| cost.time.as_secs_f64()).fold(f64::INFINITY, f64::min);
            let peak = costs.iter().map(|cost| cost.peak_mb).max().unwrap_or(0);
            for (pairs, value) in taken.iter_mut().zip([least, peak as f64]) {
                let values = if at == 0 { &mut pairs.before } else { &mut pairs.now };
                values.push(value);
            }
        }
    }
    Ok(taken)
}

#[expect(clippy::print_stderr, reason = "progress, for whoever waits")]
fn say(line: &str) {
    eprintln!("  {}", line.trim_end());
}
