//! `settings`: every setting with type, default, allowed values and one line; or a JSON Schema of run files.

use std::io::Write;

use anyhow::Result;
use serde_json::json;

use chestxr_tui::config::{FIELDS, RunConfig, schema};

use super::Exit;

/// Prints the table, one JSON object per setting, or the schema.
pub fn run(json_schema: bool, json: bool) -> Result<Exit> {
    let mut out = std::io::stdout().lock();
    if json_schema {
        writeln!(out, "{}", serde_json::to_string_pretty(&schema::json_schema())?)?;
        return Ok(Exit::Done);
    }
    let defaults = RunConfig::default();
    let mut section = "";
    for field in FIELDS {
        let default = defaults.get(field);
        if json {
            let line = json!({
                "key": field.key, "type": schema::type_name(field.kind), "default": schema::default_value(field),
                "allowed": field.allowed(), "choices": schema::choices(field.kind), "help": field.help,
            });
            writeln!(out, "{line}")?;
            continue;
        }
        if field.section() != section {
            section = field.section();
            writeln!(out, "{}[{section}]", if field.key == FIELDS[0].key { "" } else { "\n" })?;
        }
        let default = if default.is_empty() { "\"\"" } else { default.as_str() };
        writeln!(out, "{:<24} {:<14} {}", field.name(), default, field.help)?;
        writeln!(out, "{:<39} {}", "", field.allowed())?;
    }
    if !json {
        writeln!(out, "\nChange a setting with --set SECTION.KEY=VALUE or in a file for --config.")?;
    }
    Ok(Exit::Done)
}
