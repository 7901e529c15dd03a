//! What a pass over images consists of.

use std::sync::Arc;

/// Which images come, in which order, in batches of which size.
#[derive(Clone, Debug)]
pub struct Epoch {
    /// Images in the order they come.
    order: Arc<Vec<usize>>,
    /// How often each has come before; empty when each comes once.
    times: Arc<Vec<u32>>,
    /// Images in a batch; the last may have fewer.
    batch_size: usize,
    seed: u64,
    number: usize,
}

impl Epoch {
    /// Epoch `number` (from 1) of a training with this `seed`: each has augmentations of its own. `order` may have an image
    /// more than once.
    ///
    /// # Panics
    /// When `batch_size` is 0, which no setting allows.
    pub fn new(order: Vec<usize>, batch_size: usize, seed: u64, number: usize) -> Self {
        assert!(batch_size > 0, "a batch has an image at least");
        let times = times(&order);
        Self { order: Arc::new(order), times: Arc::new(times), batch_size, seed, number }
    }

    /// `count` images in their own order, once.
    pub fn in_order(count: usize, batch_size: usize) -> Self {
        Self::new((0..count).collect(), batch_size.max(1), 0, 0)
    }

    /// The images in order.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Seed of the augmentation.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Which epoch it is, from 1; 0 for a pass without augmentation.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Number of batches.
    pub fn batches(&self) -> usize {
        self.order.len().div_ceil(self.batch_size)
    }

    /// The places in the order that batch `number` (from 0) covers.
    pub fn range(&self, number: usize) -> std::ops::Range<usize> {
        let from = (number * self.batch_size).min(self.order.len());
        from..self.order.len().min(from + self.batch_size)
    }

    /// The images of batch `number`, each with how often it has come before.
    pub fn batch(&self, number: usize) -> impl ExactSizeIterator<Item = (usize, u32)> + Clone + '_ {
        self.range(number).map(|place| self.at(place))
    }

    /// The image at a place of the order, with how often it has come before.
    pub fn at(&self, place: usize) -> (usize, u32) {
        (self.order[place], self.times.get(place).copied().unwrap_or(0))
    }
}

/// How often each image of an order has come before; empty when none has.
fn times(order: &[usize]) -> Vec<u32> {
    let mut seen = vec![0; order.iter().max().map_or(0, |last| last + 1)];
    let times: Vec<u32> = order
        .iter()
        .map(|image| {
            seen[*image] += 1;
            seen[*image] - 1
        })
        .collect();
    if times.iter().all(|time| *time == 0) { Vec::new() } else { times }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_cover_the_order_and_count_what_comes_again() {
        let epoch = Epoch::new(vec![4, 2, 4, 0, 4], 2, 7, 3);
        assert_eq!(epoch.batches(), 3);
        let batches: Vec<Vec<(usize, u32)>> = (0..3).map(|number| epoch.batch(number).collect()).collect();
        assert_eq!(batches, [vec![(4, 0), (2, 0)], vec![(4, 1), (0, 0)], vec![(4, 2)]]);
        assert_eq!(epoch.range(2), 4..5);
        assert!(Epoch::in_order(5, 2).times.is_empty());
        assert_eq!(Epoch::in_order(0, 2).batches(), 0);
    }
}
