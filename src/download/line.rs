//! One request and its answer, read by a thread of its own: who waits for it can be stopped at any time, even
//! while a name is looked up or a server is silent.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use ureq::http::{HeaderMap, HeaderName, StatusCode, header};

use crate::text::one_line;

/// How often the one who watches is asked.
const TICK: Duration = Duration::from_millis(100);

/// What comes over the line.
pub(super) enum News {
    Head(Head),
    Bytes(Vec<u8>),
    End,
    Lost(Loss, String),
}

/// What a lost line lets us hope for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Loss {
    /// Nothing: an address that is none, a certificate that doesn't fit.
    Hopeless,
    /// Nobody was there.
    NotReached,
    /// Somebody was there.
    Broken,
}

/// What an answer says before its body.
#[derive(Debug, PartialEq)]
pub(super) struct Head {
    pub status: StatusCode,
    /// Bytes of the body.
    pub length: Option<u64>,
    /// Where the piece begins.
    pub begins: Option<u64>,
    /// Bytes of all pieces together.
    pub whole: Option<u64>,
    /// The server's mark of the content.
    pub mark: Option<String>,
    pub html: bool,
    /// So long the server wants to be left alone.
    pub wait: Option<Duration>,
}

impl Head {
    fn new(status: StatusCode, headers: &HeaderMap) -> Self {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let number = |name| text(name).and_then(|number| number.parse().ok());
        let range = text(header::CONTENT_RANGE).and_then(|range| range.strip_prefix("bytes "));
        let range = range.and_then(|range| range.split_once('/'));
        // A weak ETag promises nothing about bytes.
        let mark = text(header::ETAG).filter(|mark| !mark.starts_with("W/"));
        Self {
            status,
            length: number(header::CONTENT_LENGTH),
            begins: range.and_then(|(piece, _)| piece.split_once('-')?.0.trim().parse().ok()),
            whole: range.and_then(|(_, whole)| whole.trim().parse().ok()),
            mark: mark.or(text(header::LAST_MODIFIED)).map(str::to_owned),
            html: text(header::CONTENT_TYPE)
                .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html")),
            wait: number(header::RETRY_AFTER).map(Duration::from_secs),
        }
    }
}

pub(super) struct Line {
    news: Receiver<News>,
    stall: Duration,
}

impl Line {
    /// Asks for `url`, from a byte on when it isn't the first one and the content is still the marked one.
    pub(super) fn open(
        agent: &ureq::Agent,
        url: &str,
        from: u64,
        mark: Option<&str>,
        stall: Duration,
    ) -> io::Result<Self> {
        let mut request = agent.get(url);
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
            if let Some(mark) = mark {
                request = request.header(header::IF_RANGE, mark);
            }
        }
        // Few, so that a slow disk holds the server back instead of filling the memory.
        let (sender, news) = sync_channel(4);
        std::thread::Builder::new().name("download".into()).spawn(move || {
            let last = match request.call() {
                Ok(answer) => carry(answer, &sender),
                Err(error) => News::Lost(loss(&error), one_line(&error.to_string(), 160)),
            };
            // Nobody listens any more once the download was stopped.
            let _ = sender.send(last);
        })?;
        Ok(Self { news, stall })
    }

    /// The next news; `None` as soon as `keep_going` says no.
    pub(super) fn next(&self, keep_going: &mut dyn FnMut() -> bool) -> Option<News> {
        let begun = Instant::now();
        loop {
            if !keep_going() {
                return None;
            }
            let left = self.stall.saturating_sub(begun.elapsed());
            match self.news.recv_timeout(TICK.min(left)) {
                Ok(news) => return Some(news),
                Err(RecvTimeoutError::Timeout) if begun.elapsed() < self.stall => {}
                Err(RecvTimeoutError::Timeout) => {
                    let why = format!("nothing came for {} s", self.stall.as_secs());
                    return Some(News::Lost(Loss::Broken, why));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Some(News::Lost(Loss::Broken, "the line was cut".into()));
                }
            }
        }
    }
}

/// Carries an answer over; returns the last news.
fn carry(answer: ureq::http::Response<ureq::Body>, sender: &SyncSender<News>) -> News {
    let head = Head::new(answer.status(), answer.headers());
    if sender.send(News::Head(head)).is_err() {
        return News::End;
    }
    // How much is too much is for the one who ordered it to say.
    let mut body = answer.into_body().into_with_config().limit(u64::MAX).reader();
    loop {
        let mut buffer = vec![0; 1 << 16];
        match body.read(&mut buffer) {
            Ok(0) => return News::End,
            Ok(read) => {
                buffer.truncate(read);
                if sender.send(News::Bytes(buffer)).is_err() {
                    return News::End;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return News::Lost(Loss::Broken, one_line(&error.to_string(), 160)),
        }
    }
}

fn loss(error: &ureq::Error) -> Loss {
    use std::io::ErrorKind as Kind;

    use ureq::Error;
    match error {
        Error::BadUri(_)
        | Error::Http(_)
        | Error::InvalidProxyUrl
        | Error::TooManyRedirects
        | Error::RedirectFailed
        | Error::Tls(_)
        | Error::Rustls(_)
        | Error::TlsRequired => Loss::Hopeless,
        Error::HostNotFound
        | Error::ConnectionFailed
        | Error::ConnectProxyFailed(_)
        | Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => Loss::NotReached,
        Error::Io(error)
            if [
                Kind::ConnectionRefused,
                Kind::HostUnreachable,
                Kind::NetworkUnreachable,
                Kind::NetworkDown,
                Kind::AddrNotAvailable,
            ]
            .contains(&error.kind()) =>
        {
            Loss::NotReached
        }
        _ => Loss::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_as_servers_write_them() {
        let head = |lines: &[(&'static str, &'static str)]| {
            let pairs = lines.iter().map(|&(name, value)| {
                (HeaderName::from_static(name), ureq::http::HeaderValue::from_static(value))
            });
            Head::new(StatusCode::OK, &pairs.collect())
        };
        let piece = head(&[
            ("content-range", "bytes 10-19/26"),
            ("etag", "\"one\""),
            ("content-type", "Text/HTML; charset=x"),
        ]);
        assert_eq!((piece.begins, piece.whole, piece.html), (Some(10), Some(26), true));
        assert_eq!(piece.mark.as_deref(), Some("\"one\""));
        let none =
            head(&[("content-range", "bytes */26"), ("etag", "W/\"one\""), ("last-modified", "a day")]);
        assert_eq!(
            (none.begins, none.whole, none.mark.as_deref(), none.html),
            (None, Some(26), Some("a day"), false)
        );
        let odd = head(&[("content-range", "lines 1-2/3"), ("content-length", "-4"), ("retry-after", "7")]);
        assert_eq!(
            (odd.begins, odd.whole, odd.length, odd.wait),
            (None, None, None, Some(Duration::from_secs(7)))
        );
    }
}
