//! The form of settings: what is typed and pasted lands in the chosen setting and starts nothing.

use super::home::Home;

#[test]
fn letters_and_paste_edit_the_chosen_setting_and_only_its_own_key_starts_a_run() {
    let home = Home::with_runs();
    let mut session = home.start((120, 34), &["--set", "optimizer.epochs=1"]);
    session.press("2");
    session.wait_text("2 TRAIN");
    session.press("e");
    session.wait_text("settings of the next run");
    // Down to `name`, the eighth of the main settings; each letter is a command elsewhere.
    session.press("\x1b[B".repeat(7).as_str());
    session.press("second");
    session.wait_text("second");
    session.press("\r");
    session.wait_text("• name               second");
    assert_eq!(home.all_runs().len(), 2, "no run was started");
    // A paste of several lines, as a terminal sends it: one line, no command, no start.
    session.press("\r");
    session.press("\x1b[200~-trial\nq\x13\x1b[201~");
    session.wait_text("second-trial q");
    session.press("\r");
    session.wait_text("• name               second-trial q");
    assert_eq!(home.all_runs().len(), 2, "no run was started");
    session.press("\x13");
    session.wait_text("finished");
    let settings = std::fs::read_to_string(home.all_runs()[0].join("run.toml")).expect("settings");
    assert!(settings.contains("name = \"second-trial q\""), "{settings}");
    session.press("q");
    assert_eq!(session.wait_exit(), 0);
}

#[test]
fn a_value_that_can_not_be_is_told_beside_it_and_escape_leaves_it() {
    let home = Home::with_runs();
    let mut session = home.start((120, 34), &[]);
    session.press("2");
    session.wait_text("2 TRAIN");
    session.press("e");
    session.wait_text("settings of the next run");
    session.press("nowhere");
    session.wait_text("`nowhere` names no data source");
    session.press("\x13");
    session.wait_text("`nowhere` names no data source");
    assert_eq!(home.all_runs().len(), 2, "no run was started");
    session.press("\x1b");
    session.wait_text("source             phantom:300");
    session.press("\x1b");
    session.wait_until("the form's end", |session| !session.text().contains("settings of the next run"));
    session.press("q");
    assert_eq!(session.wait_exit(), 0);
}
