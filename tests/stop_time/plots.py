"""The measured stops as Vega-Lite plots, rendered by the report's own script."""
import json
import pathlib
import subprocess
import tempfile

COLOURS = ["#2a6f97", "#d1603d", "#3d8361", "#8e5ea2", "#b8860b", "#5b6875"]  # as in sim/report/plots.cpp
THEME = {
    "font": "Inter, Helvetica Neue, Arial, Liberation Sans, sans-serif",
    "background": "white",
    "view": {"stroke": None},
    "axis": {"gridColor": "#eef1f4", "domainColor": "#9aa5b1", "tickColor": "#9aa5b1", "labelColor": "#3b4754",
             "titleColor": "#3b4754", "labelFontSize": 12, "titleFontSize": 13, "titleFontWeight": "normal",
             "titlePadding": 12, "labelPadding": 6},
    "legend": {"labelFontSize": 12, "labelColor": "#3b4754", "symbolSize": 90, "symbolStrokeWidth": 2.2, "labelLimit": 300},
    "range": {"category": COLOURS},
}


def scale(logarithmic):
    return {"type": "log", "nice": False, "padding": 18} if logarithmic else {"zero": True, "nice": True}


def plot(values, x_title, y_title, series, *, y_logarithmic, dashed=()):
    """Values have x, y, series and, where only a law or target is meant, no point."""
    ticks = sorted({value["x"] for value in values if value["point"]})
    encoding = {
        "x": {"field": "x", "type": "quantitative", "title": x_title, "scale": scale(True),
              "axis": {"values": ticks, "grid": False, "format": ",~r", "labelOverlap": "greedy"}},
        "y": {"field": "y", "type": "quantitative", "title": y_title, "scale": scale(y_logarithmic),
              "axis": {"tickCount": 6, "format": ",~r"}},
        "color": {"field": "series", "type": "nominal", "title": None, "scale": {"domain": series},
                  "legend": {"symbolType": "stroke"}},
        "strokeDash": {"field": "series", "type": "nominal", "title": None,
                       "scale": {"domain": series, "range": [[5, 4] if name in dashed else [1, 0] for name in series]}},
    }
    return {"$schema": "https://vega.github.io/schema/vega-lite/v6.json", "width": 640, "height": 320,
            "data": {"values": values}, "config": THEME, "encoding": encoding,
            "layer": [{"mark": {"type": "line", "strokeWidth": 2.2}},
                      {"transform": [{"filter": "datum.point"}], "mark": {"type": "point", "filled": True, "size": 50}}]}


def render(options, specifications):
    folder = pathlib.Path(options.plots)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump([{"name": name, "specification": specification} for name, specification in specifications.items()], file)
        file.flush()
        subprocess.run(["node", pathlib.Path(options.report) / "render.mjs", file.name, folder], check=True)


def points_of(measurements, x_of, series, columns, target_us=None):
    """For each quantity a point a measurement: its longest settled stop."""
    values = []
    for measurement in measurements:
        stop = measurement.longest
        for name, column in zip(series, columns):
            values.append({"x": x_of(measurement, stop), "y": stop[column], "series": name, "point": True})
        if target_us:
            values.append({"x": x_of(measurement, stop), "y": target_us(stop), "series": "target", "point": False})
    return values


def target(options, dirty, memory, threads, target_us):
    parts, columns = ["stop", "revoking write access", "copying TCB pages"], ["stop_us", "revoke_us", "tcb_copy_us"]
    by_dirty = points_of(dirty, lambda _, stop: stop["dirty_pages"], parts, columns, target_us)
    by_memory = points_of(memory, lambda measurement, _: int(measurement.setting["pages"]) / 256, parts, columns, target_us)
    by_threads = []
    for name, is_all in (("all threads ran", True), ("two threads ran", False)):
        chosen = [measurement for measurement in threads if (measurement.longest["tcb_pages"] ==
                                                             measurement.all_tcb_pages) == is_all]
        by_threads += points_of(chosen, lambda measurement, _: measurement.all_tcb_pages, [name], ["stop_us"])
        by_threads += [{"x": measurement.all_tcb_pages, "y": target_us(measurement.longest),
                        "series": f"target, {name}", "point": False} for measurement in chosen]
    render(options, {
        "dirty-pages": plot(by_dirty, "dirty pages", "stop time (us)", parts + ["target"], y_logarithmic=True, dashed=["target"]),
        "clean-memory": plot(by_memory, "clean memory (MiB)", "stop time (us)", parts + ["target"], y_logarithmic=False,
                             dashed=["target"]),
        "threads": plot(by_threads, "TCB pages, of four threads each", "stop time (us)",
                        ["all threads ran", "two threads ran", "target, all threads ran", "target, two threads ran"],
                        y_logarithmic=True, dashed=["target, all threads ran", "target, two threads ran"]),
    })


def variants(options, measured):
    def values(names, writable):
        return [{"x": longest_late(measurement)["dirty_pages"], "y": longest_late(measurement)["stop_us"], "series": name,
                 "point": True}
                for name in names for measurement in measured[name]
                if longest_late(measurement)["mapped_writable"] == writable]

    def longest_late(measurement):
        return max(measurement.late, key=lambda stop: stop["stop_us"])

    shown = ["on-write, protect", "on-write, protect, hot 2", "on-write, dirty-bits", "stop, protect", "stop, dirty-bits"]
    render(options, {"variants": plot(values(shown, 4000), "dirty pages", "stop time (us)", shown, y_logarithmic=True)})
