//! Archives made by hand, without any help of the code under test, so that each of their fields can lie.

use std::io::Write;

use chestxr_tui::dataset::npz::{Limits, MedMnist, NpzError, read_medmnist};
use flate2::{Compression, Crc, write::DeflateEncoder};

/// A zip member with everything that a test may want to falsify.
#[derive(Clone)]
pub struct Member {
    pub name: String,
    pub method: u16,
    pub flags: u16,
    pub packed: Vec<u8>,
    pub size: u64,
    pub crc: u32,
    pub zip64: bool,
}

pub fn stored(name: &str, content: &[u8]) -> Member {
    let mut crc = Crc::new();
    crc.update(content);
    let (packed, size) = (content.to_vec(), content.len() as u64);
    Member { name: format!("{name}.npy"), method: 0, flags: 0, packed, size, crc: crc.sum(), zip64: false }
}

pub fn deflated(name: &str, content: &[u8]) -> Member {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    Member { method: 8, packed: encoder.finish().unwrap(), ..stored(name, content) }
}

/// An archive of `members`, written without any help of the code under test.
pub fn zip(members: &[Member]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        let Member { name, method, flags, packed, size, crc, zip64 } = member;
        let sizes = [packed.len() as u64, *size].map(|size| if *zip64 { u32::MAX } else { size as u32 });
        let mut extra = Vec::new();
        if *zip64 {
            extra.extend([9, 9, 2, 0, 5, 5, 1, 0, 16, 0]); // another field comes first
            extra.extend([*size, packed.len() as u64].iter().flat_map(|size| size.to_le_bytes()));
        }
        let mut fields = Vec::new();
        fields.extend([20, *flags, *method, 0, 33].iter().flat_map(|field: &u16| field.to_le_bytes()));
        fields.extend([*crc, sizes[0], sizes[1]].iter().flat_map(|field| field.to_le_bytes()));
        fields.extend([name.len() as u16, extra.len() as u16].iter().flat_map(|field| field.to_le_bytes()));
        directory.extend(b"PK\x01\x02\x14\x00".iter().chain(&fields).chain(&[0; 10]));
        directory.extend((file.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes().iter().chain(&extra));
        file.extend(b"PK\x03\x04".iter().chain(&fields).chain(name.as_bytes()).chain(&extra).chain(packed));
    }
    let (count, start) = (members.len() as u16, file.len() as u32);
    file.extend(&directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend([count, count].iter().flat_map(|field| field.to_le_bytes()));
    file.extend([directory.len() as u32, start].iter().flat_map(|field| field.to_le_bytes()));
    file.extend([0, 0]);
    file
}

pub fn npy(descr: &str, shape: &str, content: &[u8]) -> Vec<u8> {
    npy_in_order(descr, "False", shape, content)
}

pub fn npy_in_order(descr: &str, column_major: &str, shape: &str, content: &[u8]) -> Vec<u8> {
    let dict = format!("{{'descr': {descr}, 'fortran_order': {column_major}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((dict.len() as u16).to_le_bytes());
    bytes.extend(dict.bytes().chain(content.iter().copied()));
    bytes
}

pub const CLASSES: usize = 14;

/// A good data set of 5, 2 and 3 images of 4x6.
pub fn members() -> Vec<Member> {
    let mut members = Vec::new();
    for (split, count) in [("train", 5), ("val", 2), ("test", 3)] {
        let pixels: Vec<u8> = (0..count * 24).map(|i| (i * 7 % 256) as u8).collect();
        let labels: Vec<u8> = (0..count * CLASSES).map(|i| u8::from(i % 5 == 0)).collect();
        let images = npy("'|u1'", &format!("({count}, 4, 6)"), &pixels);
        members.push(deflated(&format!("{split}_images"), &images));
        members.push(deflated(&format!("{split}_labels"), &npy("'|u1'", &format!("({count}, 14)"), &labels)));
    }
    members
}

/// The good data set with one array replaced.
pub fn with(member: Member) -> Vec<Member> {
    members().into_iter().map(|old| if old.name == member.name { member.clone() } else { old }).collect()
}

pub fn read_bytes(bytes: &[u8], limit: u64) -> Result<MedMnist, NpzError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.npz");
    std::fs::write(&path, bytes).unwrap();
    read_medmnist(&path, Some(CLASSES), Limits { max_bytes: limit })
}
