//! A configuration to and from text: files over defaults, `--set` pairs, single settings.

use std::path::Path;
use std::sync::LazyLock;

use super::RunConfig;
use super::error::ConfigError;
use super::fields::{self, FIELDS, Field};

impl RunConfig {
    /// The defaults, then a file, then `--set` pairs (`section.key=value`), each checked as it comes.
    ///
    /// # Errors
    /// Names the first setting that is unknown or has a value that isn't allowed.
    pub fn resolve(file: Option<&Path>, sets: &[String]) -> Result<Self, ConfigError> {
        let mut config = match file {
            Some(path) => Self::read(path)?,
            None => Self::default(),
        };
        for given in sets {
            config.set_pair(given)?;
        }
        config.validate()?;
        Ok(config)
    }

    /// Changes one setting, given as `section.key=value`.
    ///
    /// # Errors
    /// When there is no such setting or the value isn't allowed.
    pub fn set_pair(&mut self, given: &str) -> Result<(), ConfigError> {
        let (key, value) =
            given.split_once('=').ok_or_else(|| ConfigError::NoValue { given: given.to_owned() })?;
        self.set(key.trim(), value)
    }

    /// Reads a TOML file over the defaults. A `[provenance]` table, as `run.toml` has, is passed over.
    ///
    /// # Errors
    /// When the file can't be read, is no TOML, or has a setting that is unknown or not allowed.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), error })?;
        let table: toml::Table = toml::from_str(&text).map_err(|error| ConfigError::NotToml {
            path: path.to_owned(),
            message: match error.span() {
                Some(span) => {
                    let line = text[..span.start.min(text.len())].matches('\n').count() + 1;
                    format!("line {line}: {}", crate::text::one_line(error.message(), 200))
                }
                None => crate::text::one_line(error.message(), 200),
            },
        })?;
        Self::from_table(table)
            .map_err(|error| ConfigError::InFile { path: path.to_owned(), error: Box::new(error) })
    }

    fn from_table(given: toml::Table) -> Result<Self, ConfigError> {
        let mut table = Self::default().to_table();
        for (section, value) in given {
            if section == "provenance" {
                continue;
            }
            let toml::Value::Table(settings) = value else {
                return Err(match Field::find(&section) {
                    Err(error) => error,
                    Ok(_) => ConfigError::Conflict(format!("`{section}` must be a [section]")),
                });
            };
            if !FIELDS.iter().any(|field| field.section() == section) {
                return Err(ConfigError::UnknownKey {
                    key: crate::text::one_line(&section, 80),
                    nearest: fields::nearest(&section, FIELDS.iter().map(Field::section)),
                });
            }
            for (name, value) in settings {
                let field = Field::find(&format!("{section}.{name}"))?;
                put(&mut table, field, field.check(value)?);
            }
        }
        Self::typed(table)
    }

    /// Changes one setting from text.
    ///
    /// # Errors
    /// When there is no such setting or the value isn't allowed.
    pub fn set(&mut self, key: &str, text: &str) -> Result<(), ConfigError> {
        let field = Field::find(key)?;
        let mut table = self.to_table();
        put(&mut table, field, field.parse(text)?);
        *self = Self::typed(table)?;
        Ok(())
    }

    /// A setting as a person would type it. Empty for a key that doesn't exist.
    pub fn get(&self, field: &Field) -> String {
        let table = self.to_table();
        let value = table.get(field.section()).and_then(|section| section.get(field.name()));
        value.map_or(String::new(), fields::plain)
    }

    /// All settings as a person would type them, in the order of [`FIELDS`].
    pub fn values(&self) -> Vec<String> {
        let table = self.to_table();
        let value = |field: &Field| table.get(field.section()).and_then(|section| section.get(field.name()));
        FIELDS.iter().map(|field| value(field).map_or_else(String::new, fields::plain)).collect()
    }

    /// All settings as they are by default, in the order of [`FIELDS`].
    pub fn defaults() -> &'static [String] {
        static DEFAULTS: LazyLock<Vec<String>> = LazyLock::new(|| RunConfig::default().values());
        &DEFAULTS
    }

    /// Which settings differ from the default, in the order of the table.
    pub fn changed(&self) -> Vec<&'static Field> {
        let values = self.values();
        let pairs = values.iter().zip(Self::defaults());
        FIELDS
            .iter()
            .zip(pairs)
            .filter(|(_, (own, default))| own != default)
            .map(|(field, _)| field)
            .collect()
    }

    /// All settings with their defaults as a Markdown table.
    pub fn markdown() -> String {
        let default = Self::default();
        fields::markdown(|field| default.get(field))
    }

    /// All settings as TOML tables, one a section.
    pub fn to_table(&self) -> toml::Table {
        // Plain structs of numbers, texts and names: nothing TOML lacks a form for.
        toml::Table::try_from(self).expect("a configuration is plain TOML")
    }

    fn typed(table: toml::Table) -> Result<Self, ConfigError> {
        toml::Value::Table(table).try_into().map_err(|error: toml::de::Error| {
            ConfigError::Conflict(crate::text::one_line(&error.to_string(), 300))
        })
    }
}

fn put(table: &mut toml::Table, field: &Field, value: toml::Value) {
    if let Some(toml::Value::Table(section)) = table.get_mut(field.section()) {
        section.insert(field.name().to_owned(), value);
    }
}
