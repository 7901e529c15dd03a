use super::*;

fn palette(text: &str) -> Palette {
    Theme::parse("own", text, Path::new("own.toml")).expect(text).palette
}

fn refusal(text: &str) -> String {
    Theme::parse("own", text, Path::new("own.toml")).expect_err(text).to_string()
}

/// Relative luminance and contrast as WCAG 2 defines them; `None` where the terminal chooses the colour.
fn contrast(first: Color, second: Color) -> Option<f64> {
    let luminance = |colour| match colour {
        Color::Rgb(red, green, blue) => {
            let linear = [red, green, blue].map(|value| {
                let share = f64::from(value) / 255.0;
                if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
            });
            Some(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
        }
        _ => None,
    };
    let (first, second) = (luminance(first)?, luminance(second)?);
    Some((first.max(second) + 0.05) / (first.min(second) + 0.05))
}

#[test]
fn every_shipped_theme_names_every_role() {
    for (name, text) in SHIPPED {
        let table: toml::Table = toml::from_str(text).expect(name);
        let mut named: Vec<&str> = table.keys().map(String::as_str).collect();
        let mut roles = Palette::ROLES.to_vec();
        named.sort_unstable();
        roles.sort_unstable();
        assert_eq!(named, roles, "{name}");
    }
}

#[test]
fn text_in_every_shipped_theme_can_be_read() {
    for (name, text) in SHIPPED {
        let palette = palette(text);
        for (role, colour) in palette.colours() {
            let (ground, least) = match role {
                "background" | "selection" | "track" | "border" => continue,
                "selection_text" => (palette.selection, 4.5),
                "bar" | "border_focused" => (palette.background, 3.0),
                _ => (palette.background, 4.5),
            };
            let contrast = contrast(colour, ground).expect("shipped colours are #rrggbb");
            assert!(contrast >= least, "{name}: {role} has a contrast of {contrast:.2}");
        }
        assert_ne!(palette.train, palette.val, "{name}");
    }
}

#[test]
fn a_users_theme_needs_only_what_differs() {
    let own = palette("base = \"light\"\naccent = \"red\"\ntext = \"default\"");
    let light = palette(SHIPPED[1].1);
    assert_eq!((own.accent, own.text), (Color::Red, Color::Reset));
    assert_eq!(own.background, light.background);
}

#[test]
fn a_bad_theme_file_is_told_in_a_sentence() {
    let message = refusal("acent = \"red\"");
    assert!(
        message.contains("own.toml") && message.contains("`acent`") && message.contains("`accent`"),
        "{message}"
    );
    let message = refusal("accent = \"reddish\"");
    assert!(message.contains("`accent`") && message.contains("#rrggbb"), "{message}");
    assert!(refusal("accent = 3").contains("`accent`"));
    assert!(refusal("accent = \"#12345\"").contains("`accent`"));
    assert!(refusal("accent = = 3").contains("own.toml"));
    assert!(refusal("base = \"midnight\"").contains("dark, light"));
}

#[test]
fn a_users_theme_wins_over_a_shipped_one_of_its_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("dark.toml"), "accent = \"#010203\"").expect("written");
    std::fs::write(folder.path().join("mine.toml"), "accent = \"red\"").expect("written");
    let theme = Theme::load("dark", folder.path()).expect("there");
    assert_eq!(theme.palette.accent, Color::Rgb(1, 2, 3));
    assert_eq!(names(folder.path()), ["dark", "light", "contrast", "cividis", "mine"]);
}

#[test]
fn an_unknown_theme_lists_those_there_are() {
    let folder = Path::new("no such folder");
    for name in ["solarised", "../dark", "", ".hidden"] {
        let message = Theme::load(name, folder).expect_err(name).to_string();
        assert!(message.contains("dark, light, contrast, cividis"), "{message}");
    }
}
