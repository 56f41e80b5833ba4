"""The contact sheet: the crop of each picture with the largest error, from the plain pipeline and from Cameo, on three
colours."""

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

CROP = 96
ENLARGED = 3
GROUNDS = {"grey": (0.5, 0.5, 0.5), "white": (1, 1, 1), "green": (0.1, 0.7, 0.2)}


def worst(name, photo, truth, plain, cutout):
    """Returns the name and a row of tiles: the photo, then both cut-outs on each ground."""
    side = min(CROP, *truth.shape)
    error = ndimage.uniform_filter(np.abs(cutout[..., 3] - truth), side, mode="constant")
    # The crop must be within the picture.
    half = side // 2
    inner = error[half : truth.shape[0] - side + half + 1, half : truth.shape[1] - side + half + 1]
    top, left = np.unravel_index(inner.argmax(), inner.shape)
    cut = lambda values: values[top : top + side, left : left + side]
    on = lambda colors, alpha, ground: colors * alpha[..., None] + np.float32(ground) * (1 - alpha[..., None])
    tiles = [cut(photo)]
    for ground in GROUNDS.values():
        tiles.append(on(cut(photo), cut(plain), ground))
        tiles.append(on(cut(cutout)[..., :3], cut(cutout)[..., 3], ground))
    return name, tiles


def write(rows, path):
    side, title = CROP * ENLARGED, 16
    columns = 1 + 2 * len(GROUNDS)
    image = Image.new("RGB", (columns * side, len(rows) * (side + title)), "black")
    draw = ImageDraw.Draw(image)
    heads = ["photo"] + [f"{pipeline}, {ground}" for ground in GROUNDS for pipeline in ("plain", "cameo")]
    for y, (name, tiles) in enumerate(rows):
        for x, (head, tile) in enumerate(zip(heads, tiles)):
            at = (x * side, y * (side + title))
            draw.text((at[0] + 2, at[1] + 2), f"{name}: {head}", fill="white")
            tile = Image.fromarray(np.round(np.clip(tile, 0, 1) * 255).astype(np.uint8))
            image.paste(tile.resize((side, side), Image.NEAREST), (at[0], at[1] + title))
    image.save(path, compress_level=1)
