//! Figures and tables from numbers: for slides and papers. A figure is a function in `figures`
//! and a line in `drawing`'s table.

pub mod figures;
mod files;

mod blueprint;
mod drawing;
mod results;
mod sheet;

pub use blueprint::Blueprint;
pub use drawing::thinned;
pub use files::{File, files};
pub use results::table;
pub use sheet::{ReportError, Sheet};
