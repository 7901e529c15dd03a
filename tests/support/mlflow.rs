//! A stock MLflow server on loopback, and a line to it that can be spoilt.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

/// The programs of the virtual environment with MLflow, made where it is missing. `None` after saying that the test is
/// skipped; with `CHESTXR_REQUIRE_SAMPLES` set that fails the test.
pub fn programs() -> Option<PathBuf> {
    static SETUP: Mutex<()> = Mutex::new(());
    let _one = SETUP.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mlflow/setup.py");
    let output = Command::new("python3").arg(script).output();
    let said = match output {
        Ok(output) if output.status.success() => {
            return Some(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
        }
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    assert!(std::env::var_os("CHESTXR_REQUIRE_SAMPLES").is_none(), "MLflow can't be set up: {said}");
    eprintln!("SKIPPED: MLflow can't be set up here: {said}");
    None
}

/// A running server; ended when dropped.
pub struct Server {
    programs: PathBuf,
    home: PathBuf,
    pub port: u16,
    process: Option<Child>,
}

impl Server {
    /// Starts one whose data lie in `home`.
    pub fn start(programs: &Path, home: &Path) -> Self {
        let mut server =
            Self { programs: programs.to_owned(), home: home.to_owned(), port: free_port(), process: None };
        server.resume();
        server
    }

    /// Starts it again after [`Server::kill`], with the data it had.
    pub fn resume(&mut self) {
        let log = fs::File::create(self.home.join("server.log")).expect("a log");
        let mut command = Command::new(self.programs.join("mlflow"));
        command
            .args(["server", "--host", "127.0.0.1", "--workers", "1", "--port", &self.port.to_string()])
            .args(["--backend-store-uri", &format!("sqlite:///{}", self.home.join("runs.db").display())])
            .args(["--artifacts-destination", &self.home.join("files").display().to_string()])
            .env("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
            .env_remove("MLFLOW_TRACKING_URI")
            .current_dir(&self.home)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            // A group of its own: the server is several processes.
            .process_group(0);
        self.process = Some(command.spawn().expect("the server starts"));
        while ureq::get(format!("{}/version", self.uri())).call().is_err() {
            let ended = self.process.as_mut().expect("started").try_wait().expect("asked");
            assert!(
                ended.is_none(),
                "{}",
                fs::read_to_string(self.home.join("server.log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Removes everything that it stores, as a new set-up does.
    pub fn forget(&mut self) {
        self.kill();
        fs::remove_file(self.home.join("runs.db")).expect("removed");
        fs::remove_dir_all(self.home.join("files")).expect("removed");
        self.resume();
    }

    /// Ends it as a power cut does.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // SAFETY: signals the group that the server was started as.
            unsafe { libc::killpg(process.id() as i32, libc::SIGKILL) };
            process.wait().expect("it ended");
        }
    }

    pub fn uri(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Asks its REST interface.
    pub fn get(&self, path: &str) -> Value {
        let mut answer = ureq::get(format!("{}/api/2.0/mlflow/{path}", self.uri())).call().expect(path);
        serde_json::from_str(&answer.body_mut().read_to_string().expect(path)).expect(path)
    }

    pub fn post(&self, path: &str, body: &Value) -> Value {
        let request = ureq::post(format!("{}/api/2.0/mlflow/{path}", self.uri()));
        let request = request.header("Content-Type", "application/json");
        let mut answer = request.send(body.to_string()).expect(path);
        serde_json::from_str(&answer.body_mut().read_to_string().expect(path)).expect(path)
    }

    /// A file that it keeps.
    pub fn file(&self, path: &str) -> Vec<u8> {
        let url = format!("{}/api/2.0/mlflow-artifacts/artifacts/{path}", self.uri());
        ureq::get(url).call().expect(path).body_mut().read_to_vec().expect(path)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// What a [`Line`] does with a request.
#[derive(Clone, Debug)]
pub enum Mood {
    Pass,
    /// Answers instead of the server.
    Answer(&'static str),
    /// Lets so many requests pass, then answers the next one instead of the server, and so on.
    Every(usize, &'static str),
    /// Hangs up after the server has done what was asked, before it can say so.
    Deaf(usize),
    /// Hangs up like that on each request of these paths.
    DeafTo(&'static [&'static str]),
    /// Answers instead of the server on each request whose first line has this text.
    AnswerTo(&'static str, &'static str),
    /// Waits before it passes anything on.
    Slow(Duration),
}

pub const BROKEN: &str =
    "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
pub const BUSY: &str =
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
pub const PAGE: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 21\r\nConnection: close\r\n\r\n<html>log in!</html>\n";
pub const TOO_LARGE: &str =
    "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
pub const LOGIN: &str =
    "HTTP/1.1 401 Unauthorized\r\nContent-Length: 12\r\nConnection: close\r\n\r\nlog in first";

/// A line to a real server that passes requests on, one a connection, in a mood.
pub struct Line {
    pub port: u16,
    mood: Arc<Mutex<Mood>>,
    pub requests: Arc<AtomicUsize>,
    ended: Arc<AtomicBool>,
}

impl Line {
    pub fn to(server: u16, mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let line = Self {
            port,
            mood: Arc::new(Mutex::new(mood)),
            requests: Arc::new(AtomicUsize::new(0)),
            ended: Arc::new(AtomicBool::new(false)),
        };
        let (mood, requests, ended) = (line.mood.clone(), line.requests.clone(), line.ended.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let number = requests.fetch_add(1, Ordering::Relaxed) + 1;
                let mood = mood.lock().expect("a mood").clone();
                // A caller that hangs up in the middle is what some tests are about.
                std::thread::spawn(move || pass(stream, server, &mood, number));
            }
        });
        line
    }

    pub fn uri(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn set(&self, mood: Mood) {
        *self.mood.lock().expect("a mood") = mood;
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn pass(mut from: TcpStream, server: u16, mood: &Mood, number: usize) -> Option<()> {
    let request = read_request(&mut from)?;
    let first_line = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
    let canned = match mood {
        Mood::AnswerTo(part, text) if first_line.contains(part) => Some(*text),
        Mood::Answer(text) => Some(*text),
        Mood::Every(count, text) if number.is_multiple_of(count + 1) => Some(*text),
        _ => None,
    };
    if let Some(text) = canned {
        return from.write_all(text.as_bytes()).ok();
    }
    if let Mood::Slow(time) = mood {
        std::thread::sleep(*time);
    }
    let mut to = TcpStream::connect(("127.0.0.1", server)).ok()?;
    to.write_all(&request).ok()?;
    let mut answer = Vec::new();
    to.read_to_end(&mut answer).ok()?;
    match mood {
        Mood::Deaf(count) if number.is_multiple_of(count + 1) => None,
        Mood::DeafTo(paths) if paths.iter().any(|path| first_line.contains(&format!("{path} HTTP"))) => None,
        _ => from.write_all(&answer).ok(),
    }
}

/// A whole request, told to close the connection behind its answer.
fn read_request(from: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 1 << 16];
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        match from.read(&mut buffer).ok()? {
            0 => return None,
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut body = bytes.split_off(head_end + 4);
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        lines
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
            .next()
    };
    if header("expect").is_some() {
        from.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    let length: usize = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while body.len() < length {
        match from.read(&mut buffer).ok()? {
            0 => return None,
            read => body.extend_from_slice(&buffer[..read]),
        }
    }
    let kept = head.lines().filter(|line| {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        name != "connection" && name != "expect"
    });
    let mut request: String = kept.map(|line| format!("{line}\r\n")).collect();
    request += "Connection: close\r\n\r\n";
    let mut whole = request.into_bytes();
    whole.extend(body);
    Some(whole)
}
