"""The time of IS-Net in PyTorch with cuDNN, from tensor to tensor: what Cameo's GPU engine is compared with.

    python3 isnet_torch.py isnet.safetensors

Prints a JSON object for each setting: the median and the minimum of the time by CUDA events, the memory, and the largest
difference of the matte from that in f32. Ends with code 77 if PyTorch or a GPU is missing.
"""

import json
import statistics
import sys

CANNOT_RUN = 77
SIDE = 1024
WARM_UP, RUNS = 5, 30
# Levels of the residual U-blocks; None is a block of four levels that dilates instead of pooling.
ENCODER_DEPTHS = [7, 6, 5, 4, None, None]
DECODER_DEPTHS = [None, 4, 5, 6, 7]

try:
    import torch
    import torch.nn.functional as F
except ImportError as error:
    print(f"PyTorch is missing: {error}", file=sys.stderr)
    sys.exit(CANNOT_RUN)


def read_weights(path):
    """Reads a safetensors file: the length of the header, the header as JSON, the numbers."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    kinds = {"F16": (torch.float16, 2), "F32": (torch.float32, 4)}

    def tensor(entry):
        (begin, end), (kind, size) = entry["data_offsets"], kinds[entry["dtype"]]
        values = torch.frombuffer(data, dtype=kind, offset=begin, count=(end - begin) // size)
        return values.reshape(entry["shape"]).float()

    return {name: tensor(entry) for name, entry in header.items()}


class IsNet:
    """The network as functions over its weights, whose names are those in the file."""

    def __init__(self, weights, kind, device):
        last = torch.channels_last
        self.weights = {
            name: value.to(device, kind, memory_format=last if value.dim() == 4 else torch.preserve_format)
            for name, value in weights.items()
        }

    def conv(self, x, name, stride=1, dilation=1):
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return F.conv2d(x, weight, bias, stride, dilation, dilation)

    def layer(self, x, name, dilation=1):
        return F.relu(self.conv(x, f"{name}.conv", dilation=dilation))

    def block(self, x, name, depth):
        """A residual U-block."""
        pools = depth is not None
        depth = depth or 4
        x = entry = self.layer(x, f"{name}.entry")
        skips = []
        for level in range(depth - 1):
            if pools and level > 0:
                x = F.max_pool2d(x, 2, ceil_mode=True)
            x = self.layer(x, f"{name}.down.{level}", 1 if pools else 2**level)
            skips.append(x)
        x = self.layer(x, f"{name}.bottom", 2 if pools else 2 ** (depth - 1))
        for step, level in enumerate(reversed(range(depth - 1))):
            x = self.join(x, skips[level])
            x = self.layer(x, f"{name}.up.{step}", 1 if pools else 2**level)
        return x + entry

    @staticmethod
    def join(x, skip):
        if x.shape[2:] != skip.shape[2:]:
            x = F.interpolate(x, skip.shape[2:], mode="bilinear")
        return torch.cat([x, skip], 1)

    def __call__(self, picture):
        x = self.conv(picture, "stem", stride=2)
        skips = []
        for i, depth in enumerate(ENCODER_DEPTHS):
            if i > 0:
                x = F.max_pool2d(x, 2, ceil_mode=True)
            x = self.block(x, f"backbone.encoder.{i}", depth)
            skips.append(x)
        x = skips.pop()
        for i, depth in enumerate(DECODER_DEPTHS):
            x = self.block(self.join(x, skips.pop()), f"backbone.decoder.{i}", depth)
        logits = self.conv(x, "sides.0")
        return torch.sigmoid(F.interpolate(logits, picture.shape[2:], mode="bilinear"))


def graphed(network, picture):
    """Records the kernels once and replays them, which takes the time to start each of them away."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            network(picture)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        matte = network(picture)

    def replay(_):
        graph.replay()
        return matte

    return replay


def measure(run, picture):
    for _ in range(WARM_UP):
        matte = run(picture)
    times = []
    for _ in range(RUNS):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        matte = run(picture)
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end))
    return times, matte.float()


# Name, type, whether matrix units may round f32 to tf32, and whether a CUDA graph is used.
SETTINGS = [
    ("f32", torch.float32, False, False),
    ("tf32", torch.float32, True, False),
    ("f16", torch.float16, True, False),
    ("f16 in a CUDA graph", torch.float16, True, True),
]


def main():
    if not torch.cuda.is_available():
        print("PyTorch finds no GPU", file=sys.stderr)
        sys.exit(CANNOT_RUN)
    torch.manual_seed(1)
    torch.backends.cudnn.benchmark = True
    weights = read_weights(sys.argv[1])
    picture = torch.rand(1, 3, SIDE, SIDE) - 0.5
    reference, any_failed = None, False
    for name, kind, tf32, in_graph in SETTINGS:
        torch.backends.cudnn.allow_tf32 = tf32
        torch.cuda.reset_peak_memory_stats()
        try:
            with torch.inference_mode():
                network = IsNet(weights, kind, "cuda")
                x = picture.to("cuda", kind, memory_format=torch.channels_last)
                times, matte = measure(graphed(network, x) if in_graph else network, x)
        except RuntimeError as error:
            any_failed = True
            print(json.dumps({"setting": name, "error": str(error).splitlines()[0]}), flush=True)
            continue
        reference = matte if reference is None else reference
        result = {
            "setting": name,
            "ms": statistics.median(times),
            "min_ms": min(times),
            "memory_mib": torch.cuda.max_memory_allocated() / 2**20,
            "largest_difference": (matte - reference).abs().max().item(),
            "torch": torch.__version__,
            "gpu": torch.cuda.get_device_name(),
        }
        print(json.dumps(result), flush=True)
    sys.exit(1 if any_failed else 0)


main()
