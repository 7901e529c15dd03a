//! How a job relates to others: its lane, what it supersedes, and whether it is completed before the program ends.

use crate::tui::app::Effect;
use crate::tui::jobs::lane::Lane;
use crate::tui::screens::explain::state::ExplainRequest;
use crate::tui::screens::runs::state::RunsRequest;

impl Effect {
    /// The lane of a background job; `None` for what the event loop does itself.
    pub fn lane(&self) -> Option<Lane> {
        Some(match self {
            Self::LoadData(_) => Lane::Data,
            Self::CheckData(_) => Lane::Check,
            Self::Fetch(_) => Lane::Download,
            Self::Beside(_) => Lane::SideBySide,
            Self::ReadEpochs(_) => Lane::Epochs,
            Self::Evaluate(_) => Lane::Evaluate,
            Self::Keep { .. } => Lane::Save,
            Self::Compare { .. } => Lane::Comparison,
            Self::ReadImages { .. } => Lane::Images,
            Self::Explain(_) => Lane::Explain,
            Self::Runs(_) => Lane::Runs,
            Self::Send(_) | Self::Suspend | Self::Cancel(_) | Self::OpenFolder(_) | Self::Leave { .. } => {
                return None;
            }
        })
    }

    /// Whether it changes files of a person, so that it is completed before the program ends rather than cancelled.
    pub fn must_finish(&self) -> bool {
        match self {
            Self::Keep { .. } => true,
            Self::Runs(request) => {
                !matches!(request, RunsRequest::List | RunsRequest::LookAt(_) | RunsRequest::Weigh(_))
            }
            _ => false,
        }
    }

    /// Whether an equal job that runs or waits serves as well, so that it is not started again.
    pub(super) fn is_served_by(&self, other: &Self) -> bool {
        // Requests to runs change what is on the disk: the same request twice is two requests.
        self == other && !matches!(self, Self::Runs(_))
    }

    /// Whether nobody needs the answer to `older` any more once this job is wanted.
    pub(super) fn supersedes(&self, older: &Self) -> bool {
        match (self, older) {
            (Self::Explain(ExplainRequest::Map(_)), Self::Explain(ExplainRequest::Open(_))) => false,
            (Self::Runs(newer), Self::Runs(older)) => {
                matches!((newer, older), (RunsRequest::LookAt(_), RunsRequest::LookAt(_)))
            }
            (Self::ReadEpochs(_) | Self::Keep { .. }, _) => false,
            _ => self.lane() == older.lane(),
        }
    }
}
