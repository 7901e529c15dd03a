//! What lines, points and areas stand for.

use super::font;
use super::style::{Marker, Stroke};
use super::svg::{Rect, Svg};
use super::theme::LABEL;

/// Width of a sample of a line, and of a point.
const LINE: f64 = 26.0;
const POINT: f64 = 12.0;
/// Between a sample and its name.
const SAMPLE_GAP: f64 = 7.0;
/// Between one entry and the next.
const ENTRY_GAP: f64 = 24.0;
const LINE_HEIGHT: f64 = 21.0;
/// Longer names would push all others onto lines of their own.
const WIDEST_NAME: f64 = 300.0;

/// What stands before a name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sample {
    Line(Stroke),
    Point(Marker, &'static str, bool),
    Both(Stroke, Marker),
}

/// A legend, its entries side by side in as many lines as they need.
#[derive(Debug)]
pub(super) struct Legend {
    /// Offset from the upper left corner, sample, name.
    entries: Vec<(f64, f64, Sample, String)>,
    lines: usize,
    width: f64,
}

impl Legend {
    /// Lays the entries out within `width` pixels.
    pub fn new<'a>(entries: impl IntoIterator<Item = (Sample, &'a str)>, width: f64) -> Self {
        let (mut placed, mut x, mut lines, mut widest) = (Vec::new(), 0.0, 0, 0.0_f64);
        for (sample, name) in entries {
            let name = font::fit(name, WIDEST_NAME, LABEL).into_owned();
            let length = sample_width(sample) + SAMPLE_GAP + font::width(&name, LABEL);
            if lines == 0 || x + length > width {
                (x, lines) = (0.0, lines + 1);
            }
            placed.push((x, (lines - 1) as f64 * LINE_HEIGHT, sample, name));
            widest = widest.max(x + length);
            x += length + ENTRY_GAP;
        }
        Self { entries: placed, lines, width: widest }
    }

    /// Height in pixels; 0 without entries.
    pub fn height(&self) -> f64 {
        self.lines as f64 * LINE_HEIGHT
    }

    /// Width of its widest line in pixels.
    pub fn width(&self) -> f64 {
        self.width
    }

    /// Draws it with its upper left corner at `corner`.
    pub fn draw(&self, svg: &mut Svg, corner: (f64, f64)) {
        for (x, y, sample, name) in &self.entries {
            let (x, middle) = (corner.0 + x, corner.1 + y + 10.0);
            let width = sample_width(*sample);
            draw_sample(svg, *sample, Rect { x, y: middle, width, height: 0.0 });
            svg.text((x + width + SAMPLE_GAP, middle + 4.5), name, LABEL);
        }
    }
}

fn sample_width(sample: Sample) -> f64 {
    if matches!(sample, Sample::Point(..)) { POINT } else { LINE }
}

fn draw_sample(svg: &mut Svg, sample: Sample, at: Rect) {
    if let Sample::Line(stroke) | Sample::Both(stroke, _) = sample {
        svg.line((at.x, at.y), (at.right(), at.y), stroke);
    }
    match sample {
        Sample::Point(marker, color, filled) => svg.marker(marker, at.center(), 5.0, color, filled),
        Sample::Both(stroke, marker) => svg.marker(marker, at.center(), 4.5, stroke.color, true),
        Sample::Line(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::theme::series;
    use super::*;

    #[test]
    fn entries_without_room_start_a_new_line() {
        let entries = |count| (0..count).map(|index| (Sample::Line(series(index)), "chestnet-s a1b2"));
        let legend = Legend::new(entries(6), 300.0);
        assert_eq!((legend.height(), legend.entries[2].0), (3.0 * LINE_HEIGHT, 0.0));
        assert!(legend.width() > 200.0 && legend.width() <= 300.0, "{}", legend.width());
        assert_eq!(Legend::new(entries(2), 300.0).height(), LINE_HEIGHT);
        assert_eq!(Legend::new(entries(0), 300.0).height(), 0.0);
    }
}
