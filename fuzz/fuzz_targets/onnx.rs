//! The reader of published models in ONNX format, against a graph with one node of each kind that it knows.

#![no_main]

use cameo_models::graph::{ConvLayer, GraphNode, GraphOp, NetworkGraph};
use libfuzzer_sys::fuzz_target;

#[path = "../../xtask/src/convert/onnx.rs"]
mod onnx;
#[path = "../../xtask/src/convert/onnx_proto.rs"]
mod onnx_proto;

/// What `cargo xtask convert` writes of a weight.
struct Weight {
    name: String,
    shape: Vec<usize>,
    dtype: safetensors::Dtype,
    bytes: Vec<u8>,
}

fn graph() -> NetworkGraph {
    let node = |op, inputs: &[usize]| GraphNode { op, inputs: inputs.to_vec() };
    let nodes = vec![
        node(GraphOp::Input, &[]),
        node(GraphOp::Conv(ConvLayer::new("first", 3, 1, 3)), &[0]),
        node(GraphOp::Relu, &[1]),
        node(GraphOp::MaxPool, &[2]),
        node(GraphOp::Resize, &[3]),
        node(GraphOp::Concat, &[4, 2]),
        node(GraphOp::Conv(ConvLayer::new("last", 2, 1, 1)), &[5]),
        node(GraphOp::Add, &[6, 2]),
        node(GraphOp::Sigmoid, &[7]),
    ];
    NetworkGraph { nodes, output: 8 }
}

fuzz_target!(|file: &[u8]| {
    let Ok(weights) = onnx::parse(file).and_then(|model| onnx::weights(&model, &graph())) else { return };
    assert_eq!(weights.len(), 4, "a weight and a bias for each convolution");
    for Weight { name, shape, dtype, bytes } in weights {
        let values: usize = shape.iter().product();
        assert_eq!(bytes.len() * 8, values * dtype.bitsize(), "{name}");
    }
});
