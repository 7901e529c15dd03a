//! Chest images from picture files: 8- and 16-bit PNG, JPEG and DICOM, reduced to the size a network was trained at.
//!
//! [`find`] lists files, [`sniff`] identifies a file by its content, [`read`] decodes one to grey, and
//! [`Preprocess::image`] makes of it the image that a network sees.

pub mod dicom;
mod doubts;
mod error;
mod filter;
mod find;
mod gray;
mod header;
mod limits;
mod preprocess;
mod read;
mod resample;
mod sniff;
#[cfg(test)]
mod tests;

pub use doubts::{Doubts, file_name, first_names};
pub use error::{Fault, ImageFileError};
pub use filter::Filter;
pub use find::find;
pub use gray::{DecodedImage, Depth, Pixels};
pub use limits::Limits;
pub use preprocess::{Fit, MAX_SIDE, Preprocess};
pub use read::read;
pub use sniff::{Kind, sniff};
