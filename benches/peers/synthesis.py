"""Times synthetic anomalies at one size, one thread: madenet-synth, DRAEM's generator, anomalib's PerlinAnomalyGenerator.

Run with cargo on the path, in an environment with numpy and torch, for DRAEM with imgaug and OpenCV (imgaug 0.4 needs numpy
below 2), for anomalib with anomalib; Python of another environment is named where no single one has both:

    python benches/peers/synthesis.py --draem CHECKOUT [--anomalib-python PYTHON] [--size 256] [--samples 200]

CHECKOUT is one of DRAEM's repository (data_loader.py and perlin.py are imported). A peer that is not installed is named as
such. All get the same pictures and textures: seeded noise of several scales, blurred and coloured, uint8.

What is timed, per sample, medians of rounds:

- ours: `Synthesizer::synthesize` from decoded 8-bit picture to 8-bit picture and mask; textures decoded in memory.
- DRAEM: `MVTecDRAEMTrainDataset.augment_image`, from a float picture to a float picture and mask. It reads a texture file per
  sample; here `cv2.imread` hands out decoded textures instead, so that no file is read. It always computes an anomaly and drops
  half of them.
- anomalib: `PerlinAnomalyGenerator`, from a float tensor to tensor and mask. It reads a texture file per sample (PNG here); with
  `in memory`, `torchvision.io.read_image` hands out decoded textures. Probability 0.5 and 1.

Ratios compare what trains: samples of which half are normal; and anomalous samples alone (DRAEM's are the same, as it computes
them anyway).
"""

import os

# Before numpy and torch are loaded: they read these once.
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "RAYON")}
os.environ.update(ONE_THREAD)

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy

ROUNDS = 5
IMAGES, TEXTURES = 8, 32


def write_pictures(folder, size, seed):
    """images.u8 and textures.u8, and the textures as PNG files where Pillow is there."""
    rng = numpy.random.default_rng(seed)
    for name, count in (("images", IMAGES), ("textures", TEXTURES)):
        pictures = numpy.stack([picture(rng, size) for _ in range(count)])
        pictures.tofile(folder / f"{name}.u8")
    try:
        from PIL import Image
    except ImportError:
        return
    (folder / "png" / "class").mkdir(parents=True)
    for index, pixels in enumerate(pictures):
        Image.fromarray(pixels).save(folder / "png" / "class" / f"{index}.png")


def picture(rng, size):
    """Blocks of random colours at three scales, as rough as a photograph of a surface."""
    total = numpy.zeros((size, size, 3))
    for cells in (4, 32, size):
        blocks = rng.uniform(0, 1, (cells, cells, 3))
        repeat = -(-size // cells)
        total += blocks.repeat(repeat, 0).repeat(repeat, 1)[:size, :size]
    return (total * 85).astype(numpy.uint8)


def load(folder, name, size):
    return numpy.fromfile(folder / f"{name}.u8", numpy.uint8).reshape(-1, size, size, 3)


def median_seconds(sample, samples):
    """Seconds per sample: the median of rounds of `sample(i)`."""
    for i in range(3):
        sample(i)
    rounds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for i in range(samples):
            sample(i)
        rounds.append((time.perf_counter() - start) / samples)
    return statistics.median(rounds)


# Peers: each runs in a process of its own and gives seconds by kind.


def run_draem(folder, size, samples, checkout):
    # imgaug 0.4 uses a name that numpy has dropped.
    if not hasattr(numpy, "bool"):
        numpy.bool = bool
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    sys.path.insert(0, checkout)
    import data_loader

    textures = load(folder, "textures", size)
    images = load(folder, "images", size).astype(numpy.float32) / 255
    data_loader.cv2.imread = lambda index: textures[index]
    generator = data_loader.MVTecDRAEMTrainDataset(str(folder), str(folder), [size, size])
    rng = numpy.random.default_rng(0)

    def sample(i):
        return generator.augment_image(images[i % len(images)], int(rng.integers(len(textures))))

    seconds = median_seconds(sample, samples)
    return {"half normal": seconds, "anomalous": seconds}


def run_anomalib(folder, size, samples, checkout):
    import torch
    from anomalib.data.utils.generators import perlin

    torch.set_num_threads(1)
    images = torch.from_numpy(load(folder, "images", size)).permute(0, 3, 1, 2).float() / 255
    images = images.contiguous()
    files = folder / "png"

    def seconds(probability):
        generator = perlin.PerlinAnomalyGenerator(files, probability=probability)
        return median_seconds(lambda i: generator(images[i % len(images)]), samples)

    result = {"half normal, from files": seconds(0.5), "anomalous, from files": seconds(1.0)}
    read = perlin.io.read_image
    decoded = {str(path): read(str(path)) for path in files.rglob("*.png")}
    perlin.io.read_image = lambda path, mode: decoded[path]
    return {"half normal": seconds(0.5), "anomalous": seconds(1.0), **result}


PEERS = {"DRAEM": run_draem, "anomalib": run_anomalib}


def measure_peer(peer, python, folder, options):
    """What the process of a peer says, or why it says nothing."""
    arguments = [peer, folder, options.size, options.samples, options.draem or ""]
    command = [python, __file__, "--peer", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1])
    return {"failure": (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]}


def measure_ours(folder, options):
    example = ["cargo", "run", "--quiet", "--release", "-p", "madenet-synth", "--example", "synthesis_peers", "--"]
    numbers = (IMAGES, TEXTURES, options.size, options.samples)
    command = [*example, str(folder), *map(str, numbers)]
    done = subprocess.run(command, cwd=options.workspace, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"the example synthesis_peers failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def print_report(folder, options):
    ours = measure_ours(folder, options)
    print(f"{'generator':10} {'samples':26} {'ms each':>9} {'ratio':>7}   ours ms")
    for name, key in [
        ("DRAEM's settings, half normal", "draem"),
        ("DRAEM's settings, anomalous", "draem_anomalous"),
        ("defaults, half normal", "default"),
        ("defaults, anomalous", "default_anomalous"),
    ]:
        print(f"{'ours':10} {name:30} {1e3 * ours[key]:5.3f}")
    pythons = {"DRAEM": sys.executable, "anomalib": options.anomalib_python or sys.executable}
    for peer in PEERS:
        result = measure_peer(peer, pythons[peer], folder, options)
        if "failure" in result:
            print(f"{peer:10} no result: {result['failure']}")
            continue
        for kind, seconds in result.items():
            own = ours["draem_anomalous" if kind.startswith("anomalous") else "draem"]
            print(f"{peer:10} {kind:26} {1e3 * seconds:9.3f} {seconds / own:7.1f}   {1e3 * own:.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--draem", help="a checkout of DRAEM's repository")
    parser.add_argument("--anomalib-python", help="the Python of an environment with anomalib")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--samples", type=int, default=200, help="samples of a round")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workspace", type=pathlib.Path, default=pathlib.Path(__file__).parents[2])
    parser.add_argument("--peer", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        peer, folder, size, samples, checkout = options.peer
        result = PEERS[peer](pathlib.Path(folder), int(size), int(samples), checkout)
        print(json.dumps(result))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_pictures(folder, options.size, options.seed)
        print(f"{options.size} x {options.size}, one thread, medians of {ROUNDS} rounds of {options.samples}\n")
        print_report(folder, options)


if __name__ == "__main__":
    main()
