"""Runs SoFiA on one subcube, in the place of the workflow's own script of this name.

Why it is replaced: where SoFiA finds nothing it writes no catalogue, and the script at the pinned
commit then ends the whole workflow with a traceback over the missing file; a subcube without
voxels (an overlap that reaches beyond the cube) ends in the same way. Here the first gives a
catalogue without rows, the second says what to change, and SoFiA's own exit code is kept.
The options, the files and the words filled in are those of the workflow.
"""

import argparse
import os
import subprocess
import sys

NOTHING_FOUND = 8  # how SoFiA ends when it has found no source
COLUMNS = (
    "name id x y z x_min x_max y_min y_max z_min z_max n_pix f_min f_max f_sum rel flag rms"
    " w20 w50 ell_maj ell_min ell_pa ell3s_maj ell3s_min ell3s_pa kin_pa"
    " err_x err_y err_z err_f_sum ra dec freq"
)


def options():
    """Return what the workflow's rule gives."""
    parser = argparse.ArgumentParser(description="Run SoFiA on one subcube")
    parser.add_argument("-p", "--parfile", required=True)
    parser.add_argument("-r", "--results_path", required=True)
    parser.add_argument("-o", "--outname", required=True)
    parser.add_argument("-d", "--datacube", required=True)
    parser.add_argument("-s", "--scfind_threshold", required=True)
    parser.add_argument("-f", "--reliability_fmin", required=True)
    parser.add_argument("-t", "--reliability_threshold", required=True)
    return parser.parse_args()


def has_voxels(path):
    """Tell whether the first header of a FITS file says that there is data."""
    with open(path, "rb") as content:
        text = content.read(2880 * 4).decode("ascii", "replace")
    cards = [text[place : place + 80] for place in range(0, len(text), 80)]
    sides = [card[10:30].strip() for card in cards if card[:5] == "NAXIS" and card[5] in "123"]
    return len(sides) >= 3 and all(side.isdigit() and int(side) > 0 for side in sides)


def write_parameters(given, folder, name):
    """Fill in the parameter file of this subcube and return where it is."""
    words = (
        ("output_path", folder),
        ("datacube", given.datacube),
        ("outname", name),
        ("scfind_threshold", given.scfind_threshold),
        ("reliability_fmin", given.reliability_fmin),
        ("reliability_threshold", given.reliability_threshold),
    )
    with open(given.parfile) as source:
        lines = source.read().splitlines()
    filled = []
    for line in lines:
        key, equals, value = line.partition("=")
        for word, text in words:
            value = value.replace(word, text)
        filled.append(key + equals + value)
    target = os.path.join(folder, "sofia.par")
    with open(target, "w") as out:
        out.write("\n".join(filled) + "\n")
    return target


def write_empty(catalogue):
    """Write a catalogue without rows; its columns are in line 11, where they are looked for."""
    head = ["# No source was found in this subcube", *["#"] * 9, "# " + COLUMNS, "#"]
    with open(catalogue, "w") as out:
        out.write("\n".join(head) + "\n")


def without_time(catalogue):
    """Take the time out of a catalogue, so that the same input gives the same file."""
    with open(catalogue) as source:
        lines = source.readlines()
    with open(catalogue, "w") as out:
        out.writelines("# Time:\n" if line.startswith("# Time:") else line for line in lines)


def main():
    """Run SoFiA and leave a catalogue, or say why there is none."""
    given = options()
    if not has_voxels(given.datacube):
        sys.exit(
            f"{given.datacube} has no voxels: pixel_overlap reaches beyond the edge of the cube."
            " Deploy again with pixel_overlap=0."
        )
    folder = os.path.join(given.results_path, given.outname)
    os.makedirs(folder, exist_ok=True)
    name = os.path.splitext(os.path.basename(given.datacube))[0]
    parameters = write_parameters(given, folder, name)
    try:
        code = subprocess.call(["sofia", parameters])
    except FileNotFoundError:
        sys.exit("there is no program `sofia` in this environment")
    catalogue = os.path.join(folder, f"{name}_cat.txt")
    if code not in (0, NOTHING_FOUND):
        sys.exit(f"sofia ended with {code} on {given.datacube}")
    if os.path.isfile(catalogue):
        without_time(catalogue)
    else:
        print(f"no source in {given.datacube}")
        write_empty(catalogue)


if __name__ == "__main__":
    main()
