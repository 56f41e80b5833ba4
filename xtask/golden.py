"""Goldens of the networks, made by onnxruntime on the original ONNX files.

    python golden.py ISNET.onnx U2NETP.onnx PHOTO OUT_FOLDER

Network goldens hold the network's own output (after the sigmoid, before min-max) as 16-bit grey PNG; their inputs are
cut from the photo without resampling, so that both sides see the same numbers. Road goldens hold the matte that the
same weights give in the plain way (Pillow's Lanczos both ways, 8 bits), as rembg makes it.
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

PREPROCESS = {
    "isnet": (1024, (0.5, 0.5, 0.5), (1.0, 1.0, 1.0)),
    "u2netp": (320, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


def planes(pixels, mean, std):
    scaled = pixels.astype(np.float32) / 255
    return ((scaled - np.float32(mean)) / np.float32(std)).transpose(2, 0, 1)[None].astype(np.float32)


def session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def smaller(path, factor):
    """IS-Net for an input smaller by `factor`. It is fully convolutional, but its export holds the sizes of its
    resizes as constants: pairs of integers that each join the first half of a shape."""
    import onnx

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


def main():
    isnet, u2netp, photo, folder = sys.argv[1:]
    folder = Path(folder)
    image = np.asarray(Image.open(photo).convert("RGB"))
    network_inputs = {
        # name: (model, its preprocessing, input)
        "isnet_1024": (isnet, "isnet", image.repeat(2, axis=0).repeat(2, axis=1)),
        "isnet_256": (smaller(isnet, 4), "isnet", image[:256, 96:352]),
        "u2netp_320": (u2netp, "u2netp", image[:320, 64:384]),
    }
    for name, (model, kind, pixels) in network_inputs.items():
        _, mean, std = PREPROCESS[kind]
        run = session(model)
        # The matte, and the side outputs of the decoder from the finest.
        outputs = run.run(None, {run.get_inputs()[0].name: planes(pixels, mean, std)})
        wanted = {name: outputs[0]}
        if name == "u2netp_320":
            Image.fromarray(pixels).save(folder / f"{name}_input.png", optimize=True)
            wanted[f"{name}_glance"] = outputs[2]
        for name, out in wanted.items():
            out = out[0, 0]
            assert out.shape == pixels.shape[:2], (name, out.shape)
            Image.fromarray((out * 65535 + 0.5).astype(np.uint16)).save(folder / f"{name}.png", optimize=True)
            print(name, out.shape, f"{out.min():.6f} {out.max():.6f} mean {out.mean():.6f}")
    for kind, model in {"isnet": isnet, "u2netp": u2netp}.items():
        size, mean, std = PREPROCESS[kind]
        pixels = np.asarray(Image.fromarray(image).resize((size, size), Image.LANCZOS))
        run = session(model)
        out = run.run([run.get_outputs()[0].name], {run.get_inputs()[0].name: planes(pixels, mean, std)})[0][0, 0]
        out = (out - out.min()) / (out.max() - out.min())
        matte = Image.fromarray((out * 255).astype(np.uint8)).resize(image.shape[1::-1], Image.LANCZOS)
        matte.save(folder / f"road_{kind}.png", optimize=True)
        print(f"road_{kind}", matte.size, np.asarray(matte).mean())


if __name__ == "__main__":
    main()
