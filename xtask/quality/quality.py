"""Measures the quality of Cameo's results beside a plain pipeline with the same weights.

    python quality.py CAMEO DATA OUT [--onnx ISNET.onnx] [--accept]

CAMEO is the program, DATA the folder with the photos (fixtures/), OUT the folder for pictures and the contact sheet.
With --onnx, the plain pipeline is DATA/tools/baseline.py on onnxruntime; without it, `cameo --plain-matte`, which the
tests compare with onnxruntime. Less is better for every figure, and each has a floor in floors.toml that it must not
exceed; --accept writes new floors. README.md explains the figures.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

import measure
import scenes
import sheet

FLOORS = Path(__file__).with_name("floors.toml")
# How much a figure may vary between machines, which add numbers in different orders.
SLACK = 1.03
LEVELS = {"light": 1.5, "medium": 2.0, "strong": 3.0}


class Cameo:
    """The program, on the CPU engine."""

    def __init__(self, program):
        self.program = program

    def run(self, command, source, out, *flags):
        """Processes a file or a folder into the folder `out`. Returns the lines of `--json` by file name."""
        out.mkdir(parents=True, exist_ok=True)
        words = [str(self.program), command, str(source), "-o", str(out)]
        words += ["--device", "cpu", "--overwrite", "--json", *flags]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(words)} failed:\n{done.stderr}")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return {Path(line["input"]).stem: line for line in lines}

    def run_on(self, command, picture, folder, *flags):
        """Returns the result for one picture in memory."""
        folder.mkdir(parents=True, exist_ok=True)
        source = folder / "in.png"
        scenes.save(source, picture)
        self.run(command, source, folder / "out", *flags)
        return scenes.load(folder / "out" / "in.png", "RGBA" if picture.shape[-1] == 4 else "RGB")


class Figures:
    """Prints figures as they are measured, and collects those that have a floor."""

    def __init__(self):
        self.guarded = {}

    def title(self, text, columns):
        print(f"\n{text}\n{'':26}" + "".join(f"{column:>12}" for column in columns), flush=True)

    def row(self, name, cells):
        text = lambda cell: f"{cell:>12}" if isinstance(cell, str) else f"{cell:12.3f}"
        print(f"{name:26}" + "".join(map(text, cells)), flush=True)

    def guard(self, name, value):
        self.guarded[name] = round(float(value), 5)


def pictures(data, folder):
    """Writes the pictures whose matte is measured. Returns `{name: (true alpha, true foreground or None)}`."""
    folder.mkdir(parents=True, exist_ok=True)
    truths = {}
    for path in sorted((data / "fixtures/portraits").glob("p_*.png")):
        if not path.name.endswith(".matte.png"):
            shutil.copy(path, folder / path.name)
            truths[path.stem] = (scenes.load(path.with_suffix(".matte.png"), "L"), None)
    lemur = data / "fixtures/lemur"
    alpha, front = scenes.load(lemur / "lemur_alpha.png", "L"), scenes.load(lemur / "lemur_foreground.png")
    behind = scenes.load(lemur / "lemur_background.png")
    height, width = alpha.shape
    for name, background in scenes.backgrounds(width, height, behind):
        scenes.save(folder / f"lemur_{name}.png", scenes.composite(front, alpha, background))
        truths[f"lemur_{name}"] = (alpha, front)
    for name, (width, height), color, background, widths in [
        ("strands_4mp", (2400, 1800), (0.25, 0.15, 0.1), scenes.fitted(behind, 2400, 1800), (1.5, 5)),
        ("strands_12mp", (4000, 3000), (0.75, 0.6, 0.4), scenes.textured(4000, 3000) * 0.5, (2, 9)),
    ]:
        alpha = scenes.strands(width, height, len(name), *widths)
        front = scenes.hair(alpha, color, 3)
        scenes.save(folder / f"{name}.png", scenes.composite(front, alpha, background))
        truths[name] = (alpha, front)
    return truths


def plain_mattes(cameo, onnx, data, source, out):
    """Writes the mattes of the plain pipeline under the pictures' names. Returns its stage times."""
    if onnx is None:
        cameo.run("cutout", source, out, "--plain-matte", "--matte-only")
        return {}
    sys.path.insert(0, str(data / "tools"))
    import baseline
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 2
    session = onnxruntime.InferenceSession(str(onnx), options, providers=["CPUExecutionProvider"])
    out.mkdir(parents=True, exist_ok=True)
    times = {}
    for path in sorted(source.glob("*.png")):
        times[path.stem], matte, _ = baseline.combo(session, "isnet", path.read_bytes())
        matte.save(out / path.name)
    return times


def mattes(cameo, onnx, data, out, figures):
    """Measures mattes and colours of the whole pipeline. Returns the tiles of the contact sheet, Cameo's JSON lines,
    and the times of the plain pipeline."""
    source = out / "pictures"
    truths = pictures(data, source)
    plain_times = plain_mattes(cameo, onnx, data, source, out / "plain")
    cameo.run("cutout", source, out / "unguided", "--guidance", "none", "--matte-only")
    lines = cameo.run("cutout", source, out / "cutout")
    tiles = []
    columns = ["SAD", "SAD band", "MSE band", "Grad band", "colour MSE", "uncertainty"]
    figures.title("Mattes, and colours where 0 < alpha < 1 (plain pipeline / unguided / Cameo)", columns)
    for name, (alpha, front) in truths.items():
        photo = scenes.load(source / f"{name}.png")
        cutout = scenes.load(out / "cutout" / f"{name}.png", "RGBA")
        found = {
            "plain": scenes.load(out / "plain" / f"{name}.png", "L"),
            "unguided": scenes.load(out / "unguided" / f"{name}.png", "L"),
            "cameo": cutout[..., 3],
        }
        band = measure.band_of(alpha)
        for pipeline, matte in found.items():
            errors = measure.matte_errors(matte, alpha, band)
            cells = list(errors.values())
            if front is not None:
                # Where the result is visible and the photo's colour is partly the background's.
                soft = (alpha > 0) & (alpha < 1) & (cutout[..., 3] > 0)
                colors = cutout[..., :3] if pipeline == "cameo" else photo
                cells.append(measure.color_errors(colors, front, soft)["color_MSE"])
                if pipeline == "cameo":
                    figures.guard(f"{name}.color_MSE", cells[-1])
            else:
                cells.append("-")
            if pipeline == "cameo":
                cells.append(lines[name]["matte_uncertainty"])
                for figure, value in errors.items():
                    figures.guard(f"{name}.{figure}", value)
            figures.row(f"{name if pipeline == 'plain' else ''} {pipeline}", cells)
        tiles.append(sheet.worst(name, photo, alpha, found["plain"], cutout))
    return tiles, lines, plain_times


def decontamination(cameo, data, out, figures):
    """Measures the colours of the lemur composites under the true alpha, with and without decontamination."""
    lemur = data / "fixtures/lemur"
    alpha, front = scenes.load(lemur / "lemur_alpha.png", "L"), scenes.load(lemur / "lemur_foreground.png")
    figures.title("Colours under the true alpha", ["photo SAD", "SAD", "photo MSE", "MSE", "MSE ratio"])
    ratios = []
    for name, background in scenes.backgrounds(*alpha.shape[::-1], scenes.load(lemur / "lemur_background.png")):
        picture = np.dstack([scenes.composite(front, alpha, background), alpha])
        flags = ["--level", "light", "--scale", "1"]
        mixed = cameo.run_on("enhance", picture, out / "colors", *flags)
        clean = cameo.run_on("enhance", picture, out / "colors", *flags, "--decontaminate")
        soft = (alpha > 0) & (alpha < 1) & (mixed[..., 3] > 0)
        mixed = measure.color_errors(mixed[..., :3], front, soft)
        clean = measure.color_errors(clean[..., :3], front, soft)
        ratios.append(clean["color_MSE"] / mixed["color_MSE"])
        cells = [mixed["color_SAD"], clean["color_SAD"], mixed["color_MSE"], clean["color_MSE"], ratios[-1]]
        figures.row(name, cells)
        figures.guard(f"decontaminate.{name}.MSE_ratio", ratios[-1])
    figures.row("mean", ["", "", "", "", float(np.mean(ratios))])
    figures.guard("decontaminate.mean.MSE_ratio", np.mean(ratios))


def pillow(picture, scale):
    """Enlarges `[h, w, 3]` or `[h, w, 4]` with Pillow's Lanczos filter. Returns the image, and the sharpened pixels."""
    image = Image.fromarray(np.round(picture * 255).astype(np.uint8))
    large = image.resize((round(image.width * scale), round(image.height * scale)), Image.LANCZOS)
    return large, np.asarray(large.filter(ImageFilter.UnsharpMask(2, 80, 3)), np.float32) / 255


def sharpness(cameo, out, figures):
    """Measures rise distance and overshoot of drawn edges of colour and of alpha at every level."""
    columns = ["Pillow rise", "rise", "ratio", "Pillow halo", "halo"]
    figures.title("Edges after enhancement (pixels; overshoot in 255ths of the step)", columns)
    side = 64
    kinds = {"color": [(0.2, 0.8), (0.4, 0.6)], "alpha": [(0.0, 1.0)]}
    for level, scale in LEVELS.items():
        for kind, steps in kinds.items():
            rows = []
            for low, high in steps:
                for angle in (0.1, 0.6):
                    for blur in (0.5, 0.8):
                        drawn = scenes.edge(side, angle, low, high, blur)[..., None]
                        grey = np.full_like(drawn, 0.6)
                        picture = np.dstack([drawn] * 3 if kind == "color" else [grey, grey, grey, drawn])
                        ours = cameo.run_on("enhance", picture, out / "edges", "--level", level)
                        _, theirs = pillow(picture, scale)
                        values = lambda image: image @ measure.LUMA if kind == "color" else image[..., 3]
                        found = [measure.rise(values(image), angle, scale, low, high) for image in (theirs, ours)]
                        rows.append([found[0][0], found[1][0], *(255 * (high - low) * beyond for _, beyond in found)])
            pillow_rise, rise, pillow_halo, halo = np.array(rows).T
            ratio = rise.mean() / pillow_rise.mean()
            figures.row(f"{level} {kind}", [pillow_rise.mean(), rise.mean(), ratio, pillow_halo.max(), halo.max()])
            figures.guard(f"enhance.{level}.{kind}.rise_ratio", ratio)
            figures.guard(f"enhance.{level}.{kind}.halo", halo.max())


def halos(cameo, out, figures):
    """Measures the overshoot along the matte's edge of real cut-outs, in alpha and in composites on black and white."""
    figures.title("Halo along the matte's edge of cut-outs (255ths)", ["Pillow", "Cameo"])
    views = {
        "alpha": lambda image: image[..., 3:],
        "on black": lambda image: image[..., :3] * image[..., 3:],
        "on white": lambda image: image[..., :3] * image[..., 3:] + 1 - image[..., 3:],
    }
    for level, scale in LEVELS.items():
        found = {view: ([], []) for view in views}
        for name in ("p_00a4eda7", "lemur_green"):
            cutout = scenes.load(out / "cutout" / f"{name}.png", "RGBA")[:900, :900]
            edge = measure.band_of(cutout[..., 3])
            enhanced = cameo.run_on("enhance", cutout, out / "halo", "--level", level)
            for view, (theirs, ours) in found.items():
                small = views[view](cutout)
                theirs.append(measure.halo(views[view](pillow(cutout, scale)[1]), small, edge))
                ours.append(measure.halo(views[view](enhanced), small, edge))
        for view, (theirs, ours) in found.items():
            figures.row(f"{level} {view}", [max(theirs), max(ours)])
            figures.guard(f"enhance.{level}.{view.replace(' ', '_')}.halo", max(ours))


def fidelity(cameo, data, out, figures):
    """Measures clean photos that are shrunk by 1.5 and enlarged at `light`: dB below Lanczos alone."""
    columns = ["Lanczos", "Pillow", "Cameo", "below"]
    figures.title("PSNR after shrinking and enlarging at light (dB)", columns)
    project = Path(__file__).resolve().parents[2]
    photos = [project / "samples/astronaut.png", data / "fixtures/lemur/lemur.png"]
    photos += [path for path in sorted((data / "fixtures/portraits").glob("p_*.png")) if "matte" not in path.name]
    below = []
    for path in photos:
        truth = scenes.load(path)
        height, width = (side // 3 * 3 for side in truth.shape[:2])
        truth = truth[:height, :width]
        image = Image.fromarray(np.round(truth * 255).astype(np.uint8))
        shrunk = np.asarray(image.resize((width * 2 // 3, height * 2 // 3), Image.LANCZOS), np.float32) / 255
        lanczos, sharpened = pillow(shrunk, 1.5)
        lanczos = np.asarray(lanczos, np.float32) / 255
        ours = cameo.run_on("enhance", shrunk, out / "fidelity", "--level", "light")
        found = [measure.psnr(image, truth) for image in (lanczos, sharpened, ours)]
        below.append(found[0] - found[2])
        figures.row(path.stem, [*found, below[-1]])
    figures.guard("enhance.light.PSNR_below_Lanczos.worst", max(below))
    figures.guard("enhance.light.PSNR_below_Lanczos.mean", np.mean(below))


def times(cameo, out, lines, plain_times):
    """Prints stage times. They have no floors, because machines differ."""
    name = "strands_12mp"
    line = cameo.run("combo", out / "pictures" / f"{name}.png", out / "combo", "--scale", "1")[name]
    show = lambda stages: "  ".join(f"{stage} {ms:.0f}" for stage, ms in stages.items())
    print(f"\nTimes (ms)\n12 MP combo at scale 1: {show(line['ms'])}")
    ours = sum(line["ms"][stage] for stage in ("refine", "decontaminate", "enhance"))
    print(f"  refine + decontaminate + enhance: {ours:.0f}")
    if name in plain_times:
        print(f"12 MP plain pipeline at scale 2: {show(plain_times[name])}")
    print(f"p_00a4eda7 cutout: {show(lines['p_00a4eda7']['ms'])}")
    if "p_00a4eda7" in plain_times:
        print(f"p_00a4eda7 plain pipeline at scale 2: {show(plain_times['p_00a4eda7'])}")


def check(found, accept):
    """Compares the figures with their floors. Returns a sentence for each violation."""
    if accept:
        lines = ["# The maximum of each figure: the measured value and 3 percent for another order of sums.\n"]
        for name, value in found.items():
            limit = value * SLACK if value > 0 else value / SLACK
            # A figure near zero may vary by more than 3 percent.
            lines.append(f'"{name}" = {limit + 0.002:.4f}\n')
        FLOORS.write_text("".join(lines))
        return []
    floors = tomllib.loads(FLOORS.read_text())
    exceeded = {name: value for name, value in found.items() if value > floors.get(name, value)}
    violations = [f"{name} is {value}, which is past its floor {floors[name]}" for name, value in exceeded.items()]
    violations += [f"{name} has no floor" for name in found if name not in floors]
    return violations + [f"{name} has a floor but was not measured" for name in floors if name not in found]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cameo", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--onnx", type=Path)
    parser.add_argument("--accept", action="store_true")
    args = parser.parse_args()
    # Results of an earlier run must not be measured.
    shutil.rmtree(args.out, ignore_errors=True)
    cameo, figures = Cameo(args.cameo), Figures()
    tiles, lines, plain_times = mattes(cameo, args.onnx, args.data, args.out, figures)
    decontamination(cameo, args.data, args.out, figures)
    sharpness(cameo, args.out, figures)
    halos(cameo, args.out, figures)
    fidelity(cameo, args.data, args.out, figures)
    times(cameo, args.out, lines, plain_times)
    sheet.write(tiles, args.out / "sheet.png")
    print(f"\nContact sheet: {args.out / 'sheet.png'}")
    violations = check(figures.guarded, args.accept)
    for sentence in violations:
        print(f"error: {sentence}", file=sys.stderr)
    print(f"{len(figures.guarded)} figures, {len(violations)} past their floors")
    sys.exit(bool(violations))


if __name__ == "__main__":
    main()
