//! How many colours the terminal has, and the nearest of them to the 24-bit colours of themes and pictures.

use ratatui::style::Color;

/// How many colours a terminal shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColourDepth {
    /// Any 24-bit colour.
    #[default]
    True,
    /// The 256 of xterm.
    Indexed,
    /// The 16 that every terminal has.
    Ansi,
}

/// The 16 colours in the order of their numbers, as xterm shows them.
const ANSI: [(Color, [u8; 3]); 16] = [
    (Color::Black, [0, 0, 0]),
    (Color::Red, [205, 0, 0]),
    (Color::Green, [0, 205, 0]),
    (Color::Yellow, [205, 205, 0]),
    (Color::Blue, [0, 0, 238]),
    (Color::Magenta, [205, 0, 205]),
    (Color::Cyan, [0, 205, 205]),
    (Color::Gray, [229, 229, 229]),
    (Color::DarkGray, [127, 127, 127]),
    (Color::LightRed, [255, 0, 0]),
    (Color::LightGreen, [0, 255, 0]),
    (Color::LightYellow, [255, 255, 0]),
    (Color::LightBlue, [92, 92, 255]),
    (Color::LightMagenta, [255, 0, 255]),
    (Color::LightCyan, [0, 255, 255]),
    (Color::White, [255, 255, 255]),
];
/// The six levels of each channel in xterm's cube of 216 colours, which begins at 16.
const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];

impl ColourDepth {
    /// The colour depth by the environment, which `variable` reads. Without a hint it is 24 bits: nearly all terminals
    /// have, and COLORTERM, the hint, doesn't come along through SSH.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let [term, program, said] =
            ["TERM", "TERM_PROGRAM", "COLORTERM"].map(|name| variable(name).unwrap_or_default());
        let in_tmux = variable("TMUX").is_some_and(|value| !value.is_empty());
        match term.as_str() {
            _ if ["truecolor", "24bit"].contains(&said.as_str()) => Self::True,
            "linux" | "ansi" | "cons25" | "xterm-color" | "xterm-16color" | "rxvt" => Self::Ansi,
            term if term.starts_with("vt") => Self::Ansi,
            // GNU screen; tmux, which may call itself so too, translates colours itself.
            term if term.starts_with("screen") && !in_tmux => match term.contains("256color") {
                true => Self::Indexed,
                false => Self::Ansi,
            },
            _ if program == "Apple_Terminal" => Self::Indexed,
            _ => Self::True,
        }
    }

    /// The nearest colour that the terminal shows; colours that are no 24-bit ones stay.
    pub fn nearest(self, colour: Color) -> Color {
        let Color::Rgb(red, green, blue) = colour else { return colour };
        let wanted = [red, green, blue];
        match self {
            Self::True => colour,
            Self::Indexed => {
                let level = |channel: u8| (0..6).min_by_key(|at| LEVELS[*at].abs_diff(channel)).unwrap_or(0);
                let cube = wanted.map(level);
                let mean = wanted.iter().map(|channel| u32::from(*channel)).sum::<u32>() / 3;
                // 24 greys from 8 in steps of 10 begin at 232.
                let grey = (mean.saturating_sub(3) / 10).min(23) as u8;
                let of_cube = distance(cube.map(|at| LEVELS[at]), wanted);
                if distance([8 + 10 * grey; 3], wanted) < of_cube {
                    Color::Indexed(232 + grey)
                } else {
                    Color::Indexed(16 + 36 * cube[0] as u8 + 6 * cube[1] as u8 + cube[2] as u8)
                }
            }
            Self::Ansi => nearest_of_16(wanted).unwrap_or(colour),
        }
    }
}

/// Channels apart by less are a grey.
const GREYISH: u8 = 48;
/// Colours whose strongest channel is below are taken as greys, for the 16 have no dark ones.
const DARK: u8 = 100;
/// Greys below are black, those from it on are seen on black: a bar that is hardly lighter than the ground stays a bar.
const SEEN: u32 = 44;

/// The nearest of the 16 colours. By distance alone a soft green would be grey and lose its meaning, so a colour keeps its
/// hue at full saturation, and only greys become black, grey or white.
fn nearest_of_16(wanted: [u8; 3]) -> Option<Color> {
    let [least, most] = [wanted.iter().min()?, wanted.iter().max()?].map(|channel| *channel);
    if most - least < GREYISH || most < DARK {
        let mean = wanted.iter().map(|channel| u32::from(*channel)).sum::<u32>() / 3;
        let greys = [Color::Black, Color::DarkGray, Color::Gray, Color::White];
        let allowed = |colour: Color| greys.contains(&colour) && (colour == Color::Black) == (mean < SEEN);
        return nearest_among(wanted, allowed);
    }
    let saturated = wanted.map(|channel| {
        let share = f32::from(channel - least) / f32::from(most - least);
        (share * f32::from(most)).round() as u8
    });
    nearest_among(saturated, |colour| {
        ANSI.iter().any(|(own, [r, g, b])| *own == colour && !(r == g && g == b))
    })
}

/// The nearest of the 16 colours that are allowed.
fn nearest_among(wanted: [u8; 3], allowed: impl Fn(Color) -> bool) -> Option<Color> {
    let found = ANSI.iter().filter(|(colour, _)| allowed(*colour));
    found.min_by_key(|(_, own)| distance(*own, wanted)).map(|(colour, _)| *colour)
}

fn distance(one: [u8; 3], other: [u8; 3]) -> u32 {
    one.iter().zip(other).map(|(one, other)| u32::from(one.abs_diff(other)).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_terminal_gets_the_colours_that_it_has() {
        let of = |variables: &[(&str, &str)]| {
            ColourDepth::of_environment(|name| {
                variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(of(&[("TERM", "xterm-256color")]), ColourDepth::True);
        assert_eq!(of(&[("TERM", "linux")]), ColourDepth::Ansi);
        assert_eq!(of(&[("TERM", "linux"), ("COLORTERM", "truecolor")]), ColourDepth::True);
        assert_eq!(of(&[("TERM", "screen")]), ColourDepth::Ansi);
        assert_eq!(of(&[("TERM", "screen-256color")]), ColourDepth::Indexed);
        assert_eq!(of(&[("TERM", "screen-256color"), ("TMUX", "/tmp/tmux")]), ColourDepth::True);
        assert_eq!(
            of(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "Apple_Terminal")]),
            ColourDepth::Indexed
        );
    }

    #[test]
    fn the_nearest_colour_is_taken() {
        let indexed = |red, green, blue| ColourDepth::Indexed.nearest(Color::Rgb(red, green, blue));
        assert_eq!(indexed(255, 0, 0), Color::Indexed(196));
        assert_eq!(indexed(0, 95, 135), Color::Indexed(24));
        assert_eq!(indexed(18, 18, 18), Color::Indexed(233));
        assert_eq!([indexed(0, 0, 0), indexed(255, 255, 255)], [Color::Indexed(16), Color::Indexed(231)]);
        let ansi = |red, green, blue| ColourDepth::Ansi.nearest(Color::Rgb(red, green, blue));
        assert_eq!([ansi(10, 12, 16), ansi(250, 250, 245)], [Color::Black, Color::White]);
        assert_eq!([ansi(220, 20, 20), ansi(120, 130, 140)], [Color::Red, Color::DarkGray]);
        // The meanings of the dark theme: what is good, a curve of validation, bars and the track they run on.
        assert_eq!([ansi(111, 207, 124), ansi(240, 163, 94)], [Color::Green, Color::Yellow]);
        assert_eq!([ansi(79, 143, 208), ansi(42, 50, 61)], [Color::Cyan, Color::DarkGray]);
        assert_eq!([ansi(255, 123, 114), ansi(36, 64, 95)], [Color::LightRed, Color::DarkGray]);
        // Of the light one.
        assert_eq!([ansi(11, 92, 173), ansi(34, 39, 46)], [Color::Blue, Color::Black]);
        assert_eq!(ColourDepth::Ansi.nearest(Color::Reset), Color::Reset);
        assert_eq!(ColourDepth::True.nearest(Color::Rgb(1, 2, 3)), Color::Rgb(1, 2, 3));
    }
}
