//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

mod measure;
mod run;

pub(crate) use measure::{CorrectionArg, EffectArgs, EvaluateArgs, FitArg, FitArgs, PowerArgs, UnitArg};
pub(crate) use run::{
    AuditArg, BacktestArgs, ConditionArgs, ModeArg, ModelArg, OffPolicyArgs, OutputArgs, RewardArg, RunArgs,
    SimulateArgs, SimulationArgs, SweepArgs,
};

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    something failed that is not your input
  2    the command line, a file or the store is not as it must be
  3    the data cannot answer what was asked
  4    the strategy cannot be loaded or configured, or failed its check
  5    an audit or a rerun found a difference
  130  interrupted with Ctrl-C";

/// Runs marketing strategies, sandboxed WebAssembly components, over the timelines of real customers.
#[derive(Debug, Parser)]
#[command(name = "stratagem", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read a file of orders, customers, events, products or touches into a store
    Ingest(IngestArgs),
    /// Make up customers with realistic gaps, baskets and drop-outs, from a seed
    Generate(GenerateArgs),
    /// Run a strategy over the history of a store
    Backtest(Box<BacktestArgs>),
    /// Run a strategy over made-up futures in which its actions have declared effects
    Simulate(Box<SimulateArgs>),
    /// Fit a model of repeat orders, or of what orders are worth
    Fit(FitArgs),
    /// What a policy would have earned, from a log of another with known propensities
    Evaluate(EvaluateArgs),
    /// Compare the arms of a randomised test
    Effect(EffectArgs),
    /// How many customers an effect needs to be seen, or which effect so many can show
    Power(PowerArgs),
    /// Try many sets of parameters, and the best of them on a period that chose nothing
    Sweep(Box<SweepArgs>),
    /// Build, inspect and check strategies
    #[command(subcommand)]
    Strategy(StrategyCommand),
    /// Look after a store
    #[command(subcommand)]
    Store(StoreCommand),
    /// What each strategy version did and earned
    #[command(subcommand)]
    Library(LibraryCommand),
    /// Ingest the bundled data and backtest the shipped strategies on it
    Demo(DemoArgs),
    /// Print completions for a shell
    Completions { shell: Shell },
    /// Write man pages into a directory
    Man { dir: PathBuf },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    Text,
    Json,
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnErrorArg {
    /// The first bad row stops; the store is as it was.
    Stop,
    /// Bad rows are left out, counted and written to the rejects file.
    Skip,
}

/// Where the data is and what is fixed when a store is made.
#[derive(Debug, Clone, Args)]
pub(crate) struct StoreArgs {
    /// The store's directory
    #[arg(long, short, value_name = "DIR", env = "STRATAGEM_STORE")]
    pub(crate) store: PathBuf,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct NewStoreArgs {
    /// IANA zone in which days and hours are taken; fixed when the store is made [default: UTC]
    #[arg(long, value_name = "ZONE")]
    pub(crate) time_zone: Option<String>,
    /// ISO 4217 code of the store's one currency; fixed when the store is made [default: USD]
    #[arg(long, value_name = "CODE")]
    pub(crate) currency: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # Orders with columns customer, order, time, product, quantity, gross; made into a new store
  stratagem ingest orders.csv --store shop --time-zone Asia/Shanghai --currency CNY

  # Name what is called otherwise; amounts may be sums of columns
  stratagem ingest sales.parquet --store shop \\
    --map 'customer=household_id,order=basket_id,gross=paid+discount,discount=discount'

  # Keep going, and look at the bad rows later
  stratagem ingest visits.ndjson --store shop --kind events --map \"kind='visit'\" \\
    --on-error skip --rejects bad.ndjson

Ingesting a file again changes nothing. An order known by the same id with another content is refused.")]
pub(crate) struct IngestArgs {
    /// CSV, TSV, NDJSON or Parquet
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) new: NewStoreArgs,
    /// What the file holds: orders, customers, events, products or touches
    #[arg(long, default_value = "orders", value_name = "KIND")]
    pub(crate) kind: stratagem_store::ingest::Kind,
    /// Fields and where they are: `field=column`, sums `a+b` for money, constants in single quotes
    #[arg(long, default_value = "", value_name = "FIELD=COLUMN,...", hide_default_value = true)]
    pub(crate) map: String,
    /// Zone of times that name none, if it is not the store's
    #[arg(long, value_name = "ZONE")]
    pub(crate) source_zone: Option<String>,
    /// Separator of a CSV file, if it is not the comma
    #[arg(long, value_name = "CHARACTER")]
    pub(crate) delimiter: Option<char>,
    #[arg(long, value_enum, default_value_t = OnErrorArg::Stop)]
    pub(crate) on_error: OnErrorArg,
    /// Where skipped rows are written, with what is wrong with them
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// Round amounts that are finer than the currency's minor unit instead of refusing them
    #[arg(long)]
    pub(crate) round: bool,
    #[arg(long, value_enum, default_value_t = FormatArg::Text)]
    pub(crate) format: FormatArg,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stratagem generate --store made-up --customers 10000 --orders 20 --seed 7
  stratagem generate --csv orders.csv --customers 1000 --days 365")]
pub(crate) struct GenerateArgs {
    /// The store to write into; made if it is not there
    #[arg(long, short, value_name = "DIR", required_unless_present = "csv")]
    pub(crate) store: Option<PathBuf>,
    /// Write a CSV file of orders instead
    #[arg(long, value_name = "FILE", conflicts_with = "store")]
    pub(crate) csv: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) new: NewStoreArgs,
    #[arg(long, default_value_t = 10_000)]
    pub(crate) customers: u32,
    /// Orders per customer, on average over all customers and the whole period
    #[arg(long, default_value_t = 8.0)]
    pub(crate) orders: f64,
    /// First day
    #[arg(long, default_value = "2024-01-01", value_name = "DATE")]
    pub(crate) start: String,
    #[arg(long, default_value_t = 730)]
    pub(crate) days: u32,
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    #[arg(long, default_value_t = 20)]
    pub(crate) categories: u32,
    #[arg(long, default_value_t = 1_000)]
    pub(crate) products: u32,
    /// Orders without line items: smaller and faster
    #[arg(long)]
    pub(crate) no_lines: bool,
    /// Also registrations, attributes, tags, unsubscriptions, refunds, and orders that are known late or corrected
    #[arg(long, conflicts_with = "csv")]
    pub(crate) events: bool,
    #[arg(long, value_enum, default_value_t = FormatArg::Text)]
    pub(crate) format: FormatArg,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StrategyCommand {
    /// Compile a Rust strategy to a component that imports nothing but the log
    #[command(after_help = "Example:\n  stratagem strategy build strategies/recall-waves")]
    Build {
        /// The crate's directory
        dir: PathBuf,
        /// Where to write the component [default: components/NAME.wasm in cargo's target directory]
        #[arg(long, short, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Print what a strategy says of itself: parameters, actions, columns, imports
    Inspect {
        /// The strategy's component
        strategy: PathBuf,
        /// Set a parameter, to see the plan that follows
        #[arg(long, value_name = "NAME=VALUE")]
        set: Vec<String>,
        #[arg(long, value_enum, default_value_t = FormatArg::Text)]
        format: FormatArg,
    },
    /// Run a strategy on made-up customers in every way that must make no difference
    Check {
        /// The strategy's component
        strategy: PathBuf,
        #[arg(long, value_name = "NAME=VALUE")]
        set: Vec<String>,
        /// How many customers to make up
        #[arg(long, default_value_t = 500)]
        customers: u32,
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// List the columns a strategy may ask for
    Columns {
        #[arg(long, value_enum, default_value_t = FormatArg::Text)]
        format: FormatArg,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// What is in a store
    Info {
        #[command(flatten)]
        store: StoreArgs,
        #[arg(long, value_enum, default_value_t = FormatArg::Text)]
        format: FormatArg,
    },
    /// Read everything and list all damage
    Verify {
        #[command(flatten)]
        store: StoreArgs,
        #[arg(long, value_enum, default_value_t = FormatArg::Text)]
        format: FormatArg,
    },
    /// Take back what only one ingested file says, as if it had never been ingested
    ///
    /// What another file says too stays, and is known from when that file says it.
    #[command(after_help = "Examples:\n  stratagem store undo march.csv --store shop\n  \
                            stratagem store undo 3f1c22 --store shop      (the fingerprint that `store info` shows)")]
    Undo {
        /// The file's name, or the beginning of its fingerprint
        source: String,
        #[command(flatten)]
        store: StoreArgs,
        #[arg(long, value_enum, default_value_t = FormatArg::Text)]
        format: FormatArg,
    },
    /// Write a store's content as Parquet files that `ingest` reads
    Export {
        #[command(flatten)]
        store: StoreArgs,
        /// The directory to write into
        dir: PathBuf,
    },
    /// Write a store anew without the space it no longer uses
    Compact {
        #[command(flatten)]
        store: StoreArgs,
        #[arg(long, value_enum, default_value_t = FormatArg::Text)]
        format: FormatArg,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum LibraryCommand {
    /// One line a run
    List {
        #[command(flatten)]
        store: StoreArgs,
        #[arg(long, value_enum, default_value_t = FormatArg::Text)]
        format: FormatArg,
    },
    /// A run's report
    Show {
        /// Such as r0001, or `latest`
        run: String,
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Runs side by side
    #[command(after_help = "Example:\n  stratagem library compare r0001 r0002 --store shop")]
    Compare {
        #[arg(num_args = 2.., required = true)]
        runs: Vec<String>,
        #[command(flatten)]
        store: StoreArgs,
        #[arg(long, value_enum, default_value_t = FormatArg::Text)]
        format: FormatArg,
    },
    /// Run a run again from its record, on fresh instances: decisions and metrics must be the same
    #[command(after_help = "Example:\n  stratagem library rerun r0001 recall-waves.wasm --store shop")]
    Rerun {
        /// Such as r0001, or `latest`
        run: String,
        /// The component that it ran
        strategy: PathBuf,
        #[command(flatten)]
        store: StoreArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Where the bundled data is
    #[arg(long, default_value = "data/complete-journey", value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Where the components are
    #[arg(long, default_value = "target/components", value_name = "DIR")]
    pub(crate) components: PathBuf,
    /// Where to leave the store, the library and the report
    #[arg(long, default_value = "stratagem-demo", value_name = "DIR")]
    pub(crate) out: PathBuf,
}
