"""Draw the pictures of docs/pictures/ from what the code itself says.

    python tools/draw_pictures.py            write the pictures
    python tools/draw_pictures.py --check    exit with 1 unless the pictures are what the sources make of them

`states.svg` is the table of `metacore/domain/trading/states.py`; `house.svg` is which part imports which.
"""

import argparse
import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path

from metacore.domain.trading.orders import CLOSED, OrderStatus
from metacore.domain.trading.states import RANK, TRANSITIONS

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
COMMAND = "python tools/draw_pictures.py"

COLUMNS = {
    name: column
    for column, names in enumerate(
        ["memory", "postgres backends config crypto", "cli opening domain", "services storage", "exchanges"]
    )
    for name in names.split()
}
"""The parts that the picture of the house shows, and in which column; what they import says in which row.

Left out is what all may use (errors, wording, ids, watching, _compat), what is made of these (sync), and the tests.
"""

WIDTH, HEIGHT = 176, 40
"""Of a box."""

STYLE = """\
<style>
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1b2733; text-anchor: middle; }
.note { font: 12px system-ui, sans-serif; fill: #5b6b7a; }
.box { fill: #eef3f8; stroke: #52677d; }
.closed { fill: #f4efe6; stroke: #8a7550; }
.frame { fill: #fbf9f5; stroke: #8a7550; stroke-dasharray: 5 4; }
.arrow { fill: none; stroke: #52677d; stroke-width: 1.3; marker-end: url(#head); }
.head { fill: #52677d; }
</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path \
class="head" d="M0,0.8 L8,4 L0,7.2 z"/></marker></defs>"""

Point = tuple[float, float]


class Box:
    """A box with a text, at the place of its upper left corner."""

    def __init__(self, text: str, x: float, y: float, kind: str = "box") -> None:
        self.text, self.x, self.y, self.kind = text, x, y, kind

    def side(self, across: float, down: float) -> Point:
        """The point that lies so far across and down the box, from 0 to 1."""
        return self.x + WIDTH * across, self.y + HEIGHT * down

    def svg(self) -> str:
        x, y = self.side(0.5, 0.5)
        box = f'<rect class="{self.kind}" x="{self.x:g}" y="{self.y:g}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        return f'{box}\n<text x="{x:g}" y="{y + 4.5:g}">{escape(self.text)}</text>'


def arrow(title: str, start: Point, end: Point, bend: float = 0) -> str:
    """An arrow that a reader of the page's text is told of; with `bend`, a curve that goes out so far sideways."""
    curve = f"C{start[0] + bend:g},{start[1]:g} {end[0] + bend:g},{end[1]:g} " if bend else "L"
    path = f"M{start[0]:g},{start[1]:g} {curve}{end[0]:g},{end[1]:g}"
    return f'<path class="arrow" d="{path}"><title>{escape(title)}</title></path>'


def elbow(title: str, start: Point, end: Point) -> str:
    """An arrow that goes down to the height of its end, and then across."""
    path = f"M{start[0]:g},{start[1]:g} V{end[1]:g} H{end[0]:g}"
    return f'<path class="arrow" d="{path}"><title>{escape(title)}</title></path>'


def note(text: str, x: float, y: float) -> str:
    return f'<text class="note" x="{x:g}" y="{y:g}">{escape(text)}</text>'


def picture(title: str, width: float, height: float, shapes: Iterable[str]) -> str:
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img">'
    ground = f'<rect width="{width:g}" height="{height:g}" rx="10" fill="#ffffff"/>'
    return "\n".join([opening, f"<title>{escape(title)}</title>", STYLE, ground, *shapes, "</svg>", ""])


def states() -> str:
    """The statuses of an order: open ones on the left, by rank; closed ones in a frame on the right."""
    ranked = sorted(OrderStatus, key=lambda status: RANK[status])
    opened = [status for status in ranked if status not in CLOSED]
    closed = sorted(CLOSED, key=lambda status: (sum(status in TRANSITIONS[before] for before in opened), status))
    boxes = {status: Box(_label(status), 130, 40 + 104 * row) for row, status in enumerate(opened)}
    boxes |= {status: Box(_label(status), 520, 40 + 72 * row, "closed") for row, status in enumerate(closed)}
    frame_x, frame_y, frame_width, frame_height = 490, 18, 350, 72 * len(closed) + 12
    shapes = [
        f'<rect class="frame" x="{frame_x}" y="{frame_y}" width="{frame_width}" height="{frame_height}" rx="10"/>',
        *(box.svg() for box in boxes.values()),
    ]
    for row, status in enumerate(opened):
        following = TRANSITIONS[status]
        for after in (other for other in opened if other in following and other is not status):
            steps = opened.index(after) - row
            title = f"{status} to {after}"
            if steps == 1:
                shapes.append(arrow(title, boxes[status].side(0.4, 1), boxes[after].side(0.4, 0)))
            elif steps == -1:
                shapes.append(arrow(title, boxes[status].side(0.6, 0), boxes[after].side(0.6, 1)))
            elif steps > 0:
                start, end = boxes[status].side(0, 0.6 - 0.1 * steps), boxes[after].side(0, 0.3 + 0.15 * steps)
                shapes.append(arrow(title, start, end, -38 * steps))
            else:
                shapes.append(arrow(title, boxes[status].side(0, 0.3), boxes[after].side(0, 0.8), 18 * steps))
        if following >= CLOSED:
            start = boxes[status].side(1, 0.5)
            shapes.append(arrow(f"{status} to any closed status", start, (frame_x, start[1])))
        else:
            shapes.extend(
                arrow(f"{status} to {after}", boxes[status].side(1, 0.5), boxes[after].side(0, 0.5))
                for after in closed
                if after in following
            )
    edge = frame_x + frame_width
    for status in sorted(_after_all(CLOSED)):
        y = boxes[status].side(1, 0.5)[1]
        shapes.append(arrow(f"any closed status to {status}", (edge, y), boxes[status].side(1, 0.5)))
        shapes.append(note("more was executed", (edge + boxes[status].side(1, 0)[0]) / 2, y - 8))
    height = frame_y + frame_height + 46
    legend = "↻ the status may follow itself   ·   an arrow to the frame: any closed status may follow"
    return picture("The statuses of an order", edge + 20, height, [*shapes, note(legend, (edge + 20) / 2, height - 16)])


def _after_all(statuses: Iterable[OrderStatus]) -> frozenset[OrderStatus]:
    """What may follow each of `statuses`."""
    return frozenset.intersection(*(TRANSITIONS[status] for status in statuses))


def _label(status: OrderStatus) -> str:
    return f"{status} ↻" if status in TRANSITIONS[status] else str(status)


def house() -> str:
    """The parts of the package, each above those that it imports; an import that follows from others is not drawn."""
    direct = {name: imported(name) for name in COLUMNS}
    drawn = {
        name: {other for other in used if not any(other in _reached(direct, further) for further in used - {other})}
        for name, used in direct.items()
    }
    rows = {name: _row(direct, name) for name in COLUMNS}
    boxes = {name: Box(name, 24 + (WIDTH + 40) * COLUMNS[name], 24 + 88 * rows[name]) for name in COLUMNS}
    shapes = []
    for name, other in ((part, used) for part in COLUMNS for used in sorted(drawn[part])):
        title, start = f"{name} imports {other}", boxes[name].side(0.5, 1)
        if rows[other] - rows[name] > 1 and COLUMNS[other] != COLUMNS[name]:
            shapes.append(elbow(title, start, boxes[other].side(COLUMNS[name] > COLUMNS[other], 0.5)))
        else:
            shapes.append(arrow(title, start, boxes[other].side(0.5, 0)))
    width, height = (WIDTH + 40) * (max(COLUMNS.values()) + 1) + 8, 88 * max(rows.values()) + HEIGHT + 48
    shapes += [box.svg() for box in boxes.values()]
    return picture("Which part of the package imports which", width, height, shapes)


def imported(part: str) -> set[str]:
    """The other parts that the modules of `part` import."""
    path = ROOT / "metacore" / part
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    modules = {name.replace("metacore.sync", "metacore") for file in files for name in _modules(file)}
    names = {name.split(".")[1] for name in modules if name.startswith("metacore.")}
    return (names & set(COLUMNS)) - {part}


def _modules(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


def _reached(direct: Mapping[str, set[str]], name: str) -> set[str]:
    found, waiting = set[str](), [name]
    while waiting:
        for other in direct[waiting.pop()] - found:
            found.add(other)
            waiting.append(other)
    return found


def _row(direct: Mapping[str, set[str]], name: str) -> int:
    """How far below the top `name` is: below all that import it."""
    return 1 + max((_row(direct, other) for other, used in direct.items() if name in used), default=-1)


PAGES = {"states.svg": states, "house.svg": house}


def main() -> int:
    parser = argparse.ArgumentParser(description="Draw the pictures of docs/pictures/.")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    differing = []
    for name, draw in PAGES.items():
        path, drawn = PICTURES / name, draw()
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(drawn, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != drawn:
            differing.append(name)
    for name in differing:
        print(f"docs/pictures/{name} differs from what its sources make: run `{COMMAND}`", file=sys.stderr)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
