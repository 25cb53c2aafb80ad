//! What a run is asked for, from the command line.

use stratagem_gates::Policy;
use stratagem_model::gate::{ConsentRule, Holdout};
use stratagem_model::{Currency, Money};
use stratagem_replay::Backtest;
use stratagem_runtime::{Configured, Instances};
use stratagem_store::{SledStore, Store};

use crate::args::RunArgs;
use crate::exit::Usage;
use crate::values::{amount, cap, day, days, lag_minutes, share};

/// The settings of a run of this strategy.
pub(crate) fn backtest(
    args: &RunArgs,
    configured: &Configured,
    store: &SledStore,
) -> anyhow::Result<Backtest> {
    let (seed, name) = (args.seed, &configured.strategy().description().name);
    let currency = &store.settings().currency;
    let policy = Policy {
        global_holdout: Holdout {
            ppm: share(&args.global_holdout, "--global-holdout")?,
            salt: format!("global/{seed}"),
        },
        holdout: Holdout { ppm: share(&args.holdout, "--holdout")?, salt: format!("{name}/{seed}") },
        consent: if args.opt_in { ConsentRule::OptIn } else { ConsentRule::OptOut },
        cap: cap(&args.cap)?,
        budget: args.budget.as_deref().map(|text| budget(text, currency)).transpose()?,
        seed,
    };
    Ok(Backtest {
        from: args.from.as_deref().map(|text| day(text, "--from")).transpose()?,
        until: args.until.as_deref().map(|text| day(text, "--until")).transpose()?,
        window_days: days(&args.window, "--window")?,
        retry_days: days(&args.retry, "--retry")?,
        table_lag_minutes: lag_minutes(&args.table_lag, "--table-lag")?,
        threads: args.threads,
        batch_rows: args.batch_size as usize,
        instances: if args.warm { Instances::Warm } else { Instances::Fresh },
        ..Backtest::new(policy)
    })
}

fn budget(text: &str, currency: &Currency) -> anyhow::Result<Money> {
    let budget = amount(text, "--budget", currency)?;
    if budget < 0 {
        return Err(Usage::new(format!("`--budget {text}` is below zero"), "write it as `5000.00`").into());
    }
    Ok(budget)
}

pub(crate) fn margin_ppm(args: &RunArgs) -> anyhow::Result<u32> {
    share(&args.margin, "--margin")
}
