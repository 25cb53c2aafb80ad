//! Every kind of chart with numbers that could be, on one page in both languages.
//!
//! For looking, `STRATAGEM_GALLERY=DIR cargo test -p stratagem-report gallery` writes the pages to a folder.

use crate::chart::{
    Axis, Balance, Band, Change, Chart, Cohort, Cohorts, Effect, Forest, Funnel, HeatMap, Histogram,
    Interval, Line, Love, Mark, Plot, Point, Step, Tracked, Tracking, Unit, Waterfall, Wave, day,
};
use crate::document::{Document, Tone};
use crate::{Lang, Style, html, markdown, text};

/// Between -1 and 1, the same for a seed.
fn noise(seed: u64) -> f64 {
    let mixed = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

fn usd(label: &str) -> Axis {
    Axis::new(label, Unit::Amount("USD".into()))
}

fn days(lang: Lang) -> Axis {
    Axis::new(lang.say("day", "日期"), Unit::Day)
}

fn band(lang: Lang) -> Plot {
    let mut value = 0.0;
    let point = |i: u64| {
        value += 120.0 + 700.0 * noise(i) - if (30..37).contains(&i) { 900.0 } else { 0.0 };
        let half = 1.96 * 900.0 * (i as f64 + 1.0).sqrt();
        let interval = Some(Interval { low: value - half, high: value + half });
        Point { x: day("2017-01-08") + 7.0 * i as f64, value, interval }
    };
    Plot::Band(Band {
        x: Axis::new(lang.say("week until", "周截至"), Unit::Day),
        y: usd(lang.say("cumulative incremental profit", "累计增量利润")),
        interval: lang.say("95 % interval", "95 % 置信区间").into(),
        lines: vec![Line { name: lang.say("profit", "利润").into(), points: (0..50).map(point).collect() }],
        has_drawdown: true,
    })
}

fn lines(lang: Lang) -> Plot {
    let line = |english: &str, chinese: &str, slope: f64, seed: u64| Line {
        name: lang.say(english, chinese).into(),
        points: (0..351)
            .map(|i| {
                let value = slope * i as f64 + 6.0 * noise(seed + i);
                let half = 0.6 * i as f64 + 30.0;
                let interval = Some(Interval { low: value - half, high: value + half });
                Point { x: day("2017-01-01") + i as f64, value, interval }
            })
            .collect(),
    };
    Plot::Band(Band {
        x: days(lang),
        y: usd(lang.say("GMV per eligible customer", "人均 GMV")),
        interval: lang.say("95 % interval", "95 % 置信区间").into(),
        lines: vec![line("treated", "实验组", 5.2, 1), line("control", "对照组", 4.1, 1_000)],
        has_drawdown: false,
    })
}

fn waterfall(lang: Lang) -> Plot {
    let by = |english: &str, chinese: &str, by: f64| Step {
        label: lang.say(english, chinese).into(),
        change: Change::By(by),
    };
    let total = |english: &str, chinese: &str| Step {
        label: lang.say(english, chinese).into(),
        change: Change::Total,
    };
    Plot::Waterfall(Waterfall {
        y: usd(lang.say("margin and cost", "毛利与成本")),
        steps: vec![
            by("margin on attributed GMV", "归因 GMV 的毛利", 85_929.57),
            by("natural return", "自然回流", -71_204.11),
            total("incremental margin", "增量毛利"),
            by("coupons for orders that come anyway", "本会发生的订单所用的券", -9_820.0),
            by("coupons for caused orders", "新增订单所用的券", -2_310.0),
            by("contact cost", "触达成本", -600.5),
            total("profit", "利润"),
        ],
    })
}

fn funnel(lang: Lang) -> Plot {
    let stages = [("eligible", "符合条件"), ("proposed", "提出"), ("sent", "发送"), ("converted", "转化")];
    let wave = |name: &str, counts: [u64; 4]| Wave { name: name.into(), counts: counts.into() };
    Plot::Funnel(Funnel {
        counted: lang.say("customers", "客户数").into(),
        stages: stages.map(|(english, chinese)| lang.say(english, chinese).into()).into(),
        waves: vec![
            wave("brand-content", [2_110, 1_843, 1_571, 662]),
            wave("personal-coupon", [1_181, 1_102, 940, 311]),
            wave("gift-pack", [791, 640, 512, 140]),
        ],
    })
}

fn cohorts(lang: Lang) -> Plot {
    let rows = (0..13_u64).map(|i| Cohort {
        name: format!("{}-{:02}", 2016 + i.div_ceil(12), (i + 11) % 12 + 1),
        customers: 140 + (220.0 * (1.0 + noise(i))) as u64,
        values: (0..13)
            .map(|j| {
                (i + j < 13).then(|| match j {
                    0 => 1.0,
                    j => 0.62 * 0.88_f64.powi(j as i32) + 0.04 * noise(i * 17 + j) + 0.1,
                })
            })
            .collect(),
    });
    Plot::Cohorts(Cohorts {
        cohort: lang.say("month of first order", "首单月份").into(),
        since: lang.say("months since", "距首单月数").into(),
        value: Axis::new(lang.say("retention", "留存率"), Unit::Share),
        columns: (0..13).map(|i| i.to_string()).collect(),
        rows: rows.collect(),
    })
}

fn segments(lang: Lang) -> Plot {
    let effect = |english: &str, chinese: &str, count, value: f64, half: f64| Effect {
        label: lang.say(english, chinese).into(),
        count: Some(count),
        value,
        interval: Interval { low: value - half, high: value + half },
        is_total: english == "all customers",
    };
    Plot::Forest(Forest {
        x: usd(lang.say("incremental GMV per customer", "人均增量 GMV")),
        interval: lang.say("95 % interval", "95 % 置信区间").into(),
        reference: 0.0,
        rows: vec![
            effect("important value", "重要价值", 402, -3.1, 4.0),
            effect("important recall", "重要唤回", 333, 9.85, 5.2),
            effect("important deepen", "重要深耕", 261, 2.2, 6.9),
            effect("important retain", "重要挽留", 148, 6.4, 9.3),
            effect("new", "新客户", 611, 4.9, 3.3),
            effect("lost", "流失", 790, 0.4, 1.1),
            effect("all customers", "全部客户", 2_545, 2.6, 1.7),
        ],
    })
}

fn splits(lang: Lang) -> Plot {
    let row = |i: u64| {
        let value = 1.6 * (noise(i) + noise(i + 500) + noise(i + 900));
        let half = 3.4 + 0.4 * noise(i + 77);
        let interval = Interval { low: value - half, high: value + half };
        let label = lang.say(format!("split {}", i + 1), format!("第 {} 次", i + 1));
        Effect { label, count: None, value, interval, is_total: false }
    };
    Plot::Forest(Forest {
        x: usd(lang.say("difference in ARPU", "ARPU 之差")),
        interval: lang.say("95 % interval", "95 % 置信区间").into(),
        reference: 0.0,
        rows: (0..100).map(row).collect(),
    })
}

fn love(lang: Lang) -> Plot {
    let row = |english: &str, chinese: &str, before, after| Balance {
        label: lang.say(english, chinese).into(),
        before,
        after,
    };
    Plot::Love(Love {
        rows: vec![
            row("days since last order", "距上次购买天数", 0.61, 0.03),
            row("orders so far", "累计订单数", -0.48, -0.05),
            row("value of orders so far", "累计消费金额", -0.44, -0.02),
            row("days between orders", "购买间隔天数", 0.27, 0.12),
            row("share of orders with a coupon", "用券订单占比", 0.18, 0.01),
            row("age of the account", "注册天数", 0.05, 0.02),
            row("app user", "使用 App", 0.02, -0.01),
        ],
    })
}

fn weights(lang: Lang) -> Plot {
    let edges: Vec<f64> = (0..=30).map(|i| 10_f64.powf(f64::from(i) / 10.0 - 1.0)).collect();
    let count = |i: i32| {
        (4_200.0 * (-f64::from((i - 9) * (i - 9)) / 30.0).exp()) as u64 + u64::from((26..28).contains(&i)) * 3
    };
    Plot::Histogram(Histogram {
        x: Axis::new(lang.say("weight", "权重"), Unit::Number(2)),
        counted: lang.say("logged decisions", "日志决策数").into(),
        edges,
        counts: (0..30).map(count).collect(),
        is_log: true,
        marks: vec![
            Mark { label: lang.say("mean", "均值").into(), x: 1.01 },
            Mark { label: lang.say("largest", "最大").into(), x: 52.3 },
        ],
    })
}

fn tracking(lang: Lang) -> Plot {
    let point = |week: u32| {
        let t = f64::from(week);
        let expected = 4_400.0 * (1.0 - (-t / 38.0).exp());
        let actual =
            expected + 60.0 * noise(u64::from(week)) + if week > 40 { 4.0 * (t - 40.0) } else { 0.0 };
        Tracked { x: t, actual, expected }
    };
    Plot::Tracking(Tracking {
        x: Axis::new(lang.say("weeks since the first order", "距首单周数"), Unit::Count),
        y: Axis::new(lang.say("cumulative repeat orders", "累计复购订单数"), Unit::Count),
        points: (1..=78).map(point).collect(),
        boundary: 39.0,
    })
}

fn sensitivity(lang: Lang) -> Plot {
    let (discounts, effects) = ([2.0, 5.0, 8.0, 10.0, 15.0, 20.0], [0.0, 0.01, 0.02, 0.03, 0.05, 0.08]);
    let roi = |effect: f64, discount: f64| {
        let spent = 0.05 + (0.3 + effect) * discount;
        (effect * 60.0 * 0.3 * 4.0 - spent) / spent
    };
    Plot::HeatMap(HeatMap {
        x: usd(lang.say("discount", "优惠面额")),
        y: Axis::new(lang.say("effect on conversion", "转化率提升"), Unit::Share),
        value: Axis::new("ROI", Unit::Share),
        columns: discounts.into(),
        rows: effects.into(),
        values: effects
            .iter()
            .map(|effect| discounts.iter().map(|d| Some(roi(*effect, *d))).collect())
            .collect(),
        break_even: 0.0,
    })
}

/// A caption in both languages, and what it is of.
type Piece = (&'static str, &'static str, &'static str, &'static str, fn(Lang) -> Plot);

const PIECES: [Piece; 11] = [
    (
        "Profit week by week",
        "逐周利润",
        "Look for the week from which the interval leaves out zero; until then chance explains the profit.",
        "看从哪一周起置信区间不再包含零；在那之前，偶然就足以解释利润。",
        band,
    ),
    (
        "Both arms",
        "两组对比",
        "Look for a gap that grows steadily; a single jump is one good week.",
        "看差距是否稳步扩大；单次跳升只是某一周表现好。",
        lines,
    ),
    (
        "What is left of attributed GMV",
        "归因 GMV 还剩多少",
        "Look at how much natural return takes: it was never earned by the campaign.",
        "看自然回流占去多少：那部分从来不是活动赚来的。",
        waterfall,
    ),
    (
        "Wave by wave",
        "逐波漏斗",
        "Look for the step that loses most in each wave.",
        "看每一波在哪一步损失最多。",
        funnel,
    ),
    (
        "Who stays",
        "谁留下来",
        "Look down a column for cohorts that get better or worse, and along a row for where it levels off.",
        "竖看一列，判断新老批次是变好还是变差；横看一行，看留存在哪里趋于平稳。",
        cohorts,
    ),
    (
        "For whom it works",
        "对谁有效",
        "Look for intervals wholly above zero; of seven segments one may be there by chance.",
        "看哪些区间完全高于零；共七个分组，其中一个可能只是偶然。",
        segments,
    ),
    (
        "A hundred splits with nothing done",
        "一百次 A/A 拆分",
        "About five of a hundred intervals should miss zero; many more, and the arms are not alike.",
        "一百个区间里约有五个不含零属正常；明显更多则说明两组并不相似。",
        splits,
    ),
    (
        "Are the groups alike?",
        "两组是否相似",
        "Look for covariates that still differ by more than 0.1 after weighting.",
        "看哪些协变量加权后仍相差 0.1 以上。",
        love,
    ),
    (
        "Weights",
        "权重分布",
        "The effective sample size is 31,204 of 48,750. Look at the largest weights: few decisions that carry the estimate.",
        "有效样本量 ESS 为 48,750 中的 31,204。看最大的权重：少数决策左右了估计。",
        weights,
    ),
    (
        "Did the model foresee the holdout?",
        "模型是否预见了验证期",
        "Look at the holdout, which the model has not seen: expected should stay close to actual.",
        "看验证期，那是模型没见过的数据：预期应贴近实际。",
        tracking,
    ),
    (
        "What has to be true for a profit",
        "要盈利需要什么条件",
        "Look for the smallest effect that pays at the planned discount.",
        "看在计划面额下，至少需要多大的提升才能回本。",
        sensitivity,
    ),
];

fn document(lang: Lang) -> Document {
    let verdict = lang.say(
        "recall-waves 1.0.0: +6,240 USD incremental profit (95 %: 1,100 to 11,400), caused: live holdout of 10 %",
        "recall-waves 1.0.0：增量利润 +6,240 USD（95 %：1,100 至 11,400），是因果：实际投放，对照组 10 %",
    );
    let mut out = Document::of(lang, verdict.into());
    out.alert(
        Tone::Warning,
        lang.say("one covariate still differs by more than 0.1", "有一个协变量的差异仍超过 0.1"),
        vec![],
    );
    let sections =
        [(0, "Effect", "效果"), (3, "Customers", "客户"), (6, "Checks", "检验"), (9, "Model", "模型")];
    for (at, (english, chinese, caption, chinese_caption, plot)) in PIECES.into_iter().enumerate() {
        if let Some((_, english, chinese)) = sections.iter().find(|(first, ..)| *first == at) {
            out.heading(lang.say(*english, *chinese));
        }
        out.chart(Chart {
            title: lang.say(english, chinese).into(),
            caption: lang.say(caption, chinese_caption).into(),
            plot: plot(lang),
        });
    }
    out
}

#[test]
fn gallery_pages_are_small_and_have_every_chart_in_words_too() {
    for lang in [Lang::English, Lang::Chinese] {
        let document = document(lang);
        let page = html::render(&document, "Gallery");
        if let Some(dir) = std::env::var_os("STRATAGEM_GALLERY") {
            let path = std::path::Path::new(&dir).join(format!("gallery-{}.html", lang.tag()));
            std::fs::write(path, &page).unwrap();
        }
        assert!(page.len() < 500_000, "{} bytes", page.len());
        assert_eq!(page.matches("<figure").count(), PIECES.len());
        // Nine are drawn, wide and narrow, and each drawing has a name and a description.
        assert_eq!(page.matches("role=\"img\"").count(), 2 * 9);
        assert_eq!(page.matches("<desc").count(), 2 * 9);
        assert!(!page.contains("NaN") && !page.contains("inf"), "a number is not finite");
        let shown = text::render(&document, Style { color: false, width: Some(100) });
        insta::assert_snapshot!(format!("gallery-{}", lang.tag()), shown);
        assert!(markdown::render(&document).contains(PIECES[3].0) || lang == Lang::Chinese);
    }
}

#[test]
fn gallery_in_chinese_has_no_english_words() {
    const SAME: [&str; 13] = [
        "recall", "waves", "brand", "content", "personal", "coupon", "gift", "pack", "USD", "GMV", "ARPU",
        "ROI", "App",
    ];
    const TERMS: [&str; 3] = ["ESS", "SMD", "Love"];
    let page = html::render(&document(Lang::Chinese), "");
    let body = page.split_once("<body").map_or("", |(_, body)| body);
    let shown = body.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text);
    let words =
        shown.flat_map(|text| text.split(|c: char| !c.is_ascii_alphabetic())).filter(|word| word.len() > 1);
    let left: Vec<_> = words.filter(|word| !SAME.contains(word) && !TERMS.contains(word)).collect();
    assert!(left.is_empty(), "{left:?}");
}
