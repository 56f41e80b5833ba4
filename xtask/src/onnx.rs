//! The part of the ONNX format that a network of convolutions needs, and checking such a graph against ours.
//!
//! Field numbers are those of `onnx.proto` (ONNX IR version 8).

use std::collections::HashMap;

use cameo_models::graph::{Graph, Op};
use prost::Message;
use safetensors::Dtype;

#[derive(Clone, PartialEq, Message)]
pub struct Model {
    #[prost(message, optional, tag = "7")]
    pub graph: Option<OnnxGraph>,
}

#[derive(Clone, PartialEq, Message)]
pub struct OnnxGraph {
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<OnnxNode>,
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<TensorProto>,
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ValueInfo {
    #[prost(string, tag = "1")]
    pub name: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct OnnxNode {
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    #[prost(string, tag = "3")]
    pub name: String,
    #[prost(string, tag = "4")]
    pub op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<Attribute>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Attribute {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(int64, tag = "3")]
    pub i: i64,
    #[prost(bytes = "vec", tag = "4")]
    pub s: Vec<u8>,
    #[prost(int64, repeated, tag = "8")]
    pub ints: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct TensorProto {
    #[prost(int64, repeated, tag = "1")]
    pub dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    #[prost(string, tag = "8")]
    pub name: String,
    #[prost(bytes = "vec", tag = "9")]
    pub raw_data: Vec<u8>,
}

const FLOAT: i32 = 1;
const FLOAT16: i32 = 10;

impl TensorProto {
    /// The values, little-endian, in the type the file has them in.
    fn values(&self) -> Result<(Dtype, Vec<u8>), String> {
        let count: i64 = self.dims.iter().product();
        let (dtype, bytes) = match self.data_type {
            FLOAT16 => (Dtype::F16, self.raw_data.clone()),
            FLOAT if self.raw_data.is_empty() => {
                (Dtype::F32, self.float_data.iter().flat_map(|value| value.to_le_bytes()).collect())
            }
            FLOAT => (Dtype::F32, self.raw_data.clone()),
            other => return Err(format!("its type is {other}, not float or float16")),
        };
        if bytes.len() as i64 != dtype.bitsize() as i64 / 8 * count {
            return Err(format!("it holds {} bytes, not the {count} values of its shape", bytes.len()));
        }
        Ok((dtype, bytes))
    }
}

/// A weight to write: its path in the burn module, shape, and values, little-endian.
pub struct Weight {
    pub name: String,
    pub shape: Vec<usize>,
    pub dtype: Dtype,
    pub bytes: Vec<u8>,
}

/// Steps that only compute shapes or change the number type: an export may have any number of them.
const PLUMBING: [&str; 7] = ["Constant", "Shape", "Slice", "Gather", "Unsqueeze", "Cast", "Identity"];

/// Checks `model` against `expected`, node by node, and returns the weights the matte needs.
///
/// The error names the first node that differs and how.
pub fn weights_of(model: &Model, expected: &Graph) -> Result<Vec<Weight>, String> {
    let graph = model.graph.as_ref().ok_or("the file holds no graph: it is not an ONNX model")?;
    let input = graph.input.first().ok_or("the graph has no input")?;
    let initializers: HashMap<&str, &TensorProto> =
        graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let casts: HashMap<&str, &str> = graph
        .node
        .iter()
        .filter(|node| matches!(node.op_type.as_str(), "Cast" | "Identity"))
        .filter_map(|node| Some((node.output.first()?.as_str(), node.input.first()?.as_str())))
        .collect();
    // Which of our nodes computes a value, looking through casts; exports may list a cast after its use.
    let mut step_of: HashMap<&str, usize> = HashMap::from([(input.name.as_str(), 0)]);
    let resolve = |step_of: &HashMap<&str, usize>, value: &str| {
        let mut value = value;
        for _ in 0..casts.len() + 1 {
            match (step_of.get(value), casts.get(value)) {
                (Some(&step), _) => return Some(step),
                (None, Some(&before)) => value = before,
                (None, None) => return None,
            }
        }
        None
    };
    let used: Vec<&str> = expected.used_convs().iter().map(|conv| conv.name.as_str()).collect();
    let mut weights = Vec::new();
    let mut steps = expected.nodes.iter().enumerate().skip(1);
    for node in &graph.node {
        // A Concat of shapes is plumbing too: it joins along axis 0.
        let joins_shapes = node.op_type == "Concat" && attribute(node, "axis").is_none_or(|axis| axis.i == 0);
        if PLUMBING.contains(&node.op_type.as_str()) || joins_shapes {
            continue;
        }
        let differs = |how: String| format!("node {:?} ({}) {how}", node_name(node), node.op_type);
        let Some((at, step)) = steps.next() else {
            return Err(differs("is one more than the network has".into()));
        };
        let want = step.op.onnx_name();
        if node.op_type != want {
            return Err(differs(format!("stands where the network has {want}{}", place(&step.op))));
        }
        for (i, &from) in step.inputs.iter().enumerate() {
            let value = node.input.get(i).map(String::as_str).unwrap_or_default();
            if resolve(&step_of, value) != Some(from) {
                let of = expected.nodes[from].op.onnx_name();
                return Err(differs(format!("reads {value:?} as input {i}, not the {of} of step {from}")));
            }
        }
        check_attributes(node, &step.op).map_err(differs)?;
        if let Op::Conv(conv) = &step.op {
            let shapes = [conv.weight_shape().to_vec(), vec![conv.channels_out]];
            for (i, (shape, part)) in shapes.into_iter().zip(["weight", "bias"]).enumerate() {
                let value = node.input.get(i + 1).map(String::as_str).unwrap_or_default();
                let tensor =
                    initializers.get(value).ok_or_else(|| differs(format!("has no {part} among the initializers")))?;
                let dims: Vec<usize> = tensor.dims.iter().map(|&dim| dim as usize).collect();
                if dims != shape {
                    return Err(differs(format!("has a {part} of shape {dims:?}, the network needs {shape:?}")));
                }
                let (dtype, bytes) = tensor.values().map_err(|how| differs(format!("has a bad {part}: {how}")))?;
                if used.contains(&conv.name.as_str()) {
                    weights.push(Weight { name: format!("{}.{part}", conv.name), shape, dtype, bytes });
                }
            }
        }
        step_of.insert(node.output.first().ok_or_else(|| differs("has no output".into()))?, at);
    }
    if let Some((_, step)) = steps.next() {
        return Err(format!("the graph ends where the network has {}{}", step.op.onnx_name(), place(&step.op)));
    }
    let output = graph.output.first().map(|output| output.name.as_str()).unwrap_or_default();
    if resolve(&step_of, output) != Some(expected.matte) {
        return Err(format!("output 0, {output:?}, is not the network's matte"));
    }
    Ok(weights)
}

fn node_name(node: &OnnxNode) -> &str {
    if node.name.is_empty() { node.output.first().map_or("", String::as_str) } else { &node.name }
}

fn place(op: &Op) -> String {
    match op {
        Op::Conv(conv) => format!(" {:?}", conv.name),
        _ => String::new(),
    }
}

fn attribute<'a>(node: &'a OnnxNode, name: &str) -> Option<&'a Attribute> {
    node.attribute.iter().find(|attribute| attribute.name == name)
}

fn check_attributes(node: &OnnxNode, op: &Op) -> Result<(), String> {
    let ints = |name: &str, absent: i64, count: usize, want: i64| {
        let found = attribute(node, name).map(|attribute| attribute.ints.clone()).unwrap_or(vec![absent; count]);
        match found == vec![want; count] {
            true => Ok(()),
            false => Err(format!("has {name} {found:?}, the network needs {:?}", vec![want; count])),
        }
    };
    match op {
        Op::Conv(conv) => {
            ints("strides", 1, 2, conv.stride as i64)?;
            ints("dilations", 1, 2, conv.dilation as i64)?;
            ints("pads", 0, 4, conv.padding() as i64)?;
            match attribute(node, "group").map_or(1, |group| group.i) {
                1 => Ok(()),
                group => Err(format!("has group {group}, the network needs 1")),
            }
        }
        Op::MaxPool => {
            ints("kernel_shape", 0, 2, 2)?;
            ints("strides", 1, 2, 2)?;
            ints("pads", 0, 4, 0)?;
            match attribute(node, "ceil_mode").map_or(0, |mode| mode.i) {
                1 => Ok(()),
                mode => Err(format!("has ceil_mode {mode}, the network needs 1")),
            }
        }
        Op::Resize => {
            let text = |name: &str| attribute(node, name).map(|a| String::from_utf8_lossy(&a.s).into_owned());
            let mode = text("mode").unwrap_or("nearest".into());
            let centres = text("coordinate_transformation_mode").unwrap_or("half_pixel".into());
            // `pytorch_half_pixel` differs only where the output is one pixel wide.
            match mode == "linear" && matches!(centres.as_str(), "half_pixel" | "pytorch_half_pixel") {
                true => Ok(()),
                false => Err(format!("is {mode} with {centres}, the network needs linear with half_pixel")),
            }
        }
        Op::Concat => match attribute(node, "axis").map_or(0, |axis| axis.i) {
            1 => Ok(()),
            axis => Err(format!("joins along axis {axis}, the network needs 1")),
        },
        _ => Ok(()),
    }
}

/// Reads an ONNX file.
pub fn parse(bytes: &[u8]) -> Result<Model, String> {
    Model::decode(bytes).map_err(|error| format!("it is not an ONNX model: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cameo_models::Network;

    /// An export of `graph` with all weights zero, as another tool would write it.
    fn export(graph: &Graph) -> Model {
        let mut onnx = OnnxGraph::default();
        let ints = |name: &str, ints: Vec<i64>| Attribute { name: name.into(), ints, ..Default::default() };
        let int = |name: &str, i: i64| Attribute { name: name.into(), i, ..Default::default() };
        let text = |name: &str, s: &str| Attribute { name: name.into(), s: s.into(), ..Default::default() };
        onnx.input.push(ValueInfo { name: "0".into() });
        onnx.output.push(ValueInfo { name: graph.matte.to_string() });
        for (at, step) in graph.nodes.iter().enumerate().skip(1) {
            let mut node = OnnxNode {
                input: step.inputs.iter().map(|from| from.to_string()).collect(),
                output: vec![at.to_string()],
                name: format!("node {at}"),
                op_type: step.op.onnx_name().into(),
                attribute: Vec::new(),
            };
            match &step.op {
                Op::Conv(conv) => {
                    for (part, shape) in [("weight", conv.weight_shape().to_vec()), ("bias", vec![conv.channels_out])] {
                        let name = format!("{}.{part}", conv.name);
                        let count: usize = shape.iter().product();
                        node.input.push(name.clone());
                        onnx.initializer.push(TensorProto {
                            dims: shape.iter().map(|&dim| dim as i64).collect(),
                            data_type: FLOAT,
                            float_data: Vec::new(),
                            name,
                            raw_data: vec![0; 4 * count],
                        });
                    }
                    node.attribute = vec![
                        ints("strides", vec![conv.stride as i64; 2]),
                        ints("dilations", vec![conv.dilation as i64; 2]),
                        ints("pads", vec![conv.padding() as i64; 4]),
                    ];
                }
                Op::MaxPool => {
                    node.attribute =
                        vec![ints("kernel_shape", vec![2; 2]), ints("strides", vec![2; 2]), int("ceil_mode", 1)];
                    node.attribute.push(ints("pads", vec![0; 4]));
                }
                Op::Resize => node.attribute = vec![text("mode", "linear")],
                Op::Concat => node.attribute = vec![int("axis", 1)],
                _ => {}
            }
            onnx.node.push(node);
        }
        Model { graph: Some(onnx) }
    }

    fn refusal(change: impl FnOnce(&mut OnnxGraph)) -> String {
        let graph = Graph::of(Network::U2NetP);
        let mut model = export(&graph);
        change(model.graph.as_mut().unwrap());
        weights_of(&model, &graph).err().expect("the change must be refused")
    }

    #[test]
    fn a_graph_that_fits_gives_every_weight_the_matte_needs() {
        for network in Network::MATTING {
            let graph = Graph::of(network);
            let bytes = export(&graph).encode_to_vec();
            let weights = weights_of(&parse(&bytes).unwrap(), &graph).unwrap();
            assert_eq!(weights.len(), 2 * graph.used_convs().len());
        }
    }

    #[test]
    fn the_first_node_that_differs_is_named() {
        let error = refusal(|graph| graph.node[4].op_type = "Tanh".into());
        assert!(error.contains("\"node 5\" (Tanh)"), "{error}");
        let error = refusal(|graph| graph.node[0].attribute[1].ints = vec![2, 2]);
        assert!(error.contains("\"node 1\"") && error.contains("dilations [2, 2]"), "{error}");
        let error = refusal(|graph| graph.initializer[0].dims[0] = 63);
        assert!(error.contains("\"node 1\"") && error.contains("[63, 3, 3, 3]"), "{error}");
        let error = refusal(|graph| graph.node[7].input[0] = "1".into());
        assert!(error.contains("\"node 8\"") && error.contains("reads \"1\""), "{error}");
    }

    #[test]
    fn a_graph_that_ends_early_or_late_is_refused() {
        let error = refusal(|graph| graph.node.truncate(10));
        assert!(error.contains("the graph ends where"), "{error}");
        let error = refusal(|graph| graph.node.push(OnnxNode { op_type: "Relu".into(), ..Default::default() }));
        assert!(error.contains("one more than"), "{error}");
    }

    #[test]
    fn another_output_than_the_matte_is_refused() {
        let error = refusal(|graph| graph.output[0].name = "1".into());
        assert!(error.contains("not the network's matte"), "{error}");
    }

    #[test]
    fn bytes_that_are_no_onnx_are_refused() {
        assert!(parse(b"\x89PNG\r\n").and_then(|model| weights_of(&model, &Graph::of(Network::U2NetP))).is_err());
    }
}
