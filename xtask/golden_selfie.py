"""Writes the golden picture of the selfie network, computed by MediaPipe.

    python golden_selfie.py PHOTO SELFTEST

SELFTEST is the folder of the engines' self-test. The golden is the network's output as 16-bit grey PNG. Its input is cut
from the photo at the network's size without resampling, so that both sides have the same input.
"""

import sys
from pathlib import Path

import mediapipe
import numpy as np
from PIL import Image


def main():
    photo, selftest = sys.argv[1:]
    pixels = np.ascontiguousarray(np.asarray(Image.open(photo).convert("RGB"))[:256, 96:352])
    segmenter = mediapipe.solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)
    matte = np.asarray(segmenter.process(pixels).segmentation_mask, dtype=np.float32).clip(0, 1)
    assert matte.shape == (256, 256), matte.shape
    Image.fromarray((matte * 65535 + 0.5).astype(np.uint16)).save(Path(selftest) / "selfie_256.png", optimize=True)
    print("selfie_256", matte.shape, f"{matte.min():.6f} {matte.max():.6f} mean {matte.mean():.6f}")


if __name__ == "__main__":
    main()
