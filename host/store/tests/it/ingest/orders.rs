//! Orders from CSV, NDJSON and Parquet.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray, TimestampMillisecondArray, UInt64Array,
};
use parquet::arrow::ArrowWriter;
use stratagem_store::ingest::{Format, Kind, Options};
use stratagem_store::{SledStore, Store};

use super::files::{Scratch, options, settings, show};

const MAPPING: &str = "customer=household_id,order=basket_id,time=transaction_timestamp,product=product_id,\
    quantity=quantity,gross=sales_value+retail_disc,discount=retail_disc";

#[test]
fn rows_with_the_same_order_are_its_lines() {
    let scratch = Scratch::new();
    let csv = "\u{feff}household_id,basket_id,product_id,quantity,sales_value,retail_disc,transaction_timestamp,note\r\n\
        900,1,milk,1,0.50,0.00,2017-01-01 11:53:26,\"two\nlines, quoted\"\r\n\
        900,1,bread,2.0,1.00,0.20,2017-01-01 11:53:00,\r\n\
        \r\n\
        900,2,milk,1,0,0,2017-01-02,free\r\n\
        901, 1 ,bread,0,3.00,0.00,2017-01-01 11:53:26,another customer's order 1\r\n\
        900,1,milk,1,0.50,0.00,2017-01-01 11:53:26,the same product again\r\n";
    insta::assert_snapshot!(scratch.check("t.csv", csv, &options(Kind::Orders, MAPPING)), @r"
    900
      2017-01-01 11:53 known 2017-01-01 11:53 order 2.20 less 0.20: 1 milk 0.50, 1 milk 0.50, 2 bread 1.20
      2017-01-02 23:59 (a date) order 0.00 less 0.00: 1 milk 0.00
    901
      2017-01-01 11:53 order 3.00 less 0.00: 0 bread 3.00
    ");

    let report = scratch.ingest("t.csv", &options(Kind::Orders, MAPPING)).unwrap();
    assert_eq!((report.rows_read, report.rows_accepted, report.rows_rejected), (5, 5, 0));
    assert_eq!((report.appended.added, report.appended.unchanged), (0, 3), "the second time");
    assert_eq!(report.ignored, ["note"]);
    let sources = scratch.store.sources().unwrap();
    assert_eq!(sources.len(), 1);
    assert_eq!((sources[0].rows, sources[0].is_complete), (5, true));
    assert_eq!(sources[0].fingerprint, blake3::hash(csv.as_bytes()).to_hex().to_string());
}

#[test]
fn every_format_gives_the_same_store() {
    let reference = Scratch::new();
    let csv = "customer,order,time,product,category,quantity,gross\n\
        a,1,2017-03-12 10:00:00,x,food,1,1.39\n\
        a,1,2017-03-12 10:00:00,y,tools,2,0.10\n\
        b,2,2017-07-01 00:00:00,x,food,1,-0.00\n";
    let want = reference.check("t.csv", csv, &options(Kind::Orders, ""));
    insta::assert_snapshot!(want, @r"
    a
      2017-03-12 10:00 order 1.49 less 0.00: 1 x 1.39, 2 y 0.10
    b
      2017-07-01 00:00 order 0.00 less 0.00: 1 x 0.00
    ");
    let want = reference.store.fingerprint().unwrap();

    let tsv = Scratch::new();
    tsv.check("t.tsv", csv.replace(',', "\t"), &options(Kind::Orders, ""));
    assert_eq!(tsv.store.fingerprint().unwrap(), want);
    let semicolons = Scratch::new();
    let delimited = Options { delimiter: Some(b';'), format: Some(Format::Csv), ..options(Kind::Orders, "") };
    semicolons.check("t.data", csv.replace(',', ";"), &delimited);
    assert_eq!(semicolons.store.fingerprint().unwrap(), want);

    let ndjson = Scratch::new();
    let nested = r#"{"customer":"a","order":1,"time":"2017-03-12T14:00:00Z","items":[
            {"product_id":"x","category":"food","qty":1,"price":1.39},{"sku":"y","category":"tools","quantity":2,"gross":"0.10"}]}
        {"customer":"b","order":2.0,"time":1498881600,"items":[{"product":"x","category":"food","gross":0}]}"#;
    let nested = nested.replace("[\n", "[");
    ndjson.check("t.ndjson", nested, &options(Kind::Orders, ""));
    assert_eq!(ndjson.store.fingerprint().unwrap(), want);

    let parquet = Scratch::new();
    parquet.write("t.parquet", typed_parquet());
    parquet.ingest("t.parquet", &options(Kind::Orders, "")).unwrap();
    assert_eq!(show(&parquet.store), show(&reference.store));
    assert_eq!(parquet.store.fingerprint().unwrap(), want);
}

/// The same orders in types that only Parquet has.
fn typed_parquet() -> Vec<u8> {
    let local = |text: &str| jiff_ms(text);
    let categories: DictionaryArray<Int32Type> = ["food", "tools", "food"].into_iter().collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("gross", Arc::new(Float64Array::from(vec![1.390_000_000_000_000_1, 0.100_000_001, 0.0]))),
        ("customer", Arc::new(StringArray::from(vec!["a", "a", "b"]))),
        ("order", Arc::new(UInt64Array::from(vec![1, 1, 2]))),
        (
            "time",
            Arc::new(TimestampMillisecondArray::from(vec![
                local("2017-03-12T10:00:00Z"),
                local("2017-03-12T10:00:00Z"),
                local("2017-07-01T00:00:00Z"),
            ])),
        ),
        ("product", Arc::new(StringArray::from(vec!["x", "y", "x"]))),
        ("category", Arc::new(categories)),
        ("quantity", Arc::new(Float64Array::from(vec![1.0, 2.0, 1.0]))),
    ];
    parquet_of(columns)
}

fn jiff_ms(text: &str) -> i64 {
    stratagem_model::Zone::utc().parse(text).unwrap().0
}

fn parquet_of(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap();
    let mut bytes = vec![];
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn parquet_types_are_read_as_what_they_say() {
    let scratch = Scratch::new();
    let instant = TimestampMicrosecondArray::from(vec![1_498_881_600_000_000; 3]).with_timezone("UTC");
    let decimals = Decimal128Array::from(vec![Some(12_500), Some(10), None]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("customer", Arc::new(Int64Array::from(vec![7, 7, 8]))),
        ("time", Arc::new(instant)),
        ("gross", Arc::new(decimals.with_precision_and_scale(10, 3).unwrap())),
        ("known", Arc::new(Date32Array::from(vec![None, Some(17_349), None]))),
    ];
    scratch.write("t.parquet", parquet_of(columns));
    let error = scratch.ingest("t.parquet", &options(Kind::Orders, "")).unwrap_err();
    insta::assert_snapshot!(error, @"t.parquet row 3: column `gross`: the value is missing; correct it, or skip such rows with --on-error skip");
    let skip = Options { on_error: super::refusals::skip(None), ..options(Kind::Orders, "") };
    scratch.ingest("t.parquet", &skip).unwrap();
    insta::assert_snapshot!(show(&scratch.store), @r"
    7
      2017-07-01 00:00 order 12.50 less 0.00:
      2017-07-01 00:00 known 2017-07-02 23:59 order 0.01 less 0.00:
    ");
}

#[test]
fn a_row_without_an_order_id_is_an_order_and_equal_ones_are_counted() {
    let scratch = Scratch::new();
    let csv =
        "customer,date,value,quantity\na,1997-01-12,12.00,1\na,1997-01-12,12.00,1\na,19970113,77.00,5\n";
    insta::assert_snapshot!(scratch.check("t.csv", csv, &options(Kind::Orders, "")), @r"
    a
      1997-01-12 23:59 (a date) order 12.00 less 0.00:
      1997-01-12 23:59 (a date) order 12.00 less 0.00:
      1997-01-13 23:59 (a date) order 77.00 less 0.00:
    ");
    let again = scratch.ingest("t.csv", &options(Kind::Orders, "")).unwrap();
    assert_eq!((again.appended.added, again.appended.unchanged), (0, 3));
    insta::assert_snapshot!(again.warnings.join("\n"), @"no `order` is mapped: each row is an order of its own, and a row that is corrected later counts as another order");
    // The file grew: what was there keeps its ids, wherever the new rows are.
    let grown = csv.replace("quantity\n", "quantity\na,1997-02-01,1.00,1\n");
    scratch.write("t.csv", grown);
    let grown = scratch.ingest("t.csv", &options(Kind::Orders, "")).unwrap();
    assert_eq!((grown.appended.added, grown.appended.unchanged), (1, 3));
}

#[test]
fn amounts_can_be_negated_and_multiplied_and_orders_known_later() {
    let scratch = Scratch::new();
    let csv = "customer,order,time,known,unit price,n,rebate\n\
        a,1,2017-01-01 10:00,2017-01-03 00:00,2.50,3,-0.25\n\
        a,1,2017-01-02 09:00,,1.00,1,0\n";
    let mapping = options(Kind::Orders, "gross=unit price*n,quantity=n,discount=-rebate");
    insta::assert_snapshot!(scratch.check("t.csv", csv, &mapping), @r"
    a
      2017-01-01 10:00 known 2017-01-03 00:00 order 8.50 less 0.25:
    ");
}

#[test]
fn times_are_read_by_declared_rules() {
    #[rustfmt::skip]
    let cases = [
        ("2017-07-01",                "2017-07-01 23:59 (a date)", "a date is the end of its day"),
        ("2017-07-01 18:05",          "2017-07-01 18:05", "local"),
        ("2017-07-01T18:05:00Z",      "2017-07-01 14:05", "its own offset"),
        ("20170701",                  "2017-07-01 23:59 (a date)", "eight digits are a date"),
        ("1498881600",                "2017-07-01 00:00", "seconds"),
        ("1498881600000",             "2017-07-01 00:00", "milliseconds"),
        ("1498881600000000",          "2017-07-01 00:00", "microseconds"),
        ("1498881600000000000",       "2017-07-01 00:00", "nanoseconds"),
        ("2017",                      "is not a time",    "a year is no instant"),
        ("20171301",                  "is not a time",    "no such month"),
        ("07/01/2017",                "is not a time",    "month or day first?"),
        ("-5",                        "is not a time",    "before 1970"),
    ];
    for (text, want, why) in cases {
        let scratch = Scratch::new();
        let shown =
            scratch.check("t.csv", format!("customer,time,gross\na,{text},1\n"), &options(Kind::Orders, ""));
        assert!(shown.contains(want), "{text}: {why}, but: {shown}");
    }
}

#[test]
fn the_complete_journey_extract_is_ingested_whole_and_once() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/complete-journey");
    let directory = tempfile::tempdir().unwrap();
    let store = SledStore::create(directory.path().join("store"), settings()).unwrap();
    let ingest = |file: &str, options: &Options| {
        let path = std::path::Path::new(data).join(file);
        stratagem_store::ingest::ingest_file(&store, &path, options, &mut |_| (), &false.into()).unwrap()
    };
    let orders = options(
        Kind::Orders,
        "gross=sales_value+retail_disc+coupon_match_disc,discount=retail_disc+coupon_match_disc",
    );
    let first = ingest("transactions.parquet", &orders);
    let products = ingest("products.csv", &options(Kind::Products, "category=department"));
    let customers = ingest("demographics.csv", &options(Kind::Customers, ""));
    let mut redeemed = options(Kind::Events, "kind=coupon-redeemed,time=redemption_date,subject=coupon_upc");
    redeemed.on_error = super::refusals::skip(None);
    let redeemed = ingest("coupon_redemptions.csv", &redeemed);
    assert_eq!(
        first.rows_rejected + products.rows_rejected + customers.rows_rejected + redeemed.rows_rejected,
        0
    );
    let totals = store.totals().unwrap();
    assert_eq!(totals.lines, first.rows_accepted);
    assert_eq!(totals.orders, first.appended.added);
    assert_eq!(totals.customers, 250);
    let filed: BTreeSet<_> = store.filings().unwrap().iter().map(|filing| filing.subject).collect();
    let unfiled = store.dictionary("product").unwrap().len() - filed.len();
    assert_eq!(unfiled, 7, "products that were bought and are not in the list of products");

    let before = store.fingerprint().unwrap();
    let again = ingest("transactions.parquet", &orders);
    assert_eq!((again.appended.added, again.appended.unchanged), (0, first.appended.added));
    assert_eq!(store.fingerprint().unwrap(), before);
}
