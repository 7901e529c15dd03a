//! A real server on loopback that does what servers do.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::*;

const BODY: &[u8] = b"frontal films, all of them";

fn order(url: &str) -> Order<'_> {
    let mut hash = Running::new(&Checksum::Md5(String::new()));
    hash.add(BODY);
    Order { url, checksum: Checksum::Md5(hash.hex()), limit: 1000 }
}

/// What a server does with a request.
#[derive(Clone, Copy)]
enum Manner {
    /// Sends from where it is asked, at most so many bytes of the promised ones.
    Cut(usize),
    /// Sends everything from the beginning, whatever it is asked.
    Whole,
    /// Sends these bytes.
    Bytes(&'static [u8]),
    /// Another version of the file now: a range of the old one is none of it.
    NewVersion,
    /// Byte by byte.
    Slow,
    /// The right code, the wrong piece.
    WrongPiece,
    Page,
    Status(&'static str),
}

/// A server that behaves so, request after request, the last manner for all that follow; with the ranges asked for.
fn server(manners: &'static [Manner]) -> (String, Arc<Mutex<Vec<Option<u64>>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let manner = manners[number.min(manners.len() - 1)];
            let Ok(stream) = stream else { continue };
            // A client that hangs up is what some tests are about.
            let _ = answer(stream, manner, &seen);
        }
    });
    (format!("http://{address}/films.npz"), asked)
}

fn answer(mut stream: TcpStream, manner: Manner, seen: &Mutex<Vec<Option<u64>>>) -> io::Result<()> {
    let mut from = None;
    let mut condition = None;
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
    seen.lock().expect("nobody panicked").push(from.map(|from| from as u64));
    let mark = if matches!(manner, Manner::NewVersion) { "\"two\"" } else { "\"one\"" };
    let from = from.filter(|_| condition.as_deref() == Some(mark)).unwrap_or(0);
    let head = |status: &str, length: usize, more: &str| {
        format!(
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nETag: {mark}\r\nConnection: close\r\n{more}\r\n"
        )
    };
    let ranged = |from: usize| match from {
        0 => head("200 OK", BODY.len(), ""),
        from => {
            let range = format!("Content-Range: bytes {from}-{}/{}\r\n", BODY.len() - 1, BODY.len());
            head("206 Partial Content", BODY.len() - from, &range)
        }
    };
    match manner {
        Manner::Cut(most) => {
            stream.write_all(ranged(from).as_bytes())?;
            stream.write_all(&BODY[from..BODY.len().min(from + most)])
        }
        Manner::NewVersion => {
            stream.write_all(ranged(from).as_bytes())?;
            stream.write_all(&BODY[from..])
        }
        Manner::Whole => {
            stream.write_all(head("200 OK", BODY.len(), "").as_bytes())?;
            stream.write_all(BODY)
        }
        Manner::Bytes(bytes) => {
            stream.write_all(head("200 OK", bytes.len(), "").as_bytes())?;
            stream.write_all(bytes)
        }
        Manner::Slow => {
            stream.write_all(ranged(from).as_bytes())?;
            for byte in &BODY[from..] {
                stream.write_all(&[*byte])?;
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok(())
        }
        Manner::WrongPiece if from > 0 => {
            let range = format!("Content-Range: bytes 1-{}/{}\r\n", BODY.len() - 1, BODY.len());
            stream.write_all(head("206 Partial Content", BODY.len() - 1, &range).as_bytes())?;
            stream.write_all(&BODY[1..])
        }
        Manner::WrongPiece => stream.write_all(ranged(0).as_bytes()).and_then(|()| stream.write_all(BODY)),
        Manner::Page => {
            let page = b"<html>log in</html>";
            stream.write_all(head("200 OK", page.len(), "Content-Type: text/html\r\n").as_bytes())?;
            stream.write_all(page)
        }
        Manner::Status(status) => stream.write_all(head(status, 0, "").as_bytes()),
    }
}

/// What a download came to: its outcome, the file, all files beside it, the ranges asked for.
type Came = (Result<(), DownloadError>, Option<Vec<u8>>, Vec<String>, Vec<Option<u64>>);

/// Downloads from such a server into an empty folder.
fn fetch(manners: &'static [Manner]) -> Came {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = folder.path().join("data/films.npz");
    let (url, asked) = server(manners);
    let outcome = download(&order(&url), &target, &mut |_, _| true);
    let (content, left) = (fs::read(&target).ok(), names(target.parent().expect("a folder")));
    let asked = asked.lock().expect("nobody panicked").clone();
    (outcome, content, left, asked)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_line_that_breaks_is_taken_up_where_it_broke() {
    let (outcome, content, left, asked) = fetch(&[Manner::Cut(10)]);
    outcome.expect("it arrives in pieces");
    assert_eq!(content.as_deref(), Some(BODY));
    assert_eq!(left, ["films.npz"], "no part stays behind");
    assert_eq!(asked, [None, Some(10), Some(20)]);
}

#[test]
fn servers_that_know_no_ranges_or_have_a_new_version_begin_anew() {
    for manners in [
        &[Manner::Cut(10), Manner::Whole] as &'static [Manner],
        &[Manner::Cut(10), Manner::NewVersion],
        &[Manner::Cut(10), Manner::WrongPiece, Manner::Whole],
        &[Manner::Slow],
        &[Manner::Status("503 Service Unavailable"), Manner::Status("429 Too Many Requests"), Manner::Whole],
    ] {
        let (outcome, content, ..) = fetch(manners);
        outcome.expect("it arrives");
        assert_eq!(content.as_deref(), Some(BODY));
    }
}

#[test]
fn wrong_bytes_web_pages_and_refusals_leave_no_file_and_say_why() {
    let cases: [(&'static [Manner], &str); 4] = [
        (&[Manner::Bytes(b"frontal lobes")], "another file or was damaged"),
        (&[Manner::Page], "a web page instead of the file"),
        (&[Manner::Status("404 Not Found")], "answers 404 Not Found"),
        (&[Manner::Bytes(&[7; 2000])], "more than the 1.0 kB expected"),
    ];
    for (manners, expected) in cases {
        let (outcome, content, left, _) = fetch(manners);
        let said = outcome.expect_err(expected).to_string();
        assert!(said.contains(expected), "{said}");
        assert_eq!(content, None);
        let bytes = left.iter().filter(|name| !name.ends_with(".part")).count();
        assert_eq!(bytes, usize::from(left.contains(&"films.npz.part.json".to_owned())), "{left:?}");
    }
}

#[test]
fn a_download_that_was_stopped_goes_on_the_next_time() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = folder.path().join("films.npz");
    let (url, asked) = server(&[Manner::Slow, Manner::Cut(100)]);
    let stopped = download(&order(&url), &target, &mut |done, _| done < 7);
    assert!(matches!(stopped, Err(DownloadError::Stopped)), "{stopped:?}");
    let part = fs::read(folder.path().join("films.npz.part")).expect("a part");
    assert!(part.len() >= 7 && BODY.starts_with(&part), "{part:?}");
    download(&order(&url), &target, &mut |_, _| true).expect("the rest");
    assert_eq!(fs::read(&target).expect("it is there"), BODY);
    assert_eq!(*asked.lock().expect("nobody panicked"), [None, Some(part.len() as u64)]);
    assert_eq!(names(folder.path()), ["films.npz"]);
}

#[test]
fn a_closed_network_is_a_sentence_after_a_few_attempts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let url = format!("http://{free}/films.npz");
    // Nobody listens there any more; giving up early keeps the test short.
    let mut calls = 0;
    let error = download(&order(&url), &folder.path().join("f"), &mut |_, _| {
        calls += 1;
        true
    });
    let said = error.expect_err("nobody is there").to_string();
    assert!(said.contains("can't be reached") && said.contains("HTTPS_PROXY"), "{said}");
    assert!(calls > 5, "it tried again: {calls}");
}

#[test]
fn two_downloads_of_one_file_do_not_mix() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = folder.path().join("films.npz");
    let (url, _) = server(&[Manner::Whole]);
    let mut second = None;
    download(&order(&url), &target, &mut |_, _| {
        second.get_or_insert_with(|| download(&order(&url), &target, &mut |_, _| true));
        true
    })
    .expect("the first one");
    assert!(matches!(second, Some(Err(DownloadError::Busy { .. }))), "{second:?}");
}

#[test]
fn a_file_that_came_another_way_is_taken_if_it_is_the_right_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (from, target) = (folder.path().join("usb.npz"), folder.path().join("cache/films.npz"));
    fs::write(&from, b"frontal lobes").expect("written");
    let wrong = adopt(&from, &order("-"), &target, &mut |_, _| true).expect_err("another file").to_string();
    assert!(wrong.contains("usb.npz has the MD5") && wrong.contains("get the file again"), "{wrong}");
    assert!(!target.exists());
    fs::write(&from, BODY).expect("written");
    adopt(&from, &order("-"), &target, &mut |_, _| true).expect("the right one");
    assert_eq!(fs::read(&target).expect("taken"), BODY);
    let missing = adopt(&folder.path().join("no"), &order("-"), &target, &mut |_, _| true);
    assert!(matches!(missing, Err(DownloadError::Io { .. })));
}
