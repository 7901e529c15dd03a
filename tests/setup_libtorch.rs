//! The set-up script has its own tests, in its own language: here they join `cargo test`.

use std::path::Path;
use std::process::Command;

#[test]
fn the_set_up_of_libtorch_keeps_its_promises() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/setup_libtorch.py");
    let output = match Command::new("python3").arg(&tests).arg("--verbose").output() {
        Ok(output) => output,
        Err(error) => {
            // `make test` has looked for it; without make, libtorch was set up in another way.
            eprintln!("skipped: python3 doesn't run ({error})");
            return;
        }
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} failed:\n{said}", tests.display());
    // A file that ran none would succeed too.
    assert!(said.contains("... ok"), "{} ran no test:\n{said}", tests.display());
}
