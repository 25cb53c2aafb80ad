//! What an analyst waits for: fits, bootstraps, an off-policy interval and simulated customers, each against the peer
//! that is used for it in Python, on the same rows.
//!
//! Neither side's time holds the reading of a file or the start of a process. Of both the best of a few runs counts:
//! what else the machine does only adds.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use stratagem_measure::bootstrap::{Bootstrap, Resampler, difference};
use stratagem_measure::off_policy::{Categorical, Estimator, Log, Options, Policy, evaluate};
use stratagem_measure::repurchase::{History, Kind, Model, cohort};
use stratagem_model::time::parse_day;
use stratagem_reference::columns;

use crate::Paths;
use crate::process::run as process;
use crate::table::{Table, show};

/// The end of the calibration period of the literature on CDNOW.
const CALIBRATION_END: &str = "1997-09-30";
const BOOTSTRAP_DRAWS: usize = 2_000;
const OFF_POLICY_DRAWS: usize = 10_000;
const SIMULATED: usize = 1_000_000;
const WEEKS: f64 = 39.0;

const BG_NBD: &str = "BG/NBD fit of CDNOW's 23,570 customers";
const PARETO_NBD: &str = "Pareto/NBD fit of CDNOW's 23,570 customers";
const SPEND: &str = "2,000 bootstrap draws, spend of Hillstrom's two arms";
const DENSE: &str = "2,000 bootstrap draws, 42,613 different values";
const SNIPW: &str = "SNIPW with 10,000-draw interval, 10,000 rows";
const COHORT: &str = "simulate 1 M BG/NBD customers, 39 weeks";

pub(crate) fn run(paths: &Paths, table: &mut Table) -> Result<()> {
    if paths.data.is_none() {
        for what in [BG_NBD, PARETO_NBD, SPEND, DENSE, SNIPW, COHORT] {
            table.skip(what, "faster than the peer", "no data");
        }
        return Ok(());
    }
    fits(paths, table)?;
    bootstraps(paths, table)?;
    off_policy(paths, table)?;
    simulation(paths, table)
}

/// The best time of a number of runs, and what the last one gave.
fn best<T>(runs: usize, mut run: impl FnMut() -> Result<T>) -> Result<(Duration, T)> {
    let mut times = Vec::with_capacity(runs);
    let mut last = None;
    for _ in 0..runs {
        let start = Instant::now();
        last = Some(black_box(run()?));
        times.push(start.elapsed());
    }
    let least = times.into_iter().min().context("there is a run")?;
    Ok((least, last.context("there is a run")?))
}

/// The lines of JSON that a peer prints, one a measurement.
fn peer(paths: &Paths, python: &Path, script: &str, arguments: &[&str]) -> Result<Vec<Value>> {
    let script = paths.script(script);
    let mut line = vec![script.as_str()];
    line.extend(arguments);
    let cost = process(python, &line)?;
    let json = |line| serde_json::from_str(line).context("the peer prints lines of JSON");
    cost.stdout.lines().map(json).collect()
}

fn seconds(measured: &Value) -> Result<f64> {
    let runs = measured["seconds"].as_array().context("the peer prints `seconds`")?;
    runs.iter()
        .filter_map(Value::as_f64)
        .min_by(f64::total_cmp)
        .context("the peer prints a number of seconds")
}

/// How many times as long the peer takes, with both times.
fn ratio(ours: Duration, name: &str, theirs: f64) -> (f64, String) {
    let ratio = theirs / ours.as_secs_f64();
    (ratio, format!("{ratio:.1}x ({}, {name} {})", show(ours), show(Duration::from_secs_f64(theirs))))
}

fn fits(paths: &Paths, table: &mut Table) -> Result<()> {
    let rows = cdnow()?;
    ensure!(rows.len() == 23_570, "CDNOW has {} customers, not 23,570", rows.len());
    let Some(python) = &paths.peers else {
        table.skip(BG_NBD, ">= 20x lifetimes", "no lifetimes");
        table.skip(PARETO_NBD, ">= 15x lifetimes", "no lifetimes");
        return Ok(());
    };
    let lines = rows.iter().map(|(repeats, last, observed)| format!("{repeats},{last},{observed}\n"));
    let file = paths.write("cdnow.csv", "frequency,recency,T\n", lines)?;
    let peers = peer(paths, python, "repurchase_lifetimes.py", &[&file, "--models", "bg-nbd", "pareto-nbd"])?;
    ensure!(peers.len() == 2, "lifetimes fits two models");
    for (what, kind, reach, theirs) in
        [(BG_NBD, Kind::BgNbd, 20.0, &peers[0]), (PARETO_NBD, Kind::ParetoNbd, 15.0, &peers[1])]
    {
        let (time, fit) = best(9, || Ok(kind.fit(&History::of_rows(&rows)?)?))?;
        let likelihood = theirs["log-likelihood"].as_f64().context("lifetimes has a likelihood")?;
        let (ratio, measured) = ratio(time, "lifetimes", seconds(theirs)?);
        let better = fit.log_likelihood - likelihood;
        let measured = format!("{measured}, log-likelihood {better:+.4}");
        // Equal but for rounding, at a likelihood of some 10^5.
        table.add(what, measured, &format!(">= {reach}x, not less likely"), ratio >= reach && better > -1e-6);
    }
    Ok(())
}

/// Repeat orders, time of the last, and time observed, in weeks, of each customer of CDNOW. The orders of a day are one.
fn cdnow() -> Result<Vec<(u32, f64, f64)>> {
    let end = parse_day(CALIBRATION_END).context("a date")?;
    let mut customers = BTreeMap::<String, Vec<i32>>::new();
    for [customer, date] in columns("cdnow/cdnow_orders.csv", ["customer", "date"]) {
        let day = parse_day(&date).with_context(|| format!("`{date}` is no date"))?;
        if day <= end {
            customers.entry(customer).or_default().push(day);
        }
    }
    let weeks = |days: i32| f64::from(days) / 7.0;
    let row = |mut days: Vec<i32>| {
        days.sort_unstable();
        days.dedup();
        let (first, last) = (days[0], days[days.len() - 1]);
        (days.len() as u32 - 1, weeks(last - first), weeks(end - first))
    };
    Ok(customers.into_values().map(row).collect())
}

fn bootstraps(paths: &Paths, table: &mut Table) -> Result<()> {
    let rows = columns("hillstrom/hillstrom.csv", ["segment", "spend"]);
    let arm = |name: &str| -> Result<Vec<f64>> {
        let spend = rows.iter().filter(|[segment, _]| segment == name).map(|[_, spend]| spend.parse());
        spend.collect::<Result<_, _>>().context("spend is a number")
    };
    let arms = [arm("Mens E-Mail")?, arm("No E-Mail")?];
    let mut number = 0;
    let dense = arms.clone().map(|arm| {
        arm.into_iter()
            .map(|spend| {
                number += 1;
                // Different values: nothing repeats that could be drawn together.
                spend + f64::from(number) * 1e-6
            })
            .collect()
    });
    for (what, arms) in [(SPEND, arms), (DENSE, dense)] {
        bootstrap(paths, table, what, &arms)?;
    }
    Ok(())
}

fn bootstrap(paths: &Paths, table: &mut Table, what: &str, arms: &[Vec<f64>; 2]) -> Result<()> {
    let reach = ">= 8x numpy";
    let customers = arms[0].len() + arms[1].len();
    ensure!(customers == 42_613, "the two arms have {customers} customers, not 42,613");
    let Some(python) = &paths.python else {
        table.skip(what, reach, "no numpy");
        return Ok(());
    };
    let (time, interval) = best(9, || {
        let [treated, control] = [Resampler::of_values(&arms[0])?, Resampler::of_values(&arms[1])?];
        Ok(Bootstrap::new([&treated, &control], difference, BOOTSTRAP_DRAWS, 1)?.percentile(0.95)?)
    })?;
    let line = |(arm, value): (usize, &f64)| format!("{},{value}\n", 1 - arm);
    let lines = arms.iter().enumerate().flat_map(|(arm, values)| values.iter().map(move |v| line((arm, v))));
    let file = paths.write("arms.csv", "treated,value\n", lines)?;
    let peers = peer(paths, python, "bootstrap_numpy.py", &[&file, "--draws", &BOOTSTRAP_DRAWS.to_string()])?;
    let theirs = peers.first().context("numpy's line")?;
    let (ratio, measured) = ratio(time, "numpy", seconds(theirs)?);
    let same = agrees(&[interval.low, interval.high], &theirs["interval"], interval.standard_error)?;
    table.add(what, measured, reach, ratio >= 8.0 && same);
    Ok(())
}

/// Whether two bootstraps' ends lie as near as chance lets them: a quarter of a standard error.
fn agrees(ours: &[f64; 2], theirs: &Value, standard_error: f64) -> Result<bool> {
    let end = |at: usize| theirs[at].as_f64().context("the peer prints an interval");
    Ok((ours[0] - end(0)?).abs().max((ours[1] - end(1)?).abs()) < standard_error / 4.0)
}

fn off_policy(paths: &Paths, table: &mut Table) -> Result<()> {
    let reach = ">= 20x obp";
    let Some(python) = &paths.peers else {
        table.skip(SNIPW, reach, "no obp");
        return Ok(());
    };
    let file = "open-bandit/bts/men/men.csv";
    let rows = columns(file, ["item_id", "click", "propensity_score"]);
    let numbers = |column: usize| -> Result<Vec<f64>> {
        rows.iter().map(|row| row[column].parse()).collect::<Result<_, _>>().context("numbers")
    };
    let log = Log::new(Categorical::of(rows.iter().map(|[item, ..]| item)), numbers(1)?, numbers(2)?)?;
    // As obp's estimator: what the policy would do of that which was logged, and no model of the rest.
    let uniform = Policy::Logged(vec![1.0 / log.actions().len() as f64; log.rows()]);
    let options = Options { draws: OFF_POLICY_DRAWS, ..Options::default() };
    let (time, evaluation) = best(5, || Ok(evaluate(&log, &uniform, &options)?))?;
    let value = evaluation.estimated(Estimator::SelfNormalised).context("SNIPW is available")?.normal.value;
    let path = stratagem_reference::data(file);
    let draws = OFF_POLICY_DRAWS.to_string();
    let theirs = peer(paths, python, "off_policy_obp.py", &[&path.to_string_lossy(), "--draws", &draws])?;
    let theirs = theirs.first().context("obp's line")?;
    let same = theirs["value"].as_f64().is_some_and(|theirs| (theirs - value).abs() < 1e-12);
    let (ratio, measured) = ratio(time, "obp", seconds(theirs)?);
    table.add(SNIPW, measured, reach, ratio >= 20.0 && same);
    Ok(())
}

fn simulation(paths: &Paths, table: &mut Table) -> Result<()> {
    let reach = "faster than numpy";
    let Some(python) = &paths.python else {
        table.skip(COHORT, reach, "no numpy");
        return Ok(());
    };
    let model = Model::new(Kind::BgNbd, [0.243, 4.414, 0.793, 2.426])?;
    let observed = vec![WEEKS; SIMULATED];
    let (time, customers) = best(9, || Ok(cohort(&model, &observed, 1)?))?;
    let mean = customers.iter().map(|history| f64::from(history.repeats())).sum::<f64>() / SIMULATED as f64;
    let count = SIMULATED.to_string();
    let theirs =
        peer(paths, python, "simulate_numpy.py", &["--customers", &count, "--weeks", &WEEKS.to_string()])?;
    let theirs = theirs.first().context("numpy's line")?;
    let (ratio, measured) = ratio(time, "numpy", seconds(theirs)?);
    // The means of two samples of a million, some five standard errors apart at most.
    let same =
        theirs["mean-repeat-orders"].as_f64().is_some_and(|theirs| (theirs - mean).abs() < 0.02 * mean);
    table.add(COHORT, measured, reach, ratio > 1.0 && same);
    Ok(())
}

impl Paths {
    /// Writes a file that a peer reads, in the room for stores.
    fn write(&self, name: &str, head: &str, lines: impl Iterator<Item = String>) -> Result<String> {
        let path: PathBuf = self.work.join(name);
        let text: String = std::iter::once(head.to_owned()).chain(lines).collect();
        std::fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(path.to_string_lossy().into_owned())
    }
}
