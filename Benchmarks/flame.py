#!/usr/bin/env python3
"""Draws a flame graph from samples of perf, as SVG.

usage: perf script -F comm,ip,sym | swift demangle --simplified | flame.py TITLE [--root NAME] > graph.svg

Each box is a function, as wide as its share of the samples, on top of the one that called it; boxes below half a
percent are left out. With --root only stacks with a function of that name count, from there on. Functions of the
runtime that keep count of references or give out memory have a colour of their own.
"""
import re
import sys
from html import escape

from charts import document, text

WIDTH, ROW, SHARE_MIN = 1200, 16, 0.005
RUNTIME = re.compile(r"^_?swift_|^swift::|RefCount|malloc|_int_free|^c?free$|realloc|calloc|memmove|memcpy|memset")
NOISE = re.compile(
    r"^(specialized|generic specialization <.*?> of|(implicit )?closure #\d+ in|partial apply for|merged|outlined|static|thunk for) ")


def short(name):
    """A function without what the compiler puts around its name, its types and its module."""
    name = re.sub(r"\+0x[0-9a-f]+$", "", name)
    while NOISE.match(name):
        name = NOISE.sub("", name)
    name = re.sub(r"\(extension in \w+\):", "", name)
    while re.search(r"<[^<>]*>", name):
        name = re.sub(r"<[^<>]*>", "", name)
    name = name.split(" -> ")[0]
    return re.sub(r"^(\w+)\.(?=\w+\.)", "", name.split("(")[0]) or "?"


def stacks(lines, root):
    """Lists of functions, the outermost first."""
    frames = []
    for line in lines:
        if re.match(r"\s+[0-9a-f]+ ", line):
            frames.append(short(line.strip().split(" ", 1)[1]))
        elif not line.strip() and frames:
            frames.reverse()
            found = [index for index, frame in enumerate(frames) if root in frame] if root else [0]
            if found:
                yield frames[found[0]:]
            frames = []


def tree(all_stacks):
    """Nested dictionaries: a function's number of samples and what it called."""
    top = [0, {}]
    for stack in all_stacks:
        node = top
        node[0] += 1
        last = None
        for frame in stack:
            if frame == last:
                continue
            last = frame
            node = node[1].setdefault(frame, [0, {}])
            node[0] += 1
    return top


def boxes(node, left, width, depth, total, parts):
    """Draws what a function called, and returns how deep it goes."""
    deepest = depth
    for name, child in sorted(node[1].items(), key=lambda item: -item[1][0]):
        share = child[0] / total
        extent = WIDTH * share
        if share < SHARE_MIN:
            continue
        kind = "b" if RUNTIME.search(name) else "acd"[sum(map(ord, name.split(".")[0])) % 3]
        y = 40 + depth * ROW
        room = int(extent / 6.2)
        label = text(left + 3, y + 11.5, name if len(name) <= room else name[:max(0, room - 1)] + "…") if room > 4 else ""
        parts.append(
            f'<g><title>{escape(name)}: {100 * share:.1f} %</title><rect x="{left:.1f}" y="{y}" '
            f'width="{max(0.5, extent - 0.7):.1f}" height="{ROW - 1}" class="{kind}" opacity="0.45"/>{label}</g>')
        deepest = max(deepest, boxes(child, left, extent, depth + 1, total, parts))
        left += extent
    return deepest


def main(arguments):
    root = arguments[arguments.index("--root") + 1] if "--root" in arguments else None
    top = tree(stacks(sys.stdin, root))
    if not top[0]:
        sys.exit("flame.py: there are no samples" + (f" of {root}" if root else ""))
    parts = [text(8, 20, f"{arguments[0]}: {top[0]:,} samples", kind="title")]
    depth = boxes(top, 0, WIDTH, 0, top[0], parts)
    sys.stdout.write(document(WIDTH, 48 + (depth + 1) * ROW, parts))


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(sys.argv[1:])
