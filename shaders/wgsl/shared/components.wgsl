// Labels of connected components: a component is labelled by the index of its first pixel.

// The label of pixels that belong to no component.
const NONE: u32 = 0xffffffffu;
