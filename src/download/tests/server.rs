//! A real server on loopback that does what servers do.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub const BODY: &[u8] = b"twenty-six bytes of pixels";
/// The same address, some days later.
pub const NEWER: &[u8] = b"lateral images, a few more too";

/// What a server does with a request.
#[derive(Clone, Copy)]
pub enum Manner {
    /// Sends from where it is requested, at most so many bytes of the promised ones.
    Cut(usize),
    /// The same, but says nothing of a version.
    Unmarked(usize),
    /// Sends everything from the beginning, whatever it is requested.
    Whole,
    /// Sends these bytes.
    Bytes(&'static [u8]),
    /// Another version of the file: a range of the old one is none of it.
    Newer,
    /// The same, from a server that never heard of `If-Range`.
    NewerAnyway,
    /// Byte by byte.
    Slow,
    /// So many bytes, then silence on an open line.
    Silent(usize),
    /// The right code, the wrong piece.
    WrongPiece,
    /// Without a length, as programs send.
    Unmeasured,
    /// There is nothing behind the part.
    Beyond,
    Page,
    Status(&'static str),
    /// Hangs up without a word.
    HangUp,
    /// Sends us to another path.
    Moved,
}

/// What was requested for: where to begin, and the mark that it shall have.
pub type Requested = Arc<Mutex<Vec<(Option<usize>, Option<String>)>>>;

/// A server that behaves so, request after request, the last manner for all that follow; with what it was requested.
pub fn server(manners: &'static [Manner]) -> (String, Requested) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let requested = Requested::default();
    let seen = requested.clone();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let manner = manners[number.min(manners.len() - 1)];
            let Ok(stream) = stream else { continue };
            let seen = seen.clone();
            // A silent one must not keep the next one waiting. That clients hang up is what some tests are about.
            std::thread::spawn(move || answer(stream, manner, &seen));
        }
    });
    (format!("http://{address}/images.npz"), requested)
}

fn answer(mut stream: TcpStream, manner: Manner, seen: &Requested) -> io::Result<()> {
    let (mut from, mut condition) = (None, None);
    for line in BufReader::new(stream.try_clone()?).lines() {
        let line = line?.to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse::<usize>().ok();
        }
        if let Some(mark) = line.strip_prefix("if-range: ") {
            condition = Some(mark.to_owned());
        }
    }
    seen.lock().expect("nobody panicked").push((from, condition.clone()));
    let newer = matches!(manner, Manner::Newer | Manner::NewerAnyway);
    let (mark, body) = if newer { ("\"two\"", NEWER) } else { ("\"one\"", BODY) };
    let unmarked = matches!(manner, Manner::Unmarked(_));
    let regardless = unmarked || matches!(manner, Manner::NewerAnyway);
    let from = from.filter(|_| regardless || condition.as_deref() == Some(mark)).unwrap_or(0);
    let etag = if unmarked { String::new() } else { format!("ETag: {mark}\r\n") };
    let head = |status: &str, length: usize, more: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{etag}Connection: close\r\n{more}\r\n")
    };
    let piece = |from: usize| match from {
        0 => head("200 OK", body.len(), ""),
        from => {
            let range = format!("Content-Range: bytes {from}-{}/{}\r\n", body.len() - 1, body.len());
            head("206 Partial Content", body.len() - from, &range)
        }
    };
    let (head, body) = match manner {
        Manner::Cut(most) | Manner::Unmarked(most) | Manner::Silent(most) => {
            (piece(from), &body[from..body.len().min(from + most)])
        }
        Manner::Newer | Manner::NewerAnyway | Manner::Slow => (piece(from), &body[from..]),
        Manner::Whole => (piece(0), body),
        Manner::Bytes(bytes) => (head("200 OK", bytes.len(), ""), bytes),
        Manner::WrongPiece if from > 0 => {
            let range = format!("Content-Range: bytes 1-{}/{}\r\n", body.len() - 1, body.len());
            (head("206 Partial Content", body.len() - 1, &range), &body[1..])
        }
        Manner::WrongPiece => (piece(0), body),
        Manner::Unmeasured => (format!("HTTP/1.1 200 OK\r\n{etag}Connection: close\r\n\r\n"), body),
        Manner::Beyond => {
            let range = format!("Content-Range: bytes */{}\r\n", body.len());
            (head("416 Range Not Satisfiable", 0, &range), &body[..0])
        }
        Manner::Page => {
            let page: &[u8] = b"<html>log in</html>";
            (head("200 OK", page.len(), "Content-Type: text/html; charset=utf-8\r\n"), page)
        }
        Manner::Status(status) => (head(status, 0, ""), &body[..0]),
        Manner::HangUp => return Ok(()),
        Manner::Moved => (head("302 Found", 0, "Location: /elsewhere/images.npz\r\n"), &body[..0]),
    };
    stream.write_all(head.as_bytes())?;
    if !matches!(manner, Manner::Slow) {
        stream.write_all(body)?;
    } else {
        for byte in body {
            stream.write_all(&[*byte])?;
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    if matches!(manner, Manner::Silent(_)) {
        // Longer than any test has patience for.
        std::thread::sleep(Duration::from_secs(30));
    }
    Ok(())
}
