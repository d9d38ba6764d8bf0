"""Formulas and small neural networks, compiled to native SIMD code at run time, on NumPy arrays.

    import fusejit
    f = fusejit.ufunc("sqrt(x*x + y*y)")            # broadcasts, out=, where=, f.reduce, f.outer ...
    g = fusejit.vectorize(["float64(float64, float64)"])("x*y + 1")        # a numpy.ufunc
    m = fusejit.compile("fn softmax(x: [n]) -> y: [n] { ... }").softmax    # any function of the language
    net = fusejit.load("model.safetensors")         # a trained network, as jit_model_save wrote it

The language is that of docs/language.md. Everything is in the C library, which is reached by ctypes.
"""

from ._library import Error, version
from ._function import Function, Model, Program, compile, load
from ._ufunc import Ufunc, ufunc
from ._vectorize import vectorize

__version__ = version
__all__ = ["Error", "Function", "Model", "Program", "Ufunc", "compile", "load", "ufunc", "vectorize"]
