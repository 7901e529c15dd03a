//! The npz format: zip archives of numpy arrays, read with limits and written deterministically.
//!
//! `archive` finds and reads arrays by name, `medmnist` reads a whole data set in MedMNIST's layout, `writer`
//! makes archives. Beneath them `zip` finds a container's members, `entry` unpacks one, `record` knows a container's
//! records as they are written, and `npy` knows an array's header. What a data set *means* (names of conditions, statistics) doesn't live here.
//!
//! Everything in such a file is taken for a claim by a stranger: sizes are believed only where the zip directory,
//! the npy header and deflate's greatest possible ratio agree, and memory is asked for only after that.

mod archive;
mod entry;
mod error;
mod medmnist;
mod npy;
mod record;
mod writer;
mod zip;

pub use archive::{Archive, Array, Limits};
pub use error::{Fault, NpzError};
pub use medmnist::{ImageStream, MedMnist, Opened, read_medmnist};
pub use npy::{ArrayInfo, Dtype};
pub use writer::Writer;
