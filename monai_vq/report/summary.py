"""The small table that ends a run in the terminal."""

import math

import pandas as pd

HEADER = ["split", "{unit}s", "slices", "SSIM mean [95% interval]", "PSNR", "bits/pixel{bound}", "codes used"]


def format_summary(split_rows: pd.DataFrame, unit: str = "patient", is_bound: bool = False) -> str:
    """A split table (`tables.split_table`) as aligned plain text, "-" where there is no value.

    Args:
        split_rows: the table.
        unit: what its `n_patients` counts: patients, scans or images.
        is_bound: the rate is a bound, and the header says so.

    Returns:
        Lines without a trailing newline: a header, a rule, a line a split.
    """
    header = [name.format(unit=unit, bound=" (bound)" if is_bound else "") for name in HEADER]
    lines = [header] + [_cells(row) for row in split_rows.to_dict("records")]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADER))]
    text = ["  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in lines]
    return "\n".join([text[0], "-" * len(text[0]), *text[1:]])


def _cells(row: dict) -> list[str]:
    interval = f"[{_number(row['ssim_low'], '.4f')}, {_number(row['ssim_high'], '.4f')}]"
    psnr = _number(row["psnr"], ".2f")
    return [
        str(row["split"]),
        str(row["n_patients"]),
        str(row["n_slices"]),
        f"{_number(row['ssim'], '.4f')} {interval}",
        psnr if psnr == "-" else f"{psnr} dB",
        _number(row["bits_per_pixel"], ".4g"),
        _number(row["codebook_usage"], ".1%"),
    ]


def _number(value: float, spec: str) -> str:
    return "-" if math.isnan(value) else format(value, spec)
