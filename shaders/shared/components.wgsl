// Connected parts are named by the index of their first pixel.

const NONE: u32 = 0xffffffffu;
