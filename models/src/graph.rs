//! The data flow of a network as a list of nodes in forward order.
//!
//! `cargo xtask convert` checks a published model against this list, node by node. The names of the convolutions are
//! the paths of the parameters in the burn modules of `cameo-matting`, and so the names of the tensors in a weights
//! file.

/// The operation of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GraphOp {
    /// The image, `[1, 3, height, width]`.
    Input,
    /// Zero-padded so that stride 1 keeps the size.
    Conv(ConvLayer),
    /// Transposed convolution, 2x2 with stride 2: each pixel becomes four. Its weights and its bias are stored as those
    /// of a 1x1 convolution to four channels, one channel for each of the four pixels in row-major order.
    Deconv(ConvLayer),
    Relu,
    HardSwish,
    /// The mean of each channel over the whole picture.
    GlobalMean,
    /// 2x2 with stride 2; odd sizes are rounded up.
    MaxPool,
    /// Bilinear with half-pixel centres.
    Resize,
    /// Concatenation along the channels.
    Concat,
    Add,
    Mul,
    Sigmoid,
}

impl GraphOp {
    /// Returns the name of the ONNX operator that computes this operation.
    pub fn onnx_name(&self) -> &'static str {
        match self {
            GraphOp::Input => "(graph input)",
            GraphOp::Conv(_) => "Conv",
            GraphOp::Deconv(_) => "ConvTranspose",
            GraphOp::Relu => "Relu",
            GraphOp::HardSwish => "HardSwish",
            GraphOp::GlobalMean => "GlobalAveragePool",
            GraphOp::MaxPool => "MaxPool",
            GraphOp::Resize => "Resize",
            GraphOp::Concat => "Concat",
            GraphOp::Add => "Add",
            GraphOp::Mul => "Mul",
            GraphOp::Sigmoid => "Sigmoid",
        }
    }
}

/// The parameters of a convolution with bias, and where its weights are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvLayer {
    /// Path of the weights in the file, without the final `.weight` or `.bias`.
    pub name: String,
    pub channels_in: usize,
    pub channels_out: usize,
    /// Side of the square kernel.
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    /// 1, or the number of channels (depthwise).
    pub groups: usize,
}

impl ConvLayer {
    /// Returns a dense convolution with stride 1 and dilation 1.
    pub fn new(name: impl Into<String>, channels_in: usize, channels_out: usize, kernel: usize) -> Self {
        Self { name: name.into(), channels_in, channels_out, kernel, stride: 1, dilation: 1, groups: 1 }
    }

    /// Returns `[out, in / groups, kernel, kernel]`.
    pub fn weight_shape(&self) -> [usize; 4] {
        [self.channels_out, self.channels_in / self.groups, self.kernel, self.kernel]
    }

    /// Returns the zeros on each side in the ONNX files, which all keep the size at stride 1.
    pub fn onnx_padding(&self) -> usize {
        self.dilation * (self.kernel / 2)
    }
}

/// An operation and the nodes it reads, by their index in [`NetworkGraph::nodes`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphNode {
    pub op: GraphOp,
    pub inputs: Vec<usize>,
}

/// The nodes of a network in forward order; node 0 is the input image.
#[derive(Debug, Clone)]
pub struct NetworkGraph {
    pub nodes: Vec<GraphNode>,
    /// Index of the sigmoid that computes the network's output: a matte, or the confidence of the selfie network. Of
    /// the graph's weights, only those that the output depends on are stored.
    pub output: usize,
}

impl NetworkGraph {
    /// Returns the convolutions that the output depends on, in forward order.
    pub fn used_convs(&self) -> Vec<&ConvLayer> {
        let mut used = vec![false; self.nodes.len()];
        let mut pending = vec![self.output];
        while let Some(index) = pending.pop() {
            if !std::mem::replace(&mut used[index], true) {
                pending.extend(&self.nodes[index].inputs);
            }
        }
        let used_nodes = self.nodes.iter().zip(used).filter(|(_, used)| *used);
        used_nodes
            .filter_map(|(node, _)| match &node.op {
                GraphOp::Conv(conv) | GraphOp::Deconv(conv) => Some(conv),
                _ => None,
            })
            .collect()
    }
}

/// Appends nodes to a graph. Every method returns the index of the node whose output it computes.
pub(crate) struct GraphBuilder {
    nodes: Vec<GraphNode>,
}

impl GraphBuilder {
    /// Index of the input image.
    pub(crate) const INPUT: usize = 0;

    pub(crate) fn new() -> Self {
        Self { nodes: vec![GraphNode { op: GraphOp::Input, inputs: Vec::new() }] }
    }

    pub(crate) fn finish(self, output: usize) -> NetworkGraph {
        NetworkGraph { nodes: self.nodes, output }
    }

    pub(crate) fn push(&mut self, op: GraphOp, inputs: &[usize]) -> usize {
        self.nodes.push(GraphNode { op, inputs: inputs.to_vec() });
        self.nodes.len() - 1
    }

    pub(crate) fn conv(&mut self, conv: ConvLayer, input: usize) -> usize {
        self.push(GraphOp::Conv(conv), &[input])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Network, network_graph};

    #[test]
    fn names_are_unique() {
        for network in Network::ALL {
            let graph = network_graph(network);
            let mut names: Vec<_> = graph.used_convs().iter().map(|conv| conv.name.clone()).collect();
            let count = names.len();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), count);
        }
    }
}
