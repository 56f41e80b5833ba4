//! The matte's stages on the GPU, each against its twin on the CPU.

use burn::tensor::{Tensor, TensorData};
use cameo::codec::Image;
use cameo::cpu::{self, Plane};
use cameo::gpu::guide::Guide;
use cameo::gpu::network::Stack;
use cameo::gpu::pool::Buffer;
use cameo::gpu::prepare::View;
use cameo::gpu::strips::Strips;
use cameo::gpu::{self, Gpu, GpuEngine};
use cameo::pipeline::{CutoutOptions, Edge};
use cameo::rules::{Census, GLANCE_SIDE, SIDE, Window};
use cameo_matting::People;

use crate::common::{Difference, difference, disc, pattern};
use crate::on_gpu;

/// Side of the matte in these tests: no multiple of the guide's.
const SIZE: usize = 320;

fn tensor(engine: &GpuEngine, values: &[f32], side: usize) -> Tensor<4> {
    let data = TensorData::new(values.to_vec(), [1, 1, side, side]);
    Tensor::from_data(data, engine.library.device())
}

fn stack(engine: &GpuEngine, values: &[f32], side: usize) -> Stack {
    let tensor = tensor(engine, values, side);
    engine.library.device().flush().unwrap();
    Stack::of(tensor).unwrap()
}

fn read<T: bytemuck::Pod>(gpu: &Gpu, buffer: &Buffer) -> Vec<T> {
    let mut bytes = Vec::new();
    gpu.bus.read(&[buffer], &mut bytes).unwrap();
    bytemuck::pod_collect_to_vec(&bytes)
}

fn strips<T: bytemuck::Pod>(gpu: &Gpu, strips: &Strips) -> Vec<T> {
    strips.buffers().flat_map(|buffer| read(gpu, buffer)).collect()
}

/// A blob with lobes in 0..1 around `(x, y)`, shares of the side, `radius` a share too; soft over a few pixels.
fn blob(side: usize, [x, y]: [f32; 2], radius: f32) -> Vec<f32> {
    let at = |i: usize| {
        let (dx, dy) = ((i % side) as f32 / side as f32 - x, (i / side) as f32 / side as f32 - y);
        let lobes = 1.0 + 0.25 * (5.0 * dy.atan2(dx)).cos();
        ((radius * lobes - dx.hypot(dy)) * 60.0 + 0.5).clamp(0.0, 1.0)
    };
    (0..side * side).map(at).collect()
}

/// What the networks saw: a person, and what the glance saw of it, mirrored as it comes.
#[derive(Clone)]
struct Scene {
    sure: Vec<f32>,
    glance: Vec<f32>,
    person: f32,
    width: u32,
    height: u32,
}

impl Scene {
    /// A person with a mole on one side, held in `glance` only, and a speck far off.
    fn new() -> Self {
        let mut sure = blob(SIDE, [0.4, 0.55], 0.12);
        sure[10 * SIDE + 240] = 1.0;
        let held: Vec<f32> = blob(GLANCE_SIDE, [0.4, 0.55], 0.12);
        let mut glance: Vec<f32> =
            held.iter().zip(blob(GLANCE_SIDE, [0.55, 0.6], 0.04)).map(|(a, b)| a.max(b)).collect();
        glance.chunks_exact_mut(GLANCE_SIDE).for_each(<[_]>::reverse);
        Self {
            sure,
            glance: glance.iter().map(|value| 0.1 + 0.8 * value).collect(),
            person: 0.9,
            width: 900,
            height: 700,
        }
    }

    fn on_cpu(&self) -> cpu::Guide {
        let mut glance = self.glance.clone();
        glance.chunks_exact_mut(GLANCE_SIDE).for_each(<[_]>::reverse);
        cpu::lift::stretch(&mut glance);
        let people = Some((Plane::square(SIDE, self.sure.clone()), self.person));
        cpu::Guide::new(self.width, self.height, SIZE, &Plane::square(GLANCE_SIDE, glance), people)
    }

    fn on_gpu(&self, engine: &mut GpuEngine) -> Guide {
        let people = People { matte: tensor(engine, &self.sure, SIDE), person: tensor(engine, &[self.person], 1) };
        let glance = stack(engine, &self.glance, GLANCE_SIDE);
        let photo = [self.width, self.height];
        gpu::guide::guide(&engine.gpu, photo, SIZE as u32, &glance, Some(people), &engine.library.device().clone())
            .unwrap()
    }
}

/// The window, whether there are people, and the planes, as the GPU has them.
fn found(engine: &mut GpuEngine, scene: &Scene) -> (Window, bool, [Vec<f32>; 3]) {
    let guide = scene.on_gpu(engine);
    let [left, top, width, height, people, ..] = read::<u32>(&engine.gpu, &guide.scene)[..] else { panic!("no scene") };
    let whole = read::<[f32; 4]>(&engine.gpu, &guide.whole);
    let planes = [0, 1, 2].map(|i| whole.iter().map(|pixel| pixel[i]).collect());
    (Window { left, top, width, height }, people != 0, planes)
}

#[test]
fn guide_agrees() {
    let small = Scene::new();
    let cases = [
        ("a person", small.clone()),
        ("an animal", Scene { person: 0.1, ..small.clone() }),
        ("seen in full", Scene { width: 300, height: 200, ..small.clone() }),
        ("another subject", Scene { glance: blob(GLANCE_SIDE, [0.8, 0.2], 0.1), ..small.clone() }),
        ("nobody", Scene { sure: vec![0.0; SIDE * SIDE], ..small.clone() }),
        ("a crowd", Scene { sure: vec![1.0; SIDE * SIDE], glance: vec![0.5; GLANCE_SIDE * GLANCE_SIDE], ..small }),
    ];
    for (name, scene) in cases {
        let want = scene.on_cpu();
        let (window, people, [sure, core, glance]) = on_gpu(move |engine| found(engine, &scene));
        assert_eq!(window, want.window, "{name}");
        assert_eq!(people, want.people.is_some(), "{name}");
        assert!(difference(&glance, &want.glance.values).max < 1e-5, "{name}");
        if let Some(want) = want.people {
            assert_eq!(sure, want.sure.values, "{name}");
            assert_eq!(core, want.core.values, "{name}");
        }
    }
}

#[test]
fn guide_of_another_person_does_not_agree() {
    let want = Scene::new().on_cpu();
    let other = Scene { sure: blob(SIDE, [0.42, 0.55], 0.12), ..Scene::new() };
    let (window, _, [sure, ..]) = on_gpu(move |engine| found(engine, &other));
    assert!(window != want.window && sure != want.people.unwrap().sure.values, "the comparison sees nothing");
}

/// A matte of the window with a grey part, a hole inside, a hole at the rim, and a second subject.
fn matte() -> Vec<f32> {
    let side = SIZE;
    let outline = blob(side, [0.45, 0.5], 0.3);
    let (grey, hole, other) =
        (blob(side, [0.4, 0.6], 0.12), blob(side, [0.5, 0.42], 0.05), blob(side, [0.9, 0.1], 0.05));
    let all = (0..side * side).map(|i| {
        let body = outline[i] * (1.0 - 0.5 * grey[i]) * (1.0 - hole[i]);
        0.03 + 0.9 * body.max(other[i])
    });
    all.collect()
}

fn lifted(scene: Scene, matte: Vec<f32>, options: CutoutOptions) -> (Vec<f32>, Census) {
    on_gpu(move |engine| {
        let guide = scene.on_gpu(engine);
        let matte = stack(engine, &matte, SIZE);
        let [lifted, census] = gpu::lift::lift(&engine.gpu, &matte, &guide, &options).unwrap();
        (read(&engine.gpu, &lifted), read(&engine.gpu, &census)[0])
    })
}

fn lifted_on_cpu(scene: &Scene, mut matte: Vec<f32>, options: &CutoutOptions) -> Vec<f32> {
    cpu::lift::stretch(&mut matte);
    cpu::lift(Plane::square(SIZE, matte), &scene.on_cpu(), options).values
}

/// The same decisions on both; only the order of sums differs.
const LIFT_MAX: f32 = 1e-3;

fn options() -> Vec<(&'static str, CutoutOptions)> {
    let default = CutoutOptions::default;
    vec![
        ("guided", default()),
        ("holes", CutoutOptions { fill_holes: Some(0.05), ..default() }),
        ("largest", CutoutOptions { largest: true, ..default() }),
        ("all", CutoutOptions { largest: true, fill_holes: Some(1.0), ..default() }),
    ]
}

#[test]
fn lift_agrees() {
    for (name, options) in options() {
        for person in [0.9, 0.1] {
            let scene = Scene { person, ..Scene::new() };
            let want = lifted_on_cpu(&scene, matte(), &options);
            let found = difference(&lifted(scene, matte(), options.clone()).0, &want);
            println!("lift {name} {person}: {found:?}");
            assert!(found.max <= LIFT_MAX, "{name} {person}: {found:?}");
        }
    }
}

#[test]
fn census_agrees() {
    for person in [0.9, 0.1] {
        let scene = Scene { person, ..Scene::new() };
        let lifted_there = Plane::square(SIZE, lifted_on_cpu(&scene, matte(), &CutoutOptions::default()));
        let want = cpu::lift::census(&lifted_there, &scene.on_cpu());
        let (_, found) = lifted(scene, matte(), CutoutOptions::default());
        println!("census {person}: {found:?} {want:?}");
        assert!(want.solid > 1000 && want.soft > 100 && want.apart > 0 && want.people == (person > 0.5) as u32);
        let words = |census: Census| bytemuck::cast::<_, [u32; 8]>(census);
        for (found, want) in words(found).into_iter().zip(words(want)) {
            // A value just at a limit may be counted, or rounded, to either side.
            assert!(found.abs_diff(want) <= 2 + want / 200, "{person}: {found} {want}");
        }
    }
}

#[test]
fn without_people_the_networks_matte_is_only_stretched_to_the_last_bit() {
    let scene = Scene { person: 0.1, ..Scene::new() };
    let (found, _) = lifted(scene, matte(), CutoutOptions::default());
    let mut want = matte();
    cpu::lift::stretch(&mut want);
    assert_eq!(found, want);
}

#[test]
fn lift_changes_what_it_should_and_another_guide_does_not_agree() {
    let mut plain = matte();
    cpu::lift::stretch(&mut plain);
    let guided = lifted_on_cpu(&Scene::new(), matte(), &CutoutOptions::default());
    let change = difference(&guided, &plain);
    assert!(change.max > 0.3 && change.mean > 0.01, "nothing is lifted: {change:?}");
    let other = Scene { sure: blob(SIDE, [0.41, 0.55], 0.11), ..Scene::new() };
    let found = difference(&lifted(other, matte(), CutoutOptions::default()).0, &guided);
    assert!(found.max > LIFT_MAX, "the comparison sees nothing: {found:?}");
}

/// A photo whose colours follow a soft disc, noise and all, with an alpha of its own.
fn photo(width: u32, height: u32) -> Image {
    let mut photo = pattern(width, height);
    let alpha = disc(width, height);
    for (i, pixel) in photo.pixels.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let front = [220.0, 170.0, 60.0];
        for c in 0..3 {
            pixel[c] = (alpha[i] * front[c] + (1.0 - alpha[i]) * pixel[c] as f32 * 0.5) as u8;
        }
        pixel[3] = if i % 7 == 0 { 128 } else { 255 };
    }
    photo
}

/// The refined matte on the GPU and on the CPU, in 0..255, of the window over people or of the whole photo.
fn refined(gpu_matte: Vec<f32>, cpu_matte: Vec<f32>, scene: Scene, plain: bool) -> Difference {
    on_gpu(move |engine| {
        let photo = photo(scene.width, scene.height);
        let guide = scene.on_cpu();
        let view =
            View { size: SIZE as u32, mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225], mirrored: false };
        let seen = cpu::prepare(&photo, &guide.window, SIZE, [view.mean, view.deviation], false).unwrap();
        let data = TensorData::new(seen.planes, [1, 3, SIZE, SIZE]);
        let input = gpu::Input { tensor: Tensor::from_data(data, engine.library.device()), view };
        engine.library.device().flush().unwrap();
        let matte = engine.gpu.bus.upload("matte", bytemuck::cast_slice(&gpu_matte));
        let frame = cameo::pipeline::Engine::upload(engine, photo.clone()).unwrap();
        let on_gpu = scene.on_gpu(engine);
        let lifted = gpu::Lifted { matte, census: engine.gpu.bus.scratch("census", 32), input };
        let found = gpu::refine::refine(&engine.gpu, &frame.photo, &lifted, &on_gpu, plain).unwrap();
        let matte = cpu::Matte { plane: Plane::square(SIZE, cpu_matte), small: seen.small };
        let want = cpu::refine(&matte, &photo, &guide.window, plain).values;
        let scale = |values: Vec<f32>| -> Vec<f32> { values.into_iter().map(|value| value * 255.0).collect() };
        difference(&scale(strips(&engine.gpu, &found)), &scale(want))
    })
}

/// Sums in another order, divided by variances near epsilon.
const REFINE_MAX: f32 = 1.0;

#[test]
fn refine_agrees() {
    let whole = Scene { person: 0.1, ..Scene::new() };
    let narrow = Scene { width: 100, height: 1300, ..whole.clone() };
    for (name, scene) in [("window", Scene::new()), ("whole", whole), ("narrow", narrow)] {
        for plain in [true, false] {
            let Scene { width, height, .. } = scene;
            // The disc that the photo's colours follow.
            let disc = Plane { width: SIZE as u32, height: SIZE as u32, values: disc(SIZE as u32, SIZE as u32) };
            let matte = disc.over(&scene.on_cpu().window, width, height).values;
            let found = refined(matte.clone(), matte, scene.clone(), plain);
            println!("refine {name} plain {plain}: {found:?}");
            assert!(found.max <= REFINE_MAX && found.mean < 0.01, "{name}: {found:?}");
        }
    }
}

#[test]
fn refine_of_another_matte_does_not_agree() {
    let matte = disc(SIZE as u32, SIZE as u32);
    let mut other = matte.clone();
    other.rotate_right(1);
    let found = refined(matte, other, Scene::new(), false);
    assert!(found.max > REFINE_MAX && found.mean > 0.01, "the comparison sees nothing: {found:?}");
}

/// The photo's colours after decontamination on the GPU and on the CPU, in 0..255, where the matte is not clear.
fn decontaminated(gpu_photo: Image, cpu_photo: Image, own: bool, options: CutoutOptions) -> Difference {
    on_gpu(move |engine| {
        let (width, height) = (gpu_photo.width, gpu_photo.height);
        let alpha = disc(width, height);
        let mut frame = cameo::pipeline::Engine::upload(engine, gpu_photo).unwrap();
        if !own {
            let bytes = bytemuck::cast_slice(&alpha);
            frame.matte = Some(Strips::upload(&engine.gpu.bus, width, height, bytes, u64::MAX));
        }
        let frame = cameo::pipeline::Engine::decontaminate(engine, frame, &options).unwrap();
        let found: Vec<[u8; 4]> = strips(&engine.gpu, &frame.photo);
        let matte = (!own).then_some(Plane { width, height, values: alpha.clone() });
        let want = cpu::decontaminate(cpu::Frame { photo: cpu_photo, matte, census: None }, &options).photo;
        // Farther out than alpha will get, the CPU leaves the photo's colours.
        let (reach, w) = (options.reach(width, height) as usize, width as usize);
        let near = |i: usize| {
            let (x, y) = (i % w, i / w);
            let mut rows = y.saturating_sub(reach)..(y + reach + 1).min(height as usize);
            rows.any(|y| {
                alpha[y * w + x.saturating_sub(reach)..y * w + (x + reach + 1).min(w)].iter().any(|a| *a > 0.0)
            })
        };
        let pairs = found.iter().zip(want.pixels.as_chunks::<4>().0).enumerate();
        let (found, want): (Vec<f32>, Vec<f32>) = pairs
            .filter(|(i, _)| near(*i))
            .flat_map(|(_, (found, want))| found.map(f32::from).into_iter().zip(want.map(f32::from)))
            .unzip();
        difference(&found, &want)
    })
}

/// Each level rounds to 8 bits; where a value lies between two, either may be taken, and is weighed by the next level.
const DECONTAMINATE_MAX: f32 = 3.0;

#[test]
fn decontaminate_agrees() {
    for (width, height) in [(211, 163), (640, 33), (9, 300), (1, 1), (1, 40), (40, 1)] {
        for own in [true, false] {
            let photo = photo(width, height);
            let found = decontaminated(photo.clone(), photo, own, CutoutOptions::default());
            println!("decontaminate {width}x{height} own {own}: {found:?}");
            assert!(found.max <= DECONTAMINATE_MAX && found.mean < 0.1, "{width}x{height}: {found:?}");
        }
    }
    let spread = CutoutOptions { feather: 4.0, ..Default::default() };
    let found = decontaminated(photo(211, 163), photo(211, 163), false, spread);
    println!("decontaminate outwards: {found:?}");
    assert!(found.max <= DECONTAMINATE_MAX && found.mean < 0.1, "{found:?}");
}

#[test]
fn decontaminate_of_another_photo_does_not_agree() {
    let mut other = photo(211, 163);
    other.pixels.as_chunks_mut::<4>().0.iter_mut().for_each(|pixel| pixel[1] = pixel[1].saturating_add(40));
    let found = decontaminated(photo(211, 163), other, false, CutoutOptions::default());
    assert!(found.max > DECONTAMINATE_MAX && found.mean > 0.1, "the comparison sees nothing: {found:?}");
}

fn edged(gpu_options: CutoutOptions, cpu_options: CutoutOptions) -> Difference {
    on_gpu(move |engine| {
        let (width, height) = (211, 163);
        let values = disc(width, height);
        let matte = Strips::upload(&engine.gpu.bus, width, height, bytemuck::cast_slice(&values), u64::MAX);
        let found = gpu::edge::edge(&engine.gpu, matte, &gpu_options).unwrap();
        let want = cpu::edge(Plane { width, height, values }, &cpu_options).values;
        difference(&strips(&engine.gpu, &found), &want)
    })
}

#[test]
fn edge_agrees() {
    let default = CutoutOptions::default;
    for options in [
        CutoutOptions { threshold: Some(0.4), ..default() },
        CutoutOptions { choke: 3.5, ..default() },
        CutoutOptions { choke: -2.0, ..default() },
        CutoutOptions { feather: 5.0, ..default() },
        CutoutOptions { edge: Edge::Crisp, ..default() },
        CutoutOptions { edge: Edge::Soft, threshold: Some(0.5), choke: 1.0, ..default() },
    ] {
        let found = edged(options.clone(), options.clone());
        assert!(found.max < 1e-5, "{options:?}: {found:?}");
    }
    let [one, other] = [2.0, 2.5].map(|choke| CutoutOptions { choke, ..default() });
    assert!(edged(one, other).max > 0.01, "the comparison sees nothing");
}
