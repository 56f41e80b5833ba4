// What transformed tiles and weights are kept in where an adapter has 16-bit floats: half the memory to move and to
// hold. Products and sums are of 32 bits all the same.

enable f16;

alias Real = f16;

// What is past the largest stays at it.
fn real(x: f32) -> Real {
    return Real(clamp(x, -65504.0, 65504.0));
}
