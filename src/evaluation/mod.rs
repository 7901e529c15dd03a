//! From weights to metrics: predictions of a split, thresholds from the validation images, metrics, figures and the
//! report. The trainer evaluates after its last epoch, `evaluate` and `predict` on request, and the Evaluate screen
//! reads the files that they write.

mod compare;
mod compared_runs;
mod comparison_report;
pub mod export;
mod images;
mod predictor;
mod record;
mod threshold_spec;

pub use compare::{Comparison, ComparisonInput, ConditionDifference, Difference, NotComparable, compare};
pub use compared_runs::{ComparedRun, SettingDifference, SideBySide, best_predictions, setting_differences};
pub use comparison_report::{difference_cells, means, write_comparison};
pub use export::model_to_send;
pub use images::{own_images, own_images_watched};
pub use predictor::{Predictor, Scores, Weights};
pub use record::{
    RESAMPLES, SEED, default_thresholds, draw, draw_into, draw_network, evaluate, predict_split, record,
    save_predictions, split_predictions,
};
pub use threshold_spec::{ThresholdSpec, ThresholdSpecError};
