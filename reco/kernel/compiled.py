"""How kernels are compiled: for the types that they state, when their module is first imported.

The machine code is kept beside the source, or in the user's cache folder where that is read-only,
so that only the first start of an installation compiles, or `python -m reco.compiling` before it;
`NUMBA_CACHE_DIR` says another folder. A call with other types is an error, never a compilation in a
request.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core import config as numba_config

Kernel = Callable[..., Any]

READ_I16 = numba.types.Array(numba.int16, 1, "C", readonly=True)
READ_I32 = numba.types.Array(numba.int32, 1, "C", readonly=True)
READ_I64 = numba.types.Array(numba.int64, 1, "C", readonly=True)
READ_F64 = numba.types.Array(numba.float64, 1, "C", readonly=True)
READ_BOOL = numba.types.Array(numba.boolean, 1, "C", readonly=True)
READ_MATRIX_I8 = numba.types.Array(numba.int8, 2, "C", readonly=True)
READ_MATRIX_I64 = numba.types.Array(numba.int64, 2, "C", readonly=True)
READ_MATRIX_F64 = numba.types.Array(numba.float64, 2, "C", readonly=True)
READ_MATRIX_F32 = numba.types.Array(numba.float32, 2, "C", readonly=True)
READ_F32 = numba.types.Array(numba.float32, 1, "C", readonly=True)


def compiled(signature: object, *, reorders: bool = False) -> Callable[[Kernel], Kernel]:
    """Compile a function for `signature` alone; it runs without Python's lock.

    Parameters
    ----------
    reorders
        Whether sums may be taken in any order, which lets them be vectorised.
    """
    _ensure_cache_folder()
    loose = {"reassoc", "contract", "nsz"} if reorders else False
    compiler: Callable[[Kernel], Kernel] = numba.njit(
        signature, cache=True, nogil=True, error_model="numpy", fastmath=loose
    )
    return compiler


def _ensure_cache_folder() -> None:
    """Let numba keep its code in a temporary folder where it may write nowhere else."""
    config: Any = numba_config
    folders = (Path(__file__).parent, Path.home())
    if not config.CACHE_DIR and not any(os.access(folder, os.W_OK) for folder in folders):
        config.CACHE_DIR = str(Path(tempfile.gettempdir()) / f"reco-numba-{os.getuid()}")
