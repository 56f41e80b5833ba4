//! The one wgpu device, shared by burn and our pipelines.

use burn::tensor::Device;
use burn_wgpu::graphics::AutoGraphicsApi;
use burn_wgpu::{AutoCompiler, RuntimeOptions, WgpuBackend, WgpuSetup};
use cubecl::WgpuCompilationOptions;
use cubecl::client::Client;
use cubecl::ir::features::{AtomicUsage, Features, TypeUsage};
use cubecl::ir::{
    AddressType, DeviceIdentity, DeviceProperties, ElemType, FloatKind, HardwareProperties, IntKind,
    MemoryDeviceProperties, Type, UIntKind,
};
use cubecl::wgpu::{WgpuRuntime, WgpuServer};
use cubecl_common::device::{Device as _, ServiceId};
use cubecl_server::allocator::ContiguousMemoryLayoutPolicy;
use cubecl_server::config::autotune::{AutotuneLevel, AutotuneLogLevel};
use cubecl_server::config::cache::CacheConfig;
use cubecl_server::config::{CubeClRuntimeConfig, RuntimeConfig};
use cubecl_server::logging::ServerLogger;
use cubecl_server::runtime::Runtime;
use cubecl_server::server::ServerUtilities;

use crate::adapter::Adapter;

/// A device open on `adapter`, for burn and for us.
#[derive(Debug)]
pub struct Opened {
    pub setup: WgpuSetup,
    pub burn: Device,
}

/// Opens `adapter` once for burn and for us.
///
/// A real GPU's kernels are compiled to SPIR-V where its driver can take it. A software adapter gets WGSL: SPIR-V
/// crashes lavapipe (Mesa 22.3 and 25.0) while it creates a pipeline, and cubecl has no switch for it, so its server
/// is put together here.
pub fn open(adapter: &Adapter) -> Result<Opened, String> {
    configure(adapter.is_software());
    let options = RuntimeOptions::try_default().map_err(|error| error.to_string())?;
    let setup = match adapter.is_software() {
        false => {
            burn_wgpu::try_init_setup::<AutoGraphicsApi>(&adapter.device, options).map_err(|error| error.to_string())?
        }
        true => open_with_wgsl(adapter, options)?,
    };
    Ok(Opened { setup, burn: Device::new(adapter.device.clone()) })
}

/// Requests a plain device and registers a WGSL server for it with cubecl, as cubecl-wgpu 0.11.3 `runtime.rs` does
/// for an adapter that cannot take SPIR-V.
fn open_with_wgsl(adapter: &Adapter, options: RuntimeOptions) -> Result<WgpuSetup, String> {
    let backend = adapter.info.backend;
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: backend.into(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let found = pollster::block_on(instance.enumerate_adapters(backend.into()));
    let same = |found: &wgpu::Adapter| found.get_info().device_type == adapter.info.device_type;
    let adapter = found.into_iter().find(same).ok_or("the adapter has gone")?;
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        label: Some("cameo device"),
        required_features: adapter.features().difference(wgpu::Features::MAPPABLE_PRIMARY_BUFFERS),
        required_limits: adapter.limits(),
        memory_hints: wgpu::MemoryHints::MemoryUsage,
        trace: wgpu::Trace::Off,
        // SAFETY: the flag only admits features that wgpu calls experimental, of which we use none ourselves; cubecl
        // requests its own WGSL devices in the same way.
        experimental_features: unsafe { wgpu::ExperimentalFeatures::enabled() },
    }))
    .map_err(|error| error.to_string())?;
    let setup = WgpuSetup { instance, adapter, device, queue, backend };
    register(&setup, options)?;
    Ok(setup)
}

type Server = WgpuServer<AutoCompiler>;

fn register(setup: &WgpuSetup, options: RuntimeOptions) -> Result<(), String> {
    let id = burn_wgpu::WgpuDevice::new(cubecl::wgpu::WgpuDeviceKind::Cpu).on(api(setup.backend)).to_id();
    let info = setup.adapter.get_info();
    let limits = setup.device.limits();
    let memory = MemoryDeviceProperties::new(
        limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
        limits.min_uniform_buffer_offset_alignment.max(limits.min_storage_buffer_offset_alignment) as u64,
    );
    let groups = limits.max_compute_workgroups_per_dimension;
    let hardware = HardwareProperties {
        load_width: 128,
        vector_register_count: None,
        plane_size_min: info.subgroup_min_size.max(1),
        plane_size_max: info.subgroup_max_size.max(1),
        // wgpu keeps one for the lengths of the others.
        max_bindings: limits.max_storage_buffers_per_shader_stage.saturating_sub(1),
        max_shared_memory_size: limits.max_compute_workgroup_storage_size as usize,
        max_cube_count: (groups, groups, groups),
        max_units_per_cube: limits.max_compute_invocations_per_workgroup,
        max_cube_dim: (
            limits.max_compute_workgroup_size_x,
            limits.max_compute_workgroup_size_y,
            limits.max_compute_workgroup_size_z,
        ),
        num_streaming_multiprocessors: None,
        num_cpu_cores: None,
        last_level_cache_size: None,
        num_tensor_cores: None,
        min_tensor_cores_dim: None,
        max_vector_size: 4,
        cube_mma_reserved_shared_memory: 0,
    };
    // Caches of tuning results are kept apart by it.
    let fingerprint = format!("wgsl_{}_{}", info.vendor, info.device);
    let identity = DeviceIdentity { name: info.name.clone(), fingerprint, physical: None };
    let timing = cubecl::profile::TimingMethod::System;
    let mut properties = DeviceProperties::new(Features::default(), memory, hardware, timing, identity);
    register_types(&mut properties);
    let compilation = WgpuCompilationOptions::default();
    let layout = ContiguousMemoryLayoutPolicy::new(properties.memory.alignment as usize);
    let memory = properties.memory.clone();
    let (utilities, captures) = ServerUtilities::init(
        ServiceId::of::<Server>(id),
        "wgpu<wgsl>",
        properties,
        WgpuRuntime::<AutoCompiler>::target_properties(),
        std::sync::Arc::new(ServerLogger::default()),
        layout,
    );
    let server = Server::new(
        memory,
        options.memory_config,
        compilation,
        setup.device.clone(),
        setup.queue.clone(),
        options.tasks_max,
        setup.backend,
        timing,
        utilities,
        captures,
    );
    Client::try_init(id, server).map(|_| ()).map_err(|error| format!("{error:?}"))
}

/// The number types WGSL has, and what may be done with them.
fn register_types(properties: &mut DeviceProperties) {
    properties.register_address_type(AddressType::U32);
    let types = [
        ElemType::Index,
        ElemType::UInt(UIntKind::U32),
        ElemType::Int(IntKind::I32),
        ElemType::Float(FloatKind::F32),
        ElemType::Float(FloatKind::Flex32),
        ElemType::Bool,
    ];
    for kind in types {
        properties.register_type_usage(kind, TypeUsage::all());
    }
    for kind in [ElemType::Int(IntKind::I32), ElemType::UInt(UIntKind::U32)] {
        let usage = AtomicUsage::LoadStore | AtomicUsage::Exchange | AtomicUsage::Add;
        properties.register_atomic_type_usage(Type::atomic(kind), usage);
    }
}

fn api(backend: wgpu::Backend) -> WgpuBackend {
    match backend {
        wgpu::Backend::Metal => WgpuBackend::Metal,
        wgpu::Backend::Dx12 => WgpuBackend::Dx12,
        _ => WgpuBackend::Vulkan,
    }
}

/// Settings of cubecl that hold for the whole process; a `cubecl.toml` or its environment variables do not reach us.
fn configure(software: bool) {
    let mut config = CubeClRuntimeConfig::default();
    // Tuning results outlive the process, in the user's cache folder and not in the folder Cameo is started from.
    config.environment.path = CacheConfig::Global;
    config.autotune.logger.level = AutotuneLogLevel::Disabled;
    if software {
        // Kernels take seconds there, and there is little to choose from.
        config.autotune.level = AutotuneLevel::Minimal;
        config.autotune.bench.min_samples = 1;
        config.autotune.bench.max_samples = 1;
    }
    // Refused if a device was opened before: then these settings are in force already.
    let _ = CubeClRuntimeConfig::try_set(config);
}
