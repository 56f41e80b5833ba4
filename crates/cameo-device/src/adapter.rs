//! The GPU adapters of this machine, and the choice among them.

/// The graphics APIs that are tried, in order of preference; each operating system has one that is native to it.
const BACKENDS: [wgpu::Backend; 3] = [wgpu::Backend::Vulkan, wgpu::Backend::Metal, wgpu::Backend::Dx12];

/// Where drivers come from, for error messages.
const DRIVERS: &str = if cfg!(target_os = "linux") {
    "Vulkan: mesa-vulkan-drivers for AMD and Intel, nvidia-driver for NVIDIA"
} else {
    "from its manufacturer"
};

/// An adapter of this machine.
#[derive(Debug, Clone)]
pub struct Adapter {
    pub info: wgpu::AdapterInfo,
    pub limits: wgpu::Limits,
    pub(crate) instance: wgpu::Instance,
    pub(crate) handle: wgpu::Adapter,
}

impl Adapter {
    /// Whether the driver computes on the CPU, as lavapipe and WARP do.
    pub fn is_software(&self) -> bool {
        is_software(&self.info)
    }

    /// Returns name, graphics API and driver in one line.
    pub fn describe(&self) -> String {
        describe(&self.info)
    }
}

/// Lists all adapters, those of the preferred graphics API first.
pub fn adapters() -> Vec<Adapter> {
    let mut adapters = Vec::new();
    for backend in BACKENDS {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
            backends: backend.into(),
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        });
        let handles = pollster::block_on(instance.enumerate_adapters(backend.into()));
        adapters.extend(handles.into_iter().map(|handle| Adapter {
            info: handle.get_info(),
            limits: handle.limits(),
            instance: instance.clone(),
            handle,
        }));
    }
    adapters
}

/// Returns the adapter to run on: the first real GPU, discrete ones before others; a software adapter only if
/// `allow_software` is set and there is no GPU.
///
/// # Errors
/// If there is no such adapter: one sentence that says what was found and how to install a driver.
pub fn choose(adapters: &[Adapter], allow_software: bool) -> Result<&Adapter, String> {
    let infos: Vec<_> = adapters.iter().map(|adapter| &adapter.info).collect();
    choose_index(&infos, allow_software).map(|index| &adapters[index])
}

/// The logic of [`choose`], separate so that tests need no driver.
fn choose_index(infos: &[&wgpu::AdapterInfo], allow_software: bool) -> Result<usize, String> {
    let rank = |&index: &usize| match infos[index].device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    };
    match (0..infos.len()).min_by_key(rank) {
        Some(index) if !is_software(infos[index]) || allow_software => Ok(index),
        Some(index) => Err(format!(
            "no GPU was found, only {}: install its driver ({DRIVERS}), allow the software adapter \
             with --allow-software, or use --device cpu",
            describe(infos[index])
        )),
        None => Err(format!("no GPU was found: install its driver ({DRIVERS}), or use --device cpu")),
    }
}

fn is_software(info: &wgpu::AdapterInfo) -> bool {
    info.device_type == wgpu::DeviceType::Cpu
}

fn describe(info: &wgpu::AdapterInfo) -> String {
    let driver = format!("{} {}", info.driver, info.driver_info);
    let kind = if is_software(info) { "software, " } else { "" };
    format!("{} ({kind}{:?}, {})", info.name, info.backend, driver.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wgpu::DeviceType::{Cpu, DiscreteGpu, IntegratedGpu};

    fn info(device_type: wgpu::DeviceType) -> wgpu::AdapterInfo {
        let mut info = wgpu::AdapterInfo::new(device_type, wgpu::Backend::Vulkan);
        info.name = format!("a {device_type:?}");
        info
    }

    #[test]
    fn a_discrete_gpu_is_preferred_to_all_others() {
        let [software, integrated, discrete] = [Cpu, IntegratedGpu, DiscreteGpu].map(info);
        assert_eq!(choose_index(&[&software, &integrated, &discrete], true), Ok(2));
        assert_eq!(choose_index(&[&software, &integrated], true), Ok(1));
    }

    #[test]
    fn a_software_adapter_is_chosen_only_if_allowed() {
        let software = info(Cpu);
        assert_eq!(choose_index(&[&software], true), Ok(0));
        let error = choose_index(&[&software], false).unwrap_err();
        assert!(error.contains("--allow-software") && error.contains("a Cpu"), "{error}");
        let error = choose_index(&[], true).unwrap_err();
        assert!(error.contains("no GPU was found") && error.contains("--device cpu"), "{error}");
    }
}
