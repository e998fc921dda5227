"""Pictures made of pixels, from the shapes of cards.py: painted by Pillow, in the fonts that matplotlib brings.

Lines are painted large and made smaller, which smooths them; no font of the machine and no other program is
needed, so the same shapes give the same pixels everywhere that the same Pillow is.

>>> styles = {"bar": Style("blue")}
>>> painter = Painter(40, 20, styles, {"page": "#ffffff", "blue": "#1d4fa8"})
>>> picture = painter.frames([[(10, 5, Rectangle("bar", 0, 0, 20, 10))]])[0]
>>> picture.size, picture.convert("RGB").getpixel((40, 20)), picture.convert("RGB").getpixel((2, 2))
((80, 40), (29, 79, 168), (255, 255, 255))
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import get_data_path
from PIL import Image, ImageColor, ImageDraw, ImageFont

from .cards import Curve, Point, Rectangle, Shape, Style, Text
from .svg import _outline

__all__ = ["Painter"]

SCALE, MOST = 2.0, 1400.0  # pixels a point; the most that a picture is wide
FINE = 2  # times as large as it will be
_T = np.linspace(0, 1, 17)[1:]  # where a Bézier curve is cut into straight pieces
WEIGHTS = np.stack([(1 - _T) ** 3, 3 * _T * (1 - _T) ** 2, 3 * _T**2 * (1 - _T), _T**3], axis=1)
COLOURS = 256
SAMPLE = 12  #: frames whose colours are taken into the palette

Colour = tuple[int, ...]


class Painter:
    """Paints shapes on a page of `width` × `height` points.

    styles and colours: of the roles, and by the names in the styles. faint: roles that are painted through, and
    how much of their colour stays. dashed: roles whose lines are dashed, with the lengths of dash and gap.
    """

    def __init__(
        self, width: float, height: float, styles: Mapping[str, Style], colours: Mapping[str, str],
        faint: Mapping[str, float] | None = None, dashed: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:  # fmt: skip
        self._styles, self._faint, self._dashed = styles, faint or {}, dashed or {}
        self._colours = {name: ImageColor.getrgb(colour) for name, colour in colours.items()}
        scale = min(SCALE, MOST / width)
        self._size = round(width * scale), round(height * scale)
        self._scale = scale * FINE

    def frames(self, moments: Iterable[Iterable[tuple[float, float, Shape]]]) -> list[Image.Image]:
        """A picture of each moment's (x, y, shape that starts there), from the back to the front; in one palette."""
        pictures = [self._picture(shapes) for shapes in moments]
        step = max(1, len(pictures) // SAMPLE)
        counts: Counter[Colour] = Counter()
        for picture in (*pictures[::step], pictures[-1]):
            found: Any = picture.getcolors(picture.width * picture.height)
            counts.update({colour: n for n, colour in found})
        palette = np.array([colour for colour, _ in counts.most_common(COLOURS)], np.uint8)
        return [_indexed(picture, palette) for picture in pictures]

    def _picture(self, shapes: Iterable[tuple[float, float, Shape]]) -> Image.Image:
        page = Image.new("RGB", (self._size[0] * FINE, self._size[1] * FINE), self._colours["page"])
        brush = ImageDraw.Draw(page, "RGBA")
        for x, y, shape in shapes:
            self._paint(brush, x, y, shape)
        return page.reduce(FINE)

    def _paint(self, brush: ImageDraw.ImageDraw, x: float, y: float, shape: Shape) -> None:
        style = self._styles[shape.role]
        fill, stroke = self._colour(style.fill, shape.role), self._colour(style.stroke, shape.role)
        if isinstance(shape, Text):
            anchor = {"start": "ls", "middle": "ms", "end": "rs"}[shape.anchor]
            font = _font(round(style.size * self._scale), style.bold)
            brush.text(self._at((x + shape.x, y + shape.y)), shape.text, fill, font, anchor)
            return
        line = _outline(shape) if isinstance(shape, Rectangle) else shape.points
        if not isinstance(shape, Curve) and fill:
            brush.polygon([self._at((x + px, y + py)) for px, py in _flat(shape, line)], fill)
        if stroke:
            points = _flat(shape, line)
            pieces = _dashes(points, *self._dashed[shape.role]) if shape.role in self._dashed else [points]
            for piece in pieces:
                joined = [self._at((x + px, y + py)) for px, py in piece]
                brush.line(joined, stroke, round(style.width * self._scale), "curve")

    def _at(self, point: Point) -> Point:
        return point[0] * self._scale, point[1] * self._scale

    def _colour(self, name: str, role: str) -> Colour | None:
        return (*self._colours[name], round(255 * self._faint.get(role, 1.0))) if name else None


def _indexed(picture: Image.Image, palette: np.ndarray[Any, Any]) -> Image.Image:
    """The picture with each pixel as the nearest colour of the palette; Pillow's own way may miss by a few shades."""
    pixels = np.asarray(picture).astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
    is_used = np.zeros(1 << 24, bool)
    is_used[pixels] = True
    used = np.flatnonzero(is_used)
    colours = np.stack([used >> 16, used >> 8 & 255, used & 255], axis=1)
    nearest = np.zeros(1 << 24, np.uint8)
    nearest[used] = ((colours[:, None] - palette[None].astype(int)) ** 2).sum(axis=-1).argmin(axis=1)
    found = Image.fromarray(nearest[pixels])
    found.putpalette(palette.tobytes())
    return found


def _flat(shape: Shape, points: Sequence[Point]) -> list[Point]:
    """A curve as short straight lines; a polygon as it is."""
    if not isinstance(shape, Curve | Rectangle):
        return list(points)
    given = np.array(points)
    starts = np.arange(0, len(points) - 3, 3)
    pieces = WEIGHTS @ given[starts[:, None] + np.arange(4)]
    return [points[0], *map(tuple, pieces.reshape(-1, 2).tolist())]


def _dashes(points: Sequence[Point], dash: float, gap: float) -> Iterator[list[Point]]:
    """The parts of a line that its dashes cover."""
    piece, on, left = [points[0]], True, dash
    for a, b in pairwise(points):
        length, gone = math.dist(a, b), 0.0
        while length - gone > left:
            gone += left
            share = gone / length
            here = (a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]))
            if on:
                yield [*piece, here]
            piece, on = [here], not on
            left = dash if on else gap
        left -= length - gone
        piece.append(b)
    if on and len(piece) > 1:
        yield piece


@lru_cache
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(get_data_path(), "fonts", "ttf", name), size)
