//! Styles of lines, texts and points.

/// The colour of text unless a style sets another.
pub(super) const INK: &str = "#1f2430";

/// How a line is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stroke {
    pub color: &'static str,
    pub width: f64,
    /// Lengths of strokes and gaps in pixels as SVG has them; empty for a solid line.
    pub dash: &'static str,
}

impl Stroke {
    pub const fn solid(color: &'static str, width: f64) -> Self {
        Self { color, width, dash: "" }
    }

    pub const fn dashed(color: &'static str, width: f64, dash: &'static str) -> Self {
        Self { color, width, dash }
    }
}

/// Where the given x lies in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text is set.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextStyle {
    pub size: f64,
    pub bold: bool,
    pub color: &'static str,
    pub anchor: Anchor,
    /// A rim in the colour of the paper keeps a text legible on top of lines.
    pub halo: bool,
}

impl TextStyle {
    pub const fn new(size: f64) -> Self {
        Self { size, bold: false, color: INK, anchor: Anchor::Start, halo: false }
    }

    pub const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub const fn color(self, color: &'static str) -> Self {
        Self { color, ..self }
    }

    pub const fn middle(self) -> Self {
        Self { anchor: Anchor::Middle, ..self }
    }

    pub const fn end(self) -> Self {
        Self { anchor: Anchor::End, ..self }
    }

    pub const fn halo(self) -> Self {
        Self { halo: true, ..self }
    }
}

/// The shape of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Square,
    Diamond,
}
