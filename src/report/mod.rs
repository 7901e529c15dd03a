//! Figures and tables from numbers: what people put on slides and into papers. A figure is a function in `figures`
//! and a line in [`FIGURES`].

pub mod figures;

mod results;
mod sheet;

pub use sheet::{File, ReportError, Sheet, files};
