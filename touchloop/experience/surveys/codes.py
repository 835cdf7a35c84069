"""The address of a survey as a QR code, for a wall or a receipt.

Error correction Q: a quarter of it may be dirty or torn.
"""

from __future__ import annotations

import io

import segno


def svg(address: str) -> str:
    """The code as an SVG picture, black on white in either theme, with a title."""
    out = io.BytesIO()
    segno.make(address, error="q", micro=False).save(
        out, kind="svg", scale=8, border=4, dark="#000", light="#fff", title=address, xmldecl=False
    )
    return out.getvalue().decode()


def png(address: str, *, scale: int = 12) -> bytes:
    """The code as a PNG picture, `scale` pixels a module."""
    out = io.BytesIO()
    segno.make(address, error="q", micro=False).save(out, kind="png", scale=scale, border=4)
    return out.getvalue()
