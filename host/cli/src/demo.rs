//! `stratagem demo`: the bundled data, the shipped strategies, the whole way.

use std::path::{Path, PathBuf};

use clap::Parser;
use stratagem_report::Format;
use stratagem_store::ingest::{Kind, Mapping, Options};

use crate::args::{Cli, Command, DemoArgs, NewStoreArgs};
use crate::exit::Usage;
use crate::output::{self, WholeFile, say, style};
use crate::{backtest, ingest, progress, strategy};

/// The shipped strategies with what is set for the bundled supermarket.
const STRATEGIES: [&str; 3] = ["recall-waves", "magic-number", "cross-sell"];

/// Files of the bundled data, in the order in which they are read.
const FILES: [(&str, Kind, &str); 2] = [
    ("products.csv", Kind::Products, "product=product_id,category=product_category"),
    (
        "transactions.parquet",
        Kind::Orders,
        "customer=household_id,order=basket_id,time=transaction_timestamp,product=product_id,quantity=quantity,\
         gross=sales_value+retail_disc+coupon_match_disc,discount=retail_disc+coupon_match_disc",
    ),
];

pub(crate) fn run(args: &DemoArgs) -> anyhow::Result<()> {
    for (file, ..) in FILES {
        if !args.data.join(file).is_file() {
            let message = format!("there is no `{file}` in `{}`", args.data.display());
            return Err(
                Usage::new(message, "run it in the repository, or name its data with `--data`").into()
            );
        }
    }
    for name in STRATEGIES {
        let path = component(args, name);
        if !path.is_file() {
            let message = format!("there is no `{}`", path.display());
            return Err(Usage::new(message, "`cargo xtask demo` builds the strategies first").into());
        }
    }
    let stop = progress::stop_flag()?;
    let path = args.out.join("store");
    let new = NewStoreArgs { time_zone: Some("America/New_York".into()), currency: Some("USD".into()) };
    let store = ingest::open_or_create(&path, &new)?;
    for (file, kind, map) in FILES {
        let options = Options {
            mapping: Mapping::parse(map)?,
            // The timestamps of this data set are UTC without saying so; see its README.
            source_zone: Some(ingest::zone("UTC")?),
            ..Options::new(kind)
        };
        let report = ingest::file(&store, &args.data.join(file), &options, &stop)?;
        let text = stratagem_report::ingested(&report, Format::Text, style());
        say(text.lines().next().unwrap_or_default());
    }
    let mut runs = vec![];
    for name in STRATEGIES {
        let configured = strategy::load(&component(args, name), &[])?;
        runs.push(backtest::run_one(&store, &configured, &run_args()?, &[], &mut (), false, &stop)?);
    }
    let report = args.out.join("report.md");
    WholeFile::create(&report)?.write(&stratagem_report::markdown_comparison(&runs))?;
    output::print(&stratagem_report::compare(&runs, Format::Text, style()))?;
    tell_what_is_next(&path, &report, &runs);
    Ok(())
}

fn component(args: &DemoArgs, name: &str) -> PathBuf {
    args.components.join(name).with_extension("wasm")
}

/// What `stratagem backtest` does when nothing else is said.
fn run_args() -> anyhow::Result<crate::args::RunArgs> {
    match Cli::try_parse_from(["stratagem", "backtest", "x.wasm", "--store", "x"])?.command {
        Command::Backtest(args) => Ok(args.conditions.run),
        _ => unreachable!("the line above says `backtest`"),
    }
}

fn tell_what_is_next(path: &Path, report: &Path, runs: &[stratagem_record::Run]) {
    say(&format!("\nreport   {}", report.display()));
    say(&format!("library  stratagem library list --store {}", path.display()));
    if let Some(run) = runs.first() {
        say(&format!("one run  stratagem library show {} --store {}", run.id, path.display()));
    }
}
