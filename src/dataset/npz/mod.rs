//! The npz format: zip archives of numpy arrays, read with limits and written deterministically.
//!
//! `archive` finds and reads arrays by name, `medmnist` reads a whole data set in MedMNIST's layout, `writer`
//! makes archives. Beneath them [`crate::zip`] reads an archive's directory, `entry` unpacks an entry, `record` has the
//! records that are written, and `npy` parses an array's header. What a data set *means* (names of conditions, statistics) doesn't live here.
//!
//! Everything in such a file is taken for a claim by a stranger: sizes are believed only where the zip directory,
//! the npy header and deflate's greatest possible ratio agree, and memory is allocated only after that.

mod archive;
mod dtype;
mod entry;
mod error;
mod image_rows;
mod medmnist;
mod npy;
mod record;
mod writer;

pub use archive::{Archive, Array, Limits};
pub use dtype::Dtype;
pub use error::{Fault, NpzError};
pub use image_rows::ImageRows;
pub use medmnist::{ImageStream, MedMnist, Opened, read_medmnist};
pub use npy::ArrayInfo;
pub use writer::Writer;
