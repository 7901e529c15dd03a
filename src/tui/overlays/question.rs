//! Questions before a run is ended or deleted, and the notices while the program waits.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel, middle, row};
use crate::tui::jobs::lane::Lane;
use crate::tui::widgets::text::sentences;
use crate::tui::widgets::text::wrap;

/// Stop the run?
pub fn stop(app: &App, area: Rect, canvas: &mut Canvas) {
    if app.run.as_ref().is_some_and(|run| run.searching) {
        let text = "The losses measured so far are discarded.";
        return draw_question("Stop the learning-rate finder?", text, "stop it", "continue", area, canvas);
    }
    let text = "It ends after this step with a checkpoint; best and last weights are saved.";
    draw_question(&format!("Stop {}?", name(app)), text, "stop it", "continue", area, canvas);
}

/// Put the next run into the queue?
pub fn queue(app: &App, area: Rect, canvas: &mut Canvas) {
    let ahead = match app.runs.queue.waiting.len() {
        0 => String::new(),
        1 => " after the one that waits already".to_owned(),
        count => format!(" after the {count} that wait already"),
    };
    let text = format!("{} is active. The next one starts when it ends{ahead}.", capital(&name(app)));
    draw_question("Queue the next run?", &text, "queue it", "don't", area, canvas);
}

/// Delete runs?
pub fn delete(app: &App, area: Rect, canvas: &mut Canvas) {
    if let Some(waiting) = &app.runs.doomed_waiting {
        let run = match &waiting.config {
            Ok(config) if config.run.name.is_empty() => {
                format!("{} on {}", config.model.arch.name(), config.data.source)
            }
            Ok(config) => config.run.name.clone(),
            Err(_) => format!("number {}", waiting.number),
        };
        let text = format!("{}: its settings are not saved anywhere else.", crate::text::one_line(&run, 80));
        return draw_question("Remove it from the queue?", &text, "remove", "keep", area, canvas);
    }
    let Some((doomed, bytes)) = &app.runs.doomed else { return };
    let frees = bytes.map_or("What that frees is being counted.".to_owned(), |bytes| {
        format!("{} are freed when you leave.", crate::text::bytes(bytes))
    });
    let title = match doomed.as_slice() {
        [one] => match app.runs.find(one) {
            Some(run) => format!("Delete {}?", crate::text::one_line(run.id.as_str(), 44)),
            None => "Delete the run?".to_owned(),
        },
        several => format!("Delete the {} marked runs?", several.len()),
    };
    let which = match doomed.as_slice() {
        [_] => String::new(),
        several => {
            let ids = several.iter().filter_map(|path| app.runs.find(path)).map(|run| run.id.short());
            format!("{}. ", ids.collect::<Vec<_>>().join(", "))
        }
    };
    let text =
        format!("{which}{frees} Until then U puts {} back.", if doomed.len() == 1 { "it" } else { "each" });
    draw_question(&title, &text, "delete", "keep", area, canvas);
}

/// Stop the run and leave?
pub fn leave(app: &App, area: Rect, canvas: &mut Canvas) {
    let text = format!("{} is active. It is stopped and saved before the program ends.", capital(&name(app)));
    draw_question("Stop and leave?", &text, "stop, save and leave", "stay", area, canvas);
}

/// The run is being saved.
pub fn saving(app: &App, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let popup = middle(area, 56, 6);
    let inner = canvas.popup(popup, &Panel { title: "saving", focused: true, ..Panel::default() });
    let lines = [
        Line::styled(format!("Stopping and saving {} …", name(app)), theme.strong()),
        Line::styled("Ctrl-C leaves without waiting.", theme.muted()),
    ];
    sentences(inner, &lines, canvas);
}

/// Jobs are waited for before the program ends.
pub fn leaving(lanes: &[Lane], area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let popup = middle(area, 56, 6);
    let inner = canvas.popup(popup, &Panel { title: "leaving", focused: true, ..Panel::default() });
    let labels: Vec<_> = lanes.iter().map(|lane| lane.label()).collect();
    let lines = [
        Line::styled(format!("Waiting for: {} …", labels.join(", ")), theme.strong()),
        Line::styled("q or Ctrl-C leaves without waiting.", theme.muted()),
    ];
    sentences(inner, &lines, canvas);
}

fn draw_question(title: &str, text: &str, yes: &str, no: &str, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let popup = middle(area, 60, 7);
    let inner = canvas.popup(popup, &Panel { title, focused: true, ..Panel::default() });
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let top = u16::from(inner.height > 4);
    for (index, line) in
        wrap(&Line::styled(text.to_owned(), theme.text()), usize::from(inner.width)).iter().enumerate()
    {
        canvas.line(row(inner, top + index as u16), line);
    }
    let mut line = row(inner, inner.height.saturating_sub(1));
    for (key, label, action) in [("Enter", yes, Action::Accept), ("Esc", no, Action::Back)] {
        let answer = Line::from(vec![
            Span::styled(key, theme.accent()),
            Span::styled(format!(" {label}"), theme.text()),
        ]);
        let used = canvas.line(line, &answer);
        canvas.click(Rect { width: used, ..line }, action);
        line = Rect { x: line.x + used + 4, width: line.width.saturating_sub(used + 4), ..line };
    }
}

fn name(app: &App) -> String {
    match app.run.as_ref().and_then(|run| run.info.as_ref()) {
        Some(info) => format!("run {}", info.id.short()),
        None => "the run".to_owned(),
    }
}

pub(in crate::tui) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
