//! Pretrained weights: where they are found, how they are read and loaded into a network.

mod gray;
mod hub;

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
/// has. Gives the file they came from; nothing happens for `none`.
///
/// `imagenet` is looked for in PyTorch's own folder and in ours, then downloaded into ours; `watch` receives
/// how far that is and may end it. A path is a safetensors file, a `.pth` of PyTorch, or a run's folder,
/// whose best weights are taken.
///
/// # Errors
/// When they can't be had, or were made by another network; the network must then be thrown away.
pub fn take(
    network: &mut Network,
    section: &ModelSection,
    watch: &mut Fetch,
) -> Result<Option<PathBuf>, PretrainedError> {
    let path = match section.pretrained.as_str() {
        "none" => return Ok(None),
        "imagenet" => {
            let file = imagenet_file(section.arch).ok_or(PretrainedError::NoImageNet(section.arch))?;
            hub::find_or_fetch(file, watch)?
        }
        path => PathBuf::from(path),
    };
    let weights = if path.is_dir() { path.join("checkpoints/best.safetensors") } else { path.clone() };
    let mut given = read(&weights, network.state.largest_file())?;
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
    let head = network.layers.head_name();
    let is_head = |name: &str| name.rsplit_once('.').is_some_and(|(module, _)| module == head);
    network.state.fill(&weights, &mut given, is_head)?;
    Ok(Some(weights))
}

/// The tensors of a file by name, whichever of the two formats it has; `largest` is the limit in bytes of safetensors files.
fn read(path: &Path, largest: u64) -> Result<HashMap<String, Tensor>, PretrainedError> {
    let is_pth = path
        .extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| ["pth", "pt", "ckpt", "bin"].contains(&extension.to_lowercase().as_str()));
    if !is_pth {
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
        Ok((current_name(&tensor.name), values))
    });
    tensors.collect()
}

/// The name as torchvision has it today: its DenseNet files of 2017 part `norm1` by a dot, as `norm.1`.
fn current_name(name: &str) -> String {
    let mut name = name.to_owned();
    if name.contains(".denselayer") {
        for layer in ["norm", "conv"] {
            for number in ["1", "2"] {
                name = name.replace(&format!(".{layer}.{number}."), &format!(".{layer}{number}."));
            }
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_old_densenet_files_become_todays() {
        let old = "features.denseblock1.denselayer1.norm.1.running_mean";
        assert_eq!(current_name(old), "features.denseblock1.denselayer1.norm1.running_mean");
        for kept in ["features.norm0.weight", "layer1.0.conv1.weight", "features.transition1.norm.weight"] {
            assert_eq!(current_name(kept), kept);
        }
    }
}
