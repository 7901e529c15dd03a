//! As in the house, without networks.

#[path = "../../src/model/pth/mod.rs"]
pub mod pth;

#[path = "../../src/model/tensor_file/parsed.rs"]
pub mod tensor_file;
