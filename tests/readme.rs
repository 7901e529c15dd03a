//! The README's tables are the program's own: keys from the keymap, settings from the table of fields.
//! `UPDATE_README=1 cargo test --test readme` writes them anew.

use std::path::Path;

use chestxr_tui::config::RunConfig;
use chestxr_tui::tui::keymap;

fn holds(name: &str, table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).expect("README.md");
    let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->"));
    let start = readme.find(&begin).unwrap_or_else(|| panic!("README.md lacks {begin}")) + begin.len();
    let stop = readme.find(&end).unwrap_or_else(|| panic!("README.md lacks {end}"));
    if std::env::var_os("UPDATE_README").is_some() {
        let updated = format!("{}{table}{}", &readme[..start], &readme[stop..]);
        std::fs::write(&path, updated).expect("README.md is written");
        return;
    }
    assert_eq!(
        &readme[start..stop],
        table,
        "run UPDATE_README=1 cargo test --test readme -- --test-threads 1"
    );
}

#[test]
fn the_keys_of_the_readme_are_the_keys_of_the_program() {
    holds("keys", &keymap::markdown());
}

#[test]
fn the_settings_of_the_readme_are_the_settings_of_the_program() {
    holds("settings", &RunConfig::markdown());
}
