//! Drawing on float planes: exact-coverage polygons, soft spots, blur.
//!
//! All shapes are given in the patient's coordinates (see [`View`]). Polygons are rasterised by the exact area
//! that they cover of each pixel, and blurs match their variance exactly, so that a small image looks like a
//! large one reduced: no supersampling, and no detail that jumps with the size.

/// A place in the patient's coordinates: the image is about 1 wide and 1 high, `x` is 0 at the midline and
/// grows to the image's right (the patient's left), `y` is 0 at the upper edge and 1 at the lower.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub x: f32,
    pub y: f32,
}

/// Short for a [`Point`].
pub(super) fn at(x: f32, y: f32) -> Point {
    Point { x, y }
}

/// Where the patient's coordinates lie on an image: turned, scaled and shifted.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// Width and height of the image in pixels.
    pub side: usize,
    /// Cosine and sine of the turn, times the scale.
    pub cos: f32,
    pub sin: f32,
    /// Where the midline at half height comes to lie, in image widths.
    pub centre: Point,
}

impl View {
    /// The place in pixels.
    pub fn pixel(&self, p: Point) -> (f32, f32) {
        let (x, y) = (p.x, p.y - 0.5);
        let side = self.side as f32;
        (
            side * (self.centre.x + self.cos * x - self.sin * y),
            side * (self.centre.y + self.sin * x + self.cos * y),
        )
    }

    /// A length in pixels.
    pub fn length(&self, length: f32) -> f32 {
        length * self.side as f32 * self.cos
    }
}

/// A number for each pixel, row by row.
#[derive(Clone, Debug)]
pub(super) struct Plane {
    pub side: usize,
    pub values: Vec<f32>,
}

impl Plane {
    /// A plane full of one value.
    pub fn filled(side: usize, value: f32) -> Self {
        Self { side, values: vec![value; side * side] }
    }

    /// The largest value, at least 0.
    pub fn peak(&self) -> f32 {
        self.values.iter().fold(0.0, |peak, v| f32::max(peak, *v))
    }

    /// Multiplies by another plane of the same size.
    pub fn times(mut self, other: &Plane) -> Self {
        for (value, factor) in self.values.iter_mut().zip(&other.values) {
            *value *= factor;
        }
        self
    }

    /// A soft elliptic spot that falls from `weight` at its centre to 0 at the half axes `rx`, `ry`
    /// (patient's units). One smaller than a pixel spreads over the pixel with the same total.
    pub fn spot(&mut self, view: &View, centre: Point, rx: f32, ry: f32, weight: f32) {
        let (cx, cy) = view.pixel(centre);
        let (want_x, want_y) = (view.length(rx), view.length(ry));
        let (rx, ry) = (want_x.max(0.9), want_y.max(0.9));
        let weight = weight * (want_x * want_y) / (rx * ry);
        let (Some(rows), Some(columns)) = (self.span(cy, ry), self.span(cx, rx)) else { return };
        for row in rows {
            let dy = (row as f32 + 0.5 - cy) / ry;
            let left = 1.0 - dy * dy;
            let start = row * self.side;
            for column in columns.clone() {
                let dx = (column as f32 + 0.5 - cx) / rx;
                let inside = (left - dx * dx).max(0.0);
                self.values[start + column] += weight * inside * inside;
            }
        }
    }

    /// The pixels within `radius` of `centre` along one axis.
    fn span(&self, centre: f32, radius: f32) -> Option<std::ops::Range<usize>> {
        let low = (centre - radius).floor().max(0.0);
        let high = (centre + radius).ceil().min(self.side as f32);
        (low < high).then_some(low as usize..high as usize)
    }

    /// Blurs twice by a box whose half width is `radius` pixels (fractions count).
    pub fn blur(mut self, radius: f32) -> Self {
        let Some(taps) = Taps::new(radius, self.side) else { return self };
        let mut other = vec![0.0; self.values.len()];
        taps.rows(&self.values, &mut other, self.side);
        taps.rows(&other, &mut self.values, self.side);
        taps.columns(&self.values, &mut other, self.side);
        taps.columns(&other, &mut self.values, self.side);
        self
    }
}

/// A box filter with fractional ends: `2k+1` whole taps and one of weight `end` on either side.
struct Taps {
    whole: usize,
    end: f32,
    norm: f32,
}

impl Taps {
    /// The filter with the variance of a continuous box of half width `radius`; `None` where it does nothing.
    fn new(radius: f32, side: usize) -> Option<Self> {
        let variance = radius.min(side as f32 / 2.0 - 2.0) * radius.min(side as f32 / 2.0 - 2.0) / 3.0;
        if variance < 0.01 {
            return None;
        }
        // The widest whole box that isn't too wide: k(k+1)/3 <= variance; its ends make up the difference.
        let k = (((1.0 + 12.0 * variance).sqrt() - 1.0) / 2.0).floor();
        let taps = 2.0 * k + 1.0;
        let squares = k * (k + 1.0) * taps / 3.0;
        let end = ((variance * taps - squares) / (2.0 * ((k + 1.0) * (k + 1.0) - variance))).max(0.0);
        Some(Self { whole: k as usize, end, norm: 1.0 / (taps + 2.0 * end) })
    }

    fn rows(&self, from: &[f32], to: &mut [f32], side: usize) {
        let reach = self.whole + 1;
        // The edge pixels continue beyond the image.
        let mut padded = vec![0.0; side + 2 * reach];
        for (source, target) in from.chunks_exact(side).zip(to.chunks_exact_mut(side)) {
            padded[..reach].fill(source[0]);
            padded[reach..reach + side].copy_from_slice(source);
            padded[reach + side..].fill(source[side - 1]);
            let mut sum: f32 = padded[1..2 * reach].iter().sum();
            for (x, value) in target.iter_mut().enumerate() {
                let (before, after) = (padded[x], padded[x + 2 * reach]);
                *value = (sum + self.end * (before + after)) * self.norm;
                sum += after - padded[x + 1];
            }
        }
    }

    fn columns(&self, from: &[f32], to: &mut [f32], side: usize) {
        let row = |y: isize| {
            let y = y.clamp(0, side as isize - 1) as usize;
            &from[y * side..(y + 1) * side]
        };
        let reach = self.whole as isize + 1;
        let mut sum = vec![0.0f32; side];
        for y in 1 - reach..reach {
            sum.iter_mut().zip(row(y)).for_each(|(s, v)| *s += v);
        }
        for (y, target) in to.chunks_exact_mut(side).enumerate() {
            let y = y as isize;
            let (before, after, leaving) = (row(y - reach), row(y + reach), row(y + 1 - reach));
            for x in 0..side {
                target[x] = (sum[x] + self.end * (before[x] + after[x])) * self.norm;
                sum[x] += after[x] - leaving[x];
            }
        }
    }
}

/// Polygons on their way to a plane.
///
/// A polygon adds its weight times the covered share of each pixel; overlapping ones add up. What is kept is
/// the change from each pixel to its right neighbour, so a polygon costs its outline, not its area, and one
/// pass over the rows at the end ([`Ink::settle`]) fills all polygons at once.
pub(super) struct Ink {
    view: View,
    stride: usize,
    changes: Vec<f32>,
}

impl Ink {
    /// Nothing drawn yet.
    pub fn new(view: &View) -> Self {
        // Two more columns take what an edge at the right border hands on.
        let stride = view.side + 2;
        Self { view: *view, stride, changes: vec![0.0; stride * view.side] }
    }

    /// Fills a closed polygon, whichever way round it is given.
    pub fn polygon(&mut self, points: &[Point], weight: f32) {
        let Some(last) = points.last() else { return };
        let mut twice_area = 0.0;
        let mut from = *last;
        for to in points {
            twice_area += from.x * to.y - to.x * from.y;
            from = *to;
        }
        let weight = if twice_area > 0.0 { -weight } else { weight };
        let mut from = self.view.pixel(*last);
        for to in points {
            let to = self.view.pixel(*to);
            self.edge(from, to, weight);
            from = to;
        }
    }

    /// A line through `points` whose width goes from `start` to `end`.
    pub fn stroke(&mut self, points: &[Point], start: f32, end: f32, weight: f32) {
        self.polygon(&ribbon(points, start, end), weight);
    }

    /// Adds one edge's share of each pixel to its right, signed by the edge's direction.
    fn edge(&mut self, a: (f32, f32), b: (f32, f32), weight: f32) {
        let (top, bottom, weight) = if a.1 < b.1 { (a, b, weight) } else { (b, a, -weight) };
        let side = self.view.side as f32;
        if bottom.1 <= 0.0 || top.1 >= side || bottom.1 - top.1 < 1e-6 {
            return;
        }
        let slope = (bottom.0 - top.0) / (bottom.1 - top.1);
        let first = top.1.max(0.0);
        let mut x = top.0 + slope * (first - top.1);
        let last_row = (bottom.1.min(side).ceil() as usize).min(self.view.side);
        for row in first as usize..last_row {
            let height = bottom.1.min(row as f32 + 1.0) - top.1.max(row as f32);
            let next = x + slope * height;
            let (left, right) = if x < next { (x, next) } else { (next, x) };
            let line = &mut self.changes[row * self.stride..(row + 1) * self.stride];
            cover(line, left.clamp(0.0, side), right.clamp(0.0, side), weight * height);
            x = next;
        }
    }

    /// The plane of everything drawn.
    pub fn settle(self) -> Plane {
        let side = self.view.side;
        let mut values = Vec::with_capacity(side * side);
        for line in self.changes.chunks_exact(self.stride) {
            let mut sum = 0.0;
            values.extend(line[..side].iter().map(|change| {
                sum += change;
                sum
            }));
        }
        Plane { side, values }
    }
}

/// Spreads `amount` over the pixels of a row that an edge from `left` to `right` crosses, so that the running
/// sum is, in each pixel, the area to the right of the edge.
fn cover(line: &mut [f32], left: f32, right: f32, amount: f32) {
    let (i, j) = (left as usize, right as usize);
    if i == j {
        let beyond = 0.5 * (left + right) - i as f32;
        line[i] += amount * (1.0 - beyond);
        line[i + 1] += amount * beyond;
        return;
    }
    // The share of the edge that has been passed when a pixel's right border is reached, averaged over the
    // pixel: a quadratic in the first and last pixel, linear between.
    let per_pixel = 1.0 / (right - left);
    let mut before = 0.0;
    for (pixel, change) in line.iter_mut().enumerate().take(j + 1).skip(i) {
        let from = left.max(pixel as f32);
        let to = right.min(pixel as f32 + 1.0);
        let passed =
            ((from - left) + (to - left)) * 0.5 * (to - from) * per_pixel + (pixel as f32 + 1.0 - to);
        *change += amount * (passed - before);
        before = passed;
    }
    line[j + 1] += amount * (1.0 - before);
}

/// The outline of a line through `points` whose width goes from `start` to `end`.
pub(super) fn ribbon(points: &[Point], start: f32, end: f32) -> Vec<Point> {
    let count = points.len();
    let mut outline = vec![at(0.0, 0.0); 2 * count];
    for (i, p) in points.iter().enumerate() {
        let (a, b) = (points[i.saturating_sub(1)], points[(i + 1).min(count - 1)]);
        let (dx, dy) = (b.x - a.x, b.y - a.y);
        let length = (dx * dx + dy * dy).sqrt().max(1e-6);
        let half = 0.5 * (start + (end - start) * i as f32 / (count - 1).max(1) as f32) / length;
        outline[i] = at(p.x - dy * half, p.y + dx * half);
        outline[2 * count - 1 - i] = at(p.x + dy * half, p.y - dx * half);
    }
    outline
}

/// A smooth closed curve through `corners` (Catmull-Rom), `steps` points from each corner to the next.
pub(super) fn closed_curve(corners: &[Point], steps: usize) -> Vec<Point> {
    let n = corners.len();
    let corner = |i: usize| corners[i % n];
    let mut curve = Vec::with_capacity(n * steps);
    for i in 0..n {
        let (a, b, c, d) = (corner(i + n - 1), corner(i), corner(i + 1), corner(i + 2));
        for step in 0..steps {
            let t = step as f32 / steps as f32;
            let blend = |a: f32, b: f32, c: f32, d: f32| {
                b + 0.5
                    * t
                    * ((c - a) + t * ((2.0 * a - 5.0 * b + 4.0 * c - d) + t * (3.0 * (b - c) + d - a)))
            };
            curve.push(at(blend(a.x, b.x, c.x, d.x), blend(a.y, b.y, c.y, d.y)));
        }
    }
    curve
}

/// `count` points of a curve given by its parameter in `0..=1`.
pub(super) fn path(count: usize, curve: impl Fn(f32) -> Point) -> Vec<Point> {
    (0..count).map(|i| curve(i as f32 / (count - 1).max(1) as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn straight(side: usize) -> View {
        View { side, cos: 1.0, sin: 0.0, centre: at(0.5, 0.5) }
    }

    #[test]
    fn a_polygon_covers_its_area_at_every_size_and_orientation() {
        let mut corners = vec![at(-0.31, 0.2), at(0.27, 0.11), at(0.4, 0.83), at(-0.05, 0.61)];
        for side in [28, 64, 257] {
            for _ in 0..2 {
                let mut ink = Ink::new(&straight(side));
                ink.polygon(&corners, 2.0);
                let plane = ink.settle();
                let area: f32 = plane.values.iter().sum::<f32>() / (2.0 * (side * side) as f32);
                assert!((area - 0.2783).abs() < 1e-3, "{side}: {area}");
                assert!(plane.values.iter().all(|v| (-1e-4..2.0001).contains(v)));
                corners.reverse();
            }
        }
    }

    #[test]
    fn what_lies_beyond_the_image_is_cut_off() {
        let mut ink = Ink::new(&straight(32));
        ink.polygon(&[at(-3.0, -3.0), at(3.0, -3.0), at(3.0, 3.0), at(-3.0, 3.0)], 1.0);
        assert!(ink.settle().values.iter().all(|v| (v - 1.0).abs() < 1e-5));
    }

    #[test]
    fn blurring_keeps_the_total_and_widens_by_the_variance_asked_for() {
        for radius in [0.4, 1.0, 3.7] {
            let mut plane = Plane::filled(65, 0.0);
            plane.values[32 * 65 + 32] = 1.0;
            let plane = plane.blur(radius);
            let moment = |power: i32| -> f32 {
                let row = |i: usize| ((i % 65) as f32 - 32.0).powi(power);
                plane.values.iter().enumerate().map(|(i, v)| v * row(i)).sum()
            };
            assert!((moment(0) - 1.0).abs() < 1e-4);
            assert!((moment(2) - 2.0 * radius * radius / 3.0).abs() < 1e-2, "{radius}: {}", moment(2));
        }
    }

    #[test]
    fn a_small_spot_has_the_same_total_as_in_a_large_image() {
        let total = |side: usize| {
            let mut plane = Plane::filled(side, 0.0);
            plane.spot(&straight(side), at(0.1, 0.4), 0.02, 0.03, 1.0);
            plane.values.iter().sum::<f32>() / (side * side) as f32
        };
        assert!((total(32) / total(512) - 1.0).abs() < 0.15);
    }
}
