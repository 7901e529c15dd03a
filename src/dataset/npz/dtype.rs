//! Element types and shapes of arrays, and how sentences name them.

use std::fmt;

/// The type of an array's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// `bool`, one byte of 0 or 1.
    Bool,
    /// `uint8`.
    U8,
    /// `int8`.
    I8,
    /// `int32`.
    I32,
    /// `int64`.
    I64,
    /// `float32`.
    F32,
    /// `float64`.
    F64,
    /// `str` of at most so many characters, four bytes each.
    Text(usize),
    /// What can be listed but not read: numpy's letter for the kind and the bytes of an element.
    Other(char, usize),
}

impl Dtype {
    /// Bytes of an element.
    pub(super) fn size(self) -> u64 {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
            Self::Text(characters) => (characters as u64).saturating_mul(4),
            Self::Other(_, size) => size as u64,
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::U8 => f.write_str("uint8"),
            Self::I8 => f.write_str("int8"),
            Self::I32 => f.write_str("int32"),
            Self::I64 => f.write_str("int64"),
            Self::F32 => f.write_str("float32"),
            Self::F64 => f.write_str("float64"),
            Self::Text(_) => f.write_str("text"),
            Self::Other('i', size) => write!(f, "int{}", size.saturating_mul(8)),
            Self::Other('u', size) => write!(f, "uint{}", size.saturating_mul(8)),
            Self::Other('f', size) => write!(f, "float{}", size.saturating_mul(8)),
            Self::Other('c', size) => write!(f, "complex{}", size.saturating_mul(8)),
            Self::Other('S', _) => f.write_str("bytes"),
            Self::Other('M', _) => f.write_str("datetime64"),
            Self::Other('m', _) => f.write_str("timedelta64"),
            Self::Other(kind, size) => write!(f, "{kind}{size}"),
        }
    }
}

/// A shape as numpy prints it.
pub(super) struct Shape<'a>(pub(super) &'a [usize]);

impl fmt::Display for Shape<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [one] => write!(f, "({one},)"),
            many => {
                let sizes: Vec<_> = many.iter().map(usize::to_string).collect();
                write!(f, "({})", sizes.join(", "))
            }
        }
    }
}
