//! The train screen: curves at the left, the run and its progress at the right, what happened below.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::config::RunConfig;
use crate::dataset::labels::LabelSet;
use crate::runs::RunState;
use crate::train::{Level, Phase, Progress};
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel, row};
use crate::tui::format::{count, fixed, rate};
use crate::tui::screens::train::action::TrainAction;
use crate::tui::screens::train::curves::Curves;
use crate::tui::screens::train::progress::{self, SETTINGS_HEIGHT};
use crate::tui::widgets::text::sentences;
use crate::tui::widgets::text::state_mark;

/// Draws the screen.
pub fn render(app: &App, area: Rect, canvas: &mut Canvas) {
    if area.width < 40 || area.height < 9 {
        return tiny(app, area, canvas);
    }
    if area.width < 100 {
        return narrow(app, area, canvas);
    }
    let side = if area.width >= 150 { 52 } else { 44 };
    let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(side)]).areas(area);
    let log = (area.height / 4).clamp(3, 14);
    let [charts, log] = Layout::vertical([Constraint::Fill(1), Constraint::Length(log)]).areas(left);
    curves(app, charts, canvas);
    log_panel(app, log, canvas);
    let [settings, progress, rest] =
        Layout::vertical([Constraint::Length(SETTINGS_HEIGHT), Constraint::Length(9), Constraint::Fill(1)])
            .areas(right);
    run_panel(app, settings, canvas);
    progress::progress(app, progress, canvas);
    if rest.height >= 4 {
        let set = LabelSet::default();
        let (labels, epochs) = match &app.run {
            Some(run) => (run.info.as_ref().map_or(&set, |info| &info.labels), run.conditions.as_slice()),
            None => (&set, [].as_slice()),
        };
        progress::conditions(labels, epochs, rest, canvas);
    }
}

/// Two charts, progress and settings, and the log in the remaining room.
fn narrow(app: &App, area: Rect, canvas: &mut Canvas) {
    let below = if area.height >= 20 { 7 } else { 5 };
    let log = if area.height >= 16 { 4 } else { 0 };
    let [charts, middle, log] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(below), Constraint::Length(log)])
            .areas(area);
    curves(app, charts, canvas);
    let [progress, settings] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(middle);
    progress::progress(app, progress, canvas);
    run_panel(app, settings, canvas);
    if log.height > 0 {
        log_panel(app, log, canvas);
    }
}

/// Where nothing else fits: the state and the last line of the log.
fn tiny(app: &App, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let Some(run) = &app.run else {
        canvas.text(row(area, 0), "no run yet: s starts one", theme.text());
        return;
    };
    let (word, state) = run.word(&app.progress);
    let (mark, style) = state_mark(state, theme);
    let line = format!("{mark} {word} {}/{}", app.progress.epoch, app.progress.epochs);
    canvas.text(row(area, 0), &line, style);
    let lines = usize::from(area.height.saturating_sub(1));
    for (index, line) in app.log.tail(lines).enumerate() {
        let text = crate::text::one_line(&line.text, usize::from(area.width));
        canvas.text(row(area, index as u16 + 1), &text, theme.muted());
    }
}

fn curves(app: &App, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let (strong, text) = (theme.strong(), theme.text());
    match &app.run {
        None => {
            let inner = canvas.panel(area, &Panel { title: "no run yet", ..Panel::default() });
            let mut lines = vec![
                Line::styled("Press s to train with these settings, e to change them first.", strong),
                Line::default(),
            ];
            lines.extend(plan(app.form.current()).into_iter().map(|line| Line::styled(line, text)));
            match app.form.problem() {
                Some(problem) => {
                    lines.extend([Line::default(), Line::styled(problem.to_owned(), theme.bad())])
                }
                None => {
                    let warnings = app.form.current().warnings();
                    lines.extend(warnings.into_iter().map(|line| Line::styled(line, theme.warning())));
                }
            }
            sentences(inner, &lines, canvas);
        }
        Some(run) if run.info.is_none() => {
            let failed = run.ending.as_ref();
            let searching = app.progress.phase == Phase::Searching;
            let title = match failed {
                Some(_) => "the run couldn't start",
                None if searching => "learning rates",
                None => "loading",
            };
            let inner = canvas.panel(area, &Panel { title, ..Panel::default() });
            let lines = match failed {
                Some(ending) => vec![
                    Line::styled(ending.reason.clone(), theme.bad()),
                    Line::default(),
                    Line::styled("e changes the settings, s tries again.", text),
                ],
                None if searching => {
                    let Progress { done, total, lr, loss, .. } = &app.progress;
                    vec![
                        Line::styled(format!("Trying learning rates: {done} of {total}"), strong),
                        Line::default(),
                        Line::styled(format!("rate {}   loss {}", rate(*lr), fixed(*loss, 4)), text),
                        Line::styled("The curve appears at the end; x ends it before.", theme.muted()),
                    ]
                }
                None if app.progress.total > 0 => {
                    let Progress { done, total, .. } = app.progress;
                    let [done, total] = [done, total].map(|count| crate::text::bytes(count as u64));
                    vec![Line::styled(format!("Fetching weights: {done} of {total}"), strong)]
                }
                None => vec![
                    Line::styled(format!("Reading {} …", crate::text::one_line(&run.source, 60)), strong),
                    Line::default(),
                    Line::styled("The curves begin with the end of the first epoch.", theme.muted()),
                ],
            };
            sentences(inner, &lines, canvas);
        }
        Some(run) => {
            let curves = Curves {
                epochs: &run.epochs,
                best: run.best.as_ref(),
                view: &app.charts,
                empty: if run.is_on() { "after the first epoch" } else { "ended before an epoch was done" },
            };
            curves.render(area, canvas);
        }
    }
}

/// The settings of a run in sentences.
fn plan(config: &RunConfig) -> Vec<String> {
    let limit = match config.data.limit {
        0 => String::new(),
        limit => format!(", at most {} images", count(limit)),
    };
    vec![
        format!(
            "{} on {} at {} px{limit}",
            config.model.arch,
            crate::text::one_line(&config.data.source, 60),
            config.data.size
        ),
        format!(
            "{} epochs at most, batches of {}, {} from {}",
            config.optimizer.epochs,
            config.optimizer.batch_size,
            config.optimizer.kind,
            rate(config.optimizer.lr)
        ),
    ]
}

fn run_panel(app: &App, area: Rect, canvas: &mut Canvas) {
    let info = app.run.as_ref().and_then(|run| run.info.as_ref());
    match (&app.run, info) {
        (Some(run), Some(info)) => {
            let (before, now) =
                run.rate_change.map_or((None, info.config.optimizer.lr), |(from, to)| (Some(from), to));
            progress::settings("run", &info.config, Some(info), (now, before), area, canvas);
        }
        _ => {
            let config = app.form.current();
            progress::settings("next run", config, None, (config.optimizer.lr, None), area, canvas);
        }
    }
}

fn log_panel(app: &App, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let ended = app.run.as_ref().and_then(|run| run.ending.as_ref()).map(|ending| ending.state);
    let right = match (app.log.back, ended) {
        (0, Some(state)) => {
            let (mark, style) = state_mark(state, theme);
            Line::styled(format!("{mark} {state}"), style)
        }
        (0, None) => Line::default(),
        (back, _) => Line::styled(format!("{back} newer, PgDn"), theme.warning()),
    };
    let focused = ended == Some(RunState::Failed);
    let inner = canvas.panel(area, &Panel { title: "log", right, focused, ..Panel::default() });
    canvas.wheel(area, [Action::Train(TrainAction::LogUp), Action::Train(TrainAction::LogDown)]);
    if app.log.is_empty() {
        canvas.text(
            Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..row(inner, 0) },
            "what happens is written here",
            theme.muted(),
        );
    }
    for (index, line) in app.log.tail(usize::from(inner.height)).enumerate() {
        let area = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..row(inner, index as u16) };
        let (sign, style) = match line.level {
            Level::Info => ("", theme.text()),
            Level::Warning => ("! ", theme.warning()),
            Level::Error => ("✗ ", theme.bad()),
        };
        let room = usize::from(area.width).saturating_sub(10);
        let line = Line::from(vec![
            Span::styled(format!("{}  ", line.time), theme.muted()),
            Span::styled(crate::text::one_line(&format!("{sign}{}", line.text), room.max(1)), style),
        ]);
        canvas.line(area, &line);
    }
}
