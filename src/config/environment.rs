//! The environment variables that the program reads and the exit codes that it returns: one table each, for `doctor` and the
//! reference pages.

/// Each variable with its meaning.
pub const ENVIRONMENT: &[(&str, &str)] = &[
    ("CHESTXR_RUNS_DIR", "directory of runs, unless `--runs-dir` is given"),
    ("CHESTXR_GRAPHICS", "image protocol, unless `--graphics` is given"),
    ("CHESTXR_LOG", "log level or log file, unless `--log` is given"),
    ("CHESTXR_ASCII", "1: draw with ASCII characters only; 0: never"),
    (
        "CHESTXR_PATIENT_KEY",
        "file with the key for patients' names; made in the configuration directory otherwise",
    ),
    ("CHESTXR_DATA_URL", "base address of a mirror of the data sets"),
    ("CHESTXR_WEIGHTS_URL", "base address of a mirror of torchvision's weights"),
    (
        "OMP_WAIT_POLICY, GOMP_SPINCOUNT",
        "how libtorch's CPU threads wait for each other; unless set, they soon sleep",
    ),
    ("NO_COLOR", "if set and not empty: no colours"),
    ("COLORTERM", "`truecolor` or `24bit`: the terminal shows 24-bit colours"),
    ("LC_ALL, LC_CTYPE, LANG", "without UTF-8 in the first one that is set: ASCII characters only"),
    (
        "XDG_CACHE_HOME, XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_STATE_HOME",
        "parents of the program's directories",
    ),
    ("HTTPS_PROXY, NO_PROXY", "proxy for downloads and for MLflow"),
    ("MLFLOW_TRACKING_URI", "address of the MLflow server, unless `tracking.mlflow_uri` is set"),
    ("MLFLOW_EXPERIMENT_NAME", "experiment, unless `tracking.experiment` is changed"),
    ("MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD", "login for the MLflow server"),
    ("MLFLOW_TRACKING_TOKEN", "bearer token for the MLflow server"),
    ("MLFLOW_TRACKING_SERVER_CERT_PATH", "certificates to trust, a PEM file"),
    ("MLFLOW_TRACKING_CLIENT_CERT_PATH", "client certificate with its key, a PEM file"),
    ("MLFLOW_TRACKING_INSECURE_TLS", "`true`: accept any certificate of the MLflow server"),
];

/// Each exit code with its meaning.
pub const EXIT_CODES: &[(u8, &str)] = &[
    (0, "done"),
    (1, "failed: a file, a device, the network or the run itself"),
    (2, "wrong arguments, settings or data source; nothing was started"),
    (130, "interrupted by a signal, after the checkpoint was saved"),
];

/// Both tables in Markdown.
pub fn markdown() -> (String, String) {
    let row = |(name, meaning): (String, &str)| format!("| `{name}` | {meaning} |\n");
    let variables = ENVIRONMENT.iter().map(|(name, meaning)| row((name.replace(", ", "`, `"), meaning)));
    let codes = EXIT_CODES.iter().map(|(code, meaning)| row((code.to_string(), meaning)));
    let head = |first: &str| format!("| {first} | meaning |\n|---|---|\n");
    (head("variable") + &variables.collect::<String>(), head("code") + &codes.collect::<String>())
}
