//! torchvision's ImageNet weights: in PyTorch's own folder, in ours, or from where torchvision gets them.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::config::{AppPaths, Arch};
use crate::files::Replacement;

/// Where torchvision's files lie.
const ORIGIN: &str = "https://download.pytorch.org/models";
/// Another place with the same files, e.g. in a network without a way out.
const MIRROR: &str = "CHESTXR_WEIGHTS_URL";
/// More is none of these files.
const LARGEST: u64 = 1 << 30;

/// Told how many bytes have come and, where the server says so, of how many; ends the download by `false`.
pub type Fetch<'a> = dyn FnMut(u64, Option<u64>) -> bool + 'a;

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
    fetch(&url, &target, watch).map_err(|error| match error {
        FetchError::Hub(error) => error,
        FetchError::Net(why) => {
            let why = crate::text::one_line(&why, 200);
            HubError::Unreachable { file: file.to_owned(), url, why, folder }
        }
    })?;
    Ok(target)
}

enum FetchError {
    Net(String),
    Hub(HubError),
}

/// Downloads `url` to `target`, which appears whole and with the content its name promises, or not at all.
fn fetch(url: &str, target: &Path, watch: &mut Fetch) -> Result<(), FetchError> {
    let file = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let io = |error| FetchError::Hub(HubError::Io { path: target.to_owned(), error });
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(15)))
        .timeout_recv_response(Some(Duration::from_secs(30)))
        .user_agent(concat!("chestxr-tui/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let answer = agent.get(url).call().map_err(|error| FetchError::Net(error.to_string()))?;
    let total = answer.body().content_length();
    let mut body = answer.into_body().into_reader().take(LARGEST);
    std::fs::create_dir_all(target.parent().unwrap_or(Path::new("."))).map_err(io)?;
    let (replacement, mut out) = Replacement::beside(target).map_err(io)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut done = 0;
    loop {
        if !watch(done, total) {
            return Err(FetchError::Hub(HubError::Stopped(file)));
        }
        let read = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(FetchError::Net(format!("it broke off after {done} bytes: {error}"))),
        };
        hash.update(&buffer[..read]);
        out.write_all(&buffer[..read]).map_err(io)?;
        done += read as u64;
    }
    if total.is_some_and(|total| done < total) {
        return Err(FetchError::Net(format!("it broke off after {done} bytes")));
    }
    let digest = hex(&hash.finalize());
    if let Err(HubError::Changed { wanted, found, .. }) = check(target, &file, &digest) {
        let why = format!("what came has SHA-256 {found}… instead of {wanted}…");
        return Err(FetchError::Net(why));
    }
    replacement.put_in_place().map_err(io)
}

/// Holds a digest against the eight letters in the file's name.
fn check(path: &Path, file: &str, digest: &str) -> Result<(), HubError> {
    let promised =
        file.rsplit_once('-').and_then(|(_, rest)| rest.split_once('.')).map(|(promised, _)| promised);
    match promised {
        Some(wanted) if !digest.starts_with(wanted) => Err(HubError::Changed {
            path: path.to_owned(),
            wanted: wanted.to_owned(),
            found: digest[..wanted.len().min(digest.len())].to_owned(),
        }),
        _ => Ok(()),
    }
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
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;

    use super::*;

    /// A server on loopback that answers one request with these bytes, promising `promised` of them.
    fn server(status: &'static str, body: &'static [u8], promised: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut lines = BufReader::new(stream.try_clone().expect("a handle")).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let head =
                format!("HTTP/1.1 {status}\r\nContent-Length: {promised}\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        });
        format!("http://{address}/models")
    }

    fn why(outcome: Result<(), FetchError>) -> String {
        match outcome.expect_err("refused") {
            FetchError::Net(why) => why,
            FetchError::Hub(error) => error.to_string(),
        }
    }

    // `printf weights | sha256sum` begins so.
    const NAME: &str = "resnet0-9a129038.pth";

    #[test]
    fn a_download_arrives_whole_and_as_its_name_promises_or_not_at_all() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let target = folder.path().join("weights").join(NAME);
        let mut told = Vec::new();
        let url = server("200 OK", b"weights", 7);
        let outcome = fetch(&url, &target, &mut |done, total| {
            told.push((done, total));
            true
        });
        assert!(outcome.is_ok(), "{}", why(outcome));
        assert_eq!(std::fs::read(&target).expect("it is there"), b"weights");
        assert_eq!((told.first(), told.last()), (Some(&(0, Some(7))), Some(&(7, Some(7)))));
        std::fs::remove_file(&target).expect("removed");

        let mut go = |_, _| true;
        let cases = [
            (server("200 OK", b"weird", 5), "instead of 9a129038"),
            (server("200 OK", b"weig", 7), "broke off"),
            (server("404 Not Found", b"", 0), "404"),
            ("http://127.0.0.1:9/models".to_owned(), "efused"),
        ];
        for (url, expected) in cases {
            let why = why(fetch(&url, &target, &mut go));
            assert!(why.contains(expected), "{why}");
        }
        let stopped = why(fetch(&server("200 OK", b"weights", 7), &target, &mut |_, _| false));
        assert!(stopped.contains("was stopped"), "{stopped}");
        let left = std::fs::read_dir(folder.path().join("weights")).expect("the folder").count();
        assert_eq!(left, 0, "nothing may stay behind");
    }

    #[test]
    fn a_file_that_is_not_what_its_name_says_is_refused() {
        let error =
            check(Path::new("/w/a-12345678.pth"), "a-12345678.pth", "87654321aa").expect_err("another");
        assert!(error.to_string().contains("12345678") && error.to_string().contains("87654321"), "{error}");
        assert!(check(Path::new("/w/a-12345678.pth"), "a-12345678.pth", "12345678aa").is_ok());
    }
}
