"""Cameo beside onnxruntime and Pillow, in one run, alternating.

    python against.py CAMEO SHARED README OUT --isnet ISNET.onnx --u2netp U2NETP.onnx [--rounds N]

CAMEO is the program, SHARED the folder whose tools/baseline.py is the plain way, README the document whose table is
written anew, OUT where pictures go. Each figure is the median over N rounds; in a round, each side makes the picture
twice in a process of its own, and the second counts.

    python against.py --plain SHARED MODEL.onnx NETWORK IMAGE COUNT

is that process on the other side: it prints what each picture took as JSON.

What is measured from outside is measured by a process that has imported nothing large: a child's peak starts at what
its parent holds.
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


def plain(shared, model, network, image, count):
    """The plain way, `count` times in this process."""
    sys.path.insert(0, str(Path(shared) / "tools"))
    import baseline
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    raw = Path(image).read_bytes()
    for _ in range(int(count)):
        print(json.dumps(baseline.combo(session, network, raw)[0]), flush=True)


def scale(source, target, width, height):
    """A picture of another size, made by a process of its own: this one must stay small."""
    code = (
        "import sys; from PIL import Image; source, target, width, height = sys.argv[1:]; "
        "Image.open(source).convert('RGB').resize((int(width), int(height)), Image.LANCZOS).save(target)"
    )
    subprocess.run([sys.executable, "-c", code, str(source), str(target), str(width), str(height)], check=True)


def run(call):
    """What a process printed, its seconds from start to end, and the most memory it had, in MiB."""
    since = time.perf_counter()
    child = subprocess.Popen([str(word) for word in call], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = child.stdout.read(), child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - since
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(map(str, call))} failed:\n{err}")
    return [json.loads(line) for line in out.splitlines()], seconds, usage.ru_maxrss / 1024


class Side:
    """Cameo, or the plain way: how it is called, and which of its stages is the network."""

    def __init__(self, stage, call):
        self.stage, self.call = stage, call

    def measure(self, network, image, count):
        """Milliseconds of the last picture, whole and in the network; start-up and peak of the process."""
        lines, seconds, peak = run(self.call(network, image, count))
        times = [line.get("ms", line) for line in lines]
        totals = [sum(ms for stage, ms in each.items() if stage != "total") for each in times]
        network_ms = times[-1][self.stage]
        return {
            "network": network_ms,
            "rest": totals[-1] - network_ms,
            "whole": totals[-1],
            "start": seconds * 1e3 - sum(totals),
            "cold": seconds * 1e3,
            "peak": peak,
        }


def compare(sides, network, image, count, rounds):
    """The median of each figure on each side; the sides take turns, and the one that begins, too."""
    found = [[] for _ in sides]
    for i in range(rounds):
        for at in (range(len(sides)) if i % 2 == 0 else reversed(range(len(sides)))):
            found[at].append(sides[at].measure(network, image, count))
    return [{key: statistics.median(one[key] for one in each) for key in each[0]} for each in found]


def ms(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def cell(pair, key):
    """Cameo's figure, the other's, and their ratio."""
    ours, theirs = (one[key] for one in pair)
    return f"{ms(ours)} / {ms(theirs)} = **{ours / theirs:.2f}**"


def row(cells):
    """A row of the table, printed as it comes."""
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
    lines += ["", row(["cold process, 512x512", "from start to end, ms", "outside of all stages, ms", "peak memory, MiB"])]
    lines.append(row(["---"] * 4))
    image = photos["512x512"]
    for network in networks:
        pair = compare(sides, network, image, 1, rounds)
        lines.append(row([network] + [cell(pair, key) for key in ("cold", "start", "peak")]))
    return lines


def pictures(shared, project, out):
    """The photos by size."""
    astronaut, portrait = project / "samples/astronaut.png", shared / "fixtures/portraits/p_00a7a27c.png"
    large, odd = out / "12mp.png", out / "odd.png"
    scale(portrait, large, 4240, 2828)
    scale(portrait, odd, 1021, 683)
    return {"512x512": astronaut, "1021x683": odd, "1620x1080": portrait, "4240x2828": large}


def machine(cameo, rounds):
    """What the figures were taken on and with."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("onnxruntime", "pillow"))
    version = subprocess.run([cameo, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    system = f"{processor()}, {THREADS} cores, {platform.system()} {platform.machine()}"
    return f"{system}; {version}; {versions}, Python {platform.python_version()}, {THREADS} threads on each side; medians of {rounds}."


def processor():
    """The processor's name, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "an unknown processor"


def write(readme, lines):
    """Puts `lines` between the two marks, and leaves what is around them."""
    text = readme.read_text()
    if BEGIN not in text or END not in text:
        sys.exit(f"{readme} has no place for the table: it needs the lines {BEGIN} and {END}")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    readme.write_text(before + "\n".join([BEGIN, *lines, END]) + after)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cameo", type=Path)
    parser.add_argument("shared", type=Path)
    parser.add_argument("readme", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--isnet", required=True)
    parser.add_argument("--u2netp", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    models = {"isnet": args.isnet, "u2netp": args.u2netp}
    args.out.mkdir(parents=True, exist_ok=True)
    photos = pictures(args.shared, args.readme.parent.parent, args.out)

    def cameo(network, image, count):
        # Files of several names are several pictures; one at a time, as on the other side.
        copies = [args.out / f"copy{i}.png" for i in range(count)]
        for copy in copies:
            shutil.copy(image, copy)
        flags = ["--device", "cpu", "--model", network, "--jobs", "1", "--overwrite", "--json"]
        return [args.cameo, "combo", *copies, "-o", f"{args.out / 'made'}/", *flags]

    def theirs(network, image, count):
        return [sys.executable, __file__, "--plain", args.shared, models[network], network, image, count]

    sides = [Side("matte", cameo), Side("network", theirs)]
    lines = [f"Taken on {machine(args.cameo, args.rounds)}", "", *table(sides, photos, models, args.rounds)]
    write(args.readme, lines)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--plain"]:
        plain(*sys.argv[2:])
    else:
        main()
