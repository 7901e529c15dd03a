//! The embedded typeface: Liberation Sans, so that a figure looks the same on every machine.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use resvg::usvg::fontdb::Database;
use ttf_parser::Face;

use super::style::TextStyle;

const REGULAR: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/fonts/LiberationSans-Regular.ttf"));
const BOLD: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/fonts/LiberationSans-Bold.ttf"));

/// The two fonts, read once.
pub(super) static DATABASE: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut database = Database::new();
    database.load_font_data(REGULAR.to_vec());
    database.load_font_data(BOLD.to_vec());
    Arc::new(database)
});

static REGULAR_FACE: LazyLock<Option<Face<'static>>> = LazyLock::new(|| Face::parse(REGULAR, 0).ok());
static BOLD_FACE: LazyLock<Option<Face<'static>>> = LazyLock::new(|| Face::parse(BOLD, 0).ok());

/// How many logical pixels a text takes, kerning left aside.
pub(super) fn width(text: &str, style: TextStyle) -> f64 {
    let face = if style.bold { BOLD_FACE.as_ref() } else { REGULAR_FACE.as_ref() };
    let advance = |character| {
        let face = face?;
        let advance = face.glyph_hor_advance(face.glyph_index(character)?)?;
        Some(f64::from(advance) / f64::from(face.units_per_em()))
    };
    // A character that the font lacks is drawn as a box of about this width.
    text.chars().map(|character| advance(character).unwrap_or(0.75)).sum::<f64>() * style.size
}

/// The width of the widest of these texts, 0 for none.
pub(super) fn widest<'a>(texts: impl IntoIterator<Item = &'a str>, style: TextStyle) -> f64 {
    texts.into_iter().map(|text| width(text, style)).fold(0.0, f64::max)
}

/// The text, or as much of its beginning as fits into `limit` pixels, with "…" for the rest.
pub(super) fn fit(text: &str, limit: f64, style: TextStyle) -> Cow<'_, str> {
    if width(text, style) <= limit {
        return Cow::Borrowed(text);
    }
    let mut kept = text.to_owned();
    while kept.pop().is_some() {
        let shorter = format!("{}…", kept.trim_end());
        if width(&shorter, style) <= limit {
            return Cow::Owned(shorter);
        }
    }
    Cow::Borrowed("")
}

#[cfg(test)]
mod tests {
    use super::super::theme::{LABEL, TITLE};
    use super::*;

    #[test]
    fn both_fonts_are_found_under_the_name_of_the_family() {
        let families: Vec<_> =
            DATABASE.faces().map(|face| (face.families[0].0.clone(), face.weight.0)).collect();
        let family = super::super::theme::FAMILY.to_owned();
        assert_eq!(families, [(family.clone(), 400), (family, 700)]);
    }

    #[test]
    fn widths_come_from_the_font() {
        // Digits are 1139 of 2048 units wide in both weights.
        let digit = 1139.0 / 2048.0;
        assert!((width("0123456789", LABEL) - 130.0 * digit).abs() < 1e-9);
        assert!((width("42", TITLE) - 32.0 * digit).abs() < 1e-9);
        assert!(width("iii", LABEL) < width("WWW", LABEL));
    }

    #[test]
    fn a_text_that_is_too_long_ends_with_an_ellipsis_and_fits() {
        let name = "Pleural thickening of the upper left lobe";
        assert_eq!(fit(name, 1000.0, LABEL), name);
        let short = fit(name, 120.0, LABEL);
        assert!(short.starts_with("Pleural") && short.ends_with('…'), "{short}");
        assert!(width(&short, LABEL) <= 120.0);
        assert_eq!(fit(name, 2.0, LABEL), "");
    }
}
