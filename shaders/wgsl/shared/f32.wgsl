// The storage type of Winograd's transformed tiles and weights, as f32. A shader's text begins with this file or, for
// f16 storage, with f16.wgsl in its place.

alias Real = f32;

fn real(x: f32) -> Real {
    return x;
}
