//! Steps that run `cameo bench`.

use std::fs;
use std::path::Path;
use std::process::Command;

use cameo_models::Network;
use serde_json::Value;

use super::step::{Problem, Step};

/// Measures all stages of photos of `sizes`, in megapixels.
pub fn bench(
    step: &mut Step<'_>,
    engine: &str,
    network: Network,
    sizes: &str,
    runs: u16,
    more: &[&str],
) -> Result<(), Problem> {
    // The figures of the CPU have the same form, and come a hundred times as fast as those of a software adapter.
    let (engine, sizes, runs) = if step.kit.quick { ("cpu", "0.05", 1) } else { (engine, sizes, runs) };
    let file = step.folder("bench")?.join("report.json");
    let runs = runs.to_string();
    let mut command = step.kit.cameo(&["bench", "--engine", engine, "--model", network.name(), "--sizes", sizes]);
    command.args(["--runs", &runs, "--json"]).arg(&file).args(more);
    step.run(&mut command)?;
    let report = read_json(&file)?;
    show(step, &report)?;
    step.reports.push(report);
    Ok(())
}

/// Records the figures of a report of `cameo bench`.
fn show(step: &mut Step<'_>, report: &Value) -> Result<(), String> {
    let [engine] = &array(report, "engines")?[..] else { return Err("one engine was asked for".into()) };
    step.fact("device", engine["device"].as_str().unwrap_or_default());
    step.figure("start", number(engine, "load_ms")?, "ms");
    for photo in array(engine, "sizes")? {
        let size = format!("{}x{}", photo["width"], photo["height"]);
        step.figure(format!("{size}, all stages"), number(photo, "total_ms")?, "ms");
        for stage in array(photo, "stages")? {
            let name = stage["stage"].as_str().unwrap_or_default();
            step.figure(format!("{size}, {name}"), number(stage, "ms")?, "ms");
        }
        if let Some(peak) = photo["peak_mib"].as_f64() {
            step.figure(format!("{size}, peak memory of the host"), peak, "MiB");
        }
    }
    Ok(())
}

fn read_json(file: &Path) -> Result<Value, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("cameo bench wrote no figures: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("the figures are no JSON: {error}"))
}

fn array<'a>(value: &'a Value, name: &str) -> Result<&'a Vec<Value>, String> {
    value[name].as_array().filter(|array| !array.is_empty()).ok_or_else(|| format!("the figures have no {name}"))
}

fn number(value: &Value, name: &str) -> Result<f64, String> {
    value[name].as_f64().ok_or_else(|| format!("the figures have no {name}"))
}

/// Counts what a photo of 12 megapixels asks of the GPU.
pub fn counters(step: &mut Step<'_>, network: Network) -> Result<(), Problem> {
    if step.kit.quick {
        return Err(Problem::Skipped("it takes minutes on a software adapter, and the GPU tests check it".into()));
    }
    let ended = step.run(&mut step.kit.cameo(&["bench", "--roofline", "--model", network.name()]))?;
    let line = |start: &str| ended.stdout.lines().find(|line| line.starts_with(start));
    let all = line("all ").ok_or_else(|| "the roofline has no line of all stages".to_string())?;
    let counters = line("submissions").ok_or_else(|| "the roofline has no counters".to_string())?;
    let numbers = all.split_whitespace().skip(1).filter_map(|word| word.parse::<f64>().ok());
    for (number, (name, unit)) in numbers.zip([("dispatches", ""), ("moved", "MB"), ("convolutions", "GFLOP")]) {
        step.figure(name, number, unit);
    }
    step.fact("counters", counters);
    Ok(())
}

/// GPUs whose data sheets `cameo bench` knows: a part of the driver's name, and the name on the command line.
const GPUS: [(&str, &str); 5] = [("H100", "h100"), ("H200", "h200"), ("T4", "t4"), ("L4", "l4"), ("4090", "rtx4090")];

/// The kernels of which the table has the times. The JSON has all.
const KERNELS: usize = 12;

/// Measures the time of each kernel by timestamps of the GPU.
pub fn kernels(step: &mut Step<'_>, network: Network) -> Result<(), Problem> {
    if step.kit.quick && network == Network::IsNet {
        return Err(Problem::Skipped("it takes twenty minutes on a software adapter".into()));
    }
    let mut query = Command::new("nvidia-smi");
    let name = step.run(query.args(["--query-gpu=name", "--format=csv,noheader"])).map(|ended| ended.stdout);
    let name = name.unwrap_or_default();
    let known = GPUS.iter().find(|(part, _)| name.contains(part));
    let gpu = known.map_or("l4", |(_, id)| id);
    let [size, runs] = if step.kit.quick { ["0.05", "1"] } else { ["12", "5"] };
    let file = step.folder("bench")?.join("kernels.json");
    let mut command = step.kit.cameo(&["bench", "--roofline", gpu, "--gpu-times", "--model", network.name()]);
    step.run(command.args(["--sizes", size, "--runs", runs, "--json"]).arg(&file))?;
    let report = read_json(&file)?;
    let mut times = Vec::new();
    for stage in array(&report, "stages")? {
        let name = stage["stage"].as_str().unwrap_or_default();
        let mut sum = 0.0;
        // Copies have no kernels.
        for kernel in stage["kernels"].as_array().into_iter().flatten() {
            let ms = number(kernel, "ms")?;
            sum += ms;
            let [gigabytes, teraflops] =
                [number(kernel, "bound_bytes")? / ms / 1e6, number(kernel, "operations")? / ms / 1e9];
            let kernel = format!("{name}, {}", kernel["kernel"].as_str().unwrap_or_default());
            times.push((ms, format!("{ms:.3} ms, {gigabytes:.0} GB/s, {teraflops:.2} TFLOP/s"), kernel));
        }
        let shortest = number(stage, "min_ms")?;
        step.fact(name, &format!("{sum:.3} ms in kernels; on the data sheet of {gpu} at least {shortest:.3} ms"));
    }
    if times.is_empty() {
        return Err(Problem::Failed("no kernel was timed".into()));
    }
    times.sort_by(|one, other| other.0.total_cmp(&one.0));
    times.iter().take(KERNELS).for_each(|(_, text, kernel)| step.fact(kernel, text));
    step.reports.push(report);
    Ok(())
}

/// Processes many small photos; `cameo bench` fails if memory grows.
pub fn soak(step: &mut Step<'_>, network: Network) -> Result<(), Problem> {
    if step.kit.quick {
        return Err(Problem::Skipped("fewer photos than a thousand show nothing, and those take minutes".into()));
    }
    let arguments = ["bench", "--engine", "gpu", "--model", network.name(), "--soak", "1000"];
    let ended = step.run(&mut step.kit.cameo(&arguments))?;
    step.fact("memory", &ended.stdout);
    Ok(())
}
