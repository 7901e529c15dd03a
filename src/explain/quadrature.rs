//! Gauss-Legendre quadrature on 0..1.

/// `count` points and weights on 0..1: exact for polynomials up to degree `2*count - 1`. Points are roots of the
/// Legendre polynomial, found by Newton's method from Tricomi's first guess (Press et al., Numerical Recipes, 4.6).
pub fn gauss_legendre(count: usize) -> Vec<(f64, f64)> {
    let n = count as f64;
    (0..count)
        .map(|index| {
            let mut x = (std::f64::consts::PI * (index as f64 + 0.75) / (n + 0.5)).cos();
            let mut slope = 1.0;
            for _ in 0..100 {
                let (value, derivative) = legendre(count, x);
                slope = derivative;
                let step = value / derivative;
                x -= step;
                if step.abs() < 1e-15 {
                    slope = legendre(count, x).1;
                    break;
                }
            }
            // From -1..1 with the sign turned, so that points rise.
            ((1.0 - x) / 2.0, 1.0 / ((1.0 - x * x) * slope * slope))
        })
        .collect()
}

/// The Legendre polynomial of a degree at `x`, and its derivative there.
fn legendre(degree: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value) = (0.0, 1.0);
    for k in 0..degree {
        let k = k as f64;
        (before, value) = (value, ((2.0 * k + 1.0) * x * value - k * before) / (k + 1.0));
    }
    (value, degree as f64 * (x * value - before) / (x * x - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_integrated_exactly() {
        for count in [1, 2, 3, 7, 50, 200] {
            let points = gauss_legendre(count);
            let degree = 2 * count as i32 - 1;
            let integral: f64 = points.iter().map(|(x, w)| w * x.powi(degree)).sum();
            assert!((integral - 1.0 / f64::from(degree + 1)).abs() < 1e-13, "{count}: {integral}");
            assert!((points.iter().map(|(_, w)| w).sum::<f64>() - 1.0).abs() < 1e-13);
            assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
        // Two points: (1 -+ 1/sqrt 3) / 2.
        assert!((gauss_legendre(2)[0].0 - (1.0 - 1.0 / 3.0_f64.sqrt()) / 2.0).abs() < 1e-15);
    }
}
