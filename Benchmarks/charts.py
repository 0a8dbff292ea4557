#!/usr/bin/env python3
"""Draws the charts of docs/performance/ from the JSON that the benchmarks write.

usage: charts.py load load.json load.svg

compare.py draws the others. Needs nothing beside Python. The colours follow the reader's light or dark mode.
"""
import json
import math
import sys
from html import escape

# Plain colours for each mode, no variables: not every viewer of SVG knows those.
LIGHT = {"ink": "#1f2328", "soft": "#656d76", "rule": "#d8dee4", "ground": "#ffffff", "a": "#0969da", "b": "#bf5700",
         "c": "#1a7f37", "d": "#8250df"}
DARK = {"ink": "#e6edf3", "soft": "#8d96a0", "rule": "#30363d", "ground": "#0d1117", "a": "#58a6ff", "b": "#f0883e",
        "c": "#3fb950", "d": "#bc8cff"}


def colours(mode):
    rules = [f"text {{ fill: {mode['ink']} }}", f".soft {{ fill: {mode['soft']} }}",
             f".ground {{ fill: {mode['ground']} }}", f".rule {{ stroke: {mode['rule']} }}",
             f".mark {{ stroke: {mode['soft']} }}"]
    for name in "abcd":
        rules.append(f".{name} {{ fill: {mode[name]} }} .line-{name} {{ stroke: {mode[name]} }}")
    return "\n".join(rules)


STYLE = f"""
text {{ font: 11px system-ui, sans-serif }} text.title {{ font-size: 13px; font-weight: 600 }}
.mark {{ stroke-dasharray: 2 3 }} polyline, .ring {{ fill: none; stroke-width: 1.5; stroke-linejoin: round }}
{colours(LIGHT)}
@media (prefers-color-scheme: dark) {{
{colours(DARK)}
}}
""".strip()


def document(width, height, parts):
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    ground = f'<rect width="{width}" height="{height}" class="ground"/>'
    return "\n".join([head, f"<style>{STYLE}</style>", ground, *parts, "</svg>"]) + "\n"


def text(x, y, words, anchor="start", kind=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(words)}</text>'


def rule(x1, y1, x2, y2, kind="rule"):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def number(value):
    """A figure as people write it: three digits at most."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def ticks(top):
    """At most five round values from 0 up to what covers the top."""
    if top <= 0:
        return [0, 1]
    step = 10 ** math.floor(math.log10(top / 4))
    step *= next(factor for factor in (1, 2, 2.5, 5, 10) if top / (step * factor) <= 4)
    return [step * index for index in range(math.ceil(top / step) + 1)]


def time_panel(x, y, width, height, title, times, lines, marks=(), level=None):
    """Lines over minutes. `lines` are (name, colour, values); `marks` are minutes; `level` is (value, name)."""
    known = [value for _, _, values in lines for value in values if value is not None]
    values = ticks(max(known + ([level[0]] if level else []), default=1))
    end = max(times, default=1)
    left, right, top, bottom = x + 44, x + width - 8, y + 42, y + height - 20

    def at(minute, value):
        return left + (right - left) * minute / end, bottom - (bottom - top) * value / values[-1]

    parts = [text(x + 4, y + 14, title, kind="title")]
    names = x + 4
    for name, colour, _ in lines:
        parts.append(text(names, y + 29, name, kind=colour))
        names += 12 + 6.2 * len(name)
    for value in values:
        height_of = at(0, value)[1]
        parts += [rule(left, height_of, right, height_of), text(left - 6, height_of + 4, number(value), "end", "soft")]
    for minute in ticks(end):
        if minute <= end * 0.93:
            parts.append(text(at(minute, 0)[0], bottom + 14, number(minute), "middle", "soft"))
    parts.append(text(right, bottom + 14, "min", "end", "soft"))
    for minute in marks:
        parts.append(rule(at(minute, 0)[0], top, at(minute, 0)[0], bottom, "mark"))
    if level:
        parts.append(rule(left, at(0, level[0])[1], right, at(0, level[0])[1], "mark"))
        parts.append(text(left + 4, at(0, level[0])[1] + 12, level[1], kind="soft"))
    for _, colour, values_of in lines:
        points = [at(minute, value) for minute, value in zip(times, values_of) if value is not None]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        parts.append(f'<polyline class="line-{colour}" points="{path}"/>')
    return parts


def load_chart(report):
    """The series of an hour of load as six small charts under one line of what came of it."""
    # What is pending when the last message has been sent is settled in the last sample: no part of the steady state.
    samples = report["samples"][:-1]
    times = [sample["at"] / 60 for sample in samples]
    marks = [edit["at"] / 60 for edit in report["edits"]]

    def latency(name, scale):
        def values(key):
            found = [sample[name].get(key) for sample in samples]
            return [None if value is None else value * scale for value in found]

        return [("p50", "a", values("p50")), ("p99", "b", values("p99"))]

    def files(key):
        return [sample["files"][key] / 1e6 for sample in samples]

    sizes = [("primary.db", "a", files("primary")), ("its log", "b", files("primaryLog")),
             ("caches", "c", files("caches")), ("their logs", "d", files("cacheLogs"))]
    panels = [
        ("Message to its interval in the feed, s", latency("interval", 1), (10, "update_interval")),
        ("Reports by HTTP, ms", latency("read", 1e3), None),
        ("Requests with 100 messages, acknowledged, ms", latency("post", 1e3), None),
        ("Processors used by the server", [("of " + str(report["processors"]), "a", [sample["processors"] for sample in samples])], None),
        ("Memory, MB", [("resident", "a", [sample["residentBytes"] / 1e6 for sample in samples])], None),
        ("Files, MB", sizes, None),
    ]
    width, height, top = 400, 190, 58
    parts = [text(12, 22, load_title(report), kind="title"), text(12, 40, load_words(report), kind="soft")]
    for index, (title, lines, level) in enumerate(panels):
        x, y = 8 + (index % 2) * width, top + (index // 2) * height
        parts += time_panel(x, y, width - 8, height - 8, title, times, lines, marks, level)
    return document(8 + 2 * width, top + 3 * height, parts)


def load_title(report):
    return (f"{report['devices']:,} devices, a message a second each, {report['calculators']} calculators, "
            f"{report['readsPerSecond']} reports a second, {report['seconds'] // 60} min")


def load_words(report):
    held = "the rate was held" if report["isHeld"] else f"{report['held']:,.0f} messages/s were held"
    lost = report["acknowledged"] - report["stored"]
    return (f"{held}; {report['acknowledged']:,} acknowledged, {lost:,} lost, {report['tooMany']:,} refused with 429; "
            f"verify {'clean' if report['verifyStatus'] == 0 else 'found differences'}; dashed: a calculator edited")


def log_scale(low, high, left, right):
    """A function from values to places, and the powers of ten between."""
    bottom, top = math.floor(math.log10(low)), math.ceil(math.log10(high))
    top = max(top, bottom + 1)
    powers = [10.0 ** power for power in range(bottom, top + 1)]
    return lambda value: left + (right - left) * (math.log10(value) - bottom) / (top - bottom), powers


def ratio_chart(rows):
    """Every row of the table that has a limit or a goal: how far we and the peers are from it, on one scale."""
    lines = []
    for row in rows:
        base = row["limit"] or row["goal"]
        if not base or row["ours"] <= 0:
            continue

        def times(value):
            return base / value if row["better"] == "more" else value / base

        lines.append((row["what"], times(row["ours"]), row["goal"] and times(row["goal"]),
                      [(name.split(",")[0], times(value)) for name, value in row["peers"].items()],
                      "limit" if row["limit"] else "goal"))
    values = [value for line in lines for value in [line[1], line[2] or 1, *[peer for _, peer in line[3]]]] + [1]
    left, right, top, height = 330, 756, 66, 24
    place, powers = log_scale(min(values), max(values), left, right)
    bottom = top + height * len(lines)
    parts = [text(12, 22, "How many times the least that the work can cost", kind="title"),
             text(12, 40, "1 is the limit of the same run (a program in C, bare commits, nginx); where there is none, the goal",
                  kind="soft")]
    names = left
    for word, kind in [("● Odograph", "a"), ("| to reach", "b"), ("○ others", "c")]:
        parts.append(text(names, 56, word, kind=kind))
        names += 84
    for power in powers:
        parts += [rule(place(power), top, place(power), bottom),
                  text(place(power), bottom + 15, f"{power:g} ×", "middle", "soft")]
    for index, (what, ours, goal, peers, base) in enumerate(lines):
        y = top + height * (index + 0.5)
        parts.append(text(left - 10, y + 4, what + (" *" if base == "goal" else ""), "end"))
        if goal:
            parts.append(f'<rect x="{place(goal) - 1:.1f}" y="{y - 8:.1f}" width="2" height="16" class="b"/>')
        for name, value in peers:
            parts.append(f'<circle cx="{place(value):.1f}" cy="{y:.1f}" r="3.5" class="line-c ring"><title>'
                         f'{escape(name)}: {number(value)} ×</title></circle>')
        parts.append(f'<circle cx="{place(ours):.1f}" cy="{y:.1f}" r="5" class="a"><title>{number(ours)} ×</title></circle>')
        parts.append(text(right + 76, y + 4, f"{number(ours)} ×", "end", "a"))
    parts.append(text(12, bottom + 15, "* no limit of its own: the goal is 1", kind="soft"))
    return document(848, bottom + 28, parts)


def growth_chart(groups):
    """Each figure over what grows, both on scales of powers of ten: what stays level does not grow with it."""
    panels = []
    for title, series in groups:
        for what, unit, points in series:
            # What was too little to be measured has no place on such a scale.
            points = [(size, value) for size, value in points if value > 0]
            if len(points) > 1:
                panels.append((title, what, unit, points))
    width, height, top = 272, 170, 50
    parts = [text(12, 22, "Growth: level lines do not grow with the data", kind="title"),
             text(12, 40, "both scales by powers of ten", kind="soft")]
    for index, (title, what, unit, points) in enumerate(panels):
        x, y = 8 + (index % 3) * width, top + (index // 3) * height
        left, right, low, high = x + 46, x + width - 18, y + height - 34, y + 30
        across, _ = log_scale(points[0][0], points[-1][0], left, right)
        values = [value for _, value in points]
        up, powers = log_scale(min(values) / 2, max(values) * 2, low, high)
        parts += [text(x + 4, y + 14, f"{what}, {unit}", kind="a")]
        for power in powers:
            parts += [rule(left, up(power), right, up(power)), text(left - 6, up(power) + 4, f"{power:,g}", "end", "soft")]
        for size, value in points:
            parts.append(text(across(size), low + 14, f"{size:,}", "middle", "soft"))
            parts.append(f'<circle cx="{across(size):.1f}" cy="{up(value):.1f}" r="3" class="a"/>')
            parts.append(text(across(size), up(value) - 7, number(value), "middle"))
        path = " ".join(f"{across(size):.1f},{up(value):.1f}" for size, value in points)
        parts += [f'<polyline class="line-a" points="{path}"/>', text(left, low + 28, title, kind="soft")]
    return document(16 + 3 * width, top + height * math.ceil(len(panels) / 3), parts)


def main(arguments):
    if len(arguments) == 3 and arguments[0] == "load":
        with open(arguments[1]) as source, open(arguments[2], "w") as target:
            target.write(load_chart(json.load(source)))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
