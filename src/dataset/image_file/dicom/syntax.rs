//! Transfer syntaxes: how a file's elements are written and its pixels packed.

use dicom_encoding::TransferSyntax;
use dicom_transfer_syntax_registry::entries;

use super::super::error::Fault;
use super::walk::Style;
use crate::text::one_line;

/// Decompresses anything.
const ANY: &str = "gdcmconv --raw IN OUT";
/// Longest name of an unknown one, in characters.
const LONGEST_UID: usize = 64;

/// How pixels are packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// As they are.
    Plain,
    /// As they are, the whole data set deflated.
    Deflated,
    /// As they are, in fragments.
    Wrapped,
    Rle,
    Jpeg,
    Jpeg2000,
    JpegLs,
    /// In a way that isn't read: its name, and a command that unpacks it.
    Other(String, &'static str),
}

/// How a data set is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Syntax {
    pub packing: Packing,
    /// Whether numbers begin with their high byte.
    pub big: bool,
    /// Whether elements carry their value representation.
    explicit: bool,
}

impl Default for Syntax {
    fn default() -> Self {
        Self { packing: Packing::Plain, big: false, explicit: false }
    }
}

impl Syntax {
    /// That of a UID.
    pub fn of(uid: &str) -> Self {
        let little = |packing| Self { packing, big: false, explicit: true };
        let other = |name: &str, hint| little(Packing::Other(name.to_owned(), hint));
        match uid.strip_prefix("1.2.840.10008.1.2").unwrap_or("?") {
            "" => Self::default(),
            ".1" => little(Packing::Plain),
            ".2" => Self { packing: Packing::Plain, big: true, explicit: true },
            ".1.99" => little(Packing::Deflated),
            ".1.98" => little(Packing::Wrapped),
            ".5" => little(Packing::Rle),
            ".4.50" | ".4.51" | ".4.57" | ".4.70" => little(Packing::Jpeg),
            ".4.90" | ".4.91" => little(Packing::Jpeg2000),
            ".4.80" | ".4.81" => little(Packing::JpegLs),
            ".4.92" | ".4.93" => other("multi-component JPEG 2000", ANY),
            ".4.110" | ".4.111" | ".4.112" => other("JPEG XL", "dcmdjxl IN OUT, or djxl on its picture"),
            ".4.201" | ".4.202" | ".4.203" => other("High-Throughput JPEG 2000", ANY),
            ".8.1" => other("deflated frames", ANY),
            rest if rest.starts_with(".4.10") => other("a video", "export a still as PNG"),
            rest if rest.starts_with(".4.") => other("a retired kind of JPEG", ANY),
            _ => {
                let uid: String = uid.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
                other(&format!("the transfer syntax {}", one_line(&uid, LONGEST_UID)), ANY)
            }
        }
    }

    /// That of `data`, where the header names `self`. The letters of the first element's type are taken before the
    /// word of a file: some name the wrong one of the two little-endian ways, and some none at all.
    pub fn seen_in(self, data: &[u8]) -> Self {
        let letters = data.get(4..6).is_some_and(|vr| vr.iter().all(u8::is_ascii_uppercase));
        Self { explicit: self.big || letters, ..self }
    }

    /// How its headers are walked over.
    pub fn style(&self) -> Style {
        Style { explicit: self.explicit, big: self.big }
    }

    /// How its elements are read. What is deflated is inflated before.
    pub fn elements(&self) -> TransferSyntax {
        match (self.explicit, self.big) {
            (false, _) => entries::IMPLICIT_VR_LITTLE_ENDIAN.erased(),
            (true, false) => entries::EXPLICIT_VR_LITTLE_ENDIAN.erased(),
            (true, true) => entries::EXPLICIT_VR_BIG_ENDIAN.erased(),
        }
    }

    /// Why pixels so packed can't be read; `None` when they can.
    pub fn refusal(&self) -> Option<Fault> {
        match &self.packing {
            Packing::Other(name, hint) => Some(Fault::DicomSyntax { name: name.clone(), hint }),
            _ => None,
        }
    }
}
