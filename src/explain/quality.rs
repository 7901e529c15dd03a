//! How good a single map is: pure functions on slices.
//!
//! A map is held against where the finding is (a mask), by its positive part. One that has none hits nothing.

/// Pointing game (Zhang et al. 2018): 1 when the map's highest pixel lies in the mask. Of several highest ones the
/// share that does.
pub fn pointing(values: &[f32], mask: &[u8]) -> f64 {
    let highest = values.iter().copied().fold(0.0, f32::max);
    if highest <= 0.0 {
        return 0.0;
    }
    let (hits, all) = values
        .iter()
        .zip(mask)
        .filter(|(value, _)| **value == highest)
        .fold((0, 0), |(hits, all), (_, inside)| (hits + usize::from(*inside == 1), all + 1));
    hits as f64 / all as f64
}

/// Intersection over union of the mask and the pixels of at least half the map's highest value.
pub fn iou(values: &[f32], mask: &[u8]) -> f64 {
    let highest = values.iter().copied().fold(0.0, f32::max);
    let (both, either) = values.iter().zip(mask).fold((0, 0), |(both, either), (value, inside)| {
        let (shown, inside) = (highest > 0.0 && *value >= highest / 2.0, *inside == 1);
        (both + usize::from(shown && inside), either + usize::from(shown || inside))
    });
    if either == 0 { 0.0 } else { both as f64 / either as f64 }
}

/// Share of the positive part that lies in the mask (relevance mass accuracy, Arras et al. 2022).
pub fn mass(values: &[f32], mask: &[u8]) -> f64 {
    let (inside, all) = values.iter().zip(mask).fold((0.0, 0.0), |(inside, all), (value, mask)| {
        let value = f64::from(value.max(0.0));
        (inside + value * f64::from(*mask), all + value)
    });
    if all > 0.0 { inside / all } else { 0.0 }
}

/// 1 when the centre of mass of the positive part lies in the mask's bounding box.
pub fn centre(values: &[f32], mask: &[u8], width: usize) -> f64 {
    let (mut all, mut x, mut y) = (0.0, 0.0, 0.0);
    let mut bounds: Option<[usize; 4]> = None;
    for (pixel, (value, inside)) in values.iter().zip(mask).enumerate() {
        let (row, column) = (pixel / width, pixel % width);
        let value = f64::from(value.max(0.0));
        all += value;
        x += value * column as f64;
        y += value * row as f64;
        if *inside == 1 {
            let [left, top, right, bottom] = bounds.unwrap_or([column, row, column, row]);
            bounds = Some([left.min(column), top.min(row), right.max(column), bottom.max(row)]);
        }
    }
    let Some([left, top, right, bottom]) = bounds.filter(|_| all > 0.0) else { return 0.0 };
    let within =
        |value: f64, low: usize, high: usize| value >= low as f64 - 0.5 && value <= high as f64 + 0.5;
    f64::from(u8::from(within(x / all, left, right) && within(y / all, top, bottom)))
}

/// Spearman's rank correlation of two maps, ties by mean rank; `None` when either is flat.
pub fn rank_correlation(a: &[f32], b: &[f32]) -> Option<f64> {
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() as f64 - 1.0) / 2.0;
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(&b) {
        ab += (a - mean) * (b - mean);
        aa += (a - mean).powi(2);
        bb += (b - mean).powi(2);
    }
    (aa > 0.0 && bb > 0.0).then(|| ab / (aa * bb).sqrt())
}

fn ranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let end = (start..order.len()).find(|at| values[order[*at]] != values[order[start]]);
        let end = end.unwrap_or(order.len());
        for place in &order[start..end] {
            ranks[*place] = (start + end - 1) as f64 / 2.0;
        }
        start = end;
    }
    ranks
}

/// Area under a curve of evenly spaced values over 0 to 1, by trapezoids.
pub fn area(values: &[f64]) -> f64 {
    let steps = values.len().saturating_sub(1).max(1) as f64;
    values.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0).sum::<f64>() / steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_on_its_finding_is_good_and_one_beside_it_is_not() {
        let mask = [0, 0, 0, 0, 1, 1, 0, 1, 1];
        let on = [0.0, 0.0, 0.0, 0.0, 4.0, 2.0, 0.0, 2.0, 1.0];
        assert_eq!((pointing(&on, &mask), mass(&on, &mask), centre(&on, &mask, 3)), (1.0, 1.0, 1.0));
        assert_eq!(iou(&on, &mask), 0.75);
        let beside = [4.0, 2.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!((pointing(&beside, &mask), mass(&beside, &mask), iou(&beside, &mask)), (0.0, 0.0, 0.0));
        assert_eq!(centre(&beside, &mask, 3), 0.0);
    }

    #[test]
    fn ties_share_and_nothing_hits_nothing() {
        let mask = [1, 0, 0, 0];
        assert_eq!(pointing(&[1.0, 1.0, 0.0, 0.0], &mask), 0.5);
        for none in [[0.0; 4], [-1.0; 4]] {
            assert_eq!((pointing(&none, &mask), iou(&none, &mask), mass(&none, &mask)), (0.0, 0.0, 0.0));
        }
    }

    #[test]
    fn rank_correlation_is_spearmans() {
        assert_eq!(rank_correlation(&[1.0, 2.0, 3.0], &[10.0, 20.0, 90.0]), Some(1.0));
        assert_eq!(rank_correlation(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), Some(-1.0));
        // scipy.stats.spearmanr([1, 2, 2, 4], [1, 3, 2, 4]) has .9486832980505138.
        let found = rank_correlation(&[1.0, 2.0, 2.0, 4.0], &[1.0, 3.0, 2.0, 4.0]).expect("defined");
        assert!((found - 0.948_683_298_050_513_8).abs() < 1e-12, "{found}");
        assert_eq!(rank_correlation(&[1.0, 1.0], &[1.0, 2.0]), None);
    }

    #[test]
    fn areas_are_means_of_even_steps() {
        assert_eq!(area(&[0.0, 1.0]), 0.5);
        assert_eq!(area(&[1.0, 1.0, 1.0]), 1.0);
    }
}
