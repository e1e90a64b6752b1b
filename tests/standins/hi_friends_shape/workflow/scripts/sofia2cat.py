"""Takes the options of the step of this name; the work is in steps.py."""

from __future__ import annotations

import argparse
from pathlib import Path

import steps

parser = argparse.ArgumentParser()
parser.add_argument("--outname")
parser.add_argument("-r", "--results_path")
parser.add_argument("-i", "--incatalog")
given = parser.parse_args()
lines = Path(given.results_path, given.outname, "sofia.par").read_text().splitlines()
(cube,) = [line.partition("=")[2].strip() for line in lines if line.startswith("input.data")]
target = given.incatalog.replace("_cat.txt", "_final_catalog.csv")
steps.sofia2cat(cube, given.incatalog, given.outname, target)
