//! Actions of the Data screen besides its images: the check, and downloads.

use crate::dataset::registry::Registry;
use crate::dataset::source::Source;
use crate::train::Level;
use crate::tui::app::{App, Effect};
use crate::tui::jobs::lane::Lane;
use crate::tui::screen::Screen;
use crate::tui::screens::data::action::DataAction;
use crate::tui::screens::data::state::{Download, Fetching, Found, Side};

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

    /// Downloads the data set of the next run at its size, ChestMNIST where its source is not downloadable; cancels the
    /// download that runs.
    pub(in crate::tui) fn fetch(&mut self) -> Vec<Effect> {
        if self.data.fetching.is_some() {
            self.notify(Level::Info, "download cancelled; it resumes where it was");
            return vec![Effect::Cancel(Lane::Download)];
        }
        let section = &self.form.current().data;
        let own = section.source.parse::<Source>().ok().and_then(|source| source.registry_entry());
        let Some(entry) =
            own.filter(|entry| !entry.files.is_empty()).or_else(|| Registry::get().first_download())
        else {
            return Vec::new();
        };
        let wanted = Download { entry, size: section.size };
        match entry.file(wanted.size).map(|file| file.local()) {
            Err(error) => {
                self.notify(Level::Warning, error.to_string());
                Vec::new()
            }
            Ok(Some(_)) => self.fetched(Ok(wanted)),
            Ok(None) => {
                self.data.fetching = Some(Fetching { wanted, done: 0, total: None });
                let mut effects = self.show(Screen::Data);
                effects.push(Effect::Fetch(wanted));
                effects
            }
        }
    }

    /// Takes the images that were fetched as the next run's.
    pub(in crate::tui) fn fetched(&mut self, outcome: Result<Download, String>) -> Vec<Effect> {
        self.data.fetching = None;
        match outcome {
            Ok(Download { entry, size }) => {
                self.form.set("data.source", entry.source.clone());
                self.form.set("data.size", size.to_string());
                self.notify(
                    Level::Info,
                    format!("{} of {size} px is downloaded and selected for the next run", entry.name),
                );
                self.load_data(true)
            }
            Err(reason) => {
                self.notify(Level::Warning, reason);
                Vec::new()
            }
        }
    }
}
