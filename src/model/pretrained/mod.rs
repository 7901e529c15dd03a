//! Pretrained weights: where they are found, how they are read and loaded into a network.

mod gray;
mod hub;
mod names;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use tch::{Kind, TchError, Tensor};

use super::pth::{self, Dtype, PthError};
use super::{Network, WeightsError};
use crate::config::{Arch, ModelSection};

pub use hub::{Fetch, HubError, imagenet_file};

/// Weights that can't be had or taken.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the sentence of each error names its values")]
pub enum PretrainedError {
    #[error("{}: {what}", path.display())]
    Names { path: PathBuf, what: String },
    #[error(transparent)]
    Hub(#[from] HubError),
    #[error(transparent)]
    Pth(#[from] PthError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error("{}", crate::sentence::of_torch(.0))]
    Torch(#[from] TchError),
    #[error(
        "there are no ImageNet weights for {0}; set model.pretrained=none or choose a ResNet or DenseNet"
    )]
    NoImageNet(Arch),
    #[error(
        "{}: its first layer is for {channels} colours; only 1 and 3 can be taken for grey images",
        path.display()
    )]
    Colours { path: PathBuf, channels: i64 },
    #[error(
        "{}: its first layer is {found:?} and this network's is {wanted:?}; set model.stem={stem}",
        path.display()
    )]
    OtherStem { path: PathBuf, found: Vec<i64>, wanted: Vec<i64>, stem: &'static str },
}

/// Puts what `section.pretrained` names into the network, all but the last layer, which keeps the weights it
/// has. Gives the file they came from and what of it isn't taken; nothing happens for `none`.
///
/// `imagenet` is looked for in PyTorch's own folder and in ours, then downloaded into ours; `watch` receives
/// how far that is and may end it. A path is a safetensors file, a checkpoint of PyTorch, or a run's folder,
/// whose best weights are taken.
///
/// # Errors
/// When they can't be had, or were made by another network; the network must then be thrown away.
pub fn take(
    network: &mut Network,
    section: &ModelSection,
    watch: &mut Fetch,
) -> Result<Option<Taken>, PretrainedError> {
    let path = match section.pretrained.as_str() {
        "none" => return Ok(None),
        "imagenet" => {
            let file = imagenet_file(section.arch).ok_or(PretrainedError::NoImageNet(section.arch))?;
            hub::find_or_fetch(file, watch)?
        }
        path => PathBuf::from(path),
    };
    let weights = if path.is_dir() { path.join("checkpoints/best.safetensors") } else { path.clone() };
    let head = network.layers.head_name();
    let is_head = |name: &str| name.rsplit_once('.').is_some_and(|(module, _)| module == head);
    let (mut given, unused) = named_as_ours(read(&weights, network.state.largest_file())?, network, is_head)
        .map_err(|what| PretrainedError::Names { path: weights.clone(), what })?;
    let (conv, norm) = network.layers.stem_names();
    let first = format!("{conv}.weight");
    if let Some(filters) = given.get(&first) {
        let (found, wanted) =
            (filters.size(), network.state.get(&first).map(Tensor::size).unwrap_or_default());
        if found.len() == 4 && wanted.len() == 4 && found[2..] != wanted[2..] {
            let stem = if found[2] == 3 { "small" } else { "imagenet" };
            return Err(PretrainedError::OtherStem { path: weights, found, wanted, stem });
        }
        match found.get(1) {
            Some(3) => gray::fold(&mut given, &first, &format!("{norm}.running_mean"), section.gray)?,
            Some(1) | None => {}
            Some(&channels) => return Err(PretrainedError::Colours { path: weights, channels }),
        }
    }
    network.state.fill(&weights, &mut given, is_head)?;
    Ok(Some(Taken { path: weights, unused }))
}

/// Weights that were taken.
#[derive(Debug)]
pub struct Taken {
    /// Their file.
    pub path: PathBuf,
    /// Names of the file's tensors that the network has no use for, besides those of its last layer.
    pub unused: Vec<String>,
}

/// The tensors of a file under the network's names, and the names of those that it has no use for.
///
/// # Errors
/// What the file lacks.
fn named_as_ours(
    mut given: HashMap<String, Tensor>,
    network: &Network,
    is_head: impl Fn(&str) -> bool,
) -> Result<(HashMap<String, Tensor>, Vec<String>), String> {
    let wanted = || network.state.iter().map(|(name, _)| name);
    let mut mapping = names::map(given.keys().map(String::as_str), wanted());
    mapping.missing.retain(|name| !is_head(name) && !name.ends_with("num_batches_tracked"));
    if !mapping.missing.is_empty() {
        return Err(mapping.refusal());
    }
    let ours = mapping.of.iter().filter_map(|(name, theirs)| Some((name.clone(), given.remove(theirs)?)));
    let ours = ours.collect();
    // Heads of other names, as `classifier.0` of a sequence.
    let head = format!("{}{}.", mapping.prefix, network.layers.head_name());
    mapping.unused.retain(|name| !name.starts_with(&head) && !name.ends_with("num_batches_tracked"));
    mapping.unused.sort();
    Ok((ours, mapping.unused))
}

/// Whether a file begins as safetensors do: the length of a header in eight bytes, and its brace. What can't be opened counts
/// by its name, so that the error speaks of the format that was meant.
fn is_safetensors(path: &Path) -> bool {
    let mut head = [0; 9];
    let read = std::fs::metadata(path)
        .and_then(|found| if found.is_file() { Ok(()) } else { Err(std::io::ErrorKind::InvalidInput.into()) })
        .and_then(|()| std::fs::File::open(path))
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut head));
    match read {
        Ok(()) => head[8] == b'{' || has_safetensors_name(path),
        Err(_) => has_safetensors_name(path),
    }
}

fn has_safetensors_name(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("safetensors"))
}

/// The tensors of a file by name, whichever of the two formats it has; `largest` is the limit in bytes of safetensors files.
fn read(path: &Path, largest: u64) -> Result<HashMap<String, Tensor>, PretrainedError> {
    // By content: checkpoints are called .pth, .pt, .ckpt, .pkl, .pth.tar or nothing at all.
    if is_safetensors(path) {
        return Ok(super::state::read_safetensors(path, largest)?);
    }
    let tensors = pth::read(path)?.into_iter().map(|tensor| {
        let kind = match tensor.dtype {
            Dtype::F64 => Kind::Double,
            Dtype::F32 => Kind::Float,
            Dtype::F16 => Kind::Half,
            Dtype::BF16 => Kind::BFloat16,
            Dtype::I64 => Kind::Int64,
            Dtype::I32 => Kind::Int,
            Dtype::I16 => Kind::Int16,
            Dtype::I8 => Kind::Int8,
            Dtype::U8 => Kind::Uint8,
            // Any byte may stand in the file; a bool is 0 or 1.
            Dtype::Bool => Kind::Uint8,
        };
        let values = Tensor::f_from_data_size(&tensor.bytes, &tensor.shape, kind)?;
        Ok((tensor.name, values))
    });
    tensors.collect()
}
