//! Affine maps of the plane.

/// `x' = a x + b y + c`, `y' = d x + e y + f`: pixels of the image to pixels of the augmented image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// Change of the new column per column of the image, without unit.
    pub a: f64,
    /// Change of the new column per row of the image, without unit.
    pub b: f64,
    /// Added to the new column, in pixels.
    pub c: f64,
    /// Change of the new row per column of the image, without unit.
    pub d: f64,
    /// Change of the new row per row of the image, without unit.
    pub e: f64,
    /// Added to the new row, in pixels.
    pub f: f64,
}

impl Affine {
    /// Everything stays where it is.
    pub const IDENTITY: Self = Self { a: 1.0, b: 0.0, c: 0.0, d: 0.0, e: 1.0, f: 0.0 };

    /// A move by so many pixels.
    pub fn shift(x: f64, y: f64) -> Self {
        Self { c: x, f: y, ..Self::IDENTITY }
    }

    /// The linear map `[[a, b], [d, e]]` about the centre of an image of this height and width.
    pub fn about_centre(linear: [f64; 4], size: (usize, usize)) -> Self {
        let [a, b, d, e] = linear;
        let (x, y) = centre(size);
        Self::shift(-x, -y).then(Self { a, b, d, e, ..Self::IDENTITY }).then(Self::shift(x, y))
    }

    /// First this map, then `next`.
    pub fn then(self, next: Self) -> Self {
        let (x, y) = next.apply(self.c, self.f);
        Self {
            a: next.a * self.a + next.b * self.d,
            b: next.a * self.b + next.b * self.e,
            c: x,
            d: next.d * self.a + next.e * self.d,
            e: next.d * self.b + next.e * self.e,
            f: y,
        }
    }

    /// Where a point comes to lie.
    pub fn apply(&self, x: f64, y: f64) -> (f64, f64) {
        (self.a * x + self.b * y + self.c, self.d * x + self.e * y + self.f)
    }

    /// The way back. A map that flattens the plane has none; no transform makes one, and it comes back as the
    /// identity.
    pub fn inverse(&self) -> Self {
        let determinant = self.a * self.e - self.b * self.d;
        if determinant == 0.0 {
            return Self::IDENTITY;
        }
        let (a, b) = (self.e / determinant, -self.b / determinant);
        let (d, e) = (-self.d / determinant, self.a / determinant);
        Self { a, b, d, e, c: -(a * self.c + b * self.f), f: -(d * self.c + e * self.f) }
    }

    /// The map in whole numbers, when it is a flip or a turn that brings pixels onto pixels.
    pub fn on_pixels(&self) -> Option<[i64; 6]> {
        let all = [self.a, self.b, self.c, self.d, self.e, self.f];
        let whole = all.map(f64::round);
        let close = all.iter().zip(whole).all(|(value, whole)| (value - whole).abs() < 1e-9);
        let turn = whole[0].abs() + whole[1].abs() == 1.0 && whole[3].abs() + whole[4].abs() == 1.0;
        (close && turn).then(|| whole.map(|value| value as i64))
    }
}

/// The centre of an image of this height and width, between the pixels when their number is even.
fn centre((height, width): (usize, usize)) -> (f64, f64) {
    ((width as f64 - 1.0) / 2.0, (height as f64 - 1.0) / 2.0)
}
