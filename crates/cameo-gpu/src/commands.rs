//! Commands that have been recorded but not submitted.

/// Operations of the convolutions in one submission. The device computes them while the next are recorded, and even a
/// slow one ends them long before its driver takes it for hung.
const MAX_OPERATIONS: u64 = 24_000_000_000;

/// Bytes that the dispatches of one submission read and write, for the same reason.
const MAX_BOUND_BYTES: u64 = 3 << 30;

/// Records commands in the order in which the device runs them.
#[derive(Debug)]
pub struct Commands {
    device: wgpu::Device,
    encoder: Option<wgpu::CommandEncoder>,
    /// Dispatches that follow one another share a pass; anything else ends it.
    pass: Option<wgpu::ComputePass<'static>>,
    operations: u64,
    bound_bytes: u64,
}

impl Commands {
    pub fn new(device: wgpu::Device) -> Self {
        Self { device, encoder: None, pass: None, operations: 0, bound_bytes: 0 }
    }

    /// Returns the encoder for anything but a dispatch.
    pub fn encoder(&mut self) -> &mut wgpu::CommandEncoder {
        self.pass = None;
        let descriptor = wgpu::CommandEncoderDescriptor { label: Some("cameo") };
        self.encoder.get_or_insert_with(|| self.device.create_command_encoder(&descriptor))
    }

    /// Returns the pass for a dispatch.
    pub fn pass(&mut self) -> &mut wgpu::ComputePass<'static> {
        let open = self.pass.take();
        let pass = open.unwrap_or_else(|| self.begin_pass(None));
        self.pass.insert(pass)
    }

    /// Returns a pass for one dispatch, which writes timestamps.
    pub fn timed_pass(&mut self, timestamps: wgpu::ComputePassTimestampWrites<'_>) -> &mut wgpu::ComputePass<'static> {
        let pass = self.begin_pass(Some(timestamps));
        self.pass.insert(pass)
    }

    fn begin_pass(
        &mut self,
        timestamp_writes: Option<wgpu::ComputePassTimestampWrites<'_>>,
    ) -> wgpu::ComputePass<'static> {
        let descriptor = wgpu::ComputePassDescriptor { label: Some("cameo"), timestamp_writes };
        self.encoder().begin_compute_pass(&descriptor).forget_lifetime()
    }

    /// Counts what the next dispatch asks of the device.
    pub fn count_load(&mut self, bound_bytes: u64, operations: u64) {
        self.bound_bytes += bound_bytes;
        self.operations += operations;
    }

    /// Returns whether there is enough to submit.
    pub fn are_many(&self) -> bool {
        self.operations > MAX_OPERATIONS || self.bound_bytes > MAX_BOUND_BYTES
    }

    /// Returns what was recorded since the last call, if anything was.
    pub fn finish(&mut self) -> Option<wgpu::CommandBuffer> {
        self.pass = None;
        (self.operations, self.bound_bytes) = (0, 0);
        self.encoder.take().map(wgpu::CommandEncoder::finish)
    }
}
