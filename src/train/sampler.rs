//! What the machine does beside the loop, measured by a thread of its own and written into the run's folder. Names and
//! units are those of MLflow's system metrics.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use nvml_wrapper::Nvml;
use sysinfo::{Disks, Networks, System};

use crate::runs::{RunFolder, SystemSample};

/// Between two samples.
const PERIOD: Duration = Duration::from_secs(10);
const MEGABYTE: f64 = 1e6;

/// Samples the machine while it lives.
pub struct Sampler {
    /// Dropped to end the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sampler {
    /// Begins: a first sample after one period, so that loads are those of the run, and a last one at its end.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(folder: RunFolder) -> io::Result<Self> {
        let (stop, stopped) = channel::<()>();
        let thread = std::thread::Builder::new().name("system".into()).spawn(move || {
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
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // It has nothing to tell.
            let _ = thread.join();
        }
    }
}

struct Machine {
    system: System,
    networks: Networks,
    /// Bytes received and sent by all interfaces when the run began.
    network_before: [u64; 2],
    disks: Disks,
    runs: PathBuf,
    /// `None` where there is no driver of NVIDIA's.
    gpus: Option<Nvml>,
}

impl Machine {
    fn new(runs: &Path) -> Self {
        let networks = Networks::new_with_refreshed_list();
        let mut system = System::new();
        // A load is what happened between two looks.
        system.refresh_cpu_usage();
        Self {
            system,
            network_before: traffic(&networks),
            networks,
            disks: Disks::new_with_refreshed_list(),
            runs: runs.to_owned(),
            gpus: Nvml::init().ok(),
        }
    }

    fn measure(&mut self) -> BTreeMap<String, f64> {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory();
        self.networks.refresh(true);
        self.disks.refresh(true);
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
        let holds_runs = self.disks.iter().filter(|disk| self.runs.starts_with(disk.mount_point()));
        if let Some(disk) = holds_runs.max_by_key(|disk| disk.mount_point().as_os_str().len()) {
            let (all, free) = (disk.total_space() as f64, disk.available_space() as f64);
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
