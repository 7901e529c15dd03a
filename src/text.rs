//! Text from outside, made fit for a terminal and a sentence.

/// `text` on one line of at most `limit` characters: control characters become spaces, runs of white space
/// one space, and what is cut off is marked with `…`.
pub fn one_line(text: &str, limit: usize) -> String {
    let words: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= limit {
        return line;
    }
    let kept: String = line.chars().take(limit.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// `text` without characters that move a terminal's cursor or turn its writing direction, cut to `longest`
/// characters; what is cut off is marked with `…`.
pub fn printable(text: &str, longest: usize) -> String {
    let harmless = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            && !matches!(c, '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let mut shown: String = text.chars().filter(harmless).take(longest).collect();
    if text.chars().filter(harmless).nth(longest).is_some() {
        shown.push('…');
    }
    shown
}

/// A name as part of a file's name: letters, digits, `-` and `_` stay, everything else becomes `_`.
pub fn file_part(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).collect()
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

/// Seconds as `41:10` or `1:41:10`.
pub fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// Bytes as people read them: `11.2 MB`.
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
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(
            [0, 999, 1000, 78_468, 1_234_567].map(thousands),
            ["0", "999", "1,000", "78,468", "1,234,567"]
        );
        assert_eq!([59.6, 61.0, 6070.0].map(clock), ["1:00", "1:01", "1:41:10"]);
        assert_eq!([512, 11_200_000].map(bytes), ["512 B", "11.2 MB"]);
    }
}
