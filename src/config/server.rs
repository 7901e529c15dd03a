//! The address of a tracking server.

use std::fmt;
use std::str::FromStr;

/// An address `http://host[:port][/path]` or `https://…`, without a login (secrets belong into the environment) and
/// without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerUri(String);

/// Why a text is no address of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerUriError {
    /// No server is named.
    #[error("it begins with neither http:// nor https://, so it is no server")]
    NoServer,
    #[error(
        "it holds a login, which would be written down with the run; give that as MLFLOW_TRACKING_USERNAME and \
         MLFLOW_TRACKING_PASSWORD instead"
    )]
    /// The address contains a user name or a password.
    Login,
    /// The address is no URL.
    #[error("it has no host, or characters that no address has")]
    Malformed,
}

impl ServerUri {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `tracking.mlflow_uri` may hold this: an address, `none` or nothing.
    pub(super) fn is_setting(text: &str) -> bool {
        matches!(text, "" | "none") || text.parse::<Self>().is_ok()
    }
}

/// What may be shown of a text that is no address of ours: its host, where there is one without anything secret about it.
pub(super) fn host(text: &str) -> String {
    let scheme = ["http://", "https://"].into_iter().find(|scheme| text.starts_with(scheme));
    let rest = scheme.map_or("", |scheme| &text[scheme.len()..]);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    match scheme {
        // Where a login begins and ends is anybody's guess once it holds a slash.
        Some(scheme) if !rest.contains('@') && host.chars().all(is_plain) => format!("{scheme}{host}…"),
        _ => "…".to_owned(),
    }
}

impl FromStr for ServerUri {
    type Err = ServerUriError;

    fn from_str(text: &str) -> Result<Self, ServerUriError> {
        let text = text.trim();
        let rest = ["http://", "https://"].iter().find_map(|scheme| text.strip_prefix(scheme));
        let rest = rest.ok_or(ServerUriError::NoServer)?.trim_end_matches('/');
        let host = rest.split('/').next().unwrap_or_default();
        if host.contains('@') {
            return Err(ServerUriError::Login);
        }
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '"' | '<' | '>' | '\\' | '@');
        if host.is_empty() || host.starts_with(':') || !rest.chars().all(plain) {
            return Err(ServerUriError::Malformed);
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

impl fmt::Display for ServerUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_and_holds_no_login() {
        let parse = |text: &str| text.parse::<ServerUri>();
        assert_eq!(parse("http://host:5000/").map(|uri| uri.to_string()), Ok("http://host:5000".into()));
        assert!(parse("https://host/behind/a/path").is_ok() && parse("http://[::1]:5000").is_ok());
        assert_eq!(parse("https://me:secret@host"), Err(ServerUriError::Login));
        assert_eq!(parse("sqlite:///mlflow.db"), Err(ServerUriError::NoServer));
        for text in ["http://", "http://:5000", "http://host/?token=1", "http://ho st"] {
            assert_eq!(parse(text), Err(ServerUriError::Malformed), "{text}");
        }
        for (text, shown) in [
            ("http://host:5000/?token=secret", "http://host:5000…"),
            ("http://host#secret", "http://host…"),
            ("https://me:sec/ret@host", "…"),
            ("http://host/?mail=me@secret", "…"),
            ("http://se cret", "…"),
            ("secret", "…"),
        ] {
            assert_eq!(host(text), shown);
        }
        assert!(ServerUri::is_setting("") && ServerUri::is_setting("none") && !ServerUri::is_setting("host"));
    }
}
