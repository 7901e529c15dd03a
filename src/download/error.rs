//! Why a file isn't here, one sentence each.

use std::io;
use std::path::{Path, PathBuf};

use ureq::http::StatusCode;

use crate::text::{bytes, one_line, thousands};

/// Why a file isn't here.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the sentence of each error names its values")]
pub enum DownloadError {
    /// Nobody answered.
    #[error(
        "{url} can't be reached ({why}); check the network and HTTPS_PROXY, or get it with another machine"
    )]
    Unreachable { url: String, why: String },
    /// The server says no.
    #[error("{url} answers {status}; {}", advice(*status))]
    Refused { url: String, status: StatusCode },
    /// A login or a proxy answered in its place.
    #[error(
        "{url} sent a web page instead of the file, as a login or a proxy does; get the file with a browser"
    )]
    WebPage { url: String },
    /// The line broke too often.
    #[error(
        "the download of {url} broke off after {} ({why}); start it again to resume",
        bytes(*done)
    )]
    BrokeOff { url: String, done: u64, why: String },
    /// The content is another one.
    #[error("{what} has the {kind} {found} instead of {wanted}: it is another file or was damaged; {cure}")]
    Changed { what: String, kind: &'static str, found: String, wanted: String, cure: &'static str },
    /// The length is another one.
    #[error(
        "{what} has {} bytes instead of {}: it is another file or a part of one; check where it comes from",
        thousands(*found), thousands(*wanted)
    )]
    WrongSize { what: String, wanted: u64, found: u64 },
    /// More than such a file can have.
    #[error("{what} is more than the {} expected; check where it comes from", bytes(*limit))]
    TooLarge { what: String, limit: u64 },
    /// The one who watches had enough.
    #[error("the download was cancelled; start it again to resume")]
    Stopped,
    /// Somebody else holds the part.
    #[error("another chestxr-tui is downloading {}; wait for it", path.display())]
    Busy { path: PathBuf },
    /// No room.
    #[error("the disk is full, {} can't be written; make room there and start again", path.display())]
    DiskFull { path: PathBuf },
    /// What the file system says otherwise.
    #[error("can't read or write {}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
}

impl DownloadError {
    /// What a file system's error means for us.
    pub(super) fn file(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io { path, error },
        }
    }
}

fn advice(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => "the file is not there, so check the address",
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "it may want a login, so get the file with a browser"
        }
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => "try again later",
        _ => "check the address",
    }
}

/// An address as it may be shown and kept: without the password that one can hold.
pub(super) fn shown(url: &str) -> String {
    let open = match url.split_once("://") {
        Some((scheme, rest)) => {
            let host = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            let login = rest[..host].rfind('@').map_or(0, |at| at + 1);
            format!("{scheme}://{}", &rest[login..])
        }
        None => url.to_owned(),
    };
    one_line(&open, 300)
}
