// What the guide found, kept on the device: later stages read it there.

struct Scene {
    // The part of the photo that the network sees, in pixels.
    left: u32,
    top: u32,
    width: u32,
    height: u32,
    // Whether there are people, and they guide.
    people: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}
