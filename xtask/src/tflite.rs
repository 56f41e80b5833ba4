//! Checking a TensorFlow Lite graph against ours, and its weights in burn's order.
//!
//! Slots and codes are those of `schema.fbs` (version 3).

use std::collections::HashMap;

use cameo_models::graph::{Conv, Graph, Op};
use safetensors::Dtype;

use crate::flatbuffer::{Buffer, Table};
use crate::onnx::Weight;

const DEQUANTIZE: i32 = 6;
const FLOAT32: u8 = 0;
const FLOAT16: u8 = 1;
/// `padding`: as much as keeps the size at stride 1.
const SAME: u8 = 0;
/// MediaPipe's own operator for a transposed convolution.
const DECONV: &[u8] = b"Convolution2DTransposeBias";
/// Its options: padding valid, stride 2x2.
const DECONV_OPTIONS: [u8; 12] = [1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0];

/// The code of the operator that computes `op`, and its name.
fn code(op: &Op) -> (i32, &'static str) {
    match op {
        Op::Add => (0, "ADD"),
        Op::GlobalMean => (1, "AVERAGE_POOL_2D"),
        Op::Concat => (2, "CONCATENATION"),
        Op::Conv(conv) if conv.groups > 1 => (4, "DEPTHWISE_CONV_2D"),
        Op::Conv(_) => (3, "CONV_2D"),
        Op::Sigmoid => (14, "LOGISTIC"),
        Op::MaxPool => (17, "MAX_POOL_2D"),
        Op::Mul => (18, "MUL"),
        Op::Relu => (19, "RELU"),
        Op::Resize => (23, "RESIZE_BILINEAR"),
        Op::Deconv(_) => (32, "Convolution2DTransposeBias"),
        Op::HardSwish => (117, "HARD_SWISH"),
        Op::Input => (-1, "(graph input)"),
    }
}

struct Tensor<'a> {
    shape: Vec<usize>,
    kind: u8,
    data: &'a [u8],
}

struct Model<'a> {
    /// `(code, custom name)`
    codes: Vec<(i32, &'a [u8])>,
    tensors: Vec<Tensor<'a>>,
    operators: Vec<Table<'a>>,
    input: i32,
    output: i32,
}

impl<'a> Model<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        if bytes.get(4..8) != Some(b"TFL3") {
            return Err("it is not a TensorFlow Lite model".into());
        }
        let root = Buffer(bytes).root()?;
        let graph = *root.tables(2)?.first().ok_or("it has no graph")?;
        let buffers = root.tables(4)?;
        // The newer field holds codes past 127; of older files both hold the same.
        let code = |table: Table<'a>| Ok((table.int(3, 0)?.max(table.byte(0)?.into()), table.data(1)?));
        let tensor = |table: Table<'a>| {
            let shape = table.ints(0)?.into_iter().map(|side| side.max(0) as usize).collect();
            let buffer = buffers.get(table.int(2, 0)? as usize).ok_or("a tensor has no buffer")?;
            Ok::<_, String>(Tensor { shape, kind: table.byte(1)?, data: buffer.data(0)? })
        };
        let one = |slot: usize| {
            let found = graph.ints(slot)?.first().copied();
            found.ok_or_else(|| String::from("the graph has no input or no output"))
        };
        Ok(Self {
            codes: root.tables(1)?.into_iter().map(code).collect::<Result<_, String>>()?,
            tensors: graph.tables(0)?.into_iter().map(tensor).collect::<Result<_, String>>()?,
            operators: graph.tables(3)?,
            input: one(1)?,
            output: one(2)?,
        })
    }

    fn tensor(&self, at: i32) -> Result<&Tensor<'a>, String> {
        self.tensors.get(at as usize).ok_or_else(|| format!("there is no tensor {at}"))
    }
}

/// Checks the model in `bytes` against `expected`, node by node, and returns its weights.
///
/// The error names the first node that differs and how.
pub fn weights_of(bytes: &[u8], expected: &Graph) -> Result<Vec<Weight>, String> {
    let model = Model::parse(bytes)?;
    // Weights are stored in 16 bits, and widened by a node of their own.
    let mut narrow: HashMap<i32, i32> = HashMap::new();
    let mut step_of: HashMap<i32, usize> = HashMap::from([(model.input, 0)]);
    let mut weights = Vec::new();
    let mut steps = expected.nodes.iter().enumerate().skip(1);
    for (i, operator) in model.operators.iter().enumerate() {
        let inputs = operator.ints(1)?;
        let input = |i: usize| inputs.get(i).copied().unwrap_or(-1);
        let output = operator.ints(2)?.first().copied().unwrap_or(-1);
        let (code_found, custom) = *model.codes.get(operator.int(0, 0)? as usize).ok_or("a node has no operator")?;
        if code_found == DEQUANTIZE {
            narrow.insert(output, input(0));
            continue;
        }
        let differs = |how: String| format!("node {i} (operator {code_found}) {how}");
        let Some((at, step)) = steps.next() else {
            return Err(differs("is one more than the network has".into()));
        };
        let (want, name) = code(&step.op);
        if code_found != want || (matches!(step.op, Op::Deconv(_)) && custom != DECONV) {
            return Err(differs(format!("stands where the network has {name}")));
        }
        for (i, &from) in step.inputs.iter().enumerate() {
            if step_of.get(&input(i)) != Some(&from) {
                return Err(differs(format!("reads tensor {} as input {i}, not that of step {from}", input(i))));
            }
        }
        check_options(&model, operator, &inputs, &step.op).map_err(&differs)?;
        if let Op::Conv(conv) | Op::Deconv(conv) = &step.op {
            let deconv = matches!(step.op, Op::Deconv(_));
            for (i, part) in [(1, "weight"), (2, "bias")] {
                let tensor = model.tensor(*narrow.get(&input(i)).unwrap_or(&input(i)))?;
                let weight = if i == 1 { kernel(tensor, conv, deconv) } else { bias(tensor, conv, deconv) };
                let (shape, dtype, bytes) = weight.map_err(|how| differs(format!("has a bad {part}: {how}")))?;
                weights.push(Weight { name: format!("{}.{part}", conv.name), shape, dtype, bytes });
            }
        }
        step_of.insert(output, at);
    }
    if let Some((_, step)) = steps.next() {
        return Err(format!("the graph ends where the network has {}", code(&step.op).1));
    }
    if step_of.get(&model.output) != Some(&expected.matte) {
        return Err("its output is not the network's".into());
    }
    Ok(weights)
}

type Values = (Vec<usize>, Dtype, Vec<u8>);

/// `[out]`; of a transposed one, `[1]` four times.
fn bias(tensor: &Tensor, conv: &Conv, deconv: bool) -> Result<Values, String> {
    let times = if deconv { 4 } else { 1 };
    let (dtype, _) = values(tensor, &[conv.channels_out / times])?;
    Ok((vec![conv.channels_out], dtype, tensor.data.repeat(times)))
}

/// `[out, k, k, in]` to `[out, in, k, k]`; depthwise `[1, k, k, out]` to `[out, 1, k, k]`; transposed `[1, 2, 2, in]` as
/// it is, which is `[4, in, 1, 1]`.
fn kernel(tensor: &Tensor, conv: &Conv, deconv: bool) -> Result<Values, String> {
    let shape = conv.weight_shape();
    let [out, each, k, _] = shape;
    let depthwise = conv.groups > 1;
    let stored = match (depthwise, deconv) {
        (true, _) => [1, k, k, out],
        (_, true) => [1, 2, 2, each],
        (false, false) => [out, k, k, each],
    };
    let (dtype, size) = values(tensor, &stored)?;
    if deconv {
        return Ok((shape.to_vec(), dtype, tensor.data.to_vec()));
    }
    let mut bytes = Vec::with_capacity(tensor.data.len());
    for (o, i) in (0..out).flat_map(|o| (0..each).map(move |i| (o, i))) {
        for tap in 0..k * k {
            let at = if depthwise { tap * out + o } else { (o * k * k + tap) * each + i };
            bytes.extend(&tensor.data[at * size..][..size]);
        }
    }
    Ok((shape.to_vec(), dtype, bytes))
}

/// The type of `tensor`'s values and their size in bytes, if it has `shape` and all of them.
fn values(tensor: &Tensor, shape: &[usize]) -> Result<(Dtype, usize), String> {
    if tensor.shape != shape {
        return Err(format!("its shape is {:?}, the network needs {shape:?}", tensor.shape));
    }
    let (dtype, size) = match tensor.kind {
        FLOAT32 => (Dtype::F32, 4),
        FLOAT16 => (Dtype::F16, 2),
        other => return Err(format!("its type is {other}, not float or float16")),
    };
    if tensor.data.len() != size * shape.iter().product::<usize>() {
        return Err(format!("it holds {} bytes, not the values of its shape", tensor.data.len()));
    }
    Ok((dtype, size))
}

fn check_options(model: &Model, operator: &Table, inputs: &[i32], op: &Op) -> Result<(), String> {
    let options = operator.table(4)?;
    let int = |slot: usize, default: i32| options.map_or(Ok(default), |options| options.int(slot, default));
    let byte = |slot: usize| options.map_or(Ok(0), |options| options.byte(slot));
    let want = |what: &str, found: i32, want: i32| match found == want {
        true => Ok(()),
        false => Err(format!("has {what} {found}, the network needs {want}")),
    };
    match op {
        Op::Conv(conv) => {
            // A depthwise one has its multiplier before the activation.
            let shift = (conv.groups > 1) as usize;
            want("stride", int(1, 0)?, conv.stride as i32)?;
            want("stride", int(2, 0)?, conv.stride as i32)?;
            want("activation", byte(3 + shift)?.into(), 0)?;
            want("dilation", int(4 + shift, 1)?, 1)?;
            // One pixel needs no padding.
            if conv.kernel > 1 { want("padding", byte(0)?.into(), SAME.into()) } else { Ok(()) }
        }
        Op::Deconv(_) => match operator.data(5)? == DECONV_OPTIONS {
            true => Ok(()),
            false => Err("is not of stride 2 without padding".into()),
        },
        Op::GlobalMean => {
            let shape = &model.tensor(inputs.first().copied().unwrap_or(-1))?.shape;
            want("filter height", int(4, 0)?, shape.get(1).map_or(0, |&side| side as i32))?;
            want("filter width", int(3, 0)?, shape.get(2).map_or(0, |&side| side as i32))
        }
        Op::Resize => {
            want("align_corners", byte(2)?.into(), 0)?;
            want("half_pixel_centers", byte(3)?.into(), 1)
        }
        Op::Add | Op::Mul => want("activation", byte(0)?.into(), 0),
        _ => Ok(()),
    }
}
