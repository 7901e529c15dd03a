//! What the workbench knows: one type a subject, all owned by the [`App`](crate::tui::app::App). Nothing here draws.

pub mod augment;
pub mod charts;
pub mod data;
pub mod evaluate;
pub mod explain;
pub mod form;
pub mod live;
pub mod rates;
pub mod runs;
