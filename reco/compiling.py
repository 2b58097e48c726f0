"""`python -m reco.compiling` compiles all kernels, several at once: so no start has to."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib import import_module
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path
from pkgutil import iter_modules

from rich.progress import track

from reco.console import errors

_KERNELS = Path(__file__).parent / "kernel"
_MOST_PROCESSES = 6
"""The longest module takes a sixth of the time of all: more processes would wait for it."""


def compile_modules(names: Sequence[str]) -> None:
    """Import modules whose functions are compiled as they load, each by whatever process is free.

    Raises
    ------
    ImportError
        There is no such module. Whatever else one raises is raised here, too.
    """
    processes = min(len(names), cpu_count() or 1, _MOST_PROCESSES)
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        loading = [pool.submit(_load, name) for name in names]
        about = "Compiling the kernels, once ..."
        for loaded in track(as_completed(loading), about, len(loading), console=errors):
            loaded.result()


def kernels() -> list[str]:
    """Return the modules of `reco.kernel`, the longest first: none of these is begun last."""
    names = [module.name for module in iter_modules([str(_KERNELS)])]
    names.sort(key=lambda name: -(_KERNELS / f"{name}.py").stat().st_size)
    return [f"reco.kernel.{name}" for name in names]


def _load(name: str) -> None:
    import_module(name)


if __name__ == "__main__":
    compile_modules(kernels())
