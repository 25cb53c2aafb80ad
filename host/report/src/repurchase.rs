//! A repurchase or spend model: its parameters, and how well it foretold what came after.

use serde::{Deserialize, Serialize};
use stratagem_measure::repurchase::{Fit, GammaGamma, Holdout, Model, Parameter, Tracking};
use stratagem_model::Currency;
use stratagem_model::money::group;
use stratagem_model::time::{date_of, parse_day};

use crate::Lang;
use crate::chart::{Axis, Chart, Plot, Tracked, Tracking as Curve, Unit};
use crate::document::Document;
use crate::numbers::decimals;
use crate::table::{Table, numbers, words};

/// In what times are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeUnit {
    Days,
    Weeks,
}

impl TimeUnit {
    /// How many days it has.
    pub fn days(self) -> f64 {
        match self {
            Self::Days => 1.0,
            Self::Weeks => 7.0,
        }
    }

    fn name(self, lang: Lang) -> &'static str {
        match self {
            Self::Days => lang.say("days", "天"),
            Self::Weeks => lang.say("weeks", "周"),
        }
    }
}

/// A model of orders that was fitted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RepurchaseFit {
    /// First day of the data, last day that was fitted on, last day of the data.
    pub from: String,
    pub until: String,
    pub data_end: String,
    pub unit: TimeUnit,
    pub fit: Fit<Model>,
    pub repeaters: u64,
    /// What came after, where the data has more.
    pub holdout: Option<Holdout>,
    /// By week from the first day.
    pub tracking: Vec<Tracking>,
}

/// A model of order values that was fitted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SpendFit {
    pub until: String,
    pub currency: Currency,
    pub fit: Fit<GammaGamma>,
    /// Of a customer of whom nothing is known, in whole units of the currency; nothing where it is infinite.
    pub mean_order_value: Option<f64>,
    /// Correlation of a customer's repeat orders and their mean value, which the model takes to be none.
    pub correlation: Option<f64>,
}

fn parameters(parameters: &[Parameter], out: &mut Document) {
    let lang = out.lang;
    let mut table = Table::new(vec![
        words(lang.say("parameter", "参数")),
        numbers(lang.say("estimate", "估计")),
        numbers(lang.say("standard error", "标准误")),
        numbers(lang.say("95 % interval", "95 % 置信区间")),
    ]);
    for Parameter { name, estimate } in parameters {
        table.row([
            name.clone(),
            decimals(estimate.value, 4),
            decimals(estimate.standard_error, 4),
            format!("{} … {}", decimals(estimate.low, 4), decimals(estimate.high, 4)),
        ]);
    }
    out.table(table);
}

pub(crate) fn orders(found: &RepurchaseFit, lang: Lang) -> Document {
    let name = found.fit.model.kind().name();
    let customers = lang.count(found.fit.customers, "customer", "位客户");
    let mut verdict = lang.say(
        format!("{name} fitted on {customers} until {}", found.until),
        format!("{name}：以截至 {} 的 {customers}拟合", found.until),
    );
    if let Some(holdout) = &found.holdout {
        let expected = group(holdout.expected_orders.round().max(0.0) as u64);
        let actual = group(holdout.actual_orders);
        verdict += &lang.say(
            format!("; it expected {expected} repeat orders by {}, and {actual} came", found.data_end),
            format!("；预期到 {} 有 {expected} 笔复购，实际 {actual} 笔", found.data_end),
        );
    }
    let mut out = Document::of(lang, verdict);
    out.facts([
        (lang.say("period", "期间"), format!("{} – {}", found.from, found.until)),
        (lang.say("time unit", "时间单位"), found.unit.name(lang).to_owned()),
        (lang.say("with repeat orders", "有复购"), group(found.repeaters)),
        (lang.say("log-likelihood", "对数似然"), decimals(found.fit.log_likelihood, 4)),
    ]);
    parameters(&found.fit.parameters, &mut out);
    if let Some(holdout) = &found.holdout {
        out.heading(lang.say("Holdout period", "留出期"));
        foretold(holdout, &mut out);
    }
    let until = found.holdout.is_some().then_some(found.until.as_str());
    tracking(&found.from, until, found.unit, &found.tracking, &mut out);
    out
}

/// What a model expected of a period that it was not fitted on, beside what came.
pub(crate) fn foretold(holdout: &Holdout, out: &mut Document) {
    let lang = out.lang;
    let bias =
        (holdout.expected_orders - holdout.actual_orders as f64) / (holdout.actual_orders.max(1) as f64);
    out.facts([
        (
            lang.say("repeat orders", "复购订单"),
            lang.say(
                format!(
                    "{} expected, {} came ({:+.1} %)",
                    decimals(holdout.expected_orders, 2),
                    group(holdout.actual_orders),
                    100.0 * bias
                ),
                format!(
                    "预期 {}，实际 {}（{:+.1} %）",
                    decimals(holdout.expected_orders, 2),
                    group(holdout.actual_orders),
                    100.0 * bias
                ),
            ),
        ),
        (
            lang.say("mean absolute error", "平均绝对误差"),
            lang.say(
                format!(
                    "{} a customer; of \"nobody buys\" {}",
                    decimals(holdout.mean_absolute_error, 5),
                    decimals(holdout.mean_absolute_error_of_none, 5)
                ),
                format!(
                    "每位客户 {}；若预测无人购买则为 {}",
                    decimals(holdout.mean_absolute_error, 5),
                    decimals(holdout.mean_absolute_error_of_none, 5)
                ),
            ),
        ),
    ]);
    let mut table = Table::new(vec![
        words(lang.say("repeat orders before", "此前复购数")),
        numbers(lang.say("customers", "客户数")),
        numbers(lang.say("came, mean", "实际均值")),
        numbers(lang.say("expected, mean", "预期均值")),
    ]);
    for group_of in &holdout.by_repeats {
        let name = if group_of.repeats >= 7 { "7+".into() } else { group_of.repeats.to_string() };
        table.row([
            name,
            group(group_of.customers),
            decimals(group_of.mean_actual, 3),
            decimals(group_of.mean_expected, 3),
        ]);
    }
    out.table(table);
}

/// The curve of repeat orders since a day, beside those of a model that was fitted until another if more came after.
pub(crate) fn tracking(
    from: &str,
    until: Option<&str>,
    unit: TimeUnit,
    curve: &[Tracking],
    out: &mut Document,
) {
    let lang = out.lang;
    let Some(first) = parse_day(from) else { return };
    let at = |time: f64| f64::from(first) + time * unit.days();
    let points = curve.iter().map(|point| Tracked {
        x: at(point.time),
        actual: point.cumulative_actual as f64,
        expected: point.cumulative_expected,
    });
    let after = until.and_then(parse_day).map(|day| day + 1);
    let caption = match after.map(date_of) {
        Some(after) => lang.say(
            format!(
                "The model saw nothing from {after} on. Where the lines part after it, its totals are off."
            ),
            format!("模型未见过 {after} 起的数据；其后两线若分离，说明总量预测有偏。"),
        ),
        None => lang
            .say(
                "The model was fitted on all of this: that the lines lie close says nothing of what comes after.",
                "模型以图中全部数据拟合：两线接近并不说明其后的预测准确。",
            )
            .into(),
    };
    out.chart(Chart {
        title: lang.say("Cumulative repeat orders", "累计复购订单").into(),
        caption,
        plot: Plot::Tracking(Curve {
            x: Axis::new(lang.say("until", "截至"), Unit::Day),
            y: Axis::new(lang.say("repeat orders", "复购订单"), Unit::Count),
            points: points.collect(),
            boundary: after.map_or(f64::INFINITY, f64::from),
        }),
    });
}

pub(crate) fn spend(found: &SpendFit, lang: Lang) -> Document {
    let customers = lang.count(found.fit.customers, "customer", "位客户");
    let code = &found.currency.code;
    let mean = found.mean_order_value.map_or_else(
        || lang.say("infinite", "无穷大").to_owned(),
        |value| format!("{} {code}", decimals(value, found.currency.digits as usize)),
    );
    let verdict = lang.say(
        format!("Gamma-Gamma fitted on {customers} with repeat orders until {}; an order is worth {mean} on average", found.until),
        format!("Gamma-Gamma：以截至 {} 有复购的 {customers}拟合；平均每单 {mean}", found.until),
    );
    let mut out = Document::of(lang, verdict);
    let mut facts = vec![
        (lang.say("unit", "单位"), code.clone()),
        (lang.say("log-likelihood", "对数似然"), decimals(found.fit.log_likelihood, 4)),
    ];
    if let Some(correlation) = found.correlation {
        facts.push((
            lang.say("correlation", "相关性"),
            lang.say(
                format!(
                    "{} between a customer's repeat orders and their mean value; the model takes it to be 0",
                    decimals(correlation, 3)
                ),
                format!("客户复购次数与均值的相关系数 {}；模型假定为 0", decimals(correlation, 3)),
            ),
        ));
    }
    out.facts(facts);
    parameters(&found.fit.parameters, &mut out);
    out
}
