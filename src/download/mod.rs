//! Downloads that resume after an interruption, are verified by checksum and replace their target atomically.
//!
//! A download grows as `NAME.part` beside its target; `NAME.part.json` tells which content it is a part of, by its
//! address and what the server says of its version. Proxies are those of the environment (`HTTPS_PROXY`,
//! `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`).

mod checksum;
mod error;
mod line;
mod part;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use ureq::Proxy;
use ureq::http::StatusCode;

pub use checksum::Checksum;
use checksum::Running;
pub use error::DownloadError;
use line::{Head, Line, Loss, News};
use part::Part;

use crate::files::Replacement;

/// Told how many bytes are here and, where that is known, of how many; ends the download by `false`.
pub type Watch<'a> = dyn FnMut(u64, Option<u64>) -> bool + 'a;

/// Attempts after the first one, as long as none brings a new byte.
const RETRIES: u32 = 5;
/// The same while nobody has answered at all: a closed network stays closed, so say it soon.
const RETRIES_UNANSWERED: u32 = 2;
/// A server that asks for more patience than this is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// What shall be downloaded.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// Where it is.
    pub url: &'a str,
    /// What its content must have, when that is known.
    pub checksum: Option<Checksum>,
    /// How many bytes it has, when that is known.
    pub size: Option<u64>,
    /// More bytes are refused.
    pub limit: u64,
}

impl Order<'_> {
    /// Whether a file of so many bytes can be the one.
    fn allows(&self, what: &str, bytes: u64) -> Result<(), DownloadError> {
        if let Some(wanted) = self.size.filter(|&wanted| wanted != bytes) {
            return Err(DownloadError::WrongSize { what: error::shown(what), wanted, found: bytes });
        }
        if bytes > self.limit {
            return Err(DownloadError::TooLarge { what: error::shown(what), limit: self.limit });
        }
        Ok(())
    }
}

/// How long we wait for what; tests are less patient.
#[derive(Clone, Copy, Debug)]
struct Terms {
    /// A server may be silent so long.
    stall: Duration,
    /// Before the first retry; twice as long before each next one.
    pause: Duration,
    /// Whether the proxies of the environment are used; a test's server is on this very machine.
    proxies: bool,
}

const TERMS: Terms =
    Terms { stall: Duration::from_secs(60), pause: Duration::from_millis(500), proxies: true };

/// Downloads to `target`, which appears whole and with the right content, or not at all.
///
/// # Errors
/// One sentence each. A part that can be gone on with stays; one of wrong content does not.
pub fn download(order: &Order, target: &Path, watch: &mut Watch) -> Result<(), DownloadError> {
    download_on(TERMS, order, target, watch)
}

fn download_on(terms: Terms, order: &Order, target: &Path, watch: &mut Watch) -> Result<(), DownloadError> {
    let part = Part::open(order, target, watch)?;
    let mut config = ureq::Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(15)))
        .timeout_recv_response(Some(terms.stall * 2))
        .timeout_per_read(Some(terms.stall * 2))
        .http_status_as_error(false)
        // Ranges count the bytes that are sent: they must be those of the file.
        .accept_encoding("identity")
        .user_agent(concat!("chestxr-tui/", env!("CARGO_PKG_VERSION")));
    config = config.proxy(if terms.proxies { proxy() } else { None });
    let agent = config.build().into();
    let mut download = Download { terms, order, agent, part, total: order.size, answered: false };
    let outcome = download.run(watch);
    if outcome.is_err() {
        download.part.remove_if_empty();
    }
    outcome.and_then(|()| download.part.put_in_place(target))
}

/// The proxy of the environment.
fn proxy() -> Option<Proxy> {
    let own = Proxy::try_from_env()?;
    let named = ["NO_PROXY", "no_proxy"].into_iter().find_map(|name| std::env::var(name).ok());
    let Some(named) = named.filter(|named| named.contains(char::is_whitespace)) else { return Some(own) };
    besides(&own, &named)
}

/// The same proxy, but not for the hosts that are named. ureq takes `a, b` for hosts of the names `a` and ` b`.
fn besides(own: &Proxy, named: &str) -> Option<Proxy> {
    let mut proxy =
        Proxy::builder(own.protocol()).host(own.host()).port(own.port()).resolve_target(own.resolve_target());
    if let Some(name) = own.username() {
        proxy = proxy.username(name);
    }
    if let Some(password) = own.password() {
        proxy = proxy.password(password);
    }
    for host in named.split(',').map(str::trim).filter(|host| !host.is_empty()) {
        proxy = proxy.no_proxy(host);
    }
    proxy.build().ok()
}

/// Whether a file has this checksum.
///
/// # Errors
/// When it can't be read, or `watch` ends it.
pub fn verify(path: &Path, checksum: &Checksum, watch: &mut Watch) -> Result<bool, DownloadError> {
    let failed = |error| DownloadError::file(path, error);
    let mut file = File::open(path).map_err(failed)?;
    let total = file.metadata().map_err(failed)?.len();
    let mut hash = Running::new(checksum);
    let mut buffer = vec![0; 1 << 16];
    let mut done = 0;
    loop {
        if !watch(done, Some(total)) {
            return Err(DownloadError::Stopped);
        }
        match file.read(&mut buffer).map_err(failed)? {
            0 => return Ok(hash.hex().starts_with(checksum.hex())),
            read => {
                hash.add(&buffer[..read]);
                done += read as u64;
            }
        }
    }
}

/// Copies a file that came another way to `target`, if it has the right size and content.
///
/// # Errors
/// When it can't be read or copied, has other content, or `watch` ends it; `target` is then as it was.
pub fn adopt(from: &Path, order: &Order, target: &Path, watch: &mut Watch) -> Result<(), DownloadError> {
    let reading = |error| DownloadError::file(from, error);
    let writing = |error| DownloadError::file(target, error);
    let mut file = File::open(from).map_err(reading)?;
    let found = file.metadata().map_err(reading)?;
    if !found.is_file() {
        return Err(reading(io::Error::new(io::ErrorKind::InvalidInput, "it is no file")));
    }
    let what = from.display().to_string();
    order.allows(&what, found.len())?;
    fs::create_dir_all(target.parent().unwrap_or(Path::new("."))).map_err(writing)?;
    let (replacement, mut out) = Replacement::beside(target).map_err(writing)?;
    let mut hash = order.checksum.as_ref().map(Running::new);
    let mut buffer = vec![0; 1 << 16];
    let mut done = 0;
    loop {
        if !watch(done, Some(found.len())) {
            return Err(DownloadError::Stopped);
        }
        let read = file.read(&mut buffer).map_err(reading)?;
        if read == 0 {
            break;
        }
        if let Some(hash) = &mut hash {
            hash.add(&buffer[..read]);
        }
        out.write_all(&buffer[..read]).map_err(writing)?;
        done += read as u64;
    }
    // It could have grown or shrunk meanwhile.
    order.allows(&what, done)?;
    if let (Some(hash), Some(wanted)) = (hash, &order.checksum) {
        require_checksum(&what, &hash.hex(), wanted, "get the file again")?;
    }
    replacement.put_in_place().map_err(writing)
}

/// Holds what was read against what it should be.
fn require_checksum(
    what: &str,
    found: &str,
    wanted: &Checksum,
    cure: &'static str,
) -> Result<(), DownloadError> {
    if found.starts_with(wanted.hex()) {
        return Ok(());
    }
    let found = found[..wanted.hex().len().min(found.len())].to_owned();
    let (kind, wanted) = (wanted.kind(), wanted.hex().to_owned());
    Err(DownloadError::Changed { what: error::shown(what), kind, found, wanted, cure })
}

/// How an attempt ended.
enum Attempt {
    /// Nothing is missing, by what the server says.
    Complete,
    /// Retry, after this delay if the server named one; without retries left it is this error.
    Again(DownloadError, Option<Duration>),
}

struct Download<'a> {
    terms: Terms,
    order: &'a Order<'a>,
    agent: ureq::Agent,
    part: Part,
    total: Option<u64>,
    /// Whether a server has said anything to us.
    answered: bool,
}

impl Download<'_> {
    /// Attempt after attempt, until the part is whole and right.
    fn run(&mut self, watch: &mut Watch) -> Result<(), DownloadError> {
        let mut fruitless = 0;
        let mut furthest = self.part.done();
        loop {
            let (error, wait) = match self.attempt(watch)? {
                Attempt::Complete => match self.verify_content() {
                    Ok(()) => return Ok(()),
                    Err(error) => {
                        let pieced = self.part.is_pieced();
                        // Going on with wrong bytes would give wrong bytes again.
                        self.part.restart(self.order)?;
                        // Pieces of two versions, or what a crash left of one: another try can be right.
                        if !pieced {
                            return Err(error);
                        }
                        (fruitless, furthest) = (0, 0);
                        continue;
                    }
                },
                Attempt::Again(error, wait) => (error, wait),
            };
            // Only bytes we never had count: a server that begins anew each time would keep us for ever.
            if self.part.done() > furthest {
                (fruitless, furthest) = (0, self.part.done());
            }
            if fruitless >= if self.answered { RETRIES } else { RETRIES_UNANSWERED } {
                return Err(error);
            }
            let pause = self.terms.pause * 2_u32.pow(fruitless);
            self.pause(wait.map_or(pause, |wait| wait.min(LONGEST_WAIT).max(pause)), watch)?;
            fruitless += 1;
        }
    }

    fn verify_content(&self) -> Result<(), DownloadError> {
        match (&self.order.checksum, self.part.digest()) {
            (Some(wanted), Some(found)) => require_checksum(
                self.order.url,
                &found,
                wanted,
                "it was not kept; try again or check the address",
            ),
            _ => Ok(()),
        }
    }

    /// Waits, unless nobody wants the file any more.
    fn pause(&self, time: Duration, watch: &mut Watch) -> Result<(), DownloadError> {
        let begun = Instant::now();
        while begun.elapsed() < time {
            if !watch(self.part.done(), self.total) {
                return Err(DownloadError::Stopped);
            }
            std::thread::sleep(Duration::from_millis(50).min(time));
        }
        Ok(())
    }

    /// Asks for what is missing and takes what comes.
    fn attempt(&mut self, watch: &mut Watch) -> Result<Attempt, DownloadError> {
        let too_long = self.order.size.is_some_and(|size| self.part.done() > size);
        if too_long || !self.part.can_resume(self.order) {
            self.part.restart(self.order)?;
        }
        if self.order.checksum.is_some() && self.order.size == Some(self.part.done()) {
            return Ok(Attempt::Complete);
        }
        let line =
            Line::open(&self.agent, self.order.url, self.part.done(), self.part.mark(), self.terms.stall)
                .map_err(|error| self.part.failed(error))?;
        let (done, total) = (self.part.done(), self.total);
        let head = match line.next(&mut || watch(done, total)) {
            None => return Err(DownloadError::Stopped),
            Some(News::Head(head)) => head,
            Some(News::Lost(Loss::Hopeless, why)) => return Err(self.unreachable(why)),
            Some(News::Lost(Loss::NotReached, why)) => {
                return Ok(Attempt::Again(self.unreachable(why), None));
            }
            Some(News::Lost(Loss::Broken, why)) => {
                self.answered = true;
                return Ok(self.broke_off(why));
            }
            Some(News::Bytes(_) | News::End) => return Ok(self.broke_off("it began without a head".into())),
        };
        self.answered = true;
        match self.meet(head)? {
            Some(outcome) => Ok(outcome),
            None => self.take(&line, watch),
        }
    }

    /// Decides by the head of an answer; `None` when its body shall be taken.
    fn meet(&mut self, head: Head) -> Result<Option<Attempt>, DownloadError> {
        let url = self.order.url;
        let done = self.part.done();
        let (anew, total) = match head.status {
            StatusCode::OK => (true, head.length),
            StatusCode::PARTIAL_CONTENT
                if head.begins == Some(done) && self.part.may_be(head.mark.as_deref()) =>
            {
                (false, head.whole.or_else(|| Some(done.saturating_add(head.length?))))
            }
            StatusCode::PARTIAL_CONTENT => {
                self.part.restart(self.order)?;
                return Ok(Some(self.broke_off("the server sent another piece than asked for".into())));
            }
            // There is nothing behind the part: it is whole, or too long.
            StatusCode::RANGE_NOT_SATISFIABLE if done > 0 => {
                let whole = head.whole.or(self.order.size);
                let unsure = whole.is_none() && self.order.checksum.is_some();
                if unsure || (whole == Some(done) && self.order.size.is_none_or(|size| size == done)) {
                    return Ok(Some(Attempt::Complete));
                }
                self.part.restart(self.order)?;
                return Ok(Some(self.broke_off("the server has fewer bytes than we".into())));
            }
            status => {
                let again = status.is_server_error()
                    || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&status);
                let error = DownloadError::Refused { url: error::shown(url), status };
                return if again { Ok(Some(Attempt::Again(error, head.wait))) } else { Err(error) };
            }
        };
        // All of this before the part is touched: a proxy's login page must not cost what came so far.
        if head.html && (self.order.size.is_some() || self.order.checksum.is_some()) {
            return Err(DownloadError::WebPage { url: error::shown(url) });
        }
        if let Some(total) = total {
            self.order.allows(url, total)?;
        }
        self.total = total.or(self.order.size);
        if anew {
            self.part.restart(self.order)?;
        }
        self.part.begin(head.mark)?;
        Ok(None)
    }

    /// Takes the body of an answer.
    fn take(&mut self, line: &Line, watch: &mut Watch) -> Result<Attempt, DownloadError> {
        loop {
            let (done, total) = (self.part.done(), self.total);
            match line.next(&mut || watch(done, total)) {
                None => return Err(DownloadError::Stopped),
                Some(News::Bytes(bytes)) => {
                    let after = done + bytes.len() as u64;
                    // More than promised is no better than less.
                    if after > self.total.unwrap_or(self.order.limit).min(self.order.limit) {
                        self.part.restart(self.order)?;
                        self.order.allows(self.order.url, after)?;
                        return Ok(self.broke_off("the server sent more than it had promised".into()));
                    }
                    self.part.add(&bytes)?;
                }
                Some(News::End) if self.total.is_some_and(|total| done < total) => {
                    return Ok(self.broke_off("the line was cut".into()));
                }
                Some(News::End) => return Ok(Attempt::Complete),
                Some(News::Lost(_, why)) => return Ok(self.broke_off(why)),
                Some(News::Head(_)) => {}
            }
        }
    }

    fn unreachable(&self, why: String) -> DownloadError {
        DownloadError::Unreachable { url: error::shown(self.order.url), why }
    }

    fn broke_off(&self, why: String) -> Attempt {
        let (url, done) = (error::shown(self.order.url), self.part.done());
        Attempt::Again(DownloadError::BrokeOff { url, done, why }, None)
    }
}
