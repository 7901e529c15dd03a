//! How pictures can be sent.

use std::fmt;
use std::str::FromStr;

/// A way to send pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// kitty's graphics protocol with Unicode placeholders.
    Kitty,
    /// iTerm2's inline images.
    Iterm2,
    /// DEC's sixels.
    Sixel,
    /// Two pixels a cell, by colours.
    Half,
    /// Signs of growing weight.
    Ascii,
}

impl Protocol {
    /// All, the finest first.
    pub const ALL: [Self; 5] = [Self::Kitty, Self::Iterm2, Self::Sixel, Self::Half, Self::Ascii];

    /// As typed and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kitty => "kitty",
            Self::Iterm2 => "iterm2",
            Self::Sixel => "sixel",
            Self::Half => "half",
            Self::Ascii => "ascii",
        }
    }

    /// Whether pictures come in pixels, not in characters.
    pub fn has_pixels(self) -> bool {
        matches!(self, Self::Kitty | Self::Iterm2 | Self::Sixel)
    }
}

/// The user's choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum GraphicsChoice {
    /// The finest the terminal has.
    #[default]
    Auto,
    As(Protocol),
    /// No pictures at all.
    Off,
}

impl FromStr for GraphicsChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => return Ok(Self::Auto),
            "off" => return Ok(Self::Off),
            _ => {}
        }
        let found = Protocol::ALL.into_iter().find(|protocol| protocol.name() == text);
        found
            .map(Self::As)
            .ok_or_else(|| "there are auto, kitty, iterm2, sixel, half, ascii and off".to_owned())
    }
}

impl fmt::Display for GraphicsChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auto => "auto",
            Self::Off => "off",
            Self::As(protocol) => protocol.name(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_parse_as_they_display() {
        for name in ["auto", "kitty", "iterm2", "sixel", "half", "ascii", "off"] {
            assert_eq!(name.parse::<GraphicsChoice>().expect("a choice").to_string(), name);
        }
        assert!("png".parse::<GraphicsChoice>().is_err_and(|said| said.contains("sixel")));
    }
}
