"""Times networks in PyTorch, ONNX Runtime and OpenVINO against madenet-nets' `Plan`, on the same weights and images.

Run on Linux, in an environment with torch, torchvision, timm, onnxruntime, openvino, safetensors and numpy, with cargo
on the path:

    python benches/peers/networks.py [NETWORK ...] [--threads 2] [--batch 1] [--rounds 10] [--burst 5] [--json FILE]

The example export_onnx of madenet-nets writes each network as it is recorded there: an ONNX model, which ONNX Runtime and
OpenVINO read; the weights, which PyTorch loads into the network of torchvision, timm or this script; an image and our
results. Every competitor says how far its results are from ours, relative to their largest value ("difference"), before
it is timed: all compute the same.

How it is kept fair, to the peers above all:

- Every competitor is a process of its own with the same number of threads, in binary32, and runs only in its turn.
- Turns go round, in an order that shifts by one every round, so that a machine that is disturbed for a while disturbs
  all. A turn is a run that is not timed, for the caches, and then a burst of timed ones.
- Peers keep their own settings of spinning: threads that spin between two runs of a burst make peers faster, as in a
  service under load. The next turn begins when the last competitor has been seen to use no processor time, so that no one
  spins into another's turn.
- Peers know the size of the batch beforehand (ONNX Runtime by its override of free axes, OpenVINO by reshaping) and may
  optimise for it. ONNX Runtime has all of its optimisations on, OpenVINO its hint for latency. PyTorch is run eagerly, in
  inference mode, both in its default layout and with channels last.
- Peak memory is a process's own (VmHWM), loading of the weights included; that of a process which only imports the same
  modules is named beside it ("import").

--isa avx2 forbids AVX-512 to us (MADENET_ISA), to PyTorch (ONEDNN_MAX_CPU_ISA, ATEN_CPU_CAPABILITY) and to OpenVINO (its
oneDNN reads the first of these as well). ONNX Runtime has no such switch and runs as ever.
"""

import argparse
import functools
import importlib
import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

OURS = "madenet"
AVX2 = {"MADENET_ISA": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}


# --- PyTorch's networks, with our names of parameters; all in evaluation mode ---


def resnet(name):
    import torchvision

    # Ends behind layer3.
    trunk = torchvision.models._utils.IntermediateLayerGetter
    return trunk(getattr(torchvision.models, name)(weights=None), {"layer3": "features0"})


def hrnet_w32():
    import timm

    # The four branches, without the classifier's additions to them.
    return timm.create_model("hrnet_w32", features_only=True, feature_location="", out_indices=(1, 2, 3, 4))


def efficientnet_b4():
    import timm

    # With its head of 1000 classes.
    return timm.create_model("efficientnet_b4")


def draem_unet(width=64):
    import torch
    from torch import nn

    def conv_norm(c, out):
        return nn.Sequential(nn.Conv2d(c, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU(inplace=True))

    def block(c, out):
        return nn.Sequential(conv_norm(c, out), conv_norm(out, out))

    class Unet(nn.Module):
        def __init__(self):
            super().__init__()
            down, up = [6, *(width * n for n in (1, 2, 4, 8, 8, 8))], [width * n for n in (1, 1, 2, 4, 8)]
            self.encoder = nn.ModuleList(block(*pair) for pair in zip(down, down[1:]))
            self.up = nn.ModuleList(conv_norm(c, out) for c, out in zip([*up[1:], down[-1]], up))
            self.decoder = nn.ModuleList(block(out + skip, out) for out, skip in zip(up, down[1:]))
            self.head = nn.Conv2d(width, 2, 3, padding=1)

        def forward(self, x):
            skips = []
            for encode in self.encoder[:-1]:
                skips.append(encode(x))
                x = nn.functional.max_pool2d(skips[-1], 2)
            x = self.encoder[-1](x)
            for up, decode in zip(reversed(self.up), reversed(self.decoder)):
                skip = skips.pop()
                x = nn.functional.interpolate(x, size=skip.shape[2:], mode="bilinear", align_corners=True)
                x = decode(torch.cat([up(x), skip], 1))
            return self.head(x)

    return Unet()


# The networks, and what they are imported from.
TORCH = {
    "resnet18": (lambda: resnet("resnet18"), ["torchvision"]),
    "wide_resnet50_2": (lambda: resnet("wide_resnet50_2"), ["torchvision"]),
    "hrnet_w32": (hrnet_w32, ["timm"]),
    "efficientnet_b4": (efficientnet_b4, ["timm"]),
    "draem_unet": (draem_unet, []),
}
NETWORKS = list(TORCH)


# --- the peers: each gets a case, and gives a function that runs and one that gives the outputs of a run as a list ---


def in_torch(case, channels_last=False):
    import torch
    from safetensors.torch import load_file

    torch.set_num_threads(case.threads)
    module = TORCH[case.name][0]().eval()
    ours = load_file(case.folder / f"{case.name}.weights.safetensors")
    weights = {k: ours.pop(k).reshape(v.shape) for k, v in module.state_dict().items() if "num_batches" not in k}
    assert not ours, f"PyTorch's network has no {', '.join(ours)}"
    module.load_state_dict(weights, strict=False)
    # As a process that only serves would have it.
    del weights
    image = torch.from_numpy(case.image)
    if channels_last:
        module, image = (t.to(memory_format=torch.channels_last) for t in (module, image))

    @torch.inference_mode()
    def run():
        return module(image)

    def outputs(result):
        result = list(result.values()) if isinstance(result, dict) else result
        return [t.numpy() for t in (result if isinstance(result, list) else [result])]

    return run, outputs


def in_torch_channels_last(case):
    return in_torch(case, channels_last=True)


def in_onnxruntime(case):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = case.threads, 1
    options.add_free_dimension_override_by_name("N", case.image.shape[0])
    path = str(case.folder / f"{case.name}.onnx")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"image": case.image}), list


def in_openvino(case):
    import openvino

    core = openvino.Core()
    model = core.read_model(case.folder / f"{case.name}.onnx")
    model.reshape({"image": list(case.image.shape)})
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": case.threads,
    }
    request = core.compile_model(model, "CPU", settings).create_infer_request()

    def run():
        request.infer([case.image], share_inputs=True, share_outputs=True)

    return run, lambda _: [tensor.data for tensor in request.output_tensors]


PEERS = {
    "torch": in_torch,
    "torch channels-last": in_torch_channels_last,
    "onnxruntime": in_onnxruntime,
    "openvino": in_openvino,
}


class Case:
    """What a peer runs: the image, and where the network and its weights are."""

    def __init__(self, folder, name, batch, threads):
        import numpy
        from safetensors.numpy import load_file

        self.folder, self.name, self.threads = pathlib.Path(folder), name, int(threads)
        tensors = load_file(self.folder / f"{name}.batch{batch}.safetensors")
        self.image = numpy.ascontiguousarray(tensors.pop("input.image"))
        self.expected = [tensors[f"output.features{i}"] for i in range(len(tensors))]

    def difference(self, outputs):
        import numpy

        assert len(outputs) == len(self.expected), f"{len(outputs)} outputs, expected {len(self.expected)}"
        pairs = zip(outputs, self.expected)
        return max(float(numpy.abs(got.ravel() - ours.ravel()).max() / numpy.abs(ours).max()) for got, ours in pairs)


def serve_peer(peer, *arguments):
    """In a process of its own: the protocol of the example plan_server."""
    case = Case(*arguments)
    run, outputs = PEERS[peer](case)
    print(json.dumps({"difference": case.difference(outputs(run()))}), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line.removeprefix("run "))):
            start = time.perf_counter()
            run()
            times.append((time.perf_counter() - start) * 1e3)
        print(json.dumps(times), flush=True)


def import_modules(*modules):
    """In a process of its own: does nothing else."""
    for module in modules:
        importlib.import_module(module)
    print("{}", flush=True)
    sys.stdin.read()


# --- the referee ---


class Competitor:
    """A process that runs a network when it is told to."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(
            [*map(str, command)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )
        self.times = []
        self.hello = self.read()

    def read(self):
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        said = self.process.communicate()[1].strip().splitlines() or ["no message"]
        raise RuntimeError(f"{said[-1]} (exit status {self.process.returncode})")

    def turn(self, burst):
        for runs in (1, burst):
            self.process.stdin.write(f"run {runs}\n")
            self.process.stdin.flush()
            times = self.read()
        self.times.extend(times)
        self.wait_until_idle()

    def wait_until_idle(self):
        """Until 50 ms have passed without processor time of any of its threads, at most two seconds."""
        used = None
        for _ in range(40):
            before, used = used, self.processor_time()
            if used == before:
                return
            time.sleep(0.05)

    def processor_time(self):
        """Of all threads, in ticks of 10 ms."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def peak_mb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def end(self):
        self.process.kill()
        self.process.communicate()


def build(options):
    """The examples' programs, by name."""
    command = ["cargo", "build", "--profile", options.profile, "-p", "madenet-nets", "--features", "onnx"]
    command += ["--example", "export_onnx", "--example", "plan_server", "--message-format", "json"]
    done = subprocess.run(command, cwd=options.workspace, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit("the examples of madenet-nets do not build")
    built = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {b["target"]["name"]: b["executable"] for b in built if b.get("executable")}


def of_peer(*arguments):
    return [sys.executable, __file__, "--peer", *arguments]


@functools.cache
def import_mb(*modules):
    """Peak memory of a process that imports these."""
    competitor = Competitor([sys.executable, __file__, "--import", *modules], {})
    peak = competitor.peak_mb()
    competitor.end()
    return peak


def imports_of(competitor, name):
    """Peak memory of what a competitor's process imports for a network."""
    if competitor == OURS:
        return 0.0
    modules = ["torch", *TORCH[name][1]] if competitor.startswith("torch") else [competitor]
    return import_mb("numpy", "safetensors.numpy", *modules)


def start_all(name, folder, programs, options, environment):
    """The competitors that have the network, by name; says why others do not."""
    arguments = [folder, name, options.batch, options.threads]
    ours = [programs["plan_server"], *arguments, options.memory]
    commands = {OURS: ours} | {p: of_peer(p, *arguments) for p in PEERS}
    competitors = {}
    for competitor, command in commands.items():
        try:
            competitors[competitor] = Competitor(command, environment)
            competitors[competitor].wait_until_idle()
        except RuntimeError as error:
            print(f"{competitor}: no result: {error}")
    return competitors


def measure(name, folder, programs, options, environment):
    """A row per competitor of a network: times in milliseconds, peak memory, difference."""
    export = [programs["export_onnx"], str(folder), f"{name}@{options.batch}"]
    done = subprocess.run(export, capture_output=True, text=True, env=os.environ | environment)
    if done.returncode != 0:
        print(f"{name}: {done.stderr.strip()}\n")
        return {}
    competitors = start_all(name, folder, programs, options, environment)
    order = list(competitors.values())
    for _ in range(options.rounds):
        for competitor in order:
            competitor.turn(options.burst)
        order = [*order[1:], order[0]]
    rows = {}
    for competitor, process in competitors.items():
        rows[competitor] = {
            "median_ms": statistics.median(process.times),
            "min_ms": min(process.times),
            "peak_mb": process.peak_mb(),
            "import_mb": imports_of(competitor, name),
            "difference": process.hello["difference"],
            "times_ms": process.times,
        }
        process.end()
    return rows


def print_table(name, rows, options):
    plural = "s" * (options.threads > 1)
    print(f"{name}, batch {options.batch}, {options.threads} thread{plural}")
    print(f"{'':20}", *(f"{head:>10}" for head in ("median ms", "min ms", "peak MB", "import", "difference")))
    for competitor, row in rows.items():
        cells = [f"{row['median_ms']:.2f}", f"{row['min_ms']:.2f}", f"{row['peak_mb']:.0f}"]
        cells += [f"{row['import_mb']:.0f}", f"{row['difference']:.1e}"]
        print(f"{competitor:20}", *(f"{cell:>10}" for cell in cells))
    peers = {competitor: row for competitor, row in rows.items() if competitor != OURS}
    if OURS in rows and peers:
        ratios = []
        for key in ("median_ms", "min_ms", "peak_mb"):
            best = min(peers, key=lambda peer: peers[peer][key])
            ratios.append(f"{key} {rows[OURS][key] / peers[best][key]:.2f} ({best})")
        print(f"ours / best peer: {', '.join(ratios)}")
    print(flush=True)


def processor():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.machine()


def versions():
    found = {}
    for package in ("torch", "torchvision", "timm", "onnxruntime", "openvino"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def referee(options):
    threads = {f"{name}_NUM_THREADS": str(options.threads) for name in ("OMP", "MKL")}
    environment = threads | (AVX2 if options.isa == "avx2" else {})
    settings = {key: getattr(options, key) for key in ("threads", "batch", "rounds", "burst", "isa", "memory", "profile")}
    report = {"processor": processor(), "versions": versions(), "options": settings, "networks": {}}
    print(report["processor"], ", ".join(f"{k} {v}" for k, v in report["versions"].items()), sep="\n", end="\n\n")
    programs = build(options)
    for name in options.networks or NETWORKS:
        with tempfile.TemporaryDirectory() as folder:
            rows = measure(name, pathlib.Path(folder), programs, options, environment)
        if rows:
            print_table(name, rows, options)
            report["networks"][name] = rows
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=f"some of {', '.join(NETWORKS)}; default all")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=1, help="images of a run")
    parser.add_argument("--rounds", type=int, default=10, help="turns of every competitor")
    parser.add_argument("--burst", type=int, default=5, help="timed runs of a turn")
    parser.add_argument("--isa", choices=["best", "avx2"], default="best", help="instructions, see above")
    memory = ["speed", "balanced", "low"]
    parser.add_argument("--memory", choices=memory, default="balanced", help="what speed may cost our side")
    parser.add_argument("--json", type=pathlib.Path, help="file for all figures")
    parser.add_argument("--profile", default="release", help="cargo's profile of our side")
    parser.add_argument("--workspace", type=pathlib.Path, default=pathlib.Path(__file__).parents[2])
    parser.add_argument("--peer", nargs=5, help=argparse.SUPPRESS)
    parser.add_argument("--import", nargs="+", dest="modules", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        return serve_peer(*options.peer)
    if options.modules:
        return import_modules(*options.modules)
    unknown = set(options.networks) - set(NETWORKS)
    if unknown:
        parser.error(f"unknown networks {', '.join(sorted(unknown))}, expected some of {', '.join(NETWORKS)}")
    return referee(options)


if __name__ == "__main__":
    main()
