"""Prints a TensorFlow Lite model as JSON, for `cargo xtask convert` to check and convert.

    python dump_tflite.py MODEL.tflite

The document holds

- `input`, `output`: the indices of the network's input and output tensors,
- `tensors`: for each its shape, its type and its data in hex, which is empty if the network computes the tensor,
- `operators`, in the order they run: for each its name, the indices of the tensors that it reads and writes (-1 for an
  optional one that is absent), its options and its custom options in hex.

All names and numbers are those of TensorFlow Lite's schema.fbs.
"""

import json
import sys
from pathlib import Path

import tflite

CONV_OPTIONS = [
    "padding",
    "stride_w",
    "stride_h",
    "dilation_w_factor",
    "dilation_h_factor",
    "fused_activation_function",
]

# The options that decide what an operator computes, by the name of their table. The document has no options of other
# operators.
OPTIONS = {
    "AddOptions": ["fused_activation_function"],
    "Conv2DOptions": CONV_OPTIONS,
    "DepthwiseConv2DOptions": CONV_OPTIONS,
    "MulOptions": ["fused_activation_function"],
    "Pool2DOptions": ["filter_width", "filter_height"],
    "ResizeBilinearOptions": ["align_corners", "half_pixel_centers"],
}


def names_of(enumeration):
    """Maps the values of a generated enumeration to their names."""
    return {value: name for name, value in vars(enumeration).items() if not name.startswith("_")}


OPERATOR_NAMES = names_of(tflite.BuiltinOperator)
OPTION_TABLES = names_of(tflite.BuiltinOptions)
TENSOR_TYPES = names_of(tflite.TensorType)


def array(length, as_numpy):
    """A vector as a list. For an absent vector the generated accessor returns 0 instead of an array."""
    return as_numpy().tolist() if length() else []


def operator_name(model, operator):
    code = model.OperatorCodes(operator.OpcodeIndex())
    # Codes above 127 are only in the newer field; files from before it exists have the code only in the older one.
    name = OPERATOR_NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
    return code.CustomCode().decode() if name == "CUSTOM" else name


def options(operator):
    table_name = OPTION_TABLES[operator.BuiltinOptionsType()]
    if table_name not in OPTIONS:
        return {}
    table = getattr(tflite, table_name)()
    position = operator.BuiltinOptions()
    table.Init(position.Bytes, position.Pos)
    # The accessor of `stride_w` is `StrideW`.
    accessor = lambda field: getattr(table, field.title().replace("_", ""))
    return {field: int(accessor(field)()) for field in OPTIONS[table_name]}


def dump_operator(model, operator):
    return {
        "name": operator_name(model, operator),
        "inputs": array(operator.InputsLength, operator.InputsAsNumpy),
        "outputs": array(operator.OutputsLength, operator.OutputsAsNumpy),
        "options": options(operator),
        "custom_options": bytes(array(operator.CustomOptionsLength, operator.CustomOptionsAsNumpy)).hex(),
    }


def dump_tensor(model, tensor):
    buffer = model.Buffers(tensor.Buffer())
    return {
        "shape": array(tensor.ShapeLength, tensor.ShapeAsNumpy),
        "dtype": TENSOR_TYPES[tensor.Type()],
        "data": bytes(array(buffer.DataLength, buffer.DataAsNumpy)).hex(),
    }


def main():
    content = Path(sys.argv[1]).read_bytes()
    if not tflite.Model.ModelBufferHasIdentifier(content, 0):
        sys.exit(f"{sys.argv[1]} is not a TensorFlow Lite model")
    model = tflite.Model.GetRootAs(content, 0)
    graph = model.Subgraphs(0)
    document = {
        "input": graph.Inputs(0),
        "output": graph.Outputs(0),
        "tensors": [dump_tensor(model, graph.Tensors(i)) for i in range(graph.TensorsLength())],
        "operators": [dump_operator(model, graph.Operators(i)) for i in range(graph.OperatorsLength())],
    }
    json.dump(document, sys.stdout)


if __name__ == "__main__":
    main()
