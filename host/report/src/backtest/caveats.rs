//! What must hold for an evaluation on a log, and what speaks against it, in words.

use stratagem_measure::off_policy::{Assumption, NoValue, Support, Unsupported, Warning};

use crate::Lang;
use crate::numbers::{decimals, percent};

/// How many places without support are named.
const NAMED_MAX: usize = 5;

pub(super) fn warning(warning: &Warning, lang: Lang) -> String {
    match warning {
        Warning::MeanWeight { value } => {
            let mean = decimals(*value, 4);
            lang.say(
                format!(
                    "the mean weight is {mean} where 1 is to be expected: propensities may be wrong, or support missing"
                ),
                format!("平均权重为 {mean}，而期望为 1：倾向概率可能有误，或缺乏支撑"),
            )
        }
        Warning::FewEffectiveRows { rows, effective } => {
            let (all, left) = (lang.count(*rows, "row", "行"), decimals(*effective, 0));
            lang.say(
                format!(
                    "{all} tell no more than {left} with equal weights would: the policy is far from the one logged"
                ),
                format!("{all}所含的信息只相当于 {left} 行等权数据：该策略与日志策略相去甚远"),
            )
        }
        Warning::HeavyRow { share } => {
            let share = percent(*share);
            lang.say(
                format!(
                    "one row has {share} of all weight: intervals rest on few rows and may be too narrow"
                ),
                format!("单独一行占全部权重的 {share}：区间取决于少数行，可能过窄"),
            )
        }
        Warning::Unsupported(support) => unsupported(support, lang),
    }
}

fn unsupported(support: &Support, lang: Lang) -> String {
    let share = |share: f64| format!("{} %", decimals(100.0 * share, 2));
    let name = |place: &Unsupported| {
        let (action, share) = (&place.action, share(place.share));
        match &place.context {
            None => lang.say(format!("`{action}` ({share})"), format!("`{action}`（{share}）")),
            Some(context) => lang.say(
                format!("`{action}` in context `{context}` ({share})"),
                format!("情境 `{context}` 中的 `{action}`（{share}）"),
            ),
        }
    };
    let places = &support.unsupported;
    let named: Vec<_> = places.iter().take(NAMED_MAX).map(name).collect();
    let named = named.join(lang.say(", ", "、"));
    let more = match places.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => lang.say(format!(" and {more} more"), format!("，另有 {more} 处")),
    };
    let all = share(support.unsupported_share);
    lang.say(
        format!("{all} of what the policy would choose was never logged: {named}{more}"),
        format!("策略所选之中有 {all} 从未出现在日志里：{named}{more}"),
    )
}

pub(super) fn no_value(why: NoValue, lang: Lang) -> &'static str {
    match why {
        NoValue::DrawnActions => {
            lang.say("the policy does not choose one action for certain", "该策略并非确定地选择一个动作")
        }
        NoValue::UnequalPropensities => {
            lang.say("the propensities differ between rows", "各行的倾向概率不同")
        }
        NoValue::UnknownProbabilities => lang.say(
            "the policy's probabilities of the actions that were not logged are unknown",
            "该策略对未记录动作的概率未知",
        ),
    }
}

pub(super) fn assumption(assumption: Assumption, lang: Lang) -> String {
    let text = match assumption {
        Assumption::RightPropensities => lang.say(
            "each propensity is the probability with which the logged action was chosen, given all that was used to \
             choose it",
            "每个倾向概率都是在选择时所用全部信息之下，日志动作被选中的概率",
        ),
        Assumption::SameRewards => lang.say(
            "an action has the reward that was logged for it whoever chose it, and in the time the policy would run",
            "动作的回报与日志所记相同，无论由谁选择，在策略将要运行的时期也是如此",
        ),
        Assumption::NoCarryOver => lang.say(
            "what the policy chooses in one row does not change the contexts and rewards of later rows",
            "策略在一行中的选择不改变其后各行的情境与回报",
        ),
        Assumption::IndependentClusters => lang.say(
            "clusters do not depend on each other; rows of one may",
            "各聚类之间相互独立；同一聚类内的行可以相关",
        ),
        Assumption::IndependentRows => lang.say(
            "rows do not depend on each other: if a customer has many, give the customers as clusters",
            "各行之间相互独立：若一位客户有多行，请以客户作为聚类",
        ),
        Assumption::RightModel => lang.say(
            "DM, and Switch-DR above its threshold, are right only if the reward depends on context and action as \
             given here",
            "仅当回报确如此处所给地取决于情境与动作时，DM 以及超过阈值部分的 Switch-DR 才正确",
        ),
        Assumption::ModelAsFitted => lang.say(
            "the model is taken as fitted: its own error is not in the intervals of DM and Switch-DR",
            "模型按拟合结果使用：其自身误差不在 DM 与 Switch-DR 的区间之内",
        ),
        Assumption::ShrunkModel { rows } => return shrunk(rows, lang),
    };
    text.into()
}

fn shrunk(rows: f64, lang: Lang) -> String {
    let decimals_shown = if rows.fract() == 0.0 { 0 } else { 1 };
    let rows = decimals(rows, decimals_shown);
    lang.say(
        format!(
            "the reward model shrinks the mean of every context and action towards that of all rows, by as much as \
             {rows} rows: where there are few, that biases DM, and Switch-DR above its threshold, and their intervals \
             do not show it"
        ),
        format!(
            "回报模型将每个情境与动作的均值向全部行的均值收缩，力度相当于 {rows} 行：在行数很少之处，这会使 DM 以及超过阈值部分的 \
             Switch-DR 有偏，而它们的区间并不体现这一偏差"
        ),
    )
}
