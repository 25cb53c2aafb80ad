//! Arguments of commands that measure: models, effects, logs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{FormatArg, OutputArgs};

/// What is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FitArg {
    /// Orders: customers never leave
    Nbd,
    /// Orders: customers may leave after each repeat order
    BgNbd,
    /// Orders: customers may leave after each order, the first included
    MbgNbd,
    /// Orders: customers may leave at any time
    ParetoNbd,
    /// Values of orders
    GammaGamma,
}

/// In what times are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UnitArg {
    Days,
    Weeks,
}

#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  # On a store, up to a date; what came after it is the holdout the model is judged by
  stratagem fit bg-nbd --store shop --until 2017-09-30

  # On a file of orders, and each customer's P(alive) and expected orders
  stratagem fit pareto-nbd --orders orders.csv --map 'gross=value,time=date' --until 1997-09-30 --scores scores.csv

  # What orders are worth
  stratagem fit gamma-gamma --store shop --format json

Orders of one local day are one order. Times are counted from each customer's first order; parameters are in the unit \
of --unit, and log-likelihoods of different units are not to be compared.")]
pub(crate) struct FitArgs {
    /// The model
    #[arg(value_enum)]
    pub(crate) model: FitArg,
    /// A file of orders: CSV, TSV, NDJSON or Parquet
    #[arg(long, value_name = "FILE", conflicts_with = "store", required_unless_present = "store")]
    pub(crate) orders: Option<PathBuf>,
    /// The store's directory, instead of a file
    #[arg(long, short, value_name = "DIR", env = "STRATAGEM_STORE")]
    pub(crate) store: Option<PathBuf>,
    /// Fields of the file and where they are: `field=column`
    #[arg(
        long,
        default_value = "",
        value_name = "FIELD=COLUMN,...",
        hide_default_value = true,
        conflicts_with = "store"
    )]
    pub(crate) map: String,
    /// ISO 4217 code of the file's amounts
    #[arg(long, default_value = "USD", value_name = "CODE", conflicts_with = "store")]
    pub(crate) currency: String,
    /// IANA zone in which the file's days are taken
    #[arg(long, default_value = "UTC", value_name = "ZONE", conflicts_with = "store")]
    pub(crate) time_zone: String,
    /// Last local day that is fitted on [default: the last of the data]
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<String>,
    /// In what times are counted
    #[arg(long, value_enum, default_value_t = UnitArg::Weeks)]
    pub(crate) unit: UnitArg,
    /// Write each customer's scores to a .csv file
    #[arg(long, value_name = "FILE")]
    pub(crate) scores: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  # What would choosing at random have earned? (Open Bandit: 34 items, 3 positions)
  stratagem evaluate men.csv --action item_id --reward click --propensity propensity_score \\
    --context position --policy uniform

  # What would the mens e-mail for everyone have earned, where each arm had a third?
  stratagem evaluate hillstrom.csv --action segment --reward spend --propensity 0.333333 \\
    --policy 'always:Mens E-Mail'

  # A policy whose probability of each logged action is a column of the log; a customer has many rows
  stratagem evaluate log.parquet --policy column:target_probability --cluster customer

A policy can be evaluated only on what the log might have chosen: where it would choose what was never logged, where too \
few rows count, or where the weights cannot be right, the answer is a refusal (exit code 3) that says what is needed.")]
pub(crate) struct EvaluateArgs {
    /// The log: CSV, TSV, NDJSON or Parquet, a row a decision
    pub(crate) log: PathBuf,
    /// What to evaluate: uniform, always:ACTION, column:NAME (the policy's probability of the logged action), or the
    /// .wasm of a strategy that asks for nothing but columns of the log, one value a row
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: String,
    /// Column of the action that was chosen
    #[arg(long, default_value = "action", value_name = "COLUMN")]
    pub(crate) action: String,
    /// Column of what followed
    #[arg(long, default_value = "reward", value_name = "COLUMN")]
    pub(crate) reward: String,
    /// Column of the probability with which the action was chosen, or that probability if it is always the same
    #[arg(long, default_value = "propensity", value_name = "COLUMN|SHARE")]
    pub(crate) propensity: String,
    /// Column that the reward may depend on besides the action; may be repeated
    #[arg(long, value_name = "COLUMN")]
    pub(crate) context: Vec<String>,
    /// Column whose rows belong together, such as the customer
    #[arg(long, value_name = "COLUMN")]
    pub(crate) cluster: Option<String>,
    /// Column of the instant of each row, for a strategy
    #[arg(long, default_value = "time", value_name = "COLUMN")]
    pub(crate) time: String,
    /// Set a parameter of the strategy
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// Fit the reward model on so many first rows and evaluate on the rest, instead of cross-fitting
    #[arg(long, value_name = "ROWS")]
    pub(crate) fit_first: Option<usize>,
    /// From which weight on Switch-DR trusts the model alone
    #[arg(long, default_value_t = 10.0, value_name = "WEIGHT")]
    pub(crate) switch: f64,
    /// Bootstrap draws; 0 for none
    #[arg(long, default_value_t = 10_000)]
    pub(crate) draws: usize,
    /// Seeds draws and folds
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// How many comparisons with one control are corrected for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CorrectionArg {
    /// Step-down, whatever the outcomes
    Holm,
    /// Westfall and Young's, by permutation: sharper, as it knows how the comparisons hang together
    MaxT,
    None,
}

#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  # Three arms of a randomised e-mail test, with the spend before as a covariate
  stratagem effect hillstrom.csv --arm segment --control 'No E-Mail' --outcome spend --outcome visit \\
    --covariate history

  # A test that is looked at every day needs intervals that stay valid
  stratagem effect test.parquet --arm variant --control a --outcome gmv --sequential 5000

Arms must have been drawn. If their sizes are not as drawn (--shares), the answer is a refusal (exit code 3).")]
pub(crate) struct EffectArgs {
    /// A row a customer: CSV, TSV, NDJSON or Parquet
    pub(crate) file: PathBuf,
    /// Column of the arm
    #[arg(long, default_value = "arm", value_name = "COLUMN")]
    pub(crate) arm: String,
    /// The arm that the others are compared with [default: `control`, else the first by name]
    #[arg(long, value_name = "ARM")]
    pub(crate) control: Option<String>,
    /// Column of an outcome; may be repeated. One of only 0 and 1 is compared as a proportion
    #[arg(long, required = true, value_name = "COLUMN")]
    pub(crate) outcome: Vec<String>,
    /// Column known before the arms were drawn, to sharpen the comparison (CUPED)
    #[arg(long, value_name = "COLUMN")]
    pub(crate) covariate: Option<String>,
    /// Shares the arms were drawn with, such as control=1,mail=2 [default: all the same]
    #[arg(long, value_name = "ARM=WEIGHT,...")]
    pub(crate) shares: Option<String>,
    /// Add intervals that stay valid however often one looks, tightest around so many customers
    #[arg(long, value_name = "CUSTOMERS")]
    pub(crate) sequential: Option<f64>,
    /// How to correct for several arms
    #[arg(long, value_enum, default_value_t = CorrectionArg::Holm)]
    pub(crate) correction: CorrectionArg,
    #[arg(long, default_value = "95%", value_name = "SHARE")]
    pub(crate) confidence: String,
    /// Bootstrap draws; 0 for none
    #[arg(long, default_value_t = 2_000)]
    pub(crate) draws: usize,
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  # How many customers to see a conversion of 5% rise by a tenth?
  stratagem power --rate 5% --lift 10%

  # What can a holdout of 10% of 40,000 customers see, of a mean of 12.50 with deviation 41?
  stratagem power --mean 12.50 --deviation 41 --customers 40000 --holdout 10%

  # How likely is it to be seen?
  stratagem power --rate 5% --lift 10% --customers 40000 --holdout 10%

Two of effect and customers are given, or one of them: what is missing is computed.")]
pub(crate) struct PowerArgs {
    /// Share of controls who convert
    #[arg(long, value_name = "SHARE", conflicts_with_all = ["mean", "deviation"], required_unless_present = "mean")]
    pub(crate) rate: Option<String>,
    /// Mean of controls
    #[arg(long, requires = "deviation", allow_negative_numbers = true)]
    pub(crate) mean: Option<f64>,
    /// Standard deviation between customers
    #[arg(long, requires = "mean")]
    pub(crate) deviation: Option<f64>,
    /// Effect relative to the controls, such as 10%
    #[arg(long, value_name = "SHARE", conflicts_with = "effect", allow_hyphen_values = true)]
    pub(crate) lift: Option<String>,
    /// Effect as a difference: of shares such as 0.5%, or of means
    #[arg(long, value_name = "DIFFERENCE", allow_hyphen_values = true)]
    pub(crate) effect: Option<String>,
    /// Customers in both arms together
    #[arg(long, value_name = "N")]
    pub(crate) customers: Option<u64>,
    /// Share of them that is held out
    #[arg(long, default_value = "50%", value_name = "SHARE")]
    pub(crate) holdout: String,
    /// Probability of seeing the effect, where it is not what is asked for [default: 80%]
    #[arg(long, value_name = "SHARE")]
    pub(crate) power: Option<String>,
    #[arg(long, default_value = "95%", value_name = "SHARE")]
    pub(crate) confidence: String,
    #[arg(long, value_enum, default_value_t = FormatArg::Text)]
    pub(crate) format: FormatArg,
}
