//! The elements of a DICOM file that its image needs.
//!
//! dicom-rs' object reader allocates what an element's length claims and reads sequences by recursion, so one flipped
//! bit may allocate gigabytes or overflow the stack. Its lazy token reader does neither: values are read only on
//! request, and copied in chunks.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{Cursor, ErrorKind, Read};

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use dicom_parser::StatefulDecode;
use dicom_parser::dataset::LazyDataToken;
use dicom_parser::dataset::lazy_read::LazyDataSetReader;
use flate2::read::DeflateDecoder;

use super::super::error::Fault;
use super::super::limits::Limits;
use super::fault::{DICOM, damaged};
use super::syntax::{Packing, Syntax};
use super::walk::{self, Head, Style};

/// The group of the elements on the encoding of the others.
const META: u16 = 0x0002;
const TRANSFER_SYNTAX: u16 = 0x0010;

/// What is kept of a data set's top level.
const WANTED: [Tag; 27] = [
    tags::MODALITY,
    tags::PATIENT_ID,
    tags::PATIENT_SEX,
    tags::PATIENT_AGE,
    tags::VIEW_POSITION,
    tags::SAMPLES_PER_PIXEL,
    tags::PHOTOMETRIC_INTERPRETATION,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
    tags::BITS_ALLOCATED,
    tags::BITS_STORED,
    tags::HIGH_BIT,
    tags::PIXEL_REPRESENTATION,
    tags::PIXEL_PADDING_VALUE,
    tags::PIXEL_PADDING_RANGE_LIMIT,
    tags::WINDOW_CENTER,
    tags::WINDOW_WIDTH,
    tags::VOILUT_FUNCTION,
    tags::PRESENTATION_LUT_SHAPE,
    tags::PLANAR_CONFIGURATION,
    tags::RESCALE_INTERCEPT,
    tags::RESCALE_SLOPE,
    tags::LUT_DESCRIPTOR,
    tags::LUT_DATA,
    tags::CODE_MEANING,
    tags::CODE_VALUE,
];

/// Sequences whose first item is looked into.
const SEQUENCES: [Tag; 3] = [tags::MODALITY_LUT_SEQUENCE, tags::VOILUT_SEQUENCE, tags::VIEW_CODE_SEQUENCE];

/// How far a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// To where the pixels begin.
    Pixels,
    /// With the pixels.
    End,
}

/// An element's bytes as they lie in the file.
pub(super) struct Value {
    pub vr: VR,
    pub bytes: Vec<u8>,
}

/// What was read. No `Debug`: it holds the patient's id.
pub(super) struct Elements {
    pub syntax: Syntax,
    /// The pixels: as they are, or all fragments of the packed frame one after the other.
    pub pixels: Option<Value>,
    /// Whether the reader came as far as the pixels.
    pub complete: bool,
    /// By the sequence that an element lies in the first item of, if any.
    values: BTreeMap<(Option<Tag>, Tag), Value>,
}

impl Elements {
    /// The elements of the file in `bytes`.
    pub fn of(bytes: &[u8], until: Until, limits: Limits) -> Result<Self, Fault> {
        let (uid, start) = meta(bytes)?;
        let data = bytes.get(start..).unwrap_or_default();
        let syntax = uid.map(|uid| Syntax::of(&uid)).unwrap_or_default();
        let data = if syntax.packing == Packing::Deflated {
            Cow::Owned(inflate(data, until, limits)?)
        } else {
            Cow::Borrowed(data)
        };
        let syntax = syntax.seen_in(&data);
        let data = walk::known_types(data, syntax.style());
        let mut elements = Self { syntax, pixels: None, complete: false, values: BTreeMap::new() };
        elements.collect(&data, until)?;
        Ok(elements)
    }

    /// The value of `tag` in the first item of `sequence`, or on the top level.
    pub fn get(&self, sequence: Option<Tag>, tag: Tag) -> Option<&Value> {
        self.values.get(&(sequence, tag)).filter(|value| !value.bytes.is_empty())
    }

    /// A text without its padding; `None` when it is empty.
    pub fn text(&self, tag: Tag) -> Option<String> {
        self.get(None, tag).and_then(Value::text)
    }

    /// A number of 16 bits, unsigned; some writers give it as text.
    pub fn short(&self, tag: Tag) -> Option<u16> {
        let value = self.get(None, tag)?;
        match value.vr {
            VR::US | VR::SS | VR::OW | VR::UN | VR::OB => value.shorts(self.syntax.big).next(),
            _ => {
                let number = value.number(self.syntax.big)?;
                let is_short = number.fract() == 0.0 && (-32_768.0..=65_535.0).contains(&number);
                is_short.then(|| if number < 0.0 { (number as i16).cast_unsigned() } else { number as u16 })
            }
        }
    }

    /// The first number of an element, whatever its type.
    pub fn decimal(&self, tag: Tag) -> Option<f64> {
        self.get(None, tag)?.number(self.syntax.big)
    }

    /// Reads `data` from its beginning, and again from behind each sequence that nobody needs.
    fn collect(&mut self, data: &[u8], until: Until) -> Result<(), Fault> {
        let mut rest = Some(data);
        while let Some(data) = rest {
            rest = self.collect_some(data, until)?;
        }
        Ok(())
    }

    /// Reads up to the end, or to a sequence to go on behind of: what lies behind is returned.
    fn collect_some<'a>(&mut self, data: &'a [u8], until: Until) -> Result<Option<&'a [u8]>, Fault> {
        let total = data.len() as u64;
        let syntax = self.syntax.elements();
        let mut reader = LazyDataSetReader::new_with_ts(Cursor::new(data), &syntax).map_err(fault)?;
        // The open sequences, outermost first; packed pixels count as one.
        let mut open: Vec<Tag> = Vec::new();
        // Items seen of the outermost one.
        let mut items = 0;
        // Where the last element of the top level ended.
        let mut end = 0;
        while let Some(token) = reader.advance() {
            let token = match token.map_err(fault) {
                // Some writers leave the mark behind the last fragment out.
                Err(Fault::CutShort(_)) if open == [tags::PIXEL_DATA] && items > 1 => break,
                token => token?,
            };
            match token {
                LazyDataToken::ElementHeader(header) => {
                    if open.is_empty() && header.tag.group() >= tags::PIXEL_DATA.group() {
                        self.complete = true;
                        if until == Until::Pixels || header.tag.group() > tags::PIXEL_DATA.group() {
                            return Ok(None);
                        }
                    }
                }
                LazyDataToken::SequenceStart { tag, .. } => {
                    if open.is_empty() {
                        end = walk::behind(data, end, self.syntax.style())?;
                        if !SEQUENCES.contains(&tag) {
                            return data.get(end..).map(Some).ok_or(Fault::CutShort(DICOM));
                        }
                        items = 0;
                    }
                    open.push(tag);
                }
                LazyDataToken::PixelSequenceStart => {
                    if open.is_empty() {
                        self.complete = true;
                        if until == Until::Pixels {
                            return Ok(None);
                        }
                        items = 0;
                        self.pixels = Some(Value { vr: VR::OB, bytes: Vec::new() });
                    }
                    open.push(tags::PIXEL_DATA);
                }
                LazyDataToken::SequenceEnd => {
                    if open.pop() == Some(tags::PIXEL_DATA) && open.is_empty() {
                        return Ok(None);
                    }
                }
                LazyDataToken::ItemStart { .. } => items += usize::from(open.len() == 1),
                LazyDataToken::LazyValue { header, decoder } => {
                    let length = header.len.get().ok_or_else(|| damaged("an element without length"))?;
                    check_rest(&decoder, length, total)?;
                    if open.is_empty() {
                        end = (decoder.position() + u64::from(length)) as usize;
                    }
                    let sequence = open.first().copied();
                    let kept = match open.len() {
                        0 => WANTED.contains(&header.tag),
                        1 => items == 1 && SEQUENCES.contains(&open[0]) && WANTED.contains(&header.tag),
                        _ => false,
                    };
                    let pixels = open.is_empty() && header.tag == tags::PIXEL_DATA;
                    if kept || pixels {
                        let mut bytes = Vec::new();
                        decoder.read_to_vec(length, &mut bytes).map_err(fault)?;
                        let value = Value { vr: header.vr(), bytes };
                        if pixels {
                            self.pixels = Some(value);
                            // What follows may be padding or junk.
                            return Ok(None);
                        }
                        self.values.insert((sequence, header.tag), value);
                    } else {
                        decoder.skip_bytes(length).map_err(fault)?;
                    }
                }
                LazyDataToken::LazyItemValue { len, decoder } => {
                    check_rest(&decoder, len, total)?;
                    match &mut self.pixels {
                        // The first item only has the offsets of frames, and there is one frame.
                        Some(pixels) if open.len() == 1 && items > 1 => {
                            decoder.read_to_vec(len, &mut pixels.bytes).map_err(fault)?;
                        }
                        _ => decoder.skip_bytes(len).map_err(fault)?,
                    }
                }
                LazyDataToken::ItemEnd => {}
                // The enum may grow.
                _ => return Err(damaged("an unknown structure")),
            }
        }
        let is_whole = open.is_empty() || open == [tags::PIXEL_DATA] && items > 1;
        if !is_whole {
            return Err(Fault::CutShort(DICOM));
        }
        Ok(None)
    }
}

impl Value {
    /// The text in it without its padding; `None` when it is empty.
    pub fn text(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.bytes);
        let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The first number in it, binary or as a text with a point or, as some writers have it, a comma; finite.
    pub fn number(&self, big: bool) -> Option<f64> {
        fn first<const N: usize>(bytes: &[u8], big: bool) -> Option<[u8; N]> {
            let mut found = *bytes.first_chunk()?;
            if big {
                found.reverse();
            }
            Some(found)
        }
        let bytes = &self.bytes;
        let number = match self.vr {
            VR::FL => f32::from_le_bytes(first(bytes, big)?).into(),
            VR::FD => f64::from_le_bytes(first(bytes, big)?),
            VR::US => u16::from_le_bytes(first(bytes, big)?).into(),
            VR::SS => i16::from_le_bytes(first(bytes, big)?).into(),
            VR::UL => u32::from_le_bytes(first(bytes, big)?).into(),
            VR::SL => i32::from_le_bytes(first(bytes, big)?).into(),
            _ => self.text()?.split('\\').next()?.trim().replace(',', ".").parse().ok()?,
        };
        number.is_finite().then_some(number)
    }

    /// Its numbers of 16 bits.
    pub fn shorts(&self, big: bool) -> impl Iterator<Item = u16> {
        let (pairs, _) = self.bytes.as_chunks::<2>();
        pairs.iter().map(move |pair| if big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) })
    }
}

/// Refuses what goes on beyond the end.
fn check_rest(decoder: &impl StatefulDecode, length: u32, total: u64) -> Result<(), Fault> {
    let end = decoder.position().saturating_add(length.into());
    if end > total { Err(Fault::CutShort(DICOM)) } else { Ok(()) }
}

/// The transfer syntax that a file's beginning names, and where its data set begins.
fn meta(bytes: &[u8]) -> Result<(Option<String>, usize), Fault> {
    let mut at = if bytes.get(128..132) == Some(b"DICM") {
        132
    } else if bytes.starts_with(b"DICM") {
        4
    } else {
        0
    };
    let style = Style { explicit: true, big: false };
    let mut uid = None;
    // The group's own length is often wrong or missing, so its elements are walked.
    while bytes.get(at..at + 2) == Some(&META.to_le_bytes()) {
        let head = Head::of(bytes, at, style)?;
        let end = head.end()?;
        let value = bytes.get(head.value..end).ok_or(Fault::CutShort(DICOM))?;
        if head.element == TRANSFER_SYNTAX {
            uid = Value { vr: VR::UI, bytes: value.to_vec() }.text();
        }
        at = end;
    }
    Ok((uid, at))
}

/// A deflated data set, at most as large as a file may be: it may be a bomb. Of a beginning, what there is.
fn inflate(data: &[u8], until: Until, limits: Limits) -> Result<Vec<u8>, Fault> {
    let mut inflated = Vec::new();
    let read = DeflateDecoder::new(data).take(limits.bytes.saturating_add(1)).read_to_end(&mut inflated);
    match read {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof && until == Until::Pixels => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(Fault::CutShort(DICOM)),
        Err(_) => return Err(damaged("its compression")),
        Ok(_) => {}
    }
    if inflated.len() as u64 > limits.bytes {
        return Err(Fault::Memory(limits.bytes));
    }
    Ok(inflated)
}

/// What an error of the reader means. Its own words stay out: they may repeat a value, and so a name.
fn fault(error: impl Error + 'static) -> Fault {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(this) = cause {
        if this.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == ErrorKind::UnexpectedEof) {
            return Fault::CutShort(DICOM);
        }
        cause = this.source();
    }
    damaged("its elements don't follow each other")
}
