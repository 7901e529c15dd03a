//! Clicks and the wheel, as a terminal reports them (SGR, 1-based).

use super::home::Home;
use crate::support::pty::PtySession;

/// Where `text` is on the screen: column and row from 1.
fn place(session: &PtySession, text: &str) -> (u16, u16) {
    let shown = session.text();
    let found = shown.lines().enumerate().find_map(|(row, line)| {
        let at = line.find(text)?;
        Some((line[..at].chars().count() as u16 + 1, row as u16 + 1))
    });
    found.unwrap_or_else(|| panic!("no {text:?} on the screen:\n{shown}"))
}

fn click(session: &PtySession, (column, row): (u16, u16)) {
    session.press(&format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m"));
}

#[test]
fn screens_rows_the_bottom_line_and_dialogs_answer_clicks_and_the_wheel_what_is_under_it() {
    let home = Home::with_runs();
    let mut session = home.start((120, 34), &[]);
    session.wait_text("1 DATA");
    click(&session, place(&session, "6 Runs"));
    session.wait_text("6 RUNS");
    let runs = home.all_runs();
    let (newest, oldest) = (Home::short(&runs[0]), Home::short(&runs[1]));
    session.wait_text(&oldest);
    // The details below are of the row under the cursor.
    let chosen = |short: &str| format!("✓ {short} ─");
    session.wait_text(&chosen(&newest));
    let (column, row) = place(&session, &format!(" {oldest} "));
    click(&session, (column, row));
    session.wait_text(&chosen(&oldest));
    // The wheel, over the list: one up.
    session.press(&format!("\x1b[<64;{column};{row}M"));
    session.wait_text(&chosen(&newest));
    session.press(&format!("\x1b[<65;{column};{row}M"));
    session.wait_text(&chosen(&oldest));

    session.press("d");
    session.wait_text("Delete 2");
    click(&session, place(&session, "Esc keep"));
    session.wait_until("the question's end", |session| !session.text().contains("Delete 2"));
    assert!(runs[1].is_dir());
    session.press("d");
    session.wait_text("Delete 2");
    click(&session, place(&session, "Enter delete"));
    session.wait_text("U puts it back");
    assert!(!runs[1].exists());
    session.press("U");
    session.wait_text("is back");
    click(&session, place(&session, "q quit"));
    assert_eq!(session.wait_exit(), 0);
}
