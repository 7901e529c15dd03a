//! Films and labels in memory: one contiguous array each.

/// Grey films of one size, row after row in one allocation (`uint8 N,H,W`, 0 black to 255 white).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Films {
    pixels: Vec<u8>,
    height: usize,
    width: usize,
}

impl Films {
    /// Wraps `pixels` (`N*H*W` bytes). `None` when the length is no multiple of a film's area or the area is 0.
    pub fn new(pixels: Vec<u8>, height: usize, width: usize) -> Option<Self> {
        let area = height.checked_mul(width)?;
        (area > 0 && pixels.len().is_multiple_of(area)).then_some(Self { pixels, height, width })
    }

    /// Number of films, N.
    pub fn len(&self) -> usize {
        self.pixels.len() / self.area()
    }

    /// Whether there is no film.
    pub fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }

    /// Rows of a film, H.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns of a film, W.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels of one film, H*W.
    pub fn area(&self) -> usize {
        self.height * self.width
    }

    /// The pixels of film `index` (`H*W` bytes, row by row).
    pub fn film(&self, index: usize) -> &[u8] {
        let area = self.area();
        &self.pixels[index * area..(index + 1) * area]
    }

    /// All pixels (`N*H*W` bytes).
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Keeps the first `count` films.
    pub fn truncate(&mut self, count: usize) {
        self.pixels.truncate(count * self.area());
        self.pixels.shrink_to_fit();
    }
}

/// Label rows, each value 0 or 1 (`uint8 N,C`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    values: Vec<u8>,
    classes: usize,
}

impl Labels {
    /// Wraps `values` (`N*C` bytes of 0 or 1). `None` when the length doesn't fit or a value is neither.
    pub fn new(values: Vec<u8>, classes: usize) -> Option<Self> {
        let fits = classes > 0 && values.len().is_multiple_of(classes) && values.iter().all(|v| *v <= 1);
        fits.then_some(Self { values, classes })
    }

    /// Number of rows, N.
    pub fn len(&self) -> usize {
        self.values.len() / self.classes
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Number of conditions, C.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The labels of film `index` (`C` values).
    pub fn row(&self, index: usize) -> &[u8] {
        &self.values[index * self.classes..(index + 1) * self.classes]
    }

    /// All rows one after another.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.values.chunks_exact(self.classes)
    }

    /// All values (`N*C`).
    pub fn values(&self) -> &[u8] {
        &self.values
    }

    /// Keeps the first `count` rows.
    pub fn truncate(&mut self, count: usize) {
        self.values.truncate(count * self.classes);
    }
}
