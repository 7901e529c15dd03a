//! Drawing that panes share. Each widget is a view model with a `render`: no state, no look at the app.

pub mod chart;
pub mod field;
pub mod gauge;
pub mod pen;
pub mod picture;
pub mod plane;
pub mod scale;
pub mod text;
