//! Steps that process many photos.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use cameo_models::Network;

use super::step::{Problem, Step};

/// Photos of a batch.
const PHOTOS: usize = 60;

/// How often the memory of the GPU is read.
const INTERVAL: Duration = Duration::from_millis(200);

/// Makes a photo of 12 megapixels from the sample: what travels to the host stays small.
pub fn make_photo(step: &mut Step<'_>) -> Result<(), Problem> {
    let sample = step.kit.path("samples/astronaut.png");
    let photo = step.kit.work().join("photo.png");
    if step.kit.quick {
        fs::copy(&sample, &photo).map_err(|error| format!("cannot copy the sample: {error}"))?;
        return Ok(());
    }
    let larger = step.kit.work().join("larger.png");
    for (input, scale, output) in [(&sample, "4", &larger), (&larger, "1.7", &photo)] {
        let mut command = step.kit.cameo(&["enhance", "--device", "gpu", "--scale", scale, "--output"]);
        step.run(command.arg(output).arg(input))?;
    }
    Ok(())
}

/// Fills a folder with `count` copies of the photo.
fn fill(step: &Step<'_>, count: usize) -> Result<PathBuf, String> {
    let folder = step.folder("photos")?;
    let photo = step.kit.work().join("photo.png");
    for i in 0..count {
        fs::hard_link(&photo, folder.join(format!("{i}.png")))
            .map_err(|error| format!("cannot link the photo: {error}"))?;
    }
    Ok(folder)
}

/// Processes photos eight at a time, which shows what the host can do beside the GPU.
pub fn batch(step: &mut Step<'_>, network: Network) -> Result<(), Problem> {
    let count = if step.kit.quick { 3 } else { PHOTOS };
    let photos = fill(step, count)?;
    let results = step.folder("results")?;
    let cpu_before = cpu_seconds_of_children();
    let ended = step.run(step.kit.process(network, "gpu", "8").arg(&results).arg(&photos))?;
    check_count(&ended.stdout, count)?;
    step.figure("photos", count as f64, "");
    step.figure("photos a second, start included", count as f64 / ended.seconds, "");
    if let (Some(before), Some(after)) = (cpu_before, cpu_seconds_of_children()) {
        step.figure("cores in use", (after - before) / ended.seconds, "");
    }
    step.folder("results")?;
    Ok(())
}

/// Runs three processes at once, as a server with three workers does, and reads how much memory of the GPU they take.
pub fn three_workers(step: &mut Step<'_>, network: Network) -> Result<(), Problem> {
    let count = if step.kit.quick { 1 } else { PHOTOS / 3 };
    let photos = fill(step, count)?;
    let results = step.folder("results")?;
    let before = gpu_memory_mib();
    let start = Instant::now();
    let mut workers = Vec::new();
    for i in 0..3 {
        let name = format!("worker-{i}");
        let mut command = step.kit.process(network, "gpu", "2");
        workers.push(step.start(command.arg(results.join(&name)).arg(&photos), &name)?);
    }
    let mut most = before.unwrap_or_default();
    while step.has_time() && workers.iter_mut().any(|worker| worker.runs()) {
        thread::sleep(INTERVAL);
        most = gpu_memory_mib().map_or(most, |now| now.max(most));
    }
    let seconds = start.elapsed().as_secs_f64();
    for ended in workers.into_iter().map(|worker| step.wait(worker)).collect::<Vec<_>>() {
        if let Some(failure) = ended.failure {
            return Err(failure.into());
        }
        check_count(&ended.stdout, count)?;
    }
    step.figure("photos", 3.0 * count as f64, "");
    step.figure("photos a second, start included", 3.0 * count as f64 / seconds, "");
    match before {
        Some(before) => step.figure("memory of the GPU, of all three", most - before, "MiB"),
        None => step.fact("memory of the GPU", "not known without nvidia-smi"),
    }
    step.folder("results")?;
    Ok(())
}

/// Checks that all `count` photos were processed.
fn check_count(lines: &str, count: usize) -> Result<(), String> {
    match lines.lines().filter(|line| line.contains("\"ms\"")).count() {
        written if written == count => Ok(()),
        written => Err(format!("{written} of {count} photos were processed")),
    }
}

/// Returns how much memory of the GPU is in use; `None` if there is no `nvidia-smi`.
fn gpu_memory_mib() -> Option<f64> {
    let mut query = Command::new("nvidia-smi");
    let output = query.args(["--query-gpu=memory.used", "--format=csv,noheader,nounits"]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    // Of several GPUs, the sum: any of them may be the one in use.
    text.lines().map(|line| line.trim().parse::<f64>().ok()).sum::<Option<f64>>().filter(|_| output.status.success())
}

/// Returns the processor time of the programs that have ended, as Linux counts it; `None` on other systems.
fn cpu_seconds_of_children() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The fields after the name in parentheses begin with the third. The 16th and the 17th count in hundredths.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3)?.parse::<f64>().ok();
    Some((ticks(16)? + ticks(17)?) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photos_that_are_missing_are_noticed() {
        let lines = "{\"output\":\"a.png\",\"ms\":{}}\n{\"input\":\"b.png\",\"error\":\"bad\"}\n";
        assert_eq!(check_count(lines, 1), Ok(()));
        assert_eq!(check_count(lines, 2), Err("1 of 2 photos were processed".into()));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_time_of_programs_that_ended_is_counted() {
        let before = cpu_seconds_of_children().unwrap();
        Command::new("sh").args(["-c", "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done"]).status().unwrap();
        assert!(cpu_seconds_of_children().unwrap() > before);
    }
}
