//! Parameters and running statistics by PyTorch's names, and their files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use safetensors::SafeTensorError;
use tch::{Device, Kind, TchError, Tensor};

use super::tensor_file::{self, TensorFileError};
use crate::files::Replacement;
use crate::native;

/// Largest weight file that is read, in bytes, unless the network itself is larger: ResNet-50 takes a tenth of it, but
/// the first linear layer of ChestNetS grows with the area of the image.
const LARGEST_FILE: u64 = 1 << 30;

/// A network's tensors in PyTorch's order of `state_dict()`. The layers hold handles to the same tensors.
#[derive(Default)]
pub struct StateDict {
    entries: Vec<Entry>,
}

struct Entry {
    name: String,
    tensor: Tensor,
    trainable: bool,
}

/// Weights that can't be written or taken.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the sentence of each error names its values")]
pub enum WeightsError {
    #[error("can't read the weights {}: {message}", path.display())]
    Unreadable { path: PathBuf, message: String },
    #[error("can't write the weights {}: {message}", path.display())]
    Unwritable { path: PathBuf, message: String },
    #[error(
        "{} has no tensor `{name}`, which this network needs; were the weights made by another architecture?",
        path.display()
    )]
    Missing { path: PathBuf, name: String },
    #[error(
        "{}: `{name}` has shape {found:?} and this network wants {wanted:?}; \
         were the weights made by another architecture, image size or label set?",
        path.display()
    )]
    WrongShape { path: PathBuf, name: String, found: Vec<i64>, wanted: Vec<i64> },
    #[error("{} has a tensor `{name}` that this network lacks; were the weights made by another architecture?", path.display())]
    Unknown { path: PathBuf, name: String },
    #[error("{}", crate::sentence::of_torch(.0))]
    Torch(#[from] TchError),
    #[error(
        "{}: `{name}` holds {found:?} values and this network wants {wanted:?}; convert the weights to float32",
        path.display()
    )]
    WrongKind { path: PathBuf, name: String, found: Kind, wanted: Kind },
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl StateDict {
    /// No tensors yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a trainable tensor and gives a handle to it.
    pub fn parameter(&mut self, name: String, tensor: Tensor) -> Tensor {
        let tensor = tensor.set_requires_grad(true);
        self.add(name, tensor, true)
    }

    /// Adds a tensor that training changes but gradients don't.
    pub fn buffer(&mut self, name: String, tensor: Tensor) -> Tensor {
        self.add(name, tensor, false)
    }

    fn add(&mut self, name: String, tensor: Tensor, trainable: bool) -> Tensor {
        let handle = tensor.shallow_clone();
        self.entries.push(Entry { name, tensor, trainable });
        handle
    }

    /// Names and tensors in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.entries.iter().map(|entry| (entry.name.as_str(), &entry.tensor))
    }

    /// Handles to the trainable tensors in order.
    pub fn parameters(&self) -> Vec<Tensor> {
        self.entries
            .iter()
            .filter(|entry| entry.trainable)
            .map(|entry| entry.tensor.shallow_clone())
            .collect()
    }

    /// Handles to the trainable tensors in order, with their names.
    pub fn trainable(&self) -> Vec<(String, Tensor)> {
        self.entries
            .iter()
            .filter(|entry| entry.trainable)
            .map(|entry| (entry.name.clone(), entry.tensor.shallow_clone()))
            .collect()
    }

    /// Handles to the tensors of floating-point values in order, with their names: the parameters, and the running
    /// statistics of batch norm, but not its counts of batches.
    pub fn floating(&self) -> Vec<(String, Tensor)> {
        self.iter()
            .filter(|(_, tensor)| tensor.is_floating_point())
            .map(|(name, tensor)| (name.to_owned(), tensor.shallow_clone()))
            .collect()
    }

    /// Number of trainable values.
    pub fn parameter_count(&self) -> usize {
        self.entries.iter().filter(|entry| entry.trainable).map(|entry| entry.tensor.numel()).sum()
    }

    /// Moves all tensors to `device`; with `channels_last` the four-dimensional ones are stored so.
    pub(super) fn place(&mut self, device: Device, channels_last: bool) -> Result<(), TchError> {
        let _no_grad = tch::no_grad_guard();
        for entry in &mut self.entries {
            let mut data = entry.tensor.detach().f_to_device(device)?;
            if channels_last && data.dim() == 4 {
                data = native::channels_last(&data)?;
            }
            // The layers' handles see the new storage too: they are the same tensor.
            entry.tensor.f_set_data(&data)?;
        }
        Ok(())
    }

    /// Copies of all tensors on the CPU, for a checkpoint written elsewhere or weights to come back to.
    ///
    /// # Errors
    /// When a tensor can't be copied to main memory, which takes as many bytes as all tensors together.
    pub fn snapshot(&self) -> Result<Snapshot, TchError> {
        Snapshot::of(self.iter())
    }

    /// Takes the values of a safetensors file: every tensor of the network must be there in its shape, and
    /// nothing else. `num_batches_tracked` may be missing, as in files of other programs.
    ///
    /// # Errors
    /// Names the file, the tensor and what is wrong with it; the network is then unchanged or must be
    /// thrown away.
    pub fn load(&mut self, path: &Path) -> Result<(), WeightsError> {
        let mut given = read_safetensors(path, self.largest_file())?;
        self.fill(path, &mut given, |_| false)?;
        match given.into_keys().min() {
            Some(name) => {
                Err(WeightsError::Unknown { path: path.to_owned(), name: crate::text::one_line(&name, 80) })
            }
            None => Ok(()),
        }
    }

    /// The largest file that can hold weights of this network, in bytes: each value in 8, and room for names.
    pub(super) fn largest_file(&self) -> u64 {
        let values: u64 = self.entries.iter().map(|entry| entry.tensor.numel() as u64).sum();
        LARGEST_FILE.max(8 * values + (16 << 20))
    }

    /// The tensor of this name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.iter().find(|(own, _)| *own == name).map(|(_, tensor)| tensor)
    }

    /// Takes each tensor from `given` that isn't `kept`; `path` is where they came from. `num_batches_tracked`
    /// may be missing.
    ///
    /// # Errors
    /// Names the tensor that is missing, or has another shape or kind.
    pub(super) fn fill(
        &mut self,
        path: &Path,
        given: &mut HashMap<String, Tensor>,
        kept: impl Fn(&str) -> bool,
    ) -> Result<(), WeightsError> {
        let _no_grad = tch::no_grad_guard();
        for entry in self.entries.iter_mut().filter(|entry| !kept(&entry.name)) {
            let Some(tensor) = given.remove(&entry.name) else {
                if entry.name.ends_with("num_batches_tracked") {
                    continue;
                }
                return Err(WeightsError::Missing { path: path.to_owned(), name: entry.name.clone() });
            };
            if tensor.size() != entry.tensor.size() {
                return Err(WeightsError::WrongShape {
                    path: path.to_owned(),
                    name: entry.name.clone(),
                    found: tensor.size(),
                    wanted: entry.tensor.size(),
                });
            }
            if tensor.is_floating_point() != entry.tensor.is_floating_point() {
                return Err(WeightsError::WrongKind {
                    path: path.to_owned(),
                    name: entry.name.clone(),
                    found: tensor.kind(),
                    wanted: entry.tensor.kind(),
                });
            }
            entry.tensor.f_copy_(&tensor)?;
        }
        Ok(())
    }
}

/// The tensors of a safetensors file by name.
///
/// # Errors
/// Names the file when it can't be read, isn't one, has more than `largest` bytes, or isn't what was written.
pub(super) fn read_safetensors(path: &Path, largest: u64) -> Result<HashMap<String, Tensor>, WeightsError> {
    let unreadable = |message: String| WeightsError::Unreadable { path: path.to_owned(), message };
    let found = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if !found.is_file() || found.len() > largest {
        return Err(unreadable(format!("it is no file of at most {}", crate::text::bytes(largest))));
    }
    tensor_file::read(path).map_err(|error| {
        let way_out = match error {
            TensorFileError::Checksum => "; copy it again from where it came, or use other weights",
            _ => "",
        };
        unreadable(format!("{error}{way_out}"))
    })
}

/// A copy of a network's tensors at one moment, on the CPU.
pub struct Snapshot {
    tensors: Vec<(String, Tensor)>,
    /// Copies from a GPU are on their way until this has come.
    on_the_way: Option<Arc<native::Download>>,
}

impl Snapshot {
    /// Copies of these tensors as they are now. What comes from a GPU may arrive later; nobody waits for it here.
    ///
    /// # Errors
    /// When a tensor can't be copied to main memory, which takes as many bytes as all tensors together.
    pub fn of<'a>(tensors: impl Iterator<Item = (&'a str, &'a Tensor)>) -> Result<Self, TchError> {
        let _no_grad = tch::no_grad_guard();
        let copy = |tensor: &Tensor| -> Result<Tensor, TchError> {
            // Files hold plain rows; a copy keeps later steps from changing what is written.
            let mut copy = Tensor::f_empty(tensor.size(), (tensor.kind(), Device::Cpu))?;
            copy.f_copy_(&tensor.detach())?;
            Ok(copy)
        };
        let (names, tensors): (Vec<String>, Vec<&Tensor>) =
            tensors.map(|(name, tensor)| (name.to_owned(), tensor)).unzip();
        let far: Vec<&Tensor> = tensors.iter().copied().filter(|tensor| tensor.device().is_cuda()).collect();
        let (far, on_the_way) = match far.is_empty() {
            true => (Vec::new(), None),
            false => native::download(&far).map(|(copies, download)| (copies, Some(Arc::new(download))))?,
        };
        let mut far = far.into_iter();
        let copies = names.into_iter().zip(tensors).map(|(name, tensor)| {
            // One for each tensor that isn't in main memory, in their order.
            let arrived = if tensor.device().is_cuda() { far.next() } else { None };
            Ok((name, arrived.map_or_else(|| copy(tensor), Ok)?))
        });
        Ok(Self { tensors: copies.collect::<Result<_, TchError>>()?, on_the_way })
    }

    /// The tensors whose names begin with `prefix`, named without it; where there is one with `preferred` in its place, that
    /// one. They share their memory with this snapshot.
    pub fn part(&self, prefix: &str, preferred: Option<&str>) -> Self {
        let preferred: HashMap<&str, &Tensor> = self
            .tensors
            .iter()
            .filter_map(|(name, tensor)| Some((name.strip_prefix(preferred?)?, tensor)))
            .collect();
        let tensors = self.tensors.iter().filter_map(|(name, tensor)| {
            let name = name.strip_prefix(prefix)?;
            Some((name.to_owned(), preferred.get(name).copied().unwrap_or(tensor).shallow_clone()))
        });
        Self { tensors: tensors.collect(), on_the_way: self.on_the_way.clone() }
    }

    /// Adds a tensor as it is.
    pub fn push(&mut self, name: &str, tensor: Tensor) {
        self.tensors.push((name.to_owned(), tensor));
    }

    /// Writes a safetensors file that replaces `path` atomically.
    ///
    /// # Errors
    /// The file and the system's error.
    pub fn write(&self, path: &Path) -> Result<(), WeightsError> {
        let write = || {
            if let Some(download) = &self.on_the_way {
                download.wait()?;
            }
            let (replacement, _) = Replacement::beside(path)?;
            tensor_file::write(&self.tensors, replacement.path()).map_err(|error| match error {
                TchError::SafeTensorError { err: SafeTensorError::IoError(error), .. } => {
                    WeightsError::Io(error)
                }
                other => WeightsError::Torch(other),
            })?;
            Ok(replacement.put_in_place()?)
        };
        write().map_err(|error: WeightsError| {
            let message = match error {
                WeightsError::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                    "the disk is full; free some space and start again".to_owned()
                }
                other => crate::text::one_line(&other.to_string(), 200),
            };
            WeightsError::Unwritable { path: path.to_owned(), message }
        })
    }
}
