"""How far colours are apart, for those who see all of them and for the colour-blind, and their contrast.

The difference is Oklab's (Ottosson, 2020: 0.02 can just be seen). What the colour-blind see is worked out
with the matrices of Machado, Oliveira and Fernandes (2009) for those who lack one kind of cone; the
contrast is that of WCAG 2.
"""

from collections.abc import Sequence
from math import dist

Rgb = tuple[float, float, float]
"""Red, green and blue light from 0 to 1, linear."""

Matrix = tuple[Rgb, Rgb, Rgb]

SIGHTS: dict[str, Matrix] = {
    "full": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
_TO_CONES: Matrix = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_TO_LAB: Matrix = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)


def light(hexadecimal: str) -> Rgb:
    """Read ``#rrggbb``."""
    red, green, blue = (int(hexadecimal[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return (_linear(red), _linear(green), _linear(blue))


def contrast(one: str, other: str) -> float:
    """Return WCAG's contrast, from 1 to 21."""
    darker, lighter = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in map(light, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def least_difference(colours: Sequence[str], sight: Matrix) -> float:
    """Return how far the two most similar colours are apart in somebody's eyes."""
    seen = [_lab(_times(sight, light(colour))) for colour in colours]
    return min(dist(one, other) for index, one in enumerate(seen) for other in seen[:index])


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _lab(rgb: Rgb) -> Rgb:
    red, green, blue = (max(cone, 0.0) ** (1 / 3) for cone in _times(_TO_CONES, rgb))
    return _times(_TO_LAB, (red, green, blue))


def _times(matrix: Matrix, rgb: Rgb) -> Rgb:
    one, two, three = (sum(a * b for a, b in zip(row, rgb, strict=True)) for row in matrix)
    return (one, two, three)
