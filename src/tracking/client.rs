//! One request to an MLflow server and its answer: login, certificates, patience.

use std::fs::File;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use ureq::AsSendBody;
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use ureq::http::{HeaderValue, Method, Request, StatusCode};
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use super::TrackingError;
use crate::config::ServerUri;
use crate::text::one_line;

/// Returns whether to continue; called before each request and while waiting for the next try.
pub type KeepGoing<'a> = &'a (dyn Fn() -> bool + Sync);

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: u64 = 64 << 20;
/// A server that requests a longer wait is tried again later.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// For a name's address to be found, and for a line to be there.
const CONNECT: Duration = Duration::from_secs(10);
/// The code that we give to an address of which a server knows nothing.
pub(super) const NO_ENDPOINT: &str = "ENDPOINT_NOT_FOUND";

/// How often and how long is tried.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Tries after the first.
    pub retries: u32,
    /// Before the second try; twice as long before each next one.
    pub pause: Duration,
    /// For an answer to begin, and for any piece of what is sent to be taken.
    pub answer: Duration,
}

impl Patience {
    /// For somebody who waits for the outcome.
    pub const ASKED: Self =
        Self { retries: 4, pause: Duration::from_millis(500), answer: Duration::from_secs(60) };
    /// For a thread that comes back by itself.
    pub const BESIDE: Self =
        Self { retries: 1, pause: Duration::from_millis(500), answer: Duration::from_secs(30) };
}

/// What is sent.
pub(super) enum Body<'a> {
    Nothing,
    Json(&'a Value),
    Bytes(&'a [u8]),
    File(&'a File),
}

/// A server that is spoken to.
pub struct HttpClient<'a> {
    agent: ureq::Agent,
    server: ServerUri,
    login: Option<HeaderValue>,
    patience: Patience,
    keep_going: KeepGoing<'a>,
}

impl<'a> HttpClient<'a> {
    /// A client with the login and certificates of the environment, read by `env`: `MLFLOW_TRACKING_USERNAME` and
    /// `_PASSWORD`, else `MLFLOW_TRACKING_TOKEN`; `MLFLOW_TRACKING_INSECURE_TLS`, `_SERVER_CERT_PATH`,
    /// `_CLIENT_CERT_PATH`. Proxies are those of the environment too.
    ///
    /// # Errors
    /// When a certificate can't be read.
    pub fn new(
        server: ServerUri,
        patience: Patience,
        env: impl Fn(&'static str) -> Option<String>,
        keep_going: KeepGoing<'a>,
    ) -> Result<Self, TrackingError> {
        let config = ureq::Agent::config_builder()
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_send_request(Some(patience.answer))
            // A large file may take its time, as long as it moves.
            .timeout_per_write(Some(patience.answer))
            .timeout_recv_response(Some(patience.answer))
            .timeout_recv_body(Some(patience.answer))
            .http_status_as_error(false)
            // A redirect to another address is reported to the user: the login is for this one.
            .max_redirects(0)
            .tls_config(tls(&env)?)
            .user_agent(concat!("chestxr-tui/", env!("CARGO_PKG_VERSION")));
        let login = login(&env)?;
        Ok(Self { agent: config.build().into(), server, login, patience, keep_going })
    }

    /// The server.
    pub fn server(&self) -> &ServerUri {
        &self.server
    }

    /// Asks for `path` and gives the JSON of the answer; nothing is `null`.
    ///
    /// # Errors
    /// After so many tries as patience allows.
    pub(super) fn call(&self, method: Method, path: &str, body: Body) -> Result<Value, TrackingError> {
        self.json(self.text(method, path, body)?)
    }

    /// The same with one try: for what makes something, whose answer may be what got lost.
    pub(super) fn call_once(&self, method: Method, path: &str, body: Body) -> Result<Value, TrackingError> {
        self.json(self.once(&method, path, &body)?)
    }

    /// As [`HttpClient::call`], and the answer as text.
    pub(super) fn text(&self, method: Method, path: &str, body: Body) -> Result<String, TrackingError> {
        self.patiently(|| self.once(&method, path, &body))
    }

    /// What `find` finds, else what `make` makes. Where it isn't known whether the making came through, it is looked
    /// for again before it is made again.
    pub(super) fn find_or_make<T>(
        &self,
        find: impl Fn() -> Result<Option<T>, TrackingError>,
        make: impl Fn() -> Result<T, TrackingError>,
    ) -> Result<T, TrackingError> {
        // The search has had all the patience there is when it fails.
        self.patiently(|| match find() {
            Ok(Some(found)) => Ok(Ok(found)),
            Ok(None) => make().map(Ok),
            Err(error) => Ok(Err(error)),
        })?
    }

    /// Tries as often as patience allows, as long as what fails may pass.
    pub(super) fn patiently<T>(
        &self,
        mut attempt: impl FnMut() -> Result<T, TrackingError>,
    ) -> Result<T, TrackingError> {
        let mut pause = self.patience.pause;
        let mut tries_left = self.patience.retries;
        loop {
            if !(self.keep_going)() {
                return Err(TrackingError::Stopped);
            }
            let error = match attempt() {
                Err(error) if tries_left > 0 && error.may_pass() => error,
                outcome => return outcome,
            };
            let wait = error.wait().unwrap_or(pause);
            if wait > LONGEST_WAIT {
                return Err(error);
            }
            self.wait(wait)?;
            tries_left -= 1;
            pause *= 2;
        }
    }

    fn json(&self, text: String) -> Result<Value, TrackingError> {
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).map_err(|_| self.not_mlflow(&text))
    }

    /// One try.
    fn once(&self, method: &Method, path: &str, body: &Body) -> Result<String, TrackingError> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.server));
        if let Some(login) = &self.login {
            request = request.header(AUTHORIZATION, login);
        }
        // Without a type MLflow refuses with 400; artifacts are taken under any.
        let kind = if matches!(body, Body::Json(_) | Body::Nothing) {
            "application/json"
        } else {
            "application/octet-stream"
        };
        request = request.header(CONTENT_TYPE, kind);
        let answer = match body {
            Body::Nothing => self.send(request.body(())),
            Body::Json(value) => self.send(request.body(value.to_string())),
            Body::Bytes(bytes) => self.send(request.body(*bytes)),
            Body::File(file) => {
                // A try before may have read some of it.
                std::io::Seek::rewind(&mut &**file)
                    .map_err(|error| TrackingError::Folder(format!("can't read a file again: {error}")))?;
                self.send(request.body(*file))
            }
        };
        let answer = answer.map_err(|error| self.lost(&error))?;
        let status = answer.status();
        let header = |name| answer.headers().get(name)?.to_str().ok();
        let wait = header(RETRY_AFTER).and_then(|wait| wait.trim().parse().ok()).map(Duration::from_secs);
        if let Some(to) = header(LOCATION).filter(|_| status.is_redirection()) {
            return Err(TrackingError::Moved { server: self.server.to_string(), to: self.place(to) });
        }
        let mut body = answer.into_body();
        let text = body.with_config().limit(LONGEST_ANSWER).lossy_utf8(true).read_to_string();
        let text = text.map_err(|error| self.lost(&error))?;
        if status.is_success() {
            return Ok(text);
        }
        Err(self.refusal(status, &text, wait))
    }

    fn send<S: AsSendBody>(
        &self,
        request: Result<Request<S>, ureq::http::Error>,
    ) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        self.agent.run(request.map_err(ureq::Error::Http)?)
    }

    fn wait(&self, time: Duration) -> Result<(), TrackingError> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            if !(self.keep_going)() {
                return Err(TrackingError::Stopped);
            }
            std::thread::sleep(Duration::from_millis(50).min(time));
        }
        Ok(())
    }

    fn lost(&self, error: &ureq::Error) -> TrackingError {
        let mut why = one_line(&error.to_string(), 160);
        if why.contains("certificate") {
            why += "; MLFLOW_TRACKING_SERVER_CERT_PATH names one to trust";
        }
        TrackingError::Unreachable { server: self.server.to_string(), why }
    }

    /// Where somebody is sent on to, without what may be secret in an address: scheme and host alone.
    fn place(&self, location: &str) -> String {
        let host = |scheme: &str| {
            let rest = location.strip_prefix(scheme)?;
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            Some(format!("{scheme}{}", host.rsplit('@').next().unwrap_or_default()))
        };
        let there = host("https://").or_else(|| host("http://"));
        there.map_or_else(|| "another page of its own".into(), |there| one_line(&there, 120))
    }

    fn refusal(&self, status: StatusCode, text: &str, wait: Option<Duration>) -> TrackingError {
        let server = self.server.to_string();
        let said: Option<Value> = serde_json::from_str(text).ok();
        let of = |key: &str| said.as_ref().and_then(|said| said.get(key)?.as_str().map(str::to_owned));
        let why = of("message").unwrap_or_else(|| text.to_owned());
        let code = of("error_code");
        match (status.as_u16(), code) {
            (401 | 403, _) => TrackingError::Login { server, status: status.as_u16() },
            (408 | 429 | 500 | 502 | 503 | 504, _) => {
                // A web page is no reason.
                let why = if why.trim_start().starts_with('<') { String::new() } else { one_line(&why, 160) };
                let why = if why.is_empty() {
                    status.canonical_reason().unwrap_or("no reason given").into()
                } else {
                    why
                };
                TrackingError::OutOfOrder { server, status: status.as_u16(), why, wait }
            }
            (413, _) => TrackingError::TooLarge { server, what: "what was sent".into() },
            (_, Some(code)) => {
                TrackingError::Refused { what: "what was sent".into(), code, why: one_line(&why, 300) }
            }
            // Servers of before something was added know nothing of its path.
            (404, None) => TrackingError::Refused {
                what: "what was asked".into(),
                code: NO_ENDPOINT.into(),
                why: "it knows nothing of this; a newer MLflow does".into(),
            },
            (status, None) => {
                TrackingError::NotMlflow { server, found: format!("{status}: {}", one_line(&why, 80)) }
            }
        }
    }

    pub(super) fn not_mlflow(&self, text: &str) -> TrackingError {
        let found = match text.trim_start().starts_with('<') {
            true => "a web page".to_owned(),
            false => one_line(text, 60),
        };
        TrackingError::NotMlflow { server: self.server.to_string(), found }
    }
}

fn login(env: &impl Fn(&'static str) -> Option<String>) -> Result<Option<HeaderValue>, TrackingError> {
    let text = match (
        env("MLFLOW_TRACKING_USERNAME"),
        env("MLFLOW_TRACKING_PASSWORD"),
        env("MLFLOW_TRACKING_TOKEN"),
    ) {
        (Some(user), password, _) => {
            let pair = format!("{user}:{}", password.unwrap_or_default());
            format!("Basic {}", BASE64_STANDARD.encode(pair))
        }
        (None, _, Some(token)) => format!("Bearer {token}"),
        (None, _, None) => return Ok(None),
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| TrackingError::Environment {
        name: "MLFLOW_TRACKING_TOKEN",
        why: "has characters that no token has".into(),
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn tls(env: &impl Fn(&'static str) -> Option<String>) -> Result<TlsConfig, TrackingError> {
    let mut config = TlsConfig::builder();
    let unusable = |name, why: String| TrackingError::Environment { name, why: one_line(&why, 200) };
    let read = |name, path: &str| -> Result<Vec<PemItem<'static>>, TrackingError> {
        let bytes =
            std::fs::read(path).map_err(|error| unusable(name, format!("can't read {path}: {error}")))?;
        parse_pem(&bytes)
            .collect::<Result<_, _>>()
            .map_err(|error| unusable(name, format!("{path}: {error}")))
    };
    let certificates = |items: &[PemItem<'static>]| -> Vec<Certificate<'static>> {
        items
            .iter()
            .filter_map(|item| match item {
                PemItem::Certificate(certificate) => Some(certificate.clone()),
                _ => None,
            })
            .collect()
    };
    if env("MLFLOW_TRACKING_INSECURE_TLS")
        .is_some_and(|text| matches!(text.as_str(), "true" | "1" | "True" | "TRUE"))
    {
        config = config.disable_verification(true);
    }
    const SERVER: &str = "MLFLOW_TRACKING_SERVER_CERT_PATH";
    if let Some(path) = env(SERVER) {
        let found = certificates(&read(SERVER, &path)?);
        if found.is_empty() {
            return Err(unusable(SERVER, format!("{path} has no certificate")));
        }
        config = config.root_certs(RootCerts::new_with_certs(&found));
    }
    const OURS: &str = "MLFLOW_TRACKING_CLIENT_CERT_PATH";
    if let Some(path) = env(OURS) {
        let items = read(OURS, &path)?;
        let key = items.iter().find_map(|item| match item {
            PemItem::PrivateKey(key) => Some(PrivateKey::to_owned(key)),
            _ => None,
        });
        let (Some(key), chain) = (key, certificates(&items)) else {
            return Err(unusable(OURS, format!("{path} has a certificate but no private key")));
        };
        config = config.client_cert(Some(ClientCert::new_with_certs(&chain, key)));
    }
    Ok(config.build())
}

/// The environment variable `name`; an empty one counts as unset.
pub fn environment(name: &'static str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    fn client(port: u16, keep_going: KeepGoing) -> HttpClient {
        let patience = Patience { retries: 0, pause: Duration::ZERO, answer: Duration::from_millis(300) };
        let server = format!("http://127.0.0.1:{port}").parse().expect("an address");
        HttpClient::new(server, patience, |_| None, keep_going).expect("a client")
    }

    #[test]
    fn a_server_that_takes_nothing_more_holds_nobody() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        // More than two machines hold between them; nobody ever reads it.
        let bytes = vec![0; 64 << 20];
        let sent = client(port, &|| true).text(Method::PUT, "/file", Body::Bytes(&bytes));
        assert!(matches!(sent, Err(TrackingError::Unreachable { .. })), "{sent:?}");
    }

    #[test]
    fn what_a_server_says_becomes_what_a_person_can_do() {
        for (answer, words) in [
            (
                "302 Found\r\nLocation: https://me:word@there:8443/login?token=secret",
                "sends on to https://there:8443;",
            ),
            ("302 Found\r\nLocation: /login?token=secret", "another page of its own"),
            ("413 Payload Too Large", "client_max_body_size"),
            ("503 Service Unavailable\r\nRetry-After: 90", "again after 90 s"),
            ("404 Not Found", "as an MLflow server does (404"),
            ("401 Unauthorized", "track sync"),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let port = listener.local_addr().expect("an address").port();
            let server = std::thread::spawn(move || {
                let (mut line, _) = listener.accept().expect("a caller");
                let _ = line.read(&mut [0; 4096]).expect("a request");
                write!(line, "HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    .expect("said");
            });
            let said = client(port, &|| true).version().expect_err("no version").to_string();
            server.join().expect("it answered");
            assert!(said.contains(words) && !said.contains("secret") && !said.contains("word@"), "{said}");
        }
    }
}
