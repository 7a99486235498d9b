"""RDFs from theory, without training: an integral equation for each phase, PeTS for the phases.

>>> from binlj.grid import State
>>> from binlj.theory import predict
>>> predict([State(1.0, 0.3, 1.25, 0.9)]).g.shape
(1, 3, 100)
"""

from __future__ import annotations

from binlj.theory.prediction import Prediction, StateInfo, predict

__all__ = ["Prediction", "StateInfo", "predict"]
