//! What the run is and how far it is: settings, gauges, speed, and each condition's AUROC.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::{PosWeight, Precision, RunConfig, ScheduleKind};
use crate::dataset::labels::LabelSet;
use crate::runs::RunState;
use crate::text::{bytes, clock, counted, one_line};
use crate::train::{Phase, Progress, RunInfo, Shares};
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel, row};
use crate::tui::format::{NONE, count, fixed, parameters, percent, rate};
use crate::tui::screens::train::live::LiveRun;
use crate::tui::widgets::chart::spark;
use crate::tui::widgets::gauge::{gauge, steps};
use crate::tui::widgets::text::wrap;

/// Rows of the settings panel, its frame included.
pub const SETTINGS_HEIGHT: u16 = 7;

/// What a run is, or would be: `info` is there once it has started.
pub fn settings(
    title: &str,
    config: &RunConfig,
    info: Option<&RunInfo>,
    rates: (f64, Option<f64>),
    area: Rect,
    canvas: &mut Canvas,
) {
    let theme = canvas.theme;
    let name = info.map_or_else(
        || one_line(&config.run.name, 24),
        |info| one_line(&format!("{} {}", config.run.name, info.id.short()), 24),
    );
    let inner = canvas.panel(
        area,
        &Panel { title, right: Line::styled(name.trim().to_owned(), theme.muted()), ..Panel::default() },
    );
    let (now, before) = rates;
    let lr = match before {
        Some(before) if rate(before) != rate(now) => format!("{} → {}", rate(before), rate(now)),
        _ => rate(now),
    };
    let schedule = match config.schedule.kind {
        ScheduleKind::None => "constant",
        other => other.name(),
    };
    let size = info.map_or_else(
        || format!("{} px", config.data.size),
        |info| match info.image_size {
            [height, width] if height == width => format!("{height} px"),
            [height, width] => format!("{height}x{width} px"),
        },
    );
    let loss = match config.loss.pos_weight {
        PosWeight::None => config.loss.kind.to_string(),
        weight => format!("{} weight {weight}", config.loss.kind),
    };
    let start = match config.model.pretrained.as_str() {
        "none" => String::new(),
        from => format!("from {}", one_line(from, 16)),
    };
    let pairs = [
        (
            config.model.arch.to_string(),
            info.map_or(String::new(), |info| format!("{} params", parameters(info.parameters))),
        ),
        (
            format!(
                "{} {size}",
                one_line(&config.data.source, usize::from(inner.width).saturating_sub(24).max(8))
            ),
            info.map_or(String::new(), |info| format!("{} images", count(info.images[0]))),
        ),
        (
            format!("{} {lr} {schedule}", config.optimizer.kind),
            match config.run.precision {
                // Not decided before a run starts.
                Precision::Auto => format!("batch {} · precision auto", config.optimizer.batch_size),
                chosen => format!("batch {} {chosen}", config.optimizer.batch_size),
            },
        ),
        (format!("augment {}", config.augment.preset), loss),
        (
            info.map_or_else(
                || format!("on {}", config.run.device),
                |info| format!("on {}, {}", info.device, counted(info.threads, "thread", "threads")),
            ),
            start,
        ),
    ];
    for (index, (left, right)) in pairs.iter().enumerate() {
        let line = padded(row(inner, index as u16));
        let used = canvas.text(line, left, theme.text());
        let rest = Rect { x: line.x + used, width: line.width - used, ..line };
        canvas.right(rest, &Line::styled(right.as_str(), theme.muted()));
    }
}

/// How far the run is, in up to eight rows.
pub fn progress(app: &App, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let inner = canvas.panel(area, &Panel { title: "progress", ..Panel::default() });
    let Some(run) = &app.run else {
        let idle = row(inner, inner.height.saturating_sub(1) / 2);
        canvas.centre(idle, &Line::styled("nothing is running", theme.muted()));
        return;
    };
    let progress = &app.progress;
    let lines: Vec<Row> = rows(run, progress, app.pass, usize::from(padded(inner).width));
    for (index, line) in lines.iter().enumerate() {
        line.render(padded(row(inner, index as u16)), canvas);
    }
}

/// A row of the progress panel.
enum Row {
    Gauge { name: &'static str, share: f64, tail: String },
    Wait { done: usize, of: usize },
    Pair(String, String),
    Text(Line<'static>),
}

/// Rows that the reason of an end may take.
const REASON_ROWS: usize = 3;

/// The rows of the panel, the most telling first, `width` columns wide. `pass`: what the run is in the middle
/// of, when it is paused.
fn rows(run: &LiveRun, progress: &Progress, pass: Phase, width: usize) -> Vec<Row> {
    let phase = if progress.phase == Phase::Paused { pass } else { progress.phase };
    let of = |part: f64, whole: f64| if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 };
    let wait =
        run.info.as_ref().map(|info| &info.config.early_stopping).filter(|stopping| stopping.enabled).map(
            |stopping| Row::Wait {
                done: run.epochs.last().map_or(0, |record| record.wait_count),
                of: stopping.patience,
            },
        );
    let memory = if progress.memory == 0 { NONE.to_owned() } else { bytes(progress.memory) };
    if let Some(ending) = &run.ending {
        let epochs = run.info.as_ref().map_or(0, |info| info.config.optimizer.epochs);
        let share = of(run.epochs.len() as f64, epochs as f64);
        let speed = run.epochs.last().map_or(0.0, |record| record.images_per_second);
        let mut rows = vec![Row::Gauge { name: "run", share, tail: String::new() }];
        // Why a run failed needs the room; its waiting came to nothing.
        rows.extend(wait.filter(|_| ending.state != RunState::Failed));
        rows.extend(reason(&format!("{}: {}", ending.state, ending.reason), width).map(Row::Text));
        let best = run.best.as_ref().map_or(NONE.to_owned(), |best| {
            format!("{} {} @{}", best.metric, fixed(Some(best.value), 4), best.epoch)
        });
        rows.push(Row::Pair("best".into(), best));
        rows.push(Row::Pair("test macro AUROC".into(), fixed(run.tested, 4)));
        rows.push(Row::Pair(
            format!("took {}", clock(progress.elapsed)),
            format!("{} images/s", whole(speed)),
        ));
        return rows;
    }
    let pass = of(progress.done as f64, progress.total as f64);
    if phase == Phase::Searching {
        return vec![
            Row::Gauge { name: "rates", share: pass, tail: String::new() },
            Row::Pair(
                format!("{} of {} tried", progress.done, progress.total),
                format!("loss {}", fixed(progress.loss, 4)),
            ),
            Row::Pair("rate".to_owned(), rate(progress.lr)),
        ];
    }
    let pass_name = match phase {
        Phase::Validating => "val",
        Phase::Testing => "test",
        _ => "epoch",
    };
    let eta = |eta: Option<f64>| eta.map_or(NONE.to_owned(), clock);
    // Training is a pass over the images; validation after it belongs to the same epoch.
    let done = match phase {
        // A pause that was not observed from its start: it is in an epoch.
        Phase::Training | Phase::Paused | Phase::Idle | Phase::Loading => {
            progress.epoch.saturating_sub(1) as f64 + pass
        }
        _ => progress.epoch as f64,
    };
    let mut rows = vec![
        Row::Gauge { name: pass_name, share: pass, tail: eta(progress.epoch_eta) },
        Row::Gauge { name: "run", share: of(done, progress.epochs as f64), tail: eta(progress.run_eta) },
    ];
    rows.extend(wait);
    let [compute, others] = time_shares(&progress.shares);
    rows.push(Row::Pair(format!("{} images/s", whole(progress.images_per_second)), compute));
    rows.push(Row::Pair(
        format!("step {} of {}", count(progress.done), count(progress.total)),
        format!("loss {}", fixed(progress.loss, 4)),
    ));
    rows.push(Row::Pair(format!("elapsed {}", clock(progress.elapsed)), others));
    rows.push(match progress.device_memory {
        Some([used, total]) => {
            Row::Pair(format!("GPU {} of {}", bytes(used), bytes(total)), format!("memory {memory}"))
        }
        None => Row::Pair(format!("memory {memory}"), format!("lr {}", rate(progress.lr))),
    });
    rows
}

/// Where the time of a step goes: computing, and the rest. The order never changes, so that the eye finds each share
/// again.
fn time_shares(shares: &Shares) -> [String; 2] {
    // Before the first step nothing is measured, and nothing is not a share.
    if shares.named().iter().all(|(_, share)| *share == 0.0) {
        return [format!("compute {NONE}"), String::new()];
    }
    let said = |name: &str, share: f64| format!("{name} {}", percent(share));
    let rest = [("data", shares.data), ("metrics", shares.metrics), ("save", shares.checkpoint)];
    let rest = rest.map(|(name, share)| said(name, share)).join(" ");
    [said("compute", shares.compute), rest]
}

/// A reason in up to three rows, the last one ending in `…` where there is more.
fn reason(text: &str, width: usize) -> impl Iterator<Item = Line<'static>> {
    let rows: Vec<String> =
        wrap(&Line::from(text.to_owned()), width).iter().map(ToString::to_string).collect();
    let kept = rows.len().min(REASON_ROWS);
    let last = rows[kept.saturating_sub(1)..].join(" ");
    let head: Vec<String> = rows.into_iter().take(kept.saturating_sub(1)).collect();
    head.into_iter().chain([one_line(&last, width)]).map(Line::from)
}

/// A speed in whole images.
fn whole(speed: f64) -> String {
    count(speed.round().max(0.0) as usize)
}

impl Row {
    fn render(&self, area: Rect, canvas: &mut Canvas) {
        let theme = canvas.theme;
        match self {
            Self::Text(line) => {
                canvas.line(area, &line.clone().style(theme.text()));
            }
            Self::Gauge { name, share, tail } => {
                canvas.text(area, name, theme.muted());
                let tail = Line::from(vec![
                    Span::styled(format!("{:>4}", percent(*share)), theme.strong()),
                    Span::styled(format!("{tail:>9}"), theme.muted()),
                ]);
                if area.width > 24 {
                    canvas.right(area, &tail);
                    let bar = Rect { x: area.x + 6, width: area.width - 6 - 14, ..area };
                    gauge(canvas, bar, *share, theme.bar());
                }
            }
            Self::Wait { done, of } => {
                canvas.text(area, "wait", theme.muted());
                let tail = format!(" {done} of {of}");
                let room = area.width.saturating_sub(6 + tail.len() as u16);
                let style = if *done * 2 > *of { theme.warning() } else { theme.bar() };
                let signs = Rect { x: area.x + 6, width: room, ..area };
                let used = if area.height > 0 { steps(canvas, signs, *done, *of, style) } else { 0 };
                canvas.text(
                    Rect { x: signs.x + used, width: area.width.saturating_sub(6 + used), ..area },
                    &tail,
                    theme.text(),
                );
            }
            Self::Pair(left, right) => {
                let used = canvas.text(area, left, theme.text());
                let rest = Rect { x: area.x + used, width: area.width.saturating_sub(used), ..area };
                canvas.right(rest, &Line::styled(right.as_str(), theme.muted()));
            }
        }
    }
}

/// Each condition's AUROC over the validation images, the best first, in one or two columns.
pub fn conditions(labels: &LabelSet, epochs: &[Vec<Option<f64>>], area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let panel = Panel { title: "by condition, val AUROC", ..Panel::default() };
    let inner = canvas.panel(area, &panel);
    let Some(last) = epochs.last() else {
        let middle = row(inner, inner.height.saturating_sub(1) / 2);
        canvas.centre(middle, &Line::styled("after the first epoch", theme.muted()));
        return;
    };
    let mut order: Vec<usize> = (0..labels.len()).collect();
    let value = |column: usize| last.get(column).copied().flatten();
    // What is undefined comes last.
    order.sort_by(|a, b| value(*b).unwrap_or(-1.0).total_cmp(&value(*a).unwrap_or(-1.0)));
    let inner = padded(inner);
    let columns = if usize::from(inner.height) >= order.len() || inner.width < 30 { 1 } else { 2 };
    let width = (inner.width + 2) / columns - 2;
    let per_column = order.len().div_ceil(usize::from(columns)).min(usize::from(inner.height));
    for (place, column) in order.iter().enumerate().take(per_column * usize::from(columns)) {
        let Some(condition) = labels.get(*column) else { continue };
        let x = inner.x + (place / per_column) as u16 * (width + 2);
        let cell = Rect { x, width, ..row(inner, (place % per_column) as u16) };
        let trend: Vec<f64> =
            epochs.iter().filter_map(|epoch| epoch.get(*column).copied().flatten()).collect();
        let spark_room = usize::from(width).saturating_sub(19 + 6);
        let long = width >= 26;
        let curve = if spark_room >= 4 && trend.len() > 1 {
            spark(&trend, spark_room.min(16))
        } else {
            String::new()
        };
        let name = if long { &condition.name } else { &condition.abbreviation };
        canvas.text(cell, &one_line(name, 19), theme.text());
        let tail = Line::from(vec![
            Span::styled(format!("{curve} "), theme.val()),
            Span::styled(format!("{:>4}", fixed(value(*column), 3)), theme.strong()),
        ]);
        canvas.right(cell, &tail);
    }
}

/// An area with a column of air at both sides.
fn padded(area: Rect) -> Rect {
    Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area }
}
