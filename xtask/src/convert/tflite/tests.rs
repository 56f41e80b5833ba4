use cameo_models::Network;

use super::*;

/// Returns `graph` as a TensorFlow Lite model whose weights are f16 zeros.
fn export(graph: &NetworkGraph) -> TfliteModel {
    let computed = |_: &GraphNode| Tensor { shape: vec![1, 8, 8, 1], dtype: "FLOAT32".into(), data: Vec::new() };
    let mut model = TfliteModel {
        input: 0,
        output: graph.output as i64,
        // The tensors have the indices of the nodes that compute them; the weights follow.
        tensors: graph.nodes.iter().map(computed).collect(),
        operators: Vec::new(),
    };
    for (index, node) in graph.nodes.iter().enumerate().skip(1) {
        let mut operator = Operator {
            name: tflite_name(&node.op).into(),
            inputs: node.inputs.iter().map(|&input| input as i64).collect(),
            outputs: vec![index as i64],
            options: options(&node.op),
            custom_options: Vec::new(),
        };
        match &node.op {
            GraphOp::Conv(conv) => {
                let [channels_out, channels_in, k, _] = conv.weight_shape();
                let dense = vec![channels_out, k, k, channels_in];
                let weight = if conv.groups > 1 { vec![1, k, k, channels_out] } else { dense };
                operator.inputs.push(model.push_weight(weight));
                operator.inputs.push(model.push_weight(vec![channels_out]));
            }
            GraphOp::Deconv(conv) => {
                operator.inputs.push(model.push_weight(vec![1, 2, 2, conv.channels_in]));
                operator.inputs.push(model.push_weight(vec![1]));
                operator.custom_options = DECONV_OPTIONS.into();
            }
            _ => {}
        }
        model.operators.push(operator);
    }
    model
}

impl TfliteModel {
    /// Appends a weight in f16 and the operator that widens it. Returns the index of the widened tensor.
    fn push_weight(&mut self, shape: Vec<usize>) -> i64 {
        let stored = self.tensors.len() as i64;
        let data = vec![0; 2 * shape.iter().product::<usize>()];
        self.tensors.push(Tensor { shape: shape.clone(), dtype: "FLOAT16".into(), data });
        self.tensors.push(Tensor { shape, dtype: "FLOAT32".into(), data: Vec::new() });
        self.operators.push(Operator {
            name: "DEQUANTIZE".into(),
            inputs: vec![stored],
            outputs: vec![stored + 1],
            options: BTreeMap::new(),
            custom_options: Vec::new(),
        });
        stored + 1
    }

    /// Returns the operator that computes node `index`.
    fn operator(&mut self, index: i64) -> &mut Operator {
        self.operators.iter_mut().find(|operator| operator.outputs == [index]).unwrap()
    }
}

fn options(op: &GraphOp) -> BTreeMap<String, i64> {
    let options: Vec<(&str, i64)> = match op {
        GraphOp::Conv(conv) => vec![
            ("padding", PADDING_SAME),
            ("stride_w", conv.stride as i64),
            ("stride_h", conv.stride as i64),
            ("dilation_w_factor", 1),
            ("dilation_h_factor", 1),
            ("fused_activation_function", ACTIVATION_NONE),
        ],
        GraphOp::GlobalMean => vec![("filter_width", 8), ("filter_height", 8)],
        GraphOp::Resize => vec![("align_corners", 0), ("half_pixel_centers", 1)],
        GraphOp::Add | GraphOp::Mul => vec![("fused_activation_function", ACTIVATION_NONE)],
        _ => Vec::new(),
    };
    options.into_iter().map(|(name, value)| (name.into(), value)).collect()
}

/// Returns the error for a selfie network with `change`.
fn refusal(change: impl FnOnce(&mut TfliteModel)) -> String {
    let graph = cameo_models::network_graph(Network::Selfie);
    let mut model = export(&graph);
    change(&mut model);
    weights(&model, &graph).err().expect("the change must be refused")
}

#[test]
fn a_graph_that_fits_gives_every_weight() {
    let graph = cameo_models::network_graph(Network::Selfie);
    let weights = weights(&export(&graph), &graph).unwrap();
    assert_eq!(weights.len(), 2 * graph.used_convs().len());
    assert!(weights.iter().all(|weight| weight.dtype == Dtype::F16));
}

#[test]
fn the_first_operator_that_differs_is_named() {
    let error = refusal(|model| model.operator(2).name = "TANH".into());
    assert!(error.contains("(TANH) is where the network has HARD_SWISH"), "{error}");
    let error = refusal(|model| *model.operator(1).options.get_mut("stride_h").unwrap() = 1);
    assert!(error.contains("(CONV_2D) has stride_h 1, the network needs 2"), "{error}");
    let error = refusal(|model| {
        model.operator(1).options.remove("padding");
    });
    assert!(error.contains("(CONV_2D) has no option padding"), "{error}");
    let error = refusal(|model| model.operator(2).inputs[0] = 0);
    assert!(error.contains("(HARD_SWISH) reads tensor 0 as input 0"), "{error}");
    let error = refusal(|model| model.tensors.iter_mut().find(|t| t.dtype == "FLOAT16").unwrap().shape[0] = 15);
    assert!(error.contains("(CONV_2D) has a bad weight: its shape is [15, 3, 3, 3]"), "{error}");
    let error = refusal(|model| model.tensors.iter_mut().find(|t| t.dtype == "FLOAT16").unwrap().data.clear());
    assert!(error.contains("(CONV_2D) has a bad weight: it has 0 bytes"), "{error}");
    let error = refusal(|model| model.operators.last_mut().unwrap().name = "ABS".into());
    assert!(error.contains("(ABS) is where the network has LOGISTIC"), "{error}");
}

#[test]
fn a_deconvolution_with_other_options_is_refused() {
    let error = refusal(|model| {
        let mut operators = model.operators.iter_mut();
        operators.find(|operator| !operator.custom_options.is_empty()).unwrap().custom_options[4] = 1;
    });
    assert!(error.contains("other options than stride 2"), "{error}");
}

#[test]
fn a_graph_that_ends_early_or_late_is_refused() {
    let error = refusal(|model| model.operators.truncate(10));
    assert!(error.contains("the graph ends where the network has"), "{error}");
    let error = refusal(|model| {
        model.operators.push(Operator {
            name: "RELU".into(),
            inputs: vec![model.output],
            outputs: vec![-1],
            options: BTreeMap::new(),
            custom_options: Vec::new(),
        });
    });
    assert!(error.contains("(RELU) is one more than the network has"), "{error}");
}

#[test]
fn an_output_other_than_the_matte_is_refused() {
    let error = refusal(|model| model.output = 1);
    assert!(error.contains("its output, tensor 1, is not the network's matte"), "{error}");
}

/// A tensor of f16 with the values 0, 1, 2 and so on.
fn counting(shape: [usize; 4]) -> Tensor {
    let data = (0..shape.iter().product::<usize>() as u16).flat_map(u16::to_le_bytes).collect();
    Tensor { shape: shape.into(), dtype: "FLOAT16".into(), data }
}

fn order((_, bytes): Values) -> Vec<u8> {
    bytes.into_iter().step_by(2).collect()
}

#[test]
fn weights_are_transposed_to_channels_before_taps() {
    let dense = ConvLayer::new("dense", 2, 1, 2);
    assert_eq!(order(conv_weight(&counting([1, 2, 2, 2]), &dense).unwrap()), [0, 2, 4, 6, 1, 3, 5, 7]);
    let two_outputs = ConvLayer::new("two outputs", 1, 2, 2);
    assert_eq!(order(conv_weight(&counting([2, 2, 2, 1]), &two_outputs).unwrap()), [0, 1, 2, 3, 4, 5, 6, 7]);
    let depthwise = ConvLayer { groups: 2, ..ConvLayer::new("depthwise", 2, 2, 2) };
    assert_eq!(order(conv_weight(&counting([1, 2, 2, 2]), &depthwise).unwrap()), [0, 2, 4, 6, 1, 3, 5, 7]);
}

#[test]
fn the_document_that_python_prints_is_read() {
    let document = r#"{"input": 0, "output": 1,
        "tensors": [{"shape": [2], "dtype": "FLOAT16", "data": "003c0040"}],
        "operators": [{"name": "CONV_2D", "inputs": [0, 318, -1], "outputs": [1], "options": {"padding": 0},
            "custom_options": ""}]}"#;
    let model: TfliteModel = serde_json::from_str(document).unwrap();
    assert_eq!(model.tensors[0].data, [0x00, 0x3c, 0x00, 0x40]);
    assert_eq!(model.operators[0].options["padding"], 0);
    assert!(model.tensor(-1).is_err() && model.tensor(1).is_err() && model.tensor(0).is_ok());
}
