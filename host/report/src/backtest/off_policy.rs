//! What a policy would have earned, from a log of another.

use stratagem_library::{OffPolicy, Run};
use stratagem_measure::Estimate;
use stratagem_measure::off_policy::{Estimated, Evaluation};
use stratagem_replay::logged::Reward;

use crate::Lang;
use crate::chart::{Axis, Chart, Histogram, Mark, Plot, Unit};
use crate::document::{Document, Tone};
use crate::numbers::{decimals, percent};
use crate::table::{Table, numbers, prose, words};

pub(crate) const OFF_POLICY: &str = "off-policy";

/// How values of the reward are written.
pub(crate) struct Rewards {
    pub(crate) unit: f64,
    pub(crate) decimals: usize,
    pub(crate) name: String,
}

impl Rewards {
    fn of(run: &Run, off_policy: &OffPolicy, lang: Lang) -> Self {
        let currency = &run.data.currency;
        match off_policy.reward {
            Reward::Gmv => Self {
                unit: f64::from(10_u32.pow(currency.digits)),
                decimals: currency.digits as usize + 2,
                name: lang
                    .say(format!("GMV per row, {}", currency.code), format!("每行 GMV（{}）", currency.code)),
            },
            Reward::Conversion => {
                Self {
                    unit: 1.0, decimals: 5, name: lang.say("conversion per row", "每行转化率").into()
                }
            }
        }
    }

    pub(crate) fn show(&self, value: f64) -> String {
        decimals(value / self.unit, self.decimals)
    }

    fn interval(&self, estimate: &Estimate) -> String {
        format!("{} … {}", self.show(estimate.low), self.show(estimate.high))
    }
}

pub(super) fn verdict(run: &Run, off_policy: &OffPolicy, lang: Lang) -> String {
    let rewards = Rewards::of(run, off_policy, lang);
    let evaluation = &off_policy.evaluation;
    let best = preferred(evaluation);
    let estimate = best.bootstrap.as_ref().unwrap_or(&best.normal);
    let (value, interval) = (rewards.show(estimate.value), rewards.interval(estimate));
    let (name, estimator, logged) = (&rewards.name, best.estimator.label(), rewards.show(evaluation.logged));
    lang.say(
        format!(
            "would have earned {value} ({interval}) {name} by {estimator}, against {logged} as logged; true if the logged \
             propensities are (off-policy evaluation)"
        ),
        format!("{estimator} 估计{name}为 {value}（{interval}），日志实际为 {logged}；前提是日志中的倾向概率属实（离策略评估）"),
    )
}

fn preferred(evaluation: &Evaluation) -> &Estimated {
    evaluation.estimated(evaluation.preferred).expect("the preferred estimator is among the estimates")
}

pub(super) fn sections(run: &Run, off_policy: &OffPolicy, out: &mut Document) {
    let lang = out.lang;
    if off_policy.unknown_customers > 0 {
        let rows = lang.count(off_policy.unknown_customers, "row", "行");
        let text = lang.say(
            format!("{rows} of the log are of customers that the store does not have, and were left out"),
            format!("日志中有 {rows}的客户不在库中，已略去"),
        );
        out.alert(Tone::Warning, text, vec![]);
    }
    let rewards = Rewards::of(run, off_policy, lang);
    evaluation(&off_policy.evaluation, &rewards, out);
}

/// The estimates with what speaks for and against them.
pub(crate) fn evaluation(evaluation: &Evaluation, rewards: &Rewards, out: &mut Document) {
    let lang = out.lang;
    for warning in &evaluation.warnings {
        out.alert(Tone::Warning, warning.clone(), vec![]);
    }
    out.heading(lang.say("Value of the policy", "策略价值"));
    let mut table = Table::new(vec![
        words(lang.say("estimator", "估计量")),
        numbers(rewards.name.clone()),
        numbers(lang.say("standard error", "标准误")),
        numbers(lang.say("95 % interval", "95 % 置信区间")),
        numbers(lang.say("bootstrap interval", "自助法区间")),
    ]);
    for one in &evaluation.estimates {
        let star = if one.estimator == evaluation.preferred { " *" } else { "" };
        table.row([
            format!("{}{star}", one.estimator.label()),
            rewards.show(one.normal.value),
            rewards.show(one.normal.standard_error),
            rewards.interval(&one.normal),
            one.bootstrap.as_ref().map_or_else(String::new, |estimate| rewards.interval(estimate)),
        ]);
    }
    out.table(table);
    out.note(lang.say("* the one to read first", "* 首先应读的估计"));
    let mut missing = Table::new(vec![
        words(lang.say("estimator", "估计量")),
        prose(lang.say("why it says nothing", "不可用的原因")),
    ]);
    for one in &evaluation.unavailable {
        missing.row([one.estimator.label().to_owned(), one.why.clone()]);
    }
    out.table(missing);
    weights(evaluation, out);
    out.heading(lang.say("Assumptions", "假设"));
    for assumption in &evaluation.assumptions {
        out.note(assumption.clone());
    }
}

fn weights(evaluation: &Evaluation, out: &mut Document) {
    let (lang, found) = (out.lang, &evaluation.diagnostics);
    out.heading(lang.say("Weights", "权重"));
    let rows = lang.count(evaluation.rows, "row", "行");
    let size = decimals(found.effective_sample_size, 1);
    out.facts([
        (
            lang.say("effective sample size", "有效样本量"),
            lang.say(format!("{size} of {rows}"), format!("{size}（共 {rows}）")),
        ),
        (
            lang.say("mean weight", "平均权重"),
            lang.say(
                format!("{}, must be 1 but for chance", decimals(found.mean_weight.value, 4)),
                format!("{}，除偶然外应为 1", decimals(found.mean_weight.value, 4)),
            ),
        ),
        (lang.say("largest weight", "最大权重"), decimals(found.max_weight, 2)),
        (lang.say("rows with weight 0", "权重为 0 的行"), percent(found.zero_weight_share)),
    ]);
    let histogram = &found.histogram;
    out.chart(Chart {
        title: lang.say("Distribution of the weights", "权重分布").into(),
        caption: lang.say(
            format!("How much each row counts. A few rows far to the right carry the estimate: {size} rows' worth are left."),
            format!("每行的权重。右侧少数行主导估计：相当于只剩 {size} 行。"),
        ),
        plot: Plot::Histogram(Histogram {
            x: Axis::new(lang.say("weight", "权重"), Unit::Number(2)),
            counted: lang.say("rows", "行").into(),
            edges: histogram.iter().take(1).map(|bin| bin.low).chain(histogram.iter().map(|bin| bin.high)).collect(),
            counts: histogram.iter().map(|bin| bin.rows).collect(),
            is_log: true,
            marks: vec![Mark { label: lang.say("mean", "均值").into(), x: found.mean_weight.value }],
        }),
    });
}
