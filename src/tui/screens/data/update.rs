//! What the data screen asks for besides its images: the check, and the download of ChestMNIST.

use crate::dataset::registry;
use crate::train::Level;
use crate::tui::app::{App, Effect};
use crate::tui::screen::Screen;
use crate::tui::screens::data::action::DataAction;
use crate::tui::screens::data::state::{Fetching, Found, Side, StopFlag};

impl App {
    /// Performs an action of the Data screen.
    pub(in crate::tui) fn perform_data(&mut self, action: DataAction) -> Vec<Effect> {
        match action {
            DataAction::Fetch => self.fetch(),
        }
    }

    /// Has the data checked when that is looked at, and wasn't done yet.
    pub(in crate::tui) fn check_data(&mut self) -> Vec<Effect> {
        let wanted = self.screen == Screen::Data && self.data.side == Side::Found;
        let Some(view) = self.data.view().filter(|_| wanted) else { return Vec::new() };
        if !matches!(self.data.report, Found::Unasked) {
            return Vec::new();
        }
        let effect = Effect::CheckData(view.clone());
        self.data.report = Found::Busy;
        vec![effect]
    }

    /// Downloads ChestMNIST at the size of the next run, or ends the download that is on.
    pub(in crate::tui) fn fetch(&mut self) -> Vec<Effect> {
        if let Some(fetching) = &self.data.fetching {
            fetching.stop.stop();
            self.say(Level::Info, "download cancelled; it resumes where it was");
            return Vec::new();
        }
        let size = self.form.current().data.size;
        if let Err(error) = registry::chestmnist_file(size) {
            self.say(Level::Warning, error.to_string());
            return Vec::new();
        }
        if registry::chestmnist(size).is_ok() {
            return self.fetched(Ok(size));
        }
        let stop = StopFlag::default();
        self.data.fetching = Some(Fetching { size, stop: stop.clone(), done: 0, total: None });
        let mut effects = self.show(Screen::Data);
        effects.push(Effect::Fetch(size, stop));
        effects
    }

    /// Takes the images that were fetched as the next run's.
    pub(in crate::tui) fn fetched(&mut self, outcome: Result<usize, String>) -> Vec<Effect> {
        self.data.fetching = None;
        match outcome {
            Ok(size) => {
                self.form.set("data.source", "chestmnist".to_owned());
                self.form.set("data.size", size.to_string());
                self.say(Level::Info, format!("ChestMNIST of {size} px is here and is the next run's data"));
                self.load_data(true)
            }
            Err(reason) => {
                self.say(Level::Warning, reason);
                Vec::new()
            }
        }
    }
}
