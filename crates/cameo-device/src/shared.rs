//! The wgpu device that burn and Cameo's own pipelines share.

use burn::tensor::Device;
use burn_wgpu::WgpuSetup;

use crate::adapter::Adapter;

/// The largest parameters of a kernel, in bytes. They are immediates, of which every version of Vulkan guarantees as many.
pub const MAX_IMMEDIATE_BYTES: u32 = 128;

/// The most memory that a workgroup of a kernel may share, in bytes: every GPU of a desktop or a server has as much.
pub const MAX_WORKGROUP_BYTES: u32 = 32 << 10;

/// An open device in its two roles. burn and Cameo submit to the same queue, so work runs in the order of submission and
/// tensors need no copies between the two.
#[derive(Debug)]
pub struct SharedDevice {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    /// The same device as burn names it: modules that are loaded on it keep their parameters in its memory.
    pub burn: Device,
}

impl SharedDevice {
    /// Opens `adapter` and registers the device with burn.
    ///
    /// burn's runtime installs the device's callbacks for loss and for uncaptured errors, so nobody else may set them.
    ///
    /// # Errors
    /// If driver or GPU cannot run Cameo's kernels, or refuse the device, or burn cannot use it.
    pub fn open(adapter: &Adapter) -> Result<Self, String> {
        let descriptor = device_descriptor(&adapter.handle);
        let has_immediates = descriptor.required_features.contains(wgpu::Features::IMMEDIATES);
        if !has_immediates || descriptor.required_limits.max_immediate_size < MAX_IMMEDIATE_BYTES {
            return Err(format!("the driver of {} is too old: install a newer one", adapter.info.name));
        }
        if descriptor.required_limits.max_compute_workgroup_storage_size < MAX_WORKGROUP_BYTES {
            let kib = MAX_WORKGROUP_BYTES >> 10;
            return Err(format!("the workgroups of {} share less than {kib} KiB of memory", adapter.info.name));
        }
        let (device, queue) =
            pollster::block_on(adapter.handle.request_device(&descriptor)).map_err(|error| error.to_string())?;
        let setup = WgpuSetup {
            instance: adapter.instance.clone(),
            adapter: adapter.handle.clone(),
            device: device.clone(),
            queue: queue.clone(),
            backend: adapter.info.backend,
        };
        let burn = Device::wgpu_options().setup(setup).init().map_err(|error| error.to_string())?;
        Ok(Self { device, queue, burn })
    }
}

/// Returns a request for all that `adapter` offers: burn derives from the adapter, not from the device, which number
/// types its kernels may use. Two groups of features are left out. Mappable primary buffers can slow down a GPU with
/// memory of its own severely, as wgpu's documentation warns. Experimental features need unsafe code, and no kernel uses
/// one.
fn device_descriptor(adapter: &wgpu::Adapter) -> wgpu::DeviceDescriptor<'static> {
    let excluded = wgpu::Features::MAPPABLE_PRIMARY_BUFFERS | wgpu::Features::all_experimental_mask();
    wgpu::DeviceDescriptor {
        label: Some("cameo device"),
        required_features: adapter.features().difference(excluded),
        required_limits: adapter.limits(),
        // burn and Cameo pool their buffers themselves, so wgpu needs no blocks in reserve.
        memory_hints: wgpu::MemoryHints::MemoryUsage,
        trace: wgpu::Trace::Off,
        experimental_features: wgpu::ExperimentalFeatures::disabled(),
    }
}
