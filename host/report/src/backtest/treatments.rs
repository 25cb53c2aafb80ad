//! Campaigns that really happened: what they may have caused, and whether that can be known.

use stratagem_library::Run;
use stratagem_measure::observational::{Identification, Method, Observational};
use stratagem_replay::Treatment;

use crate::Lang;
use crate::chart::{self, Axis, Chart, Forest, Interval, Love, Plot, Unit};
use crate::document::Document;
use crate::numbers::signed;
use crate::table::{Table, numbers, prose, words};

fn identification(found: Identification, lang: Lang) -> &'static str {
    match found {
        Identification::Identified => lang.say("identified", "可识别"),
        Identification::Weak => lang.say("weak", "证据薄弱"),
        Identification::NotIdentified => lang.say("not identified", "不可识别"),
    }
}

fn method(method: Method, lang: Lang) -> &'static str {
    match method {
        Method::OverlapAipw => lang.say("overlap-weighted AIPW", "重叠加权 AIPW"),
        Method::IpwAtt => "IPW (ATT)",
        Method::Matching => lang.say("nearest-neighbour matching", "最近邻匹配"),
        Method::DifferenceInDifferences => lang.say("difference in differences", "双重差分"),
    }
}

pub(super) fn sections(run: &Run, out: &mut Document) {
    let treatments = &run.summary.treatments;
    if treatments.is_empty() {
        return;
    }
    let lang = out.lang;
    out.heading(lang.say("Campaigns in the data", "数据中真实发生的活动"));
    out.note(lang.say(
        "These really happened, but nobody drew who was treated. What they caused is estimated from like customers, and the \
         same estimate is repeated at earlier dates, when nothing happened.",
        "这些活动确实发生过，但对象并非抽签决定。以相似客户估计其效果，并在此前什么也没发生的日期重复同一估计。",
    ));
    table(run, out);
    if let Some((treatment, effect)) = treatments.iter().find_map(|t| Some((t, t.effect.as_ref()?))) {
        details(run, treatment, effect, out);
    }
}

fn table(run: &Run, out: &mut Document) {
    let (lang, currency) = (out.lang, &run.data.currency);
    let mut table = Table::new(vec![
        words(lang.say("campaign", "活动")),
        words(lang.say("date", "日期")),
        numbers(lang.say("treated", "触达")),
        numbers(lang.say("not", "未触达")),
        numbers(lang.say("GMV a customer", "人均 GMV")),
        numbers(lang.say("95 % interval", "95 % 置信区间")),
        prose(lang.say("verdict", "结论")),
    ]);
    for treatment in &run.summary.treatments {
        let (value, interval, verdict) = match (&treatment.effect, &treatment.refusal) {
            (Some(effect), _) => {
                let show = |amount| signed(currency, amount);
                let found = identification(effect.verdict.identification, lang);
                let interval = format!("{} … {}", show(effect.effect.low), show(effect.effect.high));
                (show(effect.effect.value), interval, found.to_owned())
            }
            (None, Some((why, _))) => (String::new(), String::new(), why.clone()),
            (None, None) => (String::new(), String::new(), String::new()),
        };
        table.row([
            treatment.campaign.clone(),
            treatment.date.clone(),
            treatment.treated.to_string(),
            treatment.untreated.to_string(),
            value,
            interval,
            verdict,
        ]);
    }
    out.table(table);
}

fn details(run: &Run, treatment: &Treatment, effect: &Observational, out: &mut Document) {
    let (lang, currency) = (out.lang, &run.data.currency);
    let name = &treatment.campaign;
    out.heading(lang.say(format!("Campaign {name} in detail"), format!("活动 {name} 详情")));
    let mut reasons =
        Table::new(vec![words(lang.say("finding", "判断")), prose(lang.say("because", "依据"))]);
    for check in &effect.verdict.checks {
        reasons.row([identification(check.finding, lang).to_owned(), check.reason.clone()]);
    }
    out.table(reasons);
    let major = |minor: f64| minor / f64::from(10_u32.pow(currency.digits));
    let row = |label: String, estimate: &stratagem_measure::Estimate, is_total| chart::Effect {
        label,
        count: None,
        value: major(estimate.value),
        interval: Interval { low: major(estimate.low), high: major(estimate.high) },
        is_total,
    };
    let axis = || {
        let label = lang.say("effect on GMV a customer", "对人均 GMV 的效果");
        Axis::new(label, Unit::Amount(currency.code.clone()))
    };
    let interval = || lang.say("95 % interval", "95 % 置信区间").to_owned();
    let methods = effect.estimates.iter().map(|one| {
        row(method(one.method, lang).to_owned(), &one.estimate, one.method == effect.options.method)
    });
    out.chart(Chart {
        title: lang.say("By method", "各方法的估计").into(),
        caption: lang
            .say(
                "The same campaign by several methods: where they disagree, at least one of their assumptions is wrong.",
                "同一活动的多种估计：若不一致，至少有一种方法的假设不成立。",
            )
            .into(),
        plot: Plot::Forest(Forest { x: axis(), interval: interval(), reference: 0.0, rows: methods.collect() }),
    });
    if let Some(placebo) = &effect.placebo {
        let mut rows = vec![row(treatment.date.clone(), &effect.effect, true)];
        rows.extend(placebo.estimates.iter().map(|fake| row(fake.date.clone(), &fake.estimate, false)));
        out.chart(Chart {
            title: lang.say("At earlier dates, when nothing happened", "在此前什么也没发生的日期").into(),
            caption: lang
                .say(
                    "An honest method finds nothing there. Effects at fake dates are what it would find without any campaign.",
                    "诚实的方法在这些日期不应发现任何效果；若发现，便是没有活动时它也会得出的数值。",
                )
                .into(),
            plot: Plot::Forest(Forest { x: axis(), interval: interval(), reference: 0.0, rows }),
        });
    }
    let rows = effect.balance.iter().map(|covariate| chart::Balance {
        label: covariate.covariate.clone(),
        before: covariate.standardised_difference_before,
        after: covariate.standardised_difference_after,
    });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        out.chart(Chart {
            title: lang.say("Balance before and after weighting", "加权前后的平衡性").into(),
            caption: lang
                .say(
                    "Standardised mean differences of what was known before the campaign. Beyond 0.1 the customers compared \
                     are not alike.",
                    "活动前已知信息的标准化均值差。超过 0.1 说明所比较的客户并不相似。",
                )
                .into(),
            plot: Plot::Love(Love { rows }),
        });
    }
}
