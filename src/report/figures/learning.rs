//! How training went.

use super::Curve;
use super::axes::{self, Labels, Panel};
use super::legend::{Legend, Sample};
use super::multiples::{Multiples, Shape};
use super::page::{FigureError, MARGIN, PANELS_WIDTH, TOP, empty, page, png};
use super::scale::{domain_of, extent, integer_ticks, nice_ticks};
use super::style::Marker;
use super::theme::series;

const TITLE: &str = "Learning curves";
/// Each panel has labels on its own y axis.
const GAP: f64 = 64.0;

/// One metric in [`learning_curves`].
#[derive(Debug, Clone, PartialEq)]
pub struct MetricPanel {
    /// What was measured, such as "validation loss".
    pub title: String,
    /// Epoch (x) and value (y), one curve a run; empty where a run has none.
    pub curves: Vec<Curve>,
}

/// One panel a metric, one line a run (up to six look different), each metric on its own scale.
///
/// # Errors
/// When the picture would be too large, or can't be drawn.
pub fn learning_curves(
    metrics: &[MetricPanel],
    runs: &[String],
    subtitle: &str,
) -> Result<Vec<u8>, FigureError> {
    if metrics.is_empty() {
        return empty(TITLE, subtitle);
    }
    let room = PANELS_WIDTH - 2.0 * MARGIN;
    let entries = runs.iter().enumerate().map(|(index, run)| (Sample::Line(series(index)), run.as_str()));
    let legend = Legend::new(entries, room);
    let shape = Shape { columns: 2, width: room, widest: 800.0, aspect: 0.45, gap: GAP };
    let multiples = Multiples::new(metrics.len(), shape, (MARGIN, TOP + legend.height() + 10.0));
    let mut svg = page(PANELS_WIDTH, multiples.bottom() + 8.0, TITLE, subtitle);
    legend.draw(&mut svg, (MARGIN, TOP));
    let epochs = metrics.iter().flat_map(|metric| &metric.curves).flat_map(|curve| curve.x.iter().copied());
    let epochs = epoch_domain(epochs);
    for (index, metric) in metrics.iter().enumerate() {
        let values = domain_of(metric.curves.iter().flat_map(|curve| curve.y.iter().copied()));
        let panel = Panel::new(multiples.area(index), epochs, values);
        let labels = Labels { x: multiples.labels(index).x, y: true };
        panel.grid(&mut svg, &integer_ticks(epochs, 10), &nice_ticks(values, 5), labels);
        multiples.name(&mut svg, index, &metric.title);
        for (run, curve) in metric.curves.iter().enumerate() {
            panel.curve(&mut svg, curve, series(run));
            // Where a run ends; a run of one epoch has no more than that.
            let mut points = curve.x.iter().copied().zip(curve.y.iter().copied());
            let last = points.rfind(|(x, y)| x.is_finite() && y.is_finite());
            if let Some((x, y)) = last {
                svg.marker(Marker::Circle, panel.at(x, y), 3.2, series(run).color, true);
            }
        }
    }
    axes::x_title(&mut svg, multiples.plots(), "epoch");
    png(svg)
}

/// From the first epoch to the last, with a little air at the end; one epoch alone stands in the middle.
fn epoch_domain(epochs: impl IntoIterator<Item = f64>) -> [f64; 2] {
    let [low, high] = extent(epochs).unwrap_or([0.0, 1.0]);
    if low == high { [low - 1.0, high + 1.0] } else { [low, high + 0.02 * (high - low)] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_run_from_the_first_to_the_last() {
        assert_eq!(epoch_domain([3.0, 1.0, f64::NAN, 51.0]), [1.0, 52.0]);
        assert_eq!(epoch_domain([4.0]), [3.0, 5.0]);
        assert_eq!(epoch_domain([])[0], 0.0);
    }
}
