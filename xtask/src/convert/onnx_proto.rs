//! The messages of the ONNX format that a network of convolutions needs, with the field numbers of `onnx.proto` (ONNX
//! IR version 8).

use prost::Message;
use safetensors::Dtype;

#[derive(Clone, PartialEq, Message)]
pub struct ModelProto {
    #[prost(message, optional, tag = "7")]
    pub graph: Option<GraphProto>,
}

#[derive(Clone, PartialEq, Message)]
pub struct GraphProto {
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<NodeProto>,
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<TensorProto>,
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfoProto>,
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfoProto>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ValueInfoProto {
    #[prost(string, tag = "1")]
    pub name: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct NodeProto {
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    #[prost(string, tag = "3")]
    pub name: String,
    #[prost(string, tag = "4")]
    pub op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<AttributeProto>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AttributeProto {
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

/// `data_type` of f32.
pub const FLOAT: i32 = 1;
/// `data_type` of f16.
pub const FLOAT16: i32 = 10;

impl NodeProto {
    /// Returns the node's name, or that of its output if it has none.
    pub fn display_name(&self) -> &str {
        if self.name.is_empty() { self.output.first().map_or("", String::as_str) } else { &self.name }
    }

    pub fn attribute(&self, name: &str) -> Option<&AttributeProto> {
        self.attribute.iter().find(|attribute| attribute.name == name)
    }

    /// Returns the name of the value that input `i` reads, which is empty if there is no such input.
    pub fn input_name(&self, i: usize) -> &str {
        self.input.get(i).map_or("", String::as_str)
    }
}

impl TensorProto {
    /// Returns the type of the values, and the values, little-endian.
    pub fn values(&self) -> Result<(Dtype, Vec<u8>), String> {
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
            return Err(format!("it has {} bytes, which does not fit its {count} values", bytes.len()));
        }
        Ok((dtype, bytes))
    }
}
