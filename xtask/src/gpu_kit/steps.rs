//! The steps of both parts, in their order: first whether results are right, then how long they take.

use std::fs;
use std::time::Duration;

use cameo_models::{Manifest, Network};

use super::archive;
use super::batch::{batch, make_photo, three_workers};
use super::bench::{bench, counters, kernels, soak};
use super::pack::{BASE, RIVAL, WEIGHT_PIECES};
use super::pictures;
use super::step::{Problem, Step, clear};

type Action = Box<dyn Fn(&mut Step<'_>) -> Result<(), Problem>>;

/// A step that will run.
pub struct Planned {
    pub name: String,
    /// The most time that it takes.
    pub limit: Duration,
    pub action: Action,
}

fn plan(
    name: impl Into<String>,
    seconds: u64,
    action: impl Fn(&mut Step<'_>) -> Result<(), Problem> + 'static,
) -> Planned {
    Planned { name: name.into(), limit: Duration::from_secs(seconds), action: Box::new(action) }
}

pub fn part_one() -> Vec<Planned> {
    let network = Network::U2NetP;
    let mut steps = vec![
        plan("unpack", 30, unpack),
        plan("host", 20, host),
        plan("doctor, cold", 60, doctor_without_isnet),
        plan("doctor, warm", 60, warm_doctor),
        plan("GPU tests", 100, |step| gpu_tests(step, &["--skip", "isnet"])),
        plan("photo", 30, make_photo),
    ];
    steps.extend(measurements(network));
    steps.push(plan(format!("{network}, CPU"), 60, move |step| bench(step, "cpu", network, "1,12", 3, &[])));
    steps.push(plan("soak", 90, move |step| soak(step, network)));
    steps
}

pub fn part_two() -> Vec<Planned> {
    let network = Network::IsNet;
    let mut steps = vec![
        plan("weights", 30, complete_weights),
        plan("doctor", 60, doctor),
        plan("GPU tests, isnet", 60, |step| gpu_tests(step, &["isnet"])),
    ];
    steps.extend(measurements(network));
    steps.push(plan("isnet, PyTorch", 90, rival));
    steps
}

/// Returns the steps that both parts have, each with its network.
fn measurements(network: Network) -> Vec<Planned> {
    let name = |what: &str| format!("{network}, {what}");
    vec![
        plan(name("pictures"), 60, move |step| compare_engines(step, network)),
        plan(name("GPU"), 90, move |step| bench(step, "gpu", network, "1,12", 20, &[])),
        // Enlarged twice, the result would have more pixels than the limits allow.
        plan(name("50 MP"), 60, move |step| bench(step, "gpu", network, "50", 3, &["--scale", "1.4"])),
        plan(name("counters"), 60, move |step| counters(step, network)),
        plan(name("kernels"), 60, move |step| kernels(step, network)),
        plan(name("batch"), 90, move |step| batch(step, network)),
        plan(name("3 workers"), 90, move |step| three_workers(step, network)),
    ]
}

fn unpack(step: &mut Step<'_>) -> Result<(), Problem> {
    let kit = step.kit;
    archive::unpack_files(&kit.part.join(BASE), &kit.folder)?;
    // Part 2 finds it there.
    let [first, _] = WEIGHT_PIECES;
    fs::copy(kit.part.join(first), kit.path(first)).map_err(|error| format!("cannot copy {first}: {error}"))?;
    // The caches of an earlier run would make the first start warm.
    clear(&kit.work())?;
    if kit.uses_packed_loader {
        step.fact("Vulkan loader", "that of the kit, because the host has none");
    }
    Ok(())
}

fn complete_weights(step: &mut Step<'_>) -> Result<(), Problem> {
    let kit = step.kit;
    let [first, second] = WEIGHT_PIECES;
    let weights = archive::restore_weights(&[kit.path(first), kit.part.join(second)])?;
    let models = kit.path("models");
    let manifest = Manifest::read(&models).map_err(|error| error.to_string())?;
    let entry = manifest.entry(Network::IsNet).map_err(|error| error.to_string())?;
    crate::files::write(&models.join(&entry.file), &weights)?;
    entry.verified_path(&models).map_err(|error| error.to_string())?;
    Ok(())
}

/// What is known of the machine without Cameo.
fn host(step: &mut Step<'_>) -> Result<(), Problem> {
    step.figure("cores", std::thread::available_parallelism().map_or(1, usize::from) as f64, "");
    let fields =
        "name,driver_version,memory.total,clocks.max.sm,clocks.max.mem,pcie.link.gen.current,pcie.link.width.current";
    let mut query = std::process::Command::new("nvidia-smi");
    query.args([&format!("--query-gpu={fields}"), "--format=csv,noheader"]);
    match step.run(&mut query) {
        Ok(found) => step.fact("NVIDIA GPU", &found.stdout),
        // GPUs of other makers have no such program.
        Err(_) => step.fact("NVIDIA GPU", "not known: nvidia-smi does not run"),
    }
    Ok(())
}

/// Part 1 has no weights of IS-Net, which the doctor reports as a problem; it tests the other networks.
fn doctor_without_isnet(step: &mut Step<'_>) -> Result<(), Problem> {
    let ended = step.run_any(&mut step.kit.cameo(&["doctor", "--device", "gpu"]))?;
    show_doctor(step, &ended.stdout);
    match ended.failure {
        Some(failure) if ended.code != Some(1) || ended.stdout.contains("FAILED") => Err(failure.into()),
        _ if !ended.stdout.contains("passed") => Err(Problem::Failed("the self-test did not run".into())),
        _ => Ok(()),
    }
}

fn warm_doctor(step: &mut Step<'_>) -> Result<(), Problem> {
    match step.kit.quick {
        true => Err(Problem::Skipped("it runs what the cold one runs, and the check measures nothing".into())),
        false => doctor_without_isnet(step),
    }
}

fn doctor(step: &mut Step<'_>) -> Result<(), Problem> {
    let ended = step.run_any(&mut step.kit.cameo(&["doctor", "--device", "gpu"]))?;
    show_doctor(step, &ended.stdout);
    ended.failure.map_or(Ok(()), |failure| Err(failure.into()))
}

fn show_doctor(step: &mut Step<'_>, report: &str) {
    let adapter = report.lines().skip_while(|line| *line != "Adapters").nth(1);
    step.fact("adapter", adapter.unwrap_or("none"));
    let verdicts = report.lines().filter(|line| line.contains("passed") || line.contains("FAILED"));
    verdicts.for_each(|line| step.fact("self-test", line));
}

/// Tests that start the program of the build. Other steps run the same commands.
const TESTS_OF_PROGRAM: [&str; 3] = ["doctor::", "roofline::", "a_command_for_a_gpu"];

fn gpu_tests(step: &mut Step<'_>, selection: &[&str]) -> Result<(), Problem> {
    let mut tests = step.kit.gpu_tests();
    tests.args(if step.kit.quick { &["parity::edge", "selfie_agrees"] } else { selection });
    tests.args(TESTS_OF_PROGRAM.iter().flat_map(|name| ["--skip", name]));
    let ended = step.run_any(&mut tests)?;
    let count = |word: &str| {
        let words: Vec<&str> = ended.stdout.lines().filter(|line| line.starts_with("test result")).collect();
        let words: Vec<&str> = words.iter().flat_map(|line| line.split_whitespace()).collect();
        let found = words.windows(2).find(|pair| pair[1].trim_end_matches(';') == word);
        found.and_then(|pair| pair[0].parse::<f64>().ok()).unwrap_or_default()
    };
    step.figure("passed", count("passed"), "tests");
    step.figure("failed", count("failed"), "tests");
    let failed = ended.stdout.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
    failed.for_each(|name| step.fact("failed test", name));
    match ended.failure {
        Some(failure) => Err(failure.into()),
        None if count("passed") == 0.0 => Err(Problem::Failed("no test ran".into())),
        None => Ok(()),
    }
}

/// The largest differences between pictures of the two engines. They are larger than those that the GPU tests allow on
/// the software adapter: f16 storage changes a matte by up to two 255ths, and refining it along edges adds to that.
const MAX_DIFFERENCE: f64 = 24.0;
const MAX_MEAN_DIFFERENCE: f64 = 0.2;

fn compare_engines(step: &mut Step<'_>, network: Network) -> Result<(), Problem> {
    let sample = step.kit.path("samples/astronaut.png");
    let folder = step.folder("pictures")?;
    let pictures = ["gpu", "cpu"].map(|device| folder.join(format!("{device}.png")));
    for (device, picture) in ["gpu", "cpu"].iter().zip(&pictures) {
        step.run(step.kit.process(network, device, "1").arg(picture).arg(&sample))?;
    }
    let difference = pictures::compare(&pictures[0], &pictures[1])?;
    step.figure("largest difference of GPU and CPU", difference.max, "of 255");
    step.figure("mean difference of GPU and CPU", difference.mean, "of 255");
    match difference.max <= MAX_DIFFERENCE && difference.mean <= MAX_MEAN_DIFFERENCE {
        true => Ok(()),
        false => Err(Problem::Failed("the engines give different pictures".into())),
    }
}

/// The exit code of the script if the host lacks PyTorch or PyTorch finds no GPU.
const CANNOT_RUN: i32 = 77;

fn rival(step: &mut Step<'_>) -> Result<(), Problem> {
    let mut script = std::process::Command::new("python3");
    script.arg(step.kit.part.join(RIVAL)).arg(step.kit.path("models/isnet.safetensors"));
    let ended = match step.run_any(&mut script) {
        Ok(ended) => ended,
        Err(error) => return Err(Problem::Skipped(error)),
    };
    match ended.failure {
        Some(_) if ended.code == Some(CANNOT_RUN) => return Err(Problem::Skipped(ended.stderr.trim().into())),
        Some(failure) => return Err(failure.into()),
        None => {}
    }
    for line in ended.stdout.lines() {
        let report: serde_json::Value = serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))?;
        let setting = report["setting"].as_str().unwrap_or_default();
        match report["ms"].as_f64() {
            Some(ms) => step.figure(format!("network, {setting}"), ms, "ms"),
            None => step.fact(setting, report["error"].as_str().unwrap_or_default()),
        }
        step.reports.push(report);
    }
    Ok(())
}
