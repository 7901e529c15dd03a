use std::path::Path;

pub struct About {
    pub sex: Option<String>,
    pub age: Option<u16>,
    pub view: Option<String>,
}
pub struct Header {
    pub patient: Option<String>,
    pub about: About,
}
pub fn read_about(_path: &Path) -> Result<Header, super::PictureError> {
    Err(super::PictureError::new(_path, super::Fault::Dicom))
}
pub fn hashed(name: &str) -> String {
    blake3::hash(name.as_bytes()).to_hex()[..16].to_owned()
}
