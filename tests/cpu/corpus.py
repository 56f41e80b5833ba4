"""Compares decoded pictures with Pillow's: reads a line of JSON for each file and answers with one.

    {"path": FILE, "pixels": FILE of RGBA or null, "width": ..., "height": ...}
    {"difference": mean CIE76, "size": [width, height]} or {"refused": why Pillow does not read it}

The reference is what a viewer with colour management shows: upright, converted to sRGB by relative colorimetry, of an
animation the first frame. Both pictures are put on white and averaged over the cells of a grid of 64 by 64.
"""

import io
import json
import sys
import warnings

import numpy as np
from PIL import Image, ImageCms, ImageOps

GRID = 64, 64
SRGB = ImageCms.createProfile("sRGB")
# CIE XYZ (D65) of linear sRGB: IEC 61966-2-1.
XYZ_OF_SRGB = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])

# Cameo's own limit. Larger pictures would only take memory.
MAX_PIXELS = 50_000_000
Image.MAX_IMAGE_PIXELS = None
warnings.simplefilter("ignore")


def main() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        try:
            picture = reference(job["path"])
        except Exception as error:  # Whatever it is, Pillow does not read the file.
            answer = {"refused": f"{type(error).__name__}: {error}"[:200]}
        else:
            answer = {"size": picture.size}
            if job["pixels"]:
                with open(job["pixels"], "rb") as file:
                    found = Image.frombytes("RGBA", (job["width"], job["height"]), file.read())
                answer["difference"] = difference(found, picture)
        print(json.dumps(answer), flush=True)


def reference(path: str) -> Image.Image:
    """Returns the file as RGBA in sRGB."""
    with Image.open(path) as file:
        if file.width * file.height > MAX_PIXELS:
            raise ValueError("too many pixels")
        file.load()
        icc, info = file.info.get("icc_profile"), file.info
        picture = ImageOps.exif_transpose(file)
    alpha = alpha_of(picture, info)
    opaque = to_srgb(without_alpha(picture), icc, info)
    opaque.putalpha(alpha)
    return opaque


def alpha_of(picture: Image.Image, info: dict) -> Image.Image:
    if picture.mode in ("LA", "PA", "RGBA", "La", "RGBa"):
        return picture.convert("RGBA").getchannel("A")
    if "transparency" in info and picture.mode in ("1", "L", "P", "RGB"):
        return picture.convert("RGBA").getchannel("A")
    return Image.new("L", picture.size, 255)


def without_alpha(picture: Image.Image) -> Image.Image:
    """Returns the picture in 8 bits as L, RGB, CMYK or LAB."""
    if picture.mode.startswith("I;16") or picture.mode == "I":
        # A picture of 16 bits; Pillow would cut it off at 255.
        return Image.fromarray((np.asarray(picture).clip(0, 65535) / 257 + 0.5).astype(np.uint8))
    if picture.mode == "F":
        return Image.fromarray((np.asarray(picture).clip(0, 1) * 255 + 0.5).astype(np.uint8))
    if picture.mode in ("L", "RGB", "CMYK", "LAB"):
        return picture
    return picture.convert("L" if picture.mode in ("1", "LA") else "RGB")


def to_srgb(picture: Image.Image, icc: bytes | None, info: dict) -> Image.Image:
    source = ImageCms.createProfile("LAB") if picture.mode == "LAB" else None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(icc)) if icc else source
        if source:
            intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
            return ImageCms.profileToProfile(picture, source, SRGB, renderingIntent=intent, outputMode="RGB")
    except (OSError, ImageCms.PyCMSError):
        pass  # A damaged profile, or one for other channels: viewers take the picture for sRGB.
    picture = picture.convert("RGB")
    if icc or info.get("srgb") is not None or not ("gamma" in info or "chromaticity" in info):
        return picture
    return from_png_colors(picture, info.get("gamma", 1 / 2.2), info.get("chromaticity"))


def from_png_colors(picture: Image.Image, gamma: float, chromaticity: tuple | None) -> Image.Image:
    """Converts by the chunks gAMA and cHRM of a PNG (third edition, section 4.3)."""
    if abs(gamma - 1 / 2.2) < 0.05:
        linear = linear_from_srgb(np.asarray(picture) / 255)
    else:
        linear = (np.asarray(picture) / 255) ** (1 / gamma)
    if chromaticity:
        points = np.reshape(chromaticity, (4, 2))
        columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in points]).T
        primaries = columns[:, 1:] * np.linalg.solve(columns[:, 1:], columns[:, 0])
        # Whites are made equal by Bradford's transform, as in ICC profiles.
        bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
        whites = (bradford @ XYZ_OF_SRGB.sum(axis=1)) / (bradford @ columns[:, 0])
        adapted = np.linalg.solve(bradford, whites[:, None] * (bradford @ primaries))
        linear = linear @ np.linalg.solve(XYZ_OF_SRGB, adapted).T
    linear = linear.clip(0, 1)
    encoded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return Image.fromarray((encoded * 255 + 0.5).astype(np.uint8))


def difference(found: Image.Image, expected: Image.Image) -> float:
    """Returns the mean CIE76 difference of two pictures, which may differ in size."""
    return float(np.linalg.norm(lab(found) - lab(expected), axis=-1).mean())


def lab(picture: Image.Image) -> np.ndarray:
    """Returns the cells of the grid in CIELAB, relative to the white of sRGB."""
    on_white = Image.new("RGBA", picture.size, "white")
    on_white.alpha_composite(picture)
    cells = np.asarray(on_white.convert("RGB").resize(GRID, Image.Resampling.BOX)) / 255
    x, y, z = np.moveaxis(linear_from_srgb(cells) @ XYZ_OF_SRGB.T / XYZ_OF_SRGB.sum(axis=1), -1, 0)
    x, y, z = (np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116) for t in (x, y, z))
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def linear_from_srgb(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


main()
