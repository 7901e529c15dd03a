use super::*;

fn refusal(key: &str, value: &str) -> String {
    RunConfig::default().set(key, value).expect_err("must be refused").to_string()
}

#[test]
fn the_table_of_fields_and_the_typed_configuration_name_the_same_settings() {
    let table = RunConfig::default().to_table();
    let typed: Vec<String> = table
        .iter()
        .flat_map(|(section, value)| {
            let settings = value.as_table().expect("a section is a table");
            settings.keys().map(move |name| format!("{section}.{name}"))
        })
        .collect();
    let mut listed: Vec<String> = FIELDS.iter().map(|field| field.key.to_owned()).collect();
    let mut typed_sorted = typed.clone();
    typed_sorted.sort();
    listed.sort();
    assert_eq!(typed_sorted, listed);
}

#[test]
fn every_default_is_allowed_and_survives_being_typed_in() {
    let default = RunConfig::default();
    default.validate().expect("the default is valid");
    let mut typed = RunConfig::default();
    for field in FIELDS {
        typed.set(field.key, &default.get(field)).expect(field.key);
    }
    assert_eq!(typed, default);
    assert!(default.changed().is_empty());
    assert!(default.warnings().is_empty(), "{:?}", default.warnings());
}

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    assert_eq!(refusal("xyzzy", "1"), "there is no setting `xyzzy`");
    let message = refusal("optimiser.batchsize", "1");
    assert!(message.contains("did you mean `optimizer.batch_size`?"), "{message}");
    let message = refusal("epochs", "1");
    assert!(message.contains("did you mean `optimizer.epochs`?"), "{message}");
}

#[test]
fn a_bad_value_names_key_value_and_what_is_allowed() {
    let message = refusal("model.arch", "resnet81");
    assert_eq!(
        message,
        "`model.arch` can't be `resnet81`: it takes chestnet-s, resnet18, resnet34, resnet50, densenet121; did you mean `resnet18`?"
    );
    assert!(refusal("optimizer.lr", "0").contains("a number above 0"));
    assert!(refusal("optimizer.lr", "nan").contains("a number above 0"));
    assert!(refusal("optimizer.epochs", "ten").contains("a whole number from 1"));
    assert!(refusal("run.device", "gpu").contains("auto, cpu, cuda or cuda:N"));
    assert!(refusal("early_stopping.enabled", "yes").contains("true or false"));
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let sets = ["early_stopping.monitor=val_loss".to_owned()];
    let message = RunConfig::resolve(None, &sets).expect_err("max of a loss").to_string();
    assert!(message.ends_with("set early_stopping.mode=min"), "{message}");
    let sets = ["data.val_fraction=0.5".to_owned(), "data.test_fraction=0.5".to_owned()];
    let message = RunConfig::resolve(None, &sets).expect_err("nothing left to train on").to_string();
    assert!(message.contains("less than a tenth for training"), "{message}");
}

#[test]
fn a_file_lies_over_the_defaults_and_sets_over_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("run.toml");
    std::fs::write(&path, "[optimizer]\nlr = 1\nepochs = 3\n[provenance]\nversion = \"0.1.0\"\n")
        .expect("written");
    let config = RunConfig::resolve(Some(&path), &["optimizer.epochs=5".to_owned()]).expect("valid");
    assert_eq!((config.optimizer.lr, config.optimizer.epochs), (1.0, 5));
    assert_eq!(
        config.changed().iter().map(|field| field.key).collect::<Vec<_>>(),
        ["optimizer.lr", "optimizer.epochs"]
    );

    std::fs::write(&path, "[optimizer]\nlearning_rate = 1\n").expect("written");
    let message = RunConfig::resolve(Some(&path), &[]).expect_err("unknown").to_string();
    assert!(message.contains("run.toml: there is no setting `optimizer.learning_rate`"), "{message}");

    std::fs::write(&path, "lr = = 3").expect("written");
    assert!(matches!(RunConfig::read(&path), Err(ConfigError::NotToml { .. })));
}

#[test]
fn stopping_before_the_schedule_could_help_is_warned_about() {
    let config = RunConfig::resolve(None, &["early_stopping.patience=7".to_owned()]).expect("valid");
    assert!(config.warnings()[0].contains("no chance"), "{:?}", config.warnings());
}

#[test]
fn the_recipes_of_the_repository_can_be_read_and_contradict_nothing() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for name in ["chestmnist-64.toml", "chestmnist-224.toml", "predecessor.toml"] {
        let config = RunConfig::read(&folder.join(name)).expect(name);
        config.validate().expect(name);
        // The predecessor's own settings do contradict each other, and the program says so.
        assert_eq!(
            config.warnings().is_empty(),
            name != "predecessor.toml",
            "{name}: {:?}",
            config.warnings()
        );
    }
}
