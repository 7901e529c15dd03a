//! Telling an MLflow server of runs. The run's folder is the truth; this room reads it and sends what a server lacks,
//! at any time: beside a run ([`Uploader`]), afterwards (`track sync`), or into files of MLflow's own layout for a
//! machine that reaches no server ([`export`]). Nothing here can delay a step or lose a row.

mod api;
mod client;
mod error;
mod export;
mod files;
mod ledger;
mod models;
mod package;
mod record;
mod sync;
mod uploader;

pub use client::{Client, GoOn, Patience, environment};
pub use error::TrackingError;
pub use export::export;
pub use ledger::{Ledger, Standing};
pub use record::{FilmsInput, Row, RunRecord};
pub use sync::{Courier, MakeModel, Progress, Report, Session};
pub use uploader::Uploader;
