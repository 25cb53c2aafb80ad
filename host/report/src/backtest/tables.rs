//! The tables of a run.

use stratagem_insight::RFM_CLASSES;
use stratagem_model::Reason;
use stratagem_model::money::group;
use stratagem_record::{ActionSummary, Arm, DecisionCount, Run, SegmentSummary, Summary};

use super::checks::{is_suppressed, reason_name};
use crate::Lang;
use crate::document::Document;
use crate::numbers::{Amounts, NONE, average, percent, rate, share};
use crate::table::{Column, Table, numbers, words};

pub(super) fn actions(run: &Run, summary: &Summary, out: &mut Document) {
    let lang = out.lang;
    out.heading(lang.say("Actions", "动作"));
    out.table(actions_table(run, summary, lang));
    if summary.contacts() == 0 {
        return;
    }
    let window = lang.days(run.period.window_days.into());
    out.note(lang.say(
        format!(
            "Conversion: contacts followed by a qualifying order within {window}. Holdout: the same for the contacts \
             that controls would have had. Look-alike: the same for days of customers as long silent, with about as \
             many orders. Attributed GMV counts an order once, for the last contact before it, and is not causal."
        ),
        format!(
            "转化率：触达后 {window}内有合格订单的比例。对照组：对照组客户本应受到的触达，同样计算。相似客户：沉默同样久、\
             订单数相近的客户在同样的日子，同样计算。归因 GMV：每笔订单只计一次，归于其前最后一次触达，不是因果。"
        ),
    ));
}

fn actions_table(run: &Run, summary: &Summary, lang: Lang) -> Table {
    let (actions, currency) = (&summary.actions, &run.data.currency);
    let code = &currency.code;
    let amounts = |of: fn(&ActionSummary) -> i64| Amounts::new(currency, actions.iter().map(of));
    let gmv = amounts(|action| action.gmv);
    let contact_cost = amounts(|action| action.contact_cost);
    let offers = amounts(|action| action.offer_exposure);
    let [conversion, holdout] = rate_columns(lang);
    let mut table = Table::new(vec![
        words(lang.say("action", "动作")),
        numbers(lang.say("sent", "发送")),
        conversion,
        holdout,
        numbers(lang.say("look-\nalike %", "相似客户\n%")),
        numbers(lang.say(format!("attributed\nGMV,\n{code}"), format!("归因 GMV\n{code}"))),
        numbers(lang.say(format!("contact\ncost,\n{code}"), format!("触达成本\n{code}"))),
        numbers(lang.say(format!("offers\nat most,\n{code}"), format!("优惠上限\n{code}"))),
    ]);
    for action in actions {
        table.row([
            action.id.clone(),
            group(action.sent),
            rate(action.conversion.as_ref()),
            rate(action.natural_return_holdout.as_ref()),
            share(action.natural_return_look_alike),
            gmv.show(action.gmv),
            contact_cost.show(action.contact_cost),
            offers.show(action.offer_exposure),
        ]);
    }
    table
}

/// Conversion, and that of controls.
fn rate_columns(lang: Lang) -> [Column; 2] {
    [
        numbers(lang.say("conversion\n% (95 %)", "转化率\n%（95 %）")),
        numbers(lang.say("natural return\nholdout % (95 %)", "对照组自然回流\n%（95 %）")),
    ]
}

/// What the two conversions say, and cannot say, of an effect.
pub(super) fn no_sign(treated: &Arm, control: &Arm, lang: Lang) -> String {
    let (Some(treated), Some(control)) = (&treated.conversion, &control.conversion) else {
        return lang
            .say(
                "Without contacted controls there is no natural return to hold this conversion against.",
                "对照组中没有本应触达的客户，因此没有自然回流可与转化率相比。",
            )
            .into();
    };
    let (converted, returned) = (percent(treated.value), percent(control.value));
    let so = if control.value >= treated.value {
        lang.say("not even by chance is there a sign of an effect", "连偶然的效果迹象都没有")
    } else {
        lang.say("the difference is not an effect", "这个差别不是效果")
    };
    lang.say(
        format!(
            "Of the customers picked for a contact {converted} ordered within the window of one, and of the controls \
             picked alike {returned}: {so}. Whether contacts cause orders only a live holdout can tell."
        ),
        format!(
            "被选中触达的客户中，{converted} 在触达窗口内下单；同样选出的对照组为 {returned}：{so}。触达是否带来订单，\
             只有实际投放并保留对照组才能回答。"
        ),
    )
}

pub(super) fn arms(run: &Run, summary: &Summary, out: &mut Document) {
    let (currency, lang) = (&run.data.currency, out.lang);
    let (treated, control) = (&summary.treated, &summary.control);
    let mut table = Table::new(vec![
        words(lang.say("arm", "组别")),
        numbers(lang.say("treated", "实验组")),
        numbers(lang.say("control", "对照组")),
    ]);
    let mut row = |label: &str, show: &dyn Fn(&Arm) -> String| {
        table.row([label.to_owned(), show(treated), show(control)]);
    };
    let money = |english: &str, chinese: &str| {
        lang.say(format!("{english}, {}", currency.code), format!("{chinese}（{}）", currency.code))
    };
    let totals = |of: fn(&Arm) -> i64| {
        let amounts = Amounts::new(currency, [of(treated), of(control)]);
        move |arm: &Arm| amounts.show(of(arm))
    };
    row(lang.say("eligible customers", "符合条件的客户"), &|arm| group(arm.eligible));
    row(lang.say("participants", "参与客户"), &|arm| group(arm.participants));
    row(lang.say("contacted (controls: held out)", "触达客户（对照组：保留不触达）"), &|arm| {
        group(arm.contacted)
    });
    row(lang.say("conversion of contacted, % (95 %)", "触达客户转化率，%（95 %）"), &|arm| {
        rate(arm.conversion.as_ref())
    });
    row(&money("attributed GMV (not causal)", "归因 GMV，非因果"), &totals(|arm| arm.attributed_gmv));
    row(lang.say("buyers", "购买客户"), &|arm| group(arm.buyers));
    row(lang.say("orders", "订单"), &|arm| group(arm.orders));
    row(&money("GMV", "GMV"), &totals(|arm| arm.gmv));
    row(&money("net revenue", "净收入"), &totals(|arm| arm.net_revenue));
    row(&money("ARPU, of eligible", "ARPU，按符合条件的客户"), &|arm| average(currency, arm.arpu));
    row(&money("ARPPU, of buyers", "ARPPU，按购买客户"), &|arm| average(currency, arm.arppu));
    row(&money("AOV, of orders", "客单价，按订单"), &|arm| average(currency, arm.aov));
    out.heading(lang.say("Treated and control", "实验组与对照组"));
    out.table(table);
}

pub(super) fn classes(run: &Run, summary: &Summary, out: &mut Document) {
    let title = out.lang.say("RFM classes", "RFM 类别");
    segments(run, &summary.classes, title, "class at first touch", &RFM_CLASSES, out);
}

/// Lifecycle stages, in the order of their codes.
const STAGES: [(&str, &str); 5] = [
    ("introduction", "引入期"),
    ("growth", "成长期"),
    ("maturity", "成熟期"),
    ("dormancy", "休眠期"),
    ("lost", "流失期"),
];

pub(super) fn stages(run: &Run, summary: &Summary, out: &mut Document) {
    let title = out.lang.say("Lifecycle stages", "生命周期阶段");
    segments(run, &summary.stages, title, "stage at first touch", &STAGES, out);
}

/// Participants by what they were when they were first touched.
fn segments(
    run: &Run,
    segments: &[SegmentSummary],
    title: &str,
    what: &str,
    names: &[(&str, &str)],
    out: &mut Document,
) {
    let lang = out.lang;
    if segments.is_empty() {
        return;
    }
    let code = &run.data.currency.code;
    let amounts = Amounts::new(&run.data.currency, segments.iter().map(|segment| segment.gmv));
    let [conversion, holdout] = rate_columns(lang);
    let mut columns = vec![
        words(lang.say("类别", "首次触达时")),
        numbers(lang.say("participants", "参与客户")),
        conversion,
        holdout,
        numbers(lang.say(format!("attributed\nGMV, {code}"), format!("归因 GMV\n{code}"))),
    ];
    // The field's own terms are Chinese: they stand beside the English ones, which a Chinese report does not need.
    if lang == Lang::English {
        columns.insert(0, words(what));
    }
    let mut table = Table::new(columns);
    for segment in segments {
        let (english, chinese) = match segment.segment {
            Some(code) => names.get(code as usize).copied().unwrap_or((NONE, NONE)),
            None => ("no order yet", "未下单"),
        };
        let mut row = vec![
            chinese.into(),
            group(segment.participants),
            rate(segment.conversion.as_ref()),
            rate(segment.natural_return_holdout.as_ref()),
            amounts.show(segment.gmv),
        ];
        if lang == Lang::English {
            row.insert(0, english.into());
        }
        table.row(row);
    }
    out.heading(title);
    out.table(table);
}

pub(super) fn decisions(summary: &Summary, out: &mut Document) {
    let (decisions, lang) = (&summary.decisions, out.lang);
    out.heading(lang.say("Decisions", "决策"));
    if decisions.is_empty() {
        return out.note(lang.say("None: the strategy proposed nothing.", "无：策略没有提出任何动作。"));
    }
    let has = |reason: &&Reason| decisions.iter().any(|decision| decision.reason == **reason);
    let reasons: Vec<Reason> = Reason::ALL.iter().filter(has).copied().collect();
    let mut actions: Vec<Option<&str>> = vec![];
    for decision in decisions {
        if !actions.contains(&decision.action.as_deref()) {
            actions.push(decision.action.as_deref());
        }
    }
    let count = |action: Option<Option<&str>>, reason: Option<Reason>| -> u64 {
        let is_counted = |decision: &&DecisionCount| {
            action.is_none_or(|action| decision.action.as_deref() == action)
                && reason.is_none_or(|reason| decision.reason == reason)
        };
        decisions.iter().filter(is_counted).map(|decision| decision.count).sum()
    };
    let all = lang.say("all", "合计");
    let mut columns = vec![words(lang.say("action", "动作"))];
    columns.extend(reasons.iter().map(|reason| numbers(header(&reason_name(*reason, lang)))));
    columns.push(numbers(all));
    let mut table = Table::new(columns);
    let mut row = |label: &str, action: Option<Option<&str>>| {
        let counts = reasons.iter().map(|reason| group(count(action, Some(*reason))));
        table.row(std::iter::once(label.to_owned()).chain(counts).chain([group(count(action, None))]));
    };
    for action in &actions {
        row(action.unwrap_or(lang.say("(nothing)", "（无）")), Some(*action));
    }
    if actions.len() > 1 {
        row(all, None);
    }
    let is_counted = |reason: &&Reason| is_suppressed(**reason);
    let suppressed = group(reasons.iter().filter(is_counted).map(|reason| count(None, Some(*reason))).sum());
    let decisions = lang.count(count(None, None), "decision", "个决策");
    out.table(table);
    out.note(lang.say(
        format!("{suppressed} of {decisions} suppressed by gates, holdouts among them."),
        format!("{decisions}中有 {suppressed} 个被门控拦截，其中包括对照组。"),
    ));
}

/// A name as a header, broken at hyphens so that it is not much wider than its counts.
fn header(name: &str) -> String {
    const WIDE: usize = 10;
    let mut lines = vec![String::new()];
    for part in name.split_inclusive('-') {
        match lines.last_mut() {
            Some(line) if line.is_empty() || line.len() + part.len() <= WIDE => line.push_str(part),
            _ => lines.push(part.into()),
        }
    }
    lines.join("\n")
}
