//! Drawing as SVG text. Coordinates are logical pixels from the top left corner, y downwards.

use std::fmt::Write;

use super::style::{Anchor, Marker, Stroke, TextStyle};
use super::theme::{FAMILY, PAPER};

/// Points closer than this to the last one drawn can't be seen at the scale of the drawing.
const NEAREST_POINTS: f64 = 0.25;

/// An area on the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rect {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Rect {
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }

    pub fn center(&self) -> (f64, f64) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }
}

/// A picture in the making.
#[derive(Debug)]
pub(super) struct Svg {
    width: f64,
    height: f64,
    body: String,
}

impl Svg {
    /// An empty sheet of paper.
    pub fn new(width: f64, height: f64) -> Self {
        let mut svg = Self { width, height, body: String::new() };
        svg.rect(Rect { x: 0.0, y: 0.0, width, height }, PAPER, 1.0);
        svg
    }

    /// A filled rectangle; `opacity` 0 to 1.
    pub fn rect(&mut self, area: Rect, fill: &str, opacity: f64) {
        let Rect { x, y, width, height } = area;
        self.add(format_args!(
            r#"<rect x="{x:.2}" y="{y:.2}" width="{width:.2}" height="{height:.2}" fill="{fill}" fill-opacity="{opacity}"/>"#,
        ));
    }

    /// The outline of a rectangle.
    pub fn frame(&mut self, area: Rect, stroke: Stroke) {
        let (x, y, right, bottom) = (area.x, area.y, area.right(), area.bottom());
        self.polyline([(x, y), (right, y), (right, bottom), (x, bottom), (x, y)], stroke);
    }

    /// A straight line.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: Stroke) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let paint = stroke_attributes(stroke);
        self.add(format_args!(r#"<line x1="{x1:.2}" y1="{y1:.2}" x2="{x2:.2}" y2="{y2:.2}" {paint}/>"#));
    }

    /// A line through points; those that would not be seen apart are left out.
    pub fn polyline(&mut self, points: impl IntoIterator<Item = (f64, f64)>, stroke: Stroke) {
        let (points, paint) = (thinned(points), stroke_attributes(stroke));
        self.add(format_args!(r#"<polyline points="{points}" fill="none" {paint}/>"#));
    }

    /// A filled area; `opacity` 0 to 1.
    pub fn polygon(&mut self, points: impl IntoIterator<Item = (f64, f64)>, fill: &str, opacity: f64) {
        let points = thinned(points);
        self.add(format_args!(r#"<polygon points="{points}" fill="{fill}" fill-opacity="{opacity}"/>"#));
    }

    /// A point of about `2 * radius` pixels; `filled` with its colour or with that of the paper.
    pub fn marker(&mut self, marker: Marker, at: (f64, f64), radius: f64, color: &'static str, filled: bool) {
        let (x, y) = at;
        let fill = if filled { color } else { PAPER };
        // A white rim keeps filled markers apart where they lie on one another.
        let rim = if filled { Stroke::solid(PAPER, 0.8) } else { Stroke::solid(color, 1.6) };
        let paint = stroke_attributes(rim);
        match marker {
            Marker::Circle => self.add(format_args!(
                r#"<circle cx="{x:.2}" cy="{y:.2}" r="{radius:.2}" fill="{fill}" {paint}/>"#
            )),
            Marker::Square => {
                let half = radius * 0.9;
                let (left, top, side) = (x - half, y - half, 2.0 * half);
                self.add(format_args!(
                    r#"<rect x="{left:.2}" y="{top:.2}" width="{side:.2}" height="{side:.2}" fill="{fill}" {paint}/>"#
                ));
            }
            Marker::Diamond => {
                let half = radius * 1.3;
                let (left, right, top, bottom) = (x - half, x + half, y - half, y + half);
                self.add(format_args!(
                    r#"<polygon points="{x:.2},{top:.2} {right:.2},{y:.2} {x:.2},{bottom:.2} {left:.2},{y:.2}" fill="{fill}" {paint}/>"#
                ));
            }
        }
    }

    /// A line of text on the base line `y`.
    pub fn text(&mut self, at: (f64, f64), text: &str, style: TextStyle) {
        self.turned_text(at, 0.0, text, style);
    }

    /// A line of text turned clockwise by `degrees` around its anchor.
    pub fn turned_text(&mut self, at: (f64, f64), degrees: f64, text: &str, style: TextStyle) {
        let (x, y) = at;
        let anchor = match style.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let weight = if style.bold { 700 } else { 400 };
        let halo = if style.halo {
            format!(r#" stroke="{PAPER}" stroke-width="3" stroke-linejoin="round" paint-order="stroke""#)
        } else {
            String::new()
        };
        let (size, color, text) = (style.size, style.color, escape(text));
        self.add(format_args!(
            r#"<text transform="translate({x:.2} {y:.2}) rotate({degrees})" font-family="{FAMILY}" font-size="{size}" font-weight="{weight}" fill="{color}" text-anchor="{anchor}"{halo}>{text}</text>"#
        ));
    }

    /// The whole document.
    pub fn finish(self) -> String {
        let Self { width, height, body } = self;
        format!(r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{body}</svg>"#)
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a String can't fail.
        let _ = self.body.write_fmt(element);
    }
}

fn stroke_attributes(stroke: Stroke) -> String {
    let Stroke { color, width, dash } = stroke;
    let dash = if dash.is_empty() { String::new() } else { format!(r#" stroke-dasharray="{dash}""#) };
    format!(r#"stroke="{color}" stroke-width="{width}" stroke-linejoin="round"{dash}"#)
}

/// The points as SVG has them, the last one always among them.
fn thinned(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let mut text = String::new();
    let mut drawn: Option<(f64, f64)> = None;
    let mut skipped = None;
    let mut put = |(x, y): (f64, f64)| {
        // Writing to a String can't fail.
        let _ = write!(text, "{x:.2},{y:.2} ");
    };
    for point in points {
        let near = |last: (f64, f64)| (point.0 - last.0).hypot(point.1 - last.1) < NEAREST_POINTS;
        if drawn.is_some_and(near) {
            skipped = Some(point);
        } else {
            put(point);
            drawn = Some(point);
            skipped = None;
        }
    }
    if let Some(last) = skipped {
        put(last);
    }
    text
}

/// Text that XML takes as it is: markup escaped, and a space for the control characters that XML forbids.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\u{FFFE}' | '\u{FFFF}' => escaped.push(' '),
            other if other.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_control_characters_become_harmless() {
        assert_eq!(escape("a<b> & \"c\" 'd'"), "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
        assert_eq!(escape("a\u{0}b\u{1b}[0m\nc\u{FFFF}"), "a b [0m c ");
    }

    #[test]
    fn a_line_keeps_its_ends_and_drops_what_is_not_seen() {
        let points = (0..=1000).map(|index| (f64::from(index) / 1000.0, 0.0));
        let text = thinned(points);
        assert!(text.starts_with("0.00,0.00 ") && text.ends_with("1.00,0.00 "), "{text}");
        assert!(text.split_whitespace().count() < 8, "{text}");
    }
}
