//! The settings as a JSON Schema (draft 2020-12) of run files, for completion and checks in editors: a TOML file names it
//! in a first line `#:schema run.schema.json`.

use serde_json::{Map, Value, json};

use super::{FIELDS, Field, Kind, RunConfig};

/// The type of a setting's value in TOML: `string`, `integer`, `number` or `boolean`.
pub fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Whole { .. } => "integer",
        Kind::Real { .. } => "number",
        Kind::Switch => "boolean",
        _ => "string",
    }
}

/// The names that a setting is limited to; `None` when it is not a choice.
pub fn choices(kind: Kind) -> Option<&'static [&'static str]> {
    match kind {
        Kind::Choice(names) => Some(names),
        _ => None,
    }
}

/// The default of a setting, with its type.
pub fn default_value(field: &Field) -> Value {
    let table = RunConfig::default().to_table();
    let value = table.get(field.section()).and_then(|section| section.get(field.name()));
    value.and_then(|value| serde_json::to_value(value).ok()).unwrap_or(Value::Null)
}

/// The schema: one object per section, one property per setting; other keys are errors. `[provenance]`, which the
/// `run.toml` of a run has, may contain anything.
pub fn json_schema() -> Value {
    let mut sections = Map::new();
    for field in FIELDS {
        let section = sections
            .entry(field.section())
            .or_insert_with(|| json!({"type": "object", "additionalProperties": false, "properties": {}}));
        section["properties"][field.name()] = property(field);
    }
    let description = "What the program recorded about a run; ignored when read as settings";
    sections.insert("provenance".to_owned(), json!({"type": "object", "description": description}));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "chestxr-tui run file",
        "description": "Settings of a run, for `chestxr-tui --config FILE`; omitted settings have their defaults",
        "type": "object",
        "additionalProperties": false,
        "properties": sections,
    })
}

/// The schema of one setting.
fn property(field: &Field) -> Value {
    let mut property = json!({
        "type": type_name(field.kind), "default": default_value(field), "description": field.help,
    });
    match field.kind {
        Kind::Whole { min, max } => {
            property["minimum"] = json!(min);
            if max != i64::MAX {
                property["maximum"] = json!(max);
            }
        }
        Kind::Real { min, max, above } => {
            property[if above { "exclusiveMinimum" } else { "minimum" }] = json!(min);
            property["maximum"] = json!(max);
        }
        Kind::Choice(names) => property["enum"] = json!(names),
        Kind::PosWeight => property["type"] = json!(["string", "number"]),
        Kind::Device => property["pattern"] = json!("^(auto|cpu|cuda(:[0-9]+)?)$"),
        _ => {}
    }
    property
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What of `value` a schema of this module's form refuses.
    fn refused(schema: &Value, value: &Value, path: &str) -> Vec<String> {
        let kinds: Vec<&str> = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            kind => kind.as_str().into_iter().collect(),
        };
        let is_kind = |kind: &&str| match *kind {
            "object" => value.is_object(),
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            other => panic!("{path}: type {other}"),
        };
        let mut wrong = Vec::new();
        if !kinds.iter().any(is_kind) {
            wrong.push(format!("{path}: {value} is not {kinds:?}"));
        }
        if schema["enum"].as_array().is_some_and(|names| !names.contains(value)) {
            wrong.push(format!("{path}: {value} is not among the choices"));
        }
        let number = value.as_f64();
        let limit = |name: &str| schema[name].as_f64().zip(number);
        if limit("minimum").is_some_and(|(min, number)| number < min)
            || limit("exclusiveMinimum").is_some_and(|(min, number)| number <= min)
            || limit("maximum").is_some_and(|(max, number)| number > max)
        {
            wrong.push(format!("{path}: {value} is out of range"));
        }
        for (key, inner) in value.as_object().into_iter().flatten() {
            match &schema["properties"][key] {
                Value::Null if schema["additionalProperties"] == json!(false) => {
                    wrong.push(format!("{path}.{key} is unknown"));
                }
                Value::Null => {}
                property => wrong.extend(refused(property, inner, &format!("{path}.{key}"))),
            }
        }
        wrong
    }

    fn as_json(config: &RunConfig) -> Value {
        serde_json::to_value(config.to_table()).expect("a table is JSON")
    }

    #[test]
    fn the_schema_accepts_the_default_configuration_and_every_choice() {
        let schema = json_schema();
        assert_eq!(refused(&schema, &as_json(&RunConfig::default()), ""), Vec::<String>::new());
        for field in FIELDS {
            for name in choices(field.kind).unwrap_or_default() {
                let mut config = RunConfig::default();
                config.set(field.key, name).expect("a choice");
                assert_eq!(refused(&schema, &as_json(&config), ""), Vec::<String>::new(), "{}", field.key);
            }
        }
    }

    #[test]
    fn the_schema_has_every_setting_with_default_and_help_and_no_other_key() {
        let schema = json_schema();
        let mut count = 0;
        for (name, section) in schema["properties"].as_object().expect("sections") {
            if name == "provenance" {
                continue;
            }
            assert_eq!(section["additionalProperties"], json!(false), "{name}");
            count += section["properties"].as_object().expect("settings").len();
        }
        assert_eq!(count, FIELDS.len());
        for field in FIELDS {
            let property = &schema["properties"][field.section()]["properties"][field.name()];
            assert!(!property["default"].is_null(), "{} has no default", field.key);
            assert!(property["description"].as_str().is_some_and(|help| !help.is_empty()), "{}", field.key);
        }
    }

    #[test]
    fn the_schema_refuses_unknown_keys_wrong_types_and_values_out_of_range() {
        let schema = json_schema();
        for wrong in [
            json!({"optimiser": {}}),
            json!({"optimizer": {"learning_rate": 1}}),
            json!({"optimizer": {"lr": 0}}),
            json!({"optimizer": {"lr": "fast"}}),
            json!({"model": {"arch": "resnet19"}}),
            json!({"run": {"seed": 0.5}}),
        ] {
            assert_eq!(refused(&schema, &wrong, "").len(), 1, "{wrong}");
        }
        let provenance = json!({"provenance": {"device": "cpu"}});
        assert_eq!(refused(&schema, &provenance, ""), Vec::<String>::new());
    }
}
