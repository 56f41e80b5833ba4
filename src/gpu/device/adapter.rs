//! What adapters this machine has, and which one the engine may take.

use burn_wgpu::{WgpuBackend, WgpuDevice};
use cubecl::wgpu::WgpuDeviceKind;

/// The graphics APIs that are tried, best first: on each system one of them is the native one.
const BACKENDS: [(wgpu::Backend, WgpuBackend); 3] = [
    (wgpu::Backend::Vulkan, WgpuBackend::Vulkan),
    (wgpu::Backend::Metal, WgpuBackend::Metal),
    (wgpu::Backend::Dx12, WgpuBackend::Dx12),
];

/// An adapter of this machine.
#[derive(Debug, Clone)]
pub struct Adapter {
    pub info: wgpu::AdapterInfo,
    pub limits: wgpu::Limits,
    /// Its name to burn: the kind, and the index among those of its kind.
    pub(crate) device: WgpuDevice,
}

impl Adapter {
    /// A driver that computes on the CPU, such as lavapipe or WARP.
    pub fn is_software(&self) -> bool {
        self.info.device_type == wgpu::DeviceType::Cpu
    }

    /// One line: name, driver, API.
    pub fn describe(&self) -> String {
        let info = &self.info;
        let driver = format!("{} {}", info.driver, info.driver_info);
        let kind = if self.is_software() { "software, " } else { "" };
        format!("{} ({kind}{:?}, {})", info.name, info.backend, driver.trim())
    }
}

/// All adapters, those of the best graphics API first.
pub fn adapters() -> Vec<Adapter> {
    let mut found = Vec::new();
    for (backend, api) in BACKENDS {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
            backends: backend.into(),
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        });
        let mut counts = [0usize; 4];
        for adapter in pollster::block_on(instance.enumerate_adapters(backend.into())) {
            let info = adapter.get_info();
            let mut next = |kind: usize| {
                counts[kind] += 1;
                counts[kind] - 1
            };
            let kind = match info.device_type {
                wgpu::DeviceType::DiscreteGpu => WgpuDeviceKind::DiscreteGpu(next(0)),
                wgpu::DeviceType::IntegratedGpu => WgpuDeviceKind::IntegratedGpu(next(1)),
                wgpu::DeviceType::VirtualGpu => WgpuDeviceKind::VirtualGpu(next(2)),
                wgpu::DeviceType::Other => WgpuDeviceKind::Other(next(3)),
                wgpu::DeviceType::Cpu => WgpuDeviceKind::Cpu,
            };
            let device = WgpuDevice::new(kind).on(api);
            found.push(Adapter { info, limits: adapter.limits(), device });
        }
    }
    found
}

/// The adapter to run on: the first real GPU, discrete before others; a software adapter only if it is allowed.
///
/// # Errors
/// A sentence with what was found and how to install a driver.
pub fn choose(found: &[Adapter], allow_software: bool) -> Result<&Adapter, String> {
    let rank = |adapter: &&Adapter| match adapter.info.device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    };
    let best = found.iter().min_by_key(rank);
    match best {
        Some(adapter) if !adapter.is_software() || allow_software => Ok(adapter),
        Some(adapter) => Err(format!(
            "no GPU was found, only {}: install your GPU's Vulkan driver ({DRIVERS}), allow the software adapter \
             with --allow-software, or use --device cpu",
            adapter.describe()
        )),
        None => Err(format!("no GPU was found, and no Vulkan driver: install one ({DRIVERS}), or use --device cpu")),
    }
}

/// Where a driver comes from.
const DRIVERS: &str = "mesa-vulkan-drivers for AMD and Intel, nvidia-driver for NVIDIA";

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(kind: wgpu::DeviceType) -> Adapter {
        let mut info = wgpu::AdapterInfo::new(kind, wgpu::Backend::Vulkan);
        info.name = format!("a {kind:?}");
        Adapter { info, limits: wgpu::Limits::default(), device: WgpuDevice::default() }
    }

    #[test]
    fn a_discrete_gpu_is_taken_before_all_others() {
        use wgpu::DeviceType::{Cpu, DiscreteGpu, IntegratedGpu};
        let found = [Cpu, IntegratedGpu, DiscreteGpu].map(adapter);
        assert_eq!(choose(&found, true).unwrap().info.device_type, DiscreteGpu);
        assert_eq!(choose(&found[..2], true).unwrap().info.device_type, IntegratedGpu);
    }

    #[test]
    fn a_software_adapter_is_taken_only_if_allowed() {
        let found = [adapter(wgpu::DeviceType::Cpu)];
        assert!(choose(&found, true).is_ok());
        let error = choose(&found, false).unwrap_err();
        assert!(error.contains("--allow-software") && error.contains("a Cpu"), "{error}");
        let error = choose(&[], true).unwrap_err();
        assert!(error.contains("no Vulkan driver") && error.contains("--device cpu"), "{error}");
    }
}
