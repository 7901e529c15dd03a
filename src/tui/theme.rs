//! Colours by role: the shipped themes, a user's own, and the styles that panes draw with.
//!
//! No pane names a colour. Where colours are not wanted (`NO_COLOR`), the same styles carry weight alone:
//! bold, dim, underlined, reversed.

use std::path::Path;

use ratatui::style::{Color, Modifier, Style};

use crate::config::ConfigError;

/// The theme used when none is named.
pub const DEFAULT: &str = "dark";

/// Themes that ship, by name.
pub const SHIPPED: &[(&str, &str)] = &[
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("contrast", include_str!("../../themes/contrast.toml")),
    ("cividis", include_str!("../../themes/cividis.toml")),
];

const COLOUR_FORMS: &str = "\"#rrggbb\", an ANSI name such as \"red\" or \"light-blue\", or \"default\"";

macro_rules! roles {
    ($($(#[$meta:meta])* $role:ident),+ $(,)?) => {
        /// A colour for each role.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Palette { $($(#[$meta])* pub $role: Color),+ }

        impl Palette {
            /// The names of all roles, as theme files write them.
            pub const ROLES: &'static [&'static str] = &[$(stringify!($role)),+];

            /// Each role with its colour.
            pub fn colours(&self) -> Vec<(&'static str, Color)> {
                vec![$((stringify!($role), self.$role)),+]
            }

            fn slot(&mut self, role: &str) -> Option<(&'static str, &mut Color)> {
                match role { $(stringify!($role) => Some((stringify!($role), &mut self.$role)),)+ _ => None }
            }

            const fn plain() -> Self {
                Self { $($role: Color::Reset),+ }
            }
        }
    };
}

roles! {
    /// Behind everything.
    background,
    /// What is read.
    text,
    /// What is read second.
    muted,
    /// Emphasis: the current screen, keys.
    accent,
    /// Lines around panes.
    border,
    /// Lines around the pane that keys act on.
    border_focused,
    /// Curves over training images.
    train,
    /// Curves over validation images.
    val,
    /// Something that is as it should be.
    good,
    /// Something to look at.
    warning,
    /// Something that failed.
    bad,
    /// Behind the selected row.
    selection,
    /// On the selected row.
    selection_text,
    /// Filled part of a gauge or bar.
    bar,
    /// Unfilled part.
    track,
}

const ON_DARK: [Color; 8] = [
    Color::Rgb(86, 180, 233),
    Color::Rgb(230, 159, 0),
    Color::Rgb(0, 178, 130),
    Color::Rgb(240, 228, 66),
    Color::Rgb(224, 140, 186),
    Color::Rgb(235, 110, 40),
    Color::Rgb(90, 140, 235),
    Color::Rgb(200, 200, 200),
];

const ON_LIGHT: [Color; 8] = [
    Color::Rgb(0, 114, 178),
    Color::Rgb(176, 108, 0),
    Color::Rgb(0, 120, 88),
    Color::Rgb(128, 116, 0),
    Color::Rgb(160, 70, 118),
    Color::Rgb(190, 74, 0),
    Color::Rgb(60, 70, 170),
    Color::Rgb(80, 80, 80),
];

/// Where the terminal's own ground is used, its own colours are the safe ones.
const ANSI: [Color; 8] = [
    Color::Cyan,
    Color::Yellow,
    Color::Green,
    Color::Magenta,
    Color::Blue,
    Color::Red,
    Color::LightCyan,
    Color::LightYellow,
];

/// Colours in force, and whether there are any.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    /// Its name, as `--theme` takes it.
    pub name: String,
    /// The colours.
    pub palette: Palette,
    /// False under `NO_COLOR`: only weight distinguishes styles.
    pub coloured: bool,
}

impl Theme {
    /// The theme called `name`: a user's file `<folder>/NAME.toml` if there is one, else a shipped one.
    ///
    /// # Errors
    /// When there is no such theme (the message lists those there are), or its file names an unknown role, an
    /// unknown colour or is no TOML.
    pub fn load(name: &str, folder: &Path) -> Result<Self, ConfigError> {
        let unknown =
            || ConfigError::UnknownTheme { name: crate::text::one_line(name, 40), known: names(folder) };
        // A name is a file's stem: anything that could lead out of the folder is no name.
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']) {
            return Err(unknown());
        }
        let path = folder.join(format!("{name}.toml"));
        if path.is_file() {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| ConfigError::Unreadable { path: path.clone(), error })?;
            return Self::parse(name, &text, &path);
        }
        let (name, text) = SHIPPED.iter().find(|(known, _)| *known == name).ok_or_else(unknown)?;
        Self::parse(name, text, Path::new(name))
    }

    /// Reads a theme from TOML. `path` is named in errors.
    ///
    /// # Errors
    /// As [`Theme::load`], an unknown `base` included.
    pub fn parse(name: &str, text: &str, path: &Path) -> Result<Self, ConfigError> {
        let in_file =
            |error: ConfigError| ConfigError::InFile { path: path.to_owned(), error: Box::new(error) };
        let table: toml::Table = toml::from_str(text).map_err(|error| ConfigError::NotToml {
            path: path.to_owned(),
            message: crate::text::one_line(&error.to_string(), 300),
        })?;
        let mut palette = Palette::plain();
        // The shipped files are read through here as well and name every role (a test holds them to it), so
        // only a user's file has roles to take from elsewhere.
        let base = table.get("base").map_or(DEFAULT, |value| value.as_str().unwrap_or(""));
        if Palette::ROLES.iter().any(|role| !table.contains_key(*role)) {
            let (_, shipped) = SHIPPED.iter().find(|(known, _)| *known == base).ok_or_else(|| {
                in_file(ConfigError::BadValue {
                    key: "base",
                    value: crate::text::one_line(base, 40),
                    allowed: SHIPPED.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
                    nearest: None,
                })
            })?;
            palette = Self::parse(base, shipped, path)?.palette;
        }
        for (role, value) in table.iter().filter(|(role, _)| *role != "base") {
            let Some((role, slot)) = palette.slot(role) else {
                let key = crate::text::one_line(role, 40);
                let nearest = nearest_role(&key);
                return Err(in_file(ConfigError::UnknownKey { key, nearest }));
            };
            *slot = value.as_str().and_then(colour).ok_or_else(|| {
                in_file(ConfigError::BadValue {
                    key: role,
                    value: crate::text::one_line(&value.to_string(), 40),
                    allowed: COLOUR_FORMS.to_owned(),
                    nearest: None,
                })
            })?;
        }
        Ok(Self { name: name.to_owned(), palette, coloured: true })
    }

    /// A theme that has no colours, for `NO_COLOR`.
    pub fn without_colours() -> Self {
        Self { name: "no colour".into(), palette: Palette::plain(), coloured: false }
    }

    fn role(&self, colour: Color, weight: Modifier) -> Style {
        if self.coloured {
            Style::new().fg(colour).add_modifier(weight & Modifier::BOLD)
        } else {
            Style::new().add_modifier(weight)
        }
    }

    /// Behind everything.
    pub fn base(&self) -> Style {
        if self.coloured {
            Style::new().fg(self.palette.text).bg(self.palette.background)
        } else {
            Style::new()
        }
    }

    /// Ordinary text.
    pub fn text(&self) -> Style {
        self.role(self.palette.text, Modifier::empty())
    }

    /// The answer of a pane.
    pub fn strong(&self) -> Style {
        self.role(self.palette.text, Modifier::BOLD)
    }

    /// What is read second.
    pub fn muted(&self) -> Style {
        self.role(self.palette.muted, Modifier::DIM)
    }

    /// Emphasis.
    pub fn accent(&self) -> Style {
        self.role(self.palette.accent, Modifier::BOLD)
    }

    /// A pane's border.
    pub fn border(&self, focused: bool) -> Style {
        match (self.coloured, focused) {
            (true, true) => Style::new().fg(self.palette.border_focused),
            (true, false) => Style::new().fg(self.palette.border),
            (false, true) => Style::new().add_modifier(Modifier::BOLD),
            (false, false) => Style::new().add_modifier(Modifier::DIM),
        }
    }

    /// Curves and numbers of training images.
    pub fn train(&self) -> Style {
        self.role(self.palette.train, Modifier::empty())
    }

    /// Curves and numbers of validation images.
    pub fn val(&self) -> Style {
        self.role(self.palette.val, Modifier::empty())
    }

    /// All is well.
    pub fn good(&self) -> Style {
        self.role(self.palette.good, Modifier::empty())
    }

    /// Look here.
    pub fn warning(&self) -> Style {
        self.role(self.palette.warning, Modifier::BOLD)
    }

    /// Something is wrong.
    pub fn bad(&self) -> Style {
        self.role(self.palette.bad, Modifier::BOLD)
    }

    /// The filled part of a gauge or bar.
    pub fn bar(&self) -> Style {
        self.role(self.palette.bar, Modifier::empty())
    }

    /// The unfilled part.
    pub fn track(&self) -> Style {
        self.role(self.palette.track, Modifier::DIM)
    }

    /// One of several things of a kind, by its place: colours that stay apart for colour-blind eyes too (Okabe and Ito
    /// 2008), lighter on a dark ground and darker on a light one. Without colours three are distinguished by weight.
    pub fn series(&self, place: usize) -> Style {
        if !self.coloured {
            let weights = [Modifier::BOLD, Modifier::empty(), Modifier::DIM];
            return Style::new().add_modifier(weights[place % weights.len()]);
        }
        let colours = match self.palette.background {
            Color::Rgb(red, green, blue) => {
                // Luminance as in sRGB's green-heavy sum, which is enough to distinguish dark from light.
                let light = 2 * u32::from(red) + 5 * u32::from(green) + u32::from(blue) > 8 * 128;
                if light { &ON_LIGHT } else { &ON_DARK }
            }
            _ => &ANSI,
        };
        Style::new().fg(colours[place % colours.len()])
    }

    /// The selected row.
    pub fn selection(&self) -> Style {
        if self.coloured {
            Style::new().fg(self.palette.selection_text).bg(self.palette.selection)
        } else {
            Style::new().add_modifier(Modifier::REVERSED)
        }
    }
}

/// Every theme there is: shipped ones first, then those of the user's folder that have a name of their own.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = SHIPPED.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut own: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let path = entry.path();
            let is_theme = path.extension().is_some_and(|extension| extension == "toml");
            is_theme.then(|| path.file_stem().map(|stem| stem.to_string_lossy().into_owned())).flatten()
        })
        .filter(|name| !names.contains(name))
        .map(|name| crate::text::one_line(&name, 40))
        .collect();
    own.sort();
    names.append(&mut own);
    names
}

fn nearest_role(key: &str) -> Option<&'static str> {
    Palette::ROLES
        .iter()
        .map(|role| (*role, strsim::jaro_winkler(key, role)))
        .filter(|(_, likeness)| *likeness > 0.75)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(role, _)| role)
}

fn colour(text: &str) -> Option<Color> {
    if let Some(digits) = text.strip_prefix('#') {
        let exact = digits.len() == 6 && digits.chars().all(|digit| digit.is_ascii_hexdigit());
        let number = exact.then(|| u32::from_str_radix(digits, 16).ok()).flatten()?;
        let [_, red, green, blue] = number.to_be_bytes();
        return Some(Color::Rgb(red, green, blue));
    }
    Some(match text {
        "default" => Color::Reset,
        "black" => Color::Black,
        "red" => Color::Red,
        "green" => Color::Green,
        "yellow" => Color::Yellow,
        "blue" => Color::Blue,
        "magenta" => Color::Magenta,
        "cyan" => Color::Cyan,
        "gray" | "grey" => Color::Gray,
        "dark-gray" | "dark-grey" => Color::DarkGray,
        "light-red" => Color::LightRed,
        "light-green" => Color::LightGreen,
        "light-yellow" => Color::LightYellow,
        "light-blue" => Color::LightBlue,
        "light-magenta" => Color::LightMagenta,
        "light-cyan" => Color::LightCyan,
        "white" => Color::White,
        _ => return None,
    })
}

#[cfg(test)]
#[path = "theme_tests.rs"]
mod tests;
