use std::time::Instant;
use burn::tensor::Device;
use cameo_matting::*;
use cameo_models::Network;
fn main() {
    let folder = std::path::PathBuf::from(std::env::args().nth(1).unwrap());
    let mut library = ModelLibrary::new(&folder, Device::flex());
    for network in [Network::Selfie, Network::U2NetP, Network::IsNet] {
        let t = Instant::now();
        library.load(network).unwrap();
        println!("load {network}: {:.1} ms", t.elapsed().as_secs_f64() * 1e3);
    }
    let layers = CpuLayers::default();
    let selfie = library.selfie().unwrap();
    let image: Vec<f32> = (0..3 * 256 * 256).map(|i| (i * 7919 % 1009) as f32 / 1009.0).collect();
    let mut times = vec![];
    for _ in 0..60 {
        let t = Instant::now();
        let found = selfie.forward(&layers, CpuFeatureMap::new(image.clone(), [256, 256])).unwrap();
        times.push(t.elapsed().as_secs_f64() * 1e3);
        std::hint::black_box(found.mask.values()[0]);
    }
    times.sort_by(f64::total_cmp);
    println!("selfie: min {:.2} median {:.2} max {:.2}", times[0], times[30], times[59]);
    let small = library.get(Network::U2NetP).unwrap();
    let image: Vec<f32> = (0..3 * 320 * 320).map(|i| (i * 7919 % 1009) as f32 / 1009.0).collect();
    for output in [NetworkOutput::CoarseMatte, NetworkOutput::Matte] {
        let mut times = vec![];
        for _ in 0..20 {
            let t = Instant::now();
            let found = small.forward(&layers, CpuFeatureMap::new(image.clone(), [320, 320]), output).unwrap();
            times.push(t.elapsed().as_secs_f64() * 1e3);
            std::hint::black_box(found.values()[0]);
        }
        times.sort_by(f64::total_cmp);
        println!("u2netp {output:?}: min {:.2} median {:.2}", times[0], times[10]);
    }
}
