//! The header of an npy array: what is stored and in which shape.
//!
//! Format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>. The header is a Python dict
//! literal; only the three keys numpy writes are understood, and nothing is evaluated.

use std::fmt;

use super::dtype::{Dtype, Shape};
use super::entry::EntryReader;
use super::error::Fault;

/// The first bytes of an npy array.
pub(super) const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Longest header that is read; numpy's own is 118 bytes for any plain array, its reader stops at 10,000.
const LONGEST_HEADER: usize = 10_000;
/// Most dimensions; numpy's own bound.
const MOST_DIMENSIONS: usize = 64;

/// What an array is: element type, shape and order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrayInfo {
    /// Element type.
    pub dtype: Dtype,
    /// Length of each axis, outermost first; empty for a single value.
    pub shape: Vec<usize>,
    /// Whether the first axis runs fastest in the file (Fortran order).
    pub column_major: bool,
}

impl ArrayInfo {
    /// Number of elements; `None` beyond what a `usize` holds.
    pub fn len(&self) -> Option<usize> {
        self.shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// Bytes of all elements in the file; `None` beyond what a `u64` holds.
    pub(super) fn bytes(&self) -> Option<u64> {
        (self.len()? as u64).checked_mul(self.dtype.size())
    }

    /// Where element `index` of the file lies in the array: one place an axis.
    pub(super) fn place(&self, mut index: usize) -> Vec<usize> {
        let mut place = vec![0; self.shape.len()];
        let mut step = |axis: usize| {
            let size = self.shape[axis].max(1);
            place[axis] = index % size;
            index /= size;
        };
        match self.column_major {
            true => (0..self.shape.len()).for_each(&mut step),
            false => (0..self.shape.len()).rev().for_each(&mut step),
        }
        place
    }
}

impl fmt::Display for ArrayInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.dtype, Shape(&self.shape))
    }
}

/// Reads the header at the start of an entry, leaving `entry` at the first element.
pub(super) fn read_header(entry: &mut EntryReader) -> Result<ArrayInfo, Fault> {
    let mut start = [0; 8];
    entry.fill(&mut start)?;
    if &start[..6] != MAGIC {
        return Err(Fault::Header("it doesn't begin as an npy array"));
    }
    let length = match start[6] {
        1 => {
            let mut length = [0; 2];
            entry.fill(&mut length)?;
            usize::from(u16::from_le_bytes(length))
        }
        2 | 3 => {
            let mut length = [0; 4];
            entry.fill(&mut length)?;
            u32::from_le_bytes(length) as usize
        }
        _ => return Err(Fault::Header("its format version is unknown")),
    };
    if length > LONGEST_HEADER {
        return Err(Fault::Header("it is too long"));
    }
    let mut text = vec![0; length];
    entry.fill(&mut text)?;
    Literal(&text).info()
}

/// The header that precedes the elements of an array in C order: version 1, padded to a multiple of 64 bytes.
pub(super) fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    const PREFIX: usize = 10; // magic, version, length
    let mut dict = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {}, }}", Shape(shape));
    let padding = 63 - (PREFIX + dict.len()) % 64;
    dict.extend(std::iter::repeat_n(' ', padding));
    dict.push('\n');
    let mut header = MAGIC.to_vec();
    header.extend([1, 0]);
    // A shape of 64 axes of 20 digits stays far below 65,536 bytes; `Writer` refuses longer ones.
    header.extend((dict.len() as u16).to_le_bytes());
    header.extend(dict.into_bytes());
    header
}

/// The rest of a Python literal.
struct Literal<'a>(&'a [u8]);

const UNREADABLE: Fault = Fault::Header("it isn't the dictionary numpy writes");

impl<'a> Literal<'a> {
    /// `{'descr': …, 'fortran_order': …, 'shape': …}` in any order, each key exactly once.
    fn info(mut self) -> Result<ArrayInfo, Fault> {
        let (mut dtype, mut column_major, mut shape) = (None, None, None);
        self.expect(b'{')?;
        while !self.accept(b'}') {
            let key = self.string()?;
            self.expect(b':')?;
            let known = match key {
                b"descr" => dtype.replace(self.descr()?).is_none(),
                b"fortran_order" => column_major.replace(self.boolean()?).is_none(),
                b"shape" => shape.replace(self.tuple()?).is_none(),
                _ => false,
            };
            if !known {
                return Err(Fault::Header("it has a key twice or one that numpy doesn't write"));
            }
            if !self.accept(b',') {
                self.expect(b'}')?;
                break;
            }
        }
        self.skip_space();
        match (dtype, column_major, shape) {
            (Some(dtype), Some(column_major), Some(shape)) if self.0.is_empty() => {
                Ok(ArrayInfo { dtype: dtype?, shape, column_major })
            }
            _ => Err(UNREADABLE),
        }
    }

    /// The element type. The inner error is reported only once the rest has proved to be a header.
    fn descr(&mut self) -> Result<Result<Dtype, Fault>, Fault> {
        self.skip_space();
        if self.0.first() == Some(&b'[') {
            return Err(Fault::Records);
        }
        let text = self.string()?;
        let (order, kind) = match text {
            [order @ (b'<' | b'>' | b'|' | b'='), kind, ..] if kind.is_ascii_alphabetic() => (*order, *kind),
            _ => return Err(UNREADABLE),
        };
        if kind == b'O' {
            return Ok(Err(Fault::Objects));
        }
        let digits = text[2..].iter().take_while(|c| c.is_ascii_digit()).count();
        let size = Literal(&text[2..2 + digits]).number()?;
        // Only times carry more than a size: their unit, as in `<M8[ns]`.
        if text.len() > 2 + digits && !matches!(kind, b'M' | b'm') {
            return Err(UNREADABLE);
        }
        let dtype = match (kind, size) {
            (b'b', 1) => Dtype::Bool,
            (b'u', 1) => Dtype::U8,
            (b'i', 1) => Dtype::I8,
            (b'i', 4) => Dtype::I32,
            (b'i', 8) => Dtype::I64,
            (b'f', 4) => Dtype::F32,
            (b'f', 8) => Dtype::F64,
            (b'U', characters) => Dtype::Text(characters),
            _ => Dtype::Other(char::from(kind), size),
        };
        let swapped = order == b'>' && !matches!(size, 0 | 1);
        Ok(if swapped { Err(Fault::BigEndian(dtype)) } else { Ok(dtype) })
    }

    fn skip_space(&mut self) {
        self.0 = self.0.trim_ascii_start();
    }

    /// Whether the next sign is `sign`, which is then passed.
    fn accept(&mut self, sign: u8) -> bool {
        self.skip_space();
        match self.0.split_first() {
            Some((first, rest)) if *first == sign => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn expect(&mut self, sign: u8) -> Result<(), Fault> {
        self.accept(sign).then_some(()).ok_or(UNREADABLE)
    }

    /// A quoted string of printable ASCII without escapes.
    fn string(&mut self) -> Result<&'a [u8], Fault> {
        let quote = if self.accept(b'"') { b'"' } else { self.expect(b'\'').map(|()| b'\'')? };
        let end = self.0.iter().position(|c| *c == quote).ok_or(UNREADABLE)?;
        let (text, rest) = self.0.split_at(end);
        self.0 = &rest[1..]; // the closing quote is there: `end` is its place
        let plain = text.iter().all(|c| (b' '..=b'~').contains(c) && *c != b'\\');
        plain.then_some(text).ok_or(UNREADABLE)
    }

    fn boolean(&mut self) -> Result<bool, Fault> {
        self.skip_space();
        for (word, value) in [(&b"True"[..], true), (b"False", false)] {
            if let Some(rest) = self.0.strip_prefix(word) {
                self.0 = rest;
                return Ok(value);
            }
        }
        Err(UNREADABLE)
    }

    /// Decimal digits, with the `L` that Python 2 wrote behind long ones.
    fn number(&mut self) -> Result<usize, Fault> {
        self.skip_space();
        let digits = self.0.iter().take_while(|c| c.is_ascii_digit()).count();
        let (text, rest) = self.0.split_at(digits);
        self.0 = rest.strip_prefix(b"L").unwrap_or(rest);
        let text = str::from_utf8(text).map_err(|_| UNREADABLE)?;
        text.parse().map_err(|_| Fault::Header("a size in it is missing or too large"))
    }

    /// `()`, `(3,)` or `(3, 4)`.
    fn tuple(&mut self) -> Result<Vec<usize>, Fault> {
        self.expect(b'(')?;
        let mut sizes = Vec::new();
        while !self.accept(b')') {
            if sizes.len() == MOST_DIMENSIONS {
                return Err(Fault::Header("it has too many dimensions"));
            }
            sizes.push(self.number()?);
            if !self.accept(b',') {
                self.expect(b')')?;
                break;
            }
        }
        Ok(sizes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ArrayInfo, Fault> {
        Literal(text.as_bytes()).info()
    }

    #[test]
    fn numpys_dictionary_is_understood_in_any_order_and_spacing() {
        let info = parse("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 4), }   \n").unwrap();
        assert_eq!(info, ArrayInfo { dtype: Dtype::F32, shape: vec![3, 4], column_major: true });
        let info = parse("{\"shape\":(10L,),'fortran_order':False,'descr':'|b1'}").unwrap();
        assert_eq!(info, ArrayInfo { dtype: Dtype::Bool, shape: vec![10], column_major: false });
        let info = parse("{'descr': '<U16', 'fortran_order': False, 'shape': ()}").unwrap();
        assert_eq!(info, ArrayInfo { dtype: Dtype::Text(16), shape: vec![], column_major: false });
        assert_eq!(info.bytes(), Some(64));
        let info = parse("{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (1,)}").unwrap();
        assert_eq!(info.dtype, Dtype::Other('M', 8));
    }

    #[test]
    fn anything_but_numpys_dictionary_is_refused() {
        for text in [
            "",
            "{",
            "{}",
            "[1]",
            "{'descr': '<f4', 'fortran_order': False}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} 1",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (3,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3 4)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3,)}",
            "{'descr': 'f', 'fortran_order': False, 'shape': (3,)}",
            "{'descr': '<f', 'fortran_order': False, 'shape': (3,)}",
            "{'descr': '<f4x', 'fortran_order': False, 'shape': (3,)}",
            "{'descr': '<f\\x34', 'fortran_order': False, 'shape': (3,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'x': 1}",
            "{'descr': __import__('os'), 'fortran_order': False, 'shape': (3,)}",
        ] {
            assert!(matches!(parse(text), Err(Fault::Header(_))), "{text}");
        }
        let deep = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}) }}", "1, ".repeat(65));
        assert!(matches!(parse(&deep), Err(Fault::Header("it has too many dimensions"))));
    }

    #[test]
    fn objects_records_and_big_endian_numbers_are_named() {
        let of = |descr: &str| parse(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (1,)}}"));
        assert!(matches!(of("'|O'"), Err(Fault::Objects)));
        assert!(matches!(of("'|O8'"), Err(Fault::Objects)));
        assert!(matches!(of("[('a', '<f4'), ('b', '|O')]"), Err(Fault::Records)));
        assert!(matches!(of("'>i8'"), Err(Fault::BigEndian(Dtype::I64))));
        assert!(matches!(of("'>u1'"), Ok(ArrayInfo { dtype: Dtype::U8, .. })));
    }

    #[test]
    fn a_written_header_reads_back_and_ends_on_64_bytes() {
        for shape in [&[][..], &[7], &[3, 14], &[usize::MAX, 1, 2, 3, 4, 5]] {
            let bytes = header("<i8", shape);
            assert_eq!((bytes.len() % 64, bytes.last()), (0, Some(&b'\n')));
            let info = Literal(&bytes[10..]).info().unwrap();
            assert_eq!((info.dtype, info.shape.as_slice()), (Dtype::I64, shape));
        }
    }

    #[test]
    fn sizes_that_overflow_are_no_size() {
        let info = ArrayInfo { dtype: Dtype::F64, shape: vec![1 << 33, 1 << 33], column_major: false };
        assert_eq!(info.bytes(), None);
        let info = ArrayInfo { dtype: Dtype::F64, shape: vec![1 << 62], column_major: false };
        assert_eq!(info.bytes(), None);
    }

    #[test]
    fn an_index_in_the_file_is_a_place_in_the_array() {
        let mut info = ArrayInfo { dtype: Dtype::U8, shape: vec![3, 4], column_major: false };
        assert_eq!(info.place(6), [1, 2]);
        info.column_major = true;
        assert_eq!(info.place(7), [1, 2]);
    }
}
