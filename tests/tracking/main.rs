//! Runs and a real MLflow server: what arrives there, and what happens when something fails in between.

#[path = "../support/mod.rs"]
mod support;

mod arriving;
mod faults;
