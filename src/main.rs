use cameo::{cpu::CpuEngine, pipeline::*};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let bytes = std::fs::read(&a[1]).unwrap();
    let mut e = CpuEngine::new(std::path::Path::new("models")).unwrap();
    let mut r = Recipe::new(Job::Combo);
    if a.len() > 3 { r.network = a[3].parse().unwrap(); }
    let o = run(&mut e, &bytes, &r, &Bounds::default()).unwrap_or_else(|e| panic!("{e}"));
    std::fs::write(&a[2], &o.bytes).unwrap();
    println!("{:?}", o.times);
}
