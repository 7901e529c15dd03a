//! What the images are of, and what a check found wrong with them.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::dataset::check::Severity;
use crate::dataset::stats::percent;
use crate::text::one_line;
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel, row};
use crate::tui::format::count;
use crate::tui::screens::data::state::{DataView, Found, Group};
use crate::tui::theme::Theme;
use crate::tui::widgets::gauge::bar;
use crate::tui::widgets::text::wrap;

/// Columns of a group's name.
const NAME: u16 = 14;
/// Problems above, demographics below, where the source has them.
pub fn render(app: &App, view: &DataView, area: Rect, canvas: &mut Canvas) {
    let groups = view.people(app.data.split);
    let below = if groups.is_empty() || area.height < 16 {
        0
    } else {
        (groups.len() as u16 + 2).min(area.height / 2)
    };
    let upper = Rect { height: area.height - below, ..area };
    findings(app, view, upper, canvas);
    if below > 0 {
        people(app, groups, Rect { y: upper.bottom(), height: below, ..area }, canvas);
    }
}

/// Sign, colour and word of how bad a finding is.
fn mark(severity: Severity, theme: &Theme) -> (char, Style) {
    match severity {
        Severity::Problem => ('✗', theme.bad()),
        Severity::Warning => ('!', theme.warning()),
        Severity::Note => ('·', theme.muted()),
    }
}

fn findings(app: &App, view: &DataView, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let bottom = Line::styled("chestxr-tui data check names the images", theme.muted());
    let right = Line::styled(summary(app), theme.muted());
    let inner = canvas.panel(area, &Panel { title: "check", right, bottom, ..Panel::default() });
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let mut lines: Vec<(Span, Line)> = Vec::new();
    let mut say = |sign: char, style: Style, text: &str, words: Style| {
        let text = one_line(text, 600);
        for (place, line) in wrap(&Line::styled(text, words), usize::from(inner.width.saturating_sub(2)))
            .into_iter()
            .enumerate()
        {
            let sign = if place == 0 { sign } else { ' ' };
            lines.push((Span::styled(sign.to_string(), style), line));
        }
    };
    match &app.data.report {
        Found::Ready(report) => {
            for finding in &report.findings {
                let (sign, style) = mark(finding.severity, theme);
                say(sign, style, &format!("{}: {}", finding.severity.name(), finding.sentence), theme.text());
            }
            if report.findings.is_empty() {
                say('✓', theme.good(), "no problems found", theme.text());
            }
            for reason in &report.not_looked_at {
                say('·', theme.muted(), &format!("not checked: {reason}"), theme.muted());
            }
        }
        Found::Busy | Found::Unasked => say('…', theme.muted(), "checking all images", theme.text()),
    }
    if let Some(entry) = view.dataset.source().registry_entry()
        && !entry.warning.is_empty()
    {
        say('!', theme.warning(), &entry.warning, theme.muted());
    }
    for note in view.dataset.notes() {
        say('·', theme.muted(), note, theme.muted());
    }
    for (place, (sign, line)) in lines.into_iter().enumerate().take(usize::from(inner.height)) {
        let here = row(inner, place as u16);
        canvas.line(Rect { width: 1, ..here }, &Line::from(sign));
        canvas.line(Rect { x: here.x + 2, width: here.width.saturating_sub(2), ..here }, &line);
    }
}

/// The findings in a few words.
pub fn summary(app: &App) -> String {
    match &app.data.report {
        Found::Unasked => "v runs it".to_owned(),
        Found::Busy => "checking …".to_owned(),
        Found::Ready(report) => {
            let many = |severity: Severity| {
                report.findings.iter().filter(|finding| finding.severity == severity).count()
            };
            let said: Vec<String> = [Severity::Problem, Severity::Warning, Severity::Note]
                .into_iter()
                .filter(|severity| many(*severity) > 0)
                .map(|severity| match many(severity) {
                    1 => format!("1 {}", severity.name()),
                    more => format!("{more} {}s", severity.name()),
                })
                .collect();
            if said.is_empty() { "nothing wrong".to_owned() } else { said.join(", ") }
        }
    }
}

fn people(app: &App, groups: &[Group], area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let title = app.data.split.map_or("images by view, sex and age".to_owned(), |split| {
        format!("{split} images by view, sex and age")
    });
    let right = Line::styled("images   % normal", theme.muted());
    let inner = canvas.panel(area, &Panel { title: &title, right, ..Panel::default() });
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let most = groups.iter().map(|group| group.images).max().unwrap_or(1).max(1);
    for (place, Group { name, images, normal }) in groups.iter().enumerate().take(usize::from(inner.height)) {
        let line = row(inner, place as u16);
        canvas.text(Rect { width: NAME, ..line }, name, theme.text());
        let room = line.width.saturating_sub(NAME + 20);
        bar(
            canvas,
            Rect { x: line.x + NAME + 1, width: room, ..line },
            *images as f64 / most as f64,
            theme.bar(),
        );
        let share = percent(*normal, *images).map_or(String::new(), |share| format!("{share:.1}"));
        canvas.right(line, &Line::styled(format!("{:>9} {share:>8}", count(*images)), theme.text()));
    }
}
