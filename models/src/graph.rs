//! The data flow of the networks, as a list of nodes in forward order.
//!
//! The matting networks are U2-Nets (Qin et al. 2020, "U2-Net: Going Deeper with Nested U-Structure for Salient Object Detection";
//! IS-Net: Qin et al. 2022, "Highly Accurate Dichotomous Image Segmentation"): six encoder and five decoder stages,
//! each of which is a small U-Net of its own (RSU). Batch norm is folded into the convolutions.
//!
//! The list is what an ONNX export is checked against node by node, and the names of its convolutions are the paths
//! of the parameters in the burn modules of `cameo::matting`.

use crate::{Network, selfie};

/// One step of a network. `Conv` pads so that stride 1 keeps the size; `MaxPool` is 2x2 with stride 2, sizes rounded up;
/// `Resize` is bilinear with half-pixel centres.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    Input,
    Conv(Conv),
    /// Transposed, 2x2 with stride 2: each pixel becomes four. Its weights and its bias are stored as those of a 1x1
    /// convolution to four channels, one for each of the four, row by row.
    Deconv(Conv),
    Relu,
    HardSwish,
    /// Of each channel over the whole picture.
    GlobalMean,
    MaxPool,
    Resize,
    /// Along the channels.
    Concat,
    Add,
    Mul,
    Sigmoid,
}

impl Op {
    /// The ONNX operator that computes this step.
    pub fn onnx_name(&self) -> &'static str {
        match self {
            Op::Input => "(graph input)",
            Op::Conv(_) => "Conv",
            Op::Deconv(_) => "ConvTranspose",
            Op::Relu => "Relu",
            Op::HardSwish => "HardSwish",
            Op::GlobalMean => "GlobalAveragePool",
            Op::MaxPool => "MaxPool",
            Op::Resize => "Resize",
            Op::Concat => "Concat",
            Op::Add => "Add",
            Op::Mul => "Mul",
            Op::Sigmoid => "Sigmoid",
        }
    }
}

/// A convolution with bias and its place among the parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conv {
    /// Path of the parameters, without the final `.weight` or `.bias`.
    pub name: String,
    pub channels_in: usize,
    pub channels_out: usize,
    /// Kernel side.
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    /// 1, or as many as channels (depthwise).
    pub groups: usize,
}

impl Conv {
    /// `[out, in / groups, kernel, kernel]`
    pub fn weight_shape(&self) -> [usize; 4] {
        [self.channels_out, self.channels_in / self.groups, self.kernel, self.kernel]
    }

    /// Zeros added on each side.
    pub fn padding(&self) -> usize {
        self.dilation * (self.kernel / 2)
    }
}

/// A step and the steps it reads, by their index in [`Graph::nodes`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub op: Op,
    pub inputs: Vec<usize>,
}

/// A network's steps in forward order; node 0 is the input image, `[1, 3, height, width]`.
#[derive(Debug, Clone)]
pub struct Graph {
    pub nodes: Vec<Node>,
    /// The sigmoid whose value is the matte; everything it does not need is left out of the weights.
    pub matte: usize,
}

impl Graph {
    pub fn of(network: Network) -> Self {
        match network {
            Network::IsNet => isnet(),
            Network::U2NetP => u2netp(),
            Network::Selfie => selfie::graph(),
        }
    }

    /// The convolutions that the matte depends on, in forward order.
    pub fn used_convs(&self) -> Vec<&Conv> {
        let mut used = vec![false; self.nodes.len()];
        let mut open = vec![self.matte];
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut used[at], true) {
                open.extend(&self.nodes[at].inputs);
            }
        }
        let nodes = self.nodes.iter().zip(used).filter(|(_, used)| *used);
        nodes
            .filter_map(|(node, _)| match &node.op {
                Op::Conv(conv) | Op::Deconv(conv) => Some(conv),
                _ => None,
            })
            .collect()
    }
}

/// One RSU: `depth` levels if it pools, four dilated levels if not.
#[derive(Debug, Clone, Copy)]
pub struct Rsu {
    pub depth: usize,
    pub pools: bool,
    pub channels_in: usize,
    pub channels_mid: usize,
    pub channels_out: usize,
}

const fn pooled(depth: usize, channels_in: usize, channels_mid: usize, channels_out: usize) -> Rsu {
    Rsu { depth, pools: true, channels_in, channels_mid, channels_out }
}

const fn dilated(channels_in: usize, channels_mid: usize, channels_out: usize) -> Rsu {
    Rsu { depth: 4, pools: false, channels_in, channels_mid, channels_out }
}

/// The stages of a network: encoder 1 to 6, then decoder 5 to 1.
#[derive(Debug, Clone, Copy)]
pub struct Stages {
    pub encoder: [Rsu; 6],
    pub decoder: [Rsu; 5],
}

/// IS-Net's stages, from xuebinqin/DIS `IS-Net/models/isnet.py`.
pub const ISNET: Stages = Stages {
    encoder: [
        pooled(7, 64, 32, 64),
        pooled(6, 64, 32, 128),
        pooled(5, 128, 64, 256),
        pooled(4, 256, 128, 512),
        dilated(512, 256, 512),
        dilated(512, 256, 512),
    ],
    decoder: [
        dilated(1024, 256, 512),
        pooled(4, 1024, 128, 256),
        pooled(5, 512, 64, 128),
        pooled(6, 256, 32, 64),
        pooled(7, 128, 16, 64),
    ],
};

/// U2-Net-p's stages, from xuebinqin/U-2-Net `model/u2net.py`.
pub const U2NETP: Stages = Stages {
    encoder: [
        pooled(7, 3, 16, 64),
        pooled(6, 64, 16, 64),
        pooled(5, 64, 16, 64),
        pooled(4, 64, 16, 64),
        dilated(64, 16, 64),
        dilated(64, 16, 64),
    ],
    decoder: [
        dilated(128, 16, 64),
        pooled(4, 128, 16, 64),
        pooled(5, 128, 16, 64),
        pooled(6, 128, 16, 64),
        pooled(7, 128, 16, 64),
    ],
};

fn isnet() -> Graph {
    let mut graph = Builder::new();
    let stem = graph.conv("stem", 0, [3, 64], 3, 2, 1);
    let features = graph.backbone(&ISNET, stem);
    let mut logits = Vec::new();
    for (i, &feature) in features.iter().enumerate() {
        let side = graph.conv(&format!("sides.{i}"), feature.node, [feature.channels, 1], 3, 1, 1);
        logits.push(graph.step(Op::Resize, &[side]));
    }
    let mattes: Vec<_> = logits.iter().map(|&logit| graph.step(Op::Sigmoid, &[logit])).collect();
    graph.finish(mattes[0])
}

fn u2netp() -> Graph {
    let mut graph = Builder::new();
    let features = graph.backbone(&U2NETP, 0);
    let mut logits = Vec::new();
    for (i, &feature) in features.iter().enumerate() {
        let side = graph.conv(&format!("sides.{i}"), feature.node, [feature.channels, 1], 3, 1, 1);
        // The first one has the size of the image already.
        logits.push(if i == 0 { side } else { graph.step(Op::Resize, &[side]) });
    }
    let all = graph.step(Op::Concat, &logits);
    let fused = graph.conv("fuse", all, [6, 1], 1, 1, 1);
    let matte = graph.step(Op::Sigmoid, &[fused]);
    for logit in logits {
        graph.step(Op::Sigmoid, &[logit]);
    }
    graph.finish(matte)
}

/// A node that later stages read, with its channels.
#[derive(Clone, Copy)]
struct Feature {
    node: usize,
    channels: usize,
}

pub(crate) struct Builder {
    nodes: Vec<Node>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self { nodes: vec![Node { op: Op::Input, inputs: Vec::new() }] }
    }

    pub(crate) fn finish(self, matte: usize) -> Graph {
        Graph { nodes: self.nodes, matte }
    }

    pub(crate) fn step(&mut self, op: Op, inputs: &[usize]) -> usize {
        self.nodes.push(Node { op, inputs: inputs.to_vec() });
        self.nodes.len() - 1
    }

    fn conv(
        &mut self,
        name: &str,
        input: usize,
        [channels_in, channels_out]: [usize; 2],
        kernel: usize,
        stride: usize,
        dilation: usize,
    ) -> usize {
        let name = name.to_string();
        let conv = Conv { name, channels_in, channels_out, kernel, stride, dilation, groups: 1 };
        self.step(Op::Conv(conv), &[input])
    }

    fn conv_relu(&mut self, name: &str, input: usize, channels: [usize; 2], dilation: usize) -> usize {
        let conv = self.conv(&format!("{name}.conv"), input, channels, 3, 1, dilation);
        self.step(Op::Relu, &[conv])
    }

    /// The encoder and decoder; the features of decoder 1 to 5 and of encoder 6, from the finest.
    fn backbone(&mut self, stages: &Stages, input: usize) -> Vec<Feature> {
        let mut skips = Vec::new();
        let mut at = input;
        for (i, rsu) in stages.encoder.iter().enumerate() {
            if i > 0 {
                at = self.step(Op::MaxPool, &[at]);
            }
            at = self.rsu(&format!("backbone.encoder.{i}"), rsu, at);
            skips.push(at);
        }
        skips.pop();
        let mut features = vec![Feature { node: at, channels: stages.encoder[5].channels_out }];
        for (i, rsu) in stages.decoder.iter().enumerate() {
            let up = self.step(Op::Resize, &[at]);
            let skip = skips.pop().expect("a decoder stage for each encoder stage but the last");
            let both = self.step(Op::Concat, &[up, skip]);
            at = self.rsu(&format!("backbone.decoder.{i}"), rsu, both);
            features.push(Feature { node: at, channels: rsu.channels_out });
        }
        features.reverse();
        features
    }

    fn rsu(&mut self, name: &str, rsu: &Rsu, input: usize) -> usize {
        let Rsu { depth, pools, channels_in, channels_mid: mid, channels_out } = *rsu;
        let entry = self.conv_relu(&format!("{name}.entry"), input, [channels_in, channels_out], 1);
        let mut skips = Vec::new();
        let mut at = entry;
        for level in 0..depth - 1 {
            if pools && level > 0 {
                at = self.step(Op::MaxPool, &[at]);
            }
            let from = if level == 0 { channels_out } else { mid };
            let dilation = if pools { 1 } else { 1 << level };
            at = self.conv_relu(&format!("{name}.down.{level}"), at, [from, mid], dilation);
            skips.push(at);
        }
        let dilation = if pools { 2 } else { 1 << (depth - 1) };
        at = self.conv_relu(&format!("{name}.bottom"), at, [mid, mid], dilation);
        for level in (0..depth - 1).rev() {
            // The bottom keeps the size of the level above it.
            if pools && level < depth - 2 {
                at = self.step(Op::Resize, &[at]);
            }
            let both = self.step(Op::Concat, &[at, skips[level]]);
            let to = if level == 0 { channels_out } else { mid };
            let dilation = if pools { 1 } else { 1 << level };
            at = self.conv_relu(&format!("{name}.up.{}", depth - 2 - level), both, [2 * mid, to], dilation);
        }
        self.step(Op::Add, &[at, entry])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convs(graph: &Graph) -> usize {
        graph.nodes.iter().filter(|node| matches!(node.op, Op::Conv(_))).count()
    }

    #[test]
    fn both_networks_have_119_convolutions() {
        assert_eq!(convs(&Graph::of(Network::IsNet)), 119);
        assert_eq!(convs(&Graph::of(Network::U2NetP)), 119);
    }

    #[test]
    fn the_matte_of_isnet_needs_only_its_first_side() {
        let graph = Graph::of(Network::IsNet);
        let used = graph.used_convs();
        assert_eq!(used.len(), 114);
        assert_eq!(used.last().unwrap().name, "sides.0");
        assert_eq!(Graph::of(Network::U2NetP).used_convs().len(), 119);
    }

    #[test]
    fn names_are_unique() {
        for network in Network::ALL {
            let graph = Graph::of(network);
            let mut names: Vec<_> = graph.used_convs().iter().map(|conv| conv.name.clone()).collect();
            let count = names.len();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), count);
        }
    }
}
