//! As in the house, without what reads no files.

#[path = "../../src/dataset/demographics.rs"]
pub mod demographics;
#[path = "../../src/dataset/image_hash.rs"]
pub mod image_hash;
#[path = "../../src/dataset/images.rs"]
pub mod images;
#[path = "../../src/dataset/npz/mod.rs"]
pub mod npz;
#[path = "../../src/dataset/part.rs"]
pub mod part;
#[path = "../../src/dataset/phantom/mod.rs"]
pub mod phantom;
#[path = "../../src/dataset/image_file/mod.rs"]
pub mod image_file;
#[path = "../../src/dataset/progress.rs"]
pub mod progress;
#[path = "../../src/dataset/sheet/mod.rs"]
pub mod sheet;
#[path = "../../src/dataset/store/mod.rs"]
pub mod store;
#[path = "../../src/dataset/table_error.rs"]
mod table_error;
