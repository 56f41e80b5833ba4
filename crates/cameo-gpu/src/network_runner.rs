//! Runs single networks for the self-test.

use cameo_core::codec::Image;
use cameo_core::pipeline::{Engine, EngineError, NetworkRunner, Precision};
use cameo_core::tuning::Roi;
use cameo_matting::NetworkOutput;
use cameo_models::Network;

use crate::engine::GpuEngine;
use crate::frame::InputFormat;
use crate::locate::upload_roi;
use crate::prepare::prepare;

impl NetworkRunner for GpuEngine {
    fn run_network(&mut self, network: Network, picture: Image) -> Result<Vec<f32>, EngineError> {
        let Image { width, height, .. } = picture;
        let photo = self.upload(picture)?.photo;
        let format = InputFormat { size: width, ..self.input_format(network)? };
        let roi = upload_roi(&self.context, Roi::whole(width, height));
        let input = prepare(&self.context, &photo, &roi, format).map;
        let output = match network {
            Network::Selfie => self.segment_people(vec![input])?.swap_remove(0).0.confidence,
            Network::IsNet | Network::U2NetP => {
                let native_side = self.input_format(network)?.size;
                self.run_matting_as(network, NetworkOutput::Matte, input, native_side)?
            }
        };
        self.context.read(&[output.buffer()], bytemuck::pod_collect_to_vec)
    }

    fn precision(&self, network: Network) -> Precision {
        match self.f16_kernels(network) {
            Some(_) => Precision::F16Storage,
            None => Precision::F32,
        }
    }

    fn use_f32(&mut self, network: Network) {
        if self.f16_kernels(network).is_some() {
            self.set_f16_storage(false);
        }
    }
}
