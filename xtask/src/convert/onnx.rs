//! Checks an ONNX model of a network of convolutions against our graph and returns its weights.

use std::collections::HashMap;

use cameo_models::graph::{ConvLayer, GraphNode, GraphOp, NetworkGraph};
use prost::Message;

use super::Weight;
use super::onnx_proto::{GraphProto, ModelProto, NodeProto, TensorProto};

/// Parses an ONNX file.
pub fn parse(bytes: &[u8]) -> Result<ModelProto, String> {
    ModelProto::decode(bytes).map_err(|error| format!("it is not an ONNX model: {error}"))
}

/// Checks `model` against `expected`, node by node, and returns the weights that the matte depends on. The error names
/// the first node that differs and how.
pub fn weights(model: &ModelProto, expected: &NetworkGraph) -> Result<Vec<Weight>, String> {
    let graph = model.graph.as_ref().ok_or("the file has no graph: it is not an ONNX model")?;
    let mut values = Values::new(graph)?;
    let initializers: HashMap<&str, &TensorProto> =
        graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let used = expected.used_convs();
    let mut weights = Vec::new();
    let mut nodes = expected.nodes.iter().enumerate().skip(1);
    for node in graph.node.iter().filter(|node| !is_auxiliary(node)) {
        let differs = |how: String| format!("node {:?} ({}) {how}", node.display_name(), node.op_type);
        let (index, wanted) = nodes.next().ok_or_else(|| differs("is one more than the network has".into()))?;
        check(node, wanted, expected, &values).map_err(differs)?;
        if let GraphOp::Conv(conv) = &wanted.op {
            let of_node = conv_weights(node, conv, &initializers).map_err(differs)?;
            if used.contains(&conv) {
                weights.extend(of_node);
            }
        }
        values.node_of.insert(node.output.first().ok_or_else(|| differs("has no output".into()))?, index);
    }
    if let Some((_, node)) = nodes.next() {
        return Err(format!("the graph ends where the network has {}", describe(&node.op)));
    }
    let output = graph.output.first().map_or("", |output| &output.name);
    match values.node(output) == Some(expected.output) {
        true => Ok(weights),
        false => Err(format!("output 0, {output:?}, is not the network's matte")),
    }
}

/// The values of an ONNX graph, and the nodes of our graph that compute them.
struct Values<'a> {
    node_of: HashMap<&'a str, usize>,
    /// Input of each cast, by its output. Exports may list a cast after its use.
    casts: HashMap<&'a str, &'a str>,
}

impl<'a> Values<'a> {
    fn new(graph: &'a GraphProto) -> Result<Self, String> {
        let input = graph.input.first().ok_or("the graph has no input")?;
        let casts = graph.node.iter().filter(|node| matches!(node.op_type.as_str(), "Cast" | "Identity"));
        let casts = casts.filter_map(|node| Some((node.output.first()?.as_str(), node.input.first()?.as_str())));
        Ok(Self { node_of: HashMap::from([(input.name.as_str(), 0)]), casts: casts.collect() })
    }

    /// Returns the node that computes `value`, looking through casts.
    fn node(&self, mut value: &'a str) -> Option<usize> {
        // The bound ends a cycle of casts.
        for _ in 0..=self.casts.len() {
            match self.node_of.get(value) {
                Some(&node) => return Some(node),
                None => value = self.casts.get(value)?,
            }
        }
        None
    }
}

/// Operators that only compute shapes or change the number type. An export may have any number of them.
const AUXILIARY: [&str; 7] = ["Constant", "Shape", "Slice", "Gather", "Unsqueeze", "Cast", "Identity"];

/// Returns true for a node that is no layer of the network.
fn is_auxiliary(node: &NodeProto) -> bool {
    // A Concat along axis 0 joins shapes.
    let joins_shapes = node.op_type == "Concat" && node.attribute("axis").is_none_or(|axis| axis.i == 0);
    AUXILIARY.contains(&node.op_type.as_str()) || joins_shapes
}

/// Checks that `node` computes `wanted` from the same inputs.
fn check<'a>(
    node: &'a NodeProto,
    wanted: &GraphNode,
    expected: &NetworkGraph,
    values: &Values<'a>,
) -> Result<(), String> {
    if node.op_type != wanted.op.onnx_name() {
        return Err(format!("is where the network has {}", describe(&wanted.op)));
    }
    for (i, &from) in wanted.inputs.iter().enumerate() {
        let value = node.input_name(i);
        if values.node(value) != Some(from) {
            let source = expected.nodes[from].op.onnx_name();
            return Err(format!("reads {value:?} as input {i}, which is not the output of node {from}, {source}"));
        }
    }
    check_attributes(node, &wanted.op)
}

/// Returns the weight and the bias of a convolution.
fn conv_weights(
    node: &NodeProto,
    conv: &ConvLayer,
    initializers: &HashMap<&str, &TensorProto>,
) -> Result<[Weight; 2], String> {
    let weight = |input: usize, part: &str, shape: Vec<usize>| {
        let tensor = initializers.get(node.input_name(input));
        let tensor = tensor.ok_or_else(|| format!("has no {part} among the initializers"))?;
        let dims: Vec<usize> = tensor.dims.iter().map(|&dim| dim as usize).collect();
        if dims != shape {
            return Err(format!("has a {part} of shape {dims:?}, the network needs {shape:?}"));
        }
        let (dtype, bytes) = tensor.values().map_err(|how| format!("has a bad {part}: {how}"))?;
        Ok(Weight { name: format!("{}.{part}", conv.name), shape, dtype, bytes })
    };
    Ok([weight(1, "weight", conv.weight_shape().into())?, weight(2, "bias", vec![conv.channels_out])?])
}

fn describe(op: &GraphOp) -> String {
    match op {
        GraphOp::Conv(conv) => format!("{} {:?}", op.onnx_name(), conv.name),
        _ => op.onnx_name().into(),
    }
}

fn check_attributes(node: &NodeProto, op: &GraphOp) -> Result<(), String> {
    let ints = |name: &str, absent: i64, count: usize, want: i64| {
        let found = node.attribute(name).map(|attribute| attribute.ints.clone()).unwrap_or(vec![absent; count]);
        match found == vec![want; count] {
            true => Ok(()),
            false => Err(format!("has {name} {found:?}, the network needs {:?}", vec![want; count])),
        }
    };
    match op {
        GraphOp::Conv(conv) => {
            ints("strides", 1, 2, conv.stride as i64)?;
            ints("dilations", 1, 2, conv.dilation as i64)?;
            ints("pads", 0, 4, conv.onnx_padding() as i64)?;
            match node.attribute("group").map_or(1, |group| group.i) {
                1 => Ok(()),
                group => Err(format!("has group {group}, the network needs 1")),
            }
        }
        GraphOp::MaxPool => {
            ints("kernel_shape", 0, 2, 2)?;
            ints("strides", 1, 2, 2)?;
            ints("pads", 0, 4, 0)?;
            match node.attribute("ceil_mode").map_or(0, |mode| mode.i) {
                1 => Ok(()),
                mode => Err(format!("has ceil_mode {mode}, the network needs 1")),
            }
        }
        GraphOp::Resize => {
            let text = |name: &str| node.attribute(name).map(|a| String::from_utf8_lossy(&a.s).into_owned());
            let mode = text("mode").unwrap_or("nearest".into());
            let centres = text("coordinate_transformation_mode").unwrap_or("half_pixel".into());
            // `pytorch_half_pixel` differs only where the output is one pixel wide.
            match mode == "linear" && matches!(centres.as_str(), "half_pixel" | "pytorch_half_pixel") {
                true => Ok(()),
                false => Err(format!("is {mode} with {centres}, the network needs linear with half_pixel")),
            }
        }
        GraphOp::Concat => match node.attribute("axis").map_or(0, |axis| axis.i) {
            1 => Ok(()),
            axis => Err(format!("joins along axis {axis}, the network needs 1")),
        },
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use cameo_models::Network;

    use super::super::onnx_proto::{AttributeProto, FLOAT, ValueInfoProto};
    use super::*;

    /// Returns `graph` as an ONNX model whose weights are zero.
    fn export(graph: &NetworkGraph) -> ModelProto {
        let mut onnx = GraphProto::default();
        let ints = |name: &str, ints: Vec<i64>| AttributeProto { name: name.into(), ints, ..Default::default() };
        let int = |name: &str, i: i64| AttributeProto { name: name.into(), i, ..Default::default() };
        let text = |name: &str, s: &str| AttributeProto { name: name.into(), s: s.into(), ..Default::default() };
        onnx.input.push(ValueInfoProto { name: "0".into() });
        onnx.output.push(ValueInfoProto { name: graph.output.to_string() });
        for (index, wanted) in graph.nodes.iter().enumerate().skip(1) {
            let mut node = NodeProto {
                input: wanted.inputs.iter().map(|from| from.to_string()).collect(),
                output: vec![index.to_string()],
                name: format!("node {index}"),
                op_type: wanted.op.onnx_name().into(),
                attribute: Vec::new(),
            };
            match &wanted.op {
                GraphOp::Conv(conv) => {
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
                        ints("pads", vec![conv.onnx_padding() as i64; 4]),
                    ];
                }
                GraphOp::MaxPool => {
                    node.attribute =
                        vec![ints("kernel_shape", vec![2; 2]), ints("strides", vec![2; 2]), int("ceil_mode", 1)];
                    node.attribute.push(ints("pads", vec![0; 4]));
                }
                GraphOp::Resize => node.attribute = vec![text("mode", "linear")],
                GraphOp::Concat => node.attribute = vec![int("axis", 1)],
                _ => {}
            }
            onnx.node.push(node);
        }
        ModelProto { graph: Some(onnx) }
    }

    /// Returns the error for U2-Net-p with `change`.
    fn refusal(change: impl FnOnce(&mut GraphProto)) -> String {
        let graph = cameo_models::network_graph(Network::U2NetP);
        let mut model = export(&graph);
        change(model.graph.as_mut().unwrap());
        weights(&model, &graph).err().expect("the change must be refused")
    }

    #[test]
    fn a_graph_that_fits_gives_every_weight_the_matte_needs() {
        for network in Network::MATTING {
            let graph = cameo_models::network_graph(network);
            let bytes = export(&graph).encode_to_vec();
            let weights = weights(&parse(&bytes).unwrap(), &graph).unwrap();
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
        let error = refusal(|graph| graph.node.push(NodeProto { op_type: "Relu".into(), ..Default::default() }));
        assert!(error.contains("one more than"), "{error}");
    }

    #[test]
    fn an_output_other_than_the_matte_is_refused() {
        let error = refusal(|graph| graph.output[0].name = "1".into());
        assert!(error.contains("not the network's matte"), "{error}");
    }

    #[test]
    fn bytes_that_are_not_onnx_are_refused() {
        assert!(
            parse(b"\x89PNG\r\n")
                .and_then(|model| weights(&model, &cameo_models::network_graph(Network::U2NetP)))
                .is_err()
        );
    }
}
