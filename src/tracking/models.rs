//! The finished model at the server: logged with its run, and registered where a name is given. MLflow 3 has models of
//! their own beside runs; servers of before keep them among a run's files.

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::Method;

use super::TrackingError;
use super::api::{API, Known, encoded};
use super::client::{Body, Client};
use super::package::Package;

/// Tells a model of ours from another of the same run by what is in it.
const DIGEST: &str = "chestxr.digest";
/// Where servers before 3 keep a run's model.
const OLD_FOLDER: &str = "model";

#[derive(Deserialize)]
struct Answer {
    model: Model,
}

#[derive(Deserialize)]
struct Model {
    info: ModelInfo,
}

#[derive(Deserialize)]
struct ModelInfo {
    model_id: String,
    artifact_uri: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

impl Client<'_> {
    /// Logs a model with its run as MLflow 3 does and gives its number there: found if it was made before, its files
    /// sent, marked ready, put among the run's outputs.
    pub(super) fn log_model(&self, run: &mut Known, package: &Package) -> Result<String, TrackingError> {
        let model = match self.find_model(run, package)? {
            Some(model) => model,
            None => self.create_model(run, package)?,
        };
        let id = model.info.model_id;
        if model.info.status != "LOGGED_MODEL_READY" {
            let note = [
                ("run_id", run.run_id.as_str()),
                ("model_id", &id),
                ("artifact_path", &model.info.artifact_uri),
            ];
            for file in package.files()? {
                match package.descriptor(&file, &note)? {
                    Some(text) => self.put_bytes(&model.info.artifact_uri, &file, text.as_bytes())?,
                    None => self.put_file(&model.info.artifact_uri, &file, &package.open(&file)?)?,
                }
            }
            let ready = json!({"model_id": id, "status": "LOGGED_MODEL_READY"});
            self.call(Method::PATCH, &format!("{API}/logged-models/{id}"), Body::Json(&ready))?;
        }
        // The same output said twice is refused.
        if !run.models.contains(&id) {
            let output = json!({"run_id": run.run_id, "models": [{"model_id": id, "step": package.epoch}]});
            self.post("the run's model", "runs/outputs", &output)?;
            run.models.push(id.clone());
        }
        Ok(id)
    }

    fn find_model(&self, run: &Known, package: &Package) -> Result<Option<Model>, TrackingError> {
        #[derive(Deserialize)]
        struct Found {
            #[serde(default)]
            models: Vec<Model>,
        }
        let search = json!({
            "experiment_ids": [run.experiment_id],
            "filter": format!("source_run_id = '{}'", run.run_id),
        });
        let found: Found = self.read(self.post("a search", "logged-models/search", &search)?)?;
        let same = |model: &Model| {
            model.info.tags.iter().any(|tag| tag.key == DIGEST && tag.value == package.digest)
        };
        Ok(found.models.into_iter().find(same))
    }

    fn create_model(&self, run: &Known, package: &Package) -> Result<Model, TrackingError> {
        let body = json!({
            "experiment_id": run.experiment_id,
            "name": "model",
            "source_run_id": run.run_id,
            "model_type": "",
            "tags": [{"key": DIGEST, "value": package.digest}],
        });
        let answer = self.post("the model", "logged-models", &body)?;
        Ok(self.read::<Answer>(answer)?.model)
    }

    /// Puts a model among the files of its run, as servers before MLflow 3 have it.
    pub(super) fn log_model_to_run(&self, run: &Known, package: &Package) -> Result<(), TrackingError> {
        let note = [("run_id", run.run_id.as_str()), ("artifact_path", OLD_FOLDER)];
        let mut told = String::new();
        for file in package.files()? {
            let path = format!("{OLD_FOLDER}/{file}");
            match package.descriptor(&file, &note)? {
                Some(text) => {
                    self.put_bytes(&run.artifact_uri, &path, text.as_bytes())?;
                    told = text;
                }
                None => self.put_file(&run.artifact_uri, &path, &package.open(&file)?)?,
            }
        }
        let history = run.tags.get("mlflow.log-model.history").map_or("", String::as_str);
        let told = package.as_json(&told)?;
        // Told once is enough, and a list of equal entries is what a second time would make.
        if told["model_uuid"].as_str().is_some_and(|uuid| history.contains(uuid)) {
            return Ok(());
        }
        let body = json!({"run_id": run.run_id, "model_json": told.to_string()});
        self.post("the model", "runs/log-model", &body).map(|_| ())
    }

    /// Makes the run's model a version of a registered one, once, and gives the version's number.
    pub(super) fn register(
        &self,
        name: &str,
        run: &Known,
        model_id: Option<&str>,
    ) -> Result<String, TrackingError> {
        #[derive(Deserialize)]
        struct Found {
            #[serde(default)]
            model_versions: Vec<Version>,
        }
        #[derive(Deserialize)]
        struct Made {
            model_version: Version,
        }
        #[derive(Deserialize)]
        struct Version {
            version: Value,
            #[serde(default)]
            source: String,
        }
        let number = |version: &Version| version.version.to_string().trim_matches('"').to_owned();
        let source = match model_id {
            Some(id) => format!("models:/{id}"),
            None => format!("{}/{OLD_FOLDER}", run.artifact_uri),
        };
        let what = format!("the registered model {name}");
        match self.post(&what, "registered-models/create", &json!({"name": name})) {
            Err(error) if !error.is_code("RESOURCE_ALREADY_EXISTS") => return Err(error),
            _ => {}
        }
        let filter = encoded(&format!("run_id='{}' and name='{}'", run.run_id, name.replace('\'', "")));
        let found = self.get(&format!("model-versions/search?filter={}", filter.replace('/', "%2F")))?;
        let found: Found = self.read(found)?;
        if let Some(version) = found.model_versions.iter().find(|version| version.source == source) {
            return Ok(number(version));
        }
        let mut body = json!({"name": name, "source": source, "run_id": run.run_id});
        if let Some(id) = model_id {
            body["model_id"] = json!(id);
        }
        let made: Made = self.read(self.post(&what, "model-versions/create", &body)?)?;
        Ok(number(&made.model_version))
    }
}
