//! Customers, events, touches and products.

use stratagem_store::Store;
use stratagem_store::ingest::{Kind, Options};

use super::files::{Scratch, options, show_filings};

#[test]
fn other_columns_of_customers_are_attributes() {
    let scratch = Scratch::new();
    let csv = "household_id,age,income,signup_date\n1,65+,35-49K,2016-05-01\n2,,50-74K,\n3,,,\n1,65+,35-49K,2016-05-01\n";
    insta::assert_snapshot!(scratch.check("c.csv", csv, &options(Kind::Customers, "band=income")), @r"
    1
      always attribute age = 65+
      always attribute band = 35-49K
      2016-05-01 23:59 register = 0
    2
      always attribute band = 50-74K
    3
    ");
    let again = scratch.ingest("c.csv", &options(Kind::Customers, "band=income")).unwrap();
    assert_eq!((again.appended.customers_new, again.appended.added, again.appended.unchanged), (0, 0, 7));
    assert_eq!(again.attributes, ["band", "age"]);
    insta::assert_snapshot!(again.warnings.join("\n"), @"no `time` is mapped: attributes are taken to hold always, so a backtest sees these values in the past too");
}

#[test]
fn an_attribute_with_a_time_holds_from_then_on() {
    let scratch = Scratch::new();
    let csv = "customer,as_of,known,tier\n1,2017-01-01,2017-01-05,gold\n1,2017-06-01,,silver\n";
    insta::assert_snapshot!(scratch.check("c.csv", csv, &options(Kind::Customers, "")), @r"
    1
      2017-01-01 23:59 known 2017-01-05 23:59 attribute tier = gold
      2017-06-01 23:59 attribute tier = silver
    ");
    // The same instant with another value is another story.
    let contradiction = csv.replace("2017-06-01,,silver", "2017-01-01,2017-01-05,silver");
    insta::assert_snapshot!(scratch.check("d.csv", contradiction, &options(Kind::Customers, "")), @"d.csv:3: line 2 says something else of the same attribute; correct it, or skip such rows with --on-error skip");
}

#[test]
fn a_rejected_row_takes_nothing_of_another_row_with_it() {
    let scratch = Scratch::new();
    // The second row contradicts the first in one attribute, and is the first to say the other.
    let csv = "customer,tier,city,shop\n1,gold,,\n1,silver,Bonn,7\n1,,Bonn,\n";
    scratch.write("c.csv", csv);
    let skipping = Options { on_error: super::refusals::skip(None), ..options(Kind::Customers, "") };
    let report = scratch.ingest("c.csv", &skipping).unwrap();
    assert_eq!((report.rows_accepted, report.rows_rejected), (2, 1));
    insta::assert_snapshot!(super::files::show(&scratch.store), @r"
    1
      always attribute city = Bonn
      always attribute tier = gold
    ");
}

#[test]
fn events_have_kinds_subjects_and_values() {
    let scratch = Scratch::new();
    let csv = "customer,event_type,time,known,event_id,subject,amount\n\
        a,visit,2017-01-01 10:00,,1,web,\n\
        a,refund,2017-01-02 10:00,2017-01-03 10:00,1,shoe,12.50\n\
        a,tag,2017-01-02,,2,vip,\n\
        a,tag,2017-01-04,,3,vip,0\n\
        a,attribute,2017-01-05,,4,tier,gold\n\
        a,unsubscribe,2017-01-06,,5,,\n\
        a,visit,2017-01-01 10:00,,1,web,\n";
    insta::assert_snapshot!(scratch.check("e.csv", csv, &options(Kind::Events, "")), @r"
    a
      2017-01-01 10:00 visit web = 0
      2017-01-02 23:59 tag vip = 1
      2017-01-02 10:00 known 2017-01-03 10:00 refund shoe = 1250
      2017-01-04 23:59 tag vip = taken away
      2017-01-05 23:59 attribute tier = gold
      2017-01-06 23:59 unsubscribe = 0
    ");
    let again = scratch.ingest("e.csv", &options(Kind::Events, "")).unwrap();
    assert_eq!((again.appended.added, again.appended.unchanged), (0, 7));
}

#[test]
fn events_without_ids_are_counted_when_they_are_equal() {
    let scratch = Scratch::new();
    let ndjson = "{\"customer\":1,\"time\":\"2017-01-01\"}\n\n{\"customer\":1,\"time\":\"2017-01-01\"}\n\
        {\"customer\":1,\"time\":\"2017-01-02\",\"subject\":\"shop 7\"}\n";
    // The last line is the only one with a subject.
    insta::assert_snapshot!(scratch.check("e.ndjson", ndjson, &options(Kind::Events, "kind=visit")), @r"
    1
      2017-01-01 23:59 visit = 0
      2017-01-01 23:59 visit = 0
      2017-01-02 23:59 visit shop 7 = 0
    ");
    let again = scratch.ingest("e.ndjson", &options(Kind::Events, "kind='visit'")).unwrap();
    assert_eq!((again.appended.added, again.appended.unchanged), (0, 3));
}

#[test]
fn touches_are_events_about_a_campaign() {
    let scratch = Scratch::new();
    let csv = "household_id,campaign_id\n1,26\n2,26\n";
    insta::assert_snapshot!(scratch.check("t.csv", csv, &options(Kind::Touches, "time='2017-03-03'")), @r"
    1
      2017-03-03 23:59 touch 26 = 0
    2
      2017-03-03 23:59 touch 26 = 0
    ");
    let again = scratch.ingest("t.csv", &options(Kind::Touches, "time='2017-03-03'")).unwrap();
    assert_eq!((again.appended.added, again.appended.unchanged), (0, 2));
}

#[test]
fn products_are_filed_under_categories() {
    let scratch = Scratch::new();
    let csv = "product_id,product_category\n1,food\n2,\n3,tools\n";
    scratch.write("p.csv", csv);
    let first = scratch.ingest("p.csv", &options(Kind::Products, "")).unwrap();
    assert_eq!((first.appended.added, first.appended.unchanged), (3, 0));
    assert_eq!(scratch.store.dictionary("product").unwrap(), ["1", "2", "3"]);
    assert_eq!(scratch.store.dictionary("category").unwrap(), ["food", "tools"]);
    insta::assert_snapshot!(show_filings(&scratch.store), @r"
      always filing 1 = food
      always filing 3 = tools
    ");
    insta::assert_snapshot!(first.warnings.join("\n"), @"rows without a category: 1; their products stay where they are");
    let again = scratch.ingest("p.csv", &options(Kind::Products, "")).unwrap();
    assert_eq!((again.appended.added, again.appended.unchanged), (0, 3));
    // A newer file moves a product: it says since when, or when that became known.
    let moving = "product_id,product_category,since,known\n3,food,2017-03-01,\n1,tools,,2017-04-01\n";
    scratch.write("p.csv", moving);
    let moved = scratch.ingest("p.csv", &options(Kind::Products, "")).unwrap();
    assert_eq!((moved.appended.added, moved.appended.corrected, moved.appended.unchanged), (1, 1, 0));
    insta::assert_snapshot!(show_filings(&scratch.store), @r"
      always filing 1 = food
      always filing 3 = tools
      2017-03-01 23:59 filing 3 = food
      always known 2017-04-01 23:59 corrected filing 1 = tools
    ");
    let twice = scratch.check("q.csv", format!("{csv}1,tools\n"), &options(Kind::Products, ""));
    insta::assert_snapshot!(twice, @"q.csv:5: column `product_category`: line 2 files the same product under `food`; correct it, or skip such rows with --on-error skip");
}

#[test]
fn orders_say_since_when_a_product_is_in_a_category() {
    let scratch = Scratch::new();
    let csv = "customer,order,time,product,category,gross\n\
        a,1,2017-01-02,x,new,1\na,2,2017-01-01,x,old,1\na,2,2017-01-01,y,,1\na,3,2017-01-03,x,new,1\n";
    scratch.check("t.csv", csv, &options(Kind::Orders, ""));
    assert_eq!(scratch.store.dictionary("category").unwrap(), ["new", "old"]);
    insta::assert_snapshot!(show_filings(&scratch.store), @r"
      2017-01-01 23:59 filing x = old
      2017-01-02 23:59 filing x = new
    ");
}
