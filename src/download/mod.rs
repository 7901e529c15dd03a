//! Downloads that survive a broken line: taken up where they ended, held against their checksum, put in place whole.
//!
//! A download grows as `NAME.part` beside its target; `NAME.part.json` tells which content it is a part of, by its
//! address and what the server says of its version. Proxies are those of the environment (`HTTPS_PROXY`,
//! `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`), which ureq reads.

mod checksum;
#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use ureq::http::{Response, StatusCode, header};

pub use checksum::Checksum;
use checksum::Running;

use crate::files::Replacement;
use crate::text::{bytes, one_line};

/// Told how many bytes are here and, where that is known, of how many; ends the download by `false`.
pub type Watch<'a> = dyn FnMut(u64, Option<u64>) -> bool + 'a;

/// Attempts without a single new byte before we give up.
const ATTEMPTS: u32 = 5;
/// Before the second attempt; twice as long before each next one.
const PAUSE: Duration = Duration::from_millis(500);
/// A server may be silent so long.
const STALL: Duration = Duration::from_secs(60);

/// What shall be downloaded.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    pub url: &'a str,
    /// What its content must have.
    pub checksum: Checksum,
    /// More bytes are refused.
    pub limit: u64,
}

/// Why a file isn't here.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    #[error(
        "{url} can't be reached ({why}); check the network and HTTPS_PROXY, or get it with another machine"
    )]
    Unreachable { url: String, why: String },
    #[error("{url} answers {status}; check the address or try again later")]
    Refused { url: String, status: StatusCode },
    #[error("{url} gives a web page instead of the file, as a login or a proxy does; get it with a browser")]
    WebPage { url: String },
    #[error("the download of {url} broke off after {} ({why}); what came is kept, so start it again to go on", bytes(*done))]
    BrokeOff { url: String, done: u64, why: String },
    #[error("{what} has the {kind} {found} instead of {wanted}: it is another file or was damaged; {cure}")]
    Changed { what: String, kind: &'static str, found: String, wanted: String, cure: &'static str },
    #[error("{url} is more than the {} expected; check the address", bytes(*limit))]
    TooLarge { url: String, limit: u64 },
    #[error("the download was stopped; what came is kept, so start it again to go on")]
    Stopped,
    #[error("another chestxr-tui is downloading {}; wait for it", path.display())]
    Busy { path: PathBuf },
    #[error("can't read or write {}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
}

/// What a part is a part of.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Version {
    url: String,
    /// The server's mark of the content: a strong ETag, else the time of its last change.
    mark: Option<String>,
}

/// How an attempt ended.
enum Attempt {
    Complete,
    /// Worth another one.
    Again(String),
}

/// Downloads to `target`, which appears whole and with the right content, or not at all.
///
/// # Errors
/// One sentence each. A part that can be gone on with stays; one of wrong content does not.
pub fn download(order: &Order, target: &Path, watch: &mut Watch) -> Result<(), DownloadError> {
    Download::begin(order, target)?.run(watch)
}

/// Copies a file that came another way to `target`, if it has the right content.
///
/// # Errors
/// When it can't be read, has other content, or `watch` ends it.
pub fn adopt(from: &Path, order: &Order, target: &Path, watch: &mut Watch) -> Result<(), DownloadError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| DownloadError::Io { path, error }
    };
    let mut file = File::open(from).map_err(failed(from))?;
    let found = file.metadata().map_err(failed(from))?;
    if !found.is_file() {
        return Err(failed(from)(io::Error::new(io::ErrorKind::InvalidInput, "it is no file")));
    }
    fs::create_dir_all(target.parent().unwrap_or(Path::new("."))).map_err(failed(target))?;
    let (replacement, mut out) = Replacement::beside(target).map_err(failed(target))?;
    let mut hash = Running::new(&order.checksum);
    let mut buffer = vec![0; 1 << 16];
    let mut done = 0;
    loop {
        if !watch(done, Some(found.len())) {
            return Err(DownloadError::Stopped);
        }
        let read = file.read(&mut buffer).map_err(failed(from))?;
        if read == 0 {
            break;
        }
        hash.add(&buffer[..read]);
        out.write_all(&buffer[..read]).map_err(failed(target))?;
        done += read as u64;
    }
    hold(&from.display().to_string(), hash, &order.checksum, "get the file again")?;
    replacement.put_in_place().map_err(failed(target))
}

/// Holds what was read against what it should be.
fn hold(what: &str, hash: Running, wanted: &Checksum, cure: &'static str) -> Result<(), DownloadError> {
    let found = hash.hex();
    if found.starts_with(wanted.hex()) {
        return Ok(());
    }
    let found = found[..wanted.hex().len().min(found.len())].to_owned();
    let (kind, wanted) = (wanted.kind(), wanted.hex().to_owned());
    Err(DownloadError::Changed { what: one_line(what, 300), kind, found, wanted, cure })
}

struct Download<'a> {
    order: &'a Order<'a>,
    target: &'a Path,
    part: PathBuf,
    note: PathBuf,
    file: File,
    done: u64,
    total: Option<u64>,
    version: Version,
}

impl<'a> Download<'a> {
    /// Opens the part, if its version is known, or an empty one.
    fn begin(order: &'a Order<'a>, target: &'a Path) -> Result<Self, DownloadError> {
        let beside = |ending: &str| {
            let name = target.file_name().unwrap_or_default().to_string_lossy();
            target.with_file_name(format!("{name}{ending}"))
        };
        let (part, note) = (beside(".part"), beside(".part.json"));
        let failed = |error| DownloadError::Io { path: part.clone(), error };
        fs::create_dir_all(target.parent().unwrap_or(Path::new("."))).map_err(failed)?;
        let file = OpenOptions::new().read(true).append(true).create(true).open(&part).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DownloadError::Busy { path: target.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let known: Option<Version> = fs::read(&note).ok().and_then(|text| serde_json::from_slice(&text).ok());
        // Without the server's mark a part could be of an older file; the checksum would tell, gigabytes later.
        let known = known.filter(|known| known.url == order.url && known.mark.is_some());
        let mut download = Self {
            order,
            target,
            done: file.metadata().map_err(failed)?.len(),
            part: part.clone(),
            note,
            file,
            total: None,
            version: Version { url: order.url.to_owned(), mark: None },
        };
        match known {
            Some(known) => download.version = known,
            None => download.restart()?,
        }
        Ok(download)
    }

    fn io(&self, error: io::Error) -> DownloadError {
        DownloadError::Io { path: self.part.clone(), error }
    }

    /// Forgets what came so far.
    fn restart(&mut self) -> Result<(), DownloadError> {
        self.file.set_len(0).map_err(|error| self.io(error))?;
        (self.done, self.total, self.version.mark) = (0, None, None);
        Ok(())
    }

    fn run(mut self, watch: &mut Watch) -> Result<(), DownloadError> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_connect(Some(Duration::from_secs(15)))
            .timeout_recv_response(Some(STALL))
            .timeout_recv_body(None)
            .http_status_as_error(false)
            .user_agent(concat!("chestxr-tui/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        let mut fruitless = 0;
        loop {
            let before = self.done;
            match self.attempt(&agent, watch)? {
                Attempt::Complete => break,
                Attempt::Again(why) => {
                    fruitless = if self.done > before { 0 } else { fruitless + 1 };
                    if fruitless >= ATTEMPTS {
                        let url = self.order.url.to_owned();
                        return Err(match self.done {
                            0 => DownloadError::Unreachable { url, why },
                            done => DownloadError::BrokeOff { url, done, why },
                        });
                    }
                    self.pause(PAUSE * 2_u32.pow(fruitless.saturating_sub(1)), watch)?;
                }
            }
        }
        self.finish(watch)
    }

    /// Waits, unless nobody wants the file any more.
    fn pause(&self, time: Duration, watch: &mut Watch) -> Result<(), DownloadError> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            if !watch(self.done, self.total) {
                return Err(DownloadError::Stopped);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Asks for what is missing and takes what comes.
    fn attempt(&mut self, agent: &ureq::Agent, watch: &mut Watch) -> Result<Attempt, DownloadError> {
        if !watch(self.done, self.total) {
            return Err(DownloadError::Stopped);
        }
        let mut request = agent.get(self.order.url);
        if self.done > 0 {
            request = request.header(header::RANGE, format!("bytes={}-", self.done));
            if let Some(mark) = &self.version.mark {
                request = request.header(header::IF_RANGE, mark);
            }
        }
        let answer = match request.call() {
            Ok(answer) => answer,
            Err(error @ (ureq::Error::BadUri(_) | ureq::Error::Http(_))) => {
                return Err(DownloadError::Unreachable { url: self.order.url.to_owned(), why: said(&error) });
            }
            Err(error) => return Ok(Attempt::Again(said(&error))),
        };
        let url = || self.order.url.to_owned();
        match answer.status() {
            StatusCode::OK => self.restart()?,
            StatusCode::PARTIAL_CONTENT if begins_at(&answer) == Some(self.done) => {}
            // Another piece than was asked for.
            StatusCode::PARTIAL_CONTENT => {
                self.restart()?;
                return Ok(Attempt::Again("the server sent another piece".into()));
            }
            // There is nothing behind the part: it is whole, or of something else; the checksum tells.
            StatusCode::RANGE_NOT_SATISFIABLE if self.done > 0 => return Ok(Attempt::Complete),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                return Ok(Attempt::Again(format!("it answers {status}")));
            }
            status => return Err(DownloadError::Refused { url: url(), status }),
        }
        let text = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        if text(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/html")) {
            return Err(DownloadError::WebPage { url: url() });
        }
        // A weak ETag promises nothing about bytes.
        let mark = text(header::ETAG).filter(|mark| !mark.starts_with("W/")).or(text(header::LAST_MODIFIED));
        let mark = mark.map(str::to_owned);
        let length = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
        self.total = length.map(|length| self.done.saturating_add(length));
        if self.total.is_some_and(|total| total > self.order.limit) {
            return Err(DownloadError::TooLarge { url: url(), limit: self.order.limit });
        }
        if self.done == 0 {
            self.version.mark = mark;
            let note = serde_json::to_vec(&self.version).map_err(|error| self.io(error.into()))?;
            fs::write(&self.note, note).map_err(|error| self.io(error))?;
        }
        self.take(answer, watch)
    }

    fn take(&mut self, answer: Response<ureq::Body>, watch: &mut Watch) -> Result<Attempt, DownloadError> {
        let mut body = answer.into_body().into_with_config().limit(u64::MAX).reader();
        let mut buffer = vec![0; 1 << 16];
        loop {
            if !watch(self.done, self.total) {
                return Err(DownloadError::Stopped);
            }
            let read = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Ok(Attempt::Again(one_line(&error.to_string(), 120))),
            };
            if self.done + read as u64 > self.order.limit {
                return Err(DownloadError::TooLarge {
                    url: self.order.url.to_owned(),
                    limit: self.order.limit,
                });
            }
            self.file.write_all(&buffer[..read]).map_err(|error| self.io(error))?;
            self.done += read as u64;
        }
        Ok(match self.total {
            Some(total) if self.done < total => Attempt::Again("the line was cut".into()),
            _ => Attempt::Complete,
        })
    }

    /// Holds the part against the checksum and puts it in place.
    fn finish(self, watch: &mut Watch) -> Result<(), DownloadError> {
        let mut hash = Running::new(&self.order.checksum);
        let mut file = File::open(&self.part).map_err(|error| self.io(error))?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            if !watch(self.done, self.total) {
                return Err(DownloadError::Stopped);
            }
            let read = file.read(&mut buffer).map_err(|error| self.io(error))?;
            if read == 0 {
                break;
            }
            hash.add(&buffer[..read]);
        }
        let held = hold(
            self.order.url,
            hash,
            &self.order.checksum,
            "it was not kept; try again or check the address",
        );
        if held.is_err() {
            // Going on with wrong bytes would give wrong bytes again.
            let _ = fs::remove_file(&self.part);
            let _ = fs::remove_file(&self.note);
            return held;
        }
        self.file.sync_all().map_err(|error| self.io(error))?;
        fs::rename(&self.part, self.target).map_err(|error| self.io(error))?;
        // It only tells of the part, which is gone.
        let _ = fs::remove_file(&self.note);
        Ok(())
    }
}

/// Where the piece of an answer begins.
fn begins_at(answer: &Response<ureq::Body>) -> Option<u64> {
    let range = answer.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split_once('-')?.0.trim().parse().ok()
}

fn said(error: &ureq::Error) -> String {
    one_line(&error.to_string(), 160)
}
