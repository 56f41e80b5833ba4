"""Compares the time of Cameo's networks with onnxruntime and OpenVINO, which run the same published weights.

    python networks.py CAMEO README OUT --isnet ISNET.onnx --u2netp U2NETP.onnx [--rounds N]

CAMEO is the program, README the document whose table is updated, OUT the folder for pictures. The sides take turns. Each
figure is the median over N rounds; in each round, a new process of each side runs the network three times, and the last
time counts.

    python networks.py --run SIDE MODEL.onnx NETWORK

is the process of a rival. It prints the time of each run as a JSON line.
"""

import argparse
import importlib.metadata
import json
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import against

BEGIN, END = "<!-- networks: begin -->", "<!-- networks: end -->"
RUNS = 3
# Width and height of the input.
SIDES = {"isnet": 1024, "u2netp": 320}


def onnxruntime_runner(model, tensor):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = against.THREADS
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {session.get_inputs()[0].name: tensor})


def openvino_runner(precision):
    def build(model, tensor):
        import openvino

        hints = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": against.THREADS,
            "PERFORMANCE_HINT": "LATENCY",
        }
        request = openvino.Core().compile_model(model, "CPU", hints).create_infer_request()
        return lambda: request.infer([tensor])

    return build


RIVALS = {
    "onnxruntime": onnxruntime_runner,
    "OpenVINO f32": openvino_runner("f32"),
    "OpenVINO bf16": openvino_runner("bf16"),
}


def run_rival(side, model, network):
    """Runs the network in this process."""
    import numpy

    tensor = numpy.random.default_rng(1).random((1, 3, SIDES[network], SIDES[network]), dtype=numpy.float32)
    runner = RIVALS[side](model, tensor)
    for _ in range(RUNS):
        start = time.perf_counter()
        runner()
        print(json.dumps({"network": (time.perf_counter() - start) * 1e3}), flush=True)


def rivals():
    """Returns the rivals that this processor can run: without instructions for it, OpenVINO computes bf16 in f32."""
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    has_bf16 = "avx512_bf16" in flags or "amx_bf16" in flags
    return [side for side in RIVALS if has_bf16 or "bf16" not in side]


def table(sides, networks, rounds):
    columns = ["network", "Cameo, ms"] + [f"{side}, ms" for side in list(sides)[1:]]
    lines = [against.row(columns), against.row(["---"] * len(columns))]
    for network in networks:
        times = {side: [] for side in sides}
        for i in range(rounds):
            for side in list(sides) if i % 2 == 0 else reversed(list(sides)):
                stage, command = sides[side]
                printed, _, _ = against.run(command(network))
                times[side].append(printed[-1].get("ms", printed[-1])[stage])
        medians = {side: statistics.median(each) for side, each in times.items()}
        ratios = [f"{against.ms(medians[side])} = **{medians['Cameo'] / medians[side]:.2f}**" for side in list(sides)[1:]]
        lines.append(against.row([network, against.ms(medians["Cameo"]), *ratios]))
    return lines


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cameo", type=Path)
    parser.add_argument("readme", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--isnet", required=True)
    parser.add_argument("--u2netp", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    models = {"isnet": args.isnet, "u2netp": args.u2netp}
    args.out.mkdir(parents=True, exist_ok=True)
    copies = [args.out / f"copy{i}.png" for i in range(RUNS)]
    for copy in copies:
        shutil.copy(args.readme.parent.parent / "samples/astronaut.png", copy)

    def cameo(network):
        flags = ["--device", "cpu", "--model", network, "--jobs", "1", "--overwrite", "--json", "--matte-only"]
        return [args.cameo, "cutout", *copies, "-o", f"{args.out / 'results'}/", *flags]

    def rival(side):
        return lambda network: [sys.executable, __file__, "--run", side, models[network], network]

    sides = {"Cameo": ("matte", cameo)} | {side: ("network", rival(side)) for side in rivals()}
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("onnxruntime", "openvino"))
    version = subprocess.run([args.cameo, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    system = f"{against.processor()}, {against.THREADS} threads on each side"
    lines = [f"Taken on {system}; {version}; {versions}; medians of {args.rounds}.", ""]
    lines += table(sides, models, args.rounds)
    against.write(args.readme, lines, BEGIN, END)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run_rival(*sys.argv[2:])
    else:
        main()
