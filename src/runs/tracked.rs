//! How far a run has been sent to a tracking server: the summary in `tracking.json`.

use serde::{Deserialize, Serialize};

use super::RunFolder;

const FILE: &str = "tracking.json";

/// Whether a tracking server has what the run's folder has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tracked {
    /// The run isn't sent anywhere.
    #[default]
    Off,
    /// So many things are still to be sent.
    Pending(usize),
    /// The server has all of the run.
    Complete,
    /// Sending was given up, and why.
    Failed(String),
}

/// The keys that are read here; the uploader writes others.
#[derive(Deserialize)]
struct File {
    state: String,
    #[serde(default)]
    pending: usize,
    #[serde(default)]
    reason: String,
}

impl Tracked {
    /// The word for it; empty where nothing is sent.
    pub fn word(&self) -> String {
        match self {
            Self::Off => String::new(),
            Self::Pending(count) => format!("{count} to send"),
            Self::Complete => "sent".to_owned(),
            Self::Failed(_) => "not sent".to_owned(),
        }
    }
}

impl RunFolder {
    /// How far the run has been sent; [`Tracked::Off`] without `tracking.json`. A file that can't be read is a
    /// failure to send, not one to list runs.
    pub fn tracked(&self) -> Tracked {
        if !self.path().join(FILE).exists() {
            return Tracked::Off;
        }
        match self.read_json::<File>(FILE) {
            Ok(file) => match file.state.as_str() {
                "pending" => Tracked::Pending(file.pending),
                "complete" => Tracked::Complete,
                "failed" => Tracked::Failed(crate::text::one_line(&file.reason, 300)),
                other => Tracked::Failed(format!(
                    "tracking.json has `{}`, which this version doesn't know",
                    crate::text::one_line(other, 40)
                )),
            },
            Err(error) => Tracked::Failed(crate::text::one_line(&format!("{error:#}"), 300)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_sender_writes_is_understood_and_what_is_not_is_a_failure() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let now = "2026-11-22T12:00:00[UTC]".parse().expect("a time");
        let folder = RunFolder::create(runs.path(), &Default::default(), &now).expect("a new run");
        let says = |text: &str| {
            std::fs::write(folder.path().join(FILE), text).expect("written");
            folder.tracked()
        };
        assert_eq!(folder.tracked(), Tracked::Off);
        assert_eq!(says(r#"{"state":"pending","pending":7,"uri":"http://x"}"#), Tracked::Pending(7));
        assert_eq!(says(r#"{"state":"complete"}"#), Tracked::Complete);
        let refused = says(r#"{"state":"failed","reason":"refused\u001b[2J"}"#);
        assert_eq!(refused, Tracked::Failed("refused [2J".into()));
        assert!(matches!(says(r#"{"state":"dreaming"}"#), Tracked::Failed(_)));
        assert!(matches!(says("{"), Tracked::Failed(_)));
    }
}
