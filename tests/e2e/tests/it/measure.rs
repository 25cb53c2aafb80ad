//! The commands that measure, as people and scripts meet them.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;
use stratagem_e2e::{component, root, stratagem};
use tempfile::TempDir;

fn run(dir: &Path, arguments: &str) -> Output {
    stratagem(dir).args(arguments.split_whitespace()).stdin(Stdio::null()).output().unwrap()
}

fn json(dir: &Path, arguments: &str) -> Value {
    let out = run(dir, &format!("{arguments} --format json"));
    assert!(out.status.success(), "{arguments}: {}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

/// Fails with this exit code, prints nothing, and says what is wrong and what to do.
#[track_caller]
fn refused(dir: &Path, arguments: &str, code: i32, says: &str) {
    let out = run(dir, arguments);
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(code), "{arguments}: {stderr}");
    assert!(out.stdout.is_empty(), "{arguments}: half of an answer was printed");
    assert!(stderr.contains(says) && stderr.contains("hint: "), "{arguments}: {stderr}");
}

/// Two actions drawn with 3:1, and rewards of 1 after every third `a` and every second `b`.
fn log(dir: &Path, rows: usize) {
    let mut text = "customer,action,reward,propensity\n".to_owned();
    for row in 0..rows {
        let (action, propensity) = if row % 4 == 3 { ("b", 0.25) } else { ("a", 0.75) };
        let reward = u8::from(row % 8 == 3 || row % 4 == 0);
        writeln!(text, "c{row},{action},{reward},{propensity}").unwrap();
    }
    fs::write(dir.join("log.csv"), text).unwrap();
}

#[test]
fn a_log_gives_the_value_of_a_policy_or_says_why_not() {
    let dir = TempDir::new().unwrap();
    log(dir.path(), 1_200);
    let found = json(dir.path(), "evaluate log.csv --policy always:b --draws 100");
    let snipw = &found["evaluation"]["estimates"];
    let of = |name: &str| {
        let one = snipw.as_array().unwrap().iter().find(|one| one["estimator"] == name).unwrap();
        one["normal"]["value"].as_f64().unwrap()
    };
    assert_eq!((of("self-normalised"), of("inverse-propensity")), (0.5, 0.5));
    refused(dir.path(), "evaluate log.csv --policy always:c", 3, "no support");
    refused(dir.path(), "evaluate log.csv --policy best", 2, "is no policy");
    refused(dir.path(), "evaluate log.csv --policy uniform --reward rewrad", 2, "no column `rewrad`");
    log(dir.path(), 40);
    refused(dir.path(), "evaluate log.csv --policy uniform", 3, "rows");
    let wrong = fs::read_to_string(dir.path().join("log.csv")).unwrap().replacen("0.25", "0", 1);
    fs::write(dir.path().join("log.csv"), wrong).unwrap();
    refused(dir.path(), "evaluate log.csv --policy uniform", 2, "log.csv:5: column `propensity`");
}

/// Three arms of 300, of which `call` spends twice as much.
fn arms(dir: &Path) {
    let mut text = "arm,spend,bought\n".to_owned();
    for row in 0..900_u32 {
        let arm = ["none", "mail", "call"][row as usize % 3];
        let spend = (row * 7919 % 100) / if arm == "call" { 1 } else { 2 };
        writeln!(text, "{arm},{spend},{}", u8::from(spend > 40)).unwrap();
    }
    fs::write(dir.join("test.csv"), &text).unwrap();
}

#[test]
fn arms_are_compared_only_if_they_have_the_sizes_they_were_drawn_with() {
    let dir = TempDir::new().unwrap();
    arms(dir.path());
    let found = json(dir.path(), "effect test.csv --control none --outcome spend --outcome bought");
    assert_eq!(found["arms"][0][0], "none");
    let call =
        found["outcomes"][0]["effects"].as_array().unwrap().iter().find(|e| e["arm"] == "call").unwrap();
    assert!(call["difference"]["low"].as_f64().unwrap() > 0.0, "{call}");
    assert_eq!(found["outcomes"][1]["is-proportion"], true);
    fs::write(dir.path().join("empty.csv"), "arm,spend\n").unwrap();
    refused(dir.path(), "effect empty.csv --outcome spend", 2, "has no rows");
    fs::write(dir.path().join("gap.csv"), "arm,spend\na,1\n,2\nb,3\n").unwrap();
    refused(dir.path(), "effect gap.csv --outcome spend", 2, "gap.csv:3: column `arm` is empty");
    refused(dir.path(), "effect test.csv --outcome spend --confidence 1", 2, "is not between 0% and 100%");
    let ratio = "effect test.csv --control none --outcome spend --shares none=1,mail=1,call=3";
    refused(dir.path(), ratio, 3, "sample ratio mismatch");
    refused(dir.path(), "effect test.csv --control nobody --outcome spend", 2, "there is no arm `nobody`");
}

/// What people read, with the digests of files left out.
fn seen(dir: &Path, arguments: &str) -> String {
    let out = run(dir, arguments);
    assert!(out.stderr.is_empty(), "{arguments}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn what_is_measured_is_said_in_tables() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    log(dir, 1_200);
    arms(dir);
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\b[0-9a-f]{12,64}\b", "[digest]");
    let _bound = settings.bind_to_scope();
    insta::assert_snapshot!("evaluate", seen(dir, "evaluate log.csv --policy uniform --draws 200"));
    insta::assert_snapshot!(
        "effect",
        seen(
            dir,
            "effect test.csv --control none --outcome spend --outcome bought --draws 200 --sequential 900"
        )
    );
    insta::assert_snapshot!("power", seen(dir, "power --rate 5% --lift 10% --holdout 10%"));
    for (name, arguments) in [("fit", "fit bg-nbd"), ("fit-spend", "fit gamma-gamma")] {
        let orders = "--orders orders.csv --until 2024-10-31";
        assert!(run(dir, "generate --csv orders.csv --customers 600 --days 365 --seed 3").status.success());
        insta::assert_snapshot!(name, seen(dir, &format!("{arguments} {orders}")));
    }
}

#[test]
fn effect_customers_and_power_agree() {
    let dir = TempDir::new().unwrap();
    let sizes = json(dir.path(), "power --rate 5% --lift 10%")["answer"]["required"].clone();
    let of = |arm: &str| sizes[arm].as_u64().unwrap();
    // 31,231 an arm by the usual formula with both variances.
    assert!((31_000..31_600).contains(&of("treated")), "{sizes}");
    let customers = of("treated") + of("control");
    let power = json(dir.path(), &format!("power --rate 5% --lift 10% --customers {customers}"));
    let power = power["answer"]["power"][0].as_f64().unwrap();
    assert!((power - 0.8).abs() < 0.001, "{power}");
    refused(dir.path(), "power --rate 5%", 2, "neither an effect nor a number");
}

#[test]
fn a_store_is_fitted_simulated_and_swept() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    fs::copy(component("recall-waves"), dir.join("recall-waves.wasm")).unwrap();
    let orders = root().join("data/complete-journey/transactions.parquet");
    let map = "customer=household_id,order=basket_id,time=transaction_timestamp,product=product_id,quantity=quantity,\
               gross=sales_value+retail_disc+coupon_match_disc,discount=retail_disc+coupon_match_disc";
    let zones = "--time-zone America/New_York --source-zone UTC";
    assert!(
        run(dir, &format!("ingest {} --store shop {zones} --map {map}", orders.display())).status.success()
    );
    let fitted =
        json(dir, "fit bg-nbd --store shop --until 2017-08-31 --scores scores.csv --report fit.html");
    assert!(fitted["holdout"]["actual-orders"].as_u64().unwrap() > 0, "{fitted}");
    assert!(fs::read_to_string(dir.join("scores.csv")).unwrap().starts_with("customer,repeats,"));
    assert!(fs::read_to_string(dir.join("fit.html")).unwrap().starts_with("<!DOCTYPE html>"));
    json(dir, "fit gamma-gamma --store shop");

    let worlds = "--days 30 --worlds 4 --effect 0%..10%";
    let simulated =
        json(dir, &format!("simulate recall-waves.wasm --store shop {worlds} --report simulated.html"));
    assert_eq!(simulated["mode"], "simulation");
    assert_eq!(simulated["variants-tried"], 1);
    let page = fs::read_to_string(dir.join("simulated.html")).unwrap();
    assert!(page.len() < 500_000 && page.contains("declared, not measured"), "{} bytes", page.len());

    let grid = "--grid silence-days=14,28";
    let swept = json(dir, &format!("sweep recall-waves.wasm --store shop --mode simulate {worlds} {grid}"));
    assert_eq!(swept["variants"].as_array().unwrap().len(), 2);
    // The default parameters were tried before.
    assert_eq!(swept["last"]["variants-tried"], 3);
    let (chosen, last) = (&swept["variants"][0][1]["period"], &swept["last"]["period"]);
    assert!(chosen["from"].as_str() < last["from"].as_str(), "{chosen} {last}");

    // Hardly anyone leaves these shops.
    refused(dir, "fit bg-nbd --store shop --until 2017-09-30", 3, "did not converge");
    json(dir, "fit nbd --store shop --until 2017-09-30");
    let from = json(dir, "simulate recall-waves.wasm --store shop --from 2017-10-01 --days 30 --worlds 2");
    assert_eq!(from["over-worlds"]["fitted"]["repurchase"]["model"]["kind"], "nbd");
    let after = "simulate recall-waves.wasm --store shop --from 2030-01-01";
    refused(dir, after, 2, "is after the data");
    // Without a margin nothing can be earned back: no variant is better than another, and the last period stays untouched.
    let out = run(dir, &format!("sweep recall-waves.wasm --store shop --margin 0% {grid}"));
    assert!(out.status.code() == Some(3) && out.stdout.is_empty(), "{out:?}");
    assert!(String::from_utf8_lossy(&out.stderr).contains("no variant can be ranked"), "{out:?}");

    refused(dir, "simulate recall-waves.wasm --store shop --effect wave=3%", 2, "has no contact `wave`");
    let backtest = "backtest recall-waves.wasm --store shop";
    refused(dir, &format!("{backtest} --effect 3%"), 2, "`--effect` does nothing in this mode");
    refused(dir, &format!("{backtest} --log a.csv"), 2, "`--log` does nothing in this mode");
    let gated = format!("{backtest} --mode off-policy --log a.csv --cap 1/7d");
    refused(dir, &gated, 2, "`--cap` does nothing in this mode");
    refused(dir, &format!("{backtest} --budget=-5"), 2, "is below zero");
    refused(dir, &format!("{backtest} --report no/such/folder.html"), 2, "there is no such folder");
    let held = "backtest recall-waves.wasm --store shop --decisions decisions.csv --holdout 50%";
    assert!(run(dir, held).status.success());
    let log = "backtest recall-waves.wasm --store shop --mode off-policy --log";
    refused(dir, &format!("{log} decisions.csv"), 2, "decisions of a replay, which were never carried out");
    // Had they been carried out, they would be a log.
    let live = fs::read_to_string(dir.join("decisions.csv")).unwrap().replace(",replay", ",live");
    fs::write(dir.join("live.csv"), live).unwrap();
    let found = json(dir, &format!("{log} live.csv"));
    let weight = found["lanes"][0]["outcome"]["diagnostics"]["mean-weight"]["value"].as_f64().unwrap();
    assert!((weight - 1.0).abs() < 0.1, "{weight}");
    // As logs were before they named lane, version and item.
    let old = "time,customer,action,item,score,when,reason,propensity_ppm,mode\n";
    fs::write(dir.join("old.csv"), old).unwrap();
    refused(dir, &format!("{log} old.csv"), 2, "a decision log without column `portfolio`");
    let strangers = "customer,time,action,propensity\nnobody,2017-05-01 12:00:00,none,0.5\n";
    fs::write(dir.join("strangers.csv"), strangers).unwrap();
    refused(dir, &format!("{log} strangers.csv"), 2, "none of the log's 1 rows is of a customer");
    refused(dir, "library rerun latest recall-waves.wasm --store shop", 2, "is no replay of history");
    refused(dir, "fit bg-nbd --store shop --until 2030-01-01", 2, "is not within the data");
    refused(
        dir,
        "backtest recall-waves.wasm --store shop --report report.pdf",
        2,
        "neither a .html nor a .md",
    );
}

#[test]
fn a_report_is_one_page_in_the_language_that_is_asked_for() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    fs::copy(component("recall-waves"), dir.join("recall-waves.wasm")).unwrap();
    assert!(
        run(dir, "generate --store shop --customers 300 --days 200 --orders 6 --seed 3").status.success()
    );
    let out =
        run(dir, "backtest recall-waves.wasm --store shop --report report.html --lang zh --holdout 30%");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let page = fs::read_to_string(dir.join("report.html")).unwrap();
    assert!(page.len() < 500_000, "{} bytes", page.len());
    for part in ["lang=\"zh-Hans\"", "A/A", "同期群", "两组可比吗"] {
        assert!(page.contains(part), "the page has no `{part}`");
    }
    assert!(!page.contains("src=") && !page.contains("http://") && !page.contains("https://"));
    let run: Value = json(dir, "library show latest --store shop");
    let panel = &run["lanes"][0]["outcome"]["evidence"]["no-action"];
    let share = panel["gmv"]["welch"].as_f64().unwrap();
    assert!((0.93..=0.97).contains(&share), "{panel}");
}
