//! Separates the answers of a terminal from the user's keys in one stream of bytes.

/// Answers to our questions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Name and version as the terminal reports them: `kitty(0.41.1)`.
    pub name: Option<String>,
    /// It understands kitty's graphics.
    pub kitty: bool,
    /// It reported its attributes, the last answer of every terminal that answers at all.
    pub attributes: bool,
    /// Sixel is among them.
    pub sixel: bool,
    /// Width and height of a cell in pixels.
    pub cell: Option<[u16; 2]>,
}

impl Answers {
    /// Takes the answers out of `bytes`; returns the rest, which a person typed, and how many bytes at the end may be
    /// the beginning of an answer that hasn't come whole.
    pub fn read(&mut self, bytes: &[u8]) -> (Vec<u8>, usize) {
        let mut typed = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            match self.answer(rest) {
                Found::Answer(length) => at += length,
                Found::Partial => return (typed, rest.len()),
                Found::Other => {
                    typed.push(rest[0]);
                    at += 1;
                }
            }
        }
        (typed, 0)
    }

    fn answer(&mut self, bytes: &[u8]) -> Found {
        match bytes {
            [0x1b, b'P', ..] => string(bytes, b">|", |text| self.name = Some(text)),
            [0x1b, b'_', ..] => string(bytes, b"G", |text| self.kitty |= text.ends_with(";OK")),
            [0x1b, b'[', b'?', rest @ ..] => numbers(rest, 3, b'c', |values| {
                self.attributes = true;
                self.sixel = values.contains(&4);
            }),
            // Only the answer to the question for a cell's size ends with t.
            [0x1b, b'[', b'6', b';', rest @ ..] => numbers(rest, 4, b't', |values| {
                if let [height, width] = *values
                    && height > 0
                    && width > 0
                {
                    self.cell = Some([width, height]);
                }
            }),
            [0x1b] | [0x1b, b'['] | [0x1b, b'[', b'6'] => Found::Partial,
            _ => Found::Other,
        }
    }
}

enum Found {
    /// So many bytes.
    Answer(usize),
    Partial,
    Other,
}

/// A string that ends with `ESC \`, its text without `prefix`.
fn string(bytes: &[u8], prefix: &[u8], take: impl FnOnce(String)) -> Found {
    let body = &bytes[2..];
    let head = body.len().min(prefix.len());
    if body[..head] != prefix[..head] {
        return Found::Other;
    }
    match body.windows(2).position(|pair| pair == b"\x1b\\") {
        Some(end) => {
            take(String::from_utf8_lossy(&body[prefix.len()..end]).into_owned());
            Found::Answer(2 + end + 2)
        }
        // No answer of ours is longer; this is something else.
        None if body.len() > 200 => Found::Other,
        None => Found::Partial,
    }
}

/// Numbers with semicolons between, and `last`; they begin `skipped` bytes after the escape.
fn numbers(rest: &[u8], skipped: usize, last: u8, take: impl FnOnce(&[u16])) -> Found {
    let Some(end) = rest.iter().position(|byte| !(byte.is_ascii_digit() || *byte == b';')) else {
        return if rest.len() > 60 { Found::Other } else { Found::Partial };
    };
    if rest[end] != last {
        return Found::Other;
    }
    let text = String::from_utf8_lossy(&rest[..end]);
    let values: Vec<u16> = text.split(';').filter_map(|value| value.parse().ok()).collect();
    take(&values);
    Found::Answer(skipped + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &[u8] = b"a\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.41.1)\x1b\\b\x1b[6;17;8t\x1b[A\x1b[?62;4;22c";

    /// Reads `bytes` in two pieces as a terminal may send them.
    fn in_pieces(bytes: &[u8], cut: usize) -> (Answers, Vec<u8>) {
        let mut answers = Answers::default();
        let (mut typed, left) = answers.read(&bytes[..cut]);
        let again = [&bytes[cut - left..cut], &bytes[cut..]].concat();
        let (more, left) = answers.read(&again);
        typed.extend(more);
        assert_eq!(left, 0);
        (answers, typed)
    }

    #[test]
    fn answers_come_whole_wherever_they_are_cut_and_what_is_typed_is_kept() {
        for cut in 0..=TOLD.len() {
            let (answers, typed) = in_pieces(TOLD, cut);
            assert_eq!(answers.name.as_deref(), Some("kitty(0.41.1)"), "cut at {cut}");
            assert!(answers.kitty && answers.sixel && answers.attributes);
            assert_eq!(answers.cell, Some([8, 17]));
            assert_eq!(typed, b"ab\x1b[A", "cut at {cut}");
        }
    }

    #[test]
    fn a_refusal_is_none_and_no_sixel_is_none() {
        let mut answers = Answers::default();
        answers.read(b"\x1b_Gi=31;EINVAL:no\x1b\\\x1b[?1;2c");
        assert!(!answers.kitty && answers.attributes && !answers.sixel);
    }
}
