//! The finished model at the server: logged with its run, and registered where a name is given. MLflow 3 has models of
//! their own beside runs; servers of before keep them among a run's files.

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::Method;

use super::TrackingError;
use super::api::{API, encoded};
use super::client::{Body, HttpClient};
use super::known::Known;
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

#[derive(Deserialize)]
struct Version {
    version: Value,
    #[serde(default)]
    source: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

impl HttpClient<'_> {
    /// Logs a model with its run as MLflow 3 does and gives its number there: found if it was made before, its files
    /// sent, marked ready, put among the run's outputs.
    pub(super) fn log_model(&self, run: &mut Known, package: &Package) -> Result<String, TrackingError> {
        let model =
            self.find_or_make(|| self.find_model(run, package), || self.create_model(run, package))?;
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
            let path = format!("{API}/logged-models/{id}");
            self.call(Method::PATCH, &path, Body::Json(&ready)).map_err(|error| error.about("the model"))?;
        }
        if !run.models.contains(&id) {
            let output = json!({"run_id": run.run_id, "models": [{"model_id": id, "step": package.epoch}]});
            // The same output given twice is refused.
            let is_there = || Ok(self.run(&run.run_id)?.models.contains(&id).then_some(()));
            self.find_or_make(is_there, || {
                self.post_once("the run's model", "runs/outputs", &output).map(|_| ())
            })?;
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
        let answer = self.post_once("the model", "logged-models", &body)?;
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
        let told = package.as_json(&told)?;
        let uuid = told["model_uuid"].as_str().unwrap_or_default();
        let body = json!({"run_id": run.run_id, "model_json": told.to_string()});
        // Told once is enough, and a list of equal entries is what a second time would make.
        let is_told = || {
            let tags = self.run(&run.run_id)?.tags;
            let history = tags.get("mlflow.log-model.history").map_or("", String::as_str);
            Ok((!uuid.is_empty() && history.contains(uuid)).then_some(()))
        };
        self.find_or_make(is_told, || self.post_once("the model", "runs/log-model", &body).map(|_| ()))
    }

    /// Makes the run's model a version of a registered one, once for each content, and gives the version's number.
    pub(super) fn register(
        &self,
        name: &str,
        run: &Known,
        model_id: Option<&str>,
        package: &Package,
    ) -> Result<String, TrackingError> {
        #[derive(Deserialize)]
        struct Made {
            model_version: Version,
        }
        let source = match model_id {
            Some(id) => format!("models:/{id}"),
            None => format!("{}/{OLD_FOLDER}", run.artifact_uri),
        };
        let what = format!("the registered model {name}");
        match self.post(&what, "registered-models/create", &json!({"name": name})) {
            Err(error) if !error.is_code("RESOURCE_ALREADY_EXISTS") => return Err(error),
            _ => {}
        }
        let tags = json!([{"key": DIGEST, "value": package.digest}]);
        let mut body = json!({"name": name, "source": source, "run_id": run.run_id, "tags": tags});
        if let Some(id) = model_id {
            body["model_id"] = json!(id);
        }
        let make = || {
            let made = self.post_once(&what, "model-versions/create", &body)?;
            Ok(self.read::<Made>(made)?.model_version)
        };
        let version = self.find_or_make(|| self.find_version(name, run, model_id, package), make)?;
        Ok(version.version.to_string().trim_matches('"').to_owned())
    }

    /// The version with this content. The model's location identifies it too, but not among a run's files, where a
    /// newer model takes the place of the one before.
    fn find_version(
        &self,
        name: &str,
        run: &Known,
        model_id: Option<&str>,
        package: &Package,
    ) -> Result<Option<Version>, TrackingError> {
        #[derive(Deserialize)]
        struct Found {
            #[serde(default)]
            model_versions: Vec<Version>,
        }
        let filter = encoded(&format!("run_id='{}' and name='{}'", run.run_id, name.replace('\'', "")));
        let path = format!("model-versions/search?filter={}", filter.replace('/', "%2F"));
        let found: Found = self.read(self.get(&format!("the registered model {name}"), &path)?)?;
        let is_same = |version: &Version| {
            version.tags.iter().any(|tag| tag.key == DIGEST && tag.value == package.digest)
                || model_id.is_some_and(|id| version.source == format!("models:/{id}"))
        };
        Ok(found.model_versions.into_iter().find(is_same))
    }
}
