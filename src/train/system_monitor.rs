//! What the machine does beside the loop, measured by a thread of its own and written into the run's folder. Names and
//! units are those of MLflow's system metrics.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use nvml_wrapper::Nvml;
use sysinfo::{Networks, System};

use crate::files::disk;
use crate::runs::{RunFolder, SystemSample};

/// Between two samples.
const PERIOD: Duration = Duration::from_secs(10);
/// At most so long is waited for the last sample: a driver or a disk that is gone answers never.
const LAST_SAMPLE: Duration = Duration::from_secs(1);
const MEGABYTE: f64 = 1e6;

/// Samples the machine while it lives.
pub struct SystemMonitor {
    /// Dropped to end the thread.
    stop: Option<Sender<()>>,
    /// Says by its end that the thread has come to its own.
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl SystemMonitor {
    /// Begins: a first sample after one period, so that loads are those of the run, and a last one at its end.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(folder: RunFolder) -> io::Result<Self> {
        let (stop, stopped) = channel::<()>();
        let (ends, ended) = channel::<()>();
        let thread = std::thread::Builder::new().name("system".into()).spawn(move || {
            let _ends = ends;
            let mut machine = Machine::new(folder.path());
            loop {
                let goes_on = stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout);
                let sample = SystemSample { time: Timestamp::now(), values: machine.measure() };
                // A disk that can't be written ends the run by its journal; a sample is no reason to.
                if folder.append_system(&sample).is_err() || !goes_on {
                    return;
                }
            }
        })?;
        Ok(Self { stop: Some(stop), ended, thread: Some(thread) })
    }
}

impl Drop for SystemMonitor {
    fn drop(&mut self) {
        self.stop = None;
        let has_ended = self.ended.recv_timeout(LAST_SAMPLE) == Err(RecvTimeoutError::Disconnected);
        if let Some(thread) = self.thread.take().filter(|_| has_ended) {
            // There is nothing to report.
            let _ = thread.join();
        }
    }
}

struct Machine {
    system: System,
    networks: Networks,
    /// Bytes received and sent by all interfaces when the run began.
    network_before: [u64; 2],
    /// The run's folder.
    run: PathBuf,
    /// `None` where there is no driver of NVIDIA's.
    gpus: Option<Nvml>,
}

impl Machine {
    fn new(run: &Path) -> Self {
        let networks = Networks::new_with_refreshed_list();
        let mut system = System::new();
        // A load is what happened between two looks.
        system.refresh_cpu_usage();
        Self {
            system,
            network_before: traffic(&networks),
            networks,
            run: run.to_owned(),
            gpus: Nvml::init().ok(),
        }
    }

    fn measure(&mut self) -> BTreeMap<String, f64> {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory();
        self.networks.refresh(true);
        let mut values = BTreeMap::new();
        let mut put = |key: &str, value: f64| {
            if value.is_finite() {
                values.insert(key.to_owned(), value);
            }
        };
        put("cpu_utilization_percentage", f64::from(self.system.global_cpu_usage()));
        let (used, total) = (self.system.used_memory() as f64, self.system.total_memory() as f64);
        put("system_memory_usage_megabytes", used / MEGABYTE);
        put("system_memory_usage_percentage", 100.0 * used / total);
        // Only the disk of the run's own folder is queried: a dead mount elsewhere would block the query.
        if let Some(disk) = disk(&self.run) {
            let (all, free) = (disk.total as f64, disk.free as f64);
            put("disk_usage_percentage", 100.0 * (all - free) / all);
            put("disk_usage_megabytes", (all - free) / MEGABYTE);
            put("disk_available_megabytes", free / MEGABYTE);
        }
        let [received, sent] = traffic(&self.networks);
        put("network_receive_megabytes", received.saturating_sub(self.network_before[0]) as f64 / MEGABYTE);
        put("network_transmit_megabytes", sent.saturating_sub(self.network_before[1]) as f64 / MEGABYTE);
        if let Some(nvml) = &self.gpus {
            for index in 0..nvml.device_count().unwrap_or(0) {
                let Ok(gpu) = nvml.device_by_index(index) else { continue };
                let name = |what: &str| format!("gpu_{index}_{what}");
                if let Ok(use_now) = gpu.utilization_rates() {
                    put(&name("utilization_percentage"), f64::from(use_now.gpu));
                }
                if let Ok(memory) = gpu.memory_info() {
                    put(&name("memory_usage_megabytes"), memory.used as f64 / MEGABYTE);
                    put(&name("memory_usage_percentage"), 100.0 * memory.used as f64 / memory.total as f64);
                }
                if let Ok(milliwatts) = gpu.power_usage() {
                    put(&name("power_usage_watts"), f64::from(milliwatts) / 1000.0);
                }
            }
        }
        values
    }
}

/// Bytes received and sent since the machine started.
fn traffic(networks: &Networks) -> [u64; 2] {
    networks.iter().fold([0, 0], |[received, sent], (_, network)| {
        [received + network.total_received(), sent + network.total_transmitted()]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_loads_within_their_bounds() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut machine = Machine::new(folder.path());
        std::thread::sleep(Duration::from_millis(250));
        let values = machine.measure();
        for key in ["cpu_utilization_percentage", "system_memory_usage_percentage", "disk_usage_percentage"] {
            assert!((0.0..=100.0).contains(&values[key]), "{key} {}", values[key]);
        }
        assert!(values["system_memory_usage_megabytes"] > 1.0);
        assert!(values["network_receive_megabytes"] >= 0.0);
    }
}
