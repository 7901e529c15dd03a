//! Where the time of a pass goes.

use std::time::{Duration, Instant};

use super::Shares;

/// Interval between progress events.
const BEAT: Duration = Duration::from_millis(200);
/// The weight of a new beat in the smoothed speed: the last two seconds make up most of it.
const SMOOTHING: f64 = 0.15;

/// What a stretch of time was spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Images gathered and moved to the device.
    Data,
    /// The network and the optimizer.
    Compute,
    /// Copying what a checkpoint keeps; it is written beside training.
    Checkpoint,
    /// Commands, progress, metrics.
    Metrics,
    /// A pause; counts for nothing.
    Paused,
}

/// Times one pass over the images: every stretch between two laps goes to what was done in it.
#[derive(Debug)]
pub struct Meter {
    lap: Instant,
    beat: Instant,
    spent: [Duration; 4],
    steps: usize,
    images: usize,
    images_at_beat: usize,
    rate: Option<f64>,
}

impl Meter {
    /// A pass begins now.
    pub fn start() -> Self {
        let now = Instant::now();
        Self {
            lap: now,
            beat: now,
            spent: [Duration::ZERO; 4],
            steps: 0,
            images: 0,
            images_at_beat: 0,
            rate: None,
        }
    }

    /// The time since the last lap was spent on `work`.
    pub fn lap(&mut self, work: Work) {
        let now = Instant::now();
        let stretch = now - self.lap;
        self.lap = now;
        match work {
            Work::Data => self.spent[0] += stretch,
            Work::Compute => self.spent[1] += stretch,
            Work::Checkpoint => self.spent[2] += stretch,
            Work::Metrics => self.spent[3] += stretch,
            // A beat measures speed, and a pause has none.
            Work::Paused => {
                self.beat = now;
                self.images_at_beat = self.images;
            }
        }
    }

    /// So many images more went through.
    pub fn images(&mut self, count: usize) {
        self.images += count;
        self.steps += 1;
    }

    /// Whether progress is due again. The smoothed speed is brought up to date then.
    pub fn beats(&mut self) -> bool {
        let since = self.beat.elapsed();
        if since < BEAT {
            return false;
        }
        let now = (self.images - self.images_at_beat) as f64 / since.as_secs_f64();
        self.rate = Some(self.rate.map_or(now, |rate| rate + SMOOTHING * (now - rate)));
        self.beat += since;
        self.images_at_beat = self.images;
        true
    }

    /// Images a second over the last seconds; over all before the first beat.
    pub fn rate(&self) -> f64 {
        self.rate.unwrap_or_else(|| self.mean_rate())
    }

    /// Images a second over the whole pass.
    pub fn mean_rate(&self) -> f64 {
        let seconds = self.seconds();
        if seconds > 0.0 { self.images as f64 / seconds } else { 0.0 }
    }

    /// Seconds of the pass, pauses left out.
    pub fn seconds(&self) -> f64 {
        self.spent.iter().sum::<Duration>().as_secs_f64()
    }

    /// Seconds a batch of this pass.
    pub fn seconds_a_step(&self) -> f64 {
        self.seconds() / self.steps.max(1) as f64
    }

    /// What the time of the pass was spent on.
    pub fn shares(&self) -> Shares {
        let all = self.seconds().max(f64::MIN_POSITIVE);
        let [data, compute, checkpoint, metrics] = self.spent.map(|spent| spent.as_secs_f64() / all);
        Shares { data, compute, checkpoint, metrics }
    }
}

/// Resident memory of this process in bytes; 0 where it is unknown.
pub fn resident_memory() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|statm| statm.split_whitespace().nth(1)?.parse::<u64>().ok());
    // SAFETY: sysconf only reads a constant of the system.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    pages.unwrap_or(0) * u64::try_from(page).unwrap_or(0)
}
