//! `stratagem fit`: repurchase and spend models on a store or a file of orders.

use stratagem_insight::{Needs, PurchaseDays, PurchaseLog, StoreContext, Timelines};
use stratagem_measure::Refusal;
use stratagem_measure::repurchase::{Fit, GammaGamma, History, Kind, Model, Spending};
use stratagem_model::time::{Day, date_of};
use stratagem_model::{BUCKETS, Currency, Time, Zone};
use stratagem_report::{RepurchaseFit, SpendFit, TimeUnit};
use stratagem_store::ingest::{Kind as FileKind, Mapping, Options};
use stratagem_store::{MemoryStore, Settings, SledStore, Store};

use crate::args::{FitArg, FitArgs, UnitArg};
use crate::exit::Usage;
use crate::output::{Output, WholeFile};
use crate::values::day;
use crate::{ingest, progress};

pub(crate) fn run(args: &FitArgs) -> anyhow::Result<()> {
    let output = Output::new(&args.output)?;
    if let Some(path) = args.scores.as_deref().filter(|path| path.extension().is_none_or(|end| end != "csv"))
    {
        let message = format!("`{}` is not a .csv file", path.display());
        return Err(Usage::new(message, "name it `scores.csv`").into());
    }
    let scores = args.scores.as_deref().map(WholeFile::create).transpose()?;
    let store = open(args)?;
    let data = Data::new(store.as_ref(), args)?;
    if args.model == FitArg::GammaGamma {
        let found = data.spend()?;
        if let Some(file) = scores {
            file.write(&data.spend_scores(&found.fit)?)?;
        }
        output.give(
            |is_html, lang| stratagem_report::spend_page(&found, lang, is_html),
            |format, style, lang| stratagem_report::spend(&found, format, style, lang),
        )
    } else {
        let found = data.orders(kind(args.model))?;
        if let Some(file) = scores {
            file.write(&data.order_scores(&found.fit)?)?;
        }
        output.give(
            |is_html, lang| stratagem_report::repurchase_page(&found, lang, is_html),
            |format, style, lang| stratagem_report::repurchase(&found, format, style, lang),
        )
    }
}

fn kind(model: FitArg) -> Kind {
    match model {
        FitArg::Nbd => Kind::Nbd,
        FitArg::BgNbd => Kind::BgNbd,
        FitArg::MbgNbd => Kind::MbgNbd,
        FitArg::ParetoNbd => Kind::ParetoNbd,
        FitArg::GammaGamma => unreachable!("it is a model of values"),
    }
}

/// The store, or a file in memory.
fn open(args: &FitArgs) -> anyhow::Result<Box<dyn Store>> {
    let Some(file) = &args.orders else {
        let path = args.store.as_deref().expect("the command line demands one of both");
        return Ok(Box::new(SledStore::open(path)?));
    };
    let unknown =
        |message: String| Usage::new(message, "use codes such as `CNY` and zones such as `Asia/Shanghai`");
    let currency = Currency::new(&args.currency)
        .ok_or_else(|| unknown(format!("`--currency {}` is no ISO 4217 code", args.currency)))?;
    let zone = Zone::new(&args.time_zone).map_err(|error| unknown(error.to_string()))?.name().to_owned();
    let store = MemoryStore::new(Settings { zone, currency });
    let options = Options { mapping: Mapping::parse(&args.map)?, ..Options::new(FileKind::Orders) };
    let stop = progress::stop_at_once()?;
    ingest::file(&store, file, &options, &stop)?;
    Ok(Box::new(store))
}

/// Everyone's orders, cut at the last day that is fitted on.
struct Data<'s> {
    store: &'s dyn Store,
    timelines: Timelines,
    unit: TimeUnit,
    first: Day,
    until: Day,
    end: Day,
    /// Rows with an order until then, and what is known of them.
    rows: Vec<(usize, PurchaseDays)>,
}

impl<'s> Data<'s> {
    fn new(store: &'s dyn Store, args: &FitArgs) -> anyhow::Result<Self> {
        let totals = store.totals()?;
        let (Some(first), Some(last)) = (totals.first_order_ms, totals.last_order_ms) else {
            return Err(stratagem_replay::BacktestError::NoOrders.into());
        };
        let zone = Zone::new(&store.settings().zone)?;
        let (first, end) = (zone.day(Time(first)), zone.day(Time(last)));
        let until = args.until.as_deref().map_or(Ok(end), |text| day(text, "--until"))?;
        if until <= first || until > end {
            let message = format!("`--until {}` is not within the data", date_of(until));
            let hint = format!("the data goes from {} to {}", date_of(first), date_of(end));
            return Err(Usage::new(message, hint).into());
        }
        let context = StoreContext::read(store, zone.clone(), None)?;
        let needs = Needs { days: true, ..Needs::default() };
        let timelines = Timelines::load(store, &context, 0..BUCKETS, needs, Time::MAX)?;
        let cut = zone.at(until + 1, 0);
        let known = |row| timelines.advance(row, 0, cut);
        let rows = (0..timelines.rows())
            .filter_map(|row| Some((row, timelines.purchase_days(row, known(row), until)?)));
        let unit = match args.unit {
            UnitArg::Days => TimeUnit::Days,
            UnitArg::Weeks => TimeUnit::Weeks,
        };
        Ok(Self { rows: rows.collect(), store, timelines, unit, first, until, end })
    }

    fn history(&self, days: &PurchaseDays) -> Result<History, Refusal> {
        let time = |days: u32| f64::from(days) / self.unit.days();
        History::new(days.repeats, time(days.last), time(days.observed))
    }

    fn orders(&self, kind: Kind) -> anyhow::Result<RepurchaseFit> {
        let log = PurchaseLog::new([&self.timelines], self.unit.days());
        let histories = log.histories(self.until)?;
        let fit = kind.fit(&histories)?;
        let foretell = || log.holdout(&fit.model, self.until, self.end);
        Ok(RepurchaseFit {
            from: date_of(self.first),
            until: date_of(self.until),
            data_end: date_of(self.end),
            unit: self.unit,
            repeaters: histories.iter().filter(|history| history.repeats() > 0).count() as u64,
            holdout: (self.until < self.end).then(foretell).transpose()?,
            tracking: log.tracking(&fit.model, self.until, self.end)?,
            fit,
        })
    }

    fn spend(&self) -> anyhow::Result<SpendFit> {
        let currency = self.store.settings().currency.clone();
        let rows: Vec<_> = self.rows.iter().filter_map(|(_, days)| self.spending(days)).collect();
        let fit = GammaGamma::fit(&rows)?;
        let pairs: Vec<_> = self
            .rows
            .iter()
            .filter_map(|(_, days)| {
                let value = days.repeat_value as f64 / f64::from(days.repeats);
                (days.repeats > 0).then_some((f64::from(days.repeats), value))
            })
            .collect();
        Ok(SpendFit {
            until: date_of(self.until),
            mean_order_value: fit.model.expected_spend(None).ok(),
            correlation: correlation(&pairs),
            currency,
            fit,
        })
    }

    /// In whole units of the currency.
    fn spending(&self, days: &PurchaseDays) -> Option<Spending> {
        let unit = f64::from(10_u32.pow(self.store.settings().currency.digits));
        let mean = days.repeat_value as f64 / unit / f64::from(days.repeats.max(1));
        (days.repeats > 0).then(|| Spending::new(days.repeats, mean).ok()).flatten()
    }

    fn order_scores(&self, fit: &Fit<Model>) -> anyhow::Result<String> {
        let mut csv = csv::Writer::from_writer(vec![]);
        csv.write_record([
            "customer",
            "repeats",
            "last",
            "observed",
            "p_alive",
            "expected_orders_30d",
            "expected_orders_90d",
        ])?;
        for (row, days) in &self.rows {
            let history = self.history(days)?;
            let expected = |days: f64| fit.model.expected_orders(&history, days / self.unit.days());
            csv.write_record([
                self.name(*row)?,
                history.repeats().to_string(),
                history.last().to_string(),
                history.observed().to_string(),
                fit.model.after(&history).alive.to_string(),
                expected(30.0)?.to_string(),
                expected(90.0)?.to_string(),
            ])?;
        }
        Ok(String::from_utf8(csv.into_inner()?)?)
    }

    fn spend_scores(&self, fit: &Fit<GammaGamma>) -> anyhow::Result<String> {
        let mut csv = csv::Writer::from_writer(vec![]);
        csv.write_record(["customer", "repeats", "expected_order_value"])?;
        for (row, days) in &self.rows {
            let value = fit.model.expected_spend(self.spending(days).as_ref())?;
            csv.write_record([self.name(*row)?, days.repeats.to_string(), value.to_string()])?;
        }
        Ok(String::from_utf8(csv.into_inner()?)?)
    }

    fn name(&self, row: usize) -> anyhow::Result<String> {
        Ok(self.store.external_id(self.timelines.customer(row))?.unwrap_or_default())
    }
}

/// Pearson's correlation; nothing where one of both does not vary.
fn correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    let n = pairs.len() as f64;
    let (x, y) = (pairs.iter().map(|p| p.0).sum::<f64>() / n, pairs.iter().map(|p| p.1).sum::<f64>() / n);
    let sum = |of: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>();
    let spread = (sum(&|p| (p.0 - x).powi(2)) * sum(&|p| (p.1 - y).powi(2))).sqrt();
    let correlation = sum(&|p| (p.0 - x) * (p.1 - y)) / spread;
    correlation.is_finite().then_some(correlation)
}
