//! Surroundings that programs rarely meet: a directory that is gone, a limit on files, an address that is no server's.

use std::process::Output;

use super::*;

/// Runs `script` in bash with the program as `$1`, a folder for runs as `$2` and one of DICOM images as `$3`.
fn bash(script: &str) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut bash = Command::new("bash");
    bash.args(["-c", script, "bash", env!("CARGO_BIN_EXE_chestxr-tui")]).arg(folder.path().join("runs"));
    bash.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/dicom"));
    bash.current_dir(folder.path()).env("HOME", folder.path()).env_remove("MLFLOW_TRACKING_URI");
    bash.output().expect("bash runs")
}

#[test]
fn a_working_directory_that_is_gone_is_said() {
    let output = bash("mkdir gone && cd gone && rmdir ../gone && exec \"$1\" --no-ui --runs-dir \"$2\"");
    let said = stderr(&output);
    assert!(said.contains("the working directory no longer exists") && said.lines().count() == 1, "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_limit_on_the_size_of_files_ends_in_a_sentence() {
    let train = "exec \"$1\" --no-ui --runs-dir \"$2\" --data phantom:120 --device cpu --set data.size=32 \
                 --set optimizer.epochs=1";
    let output = bash(&format!("ulimit -f 2000; {train}"));
    let said = stderr(&output);
    assert!(said.contains("File too large"), "{said}");
    assert_eq!(output.status.code(), Some(1), "{said}");
}

#[test]
fn a_batch_that_memory_does_not_hold_is_answered_with_one_that_it_holds() {
    // 2.8 GB of addresses; 1,536 images of 64 px need more for ChestNetS.
    let train = |batch: &str| {
        bash(&format!(
            "ulimit -v 2800000; exec \"$1\" --no-ui --runs-dir \"$2\" --data phantom:2600 --device cpu \
             --set run.threads=1 --set optimizer.epochs=1 --set optimizer.batch_size={batch}"
        ))
    };
    let refused = train("1536");
    let said = stderr(&refused);
    assert!(said.contains("there is too little memory") && said.lines().count() == 1, "{said}");
    assert_eq!(refused.status.code(), Some(1), "{said}");
    let batch = said.trim().strip_suffix(" fits").and_then(|said| said.rsplit_once("optimizer.batch_size="));
    let (_, batch) = batch.expect(&said);
    let trained = train(batch);
    assert_eq!(trained.status.code(), Some(0), "a batch of {batch}: {}", stderr(&trained));
}

#[test]
fn an_address_that_is_no_servers_is_said_at_the_start() {
    let output = bash(
        "MLFLOW_TRACKING_URI=databricks exec \"$1\" --no-ui --runs-dir \"$2\" --data phantom:120 --device cpu \
         --set data.size=32 --set optimizer.epochs=1",
    );
    let said = stderr(&output);
    assert!(said.starts_with("MLFLOW_TRACKING_URI names no server"), "{said}");
    assert_eq!(output.status.code(), Some(0), "{said}");
}

/// A network file system without locks answers every attempt to lock as this stand-in for the system call does.
#[test]
fn without_locks_images_are_cached_and_runs_are_trained_and_evaluated() {
    let output = bash(
        r#"set -e
        cat > none.c << 'END'
            #include <errno.h>
            int flock(int file, int how) { (void)file; (void)how; errno = ENOLCK; return -1; }
END
        cc -shared -fPIC -o none.so none.c
        export LD_PRELOAD=$PWD/none.so
        if flock none.c true 2> /dev/null; then echo "locks are there"; fi
        number=0
        echo path,mass,split > table.csv
        for image in "$3"/*_odd.dcm; do
            splits=(train val test)
            echo "$image,$((number / 3 % 2)),${splits[number % 3]}" >> table.csv
            number=$((number + 1))
        done
        for run in first second; do
            "$1" --no-ui --runs-dir "$2" --data csv:table.csv --device cpu --set data.size=32 --set optimizer.epochs=1 > $run
        done
        "$1" evaluate last --runs-dir "$2" --device cpu --bootstrap 20 > evaluated
        find "$HOME" -name images.u8
        find "$HOME" -name '*.part'
        ls "$2" | wc -l"#,
    );
    let (said, listed) = (stderr(&output), stdout(&output));
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(!listed.contains("locks are there"), "{listed}");
    assert_eq!(listed.matches("images.u8").count(), 1, "{listed}");
    assert!(listed.ends_with("\n2\n") && !listed.contains(".part"), "{listed}");
}
