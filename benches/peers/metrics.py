"""Times the pixel metrics of scikit-learn, torchmetrics and anomalib against madenet-metrics, on one thread each.

Run in an environment with numpy, scipy and scikit-learn, and where wanted torchmetrics and anomalib, with cargo on the
path:

    python benches/peers/metrics.py [--maps 1000] [--size 256] [--repeat 1] [--workspace FOLDER]

It makes seeded maps, half of them normal, with blob-like defects on some 2 % of all pixels, and writes them to a
temporary folder: maps.f32 (little-endian binary32) and masks.u8. Every figure of a peer is timed in a process of its
own, without loading; the example pixel_peers of madenet-metrics reads the same files. Times are medians of the repeats.

Our time of a figure is that of collecting all maps, sorting once and the figure itself: what a caller who wants this
figure alone pays. Callers who want all three pay for collecting and sorting once: the last line.

A peer that is not installed, has no such figure or runs out of memory is named as such. Maps of 1000 x 256 x 256 need
some 7 GB for the largest peer.
"""

import os

# Before numpy and torch are loaded: they read these once.
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "RAYON")}
os.environ.update(ONE_THREAD)

import argparse
import importlib
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
from scipy import ndimage

FIGURES = ["auroc", "average_precision", "aupro"]


def write_maps(folder, count, size, seed):
    """Smooth noise, raised on the defects of every other image; the classes overlap."""
    rng = numpy.random.default_rng(seed)
    rows, columns = numpy.mgrid[:size, :size]
    anomalous = 0
    with open(folder / "maps.f32", "wb") as maps, open(folder / "masks.u8", "wb") as masks:
        for image in range(count):
            mask = numpy.zeros((size, size), bool)
            for _ in range(rng.integers(1, 5) if image % 2 else 0):
                y, x = rng.uniform(0, size, 2)
                height, width = size * rng.uniform(0.03, 0.12, 2)
                mask |= ((rows - y) / height) ** 2 + ((columns - x) / width) ** 2 < 1
            noise = ndimage.gaussian_filter(rng.standard_normal((size, size), numpy.float32), 4)
            raised = ndimage.gaussian_filter(mask.astype(numpy.float32), 3) * rng.uniform(0.05, 0.5)
            (0.3 + noise + raised).clip(0, 1).astype("<f4").tofile(maps)
            mask.astype(numpy.uint8).tofile(masks)
            anomalous += mask.sum()
    return anomalous / (count * size * size)


# Every peer below gets maps and masks of n x height x width and gives a function to time.


def scikit_learn_auroc(maps, masks):
    from sklearn.metrics import roc_auc_score

    return lambda: roc_auc_score(masks.ravel(), maps.ravel())


def scikit_learn_average_precision(maps, masks):
    from sklearn.metrics import average_precision_score

    return lambda: average_precision_score(masks.ravel(), maps.ravel())


def of_torchmetrics(module, name):
    """A metric class of torchmetrics, or one of anomalib that is built like those."""

    def prepare(maps, masks):
        import torch

        torch.set_num_threads(1)
        metric_class = getattr(importlib.import_module(module), name)
        maps, masks = torch.from_numpy(maps), torch.from_numpy(masks).long()

        def run():
            metric = metric_class()
            metric.update(maps, masks)
            return metric.compute()

        return run

    return prepare


PEERS = {
    "auroc": {
        "scikit-learn": scikit_learn_auroc,
        "torchmetrics": of_torchmetrics("torchmetrics.classification", "BinaryAUROC"),
        "anomalib": of_torchmetrics("anomalib.metrics.auroc", "_AUROC"),
    },
    "average_precision": {
        "scikit-learn": scikit_learn_average_precision,
        "torchmetrics": of_torchmetrics("torchmetrics.classification", "BinaryAveragePrecision"),
        "anomalib": of_torchmetrics("anomalib.metrics.aupr", "_AUPR"),
    },
    # The limit of the false positive rate is 0.3 by default, as ours.
    "aupro": {"anomalib": of_torchmetrics("anomalib.metrics.aupro", "_AUPRO")},
}


def run_peer(figure, peer, folder, count, size, repeat):
    """In a process of its own: prints times, value and peak memory as JSON."""
    shape = (count, size, size)
    maps = numpy.fromfile(folder / "maps.f32", "<f4").reshape(shape)
    masks = numpy.fromfile(folder / "masks.u8", numpy.uint8).reshape(shape)
    compute = PEERS[figure][peer](maps, masks)
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        value = float(compute())
        times.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": statistics.median(times), "value": value, "peak_mb": peak}))


def measure_peer(figure, peer, folder, options):
    """What the process of a peer says, or why it says nothing."""
    arguments = [figure, peer, folder, options.maps, options.size, options.repeat]
    command = [sys.executable, __file__, "--peer", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1])
    if done.returncode < 0:
        return {"failure": f"ended by signal {-done.returncode}, which is 9 where memory ran out"}
    return {"failure": (done.stderr.strip().splitlines() or ["no message"])[-1]}


def measure_ours(folder, options):
    example = ["cargo", "run", "--quiet", "--release", "-p", "madenet-metrics", "--example", "pixel_peers", "--"]
    command = [*example, str(folder), *map(str, (options.maps, options.size, options.size))]
    runs = []
    for _ in range(options.repeat):
        done = subprocess.run(command, cwd=options.workspace, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"the example pixel_peers failed:\n{done.stderr}")
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return {key: statistics.median(run[key] for run in runs) for key in runs[0] if runs[0][key] is not None}


def print_row(figure, peer, *cells):
    print(f"{figure:18} {peer:13}", *(f"{cell:>10}" for cell in cells))


def print_peers(folder, options, ours):
    """One line per figure and peer; returns the fastest time of each figure and the largest memory of each peer."""
    fastest, peaks = {}, {}
    for figure in FIGURES:
        own = ours["push_s"] + ours["finish_s"] + ours[f"{figure}_s"]
        for peer in PEERS[figure]:
            result = measure_peer(figure, peer, folder, options)
            if "failure" in result:
                print(f"{figure:18} {peer:13} no result: {result['failure']}")
                continue
            seconds, difference = result["seconds"], result["value"] - ours[figure]
            print_row(figure, peer, f"{seconds:.3f}", f"{own:.3f}", f"{seconds / own:.1f}", f"{difference:+.1e}")
            fastest[figure] = min(fastest.get(figure, seconds), seconds)
            peaks[peer] = max(peaks.get(peer, 0), result["peak_mb"])
    return fastest, peaks


def print_report(folder, options):
    ours = measure_ours(folder, options)
    print_row("figure", "peer", "peer s", "ours s", "ratio", "peer - ours")
    fastest, peaks = print_peers(folder, options, ours)
    if len(fastest) == len(FIGURES):
        theirs = sum(fastest.values())
        own = ours["push_s"] + ours["finish_s"] + sum(ours[f"{figure}_s"] for figure in FIGURES)
        print_row("all three", "fastest each", f"{theirs:.3f}", f"{own:.3f}", f"{theirs / own:.1f}", "")
    print(f"\nours: collecting {ours['push_s']:.3f} s, sorting {ours['finish_s']:.3f} s, then", end=" ")
    print(", ".join(f"{figure} {ours[f'{figure}_s']:.3f} s = {ours[figure]:.9f}" for figure in FIGURES))
    peaks["ours"] = ours.get("peak_mb", float("nan"))
    print("peak MB, with all maps in memory for the peers: " + ", ".join(f"{k} {v:.0f}" for k, v in peaks.items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--maps", type=int, default=1000)
    parser.add_argument("--size", type=int, default=256, help="height and width of a map")
    parser.add_argument("--repeat", type=int, default=1, help="times are medians of so many runs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workspace", type=pathlib.Path, default=pathlib.Path(__file__).parents[2])
    parser.add_argument("--peer", nargs=6, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        figure, peer, folder, *numbers = options.peer
        run_peer(figure, peer, pathlib.Path(folder), *map(int, numbers))
        return

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        share = write_maps(folder, options.maps, options.size, options.seed)
        print(f"{options.maps} maps of {options.size} x {options.size}, {share:.2%} anomalous pixels, one thread\n")
        print_report(folder, options)


if __name__ == "__main__":
    main()
