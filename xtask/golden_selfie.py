"""The golden of the network that finds people, made by MediaPipe itself.

    python golden_selfie.py PHOTO OUT_FOLDER

Holds the network's own output as 16-bit grey PNG. Its input is cut from the photo without resampling, at the network's
size, so that both sides see the same numbers.
"""

import sys
from pathlib import Path

import mediapipe
import numpy as np
from PIL import Image


def main():
    photo, folder = sys.argv[1:]
    pixels = np.ascontiguousarray(np.asarray(Image.open(photo).convert("RGB"))[:256, 96:352])
    segmenter = mediapipe.solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)
    out = np.asarray(segmenter.process(pixels).segmentation_mask, dtype=np.float32).clip(0, 1)
    assert out.shape == (256, 256), out.shape
    Image.fromarray((out * 65535 + 0.5).astype(np.uint16)).save(Path(folder) / "selfie_256.png", optimize=True)
    print("selfie_256", out.shape, f"{out.min():.6f} {out.max():.6f} mean {out.mean():.6f}")


if __name__ == "__main__":
    main()
