"""Stands before the workflow's own script of this name, for subcubes in which nothing was found.

Why: with no rows to read its columns have no type, and it ends the whole workflow with a
traceback. Here such a subcube gives a table with a head and no rows; anything else is left to the
workflow's own script, which is kept beside this one.
"""

import runpy
import sys

COLUMNS = "id_subcube ra dec hi_size line_flux_integral central_freq pa i w20 rms subcube"


def has_rows(catalogue):
    """Tell whether a catalogue of SoFiA lists any source."""
    with open(catalogue) as lines:
        return any(line.strip() and not line.startswith("#") for line in lines)


def catalogue_in(arguments):
    """Return the catalogue among the arguments that the rule gives."""
    for name, value in zip(arguments, arguments[1:]):
        if name in ("-i", "--incatalog"):
            return value
    return sys.exit("sofia2cat: --incatalog is missing")


def main():
    """Convert one catalogue."""
    catalogue = catalogue_in(sys.argv)
    if has_rows(catalogue):
        runpy.run_path(__file__ + ".upstream", run_name="__main__")
        return
    print(f"no source in {catalogue}")
    with open(catalogue.replace("_cat.txt", "_final_catalog.csv"), "w") as out:
        out.write(COLUMNS + "\n")


if __name__ == "__main__":
    main()
