"""Designed recipes: from a folder of pictures to a model and a codec in seconds, by the usual commands, without torch."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from tests import tiny

from calotype import codec, zoo
from calotype.bench import codecs
from calotype.cli import main
from calotype.errors import FileError, TargetExists, UsageError
from calotype.model import bundle
from calotype.train import design

DESIGNED = [name for name in zoo.names() if zoo.recipe(name).design is not None]


@pytest.fixture
def folder(tmp_path):
    pictures = tmp_path / "pictures" / "deep"
    pictures.mkdir(parents=True)
    for seed in range(2):
        Image.fromarray(tiny.picture(200, 300, seed=seed)).save(pictures / f"{seed}.png")
    (pictures / "no.png").write_bytes(b"not a picture")
    return pictures.parent


def run(*arguments):
    return CliRunner().invoke(main.cli, [str(argument) for argument in arguments])


@pytest.mark.parametrize("name", DESIGNED)
def test_train_and_freeze_make_a_codec(name, folder, tmp_path):
    done = run("train", name, "--data", folder, "--out", tmp_path / "run", "--size", "tiny")
    assert done.exit_code == 0, done.output
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["recipe"] == name and record["pictures"] == 2 and record["seconds"] > 0
    frozen = tmp_path / "mine.calomodel"
    assert run("freeze", tmp_path / "run", "-o", frozen).exit_code == 0
    model = bundle.read(frozen)
    assert model.identity.hex() == record["identity"] and not model.manifest.nets
    ours, pixels = codecs.get(str(frozen)), tiny.picture(90, 70)
    data = ours.encode(pixels, 60.0)
    assert np.array_equal(ours.decode(data), codec.decode(data, model=model).pixels)
    assert isinstance(run("freeze", tmp_path / "run", "-o", frozen).exception, TargetExists)


def test_what_has_no_meaning_is_refused(folder, tmp_path):
    done = run("train", "vq-lbg", "--data", folder, "--out", tmp_path / "run", "--steps", "5", "--size", "tiny")
    assert isinstance(done.exception, UsageError) and "--steps" in str(done.exception)
    recipe = zoo.recipe("vq-lbg")
    with pytest.raises(UsageError, match="designed"):
        recipe.system("tiny")
    with pytest.raises(UsageError, match="trained"):
        design.model_of(zoo.recipe("swift"), [])
    with pytest.raises(UsageError, match="huge"):
        recipe.arguments("huge")
    with pytest.raises(FileError):
        design.pictures(tmp_path / "nowhere")


def test_a_run_is_not_replaced_without_force(folder, tmp_path):
    recipe, said = zoo.recipe("vq-lbg"), []
    for force in (False, True):
        design.design(recipe, folder, tmp_path, size="tiny", force=force, say=said.append)
    with pytest.raises(TargetExists):
        design.design(recipe, folder, tmp_path, size="tiny", say=said.append)
    assert len(said) == 2


def test_a_seed_draws_the_same_crops(folder):
    first, again, other = (design.pictures(folder, seed=seed, most_px=50_000) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True)) and len(first) == 1
    assert len(design.pictures(folder, seed=2)) == 2 and len(other) == 1


@pytest.mark.parametrize("name", DESIGNED)
def test_the_same_pictures_design_the_same_model(name):
    crops = [tiny.picture(96, 128)]
    models = [design.model_of(zoo.recipe(name), crops, size="tiny") for _ in range(2)]
    assert models[0].identity == models[1].identity


def test_a_design_needs_no_torch():
    code = (
        "import sys; sys.modules['torch'] = sys.modules['scipy'] = None\n"
        "import numpy as np\n"
        "from calotype import codec, zoo\nfrom calotype.picture import Picture\nfrom calotype.train import design\n"
        "crop = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)\n"
        "for name in zoo.names():\n"
        "    if zoo.recipe(name).design:\n"
        "        model = design.model_of(zoo.recipe(name), [crop], size='tiny')\n"
        "        data = codec.encode(Picture(crop), model, quality=50)\n"
        "        print(name, codec.decode(data, model=model).pixels.shape)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("(64, 64, 3)") == len(DESIGNED)
