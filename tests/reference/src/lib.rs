//! Reading the fetched data sets, for tests that reproduce published values on them.
//!
//! `cargo xtask test --with data` fetches the data and runs these tests; without it they are not run at all.

use std::path::PathBuf;

/// The path of a fetched file, such as `cdnow/CDNOW_sample.txt`.
///
/// # Panics
/// It is not there: a test that cannot run fails, and is never counted as passed.
pub fn data(file: &str) -> PathBuf {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/data");
    let root = std::env::var_os("STRATAGEM_DATA").map_or_else(|| root.into(), PathBuf::from);
    let path = root.join(file);
    assert!(path.is_file(), "there is no `{}`: `cargo xtask test --with data` fetches it", path.display());
    path
}

/// The rows of a CSV file with a header, each with the named columns as text.
pub fn columns<const N: usize>(file: &str, names: [&str; N]) -> Vec<[String; N]> {
    let mut reader = csv::Reader::from_path(data(file)).expect("a readable CSV file");
    let header = reader.headers().expect("a header").clone();
    let places = names.map(|name| {
        header
            .iter()
            .position(|column| column == name)
            .unwrap_or_else(|| panic!("`{file}` has no column `{name}`"))
    });
    let row = |record: Result<csv::StringRecord, csv::Error>| {
        let record = record.expect("a readable row");
        places.map(|place| record[place].to_owned())
    };
    reader.records().map(row).collect()
}

/// Asserts that two numbers agree to so many significant digits.
#[track_caller]
pub fn assert_digits(found: f64, expected: f64, digits: i32, what: &str) {
    let tolerance = 0.5 * 10_f64.powi(expected.abs().log10().floor() as i32 + 1 - digits);
    assert!(
        (found - expected).abs() <= tolerance,
        "{what}: {found:.16} found, {expected:.16} expected, to {digits} digits"
    );
}
