//! Arguments of commands that run a strategy.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{FormatArg, StoreArgs};

/// What kind of evidence a backtest gathers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeArg {
    /// Over history: whom it would have contacted, and what they did anyway
    Replay,
    /// On a log with known propensities: what it would have earned
    OffPolicy,
    /// Over made-up futures with declared effects
    Simulate,
}

/// The language of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LangArg {
    En,
    Zh,
}

impl From<LangArg> for stratagem_report::Lang {
    fn from(lang: LangArg) -> Self {
        match lang {
            LangArg::En => Self::English,
            LangArg::Zh => Self::Chinese,
        }
    }
}

/// A model of repeat orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModelArg {
    #[value(name = "nbd")]
    NeverLeaves,
    #[value(name = "bg-nbd")]
    BetaGeometric,
    #[value(name = "mbg-nbd")]
    ModifiedBetaGeometric,
    #[value(name = "pareto-nbd")]
    Pareto,
}

/// Where a result goes, and in what form.
#[derive(Debug, Clone, Args)]
pub(crate) struct OutputArgs {
    /// Write the report to a .html or .md file
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Language of the report
    #[arg(long, value_enum, default_value_t = LangArg::En)]
    pub(crate) lang: LangArg,
    /// What is printed
    #[arg(long, value_enum, default_value_t = FormatArg::Text)]
    pub(crate) format: FormatArg,
}

/// What is declared of a simulation.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Simulation")]
pub(crate) struct SimulationArgs {
    /// Orders that a contact causes on average, from least to most, for all actions or for one; may be repeated
    /// [default: 0%..5%]
    #[arg(long, value_name = "[ACTION=]LOW..HIGH")]
    pub(crate) effect: Vec<String>,
    /// Days with decisions, from --from on; a window is simulated after them [default: 90d]
    #[arg(long, value_name = "DAYS")]
    pub(crate) days: Option<String>,
    /// How many futures to make up [default: 200]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) worlds: Option<u32>,
    /// Share of orders that come by themselves and redeem a coupon they could redeem [default: 100%]
    #[arg(long, value_name = "SHARE")]
    pub(crate) redemption: Option<String>,
    /// What futures are drawn from [default: bg-nbd, or nbd where the data does not tell how customers leave]
    #[arg(long, value_enum)]
    pub(crate) model: Option<ModelArg>,
}

impl SimulationArgs {
    /// An option that was given, if any.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let flags = [
            ("--effect", !self.effect.is_empty()),
            ("--days", self.days.is_some()),
            ("--worlds", self.worlds.is_some()),
            ("--redemption", self.redemption.is_some()),
            ("--model", self.model.is_some()),
        ];
        flags.into_iter().find_map(|(flag, is_given)| is_given.then_some(flag))
    }

    /// Days with decisions.
    pub(crate) fn days(&self) -> &str {
        self.days.as_deref().unwrap_or("90d")
    }
}

/// Where a log of drawn actions is.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Off-policy evaluation")]
pub(crate) struct OffPolicyArgs {
    /// Log of what was really done: columns customer, time, action (`none` for nothing), propensity; no decisions of a
    /// replay, which were never carried out
    #[arg(long, value_name = "FILE", required_if_eq("mode", "off-policy"))]
    pub(crate) log: Option<PathBuf>,
    /// What is counted in the window after a row [default: gmv]
    #[arg(long, value_enum)]
    pub(crate) reward: Option<RewardArg>,
}

/// What is counted in the window after a row of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RewardArg {
    /// Order value before discounts
    Gmv,
    /// Whether there is an order
    Conversion,
}

#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  stratagem backtest recall-waves.wasm --store shop
  stratagem backtest recall-waves.wasm --store shop --set silence-days=28 --holdout 20% --cap 2/7d
  stratagem backtest recall-waves.wasm --store shop --budget 5000.00 --until 2017-11-30
  stratagem backtest recall-waves.wasm --store shop --audit look-ahead --audit wake
  stratagem backtest recall-waves.wasm --store shop --report run.html --lang zh
  stratagem backtest --compare recall-waves.wasm magic-number.wasm --store shop
  stratagem backtest recall-waves.wasm --store shop --mode off-policy --log actions.csv
  stratagem backtest recall-waves.wasm --store shop --mode simulate --from 2017-10-01 --effect 1%..3%

What a run may claim depends on its mode. `replay`: the strategy never ran on these customers; it shows whom it would \
have contacted, what that would have cost, and what these customers bought anyway, and no effect. `off-policy`: what \
the strategy would have earned, from a log whose actions were drawn with known probabilities. `simulate`: what follows \
from effects that you declare. Every run is appended to the store's library.")]
pub(crate) struct BacktestArgs {
    /// The strategy's component
    #[arg(required_unless_present = "compare")]
    pub(crate) strategy: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Run two strategies under the same conditions, and say where they differ and collide
    #[arg(long, num_args = 2, value_names = ["A", "B"],
          conflicts_with_all = ["strategy", "report", "lang", "decisions", "audit", "cuts"])]
    pub(crate) compare: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) conditions: ConditionArgs,
    /// Run it again under conditions that must make no difference, and compare byte for byte
    #[arg(long, value_enum)]
    pub(crate) audit: Vec<AuditArg>,
    /// At how many instants the look-ahead audit cuts the history
    #[arg(long, default_value_t = 5, value_name = "K")]
    pub(crate) cuts: u32,
    /// Write every decision, with reason and propensity, to a .parquet or .csv file
    #[arg(long, value_name = "FILE")]
    pub(crate) decisions: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What kind of run, and under which conditions.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConditionArgs {
    /// What kind of evidence to gather
    #[arg(long, value_enum, default_value_t = ModeArg::Replay)]
    pub(crate) mode: ModeArg,
    #[command(flatten)]
    pub(crate) run: RunArgs,
    #[command(flatten)]
    pub(crate) simulation: SimulationArgs,
    #[command(flatten)]
    pub(crate) off_policy: OffPolicyArgs,
}

/// What a run does.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunArgs {
    /// Set a parameter of the strategy; `stratagem strategy inspect` lists them
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// First local day with decisions [default: the first of the data]
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<String>,
    /// Last local day with decisions [default: the last whose window ends within the data]
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<String>,
    /// Attribution window: days after a contact in which orders are attributed to it
    #[arg(long, default_value = "14d", value_name = "DAYS")]
    pub(crate) window: String,
    /// Share of customers this strategy leaves untouched as controls
    #[arg(long, default_value = DEFAULT_GATES.holdout, value_name = "SHARE")]
    pub(crate) holdout: String,
    /// Share of customers that no strategy may touch
    #[arg(long, default_value = DEFAULT_GATES.global_holdout, value_name = "SHARE")]
    pub(crate) global_holdout: String,
    /// Seeds holdouts and draws
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Most contacts of a customer in any so many days, such as 2/7d, or `none`
    #[arg(long, default_value = DEFAULT_GATES.cap, value_name = "N/DAYS")]
    pub(crate) cap: String,
    /// Contact only customers who subscribed, instead of all who did not unsubscribe
    #[arg(long)]
    pub(crate) opt_in: bool,
    /// Most that the run may cost if every offer is redeemed, in the store's currency
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) budget: Option<String>,
    /// Share of order value that is margin, for the ROI
    #[arg(long, default_value = "30%", value_name = "SHARE")]
    pub(crate) margin: String,
    /// Days after which a customer whose contact a gate forbade is asked about again
    #[arg(long, default_value = "7d", value_name = "DAYS")]
    pub(crate) retry: String,
    /// Time until a table of all customers (RFM cuts, category pairs, repurchase models) is used after the midnight as
    /// of which it is made, such as 30m, up to 24h
    #[arg(long, default_value = "1h", value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) table_lag: String,
    /// Worker threads; 0 for one a core. Changes no decision
    #[arg(long, default_value_t = 0)]
    pub(crate) threads: usize,
    /// Most rows of a batch. Changes no decision
    #[arg(long, default_value_t = 8_192, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) batch_size: u32,
    /// Use an instance for many batches instead of a fresh one for each. Changes no decision
    #[arg(long)]
    pub(crate) warm: bool,
}

/// The gates as they are where none is asked for.
struct Gates {
    holdout: &'static str,
    global_holdout: &'static str,
    cap: &'static str,
}

const DEFAULT_GATES: Gates = Gates { holdout: "10%", global_holdout: "0%", cap: "none" };

impl RunArgs {
    /// A gate that was asked for, if any.
    pub(crate) fn gate(&self) -> Option<&'static str> {
        let flags = [
            ("--holdout", self.holdout != DEFAULT_GATES.holdout),
            ("--global-holdout", self.global_holdout != DEFAULT_GATES.global_holdout),
            ("--cap", self.cap != DEFAULT_GATES.cap),
            ("--opt-in", self.opt_in),
            ("--budget", self.budget.is_some()),
        ];
        flags.into_iter().find_map(|(flag, is_given)| is_given.then_some(flag))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuditArg {
    /// Cut the history at instants: no decision before a cut may change
    LookAhead,
    /// Ask about every customer at every step: no decision may change
    Wake,
}

#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  # 90 days from the day after the data's last, in 200 worlds
  stratagem simulate recall-waves.wasm --store shop --effect 0%..4%

  # From a cut within the data, with an effect of its own for the coupon
  stratagem simulate recall-waves.wasm --store shop --from 2017-10-01 --days 60 --effect 0%..2% \\
    --effect personal-coupon=1%..5% --report simulation.html

Every number of a simulation follows from the effects that you declare: it is assumed, not measured. What it can tell is \
how large an effect must be to pay, and whether a holdout of this size would see it.")]
pub(crate) struct SimulateArgs {
    /// The strategy's component
    pub(crate) strategy: PathBuf,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
    #[command(flatten)]
    pub(crate) simulation: SimulationArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  # Six variants over made-up futures; the best is tried once more on a period that chose nothing
  stratagem sweep recall-waves.wasm --store shop --mode simulate --effect 0%..4% \\
    --grid silence-days=14,21,28 --grid cost-ceiling=500,1000

  # Over history: whom each would have reached, at which cost
  stratagem sweep recall-waves.wasm --store shop --grid silence-days=14,21,28

The best of many variants looks better than it is. So the last part of the period is left untouched until one variant is \
chosen, and every report says how many were tried. Variants are ranked by mean profit (simulate), by the policy's value \
(off-policy), or by the share of attributed value that would have to be caused to pay (replay: no effect is known).")]
pub(crate) struct SweepArgs {
    /// The strategy's component
    pub(crate) strategy: PathBuf,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Values of a parameter to try; with several, every combination
    #[arg(long, value_name = "NAME=VALUE,VALUE,...", required = true)]
    pub(crate) grid: Vec<String>,
    /// Share of the period, at its end, on which only the chosen variant runs
    #[arg(long = "final", default_value = "30%", value_name = "SHARE")]
    pub(crate) final_share: String,
    #[command(flatten)]
    pub(crate) conditions: ConditionArgs,
    #[arg(long, value_enum, default_value_t = FormatArg::Text)]
    pub(crate) format: FormatArg,
}
