// The outcome of the locate stage. It stays on the device, where later stages read it.

struct Roi {
    // The region of interest: the part of the photo that the matting network gets, in pixels of the photo.
    left: u32,
    top: u32,
    width: u32,
    height: u32,
    // 1 if there is a person in the photo, else 0.
    person_present: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}
