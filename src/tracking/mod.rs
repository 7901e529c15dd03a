//! Telling an MLflow server of runs. The run's folder is the truth; this room reads it and sends what a server lacks,
//! at any time: beside a run ([`Uploader`]), afterwards (`track sync`), or into files of MLflow's own layout for a
//! machine that reaches no server ([`export`]). Nothing here can delay a step or lose a row.

mod api;
mod client;
mod error;
mod export;
mod files;
mod journal;
mod known;
mod ledger;
mod models;
mod package;
mod record;
mod round;
mod rows;
mod sync;
mod sync_types;
mod uploader;

pub use client::{HttpClient, Patience, environment};
pub use error::TrackingError;
pub use export::export;
pub use ledger::Ledger;
pub use sync_types::{Client, Progress, Report};
pub use uploader::Uploader;
