// Decides whether there is a person, and which part of the scene the matting network gets. Runs as one workgroup.

struct Params {
    // The scene, in pixels of the photo.
    left: u32,
    top: u32,
    width: u32,
    height: u32,
    // Side of the planes.
    side: u32,
    // Above this, a pixel of the confidence or of the coarse matte is subject.
    subject_alpha: f32,
    // A person is present from this probability and this number of person pixels on.
    min_probability: f32,
    min_person_pixels: u32,
    // Intersection over union of person and coarse matte from which the ROI is smaller than the scene.
    min_iou: f32,
    // Components with fewer person pixels than this, or than the largest over the divisor, are specks.
    min_part_pixels: u32,
    min_part_divisor: u32,
    // Margin around the subject, in percent of its longer side.
    margin_percent: u32,
    // Maximum aspect ratio of the ROI.
    aspect_long: u32,
    aspect_short: u32,
    // A larger ROI becomes the whole scene.
    max_roi_percent: u32,
    // Side of the input of the matting network.
    network_side: u32,
    // Minimum side of the ROI.
    min_side: u32,
}

var<immediate> params: Params;
// One number: the probability that there is a person in the photo.
@group(0) @binding(0) var<storage, read> probability: array<f32>;
// `[side, side]`: person confidence, core, coarse matte.
@group(0) @binding(1) var<storage, read> prior: array<vec4<f32>>;
// `[side, side]`: components of what is person or subject of the coarse matte.
@group(0) @binding(2) var<storage, read> labels: array<u32>;
// Zeroed: person pixels of each component, at its label.
@group(0) @binding(3) var<storage, read_write> areas: array<atomic<u32>>;
@group(0) @binding(4) var<storage, read_write> roi: Roi;

var<workgroup> person_pixels: atomic<u32>;
var<workgroup> intersection: atomic<u32>;
var<workgroup> union_pixels: atomic<u32>;
var<workgroup> largest_area: atomic<u32>;
var<workgroup> left: atomic<u32>;
var<workgroup> top: atomic<u32>;
var<workgroup> right: atomic<u32>;
var<workgroup> bottom: atomic<u32>;

// Grows `length` pixels from `start` around their middle to `min_length`, within `full`. Returns start and length.
fn grow(start: u32, length: u32, min_length: u32, full: u32) -> vec2<u32> {
    let grown = min(max(length, min_length), full);
    let half = (grown - length) / 2u;
    return vec2<u32>(min(max(start, half) - half, full - grown), grown);
}

fn ceil_div(a: u32, b: u32) -> u32 {
    return (a + b - 1u) / b;
}

// Returns left, top, width and height of the ROI around a bounding box, relative to the scene: the same integers as
// `Roi::around` on the host.
fn roi_around(left: u32, top: u32, right: u32, bottom: u32) -> vec4<u32> {
    let width = params.width;
    let height = params.height;
    var x0 = left * width / params.side;
    var x1 = ceil_div(right * width, params.side);
    var y0 = top * height / params.side;
    var y1 = ceil_div(bottom * height, params.side);
    let margin = max(x1 - x0, y1 - y0) * params.margin_percent / 100u;
    x0 = max(x0, margin) - margin;
    x1 = min(x1 + margin, width);
    y0 = max(y0, margin) - margin;
    y1 = min(y1 + margin, height);
    let across = max(ceil_div((y1 - y0) * params.aspect_short, params.aspect_long), params.min_side);
    let x = grow(x0, x1 - x0, across, width);
    let down = max(ceil_div(x.y * params.aspect_short, params.aspect_long), params.min_side);
    let y = grow(y0, y1 - y0, down, height);
    if (x.y * y.y / params.max_roi_percent > width * height / 100u) {
        return vec4<u32>(0u, 0u, width, height);
    }
    return vec4<u32>(x.x, y.x, x.y, y.y);
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local_index: u32) {
    if (local_index == 0u) {
        atomicStore(&left, params.side);
        atomicStore(&top, params.side);
    }
    workgroupBarrier();
    let pixels = params.side * params.side;
    for (var index = local_index; index < pixels; index += 256u) {
        let is_person = prior[index].x > params.subject_alpha;
        let is_subject = prior[index].z > params.subject_alpha;
        if (is_person) {
            atomicAdd(&person_pixels, 1u);
            atomicAdd(&areas[labels[index]], 1u);
        }
        atomicAdd(&intersection, select(0u, 1u, is_person && is_subject));
        atomicAdd(&union_pixels, select(0u, 1u, is_person || is_subject));
    }
    storageBarrier();
    workgroupBarrier();
    for (var index = local_index; index < pixels; index += 256u) {
        atomicMax(&largest_area, atomicLoad(&areas[index]));
    }
    workgroupBarrier();
    let min_area = max(params.min_part_pixels, atomicLoad(&largest_area) / params.min_part_divisor);
    for (var index = local_index; index < pixels; index += 256u) {
        let label = labels[index];
        if (label != NONE && atomicLoad(&areas[label]) >= min_area) {
            atomicMin(&left, index % params.side);
            atomicMin(&top, index / params.side);
            atomicMax(&right, index % params.side + 1u);
            atomicMax(&bottom, index / params.side + 1u);
        }
    }
    workgroupBarrier();
    if (local_index == 0u) {
        var region = vec4<u32>(0u, 0u, params.width, params.height);
        let is_probable = probability[0] >= params.min_probability;
        let person_present = is_probable && atomicLoad(&person_pixels) >= params.min_person_pixels;
        let agree = f32(atomicLoad(&intersection)) >= params.min_iou * f32(atomicLoad(&union_pixels));
        if (person_present && agree && max(params.width, params.height) > params.network_side) {
            region = roi_around(atomicLoad(&left), atomicLoad(&top), atomicLoad(&right), atomicLoad(&bottom));
        }
        let corner = vec2<u32>(params.left, params.top) + region.xy;
        roi = Roi(corner.x, corner.y, region.z, region.w, select(0u, 1u, person_present), 0u, 0u, 0u);
    }
}
