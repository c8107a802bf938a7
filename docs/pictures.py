"""Pictures in the pages, drawn while the pages are built: flowcharts and the benchmarks' plots."""

import base64
import html
import io
import re

import matplotlib as mpl
import mmdr
from docutils import nodes
from matplotlib.figure import Figure
from sphinx.util.docutils import SphinxDirective

mpl.rcParams["svg.hashsalt"] = "saltext-litellm"  # the same picture in each build
RUNS = ("first converge", "nothing to do", "one changed")
# Mermaid's own themes; what is behind a label is the color of Furo's page.
SETTINGS = "---\nconfig: {{theme: {}, themeVariables: {{edgeLabelBackground: '{}'}}}}\n---\n"
THEMES = {
    "light": SETTINGS.format("neutral", "#ffffff"),
    "dark": SETTINGS.format("dark", "#131416"),
}
COLORED = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")


def picture(svg, theme, description):
    """An image of its own, so that its styles concern nothing else on the page.

    :param theme: ``light`` or ``dark``: Furo shows the one that fits.
    """
    data = base64.b64encode(svg.encode()).decode()
    width = float(re.findall(r'viewBox="\S+ \S+ ([\d.]+) ', svg)[0])  # arrowheads have one too
    # On a phone one scrolls sideways rather than read letters of half the size.
    style = f"width: 100%; min-width: {0.7 * width:.0f}px; max-width: {width:.0f}px"
    source = f"data:image/svg+xml;base64,{data}"
    text = f'<img src="{source}" alt="{html.escape(description)}" style="{style}">'
    return nodes.raw(
        "", f'<p class="only-{theme}" style="overflow-x: auto">{text}</p>', format="html"
    )


def drawn(source):
    """A Mermaid diagram without the shadows of its theme, which glow in the dark."""
    return re.sub(r"filter:drop-shadow\([^;]*", "filter:none", mmdr.render(source).svg())


class Mermaid(SphinxDirective):
    """A Mermaid diagram, which GitHub draws from the same block. Its `accTitle` describes it."""

    has_content = True

    def run(self):
        source = "\n".join(self.content)
        (title,) = re.findall(r"^\s*accTitle: (.+)$", source, re.MULTILINE)
        return [
            picture(drawn(f"{settings}{source}"), theme, title)
            for theme, settings in THEMES.items()
        ]


def measured(text):
    """The seconds of each run and of its floor, by number of deployments, from the first table."""
    (header,) = re.findall(r"^\| deployments \|(.+)\|$", text, re.MULTILINE)
    rows = re.findall(r"^\| ([^|]+) \|((?: [\d.]+ \([\d.]+\) \|)+)$", text, re.MULTILINE)
    measures = {
        what: [(float(s), float(floor)) for s, floor in re.findall(r"([\d.]+) \(([\d.]+)\)", cells)]
        for what, cells in rows
    }
    return {
        int(number): {what: seconds[column] for what, seconds in measures.items()}
        for column, number in enumerate(header.split("|"))
    }


class BenchmarkPlots(SphinxDirective):
    """The first table of the page that it stands on, one plot for each kind of run."""

    def run(self):
        with open(self.env.doc2path(self.env.docname), encoding="utf-8") as page:
            tables = measured(page.read())
        return [
            picture(plots(tables, color), theme, "The seconds of the table below, by deployments")
            for theme, color in (("light", "black"), ("dark", "white"))
        ]


def plots(tables, color):
    """The plots as SVG, with text and axes of one color, and nothing behind them."""
    colored = dict.fromkeys(COLORED, color) | {"axes.facecolor": "none", "legend.facecolor": "none"}
    numbers = sorted(tables)
    with mpl.rc_context(colored):
        figure = Figure(figsize=(7, 8), layout="constrained", facecolor="none")
        for axes, run in zip(figure.subplots(len(RUNS)), RUNS, strict=True):
            for form, marker in (("managed", "o"), ("present", "s")):
                seconds = [tables[number][f"{run}, {form}"][0] for number in numbers]
                axes.plot(numbers, seconds, marker=marker, label=form)
            floor = [tables[number][f"{run}, managed"][1] for number in numbers]
            axes.plot(numbers, floor, ":", color=color, marker=".", label="floor of managed")
            axes.set(title=run, ylabel="seconds", xticks=numbers, ylim=0)
        axes.set_xlabel("deployments")
        figure.axes[0].legend()
        svg = io.StringIO()
        figure.savefig(svg, format="svg", metadata={"Date": None})
    return svg.getvalue()


def setup(app):
    app.add_directive("mermaid", Mermaid)
    app.add_directive("benchmark-plots", BenchmarkPlots)
    return {"parallel_read_safe": True}
