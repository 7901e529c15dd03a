//! The data sources, a file each. To add one: a file with a type that implements [`DataSource`], and a row here.

mod chestmnist;
mod csv;
mod dicom;
mod folders;
mod nih;
mod npz;
mod phantom;

pub use super::data_source::DataSource;

/// Every kind of source, in the order of help and messages.
pub const SOURCES: [&dyn DataSource; 7] = [
    &phantom::Phantom,
    &chestmnist::ChestMnist,
    &npz::Npz,
    &nih::Nih,
    &csv::Csv,
    &dicom::Dicom,
    &folders::Folders,
];

/// The kind that an ordinary file without a known ending is taken for.
pub const OF_ANY_FILE: &dyn DataSource = &npz::Npz;

/// How sources are written: `phantom[:N], chestmnist, npz:FILE, … or folders:DIR`.
pub fn usage() -> String {
    usage_of(|_| true)
}

/// How sources with a table are written: `nih:DIR, csv:FILE, dicom:DIR or folders:DIR`.
pub fn usage_with_table() -> String {
    usage_of(|source| source.has_table())
}

fn usage_of(included: impl Fn(&dyn DataSource) -> bool) -> String {
    let all: Vec<&str> =
        SOURCES.into_iter().filter(|source| included(*source)).map(|source| source.usage()).collect();
    let (last, others) = all.split_last().unwrap_or((&"", &[]));
    format!("{} or {last}", others.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Field;
    use crate::dataset::source::Source;

    #[test]
    fn every_row_is_written_as_its_usage_says() {
        for row in SOURCES {
            let example = row.usage().replace("[:N]", ":500").replace("FILE", "a/b").replace("DIR", "a");
            let source: Source = example.parse().unwrap_or_else(|error| panic!("{example}: {error}"));
            assert_eq!(source.to_string(), example);
            assert_eq!(source.kind().name(), row.name());
        }
    }

    #[test]
    fn the_setting_names_every_source() {
        let help = Field::find("data.source").expect("a setting").help;
        assert_eq!(help, usage());
    }
}
