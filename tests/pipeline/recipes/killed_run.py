"""A program that runs a recipe, to be killed: ``killed_run.py FOLDER``."""

import json
import sys
from pathlib import Path

import numpy as np

import tfedge

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    with np.load(folder / "data.npz") as file:
        train, val = (file["x"], file["y"]), (file["val_x"], file["val_y"])
    recipe = json.loads((folder / "recipe.json").read_text())
    tfedge.run(recipe, folder / "model.keras", train, val, work=folder / "work", verbose=0)
