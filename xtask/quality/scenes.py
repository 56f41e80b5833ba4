"""Pictures with a known true matte: composites, drawn strands, drawn edges. Values in 0..1, colours sRGB-encoded."""

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

SEED = 7


def load(path, mode="RGB"):
    with Image.open(path) as image:
        return np.asarray(image.convert(mode), np.float32) / 255


def save(path, values):
    """Writes `[h, w]`, `[h, w, 3]` or `[h, w, 4]` as an 8-bit PNG."""
    Image.fromarray(np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)).save(path, compress_level=1)


def fitted(image, width, height):
    """Scales `image` to cover `width` by `height`, and crops it to that size."""
    picture = Image.fromarray(np.round(image * 255).astype(np.uint8))
    scale = max(width / picture.width, height / picture.height)
    size = (max(width, round(picture.width * scale)), max(height, round(picture.height * scale)))
    picture = picture.resize(size, Image.LANCZOS).crop((0, 0, width, height))
    return np.asarray(picture, np.float32) / 255


def textured(width, height, seed=SEED):
    """Returns colour noise whose power falls with frequency as in photos."""
    rng = np.random.default_rng(seed)
    side = 512
    across, down = np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side))
    fall = 1 / np.maximum(np.hypot(across, down), 1 / side) ** 1.2
    spectrum = np.fft.fft2(rng.normal(size=(3, side, side))) * fall
    noise = np.fft.ifft2(spectrum).real.transpose(1, 2, 0)
    noise = (noise - noise.mean((0, 1))) / noise.std((0, 1))
    return fitted(np.clip(0.45 + 0.16 * noise, 0, 1).astype(np.float32), width, height)


def composite(foreground, alpha, background):
    return foreground * alpha[..., None] + background * (1 - alpha[..., None])


def backgrounds(width, height, photo):
    """Yields the name and the picture of plain, textured and photographic backgrounds."""
    plain = lambda *color: np.broadcast_to(np.float32(color), (height, width, 3))
    yield "green", plain(0.1, 0.65, 0.2)
    yield "white", plain(1, 1, 1)
    squares = (np.arange(height)[:, None] // 12 + np.arange(width) // 12) % 2 == 0
    yield "squares", np.where(squares[..., None], np.float32([0.9, 0.8, 0.2]), np.float32([0.1, 0.2, 0.6]))
    yield "textured", textured(width, height)
    yield "photo", fitted(photo, width, height)


def strands(width, height, seed, thin, thick):
    """Returns the alpha of a head with hair: an ellipse, and curved strands that are `thin` to `thick` pixels wide."""
    rng = np.random.default_rng(seed)
    fine = 3
    picture = Image.new("L", (width * fine, height * fine), 0)
    draw = ImageDraw.Draw(picture)
    x0, y0, radius = width / 2, height * 0.6, min(width, height) * 0.28
    tall = radius * 1.2
    box = [(x0 - radius) * fine, (y0 - tall) * fine, (x0 + radius) * fine, (y0 + tall) * fine]
    draw.ellipse(box, fill=255)
    for _ in range(160):
        angle = rng.uniform(-1.05 * np.pi, 0.05 * np.pi)
        x, y = x0 + 0.95 * radius * np.cos(angle), y0 + 0.95 * tall * np.sin(angle)
        heading = angle + rng.normal(0, 0.3)
        step, bend = rng.uniform(0.2, 0.9) * radius / 60, rng.normal(0, 1.2) / 60
        points = []
        for _ in range(61):
            points.append((x * fine, y * fine))
            x, y, heading = x + np.cos(heading) * step, y + np.sin(heading) * step, heading + bend
        draw.line(points, fill=255, width=max(1, round(rng.uniform(thin, thick) * fine)), joint="curve")
    return np.asarray(picture.reduce(fine), np.float32) / 255


def hair(alpha, color, seed):
    """Returns a streaked foreground of `color`."""
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.normal(size=alpha.shape).astype(np.float32), 3)
    return np.clip(np.float32(color) + 1.5 * noise[..., None], 0, 1).astype(np.float32)


def edge(side, angle, low, high, blur):
    """Returns a straight edge through the middle from `low` to `high`, blurred by `blur` pixels, as `[side, side]`."""
    fine = 8
    at = (np.arange(side * fine) + 0.5) / fine - side / 2
    beyond = at * np.cos(angle) + at[:, None] * np.sin(angle) > 0
    soft = ndimage.gaussian_filter(beyond.astype(np.float32), blur * fine)
    soft = soft.reshape(side, fine, side, fine).mean((1, 3))
    return low + (high - low) * soft
