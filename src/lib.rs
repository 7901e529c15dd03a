//! `chestxr-tui`: a terminal workbench that trains, evaluates and explains multi-label chest X-ray classifiers. Data
//! flows through the modules `dataset`, `augment`, `data_loader`, `model`, `train`, `metrics`, `evaluation`, `explain` and `report`;
//! `runs` stores what they make, `tracking` uploads it, and `tui` and the commands of the binary show it.

#![warn(missing_docs)]

pub mod augment;
pub mod config;
pub mod data_loader;
pub mod dataset;
pub mod download;
pub mod evaluation;
pub mod explain;
pub mod files;
pub mod label;
pub mod logging;
pub mod metrics;
pub mod model;
pub mod native;
pub mod panics;
pub mod random;
pub mod report;
pub mod runs;
pub mod sentence;
pub mod text;
pub mod tracking;
pub mod train;
pub mod tui;
pub mod zip;
