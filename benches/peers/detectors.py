"""Times whole detectors on one category: SFAD against anomalib's PatchCore and PaDiM, all with the same ResNet-18 trunk.

Run in an environment with anomalib and safetensors, with cargo on the path:

    python benches/peers/detectors.py CATEGORY --weights resnet18_imagenet_trunk.safetensors [--threads 2] [--rounds 2]

CATEGORY is a folder in MVTec AD's layout. All work on images of 256x256. A fit is timed once, from files to a model that
predicts; PatchCore has layers 2 and 3, a coreset of 2 % and 9 neighbours, PaDiM layers 1 to 3 and 100 features
(anomalib's defaults but for the coreset, of which 10 % would take minutes). A prediction is timed from the decoded image to
the score and the map: the image is resized, normalised and goes through the model alone, as from a camera. Predictions of
the three run in turns, test image after test image; medians are printed. Reading and decoding files is left out.

--binary takes an example `predict` that is built already, and --model a model that it can read, in order to time another
version of madenet.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import time


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("category", type=pathlib.Path)
    parser.add_argument("--weights", type=pathlib.Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--binary", type=pathlib.Path, help="the example predict, built already")
    parser.add_argument("--model", type=pathlib.Path, help="a model that it reads, fitted already")
    parser.add_argument("--no-peers", action="store_true")
    return parser.parse_args()


def anomalib_models(args):
    """Both models, fitted, as functions of a decoded image, with the seconds that the fit took."""
    import torch
    from anomalib.models.image.padim.torch_model import PadimModel
    from anomalib.models.image.patchcore.torch_model import PatchcoreModel
    from PIL import Image
    from safetensors.torch import load_file
    from torchvision.transforms import v2

    torch.set_num_threads(args.threads)
    torch.manual_seed(42)
    transform = v2.Compose([
        v2.ToImage(),
        v2.Resize((256, 256), antialias=True),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ])
    trunk = load_file(args.weights)

    def fit(model, finish):
        start = time.perf_counter()
        network = model.feature_extractor.feature_extractor
        missing = network.load_state_dict(trunk, strict=False).missing_keys
        assert all("num_batches_tracked" in key for key in missing), missing
        model.train()
        # The trunk stays as it is.
        network.eval()
        paths = sorted((args.category / "train" / "good").iterdir())
        for at in range(0, len(paths), 32):
            images = [transform(Image.open(path).convert("RGB")) for path in paths[at : at + 32]]
            model(torch.stack(images))
        finish(model)
        model.eval()

        def predict(image):
            with torch.inference_mode():
                return model(transform(image)[None])

        return predict, time.perf_counter() - start

    patchcore = PatchcoreModel(layers=["layer2", "layer3"], backbone="resnet18", pre_trained=False, num_neighbors=9)
    padim = PadimModel(backbone="resnet18", layers=["layer1", "layer2", "layer3"], pre_trained=False, n_features=100)
    return {
        "PatchCore": fit(patchcore, lambda model: model.subsample_embedding(0.02)),
        "PaDiM": fit(padim, lambda model: model.fit()),
    }


def main():
    args = arguments()
    test = sorted(path for folder in (args.category / "test").iterdir() for path in folder.iterdir())
    # RAYON_NUM_THREADS is the size of the pool that madenet works in.
    environment = dict(os.environ, RAYON_NUM_THREADS=str(args.threads))
    cargo = ["cargo", "run", "--quiet", "--release", "-p", "madenet", "--example"]
    predict = [str(args.binary)] if args.binary else cargo + ["predict", "--"]
    model = args.model
    if model is None:
        model = pathlib.Path("target/peers.model")
        start = time.perf_counter()
        subprocess.run(
            cargo + ["train_folder", "--", str(args.category), "--out", str(model), "--weights", str(args.weights)]
            + ["--size", "256", "--seed", "42"],
            check=True, env=environment, stdout=subprocess.DEVNULL,
        )
        print(f"SFAD: fit and evaluation {time.perf_counter() - start:.0f} s (building included, if there was any)")

    peers = {} if args.no_peers else anomalib_models(args)
    for name, (_, seconds) in peers.items():
        print(f"{name}: fit {seconds:.0f} s")

    times = {name: [] for name in ["SFAD", *peers]}
    for _ in range(args.rounds):
        lines = subprocess.run(
            predict + [str(model), *map(str, test)], check=True, env=environment, capture_output=True, text=True
        ).stdout.splitlines()
        times["SFAD"] += [milliseconds(json.loads(line)["timings"]) for line in lines]
        if peers:
            from PIL import Image

            for path in test:
                image = Image.open(path).convert("RGB")
                for name, (run, _) in peers.items():
                    start = time.perf_counter()
                    run(image)
                    times[name].append(1000 * (time.perf_counter() - start))
    for name, values in times.items():
        ordered = sorted(values)
        low, high = ordered[len(ordered) // 10], ordered[9 * len(ordered) // 10]
        print(f"{name}: predict {statistics.median(values):.1f} ms (10 to 90 %: {low:.1f} to {high:.1f})")


def milliseconds(timings):
    """The stages of a prediction, together."""
    return sum(value for stage, value in timings.items() if stage.endswith("_ms"))


if __name__ == "__main__":
    main()
