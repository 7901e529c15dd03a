"""Makes a virtual environment with a stock MLflow and what its models need, once for all checkouts of a user.

Prints the folder of its programs. The version is CHESTXR_MLFLOW's, by default the newest that the tests know."""

import os
import pathlib
import subprocess
import sys
import venv

VERSION = os.environ.get("CHESTXR_MLFLOW", "3.17.2")
PACKAGES = [f"mlflow=={VERSION}", "onnx>=1.17,<2", "onnxruntime>=1.20,<2"]


def main() -> None:
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "chestxr-tui"
    home = cache / f"mlflow-{VERSION}-py{sys.version_info.major}.{sys.version_info.minor}"
    done = home / "complete"
    if not done.exists():
        venv.create(home, with_pip=True, clear=True)
        command = [home / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES]
        subprocess.run(command, check=True, stdout=sys.stderr)
        done.write_text("\n".join(PACKAGES) + "\n")
    print(home / "bin")


if __name__ == "__main__":
    main()
