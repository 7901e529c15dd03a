//! Image cache: decoded or generated images as arrays that are mapped into memory.
//!
//! A store is a folder named after its content: `images.u8` (`uint8 N,H,W`), `images.bin` (for each image its hash and
//! the size of the picture it was made from), `labels.u8` where the source draws its labels, `doubts.jsonl` with what was
//! doubtful about some images, and `store.json`, which is written last; until then the folder is called `*.part`, and `asked.json` has the request.
//! `places/` maps the state of a source to its store (names, lengths and times of its files), so that the
//! same images in two places are kept once.

mod build;
mod layout;
mod mapped;
mod unfinished;

pub use build::{ImportRequest, Made, Making, StoreError, build, listed};
pub use layout::Failure;
pub use mapped::Mapped;
pub use unfinished::{Unfinished, unfinished};
