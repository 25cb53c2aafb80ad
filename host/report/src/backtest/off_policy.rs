//! What a policy would have earned, from a log of another.

use stratagem_measure::Estimate;
use stratagem_measure::off_policy::{Estimated, Evaluation};
use stratagem_record::{OffPolicy, Reward, Run};

use super::{caveats, claim};
use crate::Lang;
use crate::chart::{Axis, Chart, Histogram, Mark, Plot, Unit};
use crate::document::{Document, Tone};
use crate::numbers::{decimals, percent};
use crate::table::{Table, numbers, prose, words};

/// How values of the reward are written.
pub(crate) struct Rewards {
    /// What the values are divided by.
    unit: f64,
    decimals: usize,
    /// As a header.
    pub(crate) name: String,
    /// What stands before and behind a value in a sentence.
    around: (String, String),
}

impl Rewards {
    pub(crate) fn of(run: &Run, reward: Reward, lang: Lang) -> Self {
        let code = &run.data.currency.code;
        match reward {
            Reward::Gmv => Self {
                unit: f64::from(10_u32.pow(run.data.currency.digits)),
                decimals: run.data.currency.digits as usize + 2,
                name: lang.say(format!("GMV per row, {code}"), format!("每行 GMV（{code}）")),
                around: lang.say(
                    (String::new(), format!(" {code} of GMV a row")),
                    ("每行 GMV ".into(), format!(" {code}")),
                ),
            },
            Reward::Conversion => Self {
                unit: 1.0,
                decimals: 5,
                name: lang.say("conversion per row", "每行转化率").into(),
                around: lang
                    .say((String::new(), " conversions a row".into()), ("每行转化率 ".into(), String::new())),
            },
        }
    }

    /// Of a log that is known by itself.
    pub(crate) fn of_column(column: &str, lang: Lang) -> Self {
        let around = lang
            .say((String::new(), format!(" of {column} a row")), (format!("每行 {column} "), String::new()));
        Self { unit: 1.0, decimals: 6, name: column.into(), around }
    }

    pub(crate) fn show(&self, value: f64) -> String {
        decimals(value / self.unit, self.decimals)
    }

    /// A value in a sentence: `77.8480 USD of GMV a row`.
    pub(crate) fn say(&self, value: f64) -> String {
        format!("{}{}{}", self.around.0, self.show(value), self.around.1)
    }

    pub(crate) fn interval(&self, estimate: &Estimate) -> String {
        format!("{} … {}", self.show(estimate.low), self.show(estimate.high))
    }
}

/// What the policy would have earned by the estimator to read first, against what was logged.
pub(crate) fn earned(evaluation: &Evaluation, rewards: &Rewards, lang: Lang) -> String {
    let best = preferred(evaluation);
    let estimate = best.bootstrap.as_ref().unwrap_or(&best.normal);
    let (value, interval) = (rewards.say(estimate.value), rewards.interval(estimate));
    let (estimator, logged) = (best.estimator.label(), rewards.show(evaluation.logged));
    lang.say(
        format!("would have earned {value} ({interval}), by {estimator}, against {logged} as logged"),
        format!("按 {estimator} 估计，{value}（{interval}），日志实际为 {logged}"),
    )
}

pub(super) fn verdict(run: &Run, off_policy: &OffPolicy, lang: Lang) -> String {
    let rewards = Rewards::of(run, off_policy.reward, lang);
    let earned = earned(&off_policy.lanes.sole().outcome, &rewards, lang);
    format!("{earned}{}{}", lang.say("; ", "；"), claim(&run.mode, lang))
}

/// The estimate to read first.
pub(crate) fn preferred(evaluation: &Evaluation) -> &Estimated {
    evaluation.estimated(evaluation.preferred).expect("the preferred estimator is among the estimates")
}

pub(super) fn sections(run: &Run, off_policy: &OffPolicy, out: &mut Document) {
    let lang = out.lang;
    if off_policy.log.unknown_customers > 0 {
        let rows = lang.count(off_policy.log.unknown_customers, "row", "行");
        let text = lang.say(
            format!("{rows} of the log are of customers that the store does not have, and were left out"),
            format!("日志中有 {rows}的客户不在库中，已略去"),
        );
        out.alert(Tone::Warning, text, vec![]);
    }
    let rewards = Rewards::of(run, off_policy.reward, lang);
    evaluation(&off_policy.lanes.sole().outcome, &rewards, out);
}

/// The estimates with what speaks for and against them.
pub(crate) fn evaluation(evaluation: &Evaluation, rewards: &Rewards, out: &mut Document) {
    let lang = out.lang;
    for warning in &evaluation.warnings {
        out.alert(Tone::Warning, caveats::warning(warning, lang), vec![]);
    }
    out.heading(lang.say("Value of the policy", "策略价值"));
    out.table(estimates(evaluation, rewards, lang));
    out.note(lang.say("* the one to read first", "* 首先应读的估计"));
    let mut missing = Table::new(vec![
        words(lang.say("estimator", "估计量")),
        prose(lang.say("why it says nothing", "不可用的原因")),
    ]);
    for one in &evaluation.unavailable {
        missing.row([one.estimator.label().to_owned(), caveats::no_value(one.why, lang).into()]);
    }
    out.table(missing);
    weights(evaluation, out);
    out.heading(lang.say("Assumptions", "假设"));
    for assumption in &evaluation.assumptions {
        out.note(caveats::assumption(*assumption, lang));
    }
}

fn estimates(evaluation: &Evaluation, rewards: &Rewards, lang: Lang) -> Table {
    let mut columns = vec![
        words(lang.say("estimator", "估计量")),
        numbers(rewards.name.clone()),
        numbers(lang.say("standard error", "标准误")),
        numbers(lang.say("95 % interval", "95 % 置信区间")),
    ];
    let is_resampled = evaluation.estimates.iter().any(|one| one.bootstrap.is_some());
    if is_resampled {
        columns.push(numbers(lang.say("bootstrap interval", "自助法区间")));
    }
    let mut table = Table::new(columns);
    for one in &evaluation.estimates {
        let star = if one.estimator == evaluation.preferred { " *" } else { "" };
        let mut row = vec![
            format!("{}{star}", one.estimator.label()),
            rewards.show(one.normal.value),
            rewards.show(one.normal.standard_error),
            rewards.interval(&one.normal),
        ];
        if is_resampled {
            let drawn = one.bootstrap.as_ref().map(|estimate| rewards.interval(estimate));
            row.push(drawn.unwrap_or_default());
        }
        table.row(row);
    }
    table
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
        caption: caption(evaluation, lang),
        plot: Plot::Histogram(Histogram {
            x: Axis::new(lang.say("weight", "权重"), Unit::Number(2)),
            counted: lang.say("rows", "行").into(),
            edges: histogram
                .iter()
                .take(1)
                .map(|bin| bin.low)
                .chain(histogram.iter().map(|bin| bin.high))
                .collect(),
            counts: histogram.iter().map(|bin| bin.rows).collect(),
            is_log: true,
            marks: vec![Mark { label: lang.say("mean", "均值").into(), x: found.mean_weight.value }],
        }),
    });
}

/// What the weights leave of the rows.
fn caption(evaluation: &Evaluation, lang: Lang) -> String {
    let found = &evaluation.diagnostics;
    let (size, rows) = (decimals(found.effective_sample_size, 1), lang.count(evaluation.rows, "row", "行"));
    let mut caption = if found.effective_sample_size < 0.5 * evaluation.rows as f64 {
        lang.say(
            format!(
                "How much each row counts. A few rows far to the right carry the estimate: {size} rows' worth of \
                 {rows} are left."
            ),
            format!("每行的权重。右侧少数行主导估计：{rows}只相当于 {size} 行。"),
        )
    } else {
        lang.say(
            format!("How much each row counts: {size} rows' worth of {rows} are left."),
            format!("每行的权重：{rows}相当于 {size} 行。"),
        )
    };
    if found.zero_weight_share > 0.0 {
        caption += lang.say(
            " Counts and shares are of rows with a weight above 0.",
            "行数与占比仅就权重大于 0 的行而言。",
        );
    }
    caption
}
