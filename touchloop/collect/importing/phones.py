"""Phone numbers by the million: which ones are in their final form already.

Parsing one number properly takes 80 µs. A number in international form stays as it is when its
country's rules say so: its length is possible, and it does not begin with the prefix (or a zero)
that the parser would take off. This table holds the countries whose rules are that simple; all
other numbers go through the parser.
"""

from __future__ import annotations

from functools import lru_cache

import pyarrow as pa
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata


@lru_cache(maxsize=1)
def plain_countries() -> pa.Table:
    """(code, prefix, length): a number +code… of this length that begins otherwise is final."""
    rows = []
    for code, regions in COUNTRY_CODE_TO_REGION_CODE.items():
        meta = PhoneMetadata.metadata_for_region(regions[0], None)
        if meta is None or meta.general_desc is None:
            continue
        prefix = meta.national_prefix_for_parsing or ""
        if prefix and not prefix.isdigit():
            continue
        for length in meta.general_desc.possible_length:
            rows.append({"code": str(code), "prefix": prefix, "length": length})
    return pa.Table.from_pylist(rows)
