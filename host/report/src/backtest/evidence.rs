//! Whether to believe the comparison of the arms: balance, sample ratio, and random halves in which nothing happened.

use stratagem_measure::Estimate;
use stratagem_model::money::group;
use stratagem_record::{Evidence, NoAction, Run, Summary};

use crate::Lang;
use crate::chart::{self, Axis, Chart, Forest, Interval, Love, Plot, Unit};
use crate::document::{Document, Tone};
use crate::numbers::{decimals, percent, signed};
use crate::table::{Table, numbers, words};

/// Below this probability, arms of these sizes were not drawn as the holdout says.
const SAMPLE_RATIO_MISMATCH: f64 = 0.001;

pub(super) fn sections(run: &Run, summary: &Summary, evidence: &Evidence, out: &mut Document) {
    let lang = out.lang;
    out.heading(lang.say("Can the arms be compared?", "两组可比吗？"));
    let test = evidence.sample_ratio.as_ref();
    if let Some(test) = test.filter(|test| test.p_value < SAMPLE_RATIO_MISMATCH) {
        return mismatch(test.p_value, out);
    }
    if summary.control.eligible == 0 {
        out.note(lang.say("There is nothing to compare: nobody was held out.", "无从比较：没有设对照组。"));
    } else {
        let ratio = test.map_or_else(
            || {
                lang.say(
                    "not tested: of these customers, fewer than 5 are to be expected in an arm".into(),
                    "未检验：按这些客户计，某一组的期望人数不足 5".into(),
                )
            },
            |test| {
                let p = decimals(test.p_value, 4);
                lang.say(format!("as drawn (p = {p})"), format!("与抽取比例相符（p = {p}）"))
            },
        );
        out.facts([(lang.say("sample ratio", "样本比例"), ratio)]);
        differences(run, evidence, out);
        balance(evidence, out);
    }
    if let Some(panel) = &evidence.no_action {
        no_action(run, panel, out);
    }
}

/// Arms that were not drawn as declared: nothing is compared.
fn mismatch(p_value: f64, out: &mut Document) {
    let (lang, p) = (out.lang, decimals(p_value, 4));
    let p = if p_value < 0.0001 { "p < 0.0001".to_owned() } else { format!("p = {p}") };
    let text = lang.say(
        format!(
            "sample ratio mismatch ({p}): the arms were not drawn as declared, so no difference between them means \
             anything"
        ),
        format!("样本比例不符（{p}）：两组并非按声明抽取，其差异没有意义"),
    );
    let next = lang.say(
        "before reading any difference, find out why customers are missing from an arm: assignment, logging or \
         filtering",
        "先查明某一组为何缺少客户（分组、记录或过滤），再解读差异",
    );
    out.alert(Tone::Bad, text, vec![next.to_owned()]);
}

fn differences(run: &Run, evidence: &Evidence, out: &mut Document) {
    let (lang, currency) = (out.lang, &run.data.currency);
    let mut table = Table::new(vec![
        words(lang.say("treated less control", "实验组减对照组")),
        numbers(lang.say("estimate", "估计")),
        numbers(lang.say("95 % interval", "95 % 置信区间")),
    ]);
    let gmv = lang.say("GMV for each eligible customer", "人均 GMV");
    let cuped = evidence.gmv_cuped.map(|cuped| cuped.difference);
    for (name, estimate) in [
        ("Welch", evidence.gmv),
        (lang.say("bootstrap", "自助法"), evidence.gmv_percentile),
        ("BCa", evidence.gmv_bca),
        ("CUPED", cuped),
    ] {
        let Some(Estimate { value, low, high, .. }) = estimate else { continue };
        let show = |amount| signed(currency, amount);
        let name = lang.say(format!("{gmv}, {name}"), format!("{gmv}，{name}"));
        table.row([name, show(value), format!("{} … {}", show(low), show(high))]);
    }
    if let Some(Estimate { value, low, high, .. }) = evidence.conversion {
        let name = lang.say("share with an order, Newcombe", "有下单者占比，Newcombe").to_owned();
        table.row([name, percent(value), format!("{} … {}", percent(low), percent(high))]);
    }
    if table.rows.is_empty() {
        out.note(lang.say(
            "No difference can be shown: an arm has too few customers, or nobody in it bought.",
            "无法给出差异：某一组客户太少，或没有人购买。",
        ));
    }
    out.table(table);
    if let Some(cuped) = evidence.gmv_cuped {
        let narrower = percent(cuped.narrower);
        out.note(lang.say(
            format!("CUPED adjusts for what customers were worth before; its interval is {narrower} narrower. Bootstrap: {} draws, seed {}.", group(evidence.draws.into()), evidence.seed),
            format!("CUPED 以客户此前价值作调整，区间缩窄 {narrower}。自助法：{} 次抽样，种子 {}。", group(evidence.draws.into()), evidence.seed),
        ));
    }
}

/// A covariate as it is read.
pub(super) fn covariate_name(name: &str, lang: Lang) -> String {
    let chinese = match name {
        "recency" => "距上次下单天数",
        "frequency" => "频次",
        "monetary" => "金额",
        "earlier touches" => "此前触达次数",
        "the outcome 1 period before" => "前一期 GMV",
        other => other,
    };
    lang.say(name, chinese).to_owned()
}

fn balance(evidence: &Evidence, out: &mut Document) {
    let lang = out.lang;
    let rows = evidence.balance.iter().map(|covariate| chart::Balance {
        label: covariate_name(&covariate.name, lang),
        before: covariate.difference,
        after: covariate.difference,
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return;
    }
    out.chart(Chart {
        title: lang.say("Balance of the arms", "两组协变量的平衡性").into(),
        caption: lang
            .say(
                "How unlike treated and controls were when first asked about, in standard deviations. Assignment was drawn, \
                 so differences beyond 0.1 are chance or a fault.",
                "首次被询问时实验组与对照组的差异，以标准差计。分组由抽签决定，超过 0.1 的差异或为偶然，或为故障。",
            )
            .into(),
        plot: Plot::Love(Love { rows }),
    });
}

fn no_action(run: &Run, panel: &NoAction, out: &mut Document) {
    let (lang, currency) = (out.lang, &run.data.currency);
    let splits = lang.count(panel.splits.into(), "random split", "次随机对半");
    out.heading(lang.say("A/A: how often is an interval wrong?", "A/A 检验：置信区间有多少出错？"));
    let mut table = Table::new(vec![
        words(lang.say("interval holds 0 in", "区间含 0 的比例")),
        numbers("Welch"),
        numbers(lang.say("bootstrap", "自助法")),
        numbers("BCa"),
    ]);
    for (name, coverage) in
        [(lang.say("GMV", "人均 GMV"), panel.gmv), (lang.say("conversion", "转化率"), panel.conversion)]
    {
        let Some(found) = coverage else { continue };
        table.row([name.to_owned(), percent(found.welch), percent(found.percentile), percent(found.bca)]);
    }
    out.table(table);
    let major = |minor: f64| minor / f64::from(10_u32.pow(currency.digits));
    let rows = panel.shown.iter().enumerate().map(|(i, estimate)| chart::Effect {
        label: (i + 1).to_string(),
        count: None,
        value: major(estimate.value),
        interval: Interval { low: major(estimate.low), high: major(estimate.high) },
        is_total: false,
    });
    let customers = lang.count(panel.customers, "customer", "位客户");
    out.chart(Chart {
        title: lang.say("Where nothing happened", "什么也没发生时").into(),
        caption: lang.say(
            format!(
                "{customers} in {splits}: the same happened to both halves; {} are drawn. About one interval in twenty should leave out \
                 zero, and no more.",
                panel.shown.len()
            ),
            format!(
                "{customers}，{splits}，两半经历相同；图示其中 {} 次。约二十次中应有一次区间不含零，不应更多。",
                panel.shown.len()
            ),
        ),
        plot: Plot::Forest(Forest {
            x: Axis::new(
                lang.say("difference in GMV for each customer", "人均 GMV 之差"),
                Unit::Amount(currency.code.clone()),
            ),
            interval: lang.say("95 % interval", "95 % 置信区间").into(),
            reference: 0.0,
            rows: rows.collect(),
        }),
    });
}
