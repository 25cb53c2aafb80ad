//! Backtests as pages, and in Chinese.

use insta::assert_snapshot;
use stratagem_record::{Mode, Reward, Run, Summary};
use stratagem_report::{Format, Lang, backtest, html, markdown};

use crate::NARROW;
use crate::fixture::{broken, empty, of_replay, run};
use crate::modes::{on_log, simulated};

/// The pages of every run in both languages; kept beside the build, for looking.
fn pages() -> Vec<(Run, Lang, String)> {
    let mut pages = vec![];
    for run in [run(), broken(), empty(), simulated(12_000.0), on_log(Reward::Gmv, 0.5)] {
        for (lang, name) in [(Lang::English, "en"), (Lang::Chinese, "zh")] {
            let page = html(&run, lang);
            let path = format!("{}/{}-{name}.html", env!("CARGO_TARGET_TMPDIR"), run.id);
            std::fs::write(path, &page).expect("the folder is the build's");
            pages.push((run.clone(), lang, page));
        }
    }
    pages
}

/// Without what stands between these.
fn without(page: &str, from: &str, to: &str) -> String {
    let mut parts = page.split(from);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let at = part.find(to).unwrap_or(part.len());
        out += &format!("{from}{}", &part[at..]);
    }
    out
}

/// A page without its style and what is drawn, and with a line for each of its larger elements.
fn outline(page: &str) -> String {
    let mut out = without(&without(page, "<style>", "</style>"), "</desc>", "</svg>");
    for tag in
        ["head", "body", "nav", "main", "section", "h2", "p", "dl", "div", "tr", "figure", "svg", "details"]
    {
        out = out
            .replace(&format!("<{tag} "), &format!("\n<{tag} "))
            .replace(&format!("<{tag}>"), &format!("\n<{tag}>"));
    }
    out
}

/// What a reader sees, without tags, styles and code.
fn words(page: &str) -> String {
    let mut out = String::new();
    let mut is_code = false;
    for part in without(page, "<head>", "</head>").split('<') {
        let (tag, text) = part.split_once('>').unwrap_or(("", part));
        is_code = (is_code || tag.starts_with("code")) && !tag.starts_with("/code");
        if !is_code {
            out.push_str(text);
            out.push(' ');
        }
    }
    out
}

#[test]
fn a_page_begins_with_the_verdict() {
    for (run, lang, page) in pages() {
        let text = backtest(&run, Format::Text, NARROW, lang);
        let verdict = text.lines().next().unwrap();
        assert_eq!(
            words(&page).split_whitespace().collect::<Vec<_>>().join(" ").find(verdict),
            Some(0),
            "{verdict}"
        );
    }
}

#[test]
fn a_page_has_this_structure() {
    assert_snapshot!("page", outline(&html(&run(), Lang::English)));
    assert_snapshot!("page-chinese", outline(&html(&broken(), Lang::Chinese)));
}

#[test]
fn a_page_is_whole_and_small() {
    for (_, lang, page) in pages() {
        assert!(page.len() < 500_000, "{} bytes", page.len());
        assert!(page.starts_with("<!DOCTYPE html><html lang="), "{lang:?}");
        for reference in
            ["http:", "https:", "src=", "url(", "@import", "<script", "<link", "<img", "javascript:", " on"]
        {
            let found =
                page.find(reference).map(|at| &page[at.saturating_sub(40)..(at + 40).min(page.len())]);
            let is_word = reference == " on";
            assert!(is_word || found.is_none(), "{reference}: {found:?}");
        }
        // What the page refers to is on the page.
        for (at, _) in page.match_indices("href=\"#") {
            let id = page[at + 7..].split('"').next().unwrap_or_default();
            assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
        }
    }
}

#[test]
fn every_drawing_has_a_name_and_a_description() {
    let (_, _, page) = pages().remove(0);
    let drawings: Vec<&str> = page.split("<svg").skip(1).collect();
    assert!(drawings.len() >= 6, "{}", drawings.len());
    for drawing in drawings {
        let labels =
            drawing.split("aria-labelledby=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        for id in labels.split(' ') {
            assert_eq!(page.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
        }
        let body = drawing.split("</svg>").next().unwrap();
        assert!(body.contains("<title") && body.contains("<desc"), "{body}");
    }
}

#[test]
fn whatever_strategies_and_data_say_is_text() {
    const EVIL: &str = "</text></style><script>alert('x')</script><b onload=\"x\">&";
    let mut run = broken();
    run.id = EVIL.into();
    run.data.zone = EVIL.into();
    run.period.from = EVIL.into();
    let replay = of_replay(&mut run);
    replay.audits[0].difference = Some(EVIL.into());
    replay.cohorts[0].month = EVIL.into();
    replay.receipt.engine = EVIL.into();
    let lane = &mut replay.lanes[0];
    lane.name = EVIL.into();
    lane.strategy.name = EVIL.into();
    lane.strategy.version = EVIL.into();
    lane.strategy.title.english = EVIL.into();
    lane.strategy.title.chinese = Some(EVIL.into());
    lane.strategy.parameters[0].0 = EVIL.into();
    lane.outcome.failures[0].message = EVIL.into();
    lane.outcome.log[0].message = EVIL.into();
    lane.outcome.summary.actions[0].id = EVIL.into();
    lane.outcome.summary.decisions[0].action = Some(EVIL.into());
    for lang in [Lang::English, Lang::Chinese] {
        let page = html(&run, lang);
        assert!(!page.contains("<script") && !page.contains("<b "), "something is not escaped");
        assert_eq!(page.matches("</style>").count(), 1);
        assert_eq!(page.matches("<style>").count(), 1);
    }
}

/// What is the same in both languages: names, units, and what programs say.
const SAME: [&str; 24] = [
    "BG",
    "NBD",
    "Gamma",
    "alpha",
    "IPW",
    "SNIPW",
    "DM",
    "SNDR",
    "DR",
    "Switch",
    "GMV",
    "ARPU",
    "ARPPU",
    "ROI",
    "RFM",
    "A/A",
    "USD",
    "America/New_York",
    "wasmtime",
    "fuel",
    "row",
    "stratagem",
    "library",
    "rerun",
];

/// What is told of a lane's decisions.
fn decided(run: &Run) -> Option<&Summary> {
    match &run.mode {
        Mode::Replay(replay) => Some(&replay.lanes.sole().outcome.summary),
        Mode::Simulation(found) => Some(&found.lanes.sole().outcome.first_world),
        Mode::OffPolicy(_) => None,
    }
}

#[test]
fn a_chinese_report_has_no_english_words() {
    for run in [run(), empty(), simulated(12_000.0), on_log(Reward::Gmv, 0.5)] {
        let mut names: Vec<String> = SAME.map(String::from).to_vec();
        let strategy = run.sole_strategy();
        names.extend([run.id.clone(), strategy.name.clone(), strategy.digest.clone()]);
        names.extend([run.data.fingerprint.clone(), run.recorded_at.clone()]);
        names.extend(strategy.parameters.iter().map(|(name, value)| format!("{name}={value}")));
        let (digest, command) = match &run.mode {
            Mode::Replay(of) => (Some(&of.receipt.decisions_digest), vec!["wasm", "store", "STORE"]),
            Mode::Simulation(of) => (Some(&of.receipt.decisions_digest), vec![]),
            Mode::OffPolicy(_) => {
                // The estimator of this name.
                names.push("replay".into());
                (None, vec![])
            }
        };
        names.extend(digest.cloned());
        names.extend(decided(&run).iter().flat_map(|of| &of.actions).map(|action| action.id.clone()));
        for text in [
            words(&html(&run, Lang::Chinese)),
            markdown(&run, Lang::Chinese),
            backtest(&run, Format::Text, NARROW, Lang::Chinese),
        ] {
            let mut text = text;
            names.sort_by_key(|name| std::cmp::Reverse(name.len()));
            for name in &names {
                text =
                    text.replace(name.as_str(), " ").replace(&name.chars().take(12).collect::<String>(), " ");
            }
            let is_latin = |word: &&str| word.chars().filter(char::is_ascii_alphabetic).count() > 1;
            let left: Vec<_> = text.split(|c: char| !c.is_ascii_alphabetic()).filter(is_latin).collect();
            assert_eq!(left, command, "untranslated");
        }
    }
}

#[test]
fn an_english_report_has_only_the_chinese_terms_of_the_field() {
    let page = html(&run(), Lang::English);
    let chinese: Vec<String> = words(&page)
        .split(|c: char| c < '\u{2e80}')
        .filter(|word| !word.is_empty())
        .map(String::from)
        .collect();
    let terms = [
        "多波次召回",
        "类别",
        "重要价值",
        "新客户",
        "重要唤回",
        "流失",
        "未下单",
        "成熟期",
        "休眠期",
        "流失期",
    ];
    assert!(chinese.iter().all(|word| terms.contains(&word.as_str())), "{chinese:?}");
}

#[test]
fn the_digits_are_the_same_in_both_languages() {
    let digits = |lang| {
        let text = backtest(&run(), Format::Text, NARROW, lang);
        let mut found: Vec<String> = text
            .split(|c: char| !(c.is_ascii_digit() || ".,".contains(c)))
            .map(|n| n.trim_matches(['.', ',']).to_owned())
            .collect();
        found.retain(|number| !number.is_empty());
        found.sort();
        found
    };
    assert_eq!(digits(Lang::English), digits(Lang::Chinese));
}

#[test]
fn a_run_is_told_in_chinese() {
    assert_snapshot!("backtest-chinese", backtest(&run(), Format::Text, NARROW, Lang::Chinese));
    assert_snapshot!("backtest-chinese-broken", backtest(&broken(), Format::Text, NARROW, Lang::Chinese));
    assert_snapshot!("backtest-chinese-empty", backtest(&empty(), Format::Text, NARROW, Lang::Chinese));
}
