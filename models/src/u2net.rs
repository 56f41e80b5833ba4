//! The graphs of the matting networks, IS-Net and U2-Net-p.
//!
//! Both are U2-Nets (Qin et al. 2020, "U2-Net: Going Deeper with Nested U-Structure for Salient Object Detection";
//! IS-Net: Qin et al. 2022, "Highly Accurate Dichotomous Image Segmentation"): six encoder and five decoder stages,
//! each of which is a small U-Net itself, a residual U-block (RSU). Batch norm is folded into the convolutions.

use crate::graph::{ConvLayer, GraphBuilder, GraphOp, NetworkGraph};

/// The shape of a residual U-block.
#[derive(Debug, Clone, Copy)]
pub struct RsuShape {
    /// L in RSU-L: one more than the levels that go down and up again, for the bottom.
    pub depth: usize,
    /// True if the size is halved between levels; a block without pooling (RSU-4F) dilates its kernels instead.
    pub pools: bool,
    pub channels_in: usize,
    pub channels_mid: usize,
    pub channels_out: usize,
}

const fn pooled(depth: usize, channels_in: usize, channels_mid: usize, channels_out: usize) -> RsuShape {
    RsuShape { depth, pools: true, channels_in, channels_mid, channels_out }
}

const fn dilated(channels_in: usize, channels_mid: usize, channels_out: usize) -> RsuShape {
    RsuShape { depth: 4, pools: false, channels_in, channels_mid, channels_out }
}

/// The stages of a network: encoder 1 to 6, then decoder 5 to 1.
#[derive(Debug, Clone, Copy)]
pub struct BackboneShape {
    pub encoder: [RsuShape; 6],
    pub decoder: [RsuShape; 5],
}

/// IS-Net's stages, from xuebinqin/DIS `IS-Net/models/isnet.py`.
pub const ISNET_BACKBONE: BackboneShape = BackboneShape {
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
pub const U2NETP_BACKBONE: BackboneShape = BackboneShape {
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

/// IS-Net computes a matte from each of its six features; the one from the finest feature is the result.
pub(crate) fn isnet_graph() -> NetworkGraph {
    let mut graph = GraphBuilder::new();
    let stem = graph.conv(ConvLayer { stride: 2, ..ConvLayer::new("stem", 3, 64, 3) }, GraphBuilder::INPUT);
    let features = graph.backbone(&ISNET_BACKBONE, stem);
    let mut logits = Vec::new();
    for (i, &feature) in features.iter().enumerate() {
        let side = graph.side(i, feature);
        logits.push(graph.push(GraphOp::Resize, &[side]));
    }
    let mattes: Vec<_> = logits.iter().map(|&logit| graph.push(GraphOp::Sigmoid, &[logit])).collect();
    graph.finish(mattes[0])
}

/// U2-Net-p fuses the logits of its six features into the result.
pub(crate) fn u2netp_graph() -> NetworkGraph {
    let mut graph = GraphBuilder::new();
    let features = graph.backbone(&U2NETP_BACKBONE, GraphBuilder::INPUT);
    let mut logits = Vec::new();
    for (i, &feature) in features.iter().enumerate() {
        let side = graph.side(i, feature);
        // The first one has the size of the image already.
        logits.push(if i == 0 { side } else { graph.push(GraphOp::Resize, &[side]) });
    }
    let all = graph.push(GraphOp::Concat, &logits);
    let fused = graph.conv(ConvLayer::new("fuse", 6, 1, 1), all);
    let matte = graph.push(GraphOp::Sigmoid, &[fused]);
    for logit in logits {
        graph.push(GraphOp::Sigmoid, &[logit]);
    }
    graph.finish(matte)
}

/// The output of a backbone stage.
#[derive(Clone, Copy)]
struct Feature {
    node: usize,
    channels: usize,
}

impl GraphBuilder {
    /// Appends the convolution from the `i`-th finest feature to its logits.
    fn side(&mut self, i: usize, feature: Feature) -> usize {
        self.conv(ConvLayer::new(format!("sides.{i}"), feature.channels, 1, 3), feature.node)
    }

    fn conv_relu(&mut self, conv: ConvLayer, input: usize) -> usize {
        let conv = self.conv(conv, input);
        self.push(GraphOp::Relu, &[conv])
    }

    /// Appends encoder and decoder. Returns the features of decoder stages 1 to 5 and of encoder stage 6, finest first.
    fn backbone(&mut self, shape: &BackboneShape, input: usize) -> Vec<Feature> {
        let mut skips = Vec::new();
        let mut x = input;
        for (i, rsu) in shape.encoder.iter().enumerate() {
            if i > 0 {
                x = self.push(GraphOp::MaxPool, &[x]);
            }
            x = self.rsu(&format!("backbone.encoder.{i}"), rsu, x);
            skips.push(x);
        }
        skips.pop();
        let mut features = vec![Feature { node: x, channels: shape.encoder[5].channels_out }];
        for (i, rsu) in shape.decoder.iter().enumerate() {
            let up = self.push(GraphOp::Resize, &[x]);
            let skip = skips.pop().expect("there is a decoder stage for each encoder stage but the last");
            let both = self.push(GraphOp::Concat, &[up, skip]);
            x = self.rsu(&format!("backbone.decoder.{i}"), rsu, both);
            features.push(Feature { node: x, channels: rsu.channels_out });
        }
        features.reverse();
        features
    }

    fn rsu(&mut self, name: &str, shape: &RsuShape, input: usize) -> usize {
        let RsuShape { depth, pools, channels_in, channels_mid: mid, channels_out } = *shape;
        let conv3x3 = |part: String, channels_in: usize, channels_out: usize, dilation: usize| ConvLayer {
            dilation,
            ..ConvLayer::new(format!("{name}.{part}.conv"), channels_in, channels_out, 3)
        };
        let level_dilation = |level: usize| if pools { 1 } else { 1 << level };
        let entry = self.conv_relu(conv3x3("entry".into(), channels_in, channels_out, 1), input);
        let mut skips = Vec::new();
        let mut x = entry;
        for level in 0..depth - 1 {
            if pools && level > 0 {
                x = self.push(GraphOp::MaxPool, &[x]);
            }
            let from = if level == 0 { channels_out } else { mid };
            x = self.conv_relu(conv3x3(format!("down.{level}"), from, mid, level_dilation(level)), x);
            skips.push(x);
        }
        let bottom_dilation = if pools { 2 } else { 1 << (depth - 1) };
        x = self.conv_relu(conv3x3("bottom".into(), mid, mid, bottom_dilation), x);
        for level in (0..depth - 1).rev() {
            // The bottom has the same size as the level above it.
            if pools && level < depth - 2 {
                x = self.push(GraphOp::Resize, &[x]);
            }
            let both = self.push(GraphOp::Concat, &[x, skips[level]]);
            let to = if level == 0 { channels_out } else { mid };
            let part = format!("up.{}", depth - 2 - level);
            x = self.conv_relu(conv3x3(part, 2 * mid, to, level_dilation(level)), both);
        }
        self.push(GraphOp::Add, &[x, entry])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conv_count(graph: &NetworkGraph) -> usize {
        graph.nodes.iter().filter(|node| matches!(node.op, GraphOp::Conv(_))).count()
    }

    #[test]
    fn both_networks_have_119_convolutions() {
        assert_eq!(conv_count(&isnet_graph()), 119);
        assert_eq!(conv_count(&u2netp_graph()), 119);
    }

    #[test]
    fn the_matte_of_isnet_needs_only_its_first_side() {
        let graph = isnet_graph();
        let used = graph.used_convs();
        assert_eq!(used.len(), 114);
        assert_eq!(used.last().unwrap().name, "sides.0");
        assert_eq!(u2netp_graph().used_convs().len(), 119);
    }
}
