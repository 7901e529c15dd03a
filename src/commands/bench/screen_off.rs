//! Stands in for the screen's measurement in builds without the feature `bench-screen`.

use anyhow::{Result, bail};
use serde::Serialize;

/// Never made.
#[derive(Debug, Serialize)]
pub struct ScreenTimes {}

impl ScreenTimes {
    /// Empty.
    pub fn line(&self) -> String {
        String::new()
    }
}

/// Fails with how to get a build that can measure the screen.
pub fn measure(_sets: &[String]) -> Result<ScreenTimes> {
    bail!("this build can't open a pseudo-terminal; use `make bench`, or build with --features bench-screen")
}
