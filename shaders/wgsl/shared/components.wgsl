// Labels of connected components: a component is labelled by the index of its first pixel.

const NONE: u32 = 0xffffffffu;
