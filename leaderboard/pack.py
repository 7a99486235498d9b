"""Curves small enough to travel inside the page: scaled integers in base64, with a known error.

* data: g as 16-bit integers, scaled to each curve's maximum (error at most max / 131,070);
  g_stderr as 8-bit integers in the same way (error at most max / 510);
* a model: its *difference* from the data as signed 8-bit integers, scaled to the curve's largest
  difference (error at most that / 254): a picture of a model cannot be off by more than 0.4 % of its own
  largest mistake. Scores are computed from the submitted numbers, never from these.

All arrays are little-endian and C-ordered; scales are 32-bit floats, one a curve.
"""

from __future__ import annotations

import base64

import numpy as np

Packed = dict[str, str]


def pack_unsigned(values: np.ndarray, bits: int) -> Packed:
    """Pack non-negative curves, shape (n, bins), as 8- or 16-bit integers with one scale a curve."""
    kind = {8: "<u1", 16: "<u2"}[bits]
    scale = values.max(axis=1).astype("<f4")
    return {"q": _text(_steps(values, scale, 2**bits - 1).astype(kind)), "scale": _text(scale)}


def pack_signed(values: np.ndarray) -> Packed:
    """Pack curves of either sign, shape (n, bins), as signed 8-bit integers with one scale a curve."""
    scale = np.abs(values).max(axis=1).astype("<f4")
    return {"q": _text(_steps(values, scale, 127).astype("<i1")), "scale": _text(scale)}


def pack_shares(values: np.ndarray) -> str:
    """Pack numbers between 0 and 1, shape (n,), as 8-bit integers (error at most 1/510)."""
    return _text(np.rint(values * 255).astype("<u1"))


def unpack(packed: Packed, kind: str, bins: int) -> np.ndarray:
    """Inverse of the two above for `kind` ``u1``, ``u2`` or ``i1``; the page does the same in JavaScript."""
    top = {"u1": 255, "u2": 65535, "i1": 127}[kind]
    q = np.frombuffer(base64.b64decode(packed["q"]), dtype=f"<{kind}").reshape(-1, bins)
    scale = np.frombuffer(base64.b64decode(packed["scale"]), dtype="<f4")
    result: np.ndarray = q.astype(np.float64) * (scale[:, None].astype(np.float64) / top)
    return result


def size(packed: Packed) -> int:
    """Bytes it takes in the page."""
    return sum(len(text) for text in packed.values())


def _steps(values: np.ndarray, scale: np.ndarray, top: int) -> np.ndarray:
    wide = scale.astype(np.float64)[:, None]
    share = np.divide(values, wide, out=np.zeros(values.shape), where=wide > 0)
    return np.clip(np.rint(share * top), -top, top)


def _text(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
