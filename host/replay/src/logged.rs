//! Off-policy evaluation of a strategy on a log of actions with known propensities: what it would have chosen at each
//! logged instant, as of then, and what followed.
//!
//! The strategy is asked about the customer of each row at the row's instant. Its own touches are those of the log
//! before: what the log did is what was done.
//!
//! # Not here
//!
//! The estimators are `stratagem_measure::off_policy`.

use std::collections::HashMap;

use rayon::prelude::*;
use stratagem_insight::{AsOf, OwnTouch, OwnTouches, Population, Timelines, View};
use stratagem_measure::off_policy::{Categorical, Log, Policy};
use stratagem_model::column::Batch;
use stratagem_model::time::{DAY_MS, Day, Time, date_of};
use stratagem_model::{CustomerId, NO_ITEM};
use stratagem_record::Reward;
use stratagem_runtime::{Configured, Evaluator};
use stratagem_store::Store;

use crate::config::{Backtest, BacktestError};
use crate::driver::{Progress, Run, Span, in_pool};

/// What the action of a row is called where nothing was done.
pub const NOTHING: &str = "none";

/// A row of a log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoggedAction {
    pub customer: CustomerId,
    pub time: Time,
    /// Into the names of the log.
    pub action: u32,
    /// Probability with which this action was chosen.
    pub propensity: f64,
}

/// A log made ready for evaluation, and the strategy's policy on it.
#[derive(Debug)]
pub struct PolicyOnLog {
    pub log: Log,
    pub policy: Policy,
    /// First and last local day of the rows.
    pub days: (String, String),
    pub data_end: String,
    /// Rows of customers that the store does not have; they are left out.
    pub unknown_customers: u64,
}

/// Asks a strategy what it would have chosen in each row of a log.
///
/// # Errors
/// As [`run`](crate::run): a row's window runs past the data's end, or a batch of the strategy failed.
pub fn policy_on_log(
    store: &dyn Store,
    configured: &Configured,
    backtest: &Backtest,
    names: &[String],
    rows: &[LoggedAction],
    reward: Reward,
    progress: &Progress,
) -> Result<PolicyOnLog, BacktestError> {
    let zone = stratagem_model::time::Zone::new(&store.settings().zone).expect("a store has a known zone");
    let days = |row: &LoggedAction| zone.day(row.time);
    let (Some(first), Some(last)) = (rows.iter().map(days).min(), rows.iter().map(days).max()) else {
        return Err(BacktestError::EmptyLog);
    };
    let span = move |backtest: &Backtest, data: (Day, Day)| {
        let latest = data.1 - backtest.window_days as Day;
        if last > latest {
            return Err(BacktestError::WindowPastEnd {
                until: date_of(last),
                window_days: backtest.window_days,
                end: date_of(data.1),
                latest: date_of(latest),
            });
        }
        Ok(Span { from: first, until: last, end: data.1, cut: None })
    };
    in_pool(backtest.threads, |threads| {
        let run = Run::new(store, configured, backtest, progress, threads, span)?;
        let asked = Asked::new(&run, names, reward);
        let answers = asked.ask(rows)?;
        asked.collect(rows, answers, (date_of(first), date_of(last)))
    })
}

/// What is found of one row: who, the probability of each action, the reward, the context.
struct Answer {
    row: usize,
    reward: f64,
    /// RFM class; 8 without an order.
    context: u32,
    shares: Vec<f64>,
}

struct Asked<'a> {
    run: &'a Run<'a>,
    /// All actions: the strategy's in their order, nothing, and what only the log knows.
    actions: Vec<String>,
    /// Of the log's names into `actions`.
    places: Vec<u32>,
    reward: Reward,
}

impl<'a> Asked<'a> {
    fn new(run: &'a Run<'a>, names: &[String], reward: Reward) -> Self {
        let plan = run.configured.plan();
        let mut actions: Vec<_> = plan.actions.iter().map(|action| action.id.clone()).collect();
        actions.push(NOTHING.into());
        let places = names.iter().map(|name| {
            let name = if name.is_empty() { NOTHING } else { name };
            let place = actions.iter().position(|action| action == name).unwrap_or_else(|| {
                actions.push(name.into());
                actions.len() - 1
            });
            place as u32
        });
        Self { places: places.collect(), actions, run, reward }
    }

    fn nothing(&self) -> usize {
        self.run.configured.plan().actions.len()
    }

    fn ask(&self, rows: &[LoggedAction]) -> Result<Vec<Answer>, BacktestError> {
        let shards = self.run.shards()?;
        self.run.progress.expect(2 * shards.len() as u64);
        let (population, timelines) = self.run.population(&shards, true)?;
        let mut of_customer: HashMap<CustomerId, Vec<usize>> = HashMap::new();
        for (i, row) in rows.iter().enumerate() {
            of_customer.entry(row.customer).or_default().push(i);
        }
        let answers = timelines.par_iter().map(|timelines| {
            let mine = (0..timelines.rows()).flat_map(|at| {
                let found = of_customer.get(&timelines.customer(at)).into_iter().flatten();
                found.map(move |row| (rows[*row].time, at as u32, *row))
            });
            let mut mine: Vec<_> = mine.collect();
            mine.sort_unstable();
            let answers = self.ask_shard(timelines, &population, rows, &mine)?;
            self.run.progress.step(1)?;
            Ok(answers)
        });
        let answers: Vec<Vec<Answer>> = answers.collect::<Result<_, BacktestError>>()?;
        let mut answers: Vec<_> = answers.into_iter().flatten().collect();
        answers.sort_unstable_by_key(|answer| answer.row);
        Ok(answers)
    }

    /// Asks about the rows of a shard, `(time, customer's place, row of the log)` in this order.
    fn ask_shard(
        &self,
        timelines: &Timelines,
        population: &Population,
        log: &[LoggedAction],
        rows: &[(Time, u32, usize)],
    ) -> Result<Vec<Answer>, BacktestError> {
        let run = self.run;
        let mut as_of = AsOf::new(timelines.rows(), run.needs);
        let mut touches = OwnTouches::new(timelines.rows());
        let mut columns = run.columns.buffers();
        let mut evaluator = Evaluator::new(run.configured, run.backtest.instances);
        let mut answers = vec![];
        for at_once in rows.chunk_by(|a, b| a.0 == b.0) {
            let now = at_once[0].0;
            // Two rows of a customer at one instant are one question: neither knows of the other.
            let mut asked: Vec<u32> = at_once.iter().map(|row| row.1).collect();
            asked.dedup();
            asked.iter().for_each(|row| as_of.advance(timelines, *row as usize, now));
            let view = View { context: &run.context, timelines, touches: &touches, population, now };
            run.columns.fill(&view, &mut as_of, &asked, &mut columns);
            let references = run.references.at(&run.context, population, now);
            let references: Vec<_> = references.iter().map(AsRef::as_ref).collect();
            let output = evaluator.evaluate(&Batch {
                now,
                utc_offset_ms: run.context.zone.offset_ms(now),
                parameters: run.configured.values(),
                rows: asked.len() as u32,
                columns: &columns,
                references: &references,
            });
            let output = output.map_err(|failure| BacktestError::Failed { message: failure.message })?;
            let mut shares = vec![vec![0.0; self.actions.len()]; asked.len()];
            for proposal in &output.proposals {
                shares[proposal.row as usize][proposal.action as usize] += proposal.score as f64;
            }
            for shares in &mut shares {
                match shares.iter().sum::<f64>() {
                    0.0 => shares[self.nothing()] = 1.0,
                    total => shares.iter_mut().for_each(|share| *share /= total),
                }
            }
            for (_, place, row) in at_once {
                let position = asked.binary_search(place).expect("each row is among those asked");
                let known = as_of.known_entries(*place as usize);
                let class = population.rfm_class(timelines, *place as usize, known, now);
                answers.push(Answer {
                    row: *row,
                    reward: self.reward(timelines, *place as usize, now),
                    context: class.unwrap_or(8),
                    shares: shares[position].clone(),
                });
                self.touch(&mut touches, *place as usize, &log[*row]);
            }
        }
        Ok(answers)
    }

    fn reward(&self, timelines: &Timelines, row: usize, now: Time) -> f64 {
        let end = Time(now.0 + i64::from(self.run.backtest.window_days) * DAY_MS);
        let orders = timelines.orders(row).filter(|order| (now..end).contains(&timelines.order_time(*order)));
        match self.reward {
            Reward::Gmv => orders.map(|order| timelines.order_value(order).0).sum::<i64>() as f64,
            Reward::Conversion => f64::from(u8::from(orders.count() > 0)),
        }
    }

    fn touch(&self, touches: &mut OwnTouches, row: usize, logged: &LoggedAction) {
        let action = self.places[logged.action as usize];
        if let Some(known) = self.run.configured.plan().actions.get(action as usize) {
            let is_contact = known.kind.is_contact();
            touches.push(row, OwnTouch { when: logged.time, action, item: NO_ITEM, is_contact });
        }
    }

    fn collect(
        &self,
        rows: &[LoggedAction],
        answers: Vec<Answer>,
        days: (String, String),
    ) -> Result<PolicyOnLog, BacktestError> {
        let logged = || answers.iter().map(|answer| &rows[answer.row]);
        let codes = logged().map(|row| self.places[row.action as usize]).collect();
        let actions = Categorical { names: self.actions.clone(), codes };
        let rewards = answers.iter().map(|answer| answer.reward).collect();
        let propensities = logged().map(|row| row.propensity).collect();
        let classes = stratagem_insight::RFM_CLASSES.iter().map(|(name, _)| (*name).to_owned());
        let contexts = Categorical {
            names: classes.chain(["no order yet".into()]).collect(),
            codes: answers.iter().map(|answer| answer.context).collect(),
        };
        if answers.is_empty() {
            return Err(BacktestError::UnknownCustomers { rows: rows.len() as u64 });
        }
        let customers: Vec<_> = logged().map(|row| row.customer.0).collect();
        let log =
            Log::new(actions, rewards, propensities)?.with_contexts(contexts)?.with_clusters(&customers)?;
        let unknown_customers = (rows.len() - answers.len()) as u64;
        let shares = answers.into_iter().flat_map(|answer| answer.shares).collect();
        let policy = Policy::ByRow(shares);
        Ok(PolicyOnLog { log, policy, days, data_end: self.run.data_end.clone(), unknown_customers })
    }
}
