//! The screens: a folder each, with its state, its panes, its keys and what its actions do.

pub mod augment;
pub mod data;
pub mod evaluate;
pub mod explain;
pub mod runs;
pub mod train;
