//! The state of the workbench, its messages and its effects.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::{Timestamp, Zoned};
use tui_input::Input;

use crate::config::RunConfig;
use crate::dataset::{Dataset, Split};
use crate::metrics::Thresholds;
use crate::train::{Command, Event, Level, Phase, Progress};
use crate::tui::canvas::MouseTarget;
use crate::tui::colour_depth::ColourDepth;
use crate::tui::jobs::lane::Lane;
use crate::tui::overlays::form::state::Form;
use crate::tui::overlays::rates::state::Rates;
use crate::tui::screen::Screen;
use crate::tui::screens::augment::state::AugmentState;
use crate::tui::screens::data::state::{DataState, DataView, Download};
use crate::tui::screens::evaluate::state::{
    self as evaluate, Against, Answer, EvaluateRequest, EvaluateState,
};
use crate::tui::screens::explain::state::{self as explain, ExplainState};
use crate::tui::screens::runs::state::{Details, Done, Listed, RunsRequest, RunsState, SideBySide};
use crate::tui::screens::train::charts::ChartView;
use crate::tui::screens::train::live::{LiveRun, Log};
use crate::tui::theme::Theme;

/// An input, an event of the trainer, or the answer of a job.
#[derive(Debug)]
pub enum Message {
    /// A key, a click, a paste, a resize.
    Input(crossterm::event::Event),
    /// An event of the trainer.
    Trainer(Event),
    /// The trainer's progress.
    Progress(Progress),
    /// The trainer's thread ended unexpectedly.
    TrainerGone,
    /// Answer to [`Effect::LoadData`].
    Data(Box<crate::config::DataSection>, Result<Box<DataView>, String>),
    /// Progress of [`Effect::LoadData`].
    Reading(Box<crate::config::DataSection>, crate::dataset::progress::Progress),
    /// Answer to [`Effect::CheckData`], with the digest of the data.
    Checked(String, Result<Box<crate::dataset::check::Report>, String>),
    /// Progress of the download: bytes received, and their total if the server gives it.
    Fetching(u64, Option<u64>),
    /// Answer to [`Effect::Fetch`].
    Fetched(Result<Download, String>),
    /// The list of runs, or why it can't be read.
    Runs(Result<Listed, String>),
    /// Details of the run under the cursor, or why they can't be read.
    Looked(PathBuf, Result<Box<Details>, String>),
    /// Answer to a request that changes runs or the queue.
    RunsDone(Result<Box<Done>, String>),
    /// Answer to [`Effect::Beside`].
    Beside(Vec<PathBuf>, Result<Box<SideBySide>, String>),
    /// A notice from outside the loop.
    Told(Level, String),
    /// Answer to [`Effect::ReadEpochs`].
    Epochs(PathBuf, Result<Vec<crate::runs::EpochRecord>, String>),
    /// Answer to [`Effect::Evaluate`].
    Evaluated(EvaluateRequest, Result<Box<Answer>, String>),
    /// Answer to [`Effect::Keep`].
    Kept(PathBuf, Result<(), String>),
    /// Answer to [`Effect::Compare`].
    Compared(PathBuf, Result<Box<Against>, String>),
    /// Answer to [`Effect::ReadImages`].
    Images(PathBuf, Result<Arc<Dataset>, String>),
    /// Answer to a request to open a run on the Explain screen.
    Opened(explain::ExplainTarget, Result<Box<explain::Opened>, String>),
    /// Answer to a request for an attribution map.
    Mapped(explain::MapKey, Result<Box<explain::ImageMap>, String>),
    /// The map's job was cancelled.
    Passed(explain::MapKey),
    /// Probabilities of all images of the split, `N,C`, with the number of the opening.
    AllPredicted(u64, Vec<f32>),
    /// A picture was encoded: draw a frame.
    Picture,
    /// Another thread panicked or failed.
    Broken(String),
    /// A lane of background jobs has nothing left to do.
    LaneIdle,
    /// Progress of the evaluation of a run.
    Evaluating(crate::dataset::progress::Progress),
    /// A second has passed; sent while the screen shows times.
    Tick,
}

/// What the event loop does for the state: a command, a job, or the end.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Effect {
    /// Send a command to the trainer.
    Send(Command),
    /// Read data.
    LoadData(Box<crate::config::DataSection>),
    /// Check the data for problems.
    CheckData(Arc<DataView>),
    /// Download a file of a data set.
    Fetch(Download),
    /// List, change or queue runs.
    Runs(RunsRequest),
    /// Compare the marked runs on the same images.
    Beside(Vec<PathBuf>),
    /// Open a folder, or put its name into the clipboard.
    OpenFolder(PathBuf),
    /// Read a run's epochs.
    ReadEpochs(PathBuf),
    /// Read a run for the evaluate screen.
    Evaluate(EvaluateRequest),
    /// Write thresholds, numbers and figures of a run.
    Keep { run: PathBuf, split: Split, thresholds: Box<Thresholds> },
    /// Compare the run on the evaluate screen with another.
    Compare { shown: PathBuf, other: PathBuf, split: Split },
    /// Read the images of a run.
    ReadImages { run: PathBuf, data: Box<crate::config::DataSection> },
    /// Open a run on the Explain screen, or compute a map.
    Explain(explain::ExplainRequest),
    /// Give the terminal back and stop the process until it is continued.
    Suspend,
    /// Cancel the jobs of a lane.
    Cancel(Lane),
    /// End the program; `at_once`: without waiting for the trainer.
    Leave { at_once: bool },
}

/// A dialog over the screen.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Overlay {
    /// Settings of the next run.
    Form,
    /// All keys, scrolled by so many lines.
    Help(usize),
    /// Commands, with the line typed and the chosen row.
    Palette { input: Input, row: usize },
    /// Stop the run?
    AskStop,
    /// Stop the run and leave?
    AskLeave,
    /// The run is being saved before leaving.
    Saving,
    /// The result of the learning-rate finder.
    Rates,
    /// Put the next run into the queue?
    AskQueue,
    /// Delete runs?
    AskDelete,
}

/// A sentence in the bottom line, shown for some seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The sentence.
    pub text: String,
    /// How much it matters.
    pub level: Level,
    /// When it disappears.
    pub until: Timestamp,
}

/// The state of the workbench.
pub struct App {
    /// The time of the message being handled.
    pub now: Zoned,
    /// Colours.
    pub theme: Theme,
    /// Draw only ASCII.
    pub ascii: bool,
    /// How many colours the terminal shows.
    pub depth: ColourDepth,
    /// Directory of the user's themes.
    pub themes: PathBuf,
    /// Directory of runs.
    pub runs_folder: PathBuf,
    /// The screen that is shown.
    pub screen: Screen,
    /// What lies over it: help, form, palette or a question.
    pub overlay: Option<Overlay>,
    /// A short message in the bottom line.
    pub notice: Option<Notice>,
    /// How curves are drawn.
    pub charts: ChartView,
    /// Settings of the next run.
    pub form: Form,
    /// State of the Data screen.
    pub data: DataState,
    /// The run that is being trained.
    pub run: Option<LiveRun>,
    /// The last result of the learning-rate finder.
    pub rates: Option<Rates>,
    /// The trainer's last progress.
    pub progress: Progress,
    /// The last phase other than a pause.
    pub pass: Phase,
    /// The log pane.
    pub log: Log,
    /// State of the Runs screen.
    pub runs: RunsState,
    /// The run that Evaluate and Explain show and Runs has selected; `None`: the newest that each can show.
    pub selected: Option<PathBuf>,
    /// State of the Evaluate screen.
    pub evaluate: EvaluateState,
    /// State of the Explain screen.
    pub explain: ExplainState,
    /// State of the Augment screen.
    pub augment: AugmentState,
    /// The trainer's thread has ended.
    pub trainer_gone: bool,
    /// The lanes that the program waits for before it ends.
    pub leaving: Option<Vec<Lane>>,
    /// What answers the mouse in the frame on screen.
    pub hits: Vec<MouseTarget>,
}

impl App {
    /// The state at the start.
    pub fn new(config: RunConfig, runs_folder: PathBuf, themes: PathBuf, theme: Theme, now: Zoned) -> Self {
        Self {
            now,
            theme,
            ascii: false,
            depth: ColourDepth::True,
            themes,
            runs_folder,
            screen: Screen::Data,
            overlay: None,
            notice: None,
            charts: ChartView::default(),
            form: Form::new(config),
            data: DataState::default(),
            run: None,
            rates: None,
            progress: Progress::default(),
            pass: Phase::default(),
            log: Log::default(),
            runs: RunsState::default(),
            selected: None,
            evaluate: EvaluateState::default(),
            explain: ExplainState::default(),
            augment: AugmentState::default(),
            trainer_gone: false,
            leaving: None,
            hits: Vec::new(),
        }
    }

    /// The active run.
    pub fn running(&self) -> Option<&LiveRun> {
        self.run.as_ref().filter(|run| run.is_on())
    }

    /// Shows a sentence in the bottom line.
    pub fn notify(&mut self, level: Level, text: impl Into<String>) {
        let seconds = if level == Level::Info { 4 } else { 8 };
        let until = self.now.timestamp() + jiff::SignedDuration::from_secs(seconds);
        self.notice = Some(Notice { text: text.into(), level, until });
    }

    /// Adds a line to the log.
    pub fn note(&mut self, level: Level, text: &str) {
        self.log.push(&self.now, level, text);
    }

    /// Whether something on the screen changes with time alone: a notice that expires, a count of seconds.
    pub fn wants_ticks(&self) -> bool {
        self.notice.is_some()
            // Other processes train, too, and the list shows them.
            || self.screen == Screen::Runs
            || self.runs.queue.again_in.is_some()
            || matches!(self.data.loading, crate::tui::screens::data::state::Loading::Busy(_))
            || matches!(self.evaluate.shown, evaluate::Loading::Busy(_))
            || matches!(self.explain.shown, evaluate::Loading::Busy(_))
    }
}
