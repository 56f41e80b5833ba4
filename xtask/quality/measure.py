"""Computes the figures. Mattes and colours are arrays in 0..1."""

import numpy as np
from scipy import ndimage

LUMA = np.float32([0.2126, 0.7152, 0.0722])
# Standard deviation of the Gaussian whose derivative Grad compares (Rhemann et al. 2009).
GRAD_SIGMA = 1.4
# The distance from an edge, in pixels, up to which errors count.
BAND_RADIUS = 8


def gradient(matte):
    across = ndimage.gaussian_filter(matte, GRAD_SIGMA, order=(0, 1))
    return np.hypot(across, ndimage.gaussian_filter(matte, GRAD_SIGMA, order=(1, 0)))


def band_of(truth):
    """Returns the mask of where the true matte is soft or has an edge, and of what is near."""
    near = ((truth > 0.02) & (truth < 0.98)) | (gradient(truth) > 0.02)
    return ndimage.uniform_filter(near.astype(np.float32), 2 * BAND_RADIUS + 1) > 1e-6


def matte_errors(matte, truth, band):
    """Returns SAD of the whole matte (thousands); SAD (thousands), MSE (thousandths), Grad (thousands) in the band."""
    error = np.abs(matte - truth)
    grad = (gradient(matte) - gradient(truth)) ** 2
    return {
        "SAD": error.sum(dtype=np.float64) / 1e3,
        "SAD_band": error[band].sum(dtype=np.float64) / 1e3,
        "MSE_band": (error[band] ** 2).mean(dtype=np.float64) * 1e3,
        "Grad_band": grad[band].sum(dtype=np.float64) / 1e3,
    }


def color_errors(found, truth, where):
    """Returns SAD (thousands) and MSE (thousandths) of colours."""
    error = np.abs(found[where] - truth[where])
    return {"color_SAD": error.sum(dtype=np.float64) / 1e3, "color_MSE": (error**2).mean(dtype=np.float64) * 1e3}


def psnr(found, truth):
    return -10 * np.log10(((found - truth) ** 2).mean(dtype=np.float64))


def rise(values, angle, scale, low, high):
    """Returns an edge's 10-90 % rise distance in pixels, and the overshoot of its sides beyond `low`..`high` as a
    fraction of the step.

    The profile across the edge is sampled in eighths of a pixel from all rows, as ISO 12233 does for slanted edges.
    """
    height, width = values.shape
    x, y = np.arange(width) + 0.5 - width / 2, np.arange(height)[:, None] + 0.5 - height / 2
    across = x * np.cos(angle) + y * np.sin(angle)
    inside = (np.abs(across) < 8 * scale) & (np.abs(x) < 0.35 * width) & (np.abs(y) < 0.35 * height)
    bins = np.round(across[inside] * 8).astype(int)
    first = bins.min()
    counts = np.bincount(bins - first)
    at = (np.flatnonzero(counts) + first) / 8
    profile = np.bincount(bins - first, values[inside])[counts > 0] / counts[counts > 0]
    profile = (ndimage.gaussian_filter1d(profile, 1) - low) / (high - low)
    end = np.flatnonzero(profile >= 0.9)[0]
    start = np.flatnonzero(profile[:end] <= 0.1)[-1]
    cross = lambda i, level: at[i] + (level - profile[i]) / (profile[i + 1] - profile[i]) * (at[i + 1] - at[i])
    return cross(end - 1, 0.9) - cross(start, 0.1), max(profile.max() - 1, -profile.min(), 0)


def halo(large, small, along):
    """Returns the largest overshoot of `large` beyond the range of the 3x3 pixels of `small` around each of its pixels,
    in 255ths. Only pixels in the mask `along` of `small` count. Both pictures are `[h, w, channels]`."""
    low = ndimage.minimum_filter(small, (3, 3, 1))
    high = ndimage.maximum_filter(small, (3, 3, 1))
    rows = (2 * np.arange(large.shape[0]) + 1) * small.shape[0] // (2 * large.shape[0])
    columns = (2 * np.arange(large.shape[1]) + 1) * small.shape[1] // (2 * large.shape[1])
    enlarged = lambda values: values[rows][:, columns]
    beyond = np.maximum(enlarged(low) - large, large - enlarged(high))[enlarged(along)]
    return float(max(beyond.max(), 0) * 255)
