"""Compares Cameo's speed and memory with a baseline: onnxruntime and Pillow.

    python against.py CAMEO DATA README OUT --isnet ISNET.onnx --u2netp U2NETP.onnx [--rounds N]

CAMEO is the program, DATA the folder with the photos (fixtures/) and the baseline (tools/baseline.py), README the
document whose table is updated, OUT the folder for pictures. The two sides take turns. Each figure is the median over N
rounds; in each round, a new process of each side processes the picture twice, and the second time counts.

    python against.py --baseline DATA MODEL.onnx NETWORK IMAGE COUNT

is the process of the baseline. It prints the times of each picture as JSON.

The parent process imports nothing large, because the peak memory of a child starts at the memory of its parent.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
THREADS = len(os.sched_getaffinity(0))


def run_baseline(data, model, network, image, count):
    """Runs the baseline `count` times in this process."""
    sys.path.insert(0, str(Path(data) / "tools"))
    import baseline
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    raw = Path(image).read_bytes()
    for _ in range(int(count)):
        print(json.dumps(baseline.combo(session, network, raw)[0]), flush=True)


def scale(source, target, width, height):
    """Writes `source` at another size. Runs in a child process, because the memory of this one must stay small."""
    code = (
        "import sys; from PIL import Image; source, target, width, height = sys.argv[1:]; "
        "Image.open(source).convert('RGB').resize((int(width), int(height)), Image.LANCZOS).save(target)"
    )
    subprocess.run([sys.executable, "-c", code, str(source), str(target), str(width), str(height)], check=True)


def run(command):
    """Runs a process. Returns the JSON lines it prints, its duration in seconds, and its peak memory in MiB."""
    start = time.perf_counter()
    child = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = child.stdout.read(), child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{err}")
    return [json.loads(line) for line in out.splitlines()], seconds, usage.ru_maxrss / 1024


class Side:
    """Cameo or the baseline: the command that runs it, and the name of its stage that runs the network."""

    def __init__(self, network_stage, command):
        self.network_stage, self.command = network_stage, command

    def measure(self, network, image, count):
        """Starts a process for `count` pictures. Returns the milliseconds of the last picture, in all stages and in the
        network, the milliseconds outside of all stages, and the peak memory of the process."""
        lines, seconds, peak = run(self.command(network, image, count))
        times = [line.get("ms", line) for line in lines]
        totals = [sum(ms for stage, ms in stages.items() if stage != "total") for stages in times]
        network_ms = times[-1][self.network_stage]
        return {
            "network": network_ms,
            "rest": totals[-1] - network_ms,
            "whole": totals[-1],
            "start": seconds * 1e3 - sum(totals),
            "cold": seconds * 1e3,
            "peak": peak,
        }


def compare(sides, network, image, count, rounds):
    """Returns the median of each figure for each side. The side that begins changes with every round."""
    figures = [[] for _ in sides]
    for i in range(rounds):
        for at in (range(len(sides)) if i % 2 == 0 else reversed(range(len(sides)))):
            figures[at].append(sides[at].measure(network, image, count))
    return [{key: statistics.median(one[key] for one in each) for key in each[0]} for each in figures]


def ms(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def cell(pair, key):
    """Formats Cameo's figure, the baseline's, and their ratio."""
    cameo, baseline = (figures[key] for figures in pair)
    return f"{ms(cameo)} / {ms(baseline)} = **{cameo / baseline:.2f}**"


def row(cells):
    """Returns a row of the table, and prints it, because the next one takes a while."""
    line = f"| {' | '.join(cells)} |"
    print(line, flush=True)
    return line


def table(sides, photos, networks, rounds):
    lines = [row(["photo", "network", "network alone, ms", "all but the network, ms", "whole, ms", "peak memory, MiB"])]
    lines.append(row(["---"] * 6))
    for name, image in photos.items():
        for network in networks:
            pair = compare(sides, network, image, 2, rounds)
            lines.append(row([name, network] + [cell(pair, key) for key in ("network", "rest", "whole", "peak")]))
    columns = ["cold process, 512x512", "from start to end, ms", "outside of all stages, ms", "peak memory, MiB"]
    lines += ["", row(columns)]
    lines.append(row(["---"] * 4))
    image = photos["512x512"]
    for network in networks:
        pair = compare(sides, network, image, 1, rounds)
        lines.append(row([network] + [cell(pair, key) for key in ("cold", "start", "peak")]))
    return lines


def pictures(data, project, out):
    """Returns the photos by size."""
    astronaut, portrait = project / "samples/astronaut.png", data / "fixtures/portraits/p_00a7a27c.png"
    large, odd = out / "12mp.png", out / "odd.png"
    scale(portrait, large, 4240, 2828)
    scale(portrait, odd, 1021, 683)
    return {"512x512": astronaut, "1021x683": odd, "1620x1080": portrait, "4240x2828": large}


def machine(cameo, rounds):
    """Describes the machine and the versions of the programs."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("onnxruntime", "pillow"))
    version = subprocess.run([cameo, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    system = f"{processor()}, {THREADS} cores, {platform.system()} {platform.machine()}"
    python = f"Python {platform.python_version()}"
    return f"{system}; {version}; {versions}, {python}, {THREADS} threads on each side; medians of {rounds}."


def processor():
    """Returns the processor's name, if the system reports it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "an unknown processor"


def write(readme, lines, begin=BEGIN, end=END):
    """Replaces what is between the two marks by `lines`."""
    text = readme.read_text()
    if begin not in text or end not in text:
        sys.exit(f"{readme} has no place for the table: add the lines {begin} and {end}")
    before, after = text.split(begin)[0], text.split(end)[1]
    readme.write_text(before + "\n".join([begin, *lines, end]) + after)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cameo", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("readme", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--isnet", required=True)
    parser.add_argument("--u2netp", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    models = {"isnet": args.isnet, "u2netp": args.u2netp}
    args.out.mkdir(parents=True, exist_ok=True)
    photos = pictures(args.data, args.readme.parent.parent, args.out)

    def cameo(network, image, count):
        # Cameo takes each name for a picture of its own. One job at a time, as the baseline has.
        copies = [args.out / f"copy{i}.png" for i in range(count)]
        for copy in copies:
            shutil.copy(image, copy)
        flags = ["--device", "cpu", "--model", network, "--jobs", "1", "--overwrite", "--json"]
        return [args.cameo, "combo", *copies, "-o", f"{args.out / 'results'}/", *flags]

    def baseline(network, image, count):
        return [sys.executable, __file__, "--baseline", args.data, models[network], network, image, count]

    sides = [Side("matte", cameo), Side("network", baseline)]
    lines = [f"Taken on {machine(args.cameo, args.rounds)}", "", *table(sides, photos, models, args.rounds)]
    write(args.readme, lines)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--baseline"]:
        run_baseline(*sys.argv[2:])
    else:
        main()
