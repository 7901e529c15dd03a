#![no_main]

use chestxr_fuzz::dataset::sheet::Sheet;
use chestxr_fuzz::feed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    feed(bytes, |path| {
        Sheet::read(path).inspect(|sheet| {
            // Every line begins one row at most, taken or skipped, and no row is wider than its heading.
            let taken: Vec<u64> = sheet.rows.iter().map(|(line, _)| *line).collect();
            let skipped: Vec<u64> = sheet.skipped.iter().map(|row| row.line).collect();
            assert!(taken.is_sorted_by(|a, b| a < b) && skipped.is_sorted_by(|a, b| a < b));
            assert!(taken.iter().all(|line| skipped.binary_search(line).is_err()));
            assert!(sheet.rows.iter().all(|(_, row)| row.len() <= sheet.heading.len()));
        })
    });
});
