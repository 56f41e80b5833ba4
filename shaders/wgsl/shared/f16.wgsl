// The storage type of Winograd's transformed tiles and weights where the adapter supports 16-bit floats: half the memory
// and half the traffic. Sums are in f32 all the same.

enable f16;

alias Real = f16;

// Rounds to f16; larger magnitudes become the largest finite one.
fn real(x: f32) -> Real {
    return Real(clamp(x, -65504.0, 65504.0));
}
