//! Safetensors files that notice damage: the BLAKE3 of all tensors stands in the header's metadata, where other programs,
//! PyTorch among them, pass it over. It is in the file and not beside it, so that a kill can't part the two.

mod parsed;

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView, serialize_to_file};
use tch::{Device, TchError, Tensor};

pub use parsed::TensorFileError;
use parsed::{CHECKSUM, checksum, format_error, parse};

/// Writes tensors (on the CPU, contiguous) with their checksum. The same tensors give the same bytes.
///
/// # Errors
/// When the file can't be written, or a tensor has a kind that the format lacks.
pub(super) fn write(tensors: &[(String, Tensor)], path: &Path) -> Result<(), TchError> {
    let views: Vec<(&str, TensorView)> = tensors
        .iter()
        .map(|(name, tensor)| Ok((name.as_str(), view(tensor)?)))
        .collect::<Result<_, TchError>>()?;
    let metadata =
        HashMap::from([(CHECKSUM.to_owned(), checksum(views.iter().map(|(name, view)| (*name, view))))]);
    serialize_to_file(views, &Some(metadata), path)
        .map_err(|err| TchError::SafeTensorError { path: path.to_string_lossy().into_owned(), err })
}

/// The tensors of a file by name, on the CPU. A file without a checksum, as other programs write it, is taken as it is.
///
/// # Errors
/// When the file can't be read, isn't one, or isn't what was written.
pub fn read(path: &Path) -> Result<HashMap<String, Tensor>, TensorFileError> {
    let bytes = std::fs::read(path)?;
    let file = parse(&bytes)?;
    file.tensors()
        .into_iter()
        .map(|(name, view)| Ok((name, view.try_into().map_err(|error: TchError| format_error(&error))?)))
        .collect()
}

/// A tensor's bytes where they lie.
fn view(tensor: &Tensor) -> Result<TensorView<'_>, TchError> {
    if tensor.device() != Device::Cpu || !tensor.is_contiguous() {
        return Err(TchError::Convert("only contiguous tensors on the CPU are written".to_owned()));
    }
    let shape = tensor.size().iter().map(|side| *side as usize).collect();
    let bytes: &[u8] = match tensor.numel() * tensor.kind().elt_size_in_bytes() {
        0 => &[],
        // SAFETY: a contiguous tensor on the CPU has this many bytes from its first value on, and `tensor` keeps them; who
        // writes a file holds the only handle (see `Snapshot`), so nothing changes them meanwhile.
        length => unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast::<u8>(), length) },
    };
    TensorView::new(Dtype::try_from(tensor.kind())?, shape, bytes)
        .map_err(|error| TchError::Convert(error.to_string()))
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;

    fn tensors() -> Vec<(String, Tensor)> {
        let weight = Tensor::from_slice(&[1.5_f32, -2.0, 0.25, 8.0]).view([2, 2]);
        let count = Tensor::from_slice(&[7_i64]).squeeze();
        let half = weight.to_kind(Kind::BFloat16);
        let nothing = Tensor::zeros([0], (Kind::Float, Device::Cpu));
        [("weight", weight), ("count", count), ("half", half), ("nothing", nothing)]
            .map(|(name, tensor)| (name.to_owned(), tensor))
            .into()
    }

    #[test]
    fn tensors_come_back_as_they_were_in_the_same_bytes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
        write(&tensors(), &one).expect("written");
        write(&tensors(), &two).expect("written");
        assert_eq!(std::fs::read(&one).expect("bytes"), std::fs::read(&two).expect("bytes"));
        let read = read(&one).expect("readable");
        assert_eq!(read.len(), 4);
        for (name, tensor) in tensors() {
            assert_eq!((read[&name].kind(), read[&name].size()), (tensor.kind(), tensor.size()), "{name}");
            assert!(read[&name].equal(&tensor), "{name}");
        }
        // What every other program reads.
        assert_eq!(Tensor::read_safetensors(&one).expect("a safetensors file").len(), 4);
    }

    #[test]
    fn no_bit_can_change_unnoticed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("weights");
        write(&tensors(), &path).expect("written");
        let whole = std::fs::read(&path).expect("bytes");
        let header = 8 + u64::from_le_bytes(whole[..8].try_into().expect("eight bytes")) as usize;
        // Each bit of the tensors; spaces that pad the header mean nothing.
        for bit in 8 * header..8 * whole.len() {
            let mut changed = whole.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &changed).expect("written");
            assert!(matches!(read(&path), Err(TensorFileError::Checksum)), "bit {bit}");
        }
        // Of the header: a name, a kind, a shape. What is no JSON any more is refused as such.
        let text = String::from_utf8(whole[8..header].to_vec()).expect("JSON");
        for (from, to) in [
            ("weight", "weighs"),
            ("[2,2]", "[4,1]"),
            ("\"I64\"", "\"F64\""),
            ("blake3\":\"", "blake3\":\"0"),
        ] {
            assert!(text.contains(from), "{text}");
            let changed = text.replacen(from, to, 1);
            let mut bytes = (changed.len() as u64).to_le_bytes().to_vec();
            bytes.extend_from_slice(changed.as_bytes());
            bytes.extend_from_slice(&whole[header..]);
            std::fs::write(&path, &bytes).expect("written");
            assert!(matches!(read(&path), Err(TensorFileError::Checksum)), "{from}");
        }
    }

    #[test]
    fn a_shape_that_no_memory_holds_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("weights");
        let big = 1_u64 << 62;
        for shape in [format!("[0,{big},{big}]"), format!("[{big},0,4]"), format!("[{big},{big}]")] {
            let header = format!(r#"{{"x":{{"dtype":"F32","shape":{shape},"data_offsets":[0,0]}}}}"#);
            let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
            bytes.extend_from_slice(header.as_bytes());
            std::fs::write(&path, &bytes).expect("written");
            if let Ok(read) = read(&path) {
                assert_eq!(read["x"].numel(), 0, "{shape}");
            }
        }
    }

    #[test]
    fn files_of_other_programs_have_no_checksum() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("weights");
        Tensor::write_safetensors(&tensors(), &path).expect("written");
        assert_eq!(read(&path).expect("readable").len(), 4);
        std::fs::write(&path, b"no tensors").expect("written");
        assert!(matches!(read(&path), Err(TensorFileError::Format(_))));
    }
}
