//! Checksums of downloads.

use md5::Md5;
use sha2::{Digest, Sha256};

/// A checksum in lower-case hexadecimal digits; the beginning of one is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// MD5, 32 hexadecimal digits.
    Md5(String),
    /// SHA-256, 64 hexadecimal digits.
    Sha256(String),
}

impl Checksum {
    /// Its digits.
    pub fn hex(&self) -> &str {
        match self {
            Self::Md5(hex) | Self::Sha256(hex) => hex,
        }
    }

    /// `MD5` or `SHA-256`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Md5(_) => "MD5",
            Self::Sha256(_) => "SHA-256",
        }
    }
}

/// A checksum in the making.
#[derive(Clone)]
pub(super) enum Running {
    Md5(Md5),
    Sha256(Sha256),
}

impl Running {
    pub(super) fn new(like: &Checksum) -> Self {
        match like {
            Checksum::Md5(_) => Self::Md5(Md5::new()),
            Checksum::Sha256(_) => Self::Sha256(Sha256::new()),
        }
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(hash) => hash.update(bytes),
            Self::Sha256(hash) => hash.update(bytes),
        }
    }

    pub(super) fn hex(self) -> String {
        let digits = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self {
            Self::Md5(hash) => digits(&hash.finalize()),
            Self::Sha256(hash) => digits(&hash.finalize()),
        }
    }
}
