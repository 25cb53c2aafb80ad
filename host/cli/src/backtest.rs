//! `stratagem backtest`.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use stratagem_gates::{Cap, ConsentRule, Holdout, Policy};
use stratagem_library::{DataRecord, Run, StrategyRecord};
use stratagem_model::time::{Day, parse_day};
use stratagem_model::{Currency, PPM, Time};
use stratagem_replay::audit::{Audit, audit};
use stratagem_replay::{Backtest, Progress, Sink, run as replay, summarise};
use stratagem_runtime::{Configured, Instances};
use stratagem_store::{SledStore, Store};

use crate::args::{AuditArg, BacktestArgs, RunArgs};
use crate::decisions::DecisionFile;
use crate::exit::{Exit, Usage, Verdict};
use crate::ingest::format;
use crate::output::{self, WholeFile};
use crate::{progress, strategy};

pub(crate) fn run(args: &BacktestArgs) -> anyhow::Result<()> {
    let configured = strategy::load(&args.strategy, &args.run.set)?;
    let store = SledStore::open(&args.store.store)?;
    let audits: Vec<_> = args
        .audit
        .iter()
        .map(|audit| match audit {
            AuditArg::LookAhead => Audit::LookAhead { cuts: args.cuts.max(1) },
            AuditArg::Wake => Audit::Wake,
        })
        .collect();
    let report = args.report.as_deref().map(WholeFile::create).transpose()?;
    let stop = progress::stop_flag()?;
    let run = run_one(&store, &configured, &args.run, &audits, args.decisions.as_deref(), &stop)?;
    if let Some(file) = report {
        file.write(&stratagem_report::markdown(&run))?;
    }
    output::print(&stratagem_report::backtest(&run, format(args.format), output::style()))?;
    match run.audits.iter().find_map(|finding| finding.difference.clone()) {
        None => Ok(()),
        Some(message) => Err(Verdict { exit: Exit::AuditFailed, message }.into()),
    }
}

/// Runs a backtest with its audits and appends it to the library.
pub(crate) fn run_one(
    store: &SledStore,
    configured: &Configured,
    args: &RunArgs,
    audits: &[Audit],
    decisions: Option<&Path>,
    stop: &AtomicBool,
) -> anyhow::Result<Run> {
    let currency = store.settings().currency.clone();
    let backtest = backtest(args, &configured.strategy().description().name, &currency)?;
    let name = configured.strategy().description().name.clone();
    let mut file = decisions.map(|path| DecisionFile::create(path, store, configured.plan())).transpose()?;
    let result = {
        let mut nowhere = ();
        let sink: &mut dyn Sink = match &mut file {
            Some(file) => file,
            None => &mut nowhere,
        };
        let progress = Progress::default();
        progress::watched(&name, stop, &progress, || replay(store, configured, &backtest, &progress, sink))?
    };
    if let Some(file) = file {
        file.finish()?;
    }
    let mut findings = vec![];
    for kind in audits {
        let progress = Progress::default();
        let finding = progress::watched("audit", stop, &progress, || {
            audit(store, configured, &backtest, *kind, &progress)
        })?;
        findings.push(finding);
    }
    let margin_ppm = share(&args.margin, "--margin")?;
    let summary = summarise(&result, configured.plan(), backtest.window_days, margin_ppm);
    let run = Run {
        id: String::new(),
        recorded_at: now(),
        strategy: strategy_record(configured),
        data: data_record(store)?,
        policy: backtest.policy,
        retry_days: backtest.retry_days,
        summary,
        receipt: result.receipt,
        failures: result.failures,
        audits: findings,
        log: result.log.into_iter().map(Into::into).collect(),
    };
    Ok(stratagem_library::append(store, run)?)
}

fn strategy_record(configured: &Configured) -> StrategyRecord {
    let description = configured.strategy().description();
    let names = description.parameters.iter().map(|parameter| parameter.name.clone());
    StrategyRecord {
        name: description.name.clone(),
        version: description.version.clone(),
        digest: configured.strategy().digest().to_string(),
        title: description.title.clone(),
        parameters: names.zip(configured.values().iter().cloned()).collect(),
    }
}

fn data_record(store: &SledStore) -> anyhow::Result<DataRecord> {
    let totals = store.totals()?;
    Ok(DataRecord {
        fingerprint: store.fingerprint()?,
        customers: totals.customers,
        orders: totals.orders,
        zone: store.settings().zone.clone(),
        currency: store.settings().currency.clone(),
    })
}

#[expect(clippy::disallowed_methods, reason = "a stamp for people in the ledger; no decision reads it")]
fn now() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)).to_string()
}

fn backtest(args: &RunArgs, strategy: &str, currency: &Currency) -> anyhow::Result<Backtest> {
    let seed = args.seed;
    let policy = Policy {
        global_holdout: Holdout {
            ppm: share(&args.global_holdout, "--global-holdout")?,
            salt: format!("global/{seed}"),
        },
        holdout: Holdout { ppm: share(&args.holdout, "--holdout")?, salt: format!("{strategy}/{seed}") },
        consent: if args.opt_in { ConsentRule::OptIn } else { ConsentRule::OptOut },
        cap: cap(&args.cap)?,
        budget: args.budget.as_deref().map(|text| amount(text, currency)).transpose()?,
        seed,
    };
    Ok(Backtest {
        from: args.from.as_deref().map(|text| day(text, "--from")).transpose()?,
        until: args.until.as_deref().map(|text| day(text, "--until")).transpose()?,
        window_days: days(&args.window, "--window")?,
        retry_days: days(&args.retry, "--retry")?,
        threads: args.threads,
        batch_rows: args.batch_size as usize,
        instances: if args.warm { Instances::Warm } else { Instances::Fresh },
        ..Backtest::new(policy)
    })
}

fn amount(text: &str, currency: &Currency) -> anyhow::Result<i64> {
    let wrong =
        |problem: String| Usage::new(format!("`--budget {text}`: {problem}"), "write it as `5000.00`");
    Ok(currency.parse(text).map_err(wrong)?)
}

fn day(text: &str, flag: &str) -> anyhow::Result<Day> {
    let wrong = || Usage::new(format!("`{flag} {text}` is not a date"), "write it as `2017-01-31`");
    Ok(parse_day(text).ok_or_else(wrong)?)
}

/// `14d` or `14` as days.
fn days(text: &str, flag: &str) -> anyhow::Result<u32> {
    let wrong = || {
        Usage::new(format!("`{flag} {text}` is not a number of days"), "write it as `14d`, from 1d to 3650d")
    };
    let days: u32 = text.trim_end_matches('d').parse().map_err(|_| wrong())?;
    if (1..=3_650).contains(&days) { Ok(days) } else { Err(wrong().into()) }
}

/// `10%` or `0.1` as parts per million.
fn share(text: &str, flag: &str) -> anyhow::Result<u32> {
    let wrong =
        || Usage::new(format!("`{flag} {text}` is not a share"), "write it as `10%` or `0.1`, up to 100%");
    let (number, scale) = match text.strip_suffix('%') {
        Some(percent) => (percent, f64::from(PPM) / 100.0),
        None => (text, f64::from(PPM)),
    };
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    let ppm = (number * scale).round();
    if (0.0..=f64::from(PPM)).contains(&ppm) { Ok(ppm as u32) } else { Err(wrong().into()) }
}

/// `2/7d` as two contacts in seven days.
fn cap(text: &str) -> anyhow::Result<Option<Cap>> {
    if text == "none" {
        return Ok(None);
    }
    let wrong = || {
        Usage::new(
            format!("`--cap {text}` is not a cap"),
            "write it as `2/7d`: two contacts in any seven days",
        )
    };
    let (touches, window) = text.split_once('/').ok_or_else(wrong)?;
    let touches = touches.parse().map_err(|_| wrong())?;
    Ok(Some(Cap { touches, days: days(window, "--cap N/").map_err(|_| wrong())? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_shares_days_and_caps_as_they_speak() {
        assert_eq!(share("10%", "--holdout").unwrap(), 100_000);
        assert_eq!(share("0.125", "--holdout").unwrap(), 125_000);
        assert_eq!(share("0%", "--holdout").unwrap(), 0);
        assert!(share("101%", "--holdout").is_err() && share("-1%", "--holdout").is_err());
        assert_eq!(days("14d", "--window").unwrap(), 14);
        assert_eq!(days("3", "--window").unwrap(), 3);
        assert!(days("0d", "--window").is_err() && days("2w", "--window").is_err());
        assert_eq!(cap("2/7d").unwrap(), Some(Cap { touches: 2, days: 7 }));
        assert_eq!(cap("none").unwrap(), None);
        assert!(cap("2").is_err() && cap("2/0d").is_err());
    }
}
