//! Checks a TensorFlow Lite model against our graph and returns its weights in burn's layout.
//!
//! `dump_tflite.py` reads the model with the classes that are generated from TensorFlow Lite's schema.fbs. All names
//! and numbers here are those of the schema.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::Command;

use cameo_models::graph::{ConvLayer, GraphNode, GraphOp, NetworkGraph};
use safetensors::Dtype;
use serde::Deserialize;

use super::Weight;
use crate::process::output_of;
use crate::{project_folder, python};

/// The packages that `dump_tflite.py` imports.
const PACKAGES: [&str; 3] = ["tflite==2.18.0", "flatbuffers==25.12.19", "numpy==1.26.4"];

/// `padding`: zeros around the picture, so that stride 1 keeps its size.
const PADDING_SAME: i64 = 0;
/// `fused_activation_function`: none.
const ACTIVATION_NONE: i64 = 0;
/// Options of MediaPipe's transposed convolution: three little-endian integers, no padding (1) and strides of 2.
const DECONV_OPTIONS: [u8; 12] = [1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0];

/// What `dump_tflite.py` prints.
#[derive(Deserialize)]
pub struct TfliteModel {
    input: i64,
    output: i64,
    tensors: Vec<Tensor>,
    operators: Vec<Operator>,
}

#[derive(Deserialize)]
struct Tensor {
    shape: Vec<usize>,
    dtype: String,
    /// The values, little-endian; empty if the network computes them.
    #[serde(with = "hex::serde")]
    data: Vec<u8>,
}

#[derive(Deserialize)]
struct Operator {
    name: String,
    /// Indices of tensors.
    inputs: Vec<i64>,
    outputs: Vec<i64>,
    options: BTreeMap<String, i64>,
    #[serde(with = "hex::serde")]
    custom_options: Vec<u8>,
}

impl TfliteModel {
    fn tensor(&self, index: i64) -> Result<&Tensor, String> {
        let tensor = usize::try_from(index).ok().and_then(|index| self.tensors.get(index));
        tensor.ok_or_else(|| format!("reads tensor {index}, which does not exist"))
    }
}

impl Operator {
    fn input(&self, i: usize) -> Result<i64, String> {
        self.inputs.get(i).copied().ok_or_else(|| format!("has no input {i}"))
    }

    fn output(&self) -> Result<i64, String> {
        self.outputs.first().copied().ok_or_else(|| "has no output".into())
    }

    fn expect(&self, option: &str, expected: i64) -> Result<(), String> {
        match self.options.get(option) {
            Some(&found) if found == expected => Ok(()),
            Some(found) => Err(format!("has {option} {found}, the network needs {expected}")),
            None => Err(format!("has no option {option}, the network needs {expected}")),
        }
    }
}

/// Reads `file` in Python.
pub fn dump(file: &Path) -> Result<TfliteModel, String> {
    let mut script = Command::new(python::with("tflite", &PACKAGES)?);
    let json = output_of(script.arg(project_folder().join("xtask/convert/dump_tflite.py")).arg(file))?;
    serde_json::from_slice(&json).map_err(|error| format!("cannot parse what dump_tflite.py printed: {error}"))
}

/// Checks `model` against `expected`, node by node, and returns its weights. The error names the first operator that
/// differs and how.
pub fn weights(model: &TfliteModel, expected: &NetworkGraph) -> Result<Vec<Weight>, String> {
    // The source of each tensor that is a weight widened from f16 to f32.
    let mut dequantized: HashMap<i64, i64> = HashMap::new();
    // The node of our graph that computes each tensor.
    let mut node_of: HashMap<i64, usize> = HashMap::from([(model.input, 0)]);
    let mut weights = Vec::new();
    let mut nodes = expected.nodes.iter().enumerate().skip(1);
    for (i, operator) in model.operators.iter().enumerate() {
        let differs = |how: String| format!("operator {i} ({}) {how}", operator.name);
        let output = operator.output().map_err(differs)?;
        if operator.name == "DEQUANTIZE" {
            dequantized.insert(output, operator.input(0).map_err(differs)?);
            continue;
        }
        let (index, node) = nodes.next().ok_or_else(|| differs("is one more than the network has".into()))?;
        check(model, operator, node, &node_of).map_err(differs)?;
        weights.extend(weights_of(model, operator, &node.op, &dequantized).map_err(differs)?);
        node_of.insert(output, index);
    }
    if let Some((_, node)) = nodes.next() {
        return Err(format!("the graph ends where the network has {}", tflite_name(&node.op)));
    }
    if node_of.get(&model.output) != Some(&expected.output) {
        return Err(format!("its output, tensor {}, is not the network's matte", model.output));
    }
    Ok(weights)
}

/// Returns the name of the operator that computes `op`.
fn tflite_name(op: &GraphOp) -> &'static str {
    match op {
        GraphOp::Input => "(graph input)",
        GraphOp::Conv(conv) if conv.groups > 1 => "DEPTHWISE_CONV_2D",
        GraphOp::Conv(_) => "CONV_2D",
        // An operator of MediaPipe's own.
        GraphOp::Deconv(_) => "Convolution2DTransposeBias",
        GraphOp::Relu => "RELU",
        GraphOp::HardSwish => "HARD_SWISH",
        GraphOp::GlobalMean => "AVERAGE_POOL_2D",
        GraphOp::MaxPool => "MAX_POOL_2D",
        GraphOp::Resize => "RESIZE_BILINEAR",
        GraphOp::Concat => "CONCATENATION",
        GraphOp::Add => "ADD",
        GraphOp::Mul => "MUL",
        GraphOp::Sigmoid => "LOGISTIC",
    }
}

/// Checks that `operator` computes `node` from the same inputs.
fn check(
    model: &TfliteModel,
    operator: &Operator,
    node: &GraphNode,
    node_of: &HashMap<i64, usize>,
) -> Result<(), String> {
    let expected = tflite_name(&node.op);
    if operator.name != expected {
        return Err(format!("is where the network has {expected}"));
    }
    for (i, from) in node.inputs.iter().enumerate() {
        let tensor = operator.input(i)?;
        if node_of.get(&tensor) != Some(from) {
            return Err(format!("reads tensor {tensor} as input {i}, which is not the output of node {from}"));
        }
    }
    match &node.op {
        GraphOp::Conv(conv) => check_conv(operator, conv),
        GraphOp::Deconv(_) if operator.custom_options != DECONV_OPTIONS => {
            Err("has other options than stride 2 without padding".into())
        }
        GraphOp::GlobalMean => {
            // `[1, height, width, channels]`
            let shape = &model.tensor(operator.input(0)?)?.shape;
            let side = |axis: usize| shape.get(axis).map_or(0, |&side| side as i64);
            operator.expect("filter_height", side(1))?;
            operator.expect("filter_width", side(2))
        }
        GraphOp::Resize => {
            operator.expect("align_corners", 0)?;
            operator.expect("half_pixel_centers", 1)
        }
        GraphOp::Add | GraphOp::Mul => operator.expect("fused_activation_function", ACTIVATION_NONE),
        _ => Ok(()),
    }
}

fn check_conv(operator: &Operator, conv: &ConvLayer) -> Result<(), String> {
    for side in ["w", "h"] {
        operator.expect(&format!("stride_{side}"), conv.stride as i64)?;
        operator.expect(&format!("dilation_{side}_factor"), conv.dilation as i64)?;
    }
    operator.expect("fused_activation_function", ACTIVATION_NONE)?;
    // The padding of a 1x1 convolution is empty, whatever its name.
    if conv.kernel > 1 { operator.expect("padding", PADDING_SAME) } else { Ok(()) }
}

/// Returns the weight and the bias of a convolution, and nothing for another operation.
fn weights_of(
    model: &TfliteModel,
    operator: &Operator,
    op: &GraphOp,
    dequantized: &HashMap<i64, i64>,
) -> Result<Vec<Weight>, String> {
    let (GraphOp::Conv(conv) | GraphOp::Deconv(conv)) = op else { return Ok(Vec::new()) };
    let tensor = |i: usize| {
        let index = operator.input(i)?;
        model.tensor(*dequantized.get(&index).unwrap_or(&index))
    };
    let (weight, bias) = match op {
        GraphOp::Deconv(_) => (deconv_weight(tensor(1)?, conv), deconv_bias(tensor(2)?, conv)),
        _ => (conv_weight(tensor(1)?, conv), values(tensor(2)?, &[conv.channels_out])),
    };
    let (weight_dtype, weight) = weight.map_err(|how| format!("has a bad weight: {how}"))?;
    let (bias_dtype, bias) = bias.map_err(|how| format!("has a bad bias: {how}"))?;
    let name = |part: &str| format!("{}.{part}", conv.name);
    Ok(vec![
        Weight { name: name("weight"), shape: conv.weight_shape().into(), dtype: weight_dtype, bytes: weight },
        Weight { name: name("bias"), shape: vec![conv.channels_out], dtype: bias_dtype, bytes: bias },
    ])
}

/// The type of a tensor's values, and the values, little-endian.
type Values = (Dtype, Vec<u8>);

/// Transposes `[out, k, k, in]`, or `[1, k, k, out]` of a depthwise convolution, to `[out, in / groups, k, k]`.
fn conv_weight(tensor: &Tensor, conv: &ConvLayer) -> Result<Values, String> {
    let [channels_out, channels_in, k, _] = conv.weight_shape();
    let depthwise = conv.groups > 1;
    let stored = if depthwise { [1, k, k, channels_out] } else { [channels_out, k, k, channels_in] };
    let (dtype, data) = values(tensor, &stored)?;
    let size = dtype.bitsize() / 8;
    let mut bytes = Vec::with_capacity(data.len());
    for o in 0..channels_out {
        for i in 0..channels_in {
            for tap in 0..k * k {
                let index = if depthwise { tap * channels_out + o } else { (o * k * k + tap) * channels_in + i };
                bytes.extend(&data[index * size..][..size]);
            }
        }
    }
    Ok((dtype, bytes))
}

/// `[1, 2, 2, in]` has the same bytes as `[4, in, 1, 1]`.
fn deconv_weight(tensor: &Tensor, conv: &ConvLayer) -> Result<Values, String> {
    values(tensor, &[1, 2, 2, conv.channels_in])
}

/// The four channels have the same bias.
fn deconv_bias(tensor: &Tensor, conv: &ConvLayer) -> Result<Values, String> {
    let (dtype, bytes) = values(tensor, &[1])?;
    Ok((dtype, bytes.repeat(conv.channels_out)))
}

/// Returns the values of `tensor`, which must have `shape`.
fn values(tensor: &Tensor, shape: &[usize]) -> Result<Values, String> {
    if tensor.shape != shape {
        return Err(format!("its shape is {:?}, the network needs {shape:?}", tensor.shape));
    }
    let dtype = match tensor.dtype.as_str() {
        "FLOAT32" => Dtype::F32,
        "FLOAT16" => Dtype::F16,
        other => return Err(format!("its type is {other}, not FLOAT32 or FLOAT16")),
    };
    if tensor.data.len() != dtype.bitsize() / 8 * shape.iter().product::<usize>() {
        return Err(format!("it has {} bytes, which does not fit its shape", tensor.data.len()));
    }
    Ok((dtype, tensor.data.clone()))
}

#[cfg(test)]
mod tests;
