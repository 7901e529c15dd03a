//! The one owner of the workbench's state.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::{Timestamp, Zoned};
use tui_input::Input;

use crate::config::RunConfig;
use crate::dataset::{Dataset, Split};
use crate::metrics::Thresholds;
use crate::train::{Command, Event, Level, Phase, Progress};
use crate::tui::canvas::MouseTarget;
use crate::tui::jobs::lane::Lane;
use crate::tui::overlays::form::state::Form;
use crate::tui::overlays::rates::state::Rates;
use crate::tui::screen::Screen;
use crate::tui::screens::augment::state::AugmentState;
use crate::tui::screens::data::state::{DataState, DataView, Download};
use crate::tui::screens::evaluate::state::{self as evaluate, Against, Answer, Asked, EvaluateState};
use crate::tui::screens::explain::state::{self as explain, ExplainState};
use crate::tui::screens::runs::state::{Details, Done, Listed, RunsRequest, RunsState, SideBySide};
use crate::tui::screens::train::charts::ChartView;
use crate::tui::screens::train::live::{LiveRun, Log};
use crate::tui::theme::Theme;

/// Something that happened.
#[derive(Debug)]
pub enum Message {
    /// A key, a click, a paste, a resize.
    Input(crossterm::event::Event),
    /// The trainer says.
    Trainer(Event),
    /// Where the trainer is now.
    Progress(Progress),
    /// The trainer is gone without having been asked to leave.
    TrainerGone,
    /// Data were read, or not.
    Data(Box<crate::config::DataSection>, Result<crate::tui::screens::data::state::DataView, String>),
    /// How far the reading of data is.
    Reading(Box<crate::config::DataSection>, crate::dataset::progress::Progress),
    /// The data of this digest were checked, or not.
    Checked(String, Result<Box<crate::dataset::check::Report>, String>),
    /// How far the download is: bytes here, and of how many.
    Fetching(u64, Option<u64>),
    /// The download ended.
    Fetched(Result<Download, String>),
    /// The list of runs was read, or not.
    Runs(Result<Listed, String>),
    /// The run under the cursor was looked at, or can't be.
    Looked(PathBuf, Result<Box<Details>, String>),
    /// What was asked of runs or of the queue was done, or not.
    RunsDone(Result<Box<Done>, String>),
    /// The marked runs were compared on the same images, or can't be.
    Beside(Vec<PathBuf>, Result<Box<SideBySide>, String>),
    /// Something outside says how it went.
    Told(Level, String),
    /// A run's epochs were read, or not.
    Epochs(PathBuf, Result<Vec<crate::runs::EpochRecord>, String>),
    /// A run was read for the evaluate screen, or not.
    Evaluated(Asked, Result<Box<Answer>, String>),
    /// Thresholds, numbers and figures were written, or not.
    Kept(PathBuf, Result<(), String>),
    /// Two runs were compared, or not.
    Compared(PathBuf, Result<Box<Against>, String>),
    /// The images of the run on the evaluate screen were read, or not.
    Images(PathBuf, Result<Arc<Dataset>, String>),
    /// A run was opened on the explain screen, or not.
    Opened(explain::Asked, Result<Box<explain::Opened>, String>),
    /// A map was made, or not.
    Mapped(explain::MapKey, Result<Box<explain::ImageMap>, String>),
    /// A map was left undone for a newer request.
    Passed(explain::MapKey),
    /// All images of the split were looked at: the opening's number and `N,C` probabilities.
    AllPredicted(u64, Vec<f32>),
    /// A picture was encoded and wants to be drawn.
    Picture,
    /// Another thread of the program broke.
    Broken(String),
    /// A lane of background jobs has nothing left to do.
    LaneIdle,
    /// Progress of the evaluation of a run.
    Evaluating(crate::dataset::progress::Progress),
    /// A second went by while something was waiting for one.
    Tick,
}

/// What is to be done outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Tell the trainer.
    Send(Command),
    /// Read data.
    LoadData(Box<crate::config::DataSection>),
    /// Look for what is wrong with the data.
    CheckData(Arc<DataView>),
    /// Download a file of a data set.
    Fetch(Download),
    /// Ask something of the folder of runs, or of the queue.
    Runs(RunsRequest),
    /// Compare the marked runs on the same images.
    Beside(Vec<PathBuf>),
    /// Open a folder, or put its name into the clipboard.
    OpenFolder(PathBuf),
    /// Read a run's epochs.
    ReadEpochs(PathBuf),
    /// Read a run for the evaluate screen.
    Evaluate(Asked),
    /// Write thresholds, numbers and figures of a run.
    Keep { run: PathBuf, split: Split, thresholds: Box<Thresholds> },
    /// Compare the run on the evaluate screen with another.
    Compare { shown: PathBuf, other: PathBuf, split: Split },
    /// Read the images of a run.
    ReadImages { run: PathBuf, data: Box<crate::config::DataSection> },
    /// Open a run to explain it, or make a map.
    Explain(explain::ExplainRequest),
    /// Give the terminal back and stop the process until it is continued.
    Suspend,
    /// Cancel the jobs of a lane.
    Cancel(Lane),
    /// Leave; with true, without waiting for the trainer.
    Leave { at_once: bool },
}

/// What lies over the screen.
#[derive(Clone, Debug)]
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
    /// What trying learning rates brought.
    Rates,
    /// Put the next run into the queue?
    AskQueue,
    /// Delete runs?
    AskDelete,
}

/// A sentence in the bottom line, for some seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub text: String,
    pub level: Level,
    pub until: Timestamp,
}

/// Everything the workbench knows.
pub struct App {
    /// The time of the message being handled.
    pub now: Zoned,
    pub theme: Theme,
    /// Only ASCII may be drawn.
    pub ascii: bool,
    /// Where a user's themes lie.
    pub themes: PathBuf,
    /// Where runs are kept.
    pub runs_folder: PathBuf,
    pub screen: Screen,
    pub overlay: Option<Overlay>,
    pub notice: Option<Notice>,
    pub charts: ChartView,
    pub form: Form,
    pub data: DataState,
    pub run: Option<LiveRun>,
    /// What trying learning rates brought last.
    pub rates: Option<Rates>,
    pub progress: Progress,
    /// The last phase that wasn't a pause: what a paused run is in the middle of.
    pub pass: Phase,
    pub log: Log,
    pub runs: RunsState,
    /// The run that Evaluate and Explain show and Runs has selected; `None`: the newest that each can show.
    pub selected: Option<PathBuf>,
    pub evaluate: EvaluateState,
    pub explain: ExplainState,
    pub augment: AugmentState,
    /// The trainer's thread is gone.
    pub trainer_gone: bool,
    /// The lanes that the program waits for before it ends.
    pub leaving: Option<Vec<Lane>>,
    /// What answers clicks in the frame on screen.
    pub hits: Vec<MouseTarget>,
}

impl App {
    /// A workbench in which nothing has happened yet.
    pub fn new(config: RunConfig, runs_folder: PathBuf, themes: PathBuf, theme: Theme, now: Zoned) -> Self {
        Self {
            now,
            theme,
            ascii: false,
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

    /// The run that the trainer is at.
    pub fn running(&self) -> Option<&LiveRun> {
        self.run.as_ref().filter(|run| run.is_on())
    }

    /// Puts a sentence in the bottom line.
    pub fn say(&mut self, level: Level, text: impl Into<String>) {
        let seconds = if level == Level::Info { 4 } else { 8 };
        let until = self.now.timestamp() + jiff::SignedDuration::from_secs(seconds);
        self.notice = Some(Notice { text: text.into(), level, until });
    }

    /// Adds a line to the log.
    pub fn note(&mut self, level: Level, text: &str) {
        self.log.push(&self.now, level, text);
    }

    /// Whether something on screen changes with time alone: a sentence that goes away, seconds that count.
    pub fn wants_ticks(&self) -> bool {
        self.notice.is_some()
            // Other processes train, too: the list follows them.
            || self.screen == Screen::Runs
            || self.runs.queue.again_in.is_some()
            || matches!(self.data.loading, crate::tui::screens::data::state::Loading::Busy(_))
            || matches!(self.evaluate.shown, evaluate::Loading::Busy(_))
            || matches!(self.explain.shown, evaluate::Loading::Busy(_))
    }
}
