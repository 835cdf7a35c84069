"""Phone numbers by the million: which ones are in their final form already.

Parsing one number takes 80 µs. A number in international form stays as it is when its country's
rules are simple: its length is possible, and it begins neither with zero nor with the digit that
the parser would take off. `plain_numbers` lists how such numbers begin and how long they are; all
others go through the parser.
"""

from __future__ import annotations

from functools import lru_cache

import pyarrow as pa
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata


@lru_cache(maxsize=1)
def plain_numbers() -> pa.Table:
    """(shape): the country code, the next digit, a colon, and the length of the whole number."""
    shapes = []
    for code, regions in COUNTRY_CODE_TO_REGION_CODE.items():
        meta = PhoneMetadata.metadata_for_region(regions[0], None)
        if meta is None or meta.general_desc is None:
            continue
        prefix = meta.national_prefix_for_parsing or ""
        if len(prefix) > 1 or (prefix and not prefix.isdigit()):
            continue
        for digit in set("123456789") - {prefix}:
            for length in meta.general_desc.possible_length:
                shapes.append(f"{code}{digit}:{1 + len(str(code)) + length}")
    return pa.table({"shape": shapes})
