"""Charts of what was measured, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .contest import Measure
from .report import TITLES, compared

WIDTH, LABEL, FIGURES, ROW, GAP = 800, 190, 230, 20, 34
STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: #1b2733; }
.title { font-weight: 600; font-size: 13px; }
.name { text-anchor: end; }
.note { fill: #5b6b7a; }
.ours { fill: #2f6f8f; }
.other { fill: #b8c4cf; }
.ground { fill: #ffffff; }
</style>"""


def draw(title: str, groups: Sequence[Sequence[Measure]]) -> str:
    """A bar for each contestant of each operation: the time that a unit takes, so that shorter is better."""
    parts, y = [f'<text class="note" x="10" y="20">Time for each, shorter is better; {escape(title)}</text>'], 34
    for measures in groups:
        y += GAP - ROW
        parts.append(f'<text class="title" x="10" y="{y + 14}">{escape(TITLES[measures[0].work])}</text>')
        y += ROW + 2
        longest = max(measure.median for measure in measures)
        for measure, ratios in compared(measures):
            width = max(2.0, measure.median / longest * (WIDTH - LABEL - FIGURES))
            kind = "ours" if measure.peer == measure.against else "other"
            figures = _time(measure.median) + ("" if ratios is None else f", {ratios[1]:.2f} times Metacore's")
            parts += [
                f'<text class="name" x="{LABEL - 8}" y="{y + 14}">{escape(measure.peer)}</text>',
                f'<rect class="{kind}" x="{LABEL}" y="{y + 3}" width="{width:.1f}" height="{ROW - 6}" rx="2"/>',
                f'<text class="note" x="{LABEL + width + 6:.1f}" y="{y + 14}">{figures}</text>',
            ]
            y += ROW
    y += 12
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img">'
    ground = f'<rect class="ground" width="{WIDTH}" height="{y}"/>'
    return "\n".join([head, STYLE, ground, *parts, "</svg>", ""])


def _time(seconds: float) -> str:
    if seconds >= 1e-3:
        return f"{seconds * 1e3:,.2f} ms"
    return f"{seconds * 1e6:,.0f} us" if seconds >= 1e-4 else f"{seconds * 1e6:,.1f} us"
