"""Writes the golden pictures that tests compare with, computed by onnxruntime from the published ONNX models.

    python golden.py ISNET.onnx U2NETP.onnx PHOTO GOLDENS SELFTEST

GOLDENS is the folder of the tests' pictures, SELFTEST that of the engines' self-test.

A network's golden is its output (after the sigmoid, before it is stretched to the full range) as 16-bit grey PNG. Its
input is cut from the photo without resampling, so that both sides have the same input. A pipeline's golden is the matte
that rembg computes with the same weights: resampled by Pillow's Lanczos filter before and after the network, in 8 bits.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from PIL import Image

# Input size, mean and standard deviation.
PREPROCESSING = {
    "isnet": (1024, (0.5, 0.5, 0.5), (1.0, 1.0, 1.0)),
    "u2netp": (320, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


def network_input(pixels, mean, std):
    """Converts `[height, width, 3]` in 0..255 to `[1, 3, height, width]`, normalised."""
    scaled = pixels.astype(np.float32) / 255
    return ((scaled - np.float32(mean)) / np.float32(std)).transpose(2, 0, 1)[None].astype(np.float32)


def run(model, network, pixels):
    """Returns all outputs of a model, each `[height, width]`: the matte, then the side outputs, finest first."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    _, mean, std = PREPROCESSING[network]
    outputs = session.run(None, {session.get_inputs()[0].name: network_input(pixels, mean, std)})
    return [output[0, 0] for output in outputs]


def with_smaller_input(path, factor):
    """Returns IS-Net for an input that is smaller by `factor`.

    The network is fully convolutional, but its export contains the sizes of its resizes as constants: pairs of integers
    that are appended to the first half of a shape.
    """
    model = onnx.load(path)
    graph = model.graph
    for value in list(graph.input) + list(graph.output):
        for dim in list(value.type.tensor_type.shape.dim)[2:]:
            dim.dim_value //= factor
    del graph.value_info[:]
    for node in graph.node:
        if node.op_type == "Constant":
            tensor = node.attribute[0].t
            sizes = onnx.numpy_helper.to_array(tensor)
            if sizes.dtype == np.int64 and sizes.shape == (2,):
                tensor.CopyFrom(onnx.numpy_helper.from_array(sizes // factor, tensor.name))
    return model.SerializeToString()


def save_matte(path, matte, pixels):
    assert matte.shape == pixels.shape[:2], (path, matte.shape)
    Image.fromarray((matte * 65535 + 0.5).astype(np.uint16)).save(path, optimize=True)
    print(path, matte.shape, f"{matte.min():.6f} {matte.max():.6f} mean {matte.mean():.6f}")


def write_network_goldens(isnet, u2netp, photo, goldens, selftest):
    doubled = photo.repeat(2, axis=0).repeat(2, axis=1)
    save_matte(goldens / "isnet_1024.png", run(isnet, "isnet", doubled)[0], doubled)
    portrait = photo[:320, 64:384]
    Image.fromarray(portrait).save(selftest / "portrait.png", optimize=True)
    part = portrait[:256, 32:288]
    save_matte(selftest / "isnet_256.png", run(with_smaller_input(isnet, 4), "isnet", part)[0], part)
    outputs = run(u2netp, "u2netp", portrait)
    save_matte(selftest / "u2netp_matte.png", outputs[0], portrait)
    # The second side output is the coarse matte.
    save_matte(goldens / "u2netp_320_coarse.png", outputs[2], portrait)


def write_pipeline_golden(model, network, photo, goldens):
    size = PREPROCESSING[network][0]
    resized = np.asarray(Image.fromarray(photo).resize((size, size), Image.LANCZOS))
    matte = run(model, network, resized)[0]
    matte = (matte - matte.min()) / (matte.max() - matte.min())
    matte = Image.fromarray((matte * 255).astype(np.uint8)).resize(photo.shape[1::-1], Image.LANCZOS)
    path = goldens / f"pipeline_{network}.png"
    matte.save(path, optimize=True)
    print(path, matte.size, np.asarray(matte).mean())


def main():
    isnet, u2netp, photo, goldens, selftest = sys.argv[1:]
    photo = np.asarray(Image.open(photo).convert("RGB"))
    write_network_goldens(isnet, u2netp, photo, Path(goldens), Path(selftest))
    write_pipeline_golden(isnet, "isnet", photo, Path(goldens))
    write_pipeline_golden(u2netp, "u2netp", photo, Path(goldens))


if __name__ == "__main__":
    main()
