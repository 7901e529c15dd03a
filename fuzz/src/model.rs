//! As in the house, without networks.

#[path = "../../src/model/pth/mod.rs"]
pub mod pth;
