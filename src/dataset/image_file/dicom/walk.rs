//! Headers of elements, skipped without reading their values.
//!
//! dicom-rs' reader takes the inside of a sequence of unknown type for explicit, where the standard has it implicit
//! (PS3.5 6.2.2, as archives write private sequences), and then loses its way. So what nobody needs is jumped over.

use std::borrow::Cow;

use super::super::error::Fault;
use super::fault::{DICOM, damaged};

/// The length of what ends with a mark.
pub(super) const UNDEFINED: u32 = u32::MAX;
const DELIMITERS: u16 = 0xfffe;
const ITEM: u16 = 0xe000;
const ITEM_END: u16 = 0xe00d;
const SEQUENCE_END: u16 = 0xe0dd;

/// How headers are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub explicit: bool,
    pub big: bool,
}

/// The value representations of PS3.5 6.2, those with a length of four bytes first.
const LONG: [&[u8; 2]; 13] =
    [b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"];
const SHORT: [&[u8; 2]; 21] = [
    b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL",
    b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
];

/// `data` with every type of its top level that the standard doesn't know (`ZZ`, `??` in letters) made a text: dicom-rs
/// takes such an element for one with a longer header and loses its way, while its length has two bytes (PS3.5 7.1.2).
pub(super) fn known_types(data: Cow<'_, [u8]>, style: Style) -> Cow<'_, [u8]> {
    if !style.explicit {
        return data;
    }
    let mut unknown = Vec::new();
    let mut at = 0;
    while let Ok(head) = Head::of(&data, at, style) {
        // The pixels; group 7fe0.
        if head.group >= 0x7fe0 {
            break;
        }
        if !LONG.contains(&&head.vr) && !SHORT.contains(&&head.vr) && head.group != DELIMITERS {
            unknown.push(at + 4);
        }
        let next = if head.length == UNDEFINED { behind(&data, at, style) } else { head.end() };
        match next {
            Ok(next) if next > at && next <= data.len() => at = next,
            _ => break,
        }
    }
    if unknown.is_empty() {
        return data;
    }
    let mut data = data.into_owned();
    for place in unknown {
        data[place..place + 2].copy_from_slice(b"LO");
    }
    Cow::Owned(data)
}

/// The header of an element.
pub(super) struct Head {
    pub group: u16,
    pub element: u16,
    /// Letters of its type; none where it is implicit.
    pub vr: [u8; 2],
    pub length: u32,
    /// Where its value begins.
    pub value: usize,
}

impl Head {
    /// That at `at`.
    pub fn of(data: &[u8], at: usize, style: Style) -> Result<Self, Fault> {
        let cut = || Fault::CutShort(DICOM);
        let bytes = data.get(at..).ok_or_else(cut)?;
        let (&[g, h, e, f, a, b, c, d], rest) = bytes.split_first_chunk().ok_or_else(cut)?;
        let short = |two| if style.big { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) };
        let long = |four| if style.big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) };
        let (group, element) = (short([g, h]), short([e, f]));
        if group == DELIMITERS || !style.explicit {
            return Ok(Self { group, element, vr: [0; 2], length: long([a, b, c, d]), value: at + 8 });
        }
        let vr = [a, b];
        if !vr.iter().all(u8::is_ascii_uppercase) {
            return Err(damaged("the type of an element"));
        }
        let is_long = LONG.contains(&&vr);
        if is_long {
            let (length, _) = rest.split_first_chunk().ok_or_else(cut)?;
            return Ok(Self { group, element, vr, length: long(*length), value: at + 12 });
        }
        Ok(Self { group, element, vr, length: short([c, d]).into(), value: at + 8 })
    }

    /// Where the next element begins, unless a delimiter marks it.
    pub fn end(&self) -> Result<usize, Fault> {
        self.value.checked_add(self.length as usize).ok_or(Fault::CutShort(DICOM))
    }
}

/// Where a sequence ends whose header is at `at`, be its length known or not.
pub(super) fn behind(data: &[u8], at: usize, style: Style) -> Result<usize, Fault> {
    let head = Head::of(data, at, style)?;
    if head.length != UNDEFINED {
        return head.end();
    }
    let inside = |style: Style, head: &Head| Style { explicit: style.explicit && &head.vr != b"UN", ..style };
    let mut at = head.value;
    // How each open sequence and item is written: no recursion, as a file may nest as deep as it is long.
    let mut open = vec![inside(style, &head)];
    while let Some(style) = open.last().copied() {
        let head = Head::of(data, at, style)?;
        at = head.value;
        match (head.group, head.element) {
            (DELIMITERS, ITEM_END | SEQUENCE_END) => {
                open.pop();
            }
            (DELIMITERS, ITEM) if head.length == UNDEFINED => open.push(style),
            _ if head.length == UNDEFINED => open.push(inside(style, &head)),
            _ => at = head.end()?,
        }
    }
    Ok(at)
}
