//! Every key, once: handling, the bottom bar, the help overlay, the palette and the README read this table.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::dataset::part::GroupBy;
use crate::tui::action::{Action, Screen};

/// Where keys go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// On every screen, when nothing lies over it.
    Global,
    Data,
    Train,
    Evaluate,
    /// The images of a matrix' cell.
    Images,
    Explain,
    Augment,
    Runs,
    /// A run of the list, opened.
    Opened,
    /// The marked runs together.
    Compared,
    /// The settings of the next run.
    Form,
    /// A line is being typed: a setting, a filter, a command.
    Typing,
    Help,
    /// A question with yes and no.
    Question,
    /// A run is being saved before leaving.
    Saving,
    /// What trying learning rates brought.
    Rates,
}

impl Mode {
    /// All modes, in the order of the help.
    pub const ALL: [Mode; 16] = [
        Mode::Global,
        Mode::Data,
        Mode::Train,
        Mode::Evaluate,
        Mode::Images,
        Mode::Explain,
        Mode::Augment,
        Mode::Runs,
        Mode::Opened,
        Mode::Compared,
        Mode::Form,
        Mode::Typing,
        Mode::Help,
        Mode::Question,
        Mode::Saving,
        Mode::Rates,
    ];

    /// Its heading in the help.
    pub fn title(self) -> &'static str {
        match self {
            Self::Global => "everywhere",
            Self::Data => "data",
            Self::Train => "train",
            Self::Evaluate => "evaluate",
            Self::Images => "images of a cell",
            Self::Explain => "explain",
            Self::Augment => "augment",
            Self::Runs => "runs",
            Self::Opened => "an opened run",
            Self::Compared => "marked runs together",
            Self::Form => "settings of the next run",
            Self::Typing => "typing",
            Self::Help => "help",
            Self::Question => "a question",
            Self::Saving => "saving",
            Self::Rates => "learning rates tried",
        }
    }

    /// Whether the keys of every screen work as well.
    fn has_global(self) -> bool {
        matches!(
            self,
            Self::Data
                | Self::Train
                | Self::Evaluate
                | Self::Images
                | Self::Explain
                | Self::Augment
                | Self::Runs
                | Self::Opened
                | Self::Compared
        )
    }
}

/// A key with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The key.
    pub code: KeyCode,
    /// Control held down.
    pub control: bool,
}

impl Key {
    /// The key as people read it.
    pub fn name(self) -> String {
        let name = match self.code {
            KeyCode::Char(' ') => "space".to_owned(),
            KeyCode::Char(letter) => letter.to_string(),
            KeyCode::Up => "↑".into(),
            KeyCode::Down => "↓".into(),
            KeyCode::Left => "←".into(),
            KeyCode::Right => "→".into(),
            KeyCode::PageUp => "PgUp".into(),
            KeyCode::PageDown => "PgDn".into(),
            KeyCode::BackTab => "Shift-Tab".into(),
            other => format!("{other}"),
        };
        if self.control { format!("Ctrl-{}", name.to_uppercase()) } else { name }
    }

    fn matches(self, event: &KeyEvent) -> bool {
        // Shift is part of the letter already, so only Control tells keys apart.
        self.code == event.code && self.control == event.modifiers.contains(KeyModifiers::CONTROL)
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// Where it holds.
    pub mode: Mode,
    /// Keys that do the same.
    pub keys: &'static [Key],
    /// What they ask for.
    pub action: Action,
    /// One or two words for the bottom bar; neighbours with the same words share a place there, and without
    /// words a row has none.
    pub label: &'static str,
    /// A line for the help.
    pub help: &'static str,
}

const fn letter(letter: char) -> Key {
    Key { code: KeyCode::Char(letter), control: false }
}

const fn plain(code: KeyCode) -> Key {
    Key { code, control: false }
}

const fn control(letter: char) -> Key {
    Key { code: KeyCode::Char(letter), control: true }
}

const fn bind(
    mode: Mode,
    keys: &'static [Key],
    action: Action,
    label: &'static str,
    help: &'static str,
) -> Binding {
    Binding { mode, keys, action, label, help }
}

const UP: Key = plain(KeyCode::Up);
const DOWN: Key = plain(KeyCode::Down);
const LEFT: Key = plain(KeyCode::Left);
const RIGHT: Key = plain(KeyCode::Right);
const PAGE_UP: Key = plain(KeyCode::PageUp);
const PAGE_DOWN: Key = plain(KeyCode::PageDown);
const HOME: Key = plain(KeyCode::Home);
const END: Key = plain(KeyCode::End);
const ENTER: Key = plain(KeyCode::Enter);
const ESC: Key = plain(KeyCode::Esc);
const TAB: Key = plain(KeyCode::Tab);
const BACK_TAB: Key = plain(KeyCode::BackTab);
const BREAK: Key = control('c');

/// The table.
#[rustfmt::skip]
pub const BINDINGS: &[Binding] = &[
    bind(Mode::Global, &[letter('1')], Action::Show(Screen::Data), "", "screen 1: the data"),
    bind(Mode::Global, &[letter('2')], Action::Show(Screen::Train), "", "screen 2: training"),
    bind(Mode::Global, &[letter('3')], Action::Show(Screen::Evaluate), "", "screen 3: what a run is worth"),
    bind(Mode::Global, &[letter('4')], Action::Show(Screen::Explain), "", "screen 4: why a run's network says what it says"),
    bind(Mode::Global, &[letter('5')], Action::Show(Screen::Augment), "", "screen 5: what training sees of an image"),
    bind(Mode::Global, &[letter('6')], Action::Show(Screen::Runs), "", "screen 6: all runs"),
    bind(Mode::Global, &[TAB], Action::NextScreen, "", "next screen"),
    bind(Mode::Global, &[BACK_TAB], Action::PreviousScreen, "", "previous screen"),
    bind(Mode::Global, &[letter('t')], Action::NextTheme, "", "next theme"),
    bind(Mode::Global, &[letter('?'), plain(KeyCode::F(1))], Action::Help, "help", "all keys"),
    bind(Mode::Global, &[letter(':')], Action::Palette, "command", "a command by its name"),
    bind(Mode::Global, &[letter('q')], Action::Quit, "quit", "leave; asks first while a run is on"),
    bind(Mode::Global, &[BREAK], Action::Break, "", "as q; pressed again, stops the run and leaves"),

    bind(Mode::Data, &[UP, letter('k')], Action::Up, "condition", "previous condition"),
    bind(Mode::Data, &[DOWN, letter('j')], Action::Down, "condition", "next condition"),
    bind(Mode::Data, &[LEFT, letter('h')], Action::Left, "image", "previous image with the condition"),
    bind(Mode::Data, &[RIGHT, letter('l')], Action::Right, "image", "next image with the condition"),
    bind(Mode::Data, &[letter('s')], Action::Split, "split", "train, val, test or all three"),
    bind(Mode::Data, &[letter('v')], Action::View, "view", "an image, conditions together, what is wrong, counts"),
    bind(Mode::Data, &[letter('b')], Action::Boxes, "boxes", "where findings are, if the source knows"),
    bind(Mode::Data, &[letter('e')], Action::Edit, "settings", "settings of the next run, the data source among them"),
    bind(Mode::Data, &[letter('f')], Action::Fetch, "fetch", "download ChestMNIST of data.size, or end that"),
    bind(Mode::Data, &[letter('r')], Action::Reload, "reload", "read the data again"),

    bind(Mode::Train, &[letter('s')], Action::Start, "start", "start a run with the settings of the next run, or queue it"),
    bind(Mode::Train, &[letter(' ')], Action::Pause, "pause", "pause the run, or go on with it"),
    bind(Mode::Train, &[letter('x')], Action::Stop, "stop", "stop the run, with a checkpoint; asks first"),
    bind(Mode::Train, &[letter('e')], Action::Edit, "settings", "settings of the next run"),
    bind(Mode::Train, &[letter('c')], Action::Checkpoint, "checkpoint", "write the weights now"),
    bind(Mode::Train, &[letter('+'), letter('=')], Action::RaiseRate, "rate", "double the learning rate"),
    bind(Mode::Train, &[letter('-')], Action::LowerRate, "rate", "halve the learning rate"),
    bind(Mode::Train, &[letter('u')], Action::GoOn, "go on", "go on with the run on screen, once it was stopped or broken off"),
    bind(Mode::Train, &[letter('f')], Action::FindRate, "find rate", "try learning rates for the next run on a hundred steps"),
    bind(Mode::Train, &[LEFT, letter('h')], Action::Left, "cursor", "cursor to the epoch before, on all charts"),
    bind(Mode::Train, &[RIGHT, letter('l')], Action::Right, "cursor", "cursor to the epoch after"),
    bind(Mode::Train, &[letter('y')], Action::LogScale, "log-Y", "logarithmic loss axis"),
    bind(Mode::Train, &[letter('w')], Action::Smooth, "smooth", "smoothing off, .6, .9; what was measured stays as a faint line"),
    bind(Mode::Train, &[letter('z'), ENTER], Action::Zoom, "zoom", "the chosen chart alone, or all again"),
    bind(Mode::Train, &[UP, letter('k')], Action::Up, "chart", "choose the chart before"),
    bind(Mode::Train, &[DOWN, letter('j')], Action::Down, "chart", "choose the chart after"),
    bind(Mode::Train, &[PAGE_UP], Action::LogUp, "", "older lines of the log"),
    bind(Mode::Train, &[PAGE_DOWN], Action::LogDown, "", "newer lines of the log"),
    bind(Mode::Train, &[ESC], Action::Back, "", "no cursor, no zoom"),

    bind(Mode::Evaluate, &[UP, letter('k')], Action::Up, "condition", "condition above"),
    bind(Mode::Evaluate, &[DOWN, letter('j')], Action::Down, "condition", "condition below"),
    bind(Mode::Evaluate, &[LEFT, letter('h')], Action::Left, "threshold", "threshold down a step; steps are finer below .1"),
    bind(Mode::Evaluate, &[RIGHT, letter('l')], Action::Right, "threshold", "threshold up a step"),
    bind(Mode::Evaluate, &[letter(','), PAGE_DOWN], Action::LowerFar, "", "threshold down ten steps"),
    bind(Mode::Evaluate, &[letter('.'), PAGE_UP], Action::RaiseFar, "", "threshold up ten steps"),
    bind(Mode::Evaluate, &[ENTER, letter('f')], Action::Images, "images", "the images of the chosen cell"),
    bind(Mode::Evaluate, &[letter('d')], Action::Cell, "cell", "choose a cell: missed, false alarms, found, rightly not called"),
    bind(Mode::Evaluate, &[letter('m')], Action::Preset, "preset", "threshold by max F1, Youden, sensitivity .95, .8; or .5"),
    bind(Mode::Evaluate, &[letter('=')], Action::TypeThreshold, "type", "type a threshold"),
    bind(Mode::Evaluate, &[letter('a')], Action::OneOrAll, "one/all", "thresholds of one condition or of all"),
    bind(Mode::Evaluate, &[letter('w')], Action::KeepThresholds, "keep", "keep the thresholds with the weights; figures and report follow"),
    bind(Mode::Evaluate, &[letter('v')], Action::View, "view", "one condition, all matrices, calibration, beside another run"),
    bind(Mode::Evaluate, &[letter('o')], Action::Order, "order", "sort by AUROC, by support, by name"),
    bind(Mode::Evaluate, &[letter('s')], Action::Split, "split", "test, val or train"),
    bind(Mode::Evaluate, &[letter('c')], Action::Against, "compare", "beside the next run that was tried on these images"),
    bind(Mode::Evaluate, &[letter('[')], Action::PreviousRun, "", "the run before, of those that were tried"),
    bind(Mode::Evaluate, &[letter(']')], Action::NextRun, "run", "the run after"),
    bind(Mode::Evaluate, &[letter('p')], Action::Predict, "", "try the run's best weights on the images now"),
    bind(Mode::Evaluate, &[letter('r')], Action::Reload, "", "read everything again; thresholds not kept are lost"),
    bind(Mode::Evaluate, &[HOME, letter('g')], Action::First, "", "first condition"),
    bind(Mode::Evaluate, &[END, letter('G')], Action::Last, "", "normal detection"),
    bind(Mode::Evaluate, &[ESC], Action::Back, "", "the thresholds that are kept"),

    bind(Mode::Images, &[UP, letter('k'), LEFT, letter('h')], Action::Up, "image", "image above"),
    bind(Mode::Images, &[DOWN, letter('j'), RIGHT, letter('l')], Action::Down, "image", "image below"),
    bind(Mode::Images, &[PAGE_UP], Action::PageUp, "", "ten images up"),
    bind(Mode::Images, &[PAGE_DOWN], Action::PageDown, "", "ten images down"),
    bind(Mode::Images, &[HOME, letter('g')], Action::First, "", "the image furthest from the threshold"),
    bind(Mode::Images, &[END, letter('G')], Action::Last, "", "the image nearest to it"),
    bind(Mode::Images, &[letter('d')], Action::Cell, "cell", "the images of the next cell"),
    bind(Mode::Images, &[letter('x')], Action::Why, "why", "the image on the explain screen"),
    bind(Mode::Images, &[ESC, letter('b'), ENTER], Action::Back, "back", "back to the matrix"),

    bind(Mode::Explain, &[UP], Action::Up, "image", "image above; zoomed in, up"),
    bind(Mode::Explain, &[DOWN], Action::Down, "image", "image below; zoomed in, down"),
    bind(Mode::Explain, &[letter('c')], Action::NextClass, "condition", "next condition"),
    bind(Mode::Explain, &[letter('C')], Action::PreviousClass, "", "previous condition"),
    bind(Mode::Explain, &[letter('m')], Action::Method, "method", "next method: CAMs, integrated gradients, occlusion"),
    bind(Mode::Explain, &[letter('M')], Action::PreviousMethod, "", "previous method"),
    bind(Mode::Explain, &[letter('v')], Action::View, "view", "overlay, image beside it, map alone, image alone"),
    bind(Mode::Explain, &[letter('f')], Action::Outcome, "filter", "all images, labelled, called, found, missed, false alarms"),
    bind(Mode::Explain, &[letter('/')], Action::Search, "search", "an image by its number, or a patient's images"),
    bind(Mode::Explain, &[letter('z')], Action::Magnify, "zoom", "into the image, 2 to 8 times, and out again; arrows move"),
    bind(Mode::Explain, &[letter('o')], Action::Opacity, "opacity", "of the map over the image"),
    bind(Mode::Explain, &[letter('k')], Action::Colours, "colours", "of maps of one sign"),
    bind(Mode::Explain, &[letter('b')], Action::Boxes, "boxes", "where the finding is, if the source knows"),
    bind(Mode::Explain, &[letter('l')], Action::Layer, "layer", "an earlier layer for CAMs, round to the last"),
    bind(Mode::Explain, &[LEFT], Action::Left, "", "image above; zoomed in, left"),
    bind(Mode::Explain, &[RIGHT], Action::Right, "", "image below; zoomed in, right"),
    bind(Mode::Explain, &[letter('n')], Action::NextImage, "", "image below, zoomed in too"),
    bind(Mode::Explain, &[letter('N')], Action::PreviousImage, "", "image above, zoomed in too"),
    bind(Mode::Explain, &[letter('+'), letter('=')], Action::RaiseContrast, "", "more contrast"),
    bind(Mode::Explain, &[letter('-')], Action::LowerContrast, "", "less contrast"),
    bind(Mode::Explain, &[letter('p')], Action::SamePatient, "", "only this patient's images, or all again"),
    bind(Mode::Explain, &[letter('w')], Action::Group(GroupBy::View), "view/sex/age", "only images of the next view, PA and so on; after the last all"),
    bind(Mode::Explain, &[letter('x')], Action::Group(GroupBy::Sex), "view/sex/age", "only images of the next sex, then all again"),
    bind(Mode::Explain, &[letter('a')], Action::Group(GroupBy::Age), "view/sex/age", "only images of the next ages, then all again"),
    bind(Mode::Explain, &[letter('s')], Action::Split, "split", "test, val or train"),
    bind(Mode::Explain, &[letter('[')], Action::PreviousRun, "", "the run before, of those with weights"),
    bind(Mode::Explain, &[letter(']')], Action::NextRun, "run", "the run after"),
    bind(Mode::Explain, &[letter('r')], Action::Reload, "", "the run anew; of one that trains, the weights of now"),
    bind(Mode::Explain, &[PAGE_UP], Action::PageUp, "", "ten images up"),
    bind(Mode::Explain, &[PAGE_DOWN], Action::PageDown, "", "ten images down"),
    bind(Mode::Explain, &[HOME, letter('g')], Action::First, "", "first image"),
    bind(Mode::Explain, &[END, letter('G')], Action::Last, "", "last image"),
    bind(Mode::Explain, &[ESC], Action::Back, "", "the whole image as it is; then all images"),

    bind(Mode::Augment, &[UP, letter('k')], Action::Up, "setting", "setting above"),
    bind(Mode::Augment, &[DOWN, letter('j')], Action::Down, "setting", "setting below"),
    bind(Mode::Augment, &[LEFT, letter('h')], Action::Left, "change", "less; what a preset set becomes custom"),
    bind(Mode::Augment, &[RIGHT, letter('l')], Action::Right, "change", "more"),
    bind(Mode::Augment, &[letter(' ')], Action::Switch, "on/off", "a transform's chance: off, or as the chest preset has it"),
    bind(Mode::Augment, &[letter('p')], Action::NextPreset, "preset", "chest, predecessor, none, custom"),
    bind(Mode::Augment, &[letter('r')], Action::Resample, "resample", "another seed"),
    bind(Mode::Augment, &[letter('.')], Action::NextEpoch, "epoch", "one epoch on"),
    bind(Mode::Augment, &[letter(',')], Action::PreviousEpoch, "epoch", "one epoch back"),
    bind(Mode::Augment, &[letter('n')], Action::NextImage, "image", "next image"),
    bind(Mode::Augment, &[letter('N')], Action::PreviousImage, "image", "previous image"),
    bind(Mode::Augment, &[letter('u')], Action::LockSeed, "", "the next run's own seed again"),
    bind(Mode::Augment, &[letter('o')], Action::Alone, "alone", "the transform under the cursor alone, in every version"),
    bind(Mode::Augment, &[letter('b')], Action::Boxes, "boxes", "where findings come to lie, if the source knows"),
    bind(Mode::Augment, &[letter('d')], Action::Reset, "default", "the setting's default"),
    bind(Mode::Augment, &[letter('s')], Action::Split, "split", "train, val or test"),
    bind(Mode::Augment, &[letter('e')], Action::Edit, "", "all settings of the next run; these are among them"),
    bind(Mode::Augment, &[PAGE_UP], Action::PageUp, "", "ten settings up"),
    bind(Mode::Augment, &[PAGE_DOWN], Action::PageDown, "", "ten settings down"),
    bind(Mode::Augment, &[HOME, letter('g')], Action::First, "", "first setting"),
    bind(Mode::Augment, &[END, letter('G')], Action::Last, "", "last setting"),

    bind(Mode::Runs, &[UP, letter('k')], Action::Up, "run", "run above"),
    bind(Mode::Runs, &[DOWN, letter('j')], Action::Down, "run", "run below"),
    bind(Mode::Runs, &[PAGE_UP], Action::PageUp, "", "ten runs up"),
    bind(Mode::Runs, &[PAGE_DOWN], Action::PageDown, "", "ten runs down"),
    bind(Mode::Runs, &[HOME, letter('g')], Action::First, "", "first row"),
    bind(Mode::Runs, &[END, letter('G')], Action::Last, "", "last row"),
    bind(Mode::Runs, &[ENTER], Action::Open, "open", "the run's curves on the whole screen"),
    bind(Mode::Runs, &[letter(' ')], Action::Mark, "mark", "mark the run, eight at most, or take its mark away"),
    bind(Mode::Runs, &[letter('c')], Action::Compare, "compare", "marked runs together: curves, settings, conditions"),
    bind(Mode::Runs, &[letter('/')], Action::Filter, "filter", "only some runs: words, tag:x, state:x, lr>1e-4, auroc>.7"),
    bind(Mode::Runs, &[letter('m')], Action::Metric, "metric", "another number of the runs"),
    bind(Mode::Runs, &[letter('M')], Action::Statistic, "", "that number at the best epoch, the last, its least, its most"),
    bind(Mode::Runs, &[letter('o')], Action::Sort, "sort", "sort by the next column; a click on its head does it too"),
    bind(Mode::Runs, &[letter('O')], Action::Reverse, "", "the other way round"),
    bind(Mode::Runs, &[letter('v')], Action::Evaluate, "evaluate", "what the run's best weights are worth"),
    bind(Mode::Runs, &[letter('x')], Action::Why, "explain", "why the run's network says what it says"),
    bind(Mode::Runs, &[letter('u')], Action::GoOn, "go on", "go on with the run from its last checkpoint"),
    bind(Mode::Runs, &[letter('e')], Action::Clone, "clone", "the run's settings as those of the next run, in the form"),
    bind(Mode::Runs, &[letter('a')], Action::Enqueue, "queue", "a run with the same settings into the queue"),
    bind(Mode::Runs, &[letter('Q')], Action::StartQueue, "", "start what waits in the queue"),
    bind(Mode::Runs, &[letter('K')], Action::Earlier, "", "earlier in the queue"),
    bind(Mode::Runs, &[letter('J')], Action::Later, "", "later in the queue"),
    bind(Mode::Runs, &[letter('n')], Action::Rename, "name", "another name"),
    bind(Mode::Runs, &[letter('#')], Action::Tag, "tags", "tags: +paper adds one, -paper removes it"),
    bind(Mode::Runs, &[letter('i')], Action::Note, "note", "a note about the run"),
    bind(Mode::Runs, &[letter('d')], Action::Delete, "delete", "delete the run or the marked ones; from the queue, remove it"),
    bind(Mode::Runs, &[letter('U')], Action::Undelete, "", "put the run back that was deleted last; until you leave"),
    bind(Mode::Runs, &[letter('f')], Action::Folder, "folder", "open the run's folder; without a display, copy its path"),
    bind(Mode::Runs, &[letter('E')], Action::Export, "", "the best weights as ONNX and MLflow model, in the run's folder"),
    bind(Mode::Runs, &[letter('r')], Action::Reload, "", "read the list again"),
    bind(Mode::Runs, &[ESC], Action::Back, "", "no filter; then no marks"),

    bind(Mode::Opened, &[ESC, letter('b')], Action::Back, "back", "back to the list; first no cursor, no zoom"),
    bind(Mode::Opened, &[letter('u')], Action::GoOn, "go on", "go on with the run from its last checkpoint"),
    bind(Mode::Opened, &[LEFT, letter('h')], Action::Left, "cursor", "cursor to the epoch before, on all charts"),
    bind(Mode::Opened, &[RIGHT, letter('l')], Action::Right, "cursor", "cursor to the epoch after"),
    bind(Mode::Opened, &[letter('y')], Action::LogScale, "log-Y", "logarithmic loss axis"),
    bind(Mode::Opened, &[letter('w')], Action::Smooth, "smooth", "smoothing off, .6, .9"),
    bind(Mode::Opened, &[letter('z'), ENTER], Action::Zoom, "zoom", "the chosen chart alone, or all again"),
    bind(Mode::Opened, &[UP, letter('k')], Action::Up, "chart", "choose the chart before"),
    bind(Mode::Opened, &[DOWN, letter('j')], Action::Down, "chart", "choose the chart after"),
    bind(Mode::Opened, &[letter('r')], Action::Reload, "reload", "read the run again"),

    bind(Mode::Compared, &[ESC, letter('b')], Action::Back, "back", "back to the list; first no cursor, no zoom"),
    bind(Mode::Compared, &[letter('v')], Action::View, "view", "curves, settings or conditions, where one alone fits"),
    bind(Mode::Compared, &[letter('m')], Action::Metric, "metric", "curves of another number"),
    bind(Mode::Compared, &[LEFT, letter('h')], Action::Left, "cursor", "cursor to the epoch before"),
    bind(Mode::Compared, &[RIGHT, letter('l')], Action::Right, "cursor", "cursor to the epoch after"),
    bind(Mode::Compared, &[letter('z'), ENTER], Action::Zoom, "zoom", "the curves alone, or all again"),
    bind(Mode::Compared, &[letter('y')], Action::LogScale, "log-Y", "logarithmic axis of a loss or a rate"),
    bind(Mode::Compared, &[letter('w')], Action::Smooth, "smooth", "smoothing off, .6, .9"),
    bind(Mode::Compared, &[letter('n')], Action::Other, "other", "which run is set against the first, with p"),
    bind(Mode::Compared, &[UP, letter('k')], Action::Up, "scroll", "settings or conditions up"),
    bind(Mode::Compared, &[DOWN, letter('j')], Action::Down, "scroll", "settings or conditions down"),
    bind(Mode::Compared, &[letter('r')], Action::Reload, "", "read the runs again"),

    bind(Mode::Form, &[letter('s')], Action::Start, "start", "start a run with these settings"),
    bind(Mode::Form, &[UP, letter('k')], Action::Up, "setting", "setting above"),
    bind(Mode::Form, &[DOWN, letter('j'), TAB], Action::Down, "setting", "setting below"),
    bind(Mode::Form, &[LEFT, letter('h')], Action::Left, "change", "the choice or number before"),
    bind(Mode::Form, &[RIGHT, letter('l'), letter(' ')], Action::Right, "change", "the choice or number after"),
    bind(Mode::Form, &[ENTER], Action::Accept, "type", "type a value; digits begin at once; on [start], start"),
    bind(Mode::Form, &[letter('r')], Action::Reset, "default", "the setting's default"),
    bind(Mode::Form, &[PAGE_UP], Action::PageUp, "", "ten settings up"),
    bind(Mode::Form, &[PAGE_DOWN], Action::PageDown, "", "ten settings down"),
    bind(Mode::Form, &[HOME], Action::First, "", "first setting"),
    bind(Mode::Form, &[END], Action::Last, "", "to [start]"),
    bind(Mode::Form, &[ESC, letter('q'), letter('e')], Action::Back, "close", "close and keep what was changed"),
    bind(Mode::Form, &[BREAK], Action::Break, "", "leave"),

    bind(Mode::Typing, &[ENTER], Action::Accept, "take", "take what was typed or chosen"),
    bind(Mode::Typing, &[ESC], Action::Back, "cancel", "close and leave things as they were"),
    bind(Mode::Typing, &[UP], Action::Up, "choose", "choice above"),
    bind(Mode::Typing, &[DOWN, TAB], Action::Down, "choose", "choice below"),
    bind(Mode::Typing, &[BREAK], Action::Break, "", "leave"),

    bind(Mode::Help, &[UP, letter('k')], Action::Up, "scroll", "scroll up"),
    bind(Mode::Help, &[DOWN, letter('j')], Action::Down, "scroll", "scroll down"),
    bind(Mode::Help, &[PAGE_UP], Action::PageUp, "", "scroll up by ten"),
    bind(Mode::Help, &[PAGE_DOWN, letter(' ')], Action::PageDown, "", "scroll down by ten"),
    bind(Mode::Help, &[ESC, letter('?'), letter('q'), ENTER], Action::Back, "close", "close the help"),
    bind(Mode::Help, &[BREAK], Action::Break, "", "leave"),

    bind(Mode::Question, &[ENTER, letter('y'), letter('s')], Action::Accept, "yes", "yes"),
    bind(Mode::Question, &[ESC, letter('n'), letter('q')], Action::Back, "no", "no: nothing happens"),
    bind(Mode::Question, &[BREAK], Action::StopAndLeave, "", "stop the run, save it and leave"),

    bind(Mode::Rates, &[ENTER], Action::Accept, "take it", "the next run starts with the rate under the cursor"),
    bind(Mode::Rates, &[LEFT, letter('h')], Action::Left, "rate", "rate before"),
    bind(Mode::Rates, &[RIGHT, letter('l')], Action::Right, "rate", "rate after"),
    bind(Mode::Rates, &[HOME], Action::First, "", "lowest rate"),
    bind(Mode::Rates, &[END], Action::Last, "", "highest rate"),
    bind(Mode::Rates, &[ESC, letter('q')], Action::Back, "leave it", "close; the learning rate stays"),
    bind(Mode::Rates, &[BREAK], Action::Break, "", "leave"),

    bind(Mode::Saving, &[BREAK], Action::LeaveNow, "leave at once", "leave without waiting; the run then counts as interrupted"),
];

/// Rows that hold in a mode: its own, then those of every screen.
pub fn bindings(mode: Mode) -> impl Iterator<Item = &'static Binding> {
    let own = BINDINGS.iter().filter(move |binding| binding.mode == mode);
    let global = BINDINGS.iter().filter(move |binding| mode.has_global() && binding.mode == Mode::Global);
    own.chain(global)
}

/// What a key asks for in a mode.
pub fn action(mode: Mode, event: &KeyEvent) -> Option<Action> {
    bindings(mode).find(|binding| binding.keys.iter().any(|key| key.matches(event))).map(|b| b.action)
}

/// The entries of a bottom bar: keys and words, in the order of the table.
pub fn bar(mode: Mode) -> Vec<(String, &'static str)> {
    let mut entries: Vec<(String, &'static str)> = Vec::new();
    for binding in BINDINGS.iter().filter(|binding| binding.mode == mode && !binding.label.is_empty()) {
        // The first key stands for its alternatives: the bar is a reminder, the help has all.
        let key = binding.keys[0].name();
        match entries.last_mut() {
            Some((keys, label)) if *label == binding.label => {
                let arrows = "↑↓←→".contains(&key);
                *keys = if arrows { format!("{keys}{key}") } else { format!("{keys}/{key}") };
            }
            _ => entries.push((key, binding.label)),
        }
    }
    entries
}

/// Commands that the palette offers: what can be asked for from any screen, each once.
pub fn commands() -> Vec<&'static Binding> {
    let mut found: Vec<&'static Binding> = Vec::new();
    for binding in BINDINGS {
        let at_home =
            matches!(binding.mode, Mode::Global | Mode::Data | Mode::Train | Mode::Evaluate | Mode::Runs);
        let alone = !matches!(
            binding.action,
            Action::Up
                | Action::Down
                | Action::Left
                | Action::Right
                | Action::PageUp
                | Action::PageDown
                | Action::First
                | Action::Last
                | Action::Back
                | Action::Break
                | Action::Palette
        );
        if at_home && alone && !found.iter().any(|known| known.action == binding.action) {
            found.push(binding);
        }
    }
    found
}

/// The keys of a row as text: `↑ k`.
pub fn keys(binding: &Binding) -> String {
    binding.keys.iter().map(|key| key.name()).collect::<Vec<_>>().join(" ")
}

/// The whole table in Markdown, for the README.
pub fn markdown() -> String {
    let mut out = String::new();
    for mode in Mode::ALL {
        out.push_str(&format!("\n| {} | |\n|---|---|\n", mode.title()));
        for binding in BINDINGS.iter().filter(|binding| binding.mode == mode) {
            let keys: Vec<_> = binding.keys.iter().map(|key| format!("`{}`", key.name())).collect();
            out.push_str(&format!("| {} | {} |\n", keys.join(" "), binding.help));
        }
    }
    out
}

#[cfg(test)]
#[path = "keymap_tests.rs"]
mod tests;
