// The activation functions of the networks.

// Numbers of the activations in a kernel's parameters; any other number is the identity.
const RELU = 1u;
const HARD_SWISH = 2u;
const SIGMOID = 3u;

fn sigmoid(x: f32) -> f32 {
    // Beyond 80, exp would leave the range of f32; the result is 0 or 1 there.
    return 1.0 / (1.0 + exp(-clamp(x, -80.0, 80.0)));
}

fn activate(x: f32, activation: u32) -> f32 {
    switch activation {
        case RELU: {
            return max(x, 0.0);
        }
        case HARD_SWISH: {
            return x * clamp(x + 3.0, 0.0, 6.0) / 6.0;
        }
        case SIGMOID: {
            return sigmoid(x);
        }
        default: {
            return x;
        }
    }
}
