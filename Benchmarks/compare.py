#!/usr/bin/env python3
"""Runs the engine beside what it is measured against, in turns, and writes one table with charts.

usage: compare.py --binary ODOGRAPH --folder SCRATCH [--anchors DIR] [--python DIR] [--rounds 3] [--only TEXT] [--quick] [--out DIR]
       compare.py --draw --folder SCRATCH [--out DIR]

  --binary ODOGRAPH  the program, built with -c release; the programs of this folder must be built too
  --folder SCRATCH   where data, servers and results go; results.json in it grows from run to run
  --anchors DIR      programs for comparison: bench or bench_c, incr, and jobs in Python with a venv beside them
  --python FOLDER    a venv with numpy, pyarrow, polars and duckdb, where there is none beside the anchors
  --only TEXT        only the steps whose name holds this
  --quick            small fleets: to try whether everything runs
  --draw             draws table and charts again from results.json
  --out DIR          table.json, ratios.svg and growth.svg (docs/performance of this repository); a page beside it that
                     is called as it is, DIR.md, gets the tables between its lines "<!-- measured: NAME -->" and
                     "<!-- end -->"; NAME is table, agreement or growth

nginx, PostgreSQL (initdb in PATH or below /usr/lib/postgresql) and the anchors are used where they are there; a row
whose counterpart is missing says so. Needs nothing beside Python.
"""
import argparse
import glob
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time

from charts import growth_chart, ratio_chart

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.path.join(HERE, ".build/release")


class Results:
    """Figures by name, all of all rounds, kept in a file."""

    def __init__(self, path):
        self.path = path
        self.values = {}
        if os.path.exists(path):
            with open(path) as file:
                self.values = json.load(file)

    def add(self, name, unit, value, p99=None):
        entry = self.values.setdefault(name, {"unit": unit, "medians": [], "p99": []})
        entry["medians"].append(value)
        if p99 is not None:
            entry["p99"].append(p99)
        print(f"    {name}: {value:,.4g} {unit}", flush=True)

    def add_file(self, path):
        with open(path) as file:
            for measure in json.load(file):
                self.add(measure["name"], measure["unit"], measure["median"],
                         measure["p99"] if measure["count"] > 1 else None)

    def save(self):
        with open(self.path, "w") as file:
            json.dump(self.values, file, indent=1, sort_keys=True)

    def median(self, name):
        entry = self.values.get(name)
        return statistics.median(entry["medians"]) if entry else None


class Nginx:
    """nginx that serves one folder, if it is installed."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "nginx")
        self.page = os.path.join(self.folder, "www", "page.json")
        self.port = free_port()
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(os.path.dirname(self.page))
        os.chmod(self.folder, 0o755)
        if not program:
            return
        temporary = " ".join(f"{kind}_temp_path {self.folder}/{kind};"
                             for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root; " if os.getuid() == 0 else ""
        with open(os.path.join(self.folder, "nginx.conf"), "w") as file:
            file.write(f"{user}worker_processes 1; pid {self.folder}/pid; error_log {self.folder}/errors; daemon off;\n"
                       "events { worker_connections 512; }\n"
                       "http { access_log off; keepalive_requests 100000000; types { application/json json; }"
                       f" sendfile on; open_file_cache max=2000 inactive=600s; {temporary}\n"
                       f" server {{ listen 127.0.0.1:{self.port}; root {self.folder}/www; }} }}\n")
        self.process = subprocess.Popen([program, "-c", f"{self.folder}/nginx.conf"], stderr=subprocess.DEVNULL)

    @property
    def options(self):
        beside = ["--beside", f"{self.port}:/page.json"] if self.process else []
        return ["--page", self.page] + beside

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Comparison:
    """The steps: each runs a program of ours or one beside it, and notes what it found."""

    def __init__(self, options):
        self.options = options
        self.folder = os.path.abspath(options.folder)
        os.makedirs(self.folder, exist_ok=True)
        self.results = Results(os.path.join(self.folder, "results.json"))
        self.anchors = os.path.abspath(options.anchors) if options.anchors else None
        self.postgres = None
        self.steps = [
            ("replay", self.replay), ("replay beside", self.replay_anchors), ("replay python", self.replay_python),
            ("replay postgres", self.replay_postgres), ("ingest", self.ingest), ("ingest beside", self.ingest_anchor),
            # Before and after: what a commit costs changes with what else the disk does.
            ("limits", self.limits), ("history", self.history), ("limits", self.limits), ("year", self.year),
            ("year beside", self.year_anchor), ("flight", self.flight), ("fleet", self.fleet_page),
        ]

    def run(self):
        self.make_data()
        for number in range(self.options.rounds):
            for name, step in self.steps:
                self.attempt(f"round {number + 1}, {name}", name, step)
        self.attempt("growth", "growth", self.growth)
        self.attempt("breadth", "breadth", self.breadth)
        if self.postgres:
            self.postgres.stop()

    def attempt(self, title, name, step):
        if self.options.only and self.options.only not in name:
            return
        print(title, flush=True)
        try:
            step()
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            print(f"    left out: {error}", flush=True)
        self.results.save()

    # What is run

    def make_data(self):
        small = self.options.quick
        self.fleet = os.path.join(self.folder, "fleet.bin")
        self.year_of_one = os.path.join(self.folder, "year.bin")
        for path, devices, days in [(self.fleet, 4 if small else 20, 5 if small else 30),
                                    (self.year_of_one, 1, 30 if small else 365)]:
            if not os.path.exists(path):
                subprocess.run([f"{PROGRAMS}/fleet", str(devices), str(days), path], check=True)

    def program(self, *arguments):
        """Runs one of our programs, which writes its figures to a file, and notes them."""
        out = os.path.join(self.folder, "out.json")
        if os.path.exists(out):
            os.unlink(out)
        run = subprocess.run([f"{PROGRAMS}/{arguments[0]}", *arguments[1:], "--out", out], capture_output=True, text=True)
        if not os.path.exists(out):
            raise ValueError((run.stdout + run.stderr).strip()[-400:])
        self.results.add_file(out)

    def service(self, scene, *arguments):
        settle = ["--settle", "2"] if self.options.quick else []
        self.program("service", scene, "--binary", self.options.binary, "--folder", f"{self.folder}/server",
                     *settle, *arguments)

    def replay(self):
        self.program("replay", "--columns", self.fleet, "--rounds", "5")

    def ingest(self):
        self.service("ingest", "--messages", "50000" if self.options.quick else "400000")

    def history(self):
        nginx = Nginx(self.folder)
        try:
            self.service("history", "--devices", "4" if self.options.quick else "40", "--days", "30", *nginx.options)
        finally:
            nginx.stop()

    def year(self):
        self.service("year", "--columns", self.year_of_one)

    def flight(self):
        self.service("flight")

    def fleet_page(self):
        nginx = Nginx(self.folder)
        try:
            self.service("fleet", "--devices", "100" if self.options.quick else "1000", *nginx.options)
        finally:
            nginx.stop()

    def growth(self):
        self.service("growth", "--scale", "100" if self.options.quick else "1")

    def breadth(self):
        self.service("breadth", "--scale", "100" if self.options.quick else "1")

    # What it is held against

    def limits(self):
        output = subprocess.run([f"{PROGRAMS}/limits", self.folder], capture_output=True, text=True, check=True).stdout
        for line in output.splitlines():
            name, unit, median, p99, _ = line.split("\t")
            self.results.add(name, unit, float(median), float(p99))

    def anchor(self, *names):
        for name in names:
            path = os.path.join(self.anchors or "", name)
            if self.anchors and os.path.exists(path):
                return path
        raise ValueError(f"no {' or '.join(names)} among the anchors")

    def lines(self, *command, folder=None):
        run = subprocess.run(command, capture_output=True, text=True, cwd=folder or self.folder)
        if not run.stdout:
            raise ValueError(run.stderr.strip()[-300:])
        return run.stdout.splitlines()

    def note(self, name, line):
        """A line as the anchors print it: nanoseconds a message, memory, and what came out."""
        self.results.add(name, "ns a message", float(re.search(r"ns/msg=([\d.]+)", line)[1]))
        memory = re.search(r"(?:rss|hwm)=(\d+)MB", line)
        if memory:
            self.results.add(name + ", memory", "MB", float(memory[1]))
        check = re.search(r"\(\s*(\d+), ([\d.]+), (\d+)[^,]*, ([\d.]+)", line)
        if check:
            kilometres = float(check[2]) * 6371.0088 / 6371.0
            self.results.add(name + ", intervals", "intervals", float(check[1]))
            self.results.add(name + ", kilometres", "km", kilometres)
            self.results.add(name + ", maximum speeds", "km/h", float(check[4]))

    def replay_anchors(self):
        bench = self.anchor("bench", "bench_c")
        self.note("C over columns", [x for x in self.lines(bench, "cols", self.fleet) if "vectorised" in x][0])
        for name, encoding, codec in [("C from chunks, delta varints", "1", "none"),
                                      ("C from chunks, fixed width", "2", "none"),
                                      ("C from chunks, zstd", "1", "zstd3")]:
            store = os.path.join(self.folder, f"chunks-{encoding}-{codec}.db")
            if not os.path.exists(store):
                subprocess.run([bench, "mk", self.fleet, store, "chunk", encoding, codec, "24"], check=True,
                               capture_output=True)
            line = self.lines(bench, "scan", store, "chunkf", "7")[0]
            self.note(name, line)
            self.results.add(name + ", disk", "bytes a message", float(re.search(r"B/msg=([\d.]+)", line)[1]))

    def python(self):
        for folder in (self.options.python or "", os.path.join(self.anchors or "", "venv")):
            if folder and os.path.exists(f"{folder}/bin/python"):
                return f"{folder}/bin/python"
        raise ValueError("no venv beside the anchors")

    def parquet(self, columns):
        """The columns as a file that polars and DuckDB read; made by the venv's pyarrow."""
        path = columns.replace(".bin", ".parquet")
        if not os.path.exists(path):
            script = (
                "import sys, numpy as np, pyarrow as pa, pyarrow.parquet as pq\n"
                "src, out = sys.argv[1:]\n"
                "T = dict(ts='<i8', server_ts='<i8', lat='<f8', lon='<f8', speed='<i2', ignition='u1', fuel='<f4')\n"
                "c = {k: np.fromfile(f'{src}/{k}.bin', t) for k, t in T.items()}\n"
                "o = np.fromfile(f'{src}/offsets.bin', '<i8')\n"
                "c['device_id'] = np.repeat(np.arange(1, len(o), dtype='i4'), np.diff(o))\n"
                "pq.write_table(pa.table(c), out, compression='zstd')\n")
            subprocess.run([self.python(), "-c", script, columns, path], check=True, capture_output=True)
        return path

    def replay_python(self):
        source = self.parquet(self.fleet)
        for name, script, arguments in [("polars", "polars_job.py", ["1", "3"]),
                                        ("DuckDB", "duck_job.py", ["1", "table", "3"])]:
            try:
                self.note(name, self.lines(self.python(), self.anchor(script), source, *arguments)[-1])
            except (ValueError, TypeError) as error:
                print(f"    left out: {name}: {error}", flush=True)

    def replay_postgres(self):
        if not self.postgres:
            self.postgres = Postgres(self.folder)
            self.postgres.load(self.fleet)
        self.note("PostgreSQL", self.postgres.job(self.anchor("pg_job.sql")))

    def ingest_anchor(self):
        bench = self.anchor("bench", "bench_c")
        for kind in ("blob", "json"):
            line = self.lines(bench, "ingest", self.fleet, f"{self.folder}/ingest.db", "1000", "FULL", "5", kind)[0]
            self.results.add(f"SQLite rows of {kind}", "messages/CPU-s", float(re.search(r"rows/cpu-s=(\d+)", line)[1]))

    def year_anchor(self):
        """The year by C: over columns, and from a store of day chunks; it writes nothing."""
        bench = self.anchor("bench", "bench_c")
        store = os.path.join(self.folder, "year.db")
        if not os.path.exists(store):
            subprocess.run([bench, "mk", self.year_of_one, store, "chunk", "1", "none", "24"], check=True,
                           capture_output=True)
        line = self.lines(bench, "scan", store, "chunkf", "9")[0]
        self.results.add("C, a year from chunks", "ms", float(re.search(r"cpu_med=([\d.]+)s", line)[1]) * 1e3)
        try:
            source = self.parquet(self.year_of_one)
            for name, script, arguments in [("polars", "polars_job.py", ["1", "5"]),
                                            ("DuckDB", "duck_job.py", ["1", "table", "5"])]:
                line = self.lines(self.python(), self.anchor(script), source, *arguments)[-1]
                self.results.add(f"{name}, a year", "ms", float(re.search(r"cpu_med=([\d.]+)s", line)[1]) * 1e3)
        except (ValueError, TypeError) as error:
            print(f"    left out: {error}", flush=True)


class Postgres:
    """A throw-away PostgreSQL with the fleet in one table."""

    COLUMNS = [("ts", "q"), ("lat", "d"), ("lon", "d"), ("speed", "h"), ("ignition", "B"), ("fuel", "f")]

    def __init__(self, folder):
        places = [shutil.which("initdb")] + sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
        programs = [place for place in places if place]
        if not programs:
            raise ValueError("PostgreSQL is not installed")
        self.bin = os.path.dirname(programs[-1])
        self.folder = os.path.join("/tmp", f"odograph-compare-postgres-{os.getpid()}")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")
        self.shell(f"{self.bin}/initdb -D {self.folder}/data -A trust -E UTF8 --locale=C -U postgres > /dev/null")
        self.shell(f"{self.bin}/pg_ctl -D {self.folder}/data -l {self.folder}/log -w start -o \"-k {self.folder}"
                   " -c listen_addresses= -c shared_buffers=1GB -c work_mem=1GB -c timezone=UTC"
                   " -c max_wal_size=4GB -c max_parallel_workers_per_gather=0\" > /dev/null")

    def shell(self, command):
        user = ["su", "postgres", "-c", command] if os.getuid() == 0 else ["sh", "-c", command]
        subprocess.run(user, check=True, cwd="/tmp")

    def psql(self, script):
        return subprocess.run([f"{self.bin}/psql", "-h", self.folder, "-U", "postgres", "-qAt", "-v", "ON_ERROR_STOP=1"],
                              input=script, capture_output=True, text=True, check=True).stdout

    def load(self, columns):
        import array
        cells = []
        for name, kind in self.COLUMNS:
            values = array.array(kind)
            with open(f"{columns}/{name}.bin", "rb") as file:
                values.frombytes(file.read())
            cells.append(values)
        offsets = array.array("q")
        with open(f"{columns}/offsets.bin", "rb") as file:
            offsets.frombytes(file.read())
        path = os.path.join(self.folder, "fleet.csv")
        with open(path, "w") as file:
            for device in range(len(offsets) - 1):
                for row in range(offsets[device], offsets[device + 1]):
                    file.write(f"{device + 1}," + ",".join(str(values[row]) for values in cells) + "\n")
        self.psql("CREATE TABLE msg(device_id int, ts bigint, lat float8, lon float8, speed int2, ignition int2,"
                  " fuel float4, PRIMARY KEY(device_id, ts));\n"
                  f"\\copy msg from '{path}' csv\nVACUUM ANALYZE msg;\n")
        os.unlink(path)

    def job(self, path):
        """The report job in SQL; processor time is the backend's. Gives a line as the other anchors print it."""
        with open(path) as file:
            job = file.read().replace(":t", "msg").replace(":w", "true")
        statements, check = job.rstrip().rstrip(";").rsplit(";", 1)
        output = self.psql(
            "SELECT pg_backend_pid() AS pid \\gset\n\\setenv BACKEND :pid\n\\! cat /proc/$BACKEND/stat\n"
            f"{statements};\n\\! cat /proc/$BACKEND/stat\n\\! grep VmHWM /proc/$BACKEND/status\n{check};\n"
            "SELECT count(*) FROM msg;\n").splitlines()
        ticks = [sum(map(int, line.rsplit(")", 1)[1].split()[11:13])) for line in output if "postgres" in line]
        memory = next(int(line.split()[1]) // 1024 for line in output if line.startswith("VmHWM"))
        rows = int(output[-1])
        seconds = (ticks[1] - ticks[0]) / os.sysconf("SC_CLK_TCK")
        return f"ns/msg={seconds / rows * 1e9:.0f} hwm={memory}MB ({output[-2].replace('|', ', ')})"

    def stop(self):
        self.shell(f"{self.bin}/pg_ctl -D {self.folder}/data -m fast stop > /dev/null")
        shutil.rmtree(self.folder, ignore_errors=True)


# The table

def row(what, ours, limit=None, peers=(), goal=None, of=None, better="less", unit=None, stretch=None):
    return dict(what=what, ours=ours, limit=limit, peers=list(peers), goal=goal, of=of, better=better, unit=unit,
                stretch=stretch)


PEERS = ["polars", "DuckDB", "PostgreSQL"]
CHUNKS = "C from chunks, delta varints"
# A message alone makes four commits within one and a half milliseconds.
MESSAGE_REST = ", after 0.4 ms"
# `goal` is a figure of its own, or `of` times a limit: what design has as "reach"; `stretch` likewise.
ROWS = [
    row("replay over columns, 12 counters", "replay, columns, 12 counters", "C over columns", PEERS),
    row("replay from chunks, 12 counters", "replay, chunks, 12 counters", CHUNKS, PEERS, 80, stretch=50),
    row("replay from chunks, with a route", "replay, chunks, 12 counters + route", CHUNKS, PEERS, 80, stretch=50),
    row("replay from chunks, by day", "replay, chunks, 12 counters, by day", CHUNKS, PEERS, 80, stretch=50),
    row("replay from chunks, with a route and by day", "replay, chunks, 12 counters + route, by day", CHUNKS, PEERS,
        80, stretch=50),
    row("replay in the server, rendered and with states", "replay in the server", CHUNKS, PEERS, 80, stretch=50),
    row("a year after an edit, every interval changes", "a year after an edit: another counter, every interval changes",
        "C, a year from chunks", ["polars, a year", "DuckDB, a year"], 50, stretch=30),
    row("a year after an edit, few intervals change", "a year after an edit: another selector, few intervals change",
        "C, a year from chunks", ["polars, a year", "DuckDB, a year"], 50, stretch=30),
    row("a year after an edit that changes no interval", "a year after an edit: an edit that changes no interval",
        "C, a year from chunks", ["polars, a year", "DuckDB, a year"], 50, stretch=30),
    row("a device's month by HTTP, warm, p50", "a device's month, warm", "a device's month, warm, beside", of=2,
        stretch=1.3),
    row("a device's month by HTTP, cold, p50", "a device's month, cold", "172 rows to JSON in C", of=3),
    row("1,000 devices' daily mileage by HTTP, p50", "a fleet's daily mileage", "a fleet's daily mileage, beside", of=3,
        stretch=2),
    row("one message to its committed interval, alone, p50", "one message, to its committed interval", "bare commits"),
    row("the same above the bare commits", "above the bare commits", None, (), 60),
    row("one message acknowledged, p50", "one message, acknowledged",
        "bare commit, synchronous=FULL" + MESSAGE_REST),
    row("100 devices in flight, a request each, processor",
        "100 devices in flight, a request each, processor", None, (), 60),
    row("100 devices in flight, one request, processor",
        "100 devices in flight, one request for all, processor", None, (), 60),
    row("ingest, acknowledged", "ingest, acknowledged", "SQLite rows of blob", ["SQLite rows of json"], better="more"),
    row("ingest with all of it calculated", "ingest, calculated", "SQLite rows of blob", ["SQLite rows of json"],
        150_000, better="more", stretch=300_000),
    row("a late message into a sealed day, p50", "late message into a sealed day", None, (), 1_000, stretch=300),
    row("a year of a device, unsynced to synced", "a year, unsynced to synced", None, (), 200),
    row("disk, archive", "disk, archive", "C from chunks, zstd, disk", (), 25, stretch=15),
    row("disk, cache", "disk, cache", "C from chunks, zstd, disk", (), 25, stretch=15),
    row("memory at most, import and replay", "memory at most, import and replay",
        None, [peer + ", memory" for peer in PEERS], 256, stretch=128),
]


def bare_commit(results, mode):
    """What a commit costs after such a rest as there is between those of a message; without one in older results."""
    name = "bare commit, synchronous=" + mode
    return results.median(name + MESSAGE_REST) or results.median(name)


def derive(results):
    """Figures that are made of others: the bare commits of a message are two of each kind, with its rests between."""
    full, normal = bare_commit(results, "FULL"), bare_commit(results, "NORMAL")
    whole = results.median("one message, to its committed interval")
    if full and normal:
        results.values["bare commits"] = {"unit": "µs", "medians": [2 * full + 2 * normal], "p99": []}
        if whole:
            above = whole - 2 * full - 2 * normal
            results.values["above the bare commits"] = {"unit": "µs", "medians": [above], "p99": []}


def table(results):
    derive(results)
    rows = []
    for item in ROWS:
        ours = results.median(item["ours"])
        if ours is None:
            continue
        limit = results.median(item["limit"]) if item["limit"] else None
        goal = item["goal"] or (item["of"] and limit and item["of"] * limit)
        stretch = item["stretch"] and (item["stretch"] if item["goal"] else limit and item["stretch"] * limit)
        reached = None if goal is None else ours >= goal if item["better"] == "more" else ours <= goal
        ratio = None if limit is None else limit / ours if item["better"] == "more" else ours / limit
        spread = results.values[item["ours"]]["medians"]
        rows.append(dict(
            what=item["what"], unit=results.values[item["ours"]]["unit"], ours=ours, least=min(spread), most=max(spread),
            rounds=len(spread), limit=limit, limit_name=item["limit"], ratio=ratio, goal=goal, stretch=stretch,
            reached=reached, better=item["better"],
            peers={name: results.median(name) for name in item["peers"] if results.median(name) is not None}))
    return rows


def figure(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def markdown(rows):
    lines = ["| what | unit | Odograph | limit | ratio | peers | to reach | reached |",
             "|---|---|---:|---:|---:|---|---:|---|"]
    for item in rows:
        peers = ", ".join(f"{name.split(',')[0]} {figure(value)}" for name, value in item["peers"].items())
        reached = "" if item["reached"] is None else "yes" if item["reached"] else "no"
        lines.append(f"| {item['what']} | {item['unit']} | {figure(item['ours'])} | {figure(item['limit'])} | "
                     f"{figure(item['ratio'])} | {peers} | {figure(item['goal'])} | {reached} |")
    return "\n".join(lines) + "\n"


def checks(results):
    """What must come out alike by every way of the replay."""
    lines = ["| replay by | intervals | kilometres | sum of maximum speeds | memory, MB |", "|---|---:|---:|---:|---:|"]
    memory = results.median("replay, memory at most")
    names = [("Odograph", "replay, intervals", "replay, kilometres", "replay, maximum speeds", memory)]
    names += [(name, f"{name}, intervals", f"{name}, kilometres", f"{name}, maximum speeds",
               results.median(name + ", memory")) for name in ["C over columns", CHUNKS] + PEERS]
    for name, intervals, kilometres, speeds, memory in names:
        if results.median(intervals) is not None:
            lines.append(f"| {name} | {results.median(intervals):,.0f} | {results.median(kilometres):,.6f} | "
                         f"{results.median(speeds):,.0f} | {figure(memory)} |")
    return "\n".join(lines) + "\n"


GROWTH = [
    ("devices", "Devices, of 5 days each", [": replay, with copying", ": a report", ": memory at most"]),
    ("months", "Months of one device",
     [": replay", ": one message, to its committed interval", ": late message", ": a read of one month",
      ": memory at most, import",
      ": memory at most, first calculation", ": memory at most, replay", ": memory at most, messages and reads"]),
    ("open interval of", "Messages in the open interval", [": one message, to its committed interval"]),
    ("breadth", "Devices, of a day each",
     [": replay, with copying", ": replay, by the clock", ": memory before", ": memory at most"]),
]


def growth(results):
    """Every figure that was measured at several sizes: (title, [(what, unit, [(size, value)])])."""
    groups = []
    for word, title, suffixes in GROWTH:
        series = []
        for suffix in suffixes:
            points = [(int(match[1]), results.median(name)) for name in results.values
                      if (match := re.fullmatch(rf"{word} (\d+){re.escape(suffix)}", name))]
            if points:
                unit = next(results.values[name]["unit"] for name in results.values
                            if re.fullmatch(rf"{word} (\d+){re.escape(suffix)}", name))
                series.append((suffix[2:], unit, sorted(points)))
        if series:
            groups.append((title, series))
    return groups


def growth_markdown(groups):
    lines = []
    for title, series in groups:
        sizes = [size for size, _ in series[0][2]]
        lines += ["", f"| {title} | " + " | ".join(f"{size:,}" for size in sizes) + " |",
                  "|---|" + "---:|" * len(sizes)]
        for what, unit, points in series:
            lines.append(f"| {what}, {unit} | " + " | ".join(figure(dict(points).get(size)) for size in sizes) + " |")
    return "\n".join(lines) + "\n"


def fill(path, name, text):
    """Writes a table into a page, in the place of what stands between the lines for it."""
    if not os.path.exists(path):
        return
    with open(path) as file:
        page = file.read()
    begin, end = f"<!-- measured: {name} -->\n", "<!-- end -->"
    if begin in page:
        head, rest = page.split(begin, 1)
        with open(path, "w") as file:
            file.write(f"{head}{begin}\n{text.strip()}\n\n{end}{rest.split(end, 1)[1]}")


def draw(results, out):
    os.makedirs(out, exist_ok=True)
    rows, groups = table(results), growth(results)
    when = time.strftime("%Y-%m-%d", time.gmtime())
    with open(f"{out}/table.json", "w") as file:
        json.dump({"date": when, "rows": rows, "growth": groups}, file, indent=1)
    for name, text in [("table", markdown(rows)), ("agreement", checks(results)), ("growth", growth_markdown(groups))]:
        fill(os.path.abspath(out) + ".md", name, text)
    with open(f"{out}/ratios.svg", "w") as file:
        file.write(ratio_chart(rows))
    with open(f"{out}/growth.svg", "w") as file:
        file.write(growth_chart(groups))
    print(markdown(rows) + "\n" + checks(results) + growth_markdown(groups))


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--binary")
    parser.add_argument("--folder", required=True)
    parser.add_argument("--anchors")
    parser.add_argument("--python")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--draw", action="store_true")
    parser.add_argument("--out", default=os.path.join(HERE, "../docs/performance"))
    options = parser.parse_args()
    if not options.draw and not options.binary:
        sys.exit(__doc__)
    if options.draw:
        return draw(Results(os.path.join(options.folder, "results.json")), options.out)
    options.binary = os.path.abspath(options.binary)
    comparison = Comparison(options)
    try:
        comparison.run()
    finally:
        comparison.results.save()
    draw(comparison.results, options.out)


if __name__ == "__main__":
    main()
