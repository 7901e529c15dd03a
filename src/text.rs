//! Text from outside, made fit for a terminal and a sentence.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns that `text` takes on a terminal: 2 for a wide character, 0 for a combining mark.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The beginning of `text` that fits `columns`; `None` where the whole text fits.
pub fn cut(text: &str, columns: usize) -> Option<&str> {
    let mut used = 0;
    let end = text.char_indices().find(|(_, letter)| {
        used += letter.width().unwrap_or(0);
        used > columns
    });
    end.map(|(end, _)| &text[..end])
}

/// Whether a character only changes how others are shown: it moves the cursor, turns the writing direction, or takes
/// no room.
fn is_control(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(letter, '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// `text` on one line of at most `columns`: control characters become spaces, runs of white space one space,
/// characters that turn the writing direction are removed, and a cut is marked with `…`.
pub fn one_line(text: &str, columns: usize) -> String {
    let plain = |letter: char| match letter {
        letter if letter.is_control() || letter == '\u{2028}' || letter == '\u{2029}' => Some(' '),
        letter if is_control(letter) => None,
        letter => Some(letter),
    };
    let words: String = text.chars().filter_map(plain).collect();
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match cut(&line, columns) {
        None => line,
        Some(_) => format!("{}…", cut(&line, columns.saturating_sub(1)).unwrap_or_default()),
    }
}

/// `text` without characters that move a terminal's cursor or turn its writing direction, cut to `columns`;
/// a cut is marked with `…`.
pub fn printable(text: &str, columns: usize) -> String {
    let shown: String = text.chars().filter(|letter| !is_control(*letter)).collect();
    match cut(&shown, columns) {
        None => shown,
        Some(kept) => format!("{kept}…"),
    }
}

/// A name as part of a file's name: letters, digits, `-` and `_` stay, everything else becomes `_`.
pub fn file_part(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

/// Letters and digits of a name in lower case, by which names are compared whatever stands between their words.
pub fn alphanumeric(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A whole number with commas between thousands: `78,468`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun: `1 image`, `3,200 images`.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", thousands(count as u64), if count == 1 { one } else { many })
}

/// Seconds as `41:10` or `1:41:10`.
pub fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// A learning rate to three digits: `3e-4`, `1.5e-4`, `0`.
pub fn rate(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let text = format!("{value:.2e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) if exponent != "0" => {
            format!("{}e{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => format!("{value}"),
    }
}

/// Bytes with a unit: `11.2 MB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_never_reach_the_terminal() {
        assert_eq!(one_line("a\x1b[31m\nb\t c", 40), "a [31m b c");
        assert_eq!(one_line("abcdef", 4), "abc…");
        assert_eq!(one_line("name\u{202e}gpj.exe\u{2066}", 40), "namegpj.exe");
        assert_eq!(printable("a\u{202e}b\u{7}c", 40), "abc");
    }

    #[test]
    fn texts_are_cut_by_columns_not_by_characters() {
        assert_eq!(width("胸部X線"), 7);
        assert_eq!(one_line("胸部X線", 7), "胸部X線");
        assert_eq!(one_line("胸部X線", 6), "胸部X…");
        assert_eq!(one_line("胸部X線", 4), "胸…", "half of a wide character is not shown");
        assert_eq!(width("e\u{301}"), 1);
        assert_eq!(printable("胸部", 2), "胸…");
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(
            [0, 999, 1000, 78_468, 1_234_567].map(thousands),
            ["0", "999", "1,000", "78,468", "1,234,567"]
        );
        assert_eq!([59.6, 61.0, 6070.0].map(clock), ["1:00", "1:01", "1:41:10"]);
        assert_eq!([512, 11_200_000].map(bytes), ["512 B", "11.2 MB"]);
        assert_eq!(
            [0.0, 2.999_999_999_999_999_9e-5, 1.5e-4, 0.1, 1.0].map(rate),
            ["0", "3e-5", "1.5e-4", "1e-1", "1"]
        );
    }
}
