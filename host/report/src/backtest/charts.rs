//! The charts that the summary of a run has the numbers for.

use stratagem_record::{ActionSummary, Replay, Run, Summary};

use crate::Lang;
use crate::chart::{
    Axis, Band, Change, Chart, Cohort, Cohorts, Funnel, HeatMap, Interval, Line, Plot, Point, Step, Unit,
    Waterfall, Wave, day,
};
use crate::document::Document;
use crate::numbers::{percent, ppm};

/// From proposals to orders, action by action; `converted` says what the orders are.
pub(super) fn funnel(summary: &Summary, converted: &str, out: &mut Document) {
    let lang = out.lang;
    let actions: Vec<_> =
        summary.actions.iter().filter(|action| action.kind.is_contact() && action.sent > 0).collect();
    if actions.is_empty() {
        return;
    }
    let gap = lang.say(
        "What is lost from proposed to sent, gates and holdouts took.",
        "从提出到发送的损失来自门控与对照组。",
    );
    out.chart(Chart {
        title: lang.say("From proposal to order", "从提出到下单").into(),
        caption: format!("{gap}{}{converted}", lang.say(" ", "")),
        plot: Plot::Funnel(Funnel {
            counted: lang.say("contacts", "触达次数").into(),
            stages: [("proposed", "提出"), ("sent", "发送"), ("ordered", "下单")]
                .map(|(english, chinese)| lang.say(english, chinese).into())
                .into(),
            waves: actions.into_iter().map(|action| wave(summary, action)).collect(),
        }),
    });
}

fn wave(summary: &Summary, action: &ActionSummary) -> Wave {
    let proposed = summary.decisions.iter().filter(|decision| decision.action.as_ref() == Some(&action.id));
    let converted = action.conversion.as_ref().map_or(0, |rate| rate.hits);
    let counts = vec![proposed.map(|decision| decision.count).sum(), action.sent, converted];
    Wave { name: action.id.clone(), counts }
}

/// How the difference between the arms grew.
pub(super) fn curve(run: &Run, summary: &Summary, out: &mut Document) {
    let (lang, currency) = (out.lang, &run.data.currency);
    let unit = f64::from(10_u32.pow(currency.digits));
    let points = summary.curve.iter().filter_map(|point| {
        let difference = point.difference?;
        Some(Point {
            x: day(&point.until),
            value: difference.value / unit,
            interval: Some(Interval { low: difference.low / unit, high: difference.high / unit }),
        })
    });
    let points: Vec<_> = points.collect();
    // Of a line there must be two.
    if points.len() < 2 {
        return;
    }
    let caption = lang.say(
        "Nothing was done to anyone, so the interval should contain zero: if it comes to leave it out for good, the \
         arms are not alike.",
        "没有对任何人做任何事，因此置信区间应当包含零：若此后始终不含零，说明两组并不相似。",
    );
    let name = lang.say("treated less control", "实验组减对照组");
    out.chart(Chart {
        title: lang.say("Treated less control over time", "实验组与对照组之差随时间的变化").into(),
        caption: caption.into(),
        plot: Plot::Band(Band {
            x: Axis::new(lang.say("until", "截至"), Unit::Day),
            y: Axis::new(
                lang.say("difference in GMV for each eligible customer so far", "累计人均 GMV 之差"),
                Unit::Amount(currency.code.clone()),
            ),
            interval: lang.say("95 % interval", "95 % 置信区间").into(),
            lines: vec![Line { name: name.into(), points }],
            has_drawdown: false,
        }),
    });
}

/// Who stays, by the month of their first order.
pub(super) fn cohorts(replay: &Replay, out: &mut Document) {
    let lang = out.lang;
    let rows = replay.cohorts.iter().map(|cohort| Cohort {
        name: cohort.month.clone(),
        customers: cohort.customers,
        values: cohort
            .active
            .iter()
            .map(|active| Some(*active as f64 / cohort.customers.max(1) as f64))
            .collect(),
    });
    let mut rows: Vec<_> = rows.collect();
    let months = rows.iter().map(|row| row.values.len()).max().unwrap_or(0);
    if months < 2 {
        return;
    }
    rows.iter_mut().for_each(|row| row.values.resize(months, None));
    out.heading(lang.say("Cohorts", "同期群"));
    out.chart(Chart {
        title: lang.say("Retention by month of first order", "按首单月份的留存").into(),
        caption: lang
            .say(
                "Of the customers who began in a month, how many ordered in that month, the month after, and so on: all \
                 customers of the data, contacted or not. Look down a column: do newer customers stay better?",
                "某月首单的客户中，当月、次月及以后各月仍下单的比例：包括数据中的全部客户，无论是否触达。竖看一列：新客户是否更容易留下？",
            )
            .into(),
        plot: Plot::Cohorts(Cohorts {
            cohort: lang.say("first order", "首单月份").into(),
            since: lang.say("months since", "距首单月数").into(),
            value: Axis::new(lang.say("retention", "留存率"), Unit::Share),
            columns: (0..months).map(|month| month.to_string()).collect(),
            rows,
        }),
    });
}

/// What would be left if all that is attributed had been caused: the most that history allows.
pub(super) fn best_case(run: &Run, replay: &Replay, out: &mut Document) {
    let (summary, lang) = (&replay.lanes.sole().outcome.summary, out.lang);
    if summary.contacts() == 0 || summary.worst_case_cost() == 0 {
        return;
    }
    let major = |minor: f64| minor / f64::from(10_u32.pow(run.data.currency.digits));
    let margin = f64::from(replay.margin_ppm) / f64::from(stratagem_model::PPM);
    let by = |label: String, minor: f64| Step { label, change: Change::By(major(minor)) };
    let (of, cost) = (ppm(replay.margin_ppm), |cost: i64| -(cost as f64));
    let mut steps = vec![by(
        lang.say(format!("margin of {of} on attributed GMV"), format!("归因 GMV 的毛利（{of}）")),
        summary.treated.attributed_gmv as f64 * margin,
    )];
    steps.push(by(lang.say("contact cost", "触达成本").into(), cost(summary.contact_cost)));
    steps.push(by(
        lang.say("offers, if every one is redeemed", "优惠，全部核销时").into(),
        cost(summary.offer_exposure),
    ));
    steps.push(Step {
        label: lang.say("left, if all was caused", "剩余，若全部由触达带来").into(),
        change: Change::Total,
    });
    out.chart(Chart {
        title: lang.say("The most that history allows", "历史数据允许的上限").into(),
        caption: caption(summary, lang),
        plot: Plot::Waterfall(Waterfall {
            y: Axis::new(lang.say("amount", "金额"), Unit::Amount(run.data.currency.code.clone())),
            steps,
        }),
    });
}

/// Orders that a contact causes, and multiples of the face values, over which the sensitivity goes.
const EFFECTS: [f64; 6] = [0.0, 0.01, 0.02, 0.05, 0.1, 0.2];
const DISCOUNTS: [f64; 5] = [0.0, 0.5, 1.0, 1.5, 2.0];

/// What effect a live campaign would need at which discount: ROI = (margin × caused GMV − cost) / cost.
pub(super) fn sensitivity(replay: &Replay, out: &mut Document) {
    let (summary, lang) = (&replay.lanes.sole().outcome.summary, out.lang);
    let attributed = &summary.treated;
    if summary.contacts() == 0 || summary.worst_case_cost() == 0 || attributed.attributed_orders == 0 {
        return;
    }
    let order_value = attributed.attributed_gmv as f64 / attributed.attributed_orders as f64;
    let margin = f64::from(replay.margin_ppm) / f64::from(stratagem_model::PPM);
    let roi = |effect: f64, discount: f64| {
        let earned = summary.contacts() as f64 * effect * order_value * margin;
        let cost = summary.contact_cost as f64 + discount * summary.offer_exposure as f64;
        (cost > 0.0).then_some((earned - cost) / cost)
    };
    out.chart(Chart {
        title: lang.say("What effect would pay?", "效果多大才能回本？").into(),
        caption: lang
            .say(
                "Assumed, not measured: ROI if so many orders a contact were caused (rows), worth what attributed orders \
                 are, at multiples of the face values (columns), every offer being redeemed.",
                "假设而非测得：若每次触达带来这么多增量订单（行，金额同归因订单），在面值的各倍数下（列）且优惠全部核销时的 ROI。",
            )
            .into(),
        plot: Plot::HeatMap(HeatMap {
            x: Axis::new(lang.say("face value, multiples", "面值倍数"), Unit::Number(2)),
            y: Axis::new(lang.say("orders caused a contact", "每次触达的增量订单"), Unit::Share),
            value: Axis::new("ROI", Unit::Share),
            columns: DISCOUNTS.to_vec(),
            rows: EFFECTS.to_vec(),
            values: EFFECTS.iter().map(|e| DISCOUNTS.iter().map(|d| roi(*e, *d)).collect()).collect(),
            break_even: 0.0,
        }),
    });
}

fn caption(summary: &Summary, lang: Lang) -> String {
    let supposed = lang.say(
        "As if every attributed order had been caused by its contact (not causal) and every offer were redeemed.",
        "假设每笔归因订单都由触达带来（非因果），且全部优惠都被核销。",
    );
    let so = match summary.break_even_share {
        Some(share) if share <= 1.0 => lang.say(
            format!(" A live campaign pays if it causes more than {} of it.", percent(share)),
            format!("实际投放须真正带来其中 {} 以上才能回本。", percent(share)),
        ),
        _ => lang.say(" Even then the cost would not come back.", "即便如此也收不回成本。").into(),
    };
    format!("{supposed}{so}")
}
