//! torchvision's ImageNet weights: in PyTorch's own folder, in ours, or from where torchvision gets them.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::config::{AppPaths, Arch};
use crate::download::{self, Checksum, DownloadError, Order};

/// Where torchvision's files lie.
const ORIGIN: &str = "https://download.pytorch.org/models";
/// Another place with the same files, e.g. in a network without a way out.
const MIRROR: &str = "CHESTXR_WEIGHTS_URL";
/// More is none of these files.
const LARGEST: u64 = 1 << 30;

pub use crate::download::Watch as Fetch;

/// Weights that can't be had.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    #[error(
        "{file} is not here and could not be fetched ({why}); get {url} with another machine and put it into {}",
        folder.display()
    )]
    Unreachable { file: String, url: String, why: String, folder: PathBuf },
    #[error(
        "{} is not what its name promises: the name says SHA-256 {wanted}…, the content has {found}…; remove it and \
         start again",
        path.display()
    )]
    Changed { path: PathBuf, wanted: String, found: String },
    #[error("the download of {0} was stopped")]
    Stopped(String),
    #[error("can't read or write {}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
}

/// torchvision's file of weights trained on ImageNet (`IMAGENET1K_V1`); the part after the dash is how its
/// SHA-256 begins.
pub fn imagenet_file(arch: Arch) -> Option<&'static str> {
    match arch {
        Arch::ChestNetS => None,
        Arch::ResNet18 => Some("resnet18-f37072fd.pth"),
        Arch::ResNet34 => Some("resnet34-b627a593.pth"),
        Arch::ResNet50 => Some("resnet50-0676ba61.pth"),
        Arch::DenseNet121 => Some("densenet121-a639ec97.pth"),
    }
}

/// Folders that may hold such files, the one we download into last.
pub fn places() -> Vec<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // As torch.hub looks for it.
    let torch = variable("TORCH_HOME").or_else(|| {
        let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")))?;
        Some(cache.join("torch"))
    });
    let mut places: Vec<PathBuf> = torch.into_iter().map(|torch| torch.join("hub/checkpoints")).collect();
    places.push(AppPaths::new(None).weights);
    places
}

/// The file from the first place that has it, else downloaded. Its content is held against its name.
pub fn find_or_fetch(file: &str, watch: &mut Fetch) -> Result<PathBuf, HubError> {
    let places = places();
    if let Some(found) = places.iter().map(|place| place.join(file)).find(|path| path.is_file()) {
        let digest = digest_of(&found).map_err(|error| HubError::Io { path: found.clone(), error })?;
        check(&found, file, &digest)?;
        return Ok(found);
    }
    let folder = places.last().cloned().unwrap_or_default();
    let origin = std::env::var(MIRROR).unwrap_or_else(|_| ORIGIN.to_owned());
    let url = format!("{}/{file}", origin.trim_end_matches('/'));
    let target = folder.join(file);
    let order = Order {
        url: &url,
        checksum: Some(Checksum::Sha256(promised(file).to_owned())),
        size: None,
        limit: LARGEST,
    };
    match download::download(&order, &target, watch) {
        Ok(()) => Ok(target),
        Err(DownloadError::Stopped) => Err(HubError::Stopped(file.to_owned())),
        Err(error) => {
            let why = crate::text::one_line(&error.to_string(), 300);
            Err(HubError::Unreachable { file: file.to_owned(), url, why, folder })
        }
    }
}

/// How the SHA-256 of a file begins, by its name; empty where the name has none.
fn promised(file: &str) -> &str {
    file.rsplit_once('-').and_then(|(_, rest)| rest.split_once('.')).map_or("", |(promised, _)| promised)
}

/// Holds a digest against the eight letters in the file's name.
fn check(path: &Path, file: &str, digest: &str) -> Result<(), HubError> {
    let wanted = promised(file);
    if digest.starts_with(wanted) {
        return Ok(());
    }
    let found = digest[..wanted.len().min(digest.len())].to_owned();
    Err(HubError::Changed { path: path.to_owned(), wanted: wanted.to_owned(), found })
}

fn digest_of(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hash)?;
    Ok(hex(&hash.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_what_its_name_says_is_refused() {
        let error =
            check(Path::new("/w/a-12345678.pth"), "a-12345678.pth", "87654321aa").expect_err("another");
        assert!(error.to_string().contains("12345678") && error.to_string().contains("87654321"), "{error}");
        assert!(check(Path::new("/w/a-12345678.pth"), "a-12345678.pth", "12345678aa").is_ok());
    }
}
