"""SmallCrush of TestU01 on the 32-bit numbers that come in on standard input.

P. L'Ecuyer and R. Simard (2007), "TestU01: A C library for empirical testing of random
number generators", ACM Transactions on Mathematical Software 33(4), 22. It prints one line
``p-value,name,p`` for each of the battery's 15 statistics. The library reads the first of
four bytes as the highest.
"""

from __future__ import annotations

import ctypes
import ctypes.util


def library() -> str | None:
    """Return the name of the shared library, or None where it is not installed."""
    return ctypes.util.find_library("testu01")


def p_values() -> list[tuple[str, float]]:
    """Run the battery."""
    crush = ctypes.CDLL(library())
    ctypes.c_int.in_dll(crush, "swrite_Basic").value = 0
    crush.ufile_CreateReadBin.restype = ctypes.c_void_p
    numbers = ctypes.c_void_p(crush.ufile_CreateReadBin(b"/dev/stdin", ctypes.c_long(1 << 16)))
    crush.bbattery_SmallCrush(numbers)
    done = ctypes.c_int.in_dll(crush, "bbattery_NTests").value
    names = (ctypes.c_char_p * done).in_dll(crush, "bbattery_TestNames")
    values = (ctypes.c_double * done).in_dll(crush, "bbattery_pVal")
    return [(name.decode(), value) for name, value in zip(names, values, strict=True)]


if __name__ == "__main__":
    for name, value in p_values():
        print(f"p-value,{name},{value:.12f}", flush=True)
