"""Writes the seeds of the fuzz targets: `python fuzz/seeds.py`, with Pillow. Equal versions of Pillow write equal files.

Every picture is a gradient of 16 by 12 pixels.
"""

import io
import json
import pathlib
import shutil
import struct
import zlib

from PIL import Image, ImageCms

SEEDS = pathlib.Path(__file__).parent / "seeds"
SIZE = WIDTH, HEIGHT = 16, 12


def save(target: str, name: str, data: bytes | str) -> None:
    folder = SEEDS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())


def gradient(mode: str) -> Image.Image:
    rgba = Image.new("RGBA", SIZE)
    rgba.putdata([(x * 16, y * 21, (x + y) * 9, 255 - x * 15) for y in range(HEIGHT) for x in range(WIDTH)])
    if mode == "I;16":
        grey = rgba.convert("L").convert("I").point(lambda value: value * 257)
        return grey.convert("I;16")
    return rgba if mode == "RGBA" else rgba.convert(mode)


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def exif(orientation: int, big_endian: bool) -> bytes:
    order = ">" if big_endian else "<"
    entries = [(0x0110, 2, 6, 0), (0x0112, 3, 1, orientation), (0x8769, 4, 1, 8)]
    block = struct.pack(order + "HIH", 42, 8, len(entries))
    for tag, kind, count, value in entries:
        packed = struct.pack(order + "HH", value, 0) if kind == 3 else struct.pack(order + "I", value)
        block += struct.pack(order + "HHI", tag, kind, count) + packed
    return (b"MM" if big_endian else b"II") + block + struct.pack(order + "I", 0)


def fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def profile(space: bytes, pcs: bytes, tags: list[tuple[bytes, bytes]], kind: bytes = b"mntr") -> bytes:
    """An ICC profile of version 4.3 (ICC.1, section 7)."""
    offset = 128 + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, content in tags:
        content += bytes(-len(content) % 4)
        table += name + struct.pack(">II", offset + len(data), len(content))
        data += content
    header = struct.pack(">I4xI", offset + len(data), 0x04300000) + kind + space + pcs
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    header += fixed(0.9642) + fixed(1) + fixed(0.8249)
    return header + bytes(128 - len(header)) + table + data


def xyz(x: float, y: float, z: float) -> bytes:
    return b"XYZ \0\0\0\0" + fixed(x) + fixed(y) + fixed(z)


def gamma(value: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256)) + b"\0\0"


def lut16(inputs: int) -> bytes:
    """A table of type `mft2` with two points for each channel, from ink or light to Lab."""
    head = b"mft2\0\0\0\0" + bytes([inputs, 3, 2, 0])
    matrix = b"".join(fixed(value) for value in [1, 0, 0, 0, 1, 0, 0, 0, 1])
    ramp = struct.pack(">2H", 0, 65535)
    points = b"".join(struct.pack(">3H", index * 65535 // (2**inputs - 1), 32896, 32896) for index in range(2**inputs))
    return head + matrix + struct.pack(">2H", 2, 2) + ramp * inputs + points + ramp * 3


def lut_a_to_b() -> bytes:
    """A table of type `mAB ` with all five of its parts."""
    curves = (b"para\0\0\0\0" + struct.pack(">HH", 0, 0) + fixed(1.0)) * 3
    matrix = b"".join(fixed(value) for value in [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0])
    points = bytes(index * 255 // 23 for index in range(24))
    clut = bytes([2, 2, 2]) + bytes(13) + bytes([1, 0, 0, 0]) + points
    parts, offsets, data = [curves, matrix, curves, clut, curves], [], b""
    for part in parts:
        offsets.append(32 + len(data))
        data += part
    return b"mAB \0\0\0\0" + bytes([3, 3, 0, 0]) + struct.pack(">5I", *offsets) + data


def profiles() -> dict[str, bytes]:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    white = (b"wtpt", xyz(0.9642, 1, 0.8249))
    primaries = [(b"rXYZ", xyz(0.515, 0.241, -0.001)), (b"gXYZ", xyz(0.292, 0.692, 0.042)), (b"bXYZ", xyz(0.157, 0.067, 0.784))]
    curves = [(name, gamma(2.2)) for name in (b"rTRC", b"gTRC", b"bTRC")]
    return {
        # Without the time of its making.
        "srgb.icc": srgb[:24] + bytes(12) + srgb[36:],
        "display-p3-like.icc": profile(b"RGB ", b"XYZ ", [white, *primaries, *curves]),
        "grey.icc": profile(b"GRAY", b"XYZ ", [white, (b"kTRC", gamma(1.8))]),
        "rgb-table.icc": profile(b"RGB ", b"Lab ", [white, (b"A2B0", lut16(3))], b"scnr"),
        "rgb-stages.icc": profile(b"RGB ", b"Lab ", [white, (b"A2B1", lut_a_to_b())], b"scnr"),
        "cmyk-table.icc": profile(b"CMYK", b"Lab ", [white, (b"A2B0", lut16(4)), (b"A2B1", lut16(4))], b"prtr"),
    }


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def interlaced_png() -> bytes:
    """Pillow reads interlaced files but writes none."""
    grey = gradient("L")
    rows = b""
    for left, top, right, down in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
        for y in range(top, HEIGHT, down):
            rows += bytes([0, *(grey.getpixel((x, y)) for x in range(left, WIDTH, right))])
    header = struct.pack(">2I5B", *SIZE, 8, 0, 0, 0, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def rle_bmp() -> bytes:
    rows = b"".join(bytes([WIDTH - 4, y, 0, 4, 1, 2, 3, 4, 0, 0]) for y in range(HEIGHT)) + b"\0\1"
    palette = b"".join(bytes([index, 255 - index, index, 0]) for index in range(256))
    offset = 14 + 40 + len(palette)
    info = struct.pack("<IiiHHIIiiII", 40, *SIZE, 1, 8, 1, len(rows), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", offset + len(rows), 0, 0, offset) + info + palette + rows


def pictures() -> None:
    srgb = profiles()["srgb.icc"]
    turned = b"Exif\0\0" + exif(6, True)
    for name, mode, options in [
        ("420.jpg", "RGB", {}),
        ("444.jpg", "RGB", {"subsampling": 0}),
        ("progressive.jpg", "RGB", {"progressive": True}),
        ("grey.jpg", "L", {}),
        ("cmyk.jpg", "CMYK", {}),
        ("restarts.jpg", "RGB", {"restart_marker_blocks": 1}),
        ("metadata.jpg", "RGB", {"exif": turned, "icc_profile": srgb, "comment": b"text"}),
    ]:
        save("decode_jpeg", name, encoded(gradient(mode), "JPEG", quality=70, optimize=True, **options))
    for mode in ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"]:
        save("decode_png", f"{mode.lower().replace(';', '')}.png", encoded(gradient(mode), "PNG"))
    save("decode_png", "interlaced.png", interlaced_png())
    save("decode_png", "transparent-colour.png", encoded(gradient("P"), "PNG", transparency=3, bits=4))
    save("decode_png", "metadata.png", encoded(gradient("RGB"), "PNG", exif=exif(6, True), icc_profile=srgb))
    frames = [gradient("RGB").rotate(180), gradient("RGB")]
    save("decode_png", "animated.png", encoded(gradient("RGB"), "PNG", save_all=True, append_images=frames))
    save("decode_webp", "lossy.webp", encoded(gradient("RGB"), "WEBP", quality=50))
    save("decode_webp", "lossy-alpha.webp", encoded(gradient("RGBA"), "WEBP", quality=50))
    save("decode_webp", "lossless.webp", encoded(gradient("RGB"), "WEBP", lossless=True))
    save("decode_webp", "lossless-alpha.webp", encoded(gradient("RGBA"), "WEBP", lossless=True))
    save("decode_webp", "palette.webp", encoded(gradient("P").quantize(4).convert("RGB"), "WEBP", lossless=True))
    save("decode_webp", "metadata.webp", encoded(gradient("RGB"), "WEBP", exif=exif(6, True), icc_profile=srgb))
    save("decode_webp", "animated.webp", encoded(gradient("RGBA"), "WEBP", save_all=True, append_images=frames))
    for mode in ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F", "YCbCr"]:
        save("decode_tiff", f"{mode.lower().replace(';', '')}.tif", encoded(gradient(mode), "TIFF"))
    for compression in ["packbits", "tiff_lzw", "tiff_adobe_deflate", "jpeg"]:
        save("decode_tiff", f"{compression}.tif", encoded(gradient("RGB"), "TIFF", compression=compression))
    for compression in ["group3", "group4"]:
        save("decode_tiff", f"{compression}.tif", encoded(gradient("1"), "TIFF", compression=compression))
    save("decode_tiff", "predictor.tif", encoded(gradient("RGB"), "TIFF", compression="tiff_lzw", tiffinfo={317: 2}))
    save("decode_tiff", "big.tif", encoded(gradient("RGB"), "TIFF", big_tiff=True))
    save("decode_tiff", "metadata.tif", encoded(gradient("RGB"), "TIFF", tiffinfo={274: 6}, icc_profile=srgb))
    for mode in ["1", "L", "P", "RGB", "RGBA"]:
        save("decode_bmp", f"{mode.lower()}.bmp", encoded(gradient(mode), "BMP"))
    save("decode_bmp", "rle8.bmp", rle_bmp())
    save("decode_gif", "plain.gif", encoded(gradient("P"), "GIF"))
    save("decode_gif", "straight.gif", encoded(gradient("P"), "GIF", interlace=0))
    save("decode_gif", "transparent.gif", encoded(gradient("P"), "GIF", transparency=3))
    save("decode_gif", "animated.gif", encoded(gradient("P"), "GIF", save_all=True, append_images=frames, loop=0))


def metadata() -> None:
    for orientation in (1, 6):
        save("exif", f"big-endian-{orientation}", exif(orientation, True))
        save("exif", f"little-endian-{orientation}", exif(orientation, False))
    save("exif", "prefixed", b"Exif\0\0" + exif(8, True))
    for name, data in profiles().items():
        save("icc", name, data)


def field(number: int, value: int | bytes | str) -> bytes:
    """A field of a message in the format of Protocol Buffers; lengths and numbers stay below 128 or take two bytes."""
    def varint(number: int) -> bytes:
        return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)

    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def onnx() -> bytes:
    """The graph of the target, see `fuzz_targets/onnx.rs`."""
    def ints(name: str, *values: int) -> bytes:
        return field(5, field(1, name) + b"".join(field(8, value) for value in values))

    def int_(name: str, value: int) -> bytes:
        return field(5, field(1, name) + field(3, value))

    def node(output: int, kind: str, inputs: list[str], attributes: bytes = b"") -> bytes:
        named = b"".join(field(1, name) for name in inputs)
        return field(1, named + field(2, str(output)) + field(3, f"node {output}") + field(4, kind) + attributes)

    def conv(output: int, name: str, source: str, padding: int) -> bytes:
        attributes = ints("strides", 1, 1) + ints("dilations", 1, 1) + ints("pads", *[padding] * 4)
        return node(output, "Conv", [source, f"{name}.weight", f"{name}.bias"], attributes)

    def tensor(name: str, *dims: int) -> bytes:
        values = 1
        for dim in dims:
            values *= dim
        sizes = b"".join(field(1, dim) for dim in dims)
        return field(5, sizes + field(2, 1) + field(8, name) + field(9, bytes(4 * values)))

    pool = ints("kernel_shape", 2, 2) + ints("strides", 2, 2) + int_("ceil_mode", 1)
    graph = conv(1, "first", "0", 1) + node(2, "Relu", ["1"]) + node(3, "MaxPool", ["2"], pool)
    graph += node(4, "Resize", ["3"], field(5, field(1, "mode") + field(4, "linear")))
    graph += node(5, "Concat", ["4", "2"], int_("axis", 1)) + conv(6, "last", "5", 0)
    graph += node(7, "Add", ["6", "2"]) + node(9, "Cast", ["7"]) + node(8, "Sigmoid", ["9"])
    graph += tensor("first.weight", 1, 3, 3, 3) + tensor("first.bias", 1)
    graph += tensor("last.weight", 1, 2, 1, 1) + tensor("last.bias", 1)
    return field(7, graph + field(11, field(1, "0")) + field(12, field(1, "8")))


def safetensors(dtype: str, size: int) -> bytes:
    header = {
        "first.weight": {"dtype": dtype, "shape": [1, 3, 3, 3], "data_offsets": [0, 27 * size]},
        "first.bias": {"dtype": dtype, "shape": [1], "data_offsets": [27 * size, 28 * size]},
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + bytes(28 * size)


def models() -> None:
    save("onnx", "whole.onnx", onnx())
    save("safetensors", "f32.safetensors", safetensors("F32", 4))
    save("safetensors", "f16.safetensors", safetensors("F16", 2))


OPTIONS = {
    "model": "u2netp", "guidance": "none", "plain_matte": True, "decontaminate": False, "fill_holes": 0.01,
    "largest": True, "threshold": 0.5, "choke": -1.5, "feather": 2, "edge": "crisp", "background": "#ff0080",
    "crop": 0.05, "matte_only": False, "depth": 16, "compression": "small", "keep_p3": True,
}


def json_values() -> None:
    save("recipe", "smallest.json", '{"operation":"combo"}')
    recipe = {"operation": "enhance", "cutout": OPTIONS, "level": "strong", "scale": 1.5, "decontaminate": True, "format": "png"}
    save("recipe", "all.json", json.dumps(recipe))
    save("recipe", "webp.json", '{"operation":"cutout","format":"webp","level":"light"}')
    save("recipe", "options.json", json.dumps(OPTIONS))
    save("http_config", "smallest.json", '{"name":"a"}')
    save("http_config", "all.json", json.dumps({"name": "passport, wei\u00df", "shared": True, "options": OPTIONS}))
    save("http_config", "unknown.json", '{"name":"a","colour":1}')


def part(name: str, content: bytes, file: bool = False, extra: str = "") -> bytes:
    file_name = '; filename="a.png"' if file else ""
    return f'--X\r\n{extra}Content-Disposition: form-data; name="{name}"{file_name}\r\n\r\n'.encode() + content + b"\r\n"


def requests() -> None:
    photo = encoded(gradient("RGB"), "PNG")
    end = b"--X--\r\n"
    fields = part("enhance_level", b"light") + part("scale", b"1.5") + part("config_id", b"default")
    for name, chunk_bytes, form in [
        ("photo", 255, part("file", photo, True) + end),
        ("fields", 31, fields + part("file", photo, True) + end),
        ("no-photo", 255, fields + end),
        ("two-photos", 255, part("file", photo, True) * 2 + end),
        ("other-name", 255, part("image", photo, True) + end),
        ("text", 0, part("file", b"no image", True) + end),
        ("part-headers", 7, part("file", photo, True, "Content-Type: image/png\r\nX: y\r\n") + end),
        ("cut-short", 255, part("file", photo, True)),
    ]:
        save("http_form", name, bytes([chunk_bytes]) + form)
    save("http_login", "json", b'\0{"username":"ann","password":"wrong"}')
    save("http_login", "json-mark", b'\0\xef\xbb\xbf{"username":"","password":null}')
    save("http_login", "form", b"\1username=ann&password=%77rong+")
    save("http_login", "parts", b"\2" + part("username", b"ann") + part("password", b"wrong") + end)
    for name in ["{header}.{claims}.{signature}", "{header}.{claims}.", "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}."]:
        save("http_token", f"{len(name)}.txt", name)
    bearer = "authorization: Bearer {token}"
    for name, lines in {
        "status": ["GET /api/v1/upscale/status/{task}?token={token}"],
        "events": ["GET /api/v1/upscale/events/{task}", bearer],
        "list": ["GET /api/v1/upscale/tasks?limit=2&before={task}", bearer],
        "submit": ["POST /api/v1/upscale/combo?enhance_level=strong&scale=2&config_id=default", bearer, "prefer: wait=1",
                   "idempotency-key: a", "content-type: multipart/form-data; boundary=X", "content-length: 0"],
        "login": ["POST /api/v1/login?username=ann&password=wrong", "x-forwarded-for: 10.0.0.1, ::1"],
        "config": ["GET /api/v1/configs/default", "authorization: bearer  {token}"],
        "result": ["GET /api/v1/upscale/result/{task}", bearer, "accept: image/webp;q=0.9, image/png;q=0.5"],
        "range": ["GET /api/v1/upscale/result/{task}", bearer, "range: bytes=2-9"],
        "ranges": ["GET /api/v1/upscale/result/{task}", bearer, "range: bytes=0-1,-5"],
        "if-range": ["GET /api/v1/upscale/result/{task}", bearer, "range: bytes=-5", f'if-range: "{"0" * 64}"'],
        "if-none-match": ["HEAD /api/v1/upscale/result/{task}", bearer, f'if-none-match: "a", W/"{"0" * 64}"'],
        "trace": ["GET /readyz", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "x-request-id: a"],
        "cors": ["OPTIONS /api/v1/configs", "origin: https://example.org", "access-control-request-method: PUT"],
        "encoding": ["PUT /api/v1/configs/{task}", bearer, "content-encoding: gzip"],
        "docs": ["GET /docs/"],
    }.items():
        save("http_request", name, "\n".join(lines))


if SEEDS.exists():
    shutil.rmtree(SEEDS)
pictures()
metadata()
models()
json_values()
requests()
