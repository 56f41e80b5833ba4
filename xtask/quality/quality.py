"""Cameo's pictures in figures, beside what users get today from the same weights.

    python quality.py CAMEO SHARED OUT [--onnx ISNET.onnx] [--accept]

CAMEO is the program, SHARED the folder of the fixtures, OUT where pictures and the contact sheet go. With --onnx the
plain way is SHARED/tools/baseline.py on onnxruntime; without it, `cameo --plain-matte`, which the tests hold against
onnxruntime's. Every figure is less-is-better and has a floor in floors.toml; --accept writes the floors anew.
README.md beside this file says what each figure is.
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
# What a figure may vary by from machine to machine: sums in another order.
SLACK = 1.03
LEVELS = {"light": 1.5, "medium": 2.0, "strong": 3.0}


class Cameo:
    """The program, on the CPU engine."""

    def __init__(self, program):
        self.program = program

    def run(self, command, source, out, *flags):
        """Runs over a file or a folder into the folder `out`; the lines of `--json`, by file name."""
        out.mkdir(parents=True, exist_ok=True)
        call = [str(self.program), command, str(source), "-o", str(out), "--device", "cpu", "--overwrite", "--json", *flags]
        done = subprocess.run(call, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(map(str, call))} failed:\n{done.stderr}")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return {Path(line["input"]).stem: line for line in lines}

    def one(self, command, picture, folder, *flags):
        """The result for one picture in memory."""
        folder.mkdir(parents=True, exist_ok=True)
        source = folder / "in.png"
        scenes.save(source, picture)
        self.run(command, source, folder / "out", *flags)
        return scenes.load(folder / "out" / "in.png", "RGBA" if picture.shape[-1] == 4 else "RGB")


class Figures:
    """What was measured, printed as it comes."""

    def __init__(self):
        self.found = {}

    def title(self, text, columns):
        print(f"\n{text}\n{'':26}" + "".join(f"{column:>12}" for column in columns), flush=True)

    def row(self, name, cells):
        print(f"{name:26}" + "".join(f"{cell:>12}" if isinstance(cell, str) else f"{cell:12.3f}" for cell in cells), flush=True)

    def guard(self, name, value):
        self.found[name] = round(float(value), 5)


def pictures(shared, folder):
    """Writes the pictures whose matte is measured; `{name: (true alpha, true foreground or None)}`."""
    folder.mkdir(parents=True, exist_ok=True)
    truths = {}
    for path in sorted((shared / "fixtures/portraits").glob("p_*.png")):
        if not path.name.endswith(".matte.png"):
            shutil.copy(path, folder / path.name)
            truths[path.stem] = (scenes.load(path.with_suffix(".matte.png"), "L"), None)
    lemur = shared / "fixtures/lemur"
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


def plain_mattes(cameo, onnx, shared, source, out):
    """The plain way's mattes as files of the pictures' names, and its stage times."""
    if onnx is None:
        cameo.run("cutout", source, out, "--plain-matte", "--matte-only")
        return {}
    sys.path.insert(0, str(shared / "tools"))
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


def mattes(cameo, onnx, shared, out, figures):
    """Mattes and colours of the whole road. Returns the tiles of the contact sheet and the times."""
    source = out / "pictures"
    truths = pictures(shared, source)
    plain_times = plain_mattes(cameo, onnx, shared, source, out / "plain")
    cameo.run("cutout", source, out / "unguided", "--guide", "none", "--matte-only")
    told = cameo.run("cutout", source, out / "cutout")
    tiles = []
    columns = ["SAD", "SAD band", "MSE band", "Grad band", "colour MSE", "uncertainty"]
    figures.title("Mattes, and colours where 0 < alpha < 1 (plain way / unguided / Cameo)", columns)
    for name, (alpha, front) in truths.items():
        photo = scenes.load(source / f"{name}.png")
        cutout = scenes.load(out / "cutout" / f"{name}.png", "RGBA")
        found = {
            "plain": scenes.load(out / "plain" / f"{name}.png", "L"),
            "unguided": scenes.load(out / "unguided" / f"{name}.png", "L"),
            "cameo": cutout[..., 3],
        }
        band = measure.band_of(alpha)
        for way, matte in found.items():
            errors = measure.matte_errors(matte, alpha, band)
            cells = list(errors.values())
            if front is not None:
                # Where a result shows a colour that is only partly the subject's.
                soft = (alpha > 0) & (alpha < 1) & (cutout[..., 3] > 0)
                colors = cutout[..., :3] if way == "cameo" else photo
                cells.append(measure.color_errors(colors, front, soft)["color_MSE"])
                if way == "cameo":
                    figures.guard(f"{name}.color_MSE", cells[-1])
            else:
                cells.append("-")
            if way == "cameo":
                cells.append(told[name]["matte_uncertainty"])
                for figure, value in errors.items():
                    figures.guard(f"{name}.{figure}", value)
            figures.row(f"{name if way == 'plain' else ''} {way}", cells)
        tiles.append(sheet.worst(name, photo, alpha, found["plain"], cutout))
    return tiles, told, plain_times


def decontamination(cameo, shared, out, figures):
    """Colours of the lemur composites through the true alpha, with and without decontamination."""
    lemur = shared / "fixtures/lemur"
    alpha, front = scenes.load(lemur / "lemur_alpha.png", "L"), scenes.load(lemur / "lemur_foreground.png")
    figures.title("Colours under the true alpha", ["photo SAD", "SAD", "photo MSE", "MSE", "MSE ratio"])
    ratios = []
    for name, background in scenes.backgrounds(*alpha.shape[::-1], scenes.load(lemur / "lemur_background.png")):
        picture = np.dstack([scenes.composite(front, alpha, background), alpha])
        run = lambda *flags: cameo.one("enhance", picture, out / "colors", "--level", "light", "--scale", "1", *flags)
        left, made = run(), run("--decontaminate")
        soft = (alpha > 0) & (alpha < 1) & (left[..., 3] > 0)
        left, made = measure.color_errors(left[..., :3], front, soft), measure.color_errors(made[..., :3], front, soft)
        ratios.append(made["color_MSE"] / left["color_MSE"])
        cells = [left["color_SAD"], made["color_SAD"], left["color_MSE"], made["color_MSE"], ratios[-1]]
        figures.row(name, cells)
        figures.guard(f"decontaminate.{name}.MSE_ratio", ratios[-1])
    figures.row("mean", ["", "", "", "", float(np.mean(ratios))])
    figures.guard("decontaminate.mean.MSE_ratio", np.mean(ratios))


def pillow(picture, scale):
    """Pillow's Lanczos and unsharp mask, of `[h, w, 3]` or `[h, w, 4]`."""
    image = Image.fromarray(np.round(picture * 255).astype(np.uint8))
    large = image.resize((round(image.width * scale), round(image.height * scale)), Image.LANCZOS)
    return large, np.asarray(large.filter(ImageFilter.UnsharpMask(2, 80, 3)), np.float32) / 255


def sharpness(cameo, out, figures):
    """Rise distance and overshoot of drawn edges at every level, of colour and of alpha."""
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
                        ours = cameo.one("enhance", picture, out / "edges", "--level", level)
                        _, theirs = pillow(picture, scale)
                        values = lambda image: image @ measure.LUMA if kind == "color" else image[..., 3]
                        found = [measure.rise(values(image), angle, scale, low, high) for image in (theirs, ours)]
                        rows.append([found[0][0], found[1][0], *(255 * (high - low) * beyond for _, beyond in found)])
            theirs, own, their_halo, own_halo = np.array(rows).T
            ratio = own.mean() / theirs.mean()
            figures.row(f"{level} {kind}", [theirs.mean(), own.mean(), ratio, their_halo.max(), own_halo.max()])
            figures.guard(f"enhance.{level}.{kind}.rise_ratio", ratio)
            figures.guard(f"enhance.{level}.{kind}.halo", own_halo.max())


def halos(cameo, out, figures):
    """Overshoot along the matte's edge of real cut-outs: of alpha, and of what is seen on black and on white."""
    figures.title("Halo along the matte's edge of cut-outs (255ths)", ["Pillow", "Cameo"])
    seen = {
        "alpha": lambda image: image[..., 3:],
        "on black": lambda image: image[..., :3] * image[..., 3:],
        "on white": lambda image: image[..., :3] * image[..., 3:] + 1 - image[..., 3:],
    }
    for level, scale in LEVELS.items():
        found = {what: ([], []) for what in seen}
        for name in ("p_00a4eda7", "lemur_green"):
            cutout = scenes.load(out / "cutout" / f"{name}.png", "RGBA")[:900, :900]
            edge = measure.band_of(cutout[..., 3])
            enhanced = cameo.one("enhance", cutout, out / "halo", "--level", level)
            for what, (theirs, ours) in found.items():
                small = seen[what](cutout)
                theirs.append(measure.halo(seen[what](pillow(cutout, scale)[1]), small, edge))
                ours.append(measure.halo(seen[what](enhanced), small, edge))
        for what, (theirs, ours) in found.items():
            figures.row(f"{level} {what}", [max(theirs), max(ours)])
            figures.guard(f"enhance.{level}.{what.replace(' ', '_')}.halo", max(ours))


def fidelity(cameo, shared, out, figures):
    """Clean photos, shrunk by 1.5 and enlarged again at `light`: dB below Lanczos alone."""
    columns = ["Lanczos", "Pillow", "Cameo", "below"]
    figures.title("PSNR after shrinking and enlarging at light (dB)", columns)
    project = Path(__file__).resolve().parents[2]
    photos = [project / "samples/astronaut.png", shared / "fixtures/lemur/lemur.png"]
    photos += [path for path in sorted((shared / "fixtures/portraits").glob("p_*.png")) if "matte" not in path.name]
    below = []
    for path in photos:
        truth = scenes.load(path)
        height, width = (side // 3 * 3 for side in truth.shape[:2])
        truth = truth[:height, :width]
        shrunk = Image.fromarray(np.round(truth * 255).astype(np.uint8)).resize((width * 2 // 3, height * 2 // 3), Image.LANCZOS)
        shrunk = np.asarray(shrunk, np.float32) / 255
        lanczos, sharpened = pillow(shrunk, 1.5)
        lanczos = np.asarray(lanczos, np.float32) / 255
        ours = cameo.one("enhance", shrunk, out / "fidelity", "--level", "light")
        found = [measure.psnr(image, truth) for image in (lanczos, sharpened, ours)]
        below.append(found[0] - found[2])
        figures.row(path.stem, [*found, below[-1]])
    figures.guard("enhance.light.PSNR_below_Lanczos.worst", max(below))
    figures.guard("enhance.light.PSNR_below_Lanczos.mean", np.mean(below))


def times(cameo, out, told, plain_times):
    """Stage times; no floors, as machines differ."""
    name = "strands_12mp"
    line = cameo.run("combo", out / "pictures" / f"{name}.png", out / "combo", "--scale", "1")[name]
    show = lambda stages: "  ".join(f"{stage} {ms:.0f}" for stage, ms in stages.items())
    print(f"\nTimes (ms)\n12 MP combo at scale 1: {show(line['ms'])}")
    ours = sum(line["ms"][stage] for stage in ("refine", "decontaminate", "enhance"))
    print(f"  of which refine + decontaminate + enhance: {ours:.0f}")
    if name in plain_times:
        print(f"12 MP the plain way at scale 2: {show(plain_times[name])}")
    print(f"p_00a4eda7 cutout: {show(told['p_00a4eda7']['ms'])}")
    if "p_00a4eda7" in plain_times:
        print(f"p_00a4eda7 the plain way at scale 2: {show(plain_times['p_00a4eda7'])}")


def check(found, accept):
    """Holds the figures against their floors; what is wrong, in sentences."""
    if accept:
        lines = ["# The most that each figure may be: measured, and 3 percent for sums in another order.\n"]
        for name, value in found.items():
            limit = value * SLACK if value > 0 else value / SLACK
            # A figure near nothing may vary by more than 3 percent of it.
            lines.append(f'"{name}" = {limit + 0.002:.4f}\n')
        FLOORS.write_text("".join(lines))
        return []
    floors = tomllib.loads(FLOORS.read_text())
    wrong = [f"{name} is {value}, its floor {floors[name]}" for name, value in found.items() if value > floors.get(name, value)]
    wrong += [f"{name} has no floor" for name in found if name not in floors]
    return wrong + [f"the floor of {name} guards nothing" for name in floors if name not in found]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cameo", type=Path)
    parser.add_argument("shared", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--onnx", type=Path)
    parser.add_argument("--accept", action="store_true")
    args = parser.parse_args()
    # What an earlier run left must not be measured.
    shutil.rmtree(args.out, ignore_errors=True)
    cameo, figures = Cameo(args.cameo), Figures()
    tiles, told, plain_times = mattes(cameo, args.onnx, args.shared, args.out, figures)
    decontamination(cameo, args.shared, args.out, figures)
    sharpness(cameo, args.out, figures)
    halos(cameo, args.out, figures)
    fidelity(cameo, args.shared, args.out, figures)
    times(cameo, args.out, told, plain_times)
    sheet.write(tiles, args.out / "sheet.png")
    print(f"\nContact sheet: {args.out / 'sheet.png'}")
    wrong = check(figures.found, args.accept)
    for sentence in wrong:
        print(f"error: {sentence}", file=sys.stderr)
    print(f"{len(figures.found)} figures, {len(wrong)} past their floors")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
