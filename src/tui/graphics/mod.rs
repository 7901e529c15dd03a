//! Pictures in terminals: detection of the protocol, and pictures encoded for it in the background.
//!
//! [`probe`] queries the terminal once, before anything else reads from it, and gives up after a limit. [`Gallery`] has a
//! thread of its own that paints and encodes what the latest frame wanted; ratatui-image's widgets put it into the
//! frame. Until a picture is there, and where a terminal has no pixels, panes show half blocks. Facts about terminals
//! were measured; see the decisions in `probe`'s table.

mod answers;
mod gallery;
mod keys;
mod probe;
mod protocol;
mod sixel;

pub use gallery::{Gallery, ImageRequest, Paint};
pub use probe::{Terminal, probe};
pub use protocol::{GraphicsChoice, Protocol};
