//! The theme of all figures: colours (Okabe and Ito 2008, safe for colour-blind readers), dashes, type sizes.

pub(super) use super::style::INK;
use super::style::{Marker, Stroke, TextStyle};

/// The name of the embedded typeface.
pub(super) const FAMILY: &str = "Liberation Sans";

pub(super) const PAPER: &str = "#ffffff";
pub(super) const MUTED: &str = "#667080";
pub(super) const REFERENCE: &str = "#8b94a3";
pub(super) const AXIS: &str = "#9aa3b0";
pub(super) const GRID: &str = "#e6e9ee";
pub(super) const BAND: &str = "#f5f7fa";

/// The model, or the first of two series.
pub(super) const BLUE: &str = "#0072b2";
/// The second series.
pub(super) const VERMILION: &str = "#d55e00";
pub(super) const GREEN: &str = "#009e73";

pub(super) const TITLE: TextStyle = TextStyle::new(16.0).bold();
pub(super) const SUBTITLE: TextStyle = TextStyle::new(12.0).color(MUTED);
pub(super) const LABEL: TextStyle = TextStyle::new(13.0);
pub(super) const HEADING: TextStyle = TextStyle::new(12.0).color(MUTED);
pub(super) const AXIS_TITLE: TextStyle = TextStyle::new(12.5).middle();
pub(super) const TICK: TextStyle = TextStyle::new(11.5).color(MUTED);
pub(super) const PANEL_TITLE: TextStyle = TextStyle::new(13.0).bold();
pub(super) const NOTE: TextStyle = TextStyle::new(11.5).halo();

pub(super) const GRID_LINE: Stroke = Stroke::solid(GRID, 1.0);
pub(super) const AXIS_LINE: Stroke = Stroke::solid(AXIS, 1.0);
pub(super) const REFERENCE_LINE: Stroke = Stroke::dashed(REFERENCE, 1.2, "5 4");

/// Several lines in one panel: colour and dash both differ, so either alone distinguishes them. A seventh line
/// looks like the first again.
pub(super) fn series(index: usize) -> Stroke {
    const SERIES: [Stroke; 6] = [
        Stroke::solid(BLUE, 1.8),
        Stroke::dashed(VERMILION, 1.8, "6 2.5"),
        Stroke::dashed(GREEN, 1.8, "2 2"),
        Stroke::dashed("#a9478a", 1.8, "8 2 2 2"),
        Stroke::dashed("#b57f00", 1.8, "11 3"),
        Stroke::dashed("#3a3f4a", 1.8, "5 2 1.5 2 1.5 2"),
    ];
    SERIES[index % SERIES.len()]
}

/// Several points on one row: colour and shape both differ.
pub(super) const POINTS: [(Marker, &str); 3] =
    [(Marker::Circle, BLUE), (Marker::Square, VERMILION), (Marker::Diamond, GREEN)];

/// A light sequential ramp from white to a mid blue on which dark text stays legible. `share` is 0 to 1.
pub(super) fn ramp(share: f64) -> String {
    const LOW: [f64; 3] = [247.0, 250.0, 252.0];
    const HIGH: [f64; 3] = [92.0, 165.0, 211.0];
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    let mix = |channel: usize| (LOW[channel] + (HIGH[channel] - LOW[channel]) * share).round() as u8;
    format!("#{:02x}{:02x}{:02x}", mix(0), mix(1), mix(2))
}
