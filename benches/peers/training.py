"""Times a training step in PyTorch against madenet-candle's `Tape`, on networks of the same layers.

Run on Linux, in an environment with torch, torchvision and timm, with cargo on the path:

    python benches/peers/training.py [NETWORK ...] [--threads 2] [--rounds 5] [--burst 2]

NETWORK is `resnet18` (without its classifier, batches of 16) or `hrnet_w32` (its four branches, batches of 4), at 256x256;
without any, both. A step is the forward pass in training mode, the mean of the squares of every output, added, the
backward pass, and SGD with a momentum of 0.9.

Every competitor is a process of its own with the same number of threads, in binary32, and runs only in its turn. Turns go round,
in an order that shifts by one every round; a turn is a step that is not timed and then a burst of timed ones. PyTorch is run
eagerly, in its default layout and with channels last. Peak memory is a process's own (VmHWM), with what the process has right after
its imports subtracted from PyTorch's.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

OURS = "madenet"
PEERS = {"PyTorch": [], "PyTorch channels last": ["--channels-last"]}
BATCH = {"resnet18": 16, "hrnet_w32": 4}


def network(name):
    import torch

    if name == "resnet18":
        import torchvision

        return torch.nn.Sequential(*list(torchvision.models.resnet18(weights=None).children())[:-2])
    import timm

    # The four branches, without the classifier's additions to them.
    return timm.create_model(name, features_only=True, feature_location="", out_indices=(1, 2, 3, 4))


def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def serve(name, threads, channels_last):
    """A competitor: answers `step` with milliseconds and `memory` with bytes."""
    import timm  # noqa: F401
    import torch
    import torchvision  # noqa: F401

    imported = peak()
    torch.set_num_threads(threads)
    torch.manual_seed(42)
    model, x = network(name).train(), torch.randn(BATCH[name], 3, 256, 256)
    if channels_last:
        model, x = model.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(model.parameters(), 1e-3, momentum=0.9)
    for line in sys.stdin:
        if line.strip() == "memory":
            print(peak() - imported, flush=True)
            continue
        start = time.perf_counter()
        optimiser.zero_grad()
        outputs = model(x)
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        sum(y.square().mean() for y in outputs).backward()
        optimiser.step()
        print(f"{1000 * (time.perf_counter() - start):.3f}", flush=True)


def ask(process, question):
    process.stdin.write(question + "\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def compare(name, args):
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    environment = dict(os.environ, OMP_NUM_THREADS=str(args.threads))
    ours = ["cargo", "run", "--quiet", "--release", "-p", "madenet-candle", "--example", "train_server", "--"]
    ours = [args.binary] if args.binary else ours
    commands = {OURS: ours + [name, str(BATCH[name]), "256", str(args.threads)]}
    for peer, options in PEERS.items():
        commands[peer] = [sys.executable, __file__, "--serve", name, "--threads", str(args.threads), *options]
    processes = {who: subprocess.Popen(command, env=environment, **pipes) for who, command in commands.items()}
    times = {who: [] for who in processes}
    order = list(processes)
    for turn in range(args.rounds):
        for who in order[turn % len(order) :] + order[: turn % len(order)]:
            ask(processes[who], "step")
            times[who] += [ask(processes[who], "step") for _ in range(args.burst)]
    best = min(statistics.median(values) for who, values in times.items() if who != OURS)
    for who, values in times.items():
        median, megabytes = statistics.median(values), ask(processes[who], "memory") / 1e6
        ratio = f"  ours / best {median / best:.2f}" if who == OURS else ""
        print(f"{name:10} {who:22} median {median:7.0f} ms  min {min(values):7.0f} ms  {megabytes:6.0f} MB{ratio}")
        processes[who].stdin.close()
        processes[who].wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--burst", type=int, default=2)
    parser.add_argument("--binary", help="the example train_server, built already")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--channels-last", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.serve, args.threads, args.channels_last)
    else:
        for name in args.networks or BATCH:
            compare(name, args)


if __name__ == "__main__":
    main()
