//! The filter `data.where` of a table's images: `view=PA,sex=F,age=18-80`.

use std::collections::BTreeSet;
use std::str::FromStr;

use super::row::Row;

/// What an image must be to be taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Any of these views, in lower case; empty for all.
    views: Vec<String>,
    sexes: Vec<String>,
    /// Years, both included.
    ages: Option<(u16, u16)>,
}

/// A text without information about images.
#[derive(Debug, thiserror::Error)]
#[error(
    "`data.where` can't be `{0}`; write for example view=PA, sex=F or age=18-80, several with commas between"
)]
pub struct KeepError(String);

impl FromStr for Keep {
    type Err = KeepError;

    fn from_str(text: &str) -> Result<Self, KeepError> {
        let wrong = || KeepError(crate::text::one_line(text, 80));
        let mut keep = Self::default();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let (name, value) = word.split_once('=').ok_or_else(wrong)?;
            let value = value.trim();
            let values = || value.split('|').map(|value| value.trim().to_lowercase()).collect::<Vec<_>>();
            match name.trim() {
                _ if value.is_empty() => return Err(wrong()),
                "view" => keep.views = values(),
                "sex" => keep.sexes = values(),
                "age" => {
                    let (from, to) = value.split_once('-').unwrap_or((value, value));
                    let year = |text: &str, open: u16| match text.trim() {
                        "" => Ok(open),
                        text => text.parse().map_err(|_| wrong()),
                    };
                    keep.ages = Some((year(from, 0)?, year(to, u16::MAX)?));
                }
                _ => return Err(wrong()),
            }
        }
        Ok(keep)
    }
}

impl Keep {
    /// Whether an image is taken. What isn't known of it counts as something else.
    pub fn takes(&self, row: &Row) -> bool {
        let among = |wanted: &[String], value: &Option<String>| {
            wanted.is_empty() || value.as_ref().is_some_and(|value| wanted.contains(&value.to_lowercase()))
        };
        let aged = self.ages.is_none_or(|(from, to)| row.age.is_some_and(|age| (from..=to).contains(&age)));
        aged && among(&self.views, &row.view) && among(&self.sexes, &row.sex)
    }

    /// What there is to choose from, for a sentence.
    pub fn offer(rows: &[Row]) -> String {
        let values = |get: fn(&Row) -> Option<&String>| {
            let found: BTreeSet<&String> = rows.iter().filter_map(get).collect();
            match found.is_empty() {
                true => "unknown".to_owned(),
                false => found.into_iter().take(8).map(String::as_str).collect::<Vec<_>>().join("|"),
            }
        };
        let ages = || {
            Some((rows.iter().filter_map(|row| row.age).min()?, rows.iter().filter_map(|row| row.age).max()?))
        };
        let ages = ages().map_or("unknown".to_owned(), |(from, to)| format!("{from}-{to}"));
        format!(
            "view={}, sex={}, age={ages}",
            values(|row| row.view.as_ref()),
            values(|row| row.sex.as_ref())
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_taken_by_view_sex_and_age() {
        let row =
            |view: &str, age| Row { view: Some(view.into()), age, sex: Some("F".into()), ..Row::default() };
        let keep: Keep = "view=pa|LL, age=18-80".parse().expect("a filter");
        assert!(keep.takes(&row("PA", Some(18))) && keep.takes(&row("LL", Some(80))));
        assert!(!keep.takes(&row("AP", Some(40))) && !keep.takes(&row("PA", Some(81))));
        assert!(!keep.takes(&row("PA", None)), "an unknown age is none in the range");
        assert!("".parse::<Keep>().expect("nothing asked").takes(&Row::default()));
        let open: Keep = "age=65-,sex=F".parse().expect("a filter");
        assert!(open.takes(&row("PA", Some(90))) && !open.takes(&row("PA", Some(64))));
    }

    #[test]
    fn an_empty_filter_is_refused_with_examples() {
        for wrong in ["PA", "view=", "age=old", "weight=80"] {
            let said = wrong.parse::<Keep>().expect_err(wrong).to_string();
            assert!(said.contains("view=PA"), "{said}");
        }
    }
}
