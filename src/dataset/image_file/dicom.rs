//! Projection X-rays (CR, DX and what is alike) from DICOM files.
//!
//! An image comes out in 16 bits with white at 65,535, as a viewer would show it at first: rescaled, in its first
//! window, and black where the patient absorbed nothing. Who the patient is never leaves this module: not in a
//! image, an error or a `Debug`.

mod elements;
mod fault;
mod jpeg2000;
mod jpeg_ls;
mod pixels;
mod shape;
mod syntax;
#[cfg(test)]
mod tests;
mod tone;
mod walk;

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use dicom_dictionary_std::tags;

use super::error::{Fault, ImageFileError};
use super::gray::DecodedImage;
use super::limits::Limits;
use crate::dataset::demographics;
use crate::panics::caught;
use crate::text::one_line;
use elements::{Elements, Until};
use fault::damaged;
use shape::Shape;

/// Keeps the hash of a patient apart from any other of the same text.
const DOMAIN: &[u8] = b"chestxr-tui patient";
/// Hex digits of a patient's hash.
const DIGITS: usize = 16;
/// Longest word of a file that is shown, in characters.
const LONGEST_WORD: usize = 16;
/// Bytes that hold the header of nearly every image, and how much more is read when they don't.
const HEADER: u64 = 64 << 10;
const MORE: u64 = 8;

/// An image and its metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The image, 16 bits of full range.
    pub picture: DecodedImage,
    /// Whose it is: the same 16 hex digits for the same patient, and nothing of the id in them.
    pub patient: Option<String>,
    /// The metadata.
    pub about: About,
}

/// The metadata of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// `M`, `F` or `O`.
    pub sex: Option<char>,
    /// Age in whole years.
    pub age: Option<u16>,
    /// `PA`, `AP`, `LL` and the like.
    pub view: Option<String>,
    /// `CR`, `DX` and the like; empty where there is none.
    pub modality: String,
}

/// A file's header without its image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// As in [`Image::patient`].
    pub patient: Option<String>,
    /// The metadata of the image.
    pub about: About,
    /// Columns and rows, when there is a picture.
    pub size: Option<(u32, u32)>,
}

/// What is taken for an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// What isn't clearly something else than a projection.
    #[default]
    Projection,
    /// Slices too.
    AnyModality,
}

/// Reads the image at `path`.
///
/// # Errors
/// When the file can't be read, isn't an image, is packed in a way that isn't read, cut short, damaged, or larger
/// than `limits`.
pub fn read(path: &Path, limits: Limits) -> Result<Image, ImageFileError> {
    let image = load(path, limits).and_then(|bytes| decode(&bytes, limits, Strictness::Projection));
    image.map_err(|fault| ImageFileError::new(path, fault))
}

/// Reads the metadata of the file at `path`, and stops where the pixels begin. Of any modality.
///
/// # Errors
/// When the file can't be read, or is no DICOM, or damaged before its image.
pub fn read_about(path: &Path) -> Result<Listed, ImageFileError> {
    let limits = Limits::default();
    let listed = open(path).and_then(|(mut file, length)| {
        let mut bytes = Vec::new();
        let mut wanted = HEADER;
        loop {
            let more = wanted.min(limits.bytes).saturating_sub(bytes.len() as u64);
            let before = bytes.len();
            file.by_ref().take(more).read_to_end(&mut bytes).map_err(Fault::of_file)?;
            let is_all = bytes.len() as u64 >= length || bytes.len() == before;
            let read = guarded(|| Elements::of(&bytes, Until::Pixels, limits));
            match read {
                Ok(elements) if elements.complete || is_all => return Ok(Listed::of(&elements)),
                Err(fault) if is_all || !matches!(fault, Fault::CutShort(_)) => return Err(fault),
                _ => wanted = wanted.saturating_mul(MORE),
            }
        }
    });
    listed.map_err(|fault| ImageFileError::new(path, fault))
}

/// The image in `bytes`.
///
/// # Errors
/// As [`read`].
pub fn decode(bytes: &[u8], limits: Limits, strictness: Strictness) -> Result<Image, Fault> {
    guarded(|| {
        let elements = Elements::of(bytes, Until::End, limits)?;
        let Listed { patient, about, .. } = Listed::of(&elements);
        if strictness == Strictness::Projection
            && let Some(what) = about.other_kind()
        {
            return Err(Fault::DicomModality { what });
        }
        if elements.pixels.is_none() {
            return Err(Fault::DicomNoPicture);
        }
        let mut doubts = Vec::new();
        let inverted = is_inverted(&elements, &mut doubts)?;
        let frames = elements.decimal(tags::NUMBER_OF_FRAMES).unwrap_or(1.0);
        if frames > 1.0 {
            return Err(Fault::DicomFrames(frames as u32));
        }
        let mut shape = Shape::of(&elements, limits)?;
        let codes = pixels::codes(&elements, &mut shape, limits)?;
        let (width, height) = (shape.width, shape.height);
        let greys = tone::tone(&elements, &shape, inverted, codes, &mut doubts);
        let picture =
            DecodedImage::full_range(width, height, greys).ok_or(Fault::ZeroSize { width, height })?;
        Ok(Image { picture: picture.with_doubts(doubts), patient, about })
    })
}

/// Runs what reads a file: a decoder that panics makes one damaged image, not the end of a training.
fn guarded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    caught(work).unwrap_or_else(|| Err(damaged("its decoder gave up")))
}

/// Whether the greys run from white to black.
fn is_inverted(elements: &Elements, doubts: &mut Vec<String>) -> Result<bool, Fault> {
    let word = |tag| elements.text(tag).unwrap_or_default().to_ascii_uppercase();
    let samples = elements.short(tags::SAMPLES_PER_PIXEL).unwrap_or(1);
    let shape = word(tags::PRESENTATION_LUT_SHAPE);
    match word(tags::PHOTOMETRIC_INTERPRETATION).as_str() {
        "MONOCHROME1" if samples == 1 => {
            if shape == "IDENTITY" {
                doubts.push(
                    "MONOCHROME1 with the presentation shape IDENTITY, shown as MONOCHROME1".to_owned(),
                );
            }
            Ok(true)
        }
        // Without the attribute this is the common case of the two, as it is for the retired name. The shape of the
        // presentation turns it round (PS3.3 C.11.6); with MONOCHROME1 it says the same once more.
        said @ ("MONOCHROME2" | "MONOCHROME" | "") if samples == 1 => {
            if said.is_empty() {
                doubts.push("no photometric interpretation, taken for MONOCHROME2".to_owned());
            }
            if shape == "INVERSE" {
                doubts.push("MONOCHROME2 with the presentation shape INVERSE, shown inverted".to_owned());
            }
            Ok(shape == "INVERSE")
        }
        // Grey stored as colour: pixels::codes refuses any other.
        "RGB" if samples == 3 => Ok(false),
        "" => Err(Fault::DicomColour(format!("{samples} samples for a pixel"))),
        other => Err(Fault::DicomColour(one_line(other, LONGEST_WORD))),
    }
}

/// The file at `path` and its length.
fn open(path: &Path) -> Result<(File, u64), Fault> {
    // Checked before opening: to open a pipe would be to wait for its other end.
    let found = fs::metadata(path).map_err(Fault::of_file)?;
    if found.is_dir() {
        return Err(Fault::Folder);
    }
    if !found.is_file() {
        return Err(Fault::NotFile);
    }
    if found.len() == 0 {
        return Err(Fault::Empty);
    }
    Ok((File::open(path).map_err(Fault::of_file)?, found.len()))
}

fn load(path: &Path, limits: Limits) -> Result<Vec<u8>, Fault> {
    let (file, length) = open(path)?;
    if length > limits.bytes {
        return Err(Fault::TooLong { long: length, limit: limits.bytes });
    }
    let mut bytes = Vec::new();
    file.take(limits.bytes).read_to_end(&mut bytes).map_err(Fault::of_file)?;
    Ok(bytes)
}

impl Listed {
    fn of(elements: &Elements) -> Self {
        let side = |tag| elements.short(tag).filter(|side| *side > 0).map(u32::from);
        Self {
            patient: patient(elements),
            about: About::of(elements),
            size: side(tags::COLUMNS).zip(side(tags::ROWS)),
        }
    }
}

/// The hash of whose image it is: of the id alone, as a table has it. That two hospitals may give the same one only keeps
/// two patients in the same split.
fn patient(elements: &Elements) -> Option<String> {
    Some(hashed(&elements.text(tags::PATIENT_ID)?))
}

/// The hash of a patient's id, from a header or a table.
pub fn hashed(id: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [DOMAIN, b"\0\0", id.trim().as_bytes()] {
        hasher.update(part);
    }
    hasher.finalize().to_hex().chars().take(DIGITS).collect()
}

impl About {
    fn of(elements: &Elements) -> Self {
        let word = |tag| elements.text(tag).map(|text| one_line(&text, LONGEST_WORD).to_ascii_uppercase());
        let sex = word(tags::PATIENT_SEX).and_then(|sex| demographics::sex(&sex)?.chars().next());
        Self {
            sex: sex.filter(|sex| matches!(sex, 'M' | 'F' | 'O')),
            age: elements.text(tags::PATIENT_AGE).and_then(|age| demographics::years(&age)),
            view: word(tags::VIEW_POSITION).or_else(|| view_code(elements)),
            modality: word(tags::MODALITY).unwrap_or_default(),
        }
    }

    /// Whether it isn't clearly something else than a projection X-ray.
    pub fn is_projection(&self) -> bool {
        self.other_kind().is_none()
    }

    /// What a file is that is clearly no projection. Radiographs hide under many names (OT, SC, even none), so
    /// what isn't known is let through.
    fn other_kind(&self) -> Option<String> {
        let what = match self.modality.as_str() {
            "CT" | "MR" => "a slice",
            "PT" | "NM" | "ST" => "a nuclear scan",
            "US" | "IVUS" | "BDUS" | "DD" => "an ultrasound picture",
            "ES" | "XC" | "GM" | "SM" | "CFM" | "DMS" => "a photograph",
            "OP" | "OPT" | "OCT" | "IVOCT" | "OAM" | "OPM" | "OPV" | "LEN" | "IOL" | "VA" => {
                "an eye or vessel"
            }
            "SEG" | "REG" | "FID" | "M3D" | "STAIN" | "ANN" => "marks on other pictures",
            "RTSTRUCT" | "RTPLAN" | "RTDOSE" | "RTRECORD" | "PLAN" => "a radiotherapy plan",
            "SR" | "PR" | "KO" | "DOC" | "HC" | "AU" | "ECG" | "EPS" | "HD" | "RESP" | "EEG" | "EMG"
            | "EOG" | "SMR" | "BI" | "RWV" => "a document or a recording",
            _ => return None,
        };
        Some(format!("{what} ({})", self.modality))
    }
}

/// The view that a code stands for, where the older field is empty.
fn view_code(elements: &Elements) -> Option<String> {
    let item = |tag| elements.get(Some(tags::VIEW_CODE_SEQUENCE), tag)?.text();
    let meaning = item(tags::CODE_MEANING)?.to_ascii_lowercase();
    let view = match meaning.replace(['-', ' '], "").as_str() {
        "posteroanterior" => "PA",
        "anteroposterior" => "AP",
        "leftlateral" => "LL",
        "rightlateral" => "RL",
        "lateral" => "LATERAL",
        _ => return None,
    };
    Some(view.to_owned())
}
