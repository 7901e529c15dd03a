//! `chestxr-tui`: a terminal workbench for training, judging and explaining multi-label chest X-ray classifiers. The
//! rooms tell the story of an image: dataset, augment, model, train, metrics, evaluation, explain, report; `tui` and the
//! commands of the binary read what the trainer says.

pub mod augment;
pub mod config;
pub mod dataset;
pub mod download;
pub mod evaluation;
pub mod explain;
pub mod files;
pub mod metrics;
pub mod model;
pub mod native;
pub mod panics;
pub mod random;
pub mod report;
pub mod runs;
pub mod text;
pub mod tracking;
pub mod train;
pub mod tui;
pub mod zip;
