//! The problems that `tests/reference/evaluation_golden.py` computes from a seed, computed here again. All draws are
//! integers, so both sides have the same images to the last bit; its docstring is the definition.

use chestxr_tui::random::SplitMix64;

/// One of `values`, each as likely.
fn one_of(random: &mut SplitMix64, values: &[u64]) -> u64 {
    values[random.below(values.len() as u64) as usize]
}

/// The exponent of the number of score levels.
fn exponent(random: &mut SplitMix64) -> u64 {
    one_of(random, &[2, 3, 5, 8, 12, 16])
}

/// N x C images, row-major.
#[derive(Debug)]
pub struct Problem {
    pub n: usize,
    pub c: usize,
    pub thresholds: Vec<f32>,
    pub labels: Vec<u8>,
    pub scores: Vec<f32>,
    /// The sum of all scores before they are divided.
    pub k_sum: u64,
}

pub fn problem(seed: u64) -> Problem {
    let mut random = SplitMix64::new(seed);
    let m = exponent(&mut random);
    let level = 1 << m;
    let band = random.below(4) as usize;
    let n = ([2, 10, 41, 151][band] + random.below([8, 31, 110, 250][band])) as usize;
    let (c1, c2) = (random.below(14), random.below(14));
    let c = 1 + c1.min(c2) as usize;
    let (mut conditions, mut thresholds) = (Vec::new(), Vec::new());
    for _ in 0..c {
        let (kind, e) = (random.below(16), random.below(1001));
        let rate = match kind {
            0 => 0,
            1 => 1000,
            2..12 => e % 301,
            _ => e,
        };
        conditions.push((rate, random.below(level / 2 + 1)));
        thresholds.push(random.below(49) as f32 / 64.0);
    }
    let mut made = Problem { n, c, thresholds, labels: Vec::new(), scores: Vec::new(), k_sum: 0 };
    for _ in 0..n {
        for (rate, shift) in &conditions {
            let label = random.below(1000) < *rate;
            let (a, b) = (random.below(level + 1), random.below(level + 1));
            let k = level.min(((a * b) >> m) + if label { *shift } else { 0 });
            made.labels.push(label.into());
            made.scores.push(k as f32 / level as f32);
            made.k_sum += k;
        }
    }
    made
}

/// Two networks on the same N images of one condition.
#[derive(Debug)]
pub struct Pair {
    pub labels: Vec<u8>,
    pub a: Vec<f32>,
    pub b: Vec<f32>,
    pub k_sums: [u64; 2],
}

pub fn pair(seed: u64) -> Pair {
    let mut random = SplitMix64::new(seed);
    let m = exponent(&mut random);
    let level = 1 << m;
    let band = random.below(4) as usize;
    let n = 4 + random.below([6, 30, 120, 396][band]);
    let rate = 100 + random.below(801);
    let shifts = [random.below(level / 2 + 1), random.below(level / 2 + 1)];
    let mut made = Pair { labels: Vec::new(), a: Vec::new(), b: Vec::new(), k_sums: [0; 2] };
    for _ in 0..n {
        let label = random.below(1000) < rate;
        let a = random.below(level + 1);
        let others = [random.below(level + 1), random.below(level + 1)];
        let k = |network: usize| {
            level.min(((a * others[network]) >> m) + if label { shifts[network] } else { 0 })
        };
        made.labels.push(label.into());
        made.a.push(k(0) as f32 / level as f32);
        made.b.push(k(1) as f32 / level as f32);
        made.k_sums[0] += k(0);
        made.k_sums[1] += k(1);
    }
    made
}

/// N x C logits, row-major.
#[derive(Debug)]
pub struct Logits {
    pub n: usize,
    pub c: usize,
    pub labels: Vec<u8>,
    pub logits: Vec<f32>,
    pub k_sum: i64,
}

pub fn logits(seed: u64) -> Logits {
    let mut random = SplitMix64::new(seed);
    let n = 5 + random.below(96) as usize;
    let c = 1 + random.below(5) as usize;
    let rate = 100 + random.below(601);
    let spread = one_of(&mut random, &[64, 128, 256, 512]);
    let shift = 64 + random.below(385) as i64;
    let mut made = Logits { n, c, labels: Vec::new(), logits: Vec::new(), k_sum: 0 };
    for _ in 0..n * c {
        let label = random.below(1000) < rate;
        let drawn = (random.below(spread + 1) + random.below(spread + 1)) as i64;
        let k = drawn - spread as i64 - shift / 2 + if label { shift } else { 0 };
        let k = k.clamp(-512, 512);
        made.labels.push(label.into());
        made.logits.push(k as f32 / 64.0);
        made.k_sum += k;
    }
    made
}
