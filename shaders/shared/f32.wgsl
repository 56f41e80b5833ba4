// What transformed tiles and weights are kept in: this, or the other file of its kind, stands first in a shader.

alias Real = f32;

fn real(x: f32) -> Real {
    return x;
}
