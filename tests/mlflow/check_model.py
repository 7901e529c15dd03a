"""Loads the model that a run logged and tells how far its probabilities are from those the run wrote down.

usage: check_model.py IMAGES.npz PREDICTIONS.npz; the server is MLFLOW_TRACKING_URI's, the model the newest one."""

import sys

import mlflow
import numpy as np


def newest_model() -> str:
    client = mlflow.MlflowClient()
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    if hasattr(client, "search_logged_models"):
        return f"models:/{client.search_logged_models(experiments)[0].model_id}"
    return f"runs:/{client.search_runs(experiments)[0].info.run_id}/model"


images = np.load(sys.argv[1])["test_images"].astype(np.float32)[:, None]
wanted = np.load(sys.argv[2])["probabilities"]
model = mlflow.pyfunc.load_model(newest_model())
found = model.predict(images)
found = found["probabilities"] if isinstance(found, dict) else np.asarray(found)
assert found.shape == wanted.shape, (found.shape, wanted.shape)
print(np.abs(found - wanted).max())
